//! The pairs of a record as exporters want them: each key once (the last value, at the place of the first), the error taken apart as
//! OpenTelemetry's conventions for exceptions have it, and no more than the limits allow. Runs on the collector.
use super::LogRecord;
use crate::intern::Keys;
use crate::layout::VALUE_OBJECT;
use crate::ring::any::{AnyValue, Text, attribute_value};
use crate::ring::value::{Value, Values};
use std::collections::HashMap;

/// What a record may have (OpenTelemetry, "LogRecord Limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeLimits {
    /// Attributes of a record; those behind are dropped and counted.
    pub count: usize,
    /// UTF-16 units of a text; what is behind is cut off.
    pub value_length: usize,
}

impl Default for AttributeLimits {
    fn default() -> AttributeLimits {
        AttributeLimits {
            count: 128,
            value_length: usize::MAX,
        }
    }
}

/// The key of the error that a call was given.
const ERROR_KEY: &str = "err";
/// Parts of an error and the attributes that they are.
const PARTS: [(&str, &str); 3] = [
    ("type", "exception.type"),
    ("message", "exception.message"),
    ("stack", "exception.stacktrace"),
];
/// Says that values were cut off because the record was too long for its ring.
const TRUNCATED: &str = "kymo.log.truncated";
/// Keys that are compared one by one.
const FEW: usize = 24;

/// The attributes of a record.
pub struct Attributes<'a> {
    /// In their order, each key once.
    pub list: Vec<(Text<'a>, AnyValue<'a>)>,
    /// How many there were beyond the limit, or without a key.
    pub dropped: u32,
}

/// A pair before its value is read.
struct Pair<'a> {
    key: Text<'a>,
    value: Values<'a>,
}

impl<'a> Attributes<'a> {
    /// Reads a record's pairs, up to the first that makes no sense. With `exceptions`, the error becomes `exception.*`, and what else it
    /// says stays under its key. `scratch` holds that.
    pub fn read(
        record: &LogRecord<'a>,
        limits: AttributeLimits,
        exceptions: bool,
        scratch: &'a mut Vec<u8>,
    ) -> Attributes<'a> {
        let (mut pairs, empty) = unique(record.pairs(), record.keys);
        let error = exceptions.then(|| error_of(&pairs)).flatten();
        let mut attributes = Attributes {
            list: Vec::with_capacity(pairs.len() + 4),
            dropped: empty,
        };
        let mut push = |key: Text<'a>, value: AnyValue<'a>| {
            if attributes.list.len() < limits.count {
                attributes.list.push((key, shortened(value, limits.value_length)));
            } else {
                attributes.dropped = attributes.dropped.saturating_add(1);
            }
        };
        if let Some(error) = error {
            scratch.clear();
            let mut parts = take_apart(&pairs[error].value, record.keys, scratch);
            // An attribute that the caller named so stays the caller's.
            parts.retain(|(key, _)| !pairs.iter().any(|pair| pair.key.is(key)));
            let rest = &*scratch;
            for (at, pair) in pairs.iter_mut().enumerate() {
                if at != error {
                    if let Some(value) = attribute_value(&mut pair.value, record.keys) {
                        push(pair.key, value);
                    }
                    continue;
                }
                for (key, value) in parts.drain(..) {
                    push(Text::Utf8(key), value);
                }
                if let Some(value) = attribute_value(&mut Values::new(rest), record.keys) {
                    push(pair.key, value);
                }
            }
        } else {
            for pair in &mut pairs {
                if let Some(value) = attribute_value(&mut pair.value, record.keys) {
                    push(pair.key, value);
                }
            }
        }
        if record.cut {
            push(Text::Utf8(TRUNCATED), AnyValue::Bool(true));
        }
        attributes
    }
}

/// The pairs with each key once, and how many had no key.
fn unique<'a>(mut values: Values<'a>, keys: &'a dyn Keys) -> (Vec<Pair<'a>>, u32) {
    let mut pairs: Vec<Pair<'a>> = Vec::with_capacity(8);
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut empty = 0;
    while !values.at_end() {
        let Some(key) = values.read().ok().and_then(|key| Text::of(key, keys)) else {
            break;
        };
        let value = values.clone();
        if values.skip().is_err() {
            break;
        }
        if key.is_empty() {
            empty += 1;
            continue;
        }
        let known = if pairs.len() < FEW {
            pairs.iter().position(|pair| same(pair.key, key))
        } else {
            if places.is_empty() {
                places.extend(pairs.iter().enumerate().map(|(at, pair)| (pair.key.to_string(), at)));
            }
            let place = places.entry(key.to_string()).or_insert(pairs.len());
            Some(*place).filter(|place| *place < pairs.len())
        };
        match known {
            Some(at) => pairs[at].value = value,
            None => pairs.push(Pair { key, value }),
        }
    }
    (pairs, empty)
}

/// Two texts with the same characters, however they are stored.
fn same(one: Text<'_>, other: Text<'_>) -> bool {
    match (one, other) {
        (Text::Utf8(one), Text::Utf8(other)) => one == other,
        (Text::Latin1(one), Text::Latin1(other)) | (Text::Utf16(one), Text::Utf16(other)) => one == other,
        _ => one.chars().eq(other.chars()),
    }
}

/// The pair whose error is the record's: that of the call, otherwise the first.
fn error_of(pairs: &[Pair<'_>]) -> Option<usize> {
    let is_error = |pair: &Pair<'_>| matches!(pair.value.clone().read(), Ok(Value::Error(_)));
    let named = pairs.iter().position(|pair| pair.key.is(ERROR_KEY) && is_error(pair));
    named.or_else(|| pairs.iter().position(is_error))
}

/// The attributes of an error; its other parts go into `rest` as an object, unless there are none.
fn take_apart<'a>(error: &Values<'a>, keys: &'a dyn Keys, rest: &mut Vec<u8>) -> Vec<(&'static str, AnyValue<'a>)> {
    let mut values = error.clone();
    let Ok(Value::Error(count)) = values.read() else {
        return Vec::new();
    };
    let mut found: [Option<AnyValue<'a>>; PARTS.len()] = [const { None }; PARTS.len()];
    let mut others = 0_u32;
    rest.extend_from_slice(&[VALUE_OBJECT, 0, 0, 0, 0]);
    for _ in 0..count {
        let start = values.clone();
        let Some(key) = values.read().ok().and_then(|key| Text::of(key, keys)) else {
            break;
        };
        let mut value = values.clone();
        if values.skip().is_err() {
            break;
        }
        let part = PARTS.iter().position(|(part, _)| key.is(part));
        match part.filter(|part| found[*part].is_none()) {
            Some(part) => found[part] = attribute_value(&mut value, keys),
            None => {
                let entry = start.rest();
                rest.extend_from_slice(&entry[..entry.len() - values.rest().len()]);
                others += 1;
            }
        }
    }
    match others {
        0 => rest.clear(),
        _ => rest[1..5].copy_from_slice(&others.to_le_bytes()),
    }
    let named = found
        .into_iter()
        .zip(PARTS)
        .map(|(value, (_, key))| Some((key, value?)));
    named
        .flatten()
        .filter(|(_, value)| !matches!(value, AnyValue::Null))
        .collect()
}

/// A text with at most `length` UTF-16 units; other values as they are.
fn shortened(value: AnyValue<'_>, length: usize) -> AnyValue<'_> {
    let AnyValue::Text(text) = value else { return value };
    AnyValue::Text(match text {
        Text::Latin1(characters) => Text::Latin1(&characters[..characters.len().min(length)]),
        // Half a surrogate pair at the end is written as U+FFFD.
        Text::Utf16(units) => Text::Utf16(&units[..units.len().min(length.saturating_mul(2))]),
        Text::Utf8(text) => {
            let mut left = length;
            let fits = |character: char| {
                let units = character.len_utf16();
                let fits = left >= units;
                left = left.saturating_sub(units);
                !fits
            };
            Text::Utf8(&text[..text.find(fits).unwrap_or(text.len())])
        }
    })
}
