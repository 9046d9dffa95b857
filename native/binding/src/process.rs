//! What exists once per process, whichever thread loads the addon first: memory, registries, the collector thread.

use crate::raw::{CodedError, coded};
use kymo_core::collector::Collector;
use kymo_core::layout;
use kymo_core::memory::MemoryError;
use kymo_core::memory::exit::ending;
use kymo_core::memory::file::{Store, StoreOptions, prefault};
use kymo_core::memory::segment::Segment;
use kymo_core::memory::sweep::{Retention, sweep};
use kymo_core::memory::table::{Memory, Provider};
use kymo_core::metrics::registry::{Registries, Registry};
use kymo_core::metrics::scrapes::ScrapeCounters;
use kymo_core::metrics::self_metrics::{RegistrySizes, SELF_REGISTRY, SelfMetrics};
use napi_derive::napi;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// Time that is kept of the deadline for a last line on stderr.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How segments are made, as `KYMO_MEMORY` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Files, or anonymous memory where there is none: both are lent to JS.
    External,
    /// Buffers made by the runtime and lent to us (M5).
    Internal,
}

/// The process's parts.
pub struct Process {
    /// All metrics.
    pub registries: Registries,
    /// Files and budget.
    pub store: Arc<Store>,
    /// What scrapes cost, whoever serves them.
    pub scrapes: Arc<ScrapeCounters>,
    /// The native thread that prepares segments and drains rings; none where no thread could be made.
    pub collector: Option<Arc<Collector>>,
    /// See [`Mode`].
    pub mode: Mode,
}

static PROCESS: OnceLock<Process> = OnceLock::new();

/// Options of the first start; later ones are ignored, since memory is laid out once.
#[napi(object)]
pub struct StartOptions {
    /// `file`, `anonymous` or `internal`.
    pub memory: String,
    /// Folder of the segments.
    pub memory_dir: String,
    /// Bytes of all segments at most.
    pub memory_limit_bytes: Option<f64>,
    /// Name of the service.
    pub service: String,
    /// Fingerprint of the layout that the caller was built with.
    pub fingerprint: u32,
}

/// Starts the process's parts, once. Fails with `KYMO_BINDING_VERSION` when the caller was built with another layout.
#[napi(catch_unwind)]
pub fn start(options: StartOptions) -> Result<(), CodedError> {
    if options.fingerprint != layout::FINGERPRINT {
        return Err(coded(
            "KYMO_BINDING_VERSION",
            format!("layout {:08x}", layout::FINGERPRINT),
        ));
    }
    PROCESS.get_or_init(|| open(options));
    Ok(())
}

fn open(options: StartOptions) -> Process {
    let internal = options.memory == "internal";
    let store = Arc::new(Store::open(StoreOptions {
        dir: (options.memory == "file").then(|| PathBuf::from(options.memory_dir)),
        service: options.service,
        limit: options.memory_limit_bytes.map(|bytes| bytes as u64),
        root: PathBuf::from("/"),
    }));
    // Recover, sweep, allocate: a crash loop must not pile segments up until the memory limit kills it (M3).
    if let Some(folder) = store.folder() {
        sweep(folder, store.service(), &Retention::default(), SystemTime::now());
    }
    ending().own(&store);
    let provider: Box<dyn Provider> = if internal {
        Box::new(crate::thread::LentProvider(Arc::clone(&store)))
    } else {
        Box::new(StoreProvider(Arc::clone(&store)))
    };
    let memory = Arc::new(Memory::new(provider));
    let collector = Collector::start().ok().map(Arc::new);
    if let Some(collector) = &collector {
        let (jobs, spares) = (Arc::downgrade(collector), Arc::downgrade(&memory));
        memory.on_low(Box::new(move || {
            let spares = spares.clone();
            if let Some(jobs) = jobs.upgrade() {
                jobs.submit(Box::new(move || {
                    if let Some(memory) = spares.upgrade() {
                        memory.prepare_spares();
                    }
                }));
            }
        }));
        let last = Arc::clone(collector);
        ending().before_exit(Box::new(move |until| {
            let left = until.saturating_duration_since(std::time::Instant::now());
            // The last moments are for saying what is left behind.
            last.stop(left.saturating_sub(LAST_WORDS));
            crate::logs::tell_what_is_left();
        }));
    }
    let registries = Registries::new(memory);
    let own = registries.open(Some(SELF_REGISTRY));
    own.attach(Arc::new(SelfMetrics::new(Arc::clone(&store))));
    own.attach(Arc::new(RegistrySizes::new(|| {
        PROCESS.get().map(|process| &process.registries)
    })));
    let scrapes = Arc::new(ScrapeCounters::default());
    own.attach(Arc::clone(&scrapes) as Arc<dyn kymo_core::metrics::collector::Collector>);
    Process {
        registries,
        store,
        scrapes,
        collector,
        mode: if internal { Mode::Internal } else { Mode::External },
    }
}

struct StoreProvider(Arc<Store>);

impl Provider for StoreProvider {
    fn create(&self, kind: u32, size: usize, thread: u32) -> Result<Segment, MemoryError> {
        self.0.create(kind, size, thread)
    }

    fn adopt(&self, segment: &Segment, thread: u32) {
        self.0.adopt(segment, thread);
    }

    fn prepare(&self, segment: &Segment) {
        prefault(segment);
    }

    fn may_prepare(&self) -> bool {
        true
    }
}

/// The process's parts; fails before `start`.
pub fn process() -> Result<&'static Process, CodedError> {
    PROCESS
        .get()
        .ok_or_else(|| coded("KYMO_BINDING_MISSING", "start was not called"))
}

/// A registry by its id.
pub fn registry(id: u32) -> Result<Arc<Registry>, CodedError> {
    process()?
        .registries
        .get(id)
        .ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", format!("registry {id}")))
}
