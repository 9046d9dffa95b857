//! Text 0.0.4: what stands around a family's samples. Any thread.

use super::escape::push_help;
use super::families::Type;

/// HELP and TYPE, in the order all clients write them. A metric without help has no HELP line.
pub(super) fn push_head(name: &str, r#type: Type, help: &str, out: &mut Vec<u8>) {
    if !help.is_empty() {
        push_line(&["# HELP ", name, " "], out);
        push_help(help, out);
        out.push(b'\n');
    }
    // The word of text 0.0.4 for what OpenMetrics calls unknown.
    let word = if r#type == Type::Unknown {
        "untyped"
    } else {
        r#type.word()
    };
    push_line(&["# TYPE ", name, " ", word, "\n"], out);
}

/// The names that a family's samples and head use: a base, and the suffixes behind it.
pub(super) fn sample_names(name: &str, r#type: Type) -> (&str, &'static [&'static str]) {
    match r#type {
        Type::Histogram => (name, &["", "_bucket", "_sum", "_count"]),
        _ => (name, &[""]),
    }
}

pub(super) fn push_line(parts: &[&str], out: &mut Vec<u8>) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
