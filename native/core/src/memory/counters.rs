//! What memory tells about itself in a scrape. Read by the thread that renders.

use super::file::Store;
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::metric::Kind;
use crate::threads;

impl Collector for Store {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let used = self.used();
        for (labels, bytes) in [
            ("backing=\"file\"", used.files),
            ("backing=\"anonymous\"", used.anonymous),
        ] {
            emit(Sample {
                name: "kymo_memory_bytes",
                help: "Memory of all segments; what is anonymous does not survive the process.",
                kind: Kind::Gauge,
                labels,
                value: bytes as f64,
            });
        }
        for (reason, count) in self.failures() {
            emit(Sample {
                name: "kymo_memory_fallbacks_total",
                help: "Segments that are anonymous, or could not be made at all, for this reason.",
                kind: Kind::Counter,
                labels: &format!("reason=\"{reason}\""),
                value: count as f64,
            });
        }
        emit(Sample {
            name: "kymo_panics_total",
            help: "Panics caught in native code; each is a bug.",
            kind: Kind::Counter,
            labels: "",
            value: threads::panics() as f64,
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::file::StoreOptions;
    use super::*;
    use crate::layout::KIND_CELLS;

    /// [M3] [M4] a fallback is counted by its reason, and shows.
    #[test]
    fn fallbacks_and_bytes_show_in_a_scrape() {
        let dir = Some("/absent".into());
        let store = Store::open(StoreOptions {
            dir,
            service: "a".to_owned(),
            limit: None,
            root: "/absent".into(),
        });
        store.make(KIND_CELLS, 8192, 0).unwrap();
        let mut lines = Vec::new();
        store.collect(&mut |sample| lines.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value)));
        for line in [
            "kymo_memory_bytes{backing=\"anonymous\"} 8192",
            "kymo_memory_bytes{backing=\"file\"} 0",
            "kymo_memory_fallbacks_total{reason=\"memory_folder\"} 1",
            "kymo_memory_fallbacks_total{reason=\"memory_budget\"} 0",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line} in {lines:?}");
        }
    }
}
