//! Lines that Kymo itself writes into the log: what was dropped, what was recovered. Built as records, so that they look like
//! any other line of their sink. Any thread; cold.
use super::losses::{Loss, level_word};
use super::routes::LineFormat;
use super::{LogRecord, LogTrace};
use crate::intern::Keys;
use crate::layout::{VALUE_F64, VALUE_LATIN1, VALUE_NULL, VALUE_UTF16};
use std::time::{SystemTime, UNIX_EPOCH};

/// The logger that says it.
const LOGGER: &str = "kymo";
const WARN: u16 = 40;

/// A line with its fields.
pub struct OwnLine {
    level: u16,
    values: Vec<u8>,
}

struct NoKeys;

impl Keys for NoKeys {
    fn text(&self, _: u32) -> Option<&str> {
        None
    }
}

impl OwnLine {
    /// A line of a level that says `message`.
    pub fn new(level: u16, message: &str) -> OwnLine {
        let mut values = Vec::new();
        push_text(message, &mut values);
        OwnLine { level, values }
    }

    /// What was lost: `log lines dropped`, with the sum, the reasons, and the lines of each level.
    pub fn dropped(losses: &[Loss]) -> OwnLine {
        let mut reasons: Vec<&str> = Vec::new();
        let mut levels: Vec<(u16, u64)> = Vec::new();
        for loss in losses {
            if !reasons.contains(&loss.reason) {
                reasons.push(loss.reason);
            }
            match levels.iter_mut().find(|(level, _)| *level == loss.level) {
                Some((_, lines)) => *lines += loss.lines,
                None => levels.push((loss.level, loss.lines)),
            }
        }
        let mut line = OwnLine::new(WARN, "log lines dropped");
        line.number("dropped", losses.iter().map(|loss| loss.lines).sum());
        line.text("reason", &reasons.join(", "));
        levels.sort_unstable();
        for (level, lines) in levels {
            line.number(&level_word(level), lines);
        }
        line
    }

    /// Adds a field.
    pub fn number(&mut self, key: &str, value: u64) {
        push_text(key, &mut self.values);
        self.values.push(VALUE_F64);
        self.values.extend((value as f64).to_le_bytes());
    }

    /// Adds a field.
    pub fn text(&mut self, key: &str, value: &str) {
        push_text(key, &mut self.values);
        push_text(value, &mut self.values);
    }

    /// Adds a field that says nothing.
    pub fn nothing(&mut self, key: &str) {
        push_text(key, &mut self.values);
        self.values.push(VALUE_NULL);
    }

    /// Level of the line.
    pub fn level(&self) -> u16 {
        self.level
    }

    /// Appends it as a sink wants it, with the time of now.
    pub fn write(&self, format: &dyn LineFormat, out: &mut Vec<u8>) {
        let trace: Option<LogTrace> = None;
        let record = LogRecord {
            time_ms: now_ms(),
            level: self.level,
            route: 0,
            held: false,
            cut: false,
            is_line: false,
            logger: LOGGER,
            trace,
            values: &self.values,
            keys: &NoKeys,
        };
        format.write(&record, out);
    }
}

/// Wall time in ms since 1970.
pub fn now_ms() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| (now.as_millis() as u64) as f64)
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.push(VALUE_LATIN1);
        out.extend((text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    out.push(VALUE_UTF16);
    out.extend((units.len() as u32 / 2).to_le_bytes());
    out.extend(units);
}
