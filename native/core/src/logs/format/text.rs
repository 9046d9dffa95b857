//! Lines for people, `<time> - <logger> - <LEVEL> - <message> key=value`, with or without colours, and logfmt. Nothing in them is obeyed by
//! a terminal but the colours. Runs on the thread that encodes.
use super::error::{ErrorForm, ErrorParts};
use super::escape::{bare_ascii, is_bare, push_bare_key, push_shown};
use super::fields::{ERROR_KEY, Entries, Style, TO_THE_END};
use super::ids::{push_span_id, push_trace_id};
use super::keys::Rules;
use super::level::{LevelForm, LevelWords};
use super::options::{Constant, FlagsForm, FormatOptions, Part, Shape};
use super::template::{Look, Piece, Slot, Template};
use super::time::{TimeForm, push_iso};
use super::value::{Env, Json, non_finite_word};
use super::{active_bits, error_keys, has_message, reserved_names};
use crate::encode::json::{push_hex, push_javascript};
use crate::encode::room::push_short;
use crate::layout::VALUE_ERROR;
use crate::logs::LogRecord;
use crate::ring::any::Text;
use crate::ring::record::BadRecord;
use crate::ring::value::{Value, Values};

/// How lines of text are written.
pub(super) struct TextLine {
    /// Before the fields: usually, and for records without a logger.
    templates: Option<[Template; 2]>,
    style: Pairs,
    rules: Rules,
    options: FormatOptions,
    base: Vec<u8>,
    words: LevelWords,
    /// Before a trace id.
    trace_prefix: Vec<u8>,
    look: Look,
}

/// `key=value`, each with a space before it.
struct Pairs {
    color: bool,
    /// Objects and arrays are quoted like texts.
    quoted: bool,
}

impl TextLine {
    pub(super) fn new(options: &FormatOptions) -> TextLine {
        let mut options = options.clone();
        let (look, logfmt) = (
            if options.shape == Shape::Color {
                Look::Color
            } else {
                Look::Shown
            },
            options.shape == Shape::Logfmt,
        );
        options.multiline &= !logfmt;
        if options.multiline {
            options.error = ErrorForm::Below;
        }
        let style = Pairs {
            color: look == Look::Color,
            quoted: logfmt,
        };
        let reserved: Vec<(u8, Vec<u8>)> = reserved_names(&options)
            .into_iter()
            // What the template says has no key.
            .filter(|(_, name)| logfmt || !options.is_in_template(name))
            .map(|(when, name)| (when, bare(&name)))
            .collect();
        let mut rules = Rules::new(&reserved, error_keys(&options, bare));
        for (name, value) in &options.defaults {
            let mut entry = Vec::new();
            style.push_constant(name, value, &mut entry);
            rules.fall_back(&bare(name), &entry);
        }
        let mut base = Vec::new();
        for (name, value) in &options.base {
            style.push_constant(name, value, &mut base);
        }
        let given = options.template.clone().map(|template| [template.clone(), template]);
        let templates = if logfmt {
            None
        } else {
            given.or_else(|| Some(usual(&options)))
        };
        let mut trace_prefix = Vec::new();
        if !options.trace_prefix.is_empty() {
            push_bare_key(Text::Utf8(&options.trace_prefix), &mut trace_prefix);
        }
        TextLine {
            templates,
            style,
            rules,
            base,
            words: LevelWords::new(options.level.clone()),
            trace_prefix,
            look,
            options,
        }
    }

    /// Appends a line, its end included. True when it says all that the record does.
    pub(super) fn write<'a>(&self, record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut whole = !record.cut;
        if let Some([usual, nameless]) = &self.templates {
            let template = if record.logger.is_empty() { nameless } else { usual };
            template.push(record, env, self.look, out);
            if record.message().is_none() && out[start..].last() == Some(&b' ') {
                out.pop();
            }
            out.extend_from_slice(&self.base);
            whole &= self.push_fields(record, env, out);
            self.push_trace(record, out);
        } else {
            for part in &self.options.order {
                whole &= self.push_part(*part, record, env, out);
            }
        }
        whole &= !env.cut.get();
        if !whole && !self.options.names.truncated.is_empty() {
            self.style.push_plain(&self.options.names.truncated, b"true", out);
        }
        if self.templates.is_none() && out.get(start) == Some(&b' ') {
            out.remove(start);
        }
        out.push(b'\n');
        if self.options.multiline {
            push_below(record, env, out);
        }
        whole
    }

    fn push_part<'a>(&self, part: Part, record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let names = &self.options.names;
        match part {
            Part::Time => {
                // A pattern's text is escaped as inside of quotes already.
                let is_pattern = matches!(self.options.time, TimeForm::Pattern(_));
                let quote: &[u8] = if is_pattern { b"\"" } else { b"" };
                self.style.push_plain(&names.time, quote, out);
                if self.options.time.push(record.time_ms, out) {
                    out.extend_from_slice(quote);
                } else {
                    out.truncate(out.len() - quote.len());
                    out.extend_from_slice(b"null");
                }
            }
            Part::Level => self
                .style
                .push_named(&names.level, Text::Utf8(&self.words.of(record.level)), out),
            Part::Logger if record.logger.is_empty() => {}
            Part::Logger => self.style.push_named(&names.logger, Text::Utf8(record.logger), out),
            Part::Message if !has_message(record) => {}
            Part::Message => {
                let start = out.len();
                self.style.open(out);
                self.style.key(Text::Utf8(&names.message), out);
                self.style.between(out);
                if self.style.value(&mut Values::new(record.values), env, 0, out).is_err() {
                    out.truncate(start);
                    return false;
                }
            }
            Part::Trace => self.push_trace(record, out),
            Part::Base => out.extend_from_slice(&self.base),
            Part::Fields => return self.push_fields(record, env, out),
        }
        true
    }

    fn push_fields<'a>(&self, record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let entries = Entries {
            style: &self.style,
            rules: &self.rules,
            active: active_bits(record),
            env,
            depth: 0,
        };
        entries.push(&mut record.pairs(), TO_THE_END, out).is_ok()
    }

    fn push_trace(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        let (Some(trace), names) = (&record.trace, &self.options.names) else {
            return;
        };
        // Ids are bare in every form.
        if !names.trace_id.is_empty() {
            self.style.push_plain(&names.trace_id, &self.trace_prefix, out);
            push_trace_id(&trace.trace_id, self.options.trace_id, out);
        }
        if !names.span_id.is_empty() && trace.span_id != [0; 8] {
            self.style.push_plain(&names.span_id, b"", out);
            push_span_id(&trace.span_id, self.options.span_id, out);
        }
        if !names.trace_flags.is_empty() {
            self.style.push_plain(&names.trace_flags, b"", out);
            match self.options.trace_flags {
                FlagsForm::Hex => push_hex(&[trace.flags], out),
                FlagsForm::Sampled => out.extend_from_slice(if trace.flags & 1 != 0 { b"true" } else { b"false" }),
            }
        }
    }
}

/// The usual templates: with a logger, and without one.
fn usual(options: &FormatOptions) -> [Template; 2] {
    let part = |slot| Piece::Part(slot, 0);
    let literal = |text: &str| Piece::Literal(text.to_owned());
    let of = |pieces, level: &LevelForm| Template::new(pieces, options.time.clone(), level.clone());
    if options.shape == Shape::Color {
        let mut pieces = vec![
            part(Slot::Time),
            literal(" "),
            Piece::Part(Slot::Level, -5),
            literal(" "),
        ];
        let mut nameless = pieces.clone();
        pieces.extend([part(Slot::Logger), literal(": "), part(Slot::Message)]);
        nameless.push(part(Slot::Message));
        return [of(pieces, &options.level), of(nameless, &options.level)];
    }
    let pieces = vec![
        part(Slot::Time),
        literal(" - "),
        part(Slot::Logger),
        literal(" - "),
        part(Slot::Level),
        literal(" - "),
        part(Slot::Message),
    ];
    [of(pieces.clone(), &options.level), of(pieces, &options.level)]
}

/// A name as [`Pairs`] spells it.
pub(super) fn bare(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_bare_key(Text::Utf8(name), &mut out);
    out
}

/// Appends the text of the call's error on indented lines, so that nothing in it looks like an event.
fn push_below<'a>(record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) {
    let mut found = None;
    let mut pairs = record.pairs();
    while let Ok(key) = env.key(&mut pairs) {
        if key.is(ERROR_KEY) {
            found = Some(pairs.clone());
        }
        if pairs.skip().is_err() {
            break;
        }
    }
    let Some(mut error) = found.filter(|value| value.rest().first() == Some(&VALUE_ERROR)) else {
        return;
    };
    let Ok(Value::Error(count)) = error.read() else { return };
    let Ok(parts) = ErrorParts::read(&mut error, count, env) else {
        return;
    };
    let mut text = Vec::new();
    parts.push_text(env, &mut |piece| piece.push_utf8(&mut text));
    for line in String::from_utf8_lossy(&text).split('\n') {
        out.extend_from_slice(b"    ");
        push_shown::<false>(Text::Utf8(line.strip_suffix('\r').unwrap_or(line)), out);
        out.push(b'\n');
    }
}

impl Pairs {
    fn push_plain(&self, name: &str, value: &[u8], out: &mut Vec<u8>) {
        self.open(out);
        self.key(Text::Utf8(name), out);
        self.between(out);
        out.extend_from_slice(value);
    }

    fn push_named(&self, name: &str, text: Text<'_>, out: &mut Vec<u8>) {
        self.push_plain(name, b"", out);
        self.push_text(text, out);
    }

    fn push_constant(&self, name: &str, value: &Constant, out: &mut Vec<u8>) {
        let mut json = Vec::new();
        value.push_json(&mut json);
        let json = String::from_utf8_lossy(&json);
        match value {
            Constant::Text(text) => self.push_named(name, Text::Utf8(text), out),
            Constant::Json(_) if !self.quoted => {
                self.push_plain(name, b"", out);
                push_shown::<false>(Text::Utf8(&json), out);
            }
            _ => self.push_named(name, Text::Utf8(&json), out),
        }
    }

    fn push_text(&self, text: Text<'_>, out: &mut Vec<u8>) {
        if let Some(bytes) = bare_ascii(text) {
            push_short(bytes, out);
        } else if is_bare(text) {
            text.push_utf8(out);
        } else {
            out.push(b'"');
            push_shown::<true>(text, out);
            out.push(b'"');
        }
    }
}

impl Style for Pairs {
    const TEXT: [&'static str; 2] = ["\"", "\""];

    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.color { b" \x1b[36m" } else { b" " });
    }

    fn key(&self, key: Text<'_>, out: &mut Vec<u8>) {
        push_bare_key(key, out);
    }

    fn between(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.color { b"\x1b[0m=" } else { b"=" });
    }

    fn close(&self, _: &mut Vec<u8>) {}

    fn value<'a>(
        &self,
        values: &mut Values<'a>,
        env: &Env<'a>,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), BadRecord> {
        let mut after = values.clone();
        match after.read()? {
            Value::Object(_) | Value::Array(_) | Value::Error(_) if self.quoted => {
                let mut json = Vec::new();
                Json::<false>::push_value(values, env, depth, &mut json)?;
                self.push_text(Text::Utf8(&String::from_utf8_lossy(&json)), out);
                return Ok(());
            }
            Value::Object(_) | Value::Array(_) | Value::Error(_) | Value::Bytes(_) | Value::Null | Value::Bool(_) => {
                return Json::<true>::push_value(values, env, depth, out);
            }
            Value::I32(number) => push_javascript(f64::from(number), out),
            Value::F64(number) if number.is_finite() => push_javascript(number, out),
            Value::F64(number) => out.extend_from_slice(non_finite_word(number).as_bytes()),
            Value::BigInt(digits) => out.extend_from_slice(digits),
            Value::Time(ms) if push_iso(ms, out) => {}
            Value::Time(_) => out.extend_from_slice(b"null"),
            text => match env.text(text) {
                Some(text) => self.push_text(text, out),
                None => out.extend_from_slice(b"null"),
            },
        }
        *values = after;
        Ok(())
    }

    fn inside(&self, text: Text<'_>, out: &mut Vec<u8>) {
        push_shown::<true>(text, out);
    }
}
