//! A registry's values as JSON, for `snapshot()` in JS: families by kind, series by labels. Any thread; cold path.

use super::collector::Sample;
use super::metric::Kind;
use super::registry::Registry;
use std::fmt::Write;

/// `[[name, kind, labels, values...], ...]` in order of registration; a number that JSON cannot carry is a string
/// (`"NaN"`, `"Infinity"`, `"-Infinity"`), as JavaScript spells it.
pub fn snapshot(registry: &Registry) -> String {
    let mut out = String::from("[");
    registry.for_each_metric(&mut |metric| {
        metric.for_each_series(&mut |labels, values| {
            row(
                &mut out,
                metric.name(),
                metric.kind(),
                &String::from_utf8_lossy(labels),
                values,
            )
        });
    });
    registry.for_each_collector(&mut |collector| {
        collector
            .collect(&mut |sample: Sample<'_>| row(&mut out, sample.name, sample.kind, sample.labels, &[sample.value]));
    });
    out.push(']');
    out
}

fn row(out: &mut String, name: &str, kind: Kind, labels: &str, values: &[f64]) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push('[');
    string(out, name);
    let _ = write!(out, ",{}", kind.code());
    out.push(',');
    string(out, labels);
    for value in values {
        out.push(',');
        match value {
            value if value.is_nan() => out.push_str("\"NaN\""),
            value if value.is_infinite() => out.push_str(if *value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
            value => out.push_str(zmij::Buffer::new().format_finite(*value)),
        }
    }
    out.push(']');
}

fn string(out: &mut String, text: &str) {
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
