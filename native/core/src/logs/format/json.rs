//! Lines of JSON: names, order and forms are those of the options, and what can be said beforehand is. Runs on the thread that encodes.
use super::fields::{Entries, TO_THE_END};
use super::ids::{push_span_id, push_trace_id};
use super::keys::Rules;
use super::options::{Constant, FlagsForm, FormatOptions, Part};
use super::template::Look;
use super::time::TimeForm;
use super::value::{Env, Json, end_list};
use super::{active_bits, error_keys, has_message, reserved_names};
use crate::encode::json::{push_escaped, push_hex, push_string};
use crate::encode::room::push_short;
use crate::logs::LogRecord;
use crate::ring::value::Values;

/// How a line of JSON is written. Every part ends with a comma, of which the last one becomes the closing brace.
pub(super) struct JsonLine {
    parts: Vec<JsonPart>,
    time: TimeForm,
    rules: Rules,
    options: FormatOptions,
}

enum JsonPart {
    /// `"ts":"`
    Time(Vec<u8>),
    /// By level: `"level":"info",`
    Level(Vec<(u16, Vec<u8>)>),
    Logger(Vec<u8>),
    Message(Vec<u8>),
    /// Trace id, span id, flags; an empty one is left out.
    Trace([Vec<u8>; 3]),
    /// Whole.
    Base(Vec<u8>),
    /// `"extra":{`, or nothing.
    Fields(Vec<u8>),
}

impl JsonLine {
    pub(super) fn new(options: &FormatOptions) -> JsonLine {
        let reserved: Vec<(u8, Vec<u8>)> = reserved_names(options)
            .into_iter()
            .map(|(when, name)| (when, escaped(&name)))
            .collect();
        let errors = error_keys(options, escaped);
        // Inside of a key of their own, fields meet nothing.
        let nested = !options.nested_key.is_empty();
        let mut rules = Rules::new(if nested { &[] } else { &reserved }, errors);
        for (name, value) in &options.defaults {
            let mut entry = Vec::new();
            push_constant(name, value, &mut entry);
            rules.fall_back(&escaped(name), &entry);
        }
        let parts = options.order.iter().map(|part| JsonPart::of(*part, options));
        JsonLine {
            parts: parts.collect(),
            time: options.time.clone(),
            rules,
            options: options.clone(),
        }
    }

    /// Appends a line, its end included. True when it says all that the record does.
    pub(super) fn write<'a>(&self, record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let mut whole = !record.cut;
        out.push(b'{');
        for part in &self.parts {
            match part {
                JsonPart::Time(key) => self.push_time(key, record.time_ms, out),
                JsonPart::Level(known) => self.push_level(known, record.level, out),
                JsonPart::Logger(key) if !record.logger.is_empty() => {
                    push_short(key, out);
                    push_string(record.logger, out);
                    out.push(b',');
                }
                JsonPart::Message(key) => whole &= self.push_message(key, record, env, out),
                JsonPart::Trace(keys) => self.push_trace(keys, record, out),
                JsonPart::Base(base) => out.extend_from_slice(base),
                JsonPart::Fields(key) => whole &= self.push_fields(key, record, env, out),
                JsonPart::Logger(_) => {}
            }
        }
        whole &= !env.cut.get();
        if !whole && !self.options.names.truncated.is_empty() {
            push_string(&self.options.names.truncated, out);
            out.extend_from_slice(b":true,");
        }
        end_list(b'}', out);
        out.push(b'\n');
        whole
    }

    #[inline]
    fn push_time(&self, key: &[u8], time_ms: f64, out: &mut Vec<u8>) {
        push_short(key, out);
        if !self.time.push(time_ms, out) {
            // Behind an opening quote there is none yet.
            if !self.time.is_number() {
                out.pop();
            }
            out.extend_from_slice(b"null,");
        } else {
            out.extend_from_slice(if self.time.is_number() { b"," } else { b"\"," });
        }
    }

    #[inline]
    fn push_level(&self, known: &[(u16, Vec<u8>)], level: u16, out: &mut Vec<u8>) {
        match known.iter().find(|(known, _)| *known == level) {
            Some((_, entry)) => push_short(entry, out),
            None => out.extend_from_slice(&level_entry(&self.options, level)),
        }
    }

    /// False when the message makes no sense.
    #[inline]
    fn push_message<'a>(&self, key: &[u8], record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        if let Some(template) = &self.options.template {
            let mut text = Vec::new();
            template.push(record, env, Look::Raw, &mut text);
            out.extend_from_slice(key);
            push_string(&String::from_utf8_lossy(&text), out);
            out.push(b',');
            return true;
        }
        if !has_message(record) {
            return true;
        }
        push_short(key, out);
        let fits = Json::<false>::push_value(&mut Values::new(record.values), env, 0, out).is_ok();
        if fits {
            out.push(b',');
        } else {
            out.truncate(start);
        }
        fits
    }

    fn push_trace(&self, [trace_key, span_key, flags_key]: &[Vec<u8>; 3], record: &LogRecord<'_>, out: &mut Vec<u8>) {
        let Some(trace) = &record.trace else { return };
        if !trace_key.is_empty() {
            out.extend_from_slice(trace_key);
            push_trace_id(&trace.trace_id, self.options.trace_id, out);
            out.extend_from_slice(b"\",");
        }
        if !span_key.is_empty() && trace.span_id != [0; 8] {
            out.extend_from_slice(span_key);
            push_span_id(&trace.span_id, self.options.span_id, out);
            out.extend_from_slice(b"\",");
        }
        if !flags_key.is_empty() {
            out.extend_from_slice(flags_key);
            match self.options.trace_flags {
                FlagsForm::Hex => {
                    out.push(b'"');
                    push_hex(&[trace.flags], out);
                    out.extend_from_slice(b"\",");
                }
                FlagsForm::Sampled if trace.flags & 1 != 0 => out.extend_from_slice(b"true,"),
                FlagsForm::Sampled => out.extend_from_slice(b"false,"),
            }
        }
    }

    #[inline]
    fn push_fields<'a>(&self, key: &[u8], record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.extend_from_slice(key);
        let inside = out.len();
        let entries = Entries {
            style: &Json::<false>,
            rules: &self.rules,
            active: active_bits(record),
            env,
            depth: 0,
        };
        let fits = entries.push(&mut record.pairs(), TO_THE_END, out).is_ok();
        if out.len() == inside {
            out.truncate(start);
        } else if !key.is_empty() {
            end_list(b'}', out);
            out.push(b',');
        }
        fits
    }
}

impl JsonPart {
    fn of(part: Part, options: &FormatOptions) -> JsonPart {
        let names = &options.names;
        match part {
            Part::Time => JsonPart::Time(key(&names.time, if options.time.is_number() { "" } else { "\"" })),
            Part::Level => {
                let known = options.level.known().map(|level| (level, level_entry(options, level)));
                JsonPart::Level(known.collect())
            }
            Part::Logger => JsonPart::Logger(key(&names.logger, "")),
            Part::Message => JsonPart::Message(key(&names.message, "")),
            Part::Trace => JsonPart::Trace([
                key_unless_empty(
                    &names.trace_id,
                    &format!("\"{}", as_text(&escaped(&options.trace_prefix))),
                ),
                key_unless_empty(&names.span_id, "\""),
                key_unless_empty(&names.trace_flags, ""),
            ]),
            Part::Base => {
                let mut base = Vec::new();
                options
                    .base
                    .iter()
                    .for_each(|(name, value)| push_constant(name, value, &mut base));
                JsonPart::Base(base)
            }
            Part::Fields if options.nested_key.is_empty() => JsonPart::Fields(Vec::new()),
            Part::Fields => JsonPart::Fields(key(&options.nested_key, "{")),
        }
    }
}

/// `"name":`, and what follows.
fn key(name: &str, behind: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_string(name, &mut out);
    out.push(b':');
    out.extend_from_slice(behind.as_bytes());
    out
}

fn key_unless_empty(name: &str, behind: &str) -> Vec<u8> {
    if name.is_empty() { Vec::new() } else { key(name, behind) }
}

fn level_entry(options: &FormatOptions, level: u16) -> Vec<u8> {
    let text = options.level.text(level);
    let mut out = key(&options.names.level, "");
    if options.level.is_number() {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_string(&text, &mut out);
    }
    out.push(b',');
    out
}

/// `"name":value,`
fn push_constant(name: &str, value: &Constant, out: &mut Vec<u8>) {
    push_string(name, out);
    out.push(b':');
    value.push_json(out);
    out.push(b',');
}

/// A name as it stands inside quotes.
pub(super) fn escaped(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_escaped(name, &mut out);
    out
}

fn as_text(escaped: &[u8]) -> String {
    String::from_utf8_lossy(escaped).into_owned()
}
