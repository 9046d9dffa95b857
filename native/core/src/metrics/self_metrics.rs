//! Kymo's own state as metrics: what it holds, and what it could not do. Read at scrape time by the thread that renders.

use super::collector::{Collector, Sample};
use super::metric::Kind;
use crate::memory::file::Store;
use std::sync::Arc;

/// Name of the registry that holds Kymo's own metrics; the same name stands in `src/metrics/drops.ts`.
pub const SELF_REGISTRY: &str = "kymo";

/// See the module.
pub struct SelfMetrics {
    store: Arc<Store>,
}

impl SelfMetrics {
    /// Over the process's memory.
    pub fn new(store: Arc<Store>) -> SelfMetrics {
        SelfMetrics { store }
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
        let used = self.store.used();
        let help = "Bytes of all segments, by what holds them; only a file survives the process.";
        for (labels, bytes) in [
            ("backing=\"file\"", used.files),
            ("backing=\"anonymous\"", used.anonymous),
        ] {
            give("kymo_memory_bytes", help, Kind::Gauge, labels, bytes as f64);
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
        let help = "Faults in native code that were caught: each is a bug, and ended only what it was about.";
        give("kymo_panics_total", help, Kind::Counter, "", panics);
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::layout::KIND_CELLS;
    use crate::memory::file::StoreOptions;

    /// [M3] [M4] memory is shown by what holds it, and each fallback by its reason.
    #[test]
    fn memory_and_its_failures_are_shown() {
        let dir = Some("/proc/no-folder-here".into());
        let store = Arc::new(Store::open(StoreOptions {
            dir,
            service: "s".into(),
            limit: None,
            root: "/absent".into(),
        }));
        store.make(KIND_CELLS, 8192, 0).unwrap();
        let mut shown = Vec::new();
        SelfMetrics::new(store)
            .collect(&mut |sample| shown.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value)));
        for line in [
            "kymo_memory_bytes{backing=\"anonymous\"} 8192",
            "kymo_memory_bytes{backing=\"file\"} 0",
            "kymo_memory_fallbacks_total{reason=\"memory_folder\"} 1",
            "kymo_memory_fallbacks_total{reason=\"memory_budget\"} 0",
        ] {
            assert!(shown.iter().any(|found| found == line), "{line} in {shown:?}");
        }
    }
}
