//! What a format can be told. Plain data, checked in `src/logs/format/options.ts`; any thread.
use super::error::ErrorForm;
use super::ids::IdForm;
use super::level::LevelForm;
use super::template::Template;
use super::time::TimeForm;
use super::value::{BigInt, NonFinite, push_number};
use crate::encode::json::push_string;

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// An object of JSON.
    #[default]
    Json,
    /// For a reader: a template, then `key=value`.
    Text,
    /// The same with colours.
    Color,
    /// `key=value` throughout.
    Logfmt,
    /// A message `LogsData` of OTLP in JSON (OpenTelemetry, "File Exporter").
    Otlp,
}

/// A part of a line of JSON or logfmt, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The time.
    Time,
    /// The level.
    Level,
    /// The logger's name, in lines that have one.
    Logger,
    /// The message, in lines that have one.
    Message,
    /// Trace id, span id and flags, in lines that have them.
    Trace,
    /// The same in every line.
    Base,
    /// The caller's fields.
    Fields,
}

/// Keys of what the line says itself. An empty one of trace id, span id, flags and truncated leaves it out.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Names {
    pub time: String,
    pub level: String,
    pub logger: String,
    pub message: String,
    pub trace_id: String,
    pub span_id: String,
    pub trace_flags: String,
    pub error: String,
    /// `true` in a line from which something is missing.
    pub truncated: String,
}

impl Default for Names {
    fn default() -> Names {
        let name = str::to_owned;
        Names {
            time: name("ts"),
            level: name("level"),
            logger: name("logger"),
            message: name("msg"),
            trace_id: name("trace_id"),
            span_id: name("span_id"),
            trace_flags: name("trace_flags"),
            error: name("err"),
            truncated: name("truncated"),
        }
    }
}

/// How trace flags are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlagsForm {
    /// Two hexadecimal digits.
    #[default]
    Hex,
    /// True for a trace that is sampled.
    Sampled,
}

/// A value that is the same in every line.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// Nothing.
    Null,
    /// JSON of any value, on one line.
    Json(String),
}

impl Constant {
    pub(super) fn push_json(&self, out: &mut Vec<u8>) {
        match self {
            Constant::Text(text) => push_string(text, out),
            Constant::Number(number) => push_number(*number, NonFinite::Null, out),
            Constant::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Constant::Null => out.extend_from_slice(b"null"),
            Constant::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub struct FormatOptions {
    /// What kind of line it is.
    pub shape: Shape,
    /// Keys.
    pub names: Names,
    /// Parts, each at most once; what is not here is not written.
    pub order: Vec<Part>,
    /// Of the line; dates in fields are as `JSON.stringify` writes them.
    pub time: TimeForm,
    /// Words and numbers of levels.
    pub level: LevelForm,
    /// Text form of trace ids.
    pub trace_id: IdForm,
    /// Before a trace id.
    pub trace_prefix: String,
    /// Text form of span ids.
    pub span_id: IdForm,
    /// Form of trace flags.
    pub trace_flags: FlagsForm,
    /// The caller's fields are in an object of this key; empty: they are beside the others.
    pub nested_key: String,
    /// Fields of every line, which no caller's field replaces.
    pub base: Vec<(String, Constant)>,
    /// Fields of lines that have none of that key.
    pub defaults: Vec<(String, Constant)>,
    /// The error of a call.
    pub error: ErrorForm,
    /// NaN and the infinities.
    pub non_finite: NonFinite,
    /// Bigints.
    pub bigint: BigInt,
    /// What is before the fields of a text; in JSON the message's text. `None`: the usual.
    pub template: Option<Template>,
    /// Stacks are on lines of their own, indented. Only in texts; the event is then more than one line.
    pub multiline: bool,
}

impl FormatOptions {
    /// True for the keys of what the template of a text says without a key.
    pub(super) fn is_in_template(&self, name: &str) -> bool {
        let Names {
            time,
            level,
            logger,
            message,
            ..
        } = &self.names;
        [time, level, logger, message].contains(&&name.to_owned())
    }
}

impl Default for FormatOptions {
    fn default() -> FormatOptions {
        FormatOptions {
            shape: Shape::Json,
            names: Names::default(),
            order: vec![
                Part::Time,
                Part::Level,
                Part::Logger,
                Part::Message,
                Part::Trace,
                Part::Base,
                Part::Fields,
            ],
            time: TimeForm::Iso,
            level: LevelForm::default(),
            trace_id: IdForm::Hex,
            trace_prefix: String::new(),
            span_id: IdForm::Hex,
            trace_flags: FlagsForm::Hex,
            nested_key: String::new(),
            base: Vec::new(),
            defaults: Vec::new(),
            error: ErrorForm::Object,
            non_finite: NonFinite::Null,
            bigint: BigInt::Exact,
            template: None,
            multiline: false,
        }
    }
}
