//! What is before the fields of a text: literals, and parts of the record in their forms. Runs on the thread that encodes.
use super::escape::push_shown;
use super::level::{LevelForm, LevelWords, nearest};
use super::time::TimeForm;
use super::value::{Env, Json};
use crate::logs::LogRecord;
use crate::ring::any::Text;
use crate::ring::value::Values;

const RESET: &[u8] = b"\x1b[0m";
const DIM: &[u8] = b"\x1b[2m";
const CYAN: &[u8] = b"\x1b[36m";

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Stands as it is.
    Literal(String),
    /// A part of the record, filled up with spaces to so many characters: before it when positive, behind it when negative.
    Part(Slot, i16),
}

/// A part of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// In the form of the options.
    Time,
    /// Its word.
    Level,
    /// Its number.
    LevelNumber,
    /// `root` for none.
    Logger,
    /// As text.
    Message,
    /// The last field of this key, as text; nothing for none.
    Field(String),
}

/// A template with the forms of its parts.
#[derive(Debug, Clone)]
pub struct Template {
    pieces: Vec<Piece>,
    time: TimeForm,
    level: LevelWords,
}

/// For whom a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Another encoder.
    Raw,
    /// A terminal.
    Shown,
    /// One with colours.
    Color,
}

impl Template {
    /// A template of `pieces`.
    pub fn new(pieces: Vec<Piece>, time: TimeForm, level: LevelForm) -> Template {
        Template {
            pieces,
            time,
            level: LevelWords::new(level),
        }
    }

    /// Appends the text.
    pub(super) fn push<'a>(&self, record: &LogRecord<'a>, env: &Env<'a>, look: Look, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => push_piece(Text::Utf8(text), look, out),
                Piece::Part(slot, width) => {
                    let color = if look == Look::Color {
                        color_of(slot, record.level)
                    } else {
                        b""
                    };
                    out.extend_from_slice(color);
                    let start = out.len();
                    self.push_slot(slot, record, env, look, out);
                    fill(start, *width, out);
                    if !color.is_empty() {
                        out.extend_from_slice(RESET);
                    }
                }
            }
        }
    }

    fn push_slot<'a>(&self, slot: &Slot, record: &LogRecord<'a>, env: &Env<'a>, look: Look, out: &mut Vec<u8>) {
        match slot {
            Slot::Time => _ = self.time.push(record.time_ms, out),
            Slot::Level => push_piece(Text::Utf8(&self.level.of(record.level)), look, out),
            Slot::LevelNumber => out.extend_from_slice(self.level.number(record.level).to_string().as_bytes()),
            Slot::Logger if record.logger.is_empty() => out.extend_from_slice(b"root"),
            Slot::Logger => push_piece(Text::Utf8(record.logger), look, out),
            Slot::Message if record.message().is_some() => push_any(&mut Values::new(record.values), env, look, out),
            Slot::Message => {}
            Slot::Field(name) => {
                let mut found = None;
                let mut pairs = record.pairs();
                while let Ok(key) = env.key(&mut pairs) {
                    found = key.is(name).then(|| pairs.clone()).or(found);
                    if pairs.skip().is_err() {
                        break;
                    }
                }
                if let Some(mut value) = found {
                    push_any(&mut value, env, look, out);
                }
            }
        }
    }
}

fn push_piece(text: Text<'_>, look: Look, out: &mut Vec<u8>) {
    match look {
        Look::Raw => text.push_utf8(out),
        Look::Shown | Look::Color => push_shown::<false>(text, out),
    }
}

/// Appends a value as text, what is no text as JSON; nothing of one that makes no sense.
fn push_any<'a>(values: &mut Values<'a>, env: &Env<'a>, look: Look, out: &mut Vec<u8>) {
    if let Some(text) = values.clone().read().ok().and_then(|value| env.text(value)) {
        return push_piece(text, look, out);
    }
    let start = out.len();
    let written = if look == Look::Raw {
        Json::<false>::push_value(values, env, 0, out)
    } else {
        Json::<true>::push_value(values, env, 0, out)
    };
    if written.is_err() {
        out.truncate(start);
        env.cut.set(true);
    }
}

/// Fills what is behind `start` up to `width` characters.
fn fill(start: usize, width: i16, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let length = String::from_utf8_lossy(&out[start..]).chars().count();
    let missing = usize::from(width.unsigned_abs()).saturating_sub(length);
    if missing > 0 {
        out.extend(std::iter::repeat_n(b' ', missing));
        if width > 0 {
            out[start..].rotate_right(missing);
        }
    }
}

fn color_of(slot: &Slot, level: u16) -> &'static [u8] {
    match (slot, nearest(level)) {
        (Slot::Time, _) => DIM,
        (Slot::Logger, _) => CYAN,
        (Slot::Level, "trace") => b"\x1b[90m",
        (Slot::Level, "debug") => b"\x1b[34m",
        (Slot::Level, "info") => b"\x1b[32m",
        (Slot::Level, "warn") => b"\x1b[33m",
        (Slot::Level, "error") => b"\x1b[31m",
        (Slot::Level, _) => b"\x1b[1;31m",
        (Slot::Message, "error" | "fatal") => b"\x1b[1m",
        _ => b"",
    }
}
