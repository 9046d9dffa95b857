//! Values of a record as JSON. Runs on the thread that encodes; never panics, whatever the bytes say, and never goes deeper than
//! [`DEEPEST`].
use super::escape::{push_inside, push_shown};
use super::fields::{Entries, Style};
use super::keys::NO_RULES;
use super::time::push_iso;
use crate::encode::base64::push_base64;
use crate::encode::json::{push_javascript, push_string};
use crate::intern::Keys;
use crate::ring::any::Text;
use crate::ring::record::BadRecord;
use crate::ring::value::{Value, Values};
use std::cell::Cell;

/// Values within values that are written; JavaScript writes 8 at most, but a file may say anything.
const DEEPEST: u32 = 32;
/// The largest integer that JavaScript's numbers hold exactly.
const SAFE: i64 = 9_007_199_254_740_991;

/// How NaN and the infinities are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonFinite {
    /// `null`, as by `JSON.stringify`.
    #[default]
    Null,
    /// `"NaN"`, `"Infinity"`, `"-Infinity"`.
    Text,
}

/// How bigints are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BigInt {
    /// A number where JavaScript reads it back exactly, otherwise a text.
    #[default]
    Exact,
    /// Always a number.
    Number,
    /// Always a text.
    Text,
}

/// What the values of one record are written with.
pub(super) struct Env<'a> {
    pub(super) keys: &'a dyn Keys,
    pub(super) non_finite: NonFinite,
    pub(super) bigint: BigInt,
    /// Something was left out: it was nested too deep, or made no sense.
    pub(super) cut: Cell<bool>,
}

impl<'a> Env<'a> {
    /// The text of a value that is one. An id that was never given has a text that says so.
    #[inline]
    pub(super) fn text(&self, value: Value<'a>) -> Option<Text<'a>> {
        match value {
            Value::Interned(_) => Some(Text::of(value, self.keys).unwrap_or(Text::Utf8("[unknown]"))),
            value => Text::of(value, self.keys),
        }
    }

    /// Writes the entries of an object that is `depth` deep.
    pub(super) fn inside<'s, S>(&'s self, style: &'s S, depth: u32) -> Entries<'s, 'a, S> {
        Entries {
            style,
            rules: &NO_RULES,
            active: 0,
            env: self,
            depth: depth + 1,
        }
    }

    /// Reads a key.
    #[inline]
    pub(super) fn key(&self, values: &mut Values<'a>) -> Result<Text<'a>, BadRecord> {
        let value = values.read()?;
        self.text(value).ok_or(BadRecord::Tag { at: 0, tag: 0 })
    }
}

/// JSON. `SHOWN`: for a terminal, see [`push_shown`].
pub(super) struct Json<const SHOWN: bool>;

impl<const SHOWN: bool> Json<SHOWN> {
    #[inline]
    fn push_text(text: Text<'_>, out: &mut Vec<u8>) {
        out.push(b'"');
        Self::push_inside(text, out);
        out.push(b'"');
    }

    #[inline]
    fn push_inside(text: Text<'_>, out: &mut Vec<u8>) {
        if SHOWN {
            push_shown::<true>(text, out);
        } else {
            push_inside(text, out);
        }
    }

    /// Appends the next value, read to its end.
    ///
    /// # Errors
    /// The value makes no sense; what was written of it is the caller's to take back.
    #[inline]
    pub(super) fn push_value<'a>(
        values: &mut Values<'a>,
        env: &Env<'a>,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), BadRecord> {
        let before = values.clone();
        match values.read()? {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Value::I32(value) => push_javascript(f64::from(value), out),
            Value::F64(value) => push_number(value, env.non_finite, out),
            Value::BigInt(digits) => push_bigint(digits, env.bigint, out),
            Value::Time(ms) => push_date(ms, out),
            Value::Bytes(bytes) => {
                out.push(b'"');
                push_base64(bytes, out);
                out.push(b'"');
            }
            Value::Object(_) | Value::Error(_) | Value::Array(_) if depth >= DEEPEST => {
                *values = before;
                values.skip()?;
                env.cut.set(true);
                out.extend_from_slice(b"\"[...]\"");
            }
            Value::Object(count) | Value::Error(count) => {
                out.push(b'{');
                env.inside(&Self, depth).push(values, count, out)?;
                end_list(b'}', out);
            }
            Value::Array(count) => {
                out.push(b'[');
                for _ in 0..count {
                    Self::push_value(values, env, depth + 1, out)?;
                    out.push(b',');
                }
                end_list(b']', out);
            }
            text => match env.text(text) {
                Some(text) => Self::push_text(text, out),
                None => out.extend_from_slice(b"null"),
            },
        }
        Ok(())
    }
}

/// Ends a list whose items are each followed by a comma.
#[inline(always)]
pub(super) fn end_list(end: u8, out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = end,
        _ => out.push(end),
    }
}

impl<const SHOWN: bool> Style for Json<SHOWN> {
    const TEXT: [&'static str; 2] = ["\"", "\""];

    #[inline(always)]
    fn open(&self, out: &mut Vec<u8>) {
        out.push(b'"');
    }

    #[inline]
    fn key(&self, key: Text<'_>, out: &mut Vec<u8>) {
        Self::push_inside(key, out);
    }

    #[inline(always)]
    fn between(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\":");
    }

    #[inline(always)]
    fn close(&self, out: &mut Vec<u8>) {
        out.push(b',');
    }

    #[inline]
    fn value<'a>(
        &self,
        values: &mut Values<'a>,
        env: &Env<'a>,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), BadRecord> {
        Self::push_value(values, env, depth, out)
    }

    fn inside(&self, text: Text<'_>, out: &mut Vec<u8>) {
        Self::push_inside(text, out);
    }
}

/// Appends a number as JSON.
pub(super) fn push_number(value: f64, non_finite: NonFinite, out: &mut Vec<u8>) {
    if value.is_finite() {
        push_javascript(value, out);
    } else if non_finite == NonFinite::Null {
        out.extend_from_slice(b"null");
    } else {
        push_string(non_finite_word(value), out);
    }
}

/// JavaScript's word for what is no finite number.
pub(super) fn non_finite_word(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

/// Appends a bigint of 64 bits, given as its digits, as JSON.
fn push_bigint(digits: &[u8], form: BigInt, out: &mut Vec<u8>) {
    // Read back and written anew: a file may say `+007`.
    let number: i64 = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let is_number = match form {
        BigInt::Exact => (-SAFE..=SAFE).contains(&number),
        BigInt::Number => true,
        BigInt::Text => false,
    };
    let quote: &[u8] = if is_number { b"" } else { b"\"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.extend_from_slice(quote);
}

/// Appends a date as JSON, `null` for an invalid one.
fn push_date(ms: f64, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(b'"');
    if push_iso(ms, out) {
        out.push(b'"');
    } else {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bigints_are_numbers_where_javascript_reads_them_back() {
        let written = |digits: &str, form| {
            let mut out = Vec::new();
            push_bigint(digits.as_bytes(), form, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(written("9007199254740991", BigInt::Exact), "9007199254740991");
        assert_eq!(written("-9007199254740992", BigInt::Exact), "\"-9007199254740992\"");
        assert_eq!(written("9223372036854775807", BigInt::Number), "9223372036854775807");
        assert_eq!(written("+007", BigInt::Text), "\"7\"");
    }
}
