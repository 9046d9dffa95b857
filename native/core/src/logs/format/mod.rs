//! What a line looks like: JSON, text, logfmt or OTLP, made of a record as it lies in its ring. Runs on the collector, and on app threads
//! for formatters; a format is shared and holds nothing that changes.
//!
//! Any bytes make a line: what makes no sense is left out, and the line says that something is missing.

mod error;
mod escape;
mod fields;
mod fuzz;
mod ids;
mod json;
mod keys;
mod level;
mod options;
mod otlp;
mod template;
mod text;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use error::ErrorForm;
pub use fuzz::fuzz_log_formats;
pub use ids::IdForm;
pub use level::{LevelCase, LevelForm, LevelScale, severity_number};
pub use options::{Constant, FlagsForm, FormatOptions, Names, Part, Shape};
pub use template::{Piece, Slot, Template};
pub use time::{TimeForm, TimePattern};
pub use value::{BigInt, NonFinite};

use super::LogRecord;
use super::routes::{LineFormat, push_line};
use crate::layout::VALUE_NULL;
use json::JsonLine;
use otlp::OtlpLine;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use text::TextLine;
use value::Env;

/// Bits that say which keys a line writes itself.
const ALWAYS: u8 = 1;
const WITH_LOGGER: u8 = 2;
const WITH_MESSAGE: u8 = 4;
const WITH_TRACE: u8 = 8;
const WITH_SPAN: u8 = 16;

/// Lines from which something is missing, of all formats.
static TRUNCATED: AtomicU64 = AtomicU64::new(0);

/// Lines so far, of all formats together, from which something is missing: the record was cut, nested too deep, or damaged. A line that
/// goes to two sinks in two formats counts twice.
pub fn truncated_lines() -> u64 {
    TRUNCATED.load(Ordering::Relaxed)
}

/// Makes lines of records.
pub struct Format {
    line: Line,
    non_finite: NonFinite,
    bigint: BigInt,
}

enum Line {
    Json(Box<JsonLine>),
    Text(Box<TextLine>),
    Otlp(Box<OtlpLine>),
}

impl Default for Format {
    fn default() -> Format {
        Format::new(FormatOptions::default())
    }
}

impl Format {
    /// Compiles `options`. Where two keys of the line itself are the same, both are written: [`FormatOptions::clash`] tells.
    pub fn new(options: FormatOptions) -> Format {
        Format {
            line: match options.shape {
                Shape::Json => Line::Json(Box::new(JsonLine::new(&options))),
                Shape::Text | Shape::Color | Shape::Logfmt => Line::Text(Box::new(TextLine::new(&options))),
                Shape::Otlp => Line::Otlp(Box::new(OtlpLine::new(&options))),
            },
            non_finite: options.non_finite,
            bigint: options.bigint,
        }
    }

    /// Appends one line with its end, valid UTF-8; a finished line as it is. With [`FormatOptions::multiline`], stacks follow on lines of
    /// their own. Never panics, whatever the record's bytes say; allocates for records with keys that come twice or are reserved.
    pub fn write(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        if record.is_line {
            return push_line(record, out);
        }
        out.reserve(record.values.len() + 256);
        let env = Env {
            keys: record.keys,
            non_finite: self.non_finite,
            bigint: self.bigint,
            cut: Cell::new(false),
        };
        let whole = match &self.line {
            Line::Json(line) => line.write(record, &env, out),
            Line::Text(line) => line.write(record, &env, out),
            Line::Otlp(line) => line.write(record, &env, out),
        };
        if !whole {
            TRUNCATED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl LineFormat for Format {
    fn write(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        Format::write(self, record, out);
    }
}

/// The keys that lines write themselves, and the bit of the lines that do.
fn reserved_names(options: &FormatOptions) -> Vec<(u8, String)> {
    let names = &options.names;
    // A template gives every line a message.
    let message = if options.template.is_some() {
        ALWAYS
    } else {
        WITH_MESSAGE
    };
    let mut reserved = Vec::new();
    for part in &options.order {
        match part {
            Part::Time => reserved.push((ALWAYS, names.time.clone())),
            Part::Level => reserved.push((ALWAYS, names.level.clone())),
            Part::Logger => reserved.push((WITH_LOGGER, names.logger.clone())),
            Part::Message => reserved.push((message, names.message.clone())),
            Part::Trace => {
                reserved.push((WITH_TRACE, names.trace_id.clone()));
                reserved.push((WITH_SPAN, names.span_id.clone()));
                reserved.push((WITH_TRACE, names.trace_flags.clone()));
            }
            Part::Base => reserved.extend(options.base.iter().map(|(name, _)| (ALWAYS, name.clone()))),
            Part::Fields => {}
        }
    }
    reserved.push((ALWAYS, names.truncated.clone()));
    reserved.retain(|(_, name)| !name.is_empty());
    reserved
}

/// True when something stands at the place of the message, be it without sense.
#[inline]
fn has_message(record: &LogRecord<'_>) -> bool {
    record.values.first().is_some_and(|tag| *tag != VALUE_NULL)
}

/// The bits of a record's line.
#[inline]
fn active_bits(record: &LogRecord<'_>) -> u8 {
    let mut active = ALWAYS;
    if !record.logger.is_empty() {
        active |= WITH_LOGGER;
    }
    if has_message(record) {
        active |= WITH_MESSAGE;
    }
    if let Some(trace) = &record.trace {
        active |= WITH_TRACE;
        if trace.span_id != [0; 8] {
            active |= WITH_SPAN;
        }
    }
    active
}

/// How the error of a call is written, under keys spelled by `spell`. `None` when it is a field like any other.
fn error_keys(options: &FormatOptions, spell: fn(&str) -> Vec<u8>) -> Option<(ErrorForm, Vec<Vec<u8>>)> {
    if options.error == ErrorForm::Object && options.names.error == "err" {
        return None;
    }
    let keys = options.error.keys(&options.names.error);
    Some((options.error, keys.into_iter().map(spell).collect()))
}

impl FormatOptions {
    /// The first key that lines would write twice themselves, if there is one.
    pub fn clash(&self) -> Option<String> {
        let mut keys: Vec<String> = reserved_names(self).into_iter().map(|(_, name)| name).collect();
        keys.extend(self.defaults.iter().map(|(name, _)| name.clone()));
        keys.extend(self.error.keys(&self.names.error).into_iter().map(str::to_owned));
        keys.extend(Some(self.nested_key.clone()).filter(|key| !key.is_empty()));
        keys.sort();
        keys.windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0].clone())
    }
}
