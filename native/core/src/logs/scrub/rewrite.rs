//! Texts as records hold them, and as they are written without their secrets. Any thread.
use super::{Censor, Found};
use crate::layout::{VALUE_LATIN1, VALUE_UTF16};
use crate::ring::value::Value;

/// The characters of a text value.
#[derive(Debug, Clone, Copy)]
pub enum Characters<'a> {
    /// One byte each.
    Latin1(&'a [u8]),
    /// Two bytes each, little endian.
    Utf16(&'a [u8]),
}

/// A part of a text, and what stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// First character.
    pub start: usize,
    /// Behind the last one.
    pub end: usize,
    /// What stands there.
    pub form: Form,
}

/// How the censor's text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// Inside of a JSON string.
    Json,
    /// As a JSON string.
    Quoted,
}

/// The parts of a text that are hidden, from left to right, without overlaps.
#[derive(Debug, PartialEq, Eq)]
pub struct Censored(Vec<Part>);

impl<'a> Characters<'a> {
    /// The characters of a value that has some.
    pub fn of(value: Value<'a>) -> Option<Characters<'a>> {
        match value {
            Value::Latin1(bytes) => Some(Characters::Latin1(bytes)),
            Value::Utf16(bytes) => Some(Characters::Utf16(bytes)),
            _ => None,
        }
    }

    /// A byte per character; 0x80 for those beyond Latin-1. `memory` is used when they are wider.
    pub fn narrow<'b>(&self, memory: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Characters::Latin1(bytes) => bytes,
            Characters::Utf16(bytes) => {
                memory.clear();
                memory.extend(
                    bytes
                        .chunks_exact(2)
                        .map(|unit| if unit[1] == 0 { unit[0] } else { 0x80 }),
                );
                memory
            }
        }
    }

    fn push(&self, start: usize, end: usize, wide: bool, out: &mut Vec<u8>) {
        match *self {
            Characters::Latin1(bytes) if wide => out.extend(bytes[start..end].iter().flat_map(|&byte| [byte, 0])),
            Characters::Latin1(bytes) => out.extend_from_slice(&bytes[start..end]),
            Characters::Utf16(bytes) => out.extend_from_slice(&bytes[2 * start..2 * end]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Characters::Latin1(bytes) => bytes.len(),
            Characters::Utf16(bytes) => bytes.len() / 2,
        }
    }
}

impl Censored {
    /// Hides a value as a whole.
    pub fn whole() -> Censored {
        Censored(vec![Part {
            start: 0,
            end: 0,
            form: Form::Plain,
        }])
    }

    /// Hides what was found.
    pub fn parts(found: &[Found]) -> Censored {
        let part = |found: &Found| Part {
            start: found.start,
            end: found.end,
            form: Form::Plain,
        };
        Censored(found.iter().map(part).collect())
    }

    /// Hides these parts, of a line.
    pub fn of_line(parts: &[Part]) -> Censored {
        Censored(parts.to_vec())
    }

    /// Appends the text as a value.
    pub fn push(&self, text: Characters<'_>, always_wide: bool, censor: &Censor, out: &mut Vec<u8>) {
        let plain = self.0.iter().any(|part| part.form == Form::Plain);
        let wide = always_wide || matches!(text, Characters::Utf16(_)) || plain && censor.latin1.is_none();
        out.push(if wide { VALUE_UTF16 } else { VALUE_LATIN1 });
        let count_at = out.len();
        out.extend([0; 4]);
        let mut at = 0;
        for part in &self.0 {
            text.push(at, part.start, wide, out);
            part.form.push(censor, wide, out);
            at = part.end;
        }
        text.push(at, text.len(), wide, out);
        let bytes = out.len() - count_at - 4;
        let count = (if wide { bytes / 2 } else { bytes }) as u32;
        out[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
    }
}

impl Form {
    fn push(self, censor: &Censor, wide: bool, out: &mut Vec<u8>) {
        let mut ascii = |text: &[u8]| Characters::Latin1(text).push(0, text.len(), wide, out);
        match (self, &censor.latin1) {
            (Form::Plain, Some(text)) => ascii(text),
            (Form::Plain, None) => out.extend(censor.units.iter().flat_map(|unit| unit.to_le_bytes())),
            (Form::Json, _) => ascii(&censor.json),
            (Form::Quoted, _) => {
                ascii(b"\"");
                ascii(&censor.json);
                ascii(b"\"");
            }
        }
    }
}
