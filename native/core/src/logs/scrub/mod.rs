//! Takes secrets out of what was logged, by their looks: in values, in messages, and in finished lines. Runs on the collector before any
//! sink, and in recovery; names and paths are the app thread's work (`src/logs/redaction/`).
//!
//! A record is looked through once and copied only when something was found. Keys are left alone.

mod builtin;
mod card;
mod find;
mod fuzz;
mod line;
mod pattern;
mod pem;
mod rewrite;
#[cfg(test)]
mod tests;

pub use builtin::{CARD_NUMBER, builtin, names};
pub use card::is_card;
pub use find::{Finder, Findings, Found};
pub use fuzz::fuzz_scrub;
pub use pattern::{Check, Pattern, Set, Step};

use crate::ring::value::{Value, Values};
use rewrite::{Censored, Characters};
use std::cell::RefCell;

/// What stands in the place of what was found.
#[derive(Debug, Clone)]
pub struct Censor {
    /// UTF-16 of the text.
    units: Vec<u16>,
    /// Latin-1 of it, when it can be.
    latin1: Option<Vec<u8>>,
    /// It inside of a JSON string: ASCII.
    json: Vec<u8>,
}

/// Patterns, and what stands in the place of what they find.
pub struct Scrubber {
    finder: Finder,
    censor: Censor,
}

/// Memory that a thread keeps between records.
#[derive(Default)]
struct Work {
    findings: Findings,
    narrow: Vec<u8>,
    open: Vec<Open>,
    line: line::LineWork,
}

/// An object or array that is being read.
struct Open {
    is_object: bool,
    left: u64,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl Censor {
    /// A censor's text.
    pub fn new(text: &str) -> Censor {
        let units: Vec<u16> = text.encode_utf16().collect();
        let latin1 = units.iter().map(|&unit| u8::try_from(unit).ok()).collect();
        let mut json = Vec::new();
        for &unit in &units {
            match u8::try_from(unit) {
                Ok(byte @ (b'"' | b'\\')) => json.extend([b'\\', byte]),
                Ok(byte @ 0x20..=0x7e) => json.push(byte),
                _ => json.extend(format!("\\u{unit:04x}").bytes()),
            }
        }
        Censor { units, latin1, json }
    }
}

impl Scrubber {
    /// Looks for these, and for card numbers if asked.
    pub fn new(patterns: Vec<Pattern>, cards: bool, censor: Censor) -> Scrubber {
        Scrubber {
            finder: Finder::new(patterns, cards),
            censor,
        }
    }

    /// Everything that comes with Kymo.
    pub fn of_builtins(censor: Censor) -> Scrubber {
        let patterns = names().into_iter().flat_map(builtin).collect();
        Scrubber::new(patterns, true, censor)
    }

    /// What it looks with.
    pub fn finder(&self) -> &Finder {
        &self.finder
    }

    /// The values of a record without secrets: themselves when there are none, else what `scratch` holds then. The one value of a
    /// finished line stays JSON if it was. Linear in the bytes; bytes that make no sense are kept as they are.
    pub fn scrub<'a>(&self, values: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if self.finder.is_empty() {
            return values;
        }
        // A thread in its last moments has no memory of its own any more.
        let changed = WORK.try_with(|work| {
            let mut work = work.try_borrow_mut().ok()?;
            Some(self.rewrite(values, scratch, &mut work))
        });
        match changed {
            Ok(Some(changed)) => {
                if changed {
                    scratch
                } else {
                    values
                }
            }
            _ => {
                if self.rewrite(values, scratch, &mut Work::default()) {
                    scratch
                } else {
                    values
                }
            }
        }
    }

    /// A text without secrets; `None` when there are none in it.
    pub fn scrub_text(&self, text: &str) -> Option<String> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut out = Vec::new();
        let censored = self.text(Characters::Utf16(&units), false, &mut Work::default())?;
        censored.push(Characters::Utf16(&units), true, &self.censor, &mut out);
        let units = out[5..]
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        Some(
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        )
    }

    fn rewrite(&self, body: &[u8], scratch: &mut Vec<u8>, work: &mut Work) -> bool {
        let mut values = Values::new(body);
        let mut copied = 0;
        let mut changed = false;
        let mut is_key = false;
        let mut is_first = true;
        work.open.clear();
        while !values.at_end() {
            let start = body.len() - values.rest().len();
            let Ok(value) = values.read() else { break };
            let end = body.len() - values.rest().len();
            if !is_key && let Some(censored) = self.value(value, is_first && values.at_end(), work) {
                if !changed {
                    changed = true;
                    scratch.clear();
                }
                scratch.extend_from_slice(&body[copied..start]);
                match Characters::of(value) {
                    Some(text) => censored.push(text, false, &self.censor, scratch),
                    None => Censored::whole().push(Characters::Latin1(b""), false, &self.censor, scratch),
                }
                copied = end;
            }
            is_first = false;
            is_key = next_is_key(&mut work.open, value, is_key);
        }
        if changed {
            scratch.extend_from_slice(&body[copied..]);
        }
        changed
    }

    /// What has to be hidden of a value.
    fn value(&self, value: Value<'_>, is_line: bool, work: &mut Work) -> Option<Censored> {
        match value {
            Value::F64(number)
                if self.finder.looks_for_cards() && (1e12..=9_007_199_254_740_991.0).contains(&number) =>
            {
                let mut digits = itoa::Buffer::new();
                let is_card = number.trunc() == number && is_card(digits.format(number as u64).as_bytes());
                is_card.then(Censored::whole)
            }
            Value::BigInt(digits) => (self.finder.looks_for_cards() && is_card(digits)).then(Censored::whole),
            value => self.text(Characters::of(value)?, is_line, work),
        }
    }

    fn text(&self, text: Characters<'_>, is_line: bool, work: &mut Work) -> Option<Censored> {
        let Work {
            findings, narrow, line, ..
        } = work;
        let bytes = text.narrow(narrow);
        if is_line && bytes.first() == Some(&b'{') {
            return line::find(&self.finder, bytes, findings, line);
        }
        let found = self.finder.find(bytes, findings);
        found.then(|| Censored::parts(&findings.found))
    }
}

impl super::Scrub for Scrubber {
    fn scrub<'a>(&self, values: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        Scrubber::scrub(self, values, scratch)
    }
}

/// Whether the next value is a key, once `value` was read. The record itself is a message, then keys and values in turns.
fn next_is_key(open: &mut Vec<Open>, value: Value<'_>, was_key: bool) -> bool {
    match value {
        Value::Object(count) | Value::Error(count) if !was_key && count > 0 => {
            open.push(Open {
                is_object: true,
                left: 2 * u64::from(count),
            });
            return true;
        }
        Value::Array(count) if !was_key && count > 0 => {
            open.push(Open {
                is_object: false,
                left: u64::from(count),
            });
            return false;
        }
        _ => {}
    }
    while let Some(last) = open.last_mut() {
        last.left -= 1;
        if last.left > 0 {
            return last.is_object && last.left.is_multiple_of(2);
        }
        open.pop();
    }
    // At the record's own level: a key comes after each value.
    !was_key
}
