//! Registries: which metrics exist under which names. Any thread; cold paths only.

use super::collector::Collector;
use super::descriptor::Descriptor;
use super::metric::{Kind, Metric};
use crate::memory::clock::wall_ns;
use crate::memory::table::{Memory, Owner, lock};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The name is taken by another kind of metric, or one of its sample names is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What the existing metric is, for the message.
    pub existing: String,
}

#[derive(Default)]
struct Entries {
    /// In order of registration.
    metrics: Vec<Arc<Metric>>,
    /// Every name under which samples are written, and whose it is.
    names: HashMap<String, Arc<Metric>>,
    collectors: Vec<(u32, Arc<dyn Collector>)>,
    next_collector: u32,
    default_labels: Arc<[(Box<str>, Box<str>)]>,
}

/// Labels that a registry gives every series which has none of that name: names and values, in their order.
pub type DefaultLabels = Arc<[(Box<str>, Box<str>)]>;

impl Entries {
    fn add(&mut self, names: Vec<String>, metric: &Arc<Metric>) {
        metric.join();
        self.names
            .extend(names.into_iter().map(|name| (name, Arc::clone(metric))));
        self.metrics.push(Arc::clone(metric));
    }
}

/// A set of metrics with distinct names.
pub struct Registry {
    id: u32,
    /// Refuses equal names only, not clashes of sample names (prom-client's rule).
    lenient: bool,
    entries: Mutex<Entries>,
}

impl Registry {
    /// Process-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// See [`DefaultLabels`].
    pub fn default_labels(&self) -> DefaultLabels {
        Arc::clone(&lock(&self.entries).default_labels)
    }

    /// Replaces all of them; rendering from now on shows these.
    pub fn set_default_labels(&self, labels: DefaultLabels) {
        lock(&self.entries).default_labels = labels;
    }

    /// Metrics in it.
    pub fn len(&self) -> usize {
        lock(&self.entries).metrics.len()
    }

    /// True without metrics; collectors do not count.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` for each metric in order of registration. The list is copied first, so that registration waits for
    /// that copy at most, never for `visit`.
    pub fn for_each_metric(&self, visit: &mut dyn FnMut(&Metric)) {
        let metrics = lock(&self.entries).metrics.clone();
        metrics.iter().for_each(|metric| visit(metric));
    }

    /// Adds a source that is asked at each scrape; the result is for [`Registry::detach`].
    pub fn attach(&self, collector: Arc<dyn Collector>) -> u32 {
        let mut entries = lock(&self.entries);
        entries.next_collector += 1;
        let id = entries.next_collector;
        entries.collectors.push((id, collector));
        id
    }

    /// Takes a source out; false if it was not there.
    pub fn detach(&self, id: u32) -> bool {
        let mut entries = lock(&self.entries);
        let before = entries.collectors.len();
        entries.collectors.retain(|(other, _)| *other != id);
        entries.collectors.len() < before
    }

    /// Calls `visit` for each source, in order of attachment.
    pub fn for_each_collector(&self, visit: &mut dyn FnMut(&dyn Collector)) {
        let collectors = lock(&self.entries).collectors.clone();
        collectors.iter().for_each(|(_, collector)| visit(&**collector));
    }

    /// The names that a metric takes here.
    fn keys_of(&self, descriptor: &Descriptor) -> Vec<String> {
        if self.lenient {
            vec![descriptor.name.to_string()]
        } else {
            sample_names(descriptor)
        }
    }

    /// The metric of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Metric>> {
        let entries = lock(&self.entries);
        let key = if self.lenient { name.to_owned() } else { written(name) };
        entries.names.get(&key).filter(|metric| metric.name() == name).cloned()
    }
}

/// All registries of the process.
pub struct Registries {
    memory: Arc<Memory>,
    by_id: RwLock<Vec<Arc<Registry>>>,
    by_name: Mutex<HashMap<String, u32>>,
    /// Metrics by process-wide id; those taken out stay until the last thread let go of them.
    metrics: RwLock<Vec<Option<Arc<Metric>>>>,
}

impl Registries {
    /// None yet.
    pub fn new(memory: Arc<Memory>) -> Registries {
        Registries {
            memory,
            by_id: RwLock::default(),
            by_name: Mutex::default(),
            metrics: RwLock::default(),
        }
    }

    /// The memory below.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The registry of that name, which all threads share, or a new one without a name.
    pub fn open(&self, name: Option<&str>) -> Arc<Registry> {
        self.open_with(name, false)
    }

    /// [`Registries::open`]; a new `lenient` registry refuses equal names only, not clashing sample names.
    pub fn open_with(&self, name: Option<&str>, lenient: bool) -> Arc<Registry> {
        let mut names = lock(&self.by_name);
        if let Some(registry) = name.and_then(|name| names.get(name)).and_then(|id| self.get(*id)) {
            return registry;
        }
        let mut all = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let registry = Arc::new(Registry {
            id: all.len() as u32,
            lenient,
            entries: Mutex::default(),
        });
        all.push(Arc::clone(&registry));
        if let Some(name) = name {
            names.insert(name.to_owned(), registry.id);
        }
        registry
    }

    /// A registry by id.
    pub fn get(&self, id: u32) -> Option<Arc<Registry>> {
        self.by_id
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id as usize)
            .cloned()
    }

    /// A metric by id.
    pub fn metric(&self, id: u32) -> Option<Arc<Metric>> {
        self.metrics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id as usize)
            .cloned()
            .flatten()
    }

    /// Every metric of the process, those in no registry included.
    pub fn all_metrics(&self) -> Vec<Arc<Metric>> {
        let metrics = self.metrics.read().unwrap_or_else(PoisonError::into_inner);
        metrics.iter().flatten().cloned().collect()
    }

    /// Declares a metric: the same declaration gives the same metric, on any thread.
    pub fn declare(&self, registry: &Registry, descriptor: Descriptor) -> Result<Arc<Metric>, Conflict> {
        let mut entries = lock(&registry.entries);
        let names = registry.keys_of(&descriptor);
        if let Some(existing) = names.iter().find_map(|name| entries.names.get(name)) {
            if *existing.descriptor() == descriptor {
                return Ok(Arc::clone(existing));
            }
            return Err(Conflict {
                existing: describe(existing.descriptor()),
            });
        }
        let metric = self.make(Some(registry.id), descriptor);
        entries.add(names, &metric);
        Ok(metric)
    }

    /// A metric that is in no registry yet; it records all the same.
    pub fn declare_alone(&self, descriptor: Descriptor) -> Arc<Metric> {
        self.make(None, descriptor)
    }

    fn make(&self, registry: Option<u32>, descriptor: Descriptor) -> Arc<Metric> {
        let mut metrics = self.metrics.write().unwrap_or_else(PoisonError::into_inner);
        let id = metrics.len() as u32;
        let metric = Arc::new(Metric::new(
            id,
            registry,
            descriptor,
            wall_ns(),
            Arc::clone(&self.memory),
        ));
        metrics.push(Some(Arc::clone(&metric)));
        metric
    }

    /// Puts a metric into one more registry; nothing happens when it is there already.
    pub fn adopt(&self, registry: &Registry, metric: &Arc<Metric>) -> Result<(), Conflict> {
        let mut entries = lock(&registry.entries);
        if entries.metrics.iter().any(|other| other.id() == metric.id()) {
            return Ok(());
        }
        let names = registry.keys_of(metric.descriptor());
        if let Some(existing) = names.iter().find_map(|name| entries.names.get(name)) {
            return Err(Conflict {
                existing: describe(existing.descriptor()),
            });
        }
        entries.add(names, metric);
        Ok(())
    }

    /// Takes a metric out of its registry; its name is free again.
    pub fn unregister(&self, registry: &Registry, metric: u32) -> bool {
        let mut entries = lock(&registry.entries);
        let Some(at) = entries.metrics.iter().position(|other| other.id() == metric) else {
            return false;
        };
        entries.metrics.remove(at).leave();
        entries.names.retain(|_, other| other.id() != metric);
        true
    }

    /// Takes all metrics and sources out.
    pub fn clear(&self, registry: &Registry) {
        let mut entries = lock(&registry.entries);
        // Ids of sources go on: one from before must not detach one from after.
        let kept = Entries {
            next_collector: entries.next_collector,
            default_labels: Arc::clone(&entries.default_labels),
            ..Entries::default()
        };
        let gone = std::mem::replace(&mut *entries, kept);
        gone.metrics.iter().for_each(|metric| metric.leave());
    }

    /// Lets go of a metric that is in no registry and has no cells left; its id is not used again.
    pub fn forget(&self, id: u32) {
        if self
            .metric(id)
            .is_some_and(|metric| metric.is_gone() && metric.is_empty())
        {
            self.memory.forget(id);
            if let Some(slot) = self
                .metrics
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(id as usize)
            {
                *slot = None;
            }
        }
    }

    /// Hides what was idle for too long and asks for the resets that are due, in every metric. `now_ms` is the monotonic clock.
    pub fn sweep(&self, now_ms: u64) {
        for metric in self.all_metrics() {
            metric.sweep_idle(now_ms);
            metric.sweep_summary(now_ms);
            metric.schedule_resets(wall_ns() / 1_000_000);
        }
    }

    /// Ends a thread: its counts and sums stay, its gauges hold no more.
    pub fn retire(&self, owner: &Arc<Owner>) {
        self.all_metrics().iter().for_each(|metric| metric.mask(owner));
        self.memory.retire(owner);
    }
}

fn describe(descriptor: &Descriptor) -> String {
    let kind = format!("{:?}", descriptor.kind).to_lowercase();
    format!("{kind} {}{{{}}}", descriptor.name, descriptor.label_names.join(","))
}

/// The name as the `underscores` scheme writes it: two names that differ only in forbidden characters collide.
fn written(name: &str) -> String {
    super::exposition::escape::metric_name(name).into()
}

/// Every name under which a metric's samples are written; no two metrics may share one (OpenMetrics, "MetricFamily").
fn sample_names(descriptor: &Descriptor) -> Vec<String> {
    let name = written(&descriptor.name);
    let suffixes: &[&str] = match descriptor.kind {
        Kind::Counter | Kind::Gauge | Kind::StateSet => &[""],
        Kind::Histogram => &["", "_bucket", "_sum", "_count"],
        Kind::Summary => &["", "_sum", "_count"],
        Kind::Info => &["", "_info"],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}
