//! OpenMetrics 1.0.0: what stands around a family's samples. Any thread.

use super::super::labels::escape_value;
use super::families::Type;
use super::text::push_line;

/// The last line of every exposition.
pub(super) const END: &[u8] = b"# EOF\n";

/// TYPE and HELP, in the order the specification asks for (UNIT would stand between them). A metric without help has no
/// HELP line.
pub(super) fn push_head(name: &str, r#type: Type, help: &str, out: &mut Vec<u8>) {
    let family = family_name(name, r#type);
    push_line(&["# TYPE ", family, " ", r#type.word(), "\n"], out);
    if !help.is_empty() {
        push_line(&["# HELP ", family, " "], out);
        escape_value(help, out);
        out.push(b'\n');
    }
}

/// The family's name: a counter's has no `_total`.
pub(super) fn family_name(name: &str, r#type: Type) -> &str {
    match r#type {
        // A counter that is called `_total` and nothing else keeps it: a name may not be empty.
        Type::Counter => name
            .strip_suffix("_total")
            .filter(|family| !family.is_empty())
            .unwrap_or(name),
        _ => name,
    }
}

/// The names that a family reserves: a base, and the suffixes behind it ("MetricFamily names", clashes). `_created`
/// is reserved whether or not it is written, as strict parsers see it.
pub(super) fn sample_names(name: &str, r#type: Type) -> (&str, &'static [&'static str]) {
    let suffixes: &[&str] = match r#type {
        Type::Counter => &["", "_total", "_created"],
        Type::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        Type::Gauge | Type::Unknown => &[""],
    };
    (family_name(name, r#type), suffixes)
}
