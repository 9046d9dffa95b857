//! Attributes in MessagePack, as JavaScript has them. Numbers are numbers, NaN and the infinities included; only a bigint that no
//! number holds is a 64-bit integer, which readers in JavaScript take as a bigint. Any thread.

use super::msgpack::{
    push_array, push_bool, push_bytes, push_i64, push_map, push_nil, push_number, push_string, push_string_head,
    push_timestamp,
};
use super::plain_json::{DEEPER, DEEPEST};
use crate::export::resource::{OwnedAttributes, OwnedValue};
use crate::ring::any::{AnyValue, Text};

/// The largest integer that JavaScript's numbers hold exactly.
const SAFE: u64 = (1 << 53) - 1;

/// A text as a string.
pub(crate) fn push_text(text: Text<'_>, out: &mut Vec<u8>) {
    match text.as_utf8() {
        Some(text) => push_string(text, out),
        None => {
            push_string_head(text.utf8_len(), out);
            text.push_utf8(out);
        }
    }
}

/// A value at a depth; what is nested deeper than readers may go is a text.
pub(crate) fn push_value(value: &AnyValue<'_>, depth: u32, out: &mut Vec<u8>) {
    match value {
        AnyValue::Null => push_nil(out),
        AnyValue::Bool(value) => push_bool(*value, out),
        AnyValue::Int(value) if value.unsigned_abs() > SAFE => push_i64(*value, out),
        AnyValue::Int(value) => push_number(*value as f64, out),
        AnyValue::Double(value) => push_number(*value, out),
        AnyValue::Text(text) => push_text(*text, out),
        AnyValue::Time(ms) => push_timestamp(*ms, out),
        AnyValue::Bytes(bytes) => push_bytes(bytes, out),
        AnyValue::Array(_) | AnyValue::Map(_) if depth == DEEPEST => push_string(DEEPER, out),
        AnyValue::Array(values) => {
            // Counted by reading: values of a damaged record may end before their number is reached.
            push_array(values.clone().count(), out);
            values.clone().for_each(|value| push_value(&value, depth + 1, out));
        }
        AnyValue::Map(entries) => {
            push_map(entries.clone().count(), out);
            for (key, value) in entries.clone() {
                push_text(key, out);
                push_value(&value, depth + 1, out);
            }
        }
    }
}

/// A map of attributes.
pub(crate) fn push_owned_attributes(attributes: &OwnedAttributes, out: &mut Vec<u8>) {
    push_map(attributes.len(), out);
    for (key, value) in attributes {
        push_string(key, out);
        push_owned(value, out);
    }
}

fn push_owned(value: &OwnedValue, out: &mut Vec<u8>) {
    match value.as_any() {
        Ok(value) => push_value(&value, 0, out),
        Err(values) => {
            push_array(values.len(), out);
            values.iter().for_each(|value| push_owned(value, out));
        }
    }
}
