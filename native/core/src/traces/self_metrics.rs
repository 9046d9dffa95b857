//! What becomes of spans, as metrics of Kymo itself. Read at scrape time by the thread that renders.
use super::host::{Host, SpanPipeline, Traces};
use crate::export::{Loss, Outbound};
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::labels::push_pair;
use crate::metrics::metric::Kind;
use std::sync::Arc;

/// One label as it is rendered.
fn label(name: &str, value: &str) -> String {
    let mut text = Vec::new();
    // A value that is too long for a label is left out, as an empty one.
    let _ = push_pair(name, value, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

impl Collector for Traces {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let exports = self.exports();
        spans(self, &exports, emit);
        exporters(&exports, emit);
        let hosts: Vec<Arc<Host>> = self.hosts().into_iter().map(|(_, host)| host).collect();
        retained(&hosts, emit);
        tail(&hosts, emit);
    }
}

fn give(emit: &mut dyn FnMut(Sample<'_>), name: &str, help: &str, kind: Kind, labels: &str, value: u64) {
    emit(Sample {
        name,
        help,
        kind,
        labels,
        value: value as f64,
    });
}

/// `kymo_spans_total` and `kymo_spans_dropped_total{reason}`.
fn spans(traces: &Traces, exports: &[Arc<SpanPipeline>], emit: &mut dyn FnMut(Sample<'_>)) {
    let help = "Spans that ended and were recorded.";
    give(emit, "kymo_spans_total", help, Kind::Counter, "", traces.spans());
    let mut lost = traces.lost();
    for loss in Loss::ALL {
        let count: u64 = exports.iter().map(|pipeline| pipeline.lost(loss)).sum();
        // JS loses spans for some of the same reasons before they are here.
        match lost.iter_mut().find(|(reason, _)| &**reason == loss.word()) {
            Some((_, sum)) => *sum += count,
            None => lost.push((loss.word().into(), count)),
        }
    }
    let help = "Spans that did not get to an exporter, by reason; a span counts once for each exporter that missed it.";
    for (reason, count) in lost.iter().filter(|(_, count)| *count > 0) {
        let labels = label("reason", reason);
        give(emit, "kymo_spans_dropped_total", help, Kind::Counter, &labels, *count);
    }
}

/// What each exporter did; exporters of one name are summed.
fn exporters(exports: &[Arc<SpanPipeline>], emit: &mut dyn FnMut(Sample<'_>)) {
    let mut per_exporter = |name, help, kind, value: &dyn Fn(&SpanPipeline) -> u64| {
        let mut sums: Vec<(&str, u64)> = Vec::new();
        for pipeline in exports {
            match sums.iter_mut().find(|(known, _)| *known == pipeline.label()) {
                Some((_, sum)) => *sum += value(pipeline),
                None => sums.push((pipeline.label(), value(pipeline))),
            }
        }
        for (exporter, sum) in sums {
            give(emit, name, help, kind, &label("exporter", exporter), sum);
        }
    };
    let help = "Spans that an exporter's receiver took.";
    per_exporter(
        "kymo_spans_exported_total",
        help,
        Kind::Counter,
        &SpanPipeline::exported,
    );
    let help = "Exports that failed, those that were tried again included.";
    per_exporter("kymo_exporter_errors_total", help, Kind::Counter, &SpanPipeline::errors);
    let help = "Spans that wait for an exporter.";
    per_exporter("kymo_span_queue_size", help, Kind::Gauge, &|pipeline| {
        pipeline.waiting().queued as u64
    });
}

/// What is kept for `/trace`.
fn retained(hosts: &[Arc<Host>], emit: &mut dyn FnMut(Sample<'_>)) {
    if hosts.is_empty() {
        return;
    }
    let counts: Vec<_> = hosts.iter().map(|host| host.store.counts()).collect();
    let (mut traces, mut bytes) = (0, 0);
    let (mut by_count, mut by_bytes, mut open, mut refused) = (0, 0, 0, 0);
    for count in &counts {
        traces += count.retained_traces as u64;
        bytes += count.bytes as u64;
        by_count += count.evicted_by_count;
        by_bytes += count.evicted_by_bytes;
        open += count.evicted_open;
        refused += count.refused_spans;
    }
    let help = "Completed traces that are kept.";
    give(emit, "kymo_retained_traces", help, Kind::Gauge, "", traces);
    let help = "Bytes of the spans that are kept, those of open traces included.";
    give(emit, "kymo_retained_trace_bytes", help, Kind::Gauge, "", bytes);
    let help = "Traces that made room for younger ones: complete ones by the bound that was reached, or open ones.";
    for (reason, count) in [("count", by_count), ("bytes", by_bytes), ("open", open)] {
        let labels = label("reason", reason);
        give(
            emit,
            "kymo_retained_traces_evicted_total",
            help,
            Kind::Counter,
            &labels,
            count,
        );
    }
    let help = "Spans that are not kept since their trace has too many.";
    give(
        emit,
        "kymo_retained_spans_refused_total",
        help,
        Kind::Counter,
        "",
        refused,
    );
}

/// What tail sampling decided, where there is any.
fn tail(hosts: &[Arc<Host>], emit: &mut dyn FnMut(Sample<'_>)) {
    let counts: Vec<_> = hosts
        .iter()
        .filter_map(|host| host.tail())
        .map(|tail| tail.counts())
        .collect();
    if counts.is_empty() {
        return;
    }
    let help = "Traces by what tail sampling decided: kept by this rule, or dropped.";
    for (decision, count) in [
        ("errors", counts.iter().map(|counts| counts.kept_errors).sum()),
        ("attribute", counts.iter().map(|counts| counts.kept_attributes).sum()),
        ("slow", counts.iter().map(|counts| counts.kept_slow).sum()),
        ("rest", counts.iter().map(|counts| counts.kept_rest).sum()),
        ("dropped", counts.iter().map(|counts| counts.dropped_traces).sum()),
    ] {
        give(
            emit,
            "kymo_tail_traces_total",
            help,
            Kind::Counter,
            &label("decision", decision),
            count,
        );
    }
    let help = "Spans of traces that tail sampling dropped.";
    let dropped = counts.iter().map(|counts| counts.dropped_spans).sum();
    give(emit, "kymo_tail_spans_dropped_total", help, Kind::Counter, "", dropped);
    let help = "Traces decided on without their root, since it did not end in time or there was no room to wait.";
    let rootless = counts.iter().map(|counts| counts.timed_out + counts.early).sum();
    give(emit, "kymo_tail_rootless_total", help, Kind::Counter, "", rootless);
    let help = "Traces that wait for their root to end.";
    let undecided = counts.iter().map(|counts| counts.undecided_traces as u64).sum();
    give(emit, "kymo_tail_undecided_traces", help, Kind::Gauge, "", undecided);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::export::{Compression, Outcome, PipelineOptions};
    use crate::traces::otlp;
    use crate::traces::sample::Sample as SampleSpan;
    use crate::traces::store::TraceStore;
    use crate::traces::tail::{Share, TailRules, TailSampler};
    use crate::traces::{Resource, Scope};

    fn rendered(traces: &Traces) -> Vec<String> {
        let mut lines = Vec::new();
        traces.collect(&mut |sample| lines.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value)));
        lines
    }

    #[test]
    fn every_span_is_told_of_where_it_ended_up() {
        let traces = Traces::default();
        let host = traces.add_host(Host::new(Resource::default(), TraceStore::new(10, 1 << 20), None));
        let scope = traces.scopes.add(Scope {
            host,
            name: "s".into(),
            version: "".into(),
            schema_url: "".into(),
            attributes: Vec::new(),
        });
        let options = PipelineOptions {
            label: "out".into(),
            compression: Compression::None,
            max_queue_items: 3,
            max_queue_bytes: usize::MAX,
            max_batch_items: 2,
            max_batch_bytes: usize::MAX,
        };
        let pipeline = traces.add_pipeline(host, options, otlp::protobuf::encode).unwrap();
        let span = |trace| SampleSpan {
            scope: scope.unwrap(),
            ..SampleSpan::root(trace)
        };
        let accept = |sample: SampleSpan| traces.accept(std::sync::Arc::into_inner(sample.record()));
        (1..=5).for_each(|trace| accept(span(trace)));
        accept(SampleSpan { scope: 99, ..span(6) });
        traces.accept(None);
        traces.count_lost("no_memory", 4);
        traces.count_lost("rejected", 2);
        let batch = pipeline.take().unwrap();
        pipeline.done(batch.number, Outcome::Exported { rejected: 1 });
        pipeline.count_error();
        let lines = rendered(&traces);
        for line in [
            "kymo_spans_total{} 6",
            "kymo_spans_dropped_total{reason=\"unreadable\"} 1",
            "kymo_spans_dropped_total{reason=\"provider_closed\"} 1",
            "kymo_spans_dropped_total{reason=\"no_memory\"} 4",
            "kymo_spans_dropped_total{reason=\"queue_full\"} 2",
            "kymo_spans_dropped_total{reason=\"rejected\"} 3",
            "kymo_spans_exported_total{exporter=\"out\"} 1",
            "kymo_exporter_errors_total{exporter=\"out\"} 1",
            "kymo_span_queue_size{exporter=\"out\"} 1",
            "kymo_retained_traces{} 5",
        ] {
            assert!(lines.iter().any(|known| known == line), "{line} in {lines:#?}");
        }
        assert!(!lines.iter().any(|line| line.contains("tail")), "there is none");
        traces.close_host(host);
        let lines = rendered(&traces);
        let lost = "kymo_spans_dropped_total{reason=\"shutdown\"} 1".to_owned();
        assert!(lines.contains(&lost), "what still waited: {lines:#?}");
    }
    #[test]
    fn tail_sampling_tells_what_it_decided_and_what_waits() {
        let traces = Traces::default();
        let rules = TailRules {
            rest: Share::of(0.0),
            ..TailRules::default()
        };
        let tail = Some(TailSampler::new(rules));
        let host = traces.add_host(Host::new(Resource::default(), TraceStore::new(10, 1 << 20), tail));
        let tail = traces.host(host).unwrap();
        let accept = |sample: SampleSpan| tail.tail().unwrap().accept(&sample.record(), &mut |_| {});
        accept(SampleSpan::child(1, 2).failed());
        accept(SampleSpan::root(1));
        accept(SampleSpan::child(2, 2));
        accept(SampleSpan::root(2));
        accept(SampleSpan::child(3, 2));
        let lines = rendered(&traces);
        for line in [
            "kymo_tail_traces_total{decision=\"errors\"} 1",
            "kymo_tail_traces_total{decision=\"slow\"} 0",
            "kymo_tail_traces_total{decision=\"dropped\"} 1",
            "kymo_tail_spans_dropped_total{} 2",
            "kymo_tail_rootless_total{} 0",
            "kymo_tail_undecided_traces{} 1",
        ] {
            assert!(lines.iter().any(|known| known == line), "{line} in {lines:#?}");
        }
    }
}
