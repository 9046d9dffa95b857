//! Texts and values of attributes and fields, read in place. Any thread; allocates nothing.
use super::value::{Value, Values};
use crate::encode::text;
use crate::intern::Keys;

/// A text in one of the ways a record may hold it.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// One byte per character, U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// UTF-16 little endian, may hold lone surrogates.
    Utf16(&'a [u8]),
    /// An interned key.
    Utf8(&'a str),
}

/// A value of an attribute: OpenTelemetry's AnyValue.
#[derive(Debug, Clone)]
pub enum AnyValue<'a> {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer: what JavaScript holds exactly, or a bigint of 64 bits.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// A text.
    Text(Text<'a>),
    /// A date: ms since 1970 that JavaScript's dates can have, whole.
    Time(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Values.
    Array(AnyValues<'a>),
    /// Keys and values.
    Map(AnyEntries<'a>),
}

/// The values of an array.
#[derive(Debug, Clone)]
pub struct AnyValues<'a> {
    values: Values<'a>,
    left: u32,
    keys: KeysOf<'a>,
}

/// The entries of a map.
#[derive(Debug, Clone)]
pub struct AnyEntries<'a> {
    values: Values<'a>,
    left: u32,
    keys: KeysOf<'a>,
}

#[derive(Clone, Copy)]
struct KeysOf<'a>(&'a dyn Keys);

impl std::fmt::Debug for KeysOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("keys")
    }
}

/// The largest distance from 1970 that a JavaScript date has, in ms.
const FARTHEST_MS: f64 = 8.64e15;
/// The largest integer that JavaScript's numbers hold exactly.
const SAFE: f64 = 9_007_199_254_740_991.0;

impl<'a> Text<'a> {
    /// No text.
    pub const EMPTY: Text<'static> = Text::Utf8("");

    /// The text of a value that is one.
    pub fn of(value: Value<'a>, keys: &'a dyn Keys) -> Option<Text<'a>> {
        match value {
            Value::Latin1(bytes) => Some(Text::Latin1(bytes)),
            Value::Utf16(bytes) => Some(Text::Utf16(bytes)),
            Value::Interned(id) => keys.text(id).map(Text::Utf8),
            _ => None,
        }
    }

    /// True without a character.
    pub fn is_empty(&self) -> bool {
        match self {
            Text::Latin1(bytes) | Text::Utf16(bytes) => bytes.is_empty(),
            Text::Utf8(text) => text.is_empty(),
        }
    }

    /// Its characters; a lone surrogate is U+FFFD.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        let (latin1, utf16, utf8): (&[u8], &[u8], &str) = match *self {
            Text::Latin1(bytes) => (bytes, &[], ""),
            Text::Utf16(bytes) => (&[], bytes, ""),
            Text::Utf8(text) => (&[], &[], text),
        };
        let units = utf16.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        latin1
            .iter()
            .map(|&byte| char::from(byte))
            .chain(decoded)
            .chain(utf8.chars())
    }

    /// The bytes, when they are UTF-8 as they lie there: an interned key or ASCII.
    pub fn as_utf8(&self) -> Option<&'a str> {
        match *self {
            // SAFETY: ASCII is UTF-8; it was looked at just now, and is borrowed for as long as the text.
            Text::Latin1(bytes) if bytes.is_ascii() => Some(unsafe { std::str::from_utf8_unchecked(bytes) }),
            Text::Utf8(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of the text in UTF-8.
    pub fn utf8_len(&self) -> usize {
        match *self {
            Text::Latin1(characters) => text::latin1_length(characters),
            Text::Utf16(units) => text::utf16_length(units),
            Text::Utf8(text) => text.len(),
        }
    }

    /// Appends it in UTF-8.
    pub fn push_utf8(&self, out: &mut Vec<u8>) {
        match *self {
            Text::Latin1(characters) => text::push_latin1(characters, out),
            Text::Utf16(units) => text::push_utf16(units, out),
            Text::Utf8(text) => out.extend_from_slice(text.as_bytes()),
        }
    }

    /// True when it says the same as `text`.
    pub fn is(&self, text: &str) -> bool {
        match self.as_utf8() {
            Some(own) => own == text,
            None => self.chars().eq(text.chars()),
        }
    }
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        self.chars().try_for_each(|char| f.write_char(char))
    }
}

/// Reads a value, and past all that it holds. `None` when it makes no sense. No recursion.
pub fn attribute_value<'a>(values: &mut Values<'a>, keys: &'a dyn Keys) -> Option<AnyValue<'a>> {
    let keys_of = KeysOf(keys);
    let mut whole = values.clone();
    Some(match values.read().ok()? {
        Value::Null => AnyValue::Null,
        Value::Bool(value) => AnyValue::Bool(value),
        Value::I32(value) => AnyValue::Int(i64::from(value)),
        // Minus zero is no integer: an integer cannot say it.
        Value::F64(value)
            if value.trunc() == value && value.abs() <= SAFE && !(value == 0.0 && value.is_sign_negative()) =>
        {
            AnyValue::Int(value as i64)
        }
        Value::F64(value) => AnyValue::Double(value),
        Value::BigInt(digits) => AnyValue::Int(std::str::from_utf8(digits).ok()?.parse().ok()?),
        Value::Array(left) => {
            let inside = values.clone();
            whole.skip().ok()?;
            *values = whole;
            AnyValue::Array(AnyValues {
                values: inside,
                left,
                keys: keys_of,
            })
        }
        Value::Object(left) | Value::Error(left) => {
            let inside = values.clone();
            whole.skip().ok()?;
            *values = whole;
            AnyValue::Map(AnyEntries {
                values: inside,
                left,
                keys: keys_of,
            })
        }
        // A date that is none.
        Value::Time(ms) if ms.is_nan() || ms.abs() > FARTHEST_MS => AnyValue::Null,
        Value::Time(ms) => AnyValue::Time(ms as i64),
        Value::Bytes(bytes) => AnyValue::Bytes(bytes),
        text => AnyValue::Text(Text::of(text, keys)?),
    })
}

impl<'a> AnyValues<'a> {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// True when none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for AnyValues<'a> {
    type Item = AnyValue<'a>;

    fn next(&mut self) -> Option<AnyValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        attribute_value(&mut self.values, self.keys.0)
    }
}

impl<'a> AnyEntries<'a> {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// True when none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for AnyEntries<'a> {
    type Item = (Text<'a>, AnyValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let key = Text::of(self.values.read().ok()?, self.keys.0)?;
        Some((key, attribute_value(&mut self.values, self.keys.0)?))
    }
}
