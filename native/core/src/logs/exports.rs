//! Sinks that take records, all there ever were: found by number when a route is set, and asked at scrape time what they delivered
//! and lost. Made by app threads.
use super::RecordSink;
use super::losses::{Losses, level_word};
use super::memory_sink::MemorySink;
use super::pipeline::LogPipeline;
use crate::export::Outbound;
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::labels::push_pair;
use crate::metrics::metric::Kind;
use std::sync::{Arc, PoisonError, RwLock};

/// One sink.
#[derive(Clone)]
pub enum Export {
    /// On its way to an exporter.
    Pipeline(Arc<LogPipeline>),
    /// Kept to be read.
    Memory(Arc<MemorySink>),
}

impl Export {
    /// As routes have it.
    pub fn sink(&self) -> Arc<dyn RecordSink> {
        match self {
            Export::Pipeline(pipeline) => Arc::clone(pipeline) as Arc<_>,
            Export::Memory(memory) => Arc::clone(memory) as Arc<_>,
        }
    }

    fn label(&self) -> &str {
        match self {
            Export::Pipeline(pipeline) => pipeline.queue.label(),
            Export::Memory(memory) => memory.label(),
        }
    }

    fn losses(&self) -> &Losses {
        match self {
            Export::Pipeline(pipeline) => pipeline.losses(),
            Export::Memory(memory) => memory.losses(),
        }
    }
}

/// See the module. One per process.
#[derive(Default)]
pub struct LogExports {
    all: RwLock<Vec<Export>>,
}

impl LogExports {
    /// Gives a sink its number. It is never taken back: what it lost is counted for good.
    pub fn add(&self, export: Export) -> u32 {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.push(export);
        all.len() as u32 - 1
    }

    /// The sink of a number.
    pub fn get(&self, number: u32) -> Option<Export> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.get(number as usize).cloned()
    }
}

/// Labels as they are rendered.
fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = Vec::new();
    for (name, value) in pairs {
        // A value that is too long for a label is left out, as an empty one.
        let _ = push_pair(name, value, &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Adds up what comes under the same labels: sinks may have the same name.
fn add(sums: &mut Vec<(String, u64)>, labels: String, value: u64) {
    match sums.iter_mut().find(|(known, _)| *known == labels) {
        Some((_, sum)) => *sum += value,
        None => sums.push((labels, value)),
    }
}

impl Collector for LogExports {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = |name: &str, help: &str, kind: Kind, sums: Vec<(String, u64)>| {
            for (labels, value) in &sums {
                let value = *value as f64;
                emit(Sample {
                    name,
                    help,
                    kind,
                    labels,
                    value,
                });
            }
        };
        let mut dropped = Vec::new();
        for export in &all {
            for loss in export.losses().all() {
                let level = level_word(loss.level);
                let pairs = [("level", &*level), ("reason", loss.reason), ("sink", export.label())];
                add(&mut dropped, labels(&pairs), loss.lines);
            }
        }
        let help = "Log lines that were lost, by level, by reason, and by the sink that missed them.";
        family("kymo_log_lines_dropped_total", help, Kind::Counter, dropped);
        let of_pipelines = |value: &dyn Fn(&LogPipeline) -> u64| {
            let mut sums = Vec::new();
            for export in &all {
                if let Export::Pipeline(pipeline) = export {
                    add(&mut sums, labels(&[("exporter", export.label())]), value(pipeline));
                }
            }
            sums
        };
        let help = "Log records that an exporter's receiver took.";
        let exported = of_pipelines(&|pipeline| pipeline.queue.exported());
        family("kymo_log_records_exported_total", help, Kind::Counter, exported);
        let help = "Exports that failed, those that were tried again included.";
        let errors = of_pipelines(&|pipeline| pipeline.queue.errors());
        family("kymo_exporter_errors_total", help, Kind::Counter, errors);
        let help = "Log records that wait for an exporter.";
        let waiting = of_pipelines(&|pipeline| pipeline.queue.waiting().queued as u64);
        family("kymo_log_queue_size", help, Kind::Gauge, waiting);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::export::{Compression, Loss, Outcome, PipelineOptions, Resource};
    use crate::intern::Keys;
    use crate::logs::LogRecord;
    use crate::logs::otlp::RecordOptions;
    use crate::logs::pipeline::RecordFormat;
    use std::collections::HashMap;

    fn pipeline(label: &str) -> Arc<LogPipeline> {
        let options = PipelineOptions {
            label: label.into(),
            compression: Compression::None,
            max_queue_items: 2,
            max_queue_bytes: usize::MAX,
            max_batch_items: 2,
            max_batch_bytes: usize::MAX,
        };
        let (records, resource) = (RecordOptions::default(), Resource::default());
        Arc::new(LogPipeline::new(options, RecordFormat::Msgpack, records, resource))
    }

    fn record(level: u16, keys: &dyn Keys) -> LogRecord<'_> {
        LogRecord {
            time_ms: 1.0,
            level,
            route: 0,
            held: false,
            cut: false,
            is_line: false,
            logger: "",
            trace: None,
            values: &[],
            keys,
        }
    }

    #[test]
    fn what_sinks_of_records_delivered_and_lost_is_told_by_level_reason_and_sink() {
        let keys: HashMap<u32, String> = HashMap::new();
        let exports = LogExports::default();
        let (one, two) = (pipeline("out"), pipeline("out"));
        let memory = Arc::new(MemorySink::new("kept", 1, usize::MAX, RecordOptions::default()));
        for export in [
            Export::Pipeline(Arc::clone(&one)),
            Export::Pipeline(Arc::clone(&two)),
            Export::Memory(memory),
        ] {
            exports.add(export);
        }
        for (number, levels) in [(0, &[30, 40, 50][..]), (1, &[30, 30]), (2, &[20, 30])] {
            let sink = exports.get(number).unwrap().sink();
            levels
                .iter()
                .for_each(|level| assert!(sink.accept(&record(*level, &keys))));
        }
        let batch = one.queue.take().unwrap();
        one.queue.done(batch.number, Outcome::Dropped(Loss::Refused));
        let batch = two.queue.take().unwrap();
        two.queue.done(batch.number, Outcome::Exported { rejected: 1 });
        two.queue.count_error();
        two.queue.close();
        assert!(!two.accept(&record(60, &keys)), "it takes no more");
        let mut lines = Vec::new();
        exports.collect(&mut |sample| lines.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value)));
        let dropped = |level, reason, sink, count| {
            format!("kymo_log_lines_dropped_total{{level=\"{level}\",reason=\"{reason}\",sink=\"{sink}\"}} {count}")
        };
        assert_eq!(
            lines,
            [
                dropped("info", "queue_full", "out", 1),
                dropped("warn", "refused", "out", 1),
                dropped("error", "refused", "out", 1),
                dropped("unknown", "rejected", "out", 1),
                dropped("fatal", "shutdown", "out", 1),
                dropped("debug", "queue_full", "kept", 1),
                "kymo_log_records_exported_total{exporter=\"out\"} 1".to_owned(),
                "kymo_exporter_errors_total{exporter=\"out\"} 1".to_owned(),
                "kymo_log_queue_size{exporter=\"out\"} 0".to_owned(),
            ]
        );
    }
}
