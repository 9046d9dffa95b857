//! Parts that the messages of all signals have, in protocol buffers (opentelemetry-proto 1.x, `common/v1`; field numbers are theirs).
//! Runs on an exporter's thread, or on the collector. No allocation.

use super::{ARRAY_MESSAGES, MAP_MESSAGES, MESSAGES_LEFT};
use crate::encode::iso::push_iso;
use crate::encode::plain_json;
use crate::encode::protobuf::{push_bytes, push_message, push_uint};
use crate::encode::room::Room;
use crate::export::resource::OwnedValue;
use crate::ring::any::{AnyValue, Text};

/// Tag of a field whose content has a length.
pub(crate) const fn tag(field: u8) -> u8 {
    field << 3 | 2
}

/// Most bytes of a value that is no text: a tag and ten bytes.
const SCALAR: usize = 11;

/// A field of type uint32; nothing for 0, its default.
pub(crate) fn push_count(field: u32, count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        push_uint(field, u64::from(count), out);
    }
}

/// A field of type string; nothing for an empty one, its default.
pub(crate) fn push_known(field: u32, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_bytes(field, text.as_bytes(), out);
    }
}

/// See [`push_known`].
pub(crate) fn push_known_text(field: u32, text: Text<'_>, out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_text(field, text, out);
    }
}

/// A field of type string in whichever form.
fn push_text(field: u32, text: Text<'_>, out: &mut Vec<u8>) {
    match text.as_utf8() {
        Some(text) => push_bytes(field, text.as_bytes(), out),
        None => push_message(field, out, |out| text.push_utf8(out)),
    }
}

/// A `KeyValue` in `field`, below 16.
#[inline]
pub(crate) fn push_attribute(field: u8, key: Text<'_>, value: &AnyValue<'_>, out: &mut Vec<u8>) {
    if let Some(key) = key.as_utf8().filter(|key| !key.is_empty()) {
        let mut scalar = [0; SCALAR];
        let value = match value {
            AnyValue::Text(text) => text.as_utf8().map(|text| (true, text.as_bytes())),
            value => push_scalar(value, &mut scalar).map(|length| (false, &scalar[..length])),
        };
        // Every length is one byte, as in almost every attribute.
        if let Some((is_text, value)) = value
            && key.len() + value.len() < 0x80 - 6
        {
            let (key_length, value_length) = (key.len() as u8, value.len() as u8);
            let inner = value_length + if is_text { 2 } else { 0 };
            let mut room = Room::new(out, 0x80 + 2);
            room.push(&[tag(field), key_length + inner + 4, tag(1), key_length]);
            room.push(key.as_bytes());
            room.push(&[tag(2), inner]);
            if is_text {
                room.push(&[tag(1), value_length]);
            }
            room.push(value);
            return;
        }
    }
    push_entry(u32::from(field), key, value, MESSAGES_LEFT, out);
}

/// Writes a value that is neither a text nor holds values; its bytes, or `None` for another one.
fn push_scalar(value: &AnyValue<'_>, out: &mut [u8; SCALAR]) -> Option<usize> {
    match *value {
        AnyValue::Null => Some(0),
        AnyValue::Bool(value) => {
            out[..2].copy_from_slice(&[2 << 3, u8::from(value)]);
            Some(2)
        }
        AnyValue::Int(value) => {
            let mut rest = value as u64;
            let mut length = 1;
            out[0] = 3 << 3;
            while rest >= 0x80 {
                out[length] = rest as u8 | 0x80;
                rest >>= 7;
                length += 1;
            }
            out[length] = rest as u8;
            Some(length + 1)
        }
        AnyValue::Double(value) => {
            out[0] = 4 << 3 | 1;
            out[1..9].copy_from_slice(&value.to_le_bytes());
            Some(9)
        }
        _ => None,
    }
}

/// A `KeyValue` of any length. `left`: messages that may still be opened inside the value.
fn push_entry(field: u32, key: Text<'_>, value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    push_message(field, out, |out| {
        push_known_text(1, key, out);
        push_message(2, out, |out| push_value(value, left, out));
    });
}

/// The content of the `AnyValue` that is a record's body.
pub(crate) fn push_body(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    push_value(value, MESSAGES_LEFT, out);
}

/// The content of an `AnyValue`. What is nested deeper than readers go is the text of its JSON.
fn push_value(value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    match value {
        AnyValue::Text(text) => push_text(1, *text, out),
        AnyValue::Time(ms) => push_message(1, out, |out| push_iso(*ms, out)),
        AnyValue::Bytes(bytes) => push_bytes(7, bytes, out),
        AnyValue::Array(values) if left >= ARRAY_MESSAGES => push_message(5, out, |out| {
            for value in values.clone() {
                push_message(1, out, |out| push_value(&value, left - ARRAY_MESSAGES, out));
            }
        }),
        AnyValue::Map(entries) if left >= MAP_MESSAGES => push_message(6, out, |out| {
            for (key, value) in entries.clone() {
                push_entry(1, key, &value, left - MAP_MESSAGES, out);
            }
        }),
        AnyValue::Array(_) | AnyValue::Map(_) => push_message(1, out, |out| plain_json::push_value(value, out)),
        scalar => {
            let mut bytes = [0; SCALAR];
            let length = push_scalar(scalar, &mut bytes).unwrap_or_default();
            out.extend_from_slice(&bytes[..length]);
        }
    }
}

pub(crate) fn push_owned_attributes(field: u32, attributes: &[(Box<str>, OwnedValue)], out: &mut Vec<u8>) {
    for (key, value) in attributes {
        push_message(field, out, |out| {
            push_known(1, key, out);
            push_message(2, out, |out| push_owned(value, MESSAGES_LEFT, out));
        });
    }
}

fn push_owned(value: &OwnedValue, left: u32, out: &mut Vec<u8>) {
    match value.as_any() {
        Ok(value) => push_value(&value, left, out),
        Err(values) if left >= ARRAY_MESSAGES => push_message(5, out, |out| {
            for value in values {
                push_message(1, out, |out| push_owned(value, left - ARRAY_MESSAGES, out));
            }
        }),
        Err(_) => push_message(1, out, |out| plain_json::push_owned(value, out)),
    }
}
