//! Parts that the messages of all signals have, in OTLP/JSON. Runs on an exporter's thread, or on the collector. No allocation, but
//! for what is nested too deep.

use super::{ARRAY_MESSAGES, MAP_MESSAGES, MESSAGES_LEFT};
use crate::encode::base64::push_base64;
use crate::encode::iso::push_iso;
use crate::encode::json::{is_plain, push_integer, push_number, push_string};
use crate::encode::plain_json::{self, push_array, push_text};
use crate::encode::room::Room;
use crate::export::resource::OwnedValue;
use crate::ring::any::{AnyValue, Text};

/// `,"schemaUrl":"..."`; nothing for none.
pub(crate) fn push_schema(url: &str, out: &mut Vec<u8>) {
    if !url.is_empty() {
        out.extend_from_slice(b",\"schemaUrl\":");
        push_string(url, out);
    }
}

/// A text; nothing for an empty one, its default.
pub(crate) fn push_known(name: &[u8], text: Text<'_>, out: &mut Vec<u8>) {
    if !text.is_empty() {
        out.extend_from_slice(name);
        push_text(text, out);
    }
}

/// A number of 32 bits; nothing for 0, its default.
pub(crate) fn push_count(name: &[u8], count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        out.extend_from_slice(name);
        push_integer(count, out);
    }
}

/// A number of 64 bits, which JSON's readers would round: a string, whose quote `name` has opened.
pub(crate) fn push_time(name: &[u8], ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    push_integer(ns, out);
    out.push(b'"');
}

/// `,"attributes":[…]`; nothing for none.
pub(crate) fn push_attributes<'a>(attributes: impl Iterator<Item = (Text<'a>, AnyValue<'a>)>, out: &mut Vec<u8>) {
    let mut attributes = attributes.peekable();
    if attributes.peek().is_some() {
        out.extend_from_slice(b",\"attributes\":");
        push_array(attributes, out, |(key, value), out| {
            if !push_plain(key, &value, out) {
                push_entry(key, &value, MESSAGES_LEFT, out);
            }
        });
    }
}

/// The bytes of a text whose ASCII characters are one byte each.
fn one_byte_each(text: Text<'_>) -> Option<&[u8]> {
    match text {
        Text::Latin1(characters) => Some(characters),
        Text::Utf8(text) => Some(text.as_bytes()),
        Text::Utf16(_) => None,
    }
}

/// A `KeyValue` of which nothing has to be escaped, as of almost every attribute: 20 ns less than [`push_entry`], which makes
/// the same of it. False when it is another, and nothing is written.
#[inline]
fn push_plain(key: Text<'_>, value: &AnyValue<'_>, out: &mut Vec<u8>) -> bool {
    let mut digits = itoa::Buffer::new();
    let (before, content): (&[u8], &[u8]) = match value {
        AnyValue::Text(text) => match one_byte_each(*text) {
            Some(content) => (b"\",\"value\":{\"stringValue\":\"", content),
            None => return false,
        },
        AnyValue::Int(value) => (b"\",\"value\":{\"intValue\":\"", digits.format(*value).as_bytes()),
        _ => return false,
    };
    let Some(key) = one_byte_each(key).filter(|key| is_plain(key) && is_plain(content)) else {
        return false;
    };
    let mut room = Room::new(out, key.len() + content.len() + 48);
    room.push(b"{\"key\":\"");
    room.push(key);
    room.push(before);
    room.push(content);
    room.push(b"\"}}");
    true
}

/// A `KeyValue`. `left`: messages that may still be opened inside the value.
fn push_entry(key: Text<'_>, value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"key\":");
    push_text(key, out);
    out.extend_from_slice(b",\"value\":");
    push_value(value, left, out);
    out.push(b'}');
}

/// The `AnyValue` that is a record's body.
pub(crate) fn push_body(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    push_value(value, MESSAGES_LEFT, out);
}

/// An `AnyValue`. What is nested deeper than readers go is the text of its JSON.
fn push_value(value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    match value {
        AnyValue::Null => out.extend_from_slice(b"{}"),
        AnyValue::Bool(value) => {
            out.extend_from_slice(if *value {
                b"{\"boolValue\":true}"
            } else {
                b"{\"boolValue\":false}"
            });
        }
        AnyValue::Int(value) => {
            out.extend_from_slice(b"{\"intValue\":\"");
            push_integer(*value, out);
            out.extend_from_slice(b"\"}");
        }
        AnyValue::Double(value) => {
            out.extend_from_slice(b"{\"doubleValue\":");
            push_number(*value, out);
            out.push(b'}');
        }
        AnyValue::Text(text) => {
            out.extend_from_slice(b"{\"stringValue\":");
            push_text(*text, out);
            out.push(b'}');
        }
        AnyValue::Time(ms) => {
            out.extend_from_slice(b"{\"stringValue\":\"");
            push_iso(*ms, out);
            out.extend_from_slice(b"\"}");
        }
        AnyValue::Bytes(bytes) => {
            out.extend_from_slice(b"{\"bytesValue\":\"");
            push_base64(bytes, out);
            out.extend_from_slice(b"\"}");
        }
        AnyValue::Array(values) if left >= ARRAY_MESSAGES => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":");
            push_array(values.clone(), out, |value, out| {
                push_value(&value, left - ARRAY_MESSAGES, out)
            });
            out.extend_from_slice(b"}}");
        }
        AnyValue::Map(entries) if left >= MAP_MESSAGES => {
            out.extend_from_slice(b"{\"kvlistValue\":{\"values\":");
            push_array(entries.clone(), out, |(key, value), out| {
                push_entry(key, &value, left - MAP_MESSAGES, out);
            });
            out.extend_from_slice(b"}}");
        }
        AnyValue::Array(_) | AnyValue::Map(_) => push_json_text(out, |text| plain_json::push_value(value, text)),
    }
}

pub(crate) fn push_owned_attribute((key, value): &(Box<str>, OwnedValue), out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"key\":");
    push_string(key, out);
    out.extend_from_slice(b",\"value\":");
    push_owned(value, MESSAGES_LEFT, out);
    out.push(b'}');
}

fn push_owned(value: &OwnedValue, left: u32, out: &mut Vec<u8>) {
    match value.as_any() {
        Ok(value) => push_value(&value, left, out),
        Err(values) if left >= ARRAY_MESSAGES => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":");
            push_array(values.iter(), out, |value, out| {
                push_owned(value, left - ARRAY_MESSAGES, out)
            });
            out.extend_from_slice(b"}}");
        }
        Err(_) => push_json_text(out, |text| plain_json::push_owned(value, text)),
    }
}

/// JSON as a text in JSON.
fn push_json_text(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut text = Vec::new();
    write(&mut text);
    out.extend_from_slice(b"{\"stringValue\":");
    push_string(&String::from_utf8_lossy(&text), out);
    out.push(b'}');
}
