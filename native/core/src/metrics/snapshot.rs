//! A registry's values as JSON, for `snapshot()` and `collect()` in JS: metrics in order of registration, each with its series.
//! Any thread; cold path.

use super::collector::Sample;
use super::metric::{Kind, Metric, SeriesView};
use super::native_histogram::NativeHistogram;
use super::registry::Registry;
use std::fmt::Write;

/// `[[name, kind, labels, values...], ...]`, one row per series; a number that JSON cannot carry is a string (`"NaN"`,
/// `"Infinity"`, `"-Infinity"`), as JavaScript spells it. Values are those of [`SeriesView`]: a summary's quantiles follow
/// its count and sum, and a native histogram is one object at the end:
/// `{"schema", "zeroThreshold", "zeroCount", "count", "sum", "positive": [[index, count], ...], "negative", "startMs"}`.
pub fn snapshot(registry: &Registry) -> String {
    let mut out = String::from("[");
    registry.for_each_metric(&mut |metric| rows(&mut out, metric));
    registry.for_each_collector(&mut |collector| {
        collector.collect(&mut |sample: Sample<'_>| {
            head(&mut out, sample.name, sample.kind, sample.labels.as_bytes());
            value(&mut out, sample.value);
            out.push(']');
        });
    });
    out.push(']');
    out
}

/// [`snapshot`] of one metric, in a registry or not.
pub fn snapshot_of(metric: &Metric) -> String {
    let mut out = String::from("[");
    rows(&mut out, metric);
    out.push(']');
    out
}

fn rows(out: &mut String, metric: &Metric) {
    metric.for_each_view(&mut |view: &SeriesView<'_>| {
        head(out, metric.name(), metric.kind(), view.labels);
        view.values
            .iter()
            .chain(view.quantiles)
            .for_each(|one| value(out, *one));
        if let Some(native) = view.native {
            out.push(',');
            native_object(out, native);
        }
        out.push(']');
    });
}

fn head(out: &mut String, name: &str, kind: Kind, labels: &[u8]) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push('[');
    string(out, name);
    let _ = write!(out, ",{},", kind.code());
    string(out, &String::from_utf8_lossy(labels));
}

fn value(out: &mut String, value: f64) {
    out.push(',');
    number(out, value);
}

fn native_object(out: &mut String, native: &NativeHistogram) {
    let _ = write!(out, "{{\"schema\":{},\"zeroThreshold\":", native.schema);
    number(out, native.zero_threshold);
    let _ = write!(
        out,
        ",\"zeroCount\":{},\"count\":{},\"startMs\":{},\"sum\":",
        native.zero_count, native.count, native.start_ms
    );
    number(out, native.sum);
    for (name, buckets) in [("positive", &native.positive), ("negative", &native.negative)] {
        let _ = write!(out, ",\"{name}\":[");
        for (at, (index, count)) in buckets.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, "{comma}[{index},{count}]");
        }
        out.push(']');
    }
    out.push('}');
}

/// A number as JSON, or as a string where JSON has none.
pub(super) fn number(out: &mut String, value: f64) {
    match value {
        value if value.is_nan() => out.push_str("\"NaN\""),
        value if value.is_infinite() => out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
        value => out.push_str(zmij::Buffer::new().format_finite(value)),
    }
}

/// Text as JSON.
pub(super) fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            character if u32::from(character) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
}
