//! Prometheus' protobuf format: one delimited `io.prometheus.client.MetricFamily` per family (prometheus/client_model,
//! metrics.proto; field numbers are theirs). Runs on the thread that renders.

use std::borrow::Cow;

use super::super::exemplars::{Exemplar, NATIVE};
use super::super::labels::is_legacy_name;
use super::super::metric::SeriesView;
use super::super::native_histogram::NativeHistogram;
use super::super::native_histogram::spans::{deltas, spans};
use super::began_ns;
use super::escape::Escaping;
use super::exemplars::newest;
use super::format::{Names, Type};
use super::pairs::{Pair, pairs};
use super::source::Source;
use crate::encode::protobuf::{
    push_bytes, push_double, push_message, push_numbers, push_sint, push_strings, push_uint, push_varint, zigzag,
};

/// Field of the family's metrics.
const METRIC: u32 = 4;

/// Name, help, type and unit. The metrics follow, and [`crate::encode::protobuf::push_delimited`] puts the length in front of it all.
pub(super) fn push_head(names: &Names, r#type: Type, source: &Source<'_>, out: &mut Vec<u8>) {
    push_bytes(1, names.family.as_bytes(), out);
    if !source.help.is_empty() {
        push_bytes(2, source.help.as_bytes(), out);
    }
    let code = match r#type {
        Type::Counter => 0,
        // The format knows neither info nor state sets.
        Type::Gauge | Type::Info | Type::StateSet => 1,
        Type::Summary => 2,
        Type::Unknown => 3,
        Type::Histogram => 4,
    };
    push_uint(3, code, out);
    if !source.unit.is_empty() {
        push_bytes(5, source.unit.as_bytes(), out);
    }
}

/// Writes the series of one metric.
pub(super) struct Metrics {
    r#type: Type,
    escaping: Escaping,
    /// Default labels, encoded.
    prefix: Vec<u8>,
    bounds: Vec<f64>,
    classic: bool,
    quantiles: Vec<f64>,
    /// The label of each state, encoded.
    states: Vec<Vec<u8>>,
}

impl Metrics {
    pub(super) fn new(
        escaping: Escaping,
        names: &Names,
        r#type: Type,
        source: &Source<'_>,
        defaults: &[(Cow<'_, str>, &str)],
    ) -> Metrics {
        let label = |name: &str, value: &str, out: &mut Vec<u8>| push_label(name.as_bytes(), value.as_bytes(), out);
        let mut prefix = Vec::new();
        defaults
            .iter()
            .for_each(|(name, value)| label(name, value, &mut prefix));
        let state_name = escaping.label_name(&names.family);
        let state = |state: &str| {
            let mut encoded = Vec::new();
            label(&state_name, state, &mut encoded);
            encoded
        };
        Metrics {
            r#type,
            escaping,
            prefix,
            bounds: source.bounds.iter().copied().chain([f64::INFINITY]).collect(),
            classic: source.classic,
            quantiles: source.quantiles.to_vec(),
            states: source.states.iter().map(|name| state(name)).collect(),
        }
    }

    /// Writes one series under `labels`, which are the view's or those under an escaping scheme.
    pub(super) fn push(&self, labels: &[u8], view: &SeriesView<'_>, out: &mut Vec<u8>) {
        let Metrics {
            r#type, prefix, states, ..
        } = self;
        let push_labels = |out: &mut Vec<u8>| {
            out.extend_from_slice(prefix);
            pairs(labels).for_each(|pair| push_pair(&pair, out));
        };
        match (*r#type, view.values) {
            (Type::StateSet, values) => {
                for (state, value) in states.iter().zip(values) {
                    push_message(METRIC, out, |out| {
                        push_labels(out);
                        out.extend_from_slice(state);
                        push_message(2, out, |out| push_double(1, *value, out));
                    });
                }
            }
            (Type::Counter, [value]) => push_message(METRIC, out, |out| {
                push_labels(out);
                push_message(3, out, |out| {
                    push_double(1, *value, out);
                    if let Some(exemplar) = newest(view.exemplars, |_| true) {
                        push_exemplar(2, exemplar, self.escaping, out);
                    }
                    push_time(3, view.created_ns, out);
                });
            }),
            (Type::Gauge | Type::Info, [value]) => push_message(METRIC, out, |out| {
                push_labels(out);
                push_message(2, out, |out| push_double(1, *value, out));
            }),
            (Type::Summary, [count, sum]) => push_message(METRIC, out, |out| {
                push_labels(out);
                push_message(4, out, |out| {
                    push_uint(1, *count as u64, out);
                    push_double(2, *sum, out);
                    for (quantile, value) in self.quantiles.iter().zip(view.quantiles) {
                        push_message(3, out, |out| {
                            push_double(1, *quantile, out);
                            push_double(2, *value, out);
                        });
                    }
                    push_time(4, view.created_ns, out);
                });
            }),
            (Type::Histogram, [counts @ .., sum]) => push_message(METRIC, out, |out| {
                push_labels(out);
                push_message(7, out, |out| {
                    push_uint(1, counts.iter().sum::<f64>() as u64, out);
                    push_double(2, *sum, out);
                    if self.classic {
                        push_buckets(&self.bounds, counts, view.exemplars, self.escaping, out);
                    }
                    if let Some(native) = view.native {
                        push_native(native, out);
                    }
                    push_time(15, began_ns(view), out);
                    for exemplar in view.exemplars.iter().filter(|exemplar| exemplar.bucket == NATIVE) {
                        push_exemplar(16, exemplar, self.escaping, out);
                    }
                });
            }),
            _ => {}
        }
    }
}

fn push_buckets(bounds: &[f64], counts: &[f64], exemplars: &[Exemplar], escaping: Escaping, out: &mut Vec<u8>) {
    let mut count = 0.0;
    for (index, (bound, in_bucket)) in bounds.iter().zip(counts).enumerate() {
        count += in_bucket;
        push_message(3, out, |out| {
            push_uint(1, count as u64, out);
            push_double(2, *bound, out);
            if let Some(exemplar) = newest(exemplars, |bucket| bucket == index as u32) {
                push_exemplar(3, exemplar, escaping, out);
            }
        });
    }
}

fn push_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    push_sint(5, i64::from(native.schema), out);
    push_double(6, native.zero_threshold, out);
    push_uint(7, native.zero_count, out);
    for (buckets, span_field, delta_field) in [(&native.negative, 9, 10), (&native.positive, 12, 13)] {
        if buckets.is_empty() {
            continue;
        }
        for span in spans(buckets) {
            push_span(span_field, span.offset, span.length, out);
        }
        push_message(delta_field, out, |out| {
            deltas(buckets).for_each(|delta| push_varint(zigzag(delta), out));
        });
    }
    if native.positive.is_empty() && native.negative.is_empty() {
        // What tells an empty native histogram from a classic one (Native histograms, "Exposition formats").
        push_span(12, 0, 0, out);
    }
}

fn push_span(field: u32, offset: i32, length: u32, out: &mut Vec<u8>) {
    push_message(field, out, |out| {
        push_sint(1, i64::from(offset), out);
        push_uint(2, u64::from(length), out);
    });
}

fn push_exemplar(field: u32, exemplar: &Exemplar, escaping: Escaping, out: &mut Vec<u8>) {
    push_message(field, out, |out| {
        for pair in pairs(&exemplar.labels) {
            let name = pair.name();
            let name = String::from_utf8_lossy(&name);
            if is_legacy_name(&name) {
                push_pair(&pair, out);
            } else {
                push_label(escaping.label_name(&name).as_bytes(), &pair.value(), out);
            }
        }
        push_double(2, exemplar.value, out);
        push_time(3, exemplar.timestamp_ms * 1_000_000, out);
    });
}

/// A `google.protobuf.Timestamp`, to the millisecond: what scrapers keep.
fn push_time(field: u32, ns: u64, out: &mut Vec<u8>) {
    push_numbers(
        field,
        ns / 1_000_000_000,
        ns % 1_000_000_000 / 1_000_000 * 1_000_000,
        out,
    );
}

#[inline]
fn push_pair(pair: &Pair<'_>, out: &mut Vec<u8>) {
    push_label(&pair.name(), &pair.value(), out);
}

#[inline]
fn push_label(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    push_strings(1, name, value, out);
}
