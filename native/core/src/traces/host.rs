//! Providers of tracers and their pipelines, for the whole process: where spans go once they are out of a ring. The collector
//! hands spans in, app threads configure, exporters' threads take batches.
use super::clock::WallClocks;
use super::pipeline::{Export, Loss, Pipeline, PipelineOptions};
use super::resource::{Resource, Scopes};
use super::store::TraceStore;
use super::{ExportSpan, SpanRecord};
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::labels::push_pair;
use crate::metrics::metric::Kind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A provider: its resource, what it keeps, how it samples and where it exports to.
pub struct Host {
    /// What its spans have in common.
    pub resource: Arc<Resource>,
    /// Completed traces.
    pub store: TraceStore,
    pipelines: RwLock<Vec<Arc<Pipeline>>>,
}

/// See the module. One per process.
#[derive(Default)]
pub struct Traces {
    /// All tracers.
    pub scopes: Scopes,
    /// Wall clock anchors.
    pub clocks: WallClocks,
    hosts: RwLock<Vec<Option<Arc<Host>>>>,
    exports: RwLock<Vec<Option<Export>>>,
    spans: AtomicU64,
    /// Spans whose record made no sense, whose provider is gone, and those lost before a ring, by reason.
    unread: AtomicU64,
    homeless: AtomicU64,
    before_ring: RwLock<Vec<(Box<str>, u64)>>,
}

impl Host {
    /// A provider without pipelines.
    pub fn new(resource: Resource, store: TraceStore) -> Host {
        Host {
            resource: Arc::new(resource),
            store,
            pipelines: RwLock::default(),
        }
    }

    fn accept(&self, span: &Arc<SpanRecord>) {
        self.store.accept(span);
        let view = span.view();
        if view.record_only {
            return;
        }
        let pipelines = self.pipelines.read().unwrap_or_else(PoisonError::into_inner);
        if pipelines.is_empty() {
            return;
        }
        spread(
            &pipelines,
            ExportSpan {
                record: Arc::clone(span),
                threshold: None,
            },
        );
    }

    fn tick(&self, mono_ms: u64) {
        self.store.tick(mono_ms);
    }
}

fn spread(pipelines: &[Arc<Pipeline>], span: ExportSpan) {
    pipelines.iter().for_each(|pipeline| pipeline.push(span.clone()));
}

impl Traces {
    /// Adds a provider; its number names it from now on.
    pub fn add_host(&self, host: Host) -> u32 {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.push(Some(Arc::new(host)));
        hosts.len() as u32 - 1
    }

    /// The provider of a number, while it is not closed.
    pub fn host(&self, number: u32) -> Option<Arc<Host>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(number as usize).cloned().flatten()
    }

    /// All that are not closed, by number.
    pub fn hosts(&self) -> Vec<(u32, Arc<Host>)> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let numbered = hosts.iter().enumerate();
        numbered
            .filter_map(|(number, host)| Some((number as u32, Arc::clone(host.as_ref()?))))
            .collect()
    }

    /// Closes a provider's pipelines and gives back what it keeps. Its spans that are still in a ring are counted as lost.
    pub fn close_host(&self, number: u32) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let Some(host) = hosts.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        drop(hosts);
        let pipelines = std::mem::take(&mut *host.pipelines.write().unwrap_or_else(PoisonError::into_inner));
        pipelines.iter().for_each(|pipeline| pipeline.close());
    }

    /// Adds a pipeline to a provider: it gets what ends from now on. `None` when the provider is closed.
    pub fn add_pipeline(&self, host: u32, options: PipelineOptions) -> Option<u32> {
        let host = self.host(host)?;
        let pipeline = Arc::new(Pipeline::new(options));
        let mut exports = self.exports.write().unwrap_or_else(PoisonError::into_inner);
        exports.push(Some(Export {
            pipeline: Arc::clone(&pipeline),
            resource: Arc::clone(&host.resource),
        }));
        host.pipelines
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(pipeline);
        Some(exports.len() as u32 - 1)
    }

    /// The pipeline of a number.
    pub fn export(&self, number: u32) -> Option<Export> {
        let exports = self.exports.read().unwrap_or_else(PoisonError::into_inner);
        exports.get(number as usize).cloned().flatten()
    }

    /// Closes a pipeline and takes it off its provider. It still answers about what it has out.
    pub fn close_pipeline(&self, number: u32) {
        let Some(export) = self.export(number) else {
            return;
        };
        for (_, host) in self.hosts() {
            let mut pipelines = host.pipelines.write().unwrap_or_else(PoisonError::into_inner);
            pipelines.retain(|pipeline| !Arc::ptr_eq(pipeline, &export.pipeline));
        }
        export.pipeline.close();
    }

    /// Takes one record out of a ring. Runs on the collector.
    pub fn accept(&self, span: Option<SpanRecord>) {
        let Some(span) = span else {
            self.unread.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.spans.fetch_add(1, Ordering::Relaxed);
        let host = self.scopes.get(span.scope()).and_then(|scope| self.host(scope.host));
        match host {
            Some(host) => host.accept(&Arc::new(span)),
            None => {
                self.homeless.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many spans were taken out of rings.
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }

    /// Counts spans that a thread lost before they got into a ring.
    pub fn count_lost(&self, reason: &str, spans: u64) {
        let mut counts = self.before_ring.write().unwrap_or_else(PoisonError::into_inner);
        match counts.iter_mut().find(|(known, _)| &**known == reason) {
            Some((_, count)) => *count += spans,
            None => counts.push((reason.into(), spans)),
        }
    }

    /// What has to be done now and then: anchors of the wall clock, traces that never complete, decisions that are due. Twice a
    /// second.
    pub fn tick(&self, mono_ms: u64) -> bool {
        for (_, host) in self.hosts() {
            host.tick(mono_ms);
        }
        self.clocks.check()
    }
}

impl Collector for Traces {
    /// `kymo_spans_total`, `kymo_spans_dropped_total{reason}`, and per exporter its spans, errors and queue.
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut give = |name, help, kind, labels: &str, value: u64| {
            emit(Sample {
                name,
                help,
                kind,
                labels,
                value: value as f64,
            })
        };
        let label = |name: &str, value: &str| {
            let mut text = Vec::new();
            // A value that is too long for a label is left out, as an empty one.
            let _ = push_pair(name, value, &mut text);
            String::from_utf8(text).unwrap_or_default()
        };
        let exports: Vec<Export> = {
            let exports = self.exports.read().unwrap_or_else(PoisonError::into_inner);
            exports.iter().flatten().cloned().collect()
        };
        let spans = self.spans();
        give(
            "kymo_spans_total",
            "Spans that ended and were recorded.",
            Kind::Counter,
            "",
            spans,
        );
        let mut lost: Vec<(String, u64)> = vec![
            ("unreadable".to_owned(), self.unread.load(Ordering::Relaxed)),
            ("provider_closed".to_owned(), self.homeless.load(Ordering::Relaxed)),
        ];
        let before = self.before_ring.read().unwrap_or_else(PoisonError::into_inner);
        lost.extend(before.iter().map(|(reason, count)| (reason.to_string(), *count)));
        drop(before);
        for loss in Loss::ALL {
            let count: u64 = exports.iter().map(|export| export.pipeline.lost(loss)).sum();
            lost.push((loss.word().to_owned(), count));
        }
        let help =
            "Spans that did not get to an exporter, by reason; a span counts once for each exporter that missed it.";
        for (reason, count) in lost.iter().filter(|(_, count)| *count > 0) {
            give(
                "kymo_spans_dropped_total",
                help,
                Kind::Counter,
                &label("reason", reason),
                *count,
            );
        }
        let mut per_exporter = |name, help, kind, value: &dyn Fn(&Pipeline) -> u64| {
            let mut sums: Vec<(&str, u64)> = Vec::new();
            for export in &exports {
                let count = value(&export.pipeline);
                match sums.iter_mut().find(|(label, _)| *label == export.pipeline.label()) {
                    Some((_, sum)) => *sum += count,
                    None => sums.push((export.pipeline.label(), count)),
                }
            }
            for (exporter, sum) in sums {
                give(name, help, kind, &label("exporter", exporter), sum);
            }
        };
        let help = "Spans that an exporter's receiver took.";
        per_exporter("kymo_spans_exported_total", help, Kind::Counter, &Pipeline::exported);
        let help = "Exports that failed, those that were tried again included.";
        per_exporter("kymo_exporter_errors_total", help, Kind::Counter, &Pipeline::errors);
        let help = "Spans that wait for an exporter.";
        per_exporter("kymo_span_queue_size", help, Kind::Gauge, &|pipeline| {
            pipeline.waiting().0 as u64
        });
    }
}
