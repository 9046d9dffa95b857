//! Kymo's own state as metrics: what it holds, and what it could not do. Read at scrape time by the thread that renders.

use super::collector::{Collector, Sample};
use super::labels::push_pair;
use super::metric::{Kind, Metric};
use super::registry::Registries;
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

/// How much the registries hold; read at scrape time. Waits for a running registration of a metric, never for a render.
pub struct RegistrySizes {
    registries: fn() -> Option<&'static Registries>,
}

impl RegistrySizes {
    /// Over what `registries` gives: the process's, once there are any.
    pub fn new(registries: fn() -> Option<&'static Registries>) -> RegistrySizes {
        RegistrySizes { registries }
    }
}

impl Collector for RegistrySizes {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let metrics = (self.registries)().map(Registries::all_metrics).unwrap_or_default();
        sizes(&metrics, emit);
    }
}

fn sizes(metrics: &[Arc<Metric>], emit: &mut dyn FnMut(Sample<'_>)) {
    let mut give = |name, help, kind, labels: &str, value: u64| {
        let value = value as f64;
        emit(Sample {
            name,
            help,
            kind,
            labels,
            value,
        });
    };
    let series: u64 = metrics.iter().map(|metric| u64::from(metric.series_count())).sum();
    let (metrics_help, series_help) = ("Metrics of all registries.", "Series of all metrics.");
    give("kymo_metrics", metrics_help, Kind::Gauge, "", metrics.len() as u64);
    give("kymo_series", series_help, Kind::Gauge, "", series);
    let expired = metrics.iter().map(|metric| metric.limits().expired()).sum();
    let help = "Series hidden because nobody wrote them for their idle time.";
    give("kymo_series_expired_total", help, Kind::Counter, "", expired);
    let help = "Requests for a new series that the overflow series of a full metric answered, by metric.";
    for metric in metrics.iter().filter(|metric| metric.limits().overflowed() > 0) {
        let mut labels = Vec::new();
        // A name is at most 512 characters: it always fits.
        let _ = push_pair("metric", metric.name(), &mut labels);
        give(
            "kymo_series_overflow_total",
            help,
            Kind::Counter,
            &String::from_utf8_lossy(&labels),
            metric.limits().overflowed(),
        );
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

    #[test]
    fn series_and_what_overflowed_or_expired_are_counted() {
        use crate::memory::table::{AnonymousProvider, Memory, Role};
        use crate::metrics::descriptor::Descriptor;
        let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
        let owner = memory.attach(Role::Main, 0).unwrap();
        let registries = Registries::new(memory);
        let descriptor = Descriptor {
            label_names: ["a".into()].into(),
            ..Descriptor::new(Kind::Counter, "jobs_total", "Jobs")
        };
        let metric = registries.declare(&registries.open(None), descriptor).unwrap();
        metric.limits().set(2, 10);
        for n in 0..5 {
            metric.register(&owner, format!("a=\"{n}\"").as_bytes()).unwrap();
        }
        registries.sweep(0);
        registries.sweep(10);
        let mut shown = Vec::new();
        sizes(&registries.all_metrics(), &mut |sample| {
            shown.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value));
        });
        assert_eq!(
            shown,
            [
                "kymo_metrics{} 1",
                "kymo_series{} 3",
                "kymo_series_expired_total{} 2",
                "kymo_series_overflow_total{metric=\"jobs_total\"} 3"
            ]
        );
    }
}
