//! Attributes as plain JSON, as a person or a script wants them: `{"http.route":"/","retries":2}`. Any thread.

use super::base64::push_base64;
use super::iso::push_iso;
use super::json::{push_escaped, push_escaped_latin1, push_escaped_utf16, push_integer, push_number, push_string};
use crate::export::resource::OwnedValue;
use crate::ring::any::{AnyValue, Text};

/// Values within values that are written; what is deeper is [`DEEPER`].
pub(crate) const DEEPEST: u32 = 100;
/// In place of a value that is nested too deep.
pub(crate) const DEEPER: &str = "[...]";

/// A text as a string.
pub(crate) fn push_text(text: Text<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    match text {
        Text::Latin1(characters) => push_escaped_latin1(characters, out),
        Text::Utf16(units) => push_escaped_utf16(units, out),
        Text::Utf8(text) => push_escaped(text, out),
    }
    out.push(b'"');
}

/// `value`. What JSON has no number for is a string.
pub(crate) fn push_value(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    push_at(value, 0, out);
}

fn push_at(value: &AnyValue<'_>, depth: u32, out: &mut Vec<u8>) {
    match value {
        AnyValue::Null => out.extend_from_slice(b"null"),
        AnyValue::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        AnyValue::Int(value) => push_integer(*value, out),
        AnyValue::Double(value) => push_number(*value, out),
        AnyValue::Text(text) => push_text(*text, out),
        AnyValue::Time(ms) => {
            out.push(b'"');
            push_iso(*ms, out);
            out.push(b'"');
        }
        AnyValue::Bytes(bytes) => {
            out.push(b'"');
            push_base64(bytes, out);
            out.push(b'"');
        }
        AnyValue::Array(_) | AnyValue::Map(_) if depth == DEEPEST => push_string(DEEPER, out),
        AnyValue::Array(values) => push_array(values.clone(), out, |value, out| push_at(&value, depth + 1, out)),
        AnyValue::Map(entries) => push_entries(entries.clone(), depth + 1, out),
    }
}

/// `{"key":value}`.
pub(crate) fn push_attributes<'a>(attributes: impl Iterator<Item = (Text<'a>, AnyValue<'a>)>, out: &mut Vec<u8>) {
    push_entries(attributes, 0, out);
}

fn push_entries<'a>(entries: impl Iterator<Item = (Text<'a>, AnyValue<'a>)>, depth: u32, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_text(key, out);
        out.push(b':');
        push_at(&value, depth, out);
    }
    out.push(b'}');
}

/// `[item,item]`.
pub(crate) fn push_array<T>(
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut push_item: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_item(item, out);
    }
    out.push(b']');
}

/// A value of a resource or scope.
pub(crate) fn push_owned(value: &OwnedValue, out: &mut Vec<u8>) {
    match value.as_any() {
        Ok(value) => push_value(&value, out),
        Err(values) => push_array(values.iter(), out, push_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::arbitrary::{Written, WrittenSpan};

    fn written(attributes: &[(&str, Written)]) -> String {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let span = WrittenSpan {
            attributes: attributes.collect(),
            ..WrittenSpan::default()
        };
        let record = span.record();
        let mut out = Vec::new();
        push_attributes(record.view().attributes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn values_are_what_json_stringify_makes_of_them_and_more() {
        let list = Written::Array(vec![Written::I32(1), Written::Null, "x\"\n".into()]);
        let map = Written::Object(vec![
            ("k".to_owned(), list.clone()),
            ("é漢".to_owned(), Written::Bool(false)),
        ]);
        assert_eq!(
            written(&[
                ("a", Written::Bool(true)),
                ("b", Written::F64(1e300)),
                ("c", Written::F64(3.0)),
                ("d", Written::BigInt(i64::MIN)),
                ("e", Written::F64(f64::NAN)),
                ("f", Written::Utf16(vec![0xd800, 0x61])),
                ("g", list),
                ("h", map),
                ("", Written::Array(vec![])),
            ]),
            "{\"a\":true,\"b\":1e+300,\"c\":3,\"d\":-9223372036854775808,\"e\":\"NaN\",\"f\":\"\u{fffd}a\",\
             \"g\":[1,null,\"x\\\"\\n\"],\"h\":{\"k\":[1,null,\"x\\\"\\n\"],\"é漢\":false},\"\":[]}"
        );
        assert_eq!(written(&[]), "{}");
    }

    #[test]
    fn depth_ends_where_readers_may() {
        let nested = |depth: u32| (0..depth).fold(Written::Null, |inside, _| Written::Array(vec![inside]));
        let brackets =
            |depth: usize, inside: &str| format!("{{\"a\":{}{inside}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(written(&[("a", nested(DEEPEST))]), brackets(DEEPEST as usize, "null"));
        assert_eq!(
            written(&[("a", nested(DEEPEST + 1))]),
            brackets(DEEPEST as usize, "\"[...]\"")
        );
    }
}
