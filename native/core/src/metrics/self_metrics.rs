//! Kymo's own state as metrics: what it holds, and what it could not do. Read at scrape time by the thread that renders.

use super::collector::{Collector, Sample};
use super::metric::Kind;
use crate::memory::file::Store;
use crate::memory::segment::Backing;
use crate::memory::table::Memory;
use std::sync::Arc;

/// Name of the registry that holds Kymo's own metrics; the same name stands in `src/metrics/drops.ts`.
pub const SELF_REGISTRY: &str = "kymo";

/// True for a segment that is held in one way.
type IsHeld = fn(&Backing) -> bool;

/// Words for what holds a segment.
const BACKINGS: [(&str, IsHeld); 3] = [
    ("file", |backing| matches!(backing, Backing::File { .. })),
    ("anonymous", |backing| matches!(backing, Backing::Anonymous)),
    ("runtime", |backing| matches!(backing, Backing::Lent)),
];

/// See the module.
pub struct SelfMetrics {
    memory: Arc<Memory>,
    store: Arc<Store>,
}

impl SelfMetrics {
    /// Over the process's memory.
    pub fn new(memory: Arc<Memory>, store: Arc<Store>) -> SelfMetrics {
        SelfMetrics { memory, store }
    }
}

impl Collector for SelfMetrics {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut give = |name, help, kind, labels: &str, value| {
            emit(Sample {
                name,
                help,
                kind,
                labels,
                value,
            })
        };
        let held = BACKINGS.map(|(word, is)| {
            let of = self.memory.slots().filter(|slot| is(slot.segment.backing()));
            let (count, bytes) = of.fold((0_u64, 0_u64), |(count, bytes), slot| {
                (count + 1, bytes + slot.segment.size() as u64)
            });
            (format!("backing=\"{word}\""), count as f64, bytes as f64)
        });
        for (labels, count, _) in &held {
            give(
                "kymo_memory_segments",
                "Segments that hold cells, by what holds them.",
                Kind::Gauge,
                labels,
                *count,
            );
        }
        for (labels, _, bytes) in &held {
            give(
                "kymo_memory_bytes",
                "Bytes of the segments that hold cells.",
                Kind::Gauge,
                labels,
                *bytes,
            );
        }
        for (reason, count) in self.store.failures() {
            let labels = format!("reason=\"{reason}\"");
            let help = "Segments that are not in a file, or could not be made at all, by reason.";
            give(
                "kymo_memory_fallbacks_total",
                help,
                Kind::Counter,
                &labels,
                count as f64,
            );
        }
        let panics = crate::threads::panics() as f64;
        let help = "Faults in native code that were caught; what failed was abandoned, nothing else.";
        give("kymo_native_panics_total", help, Kind::Counter, "", panics);
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::file::StoreOptions;
    use crate::memory::table::{AnonymousProvider, Role};

    #[test]
    fn memory_and_its_failures_are_shown() {
        let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
        let owner = memory.attach(Role::Main, 0).unwrap();
        let dir = Some("/proc/no-folder-here".into());
        let store = Store::open(StoreOptions {
            dir,
            service: "s".into(),
            limit: None,
            root: "/".into(),
        });
        store.make(crate::layout::KIND_CELLS, 1 << 16, 0).unwrap();
        let mut shown = Vec::new();
        SelfMetrics::new(Arc::clone(&memory), Arc::new(store))
            .collect(&mut |sample| shown.push((format!("{}{{{}}}", sample.name, sample.labels), sample.value)));
        assert!(shown.contains(&(
            "kymo_memory_segments{backing=\"anonymous\"}".to_owned(),
            owner.segments().len() as f64
        )));
        assert!(shown.contains(&(
            "kymo_memory_bytes{backing=\"anonymous\"}".to_owned(),
            f64::from(1 << 20)
        )));
        assert!(
            shown.contains(&("kymo_memory_fallbacks_total{reason=\"memory_folder\"}".to_owned(), 1.0)),
            "{shown:?}"
        );
    }
}
