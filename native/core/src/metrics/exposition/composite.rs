//! OpenMetrics 2: histograms and summaries as one value in braces. Runs on the thread that renders.

use super::super::exemplars::NATIVE;
use super::super::metric::SeriesView;
use super::super::native_histogram::NativeHistogram;
use super::super::native_histogram::spans::spans;
use super::escape::Escaping;
use super::exemplars::push_exemplar;
use super::format::{Style, Type};
use super::lines::spelled;
use super::number::push_value;
use super::source::Source;

/// Writes the values of one metric.
pub(super) struct Composite {
    escaping: Escaping,
    /// `0.005:` per bound, or per quantile.
    keys: Vec<Vec<u8>>,
    is_summary: bool,
    /// True where the bucket list is written.
    classic: bool,
}

impl Composite {
    pub(super) fn new(escaping: Escaping, r#type: Type, source: &Source<'_>) -> Composite {
        let key = |number: &f64| format!("{}:", spelled(Style::OpenMetrics2, *number)).into_bytes();
        let is_summary = r#type == Type::Summary;
        let keys = if is_summary {
            source.quantiles.iter().map(key).collect()
        } else {
            source.bounds.iter().chain(&[f64::INFINITY]).map(key).collect()
        };
        Composite {
            escaping,
            keys,
            is_summary,
            classic: source.classic,
        }
    }

    /// `{count:17,sum:324789.3,...}`
    pub(super) fn push(&self, view: &SeriesView<'_>, out: &mut Vec<u8>) {
        if self.is_summary {
            let [count, sum] = view.values else { return };
            push_field(b"{count:", *count, out);
            push_field(b",sum:", *sum, out);
            out.extend_from_slice(b",quantile:[");
            push_list(self.keys.iter().zip(view.quantiles.iter().copied()), out);
            out.extend_from_slice(b"]}");
            return;
        }
        let [counts @ .., sum] = view.values else { return };
        push_field(b"{count:", counts.iter().sum(), out);
        push_field(b",sum:", *sum, out);
        if let Some(native) = view.native {
            push_native(native, out);
        }
        if self.classic || view.native.is_none() {
            out.extend_from_slice(b",bucket:[");
            let mut count = 0.0;
            let cumulative = counts.iter().map(|in_bucket| {
                count += in_bucket;
                count
            });
            push_list(self.keys.iter().zip(cumulative), out);
            out.push(b']');
        }
        out.push(b'}');
    }

    /// Those of the classic buckets, or of the native ones where there are no others.
    pub(super) fn push_exemplars(&self, view: &SeriesView<'_>, out: &mut Vec<u8>) {
        for exemplar in view.exemplars {
            if (exemplar.bucket == NATIVE) != (self.classic || view.native.is_none()) {
                push_exemplar(exemplar, self.escaping, out);
            }
        }
    }
}

fn push_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    push_field(b",schema:", f64::from(native.schema), out);
    push_field(b",zero_threshold:", native.zero_threshold, out);
    push_field(b",zero_count:", native.zero_count as f64, out);
    for (sign, buckets) in [
        (&b",negative_"[..], &native.negative),
        (b",positive_", &native.positive),
    ] {
        if buckets.is_empty() {
            continue;
        }
        out.extend_from_slice(sign);
        for (at, span) in spans(buckets).enumerate() {
            push_field(if at == 0 { b"spans:[" } else { b"," }, f64::from(span.offset), out);
            push_field(b":", f64::from(span.length), out);
        }
        out.push(b']');
        out.extend_from_slice(sign);
        for (at, (_, count)) in buckets.iter().enumerate() {
            push_field(if at == 0 { b"buckets:[" } else { b"," }, *count as f64, out);
        }
        out.push(b']');
    }
}

fn push_field(name: &[u8], value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    push_value(value, out);
}

fn push_list<'a>(items: impl Iterator<Item = (&'a Vec<u8>, f64)>, out: &mut Vec<u8>) {
    for (at, (key, value)) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_field(key, value, out);
    }
}
