//! Formats of lines for JS, which has checked and completed their options; see `src/binding/native-log-format.ts`. App threads; cold.

use super::scrub::scrubber;
use crate::raw::{CodedError, coded};
use crate::ring::rings;
use kymo_core::intern::Keys;
use kymo_core::logs::LogRecord;
use kymo_core::logs::format::{
    BigInt, Constant, ErrorForm, FlagsForm, Format, FormatOptions, IdForm, LevelCase, LevelForm, LevelScale, Names,
    NonFinite, Part, Piece, Shape, Slot, Template, TimeForm, TimePattern, truncated_lines,
};
use kymo_core::ring::read_records;
use napi::bindgen_prelude::{Either3, Uint8Array};
use napi_derive::napi;
use std::sync::{Arc, Mutex, PoisonError};

/// All formats of the process by number, with their options as text: the same options give the same number.
static FORMATS: Mutex<Vec<(String, Arc<Format>)>> = Mutex::new(Vec::new());

/// Keys of what lines say themselves.
#[napi(object)]
#[allow(missing_docs)]
pub struct FormatNames {
    pub time: Option<String>,
    pub level: Option<String>,
    pub logger: Option<String>,
    pub message: Option<String>,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub trace_flags: Option<String>,
    pub error: Option<String>,
    pub truncated: Option<String>,
}

/// A field that is the same in every line.
#[napi(object)]
pub struct FormatConstant {
    /// Its key.
    pub name: String,
    /// Its value.
    #[napi(ts_type = "string | number | boolean")]
    pub value: Option<Either3<String, f64, bool>>,
    /// In place of the value: JSON of it.
    pub json: Option<String>,
}

/// The word of a level.
#[napi(object)]
pub struct FormatLevel {
    /// Its number inside.
    pub level: u32,
    /// Its word.
    pub name: String,
}

/// A piece of a template: a text, or what fills a slot.
#[napi(object)]
pub struct FormatPiece {
    /// Stands as it is.
    pub text: Option<String>,
    /// `time`, `level`, `levelNumber`, `logger`, `message`, `field`.
    pub slot: Option<String>,
    /// Key of the slot `field`.
    pub field: Option<String>,
    /// Characters that it is filled up to, on the left when positive.
    pub width: Option<i32>,
}

/// See `NativeLogFormatOptions` in `src/binding/native-log-format.ts`.
#[napi(object)]
#[derive(Default)]
#[allow(missing_docs)]
pub struct LogFormatOptions {
    pub shape: Option<String>,
    pub names: Option<FormatNames>,
    pub order: Option<Vec<String>>,
    pub time: Option<String>,
    pub level_case: Option<String>,
    pub level_scale: Option<String>,
    pub level_words: Option<String>,
    pub levels: Option<Vec<FormatLevel>>,
    pub trace_id: Option<String>,
    pub trace_prefix: Option<String>,
    pub span_id: Option<String>,
    pub trace_flags: Option<String>,
    pub nested_key: Option<String>,
    pub base: Option<Vec<FormatConstant>>,
    pub defaults: Option<Vec<FormatConstant>>,
    pub error: Option<String>,
    pub non_finite: Option<String>,
    pub bigint: Option<String>,
    pub template: Option<Vec<FormatPiece>>,
    pub multiline: Option<bool>,
}

/// Compiles a format, and gives its number. Fails with `KYMO_LOG_FORMAT`.
#[napi(catch_unwind)]
pub fn log_format(options: LogFormatOptions) -> Result<u32, CodedError> {
    let options = compiled(options).map_err(|problem| coded("KYMO_LOG_FORMAT", problem))?;
    if let Some(key) = options.clash() {
        return Err(coded("KYMO_LOG_FORMAT", format!("the key {key:?} would come twice")));
    }
    let text = format!("{options:?}");
    let mut formats = FORMATS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = formats.iter().position(|(known, _)| *known == text) {
        return Ok(number as u32);
    }
    formats.push((text, Arc::new(Format::new(options))));
    Ok(formats.len() as u32 - 1)
}

/// The format of a number.
pub fn format_of(number: u32) -> Option<Arc<Format>> {
    let formats = FORMATS.lock().unwrap_or_else(PoisonError::into_inner);
    formats.get(number as usize).map(|(_, format)| Arc::clone(format))
}

/// The text of a record that was built aside, without the end of the line; empty for what is none. Its keys are those of `ring`, the
/// logger's name is given. Secrets are taken out as the collector does.
#[napi(catch_unwind)]
pub fn log_format_record(format: u32, record: Uint8Array, ring: i32, logger: String) -> String {
    let Some(format) = format_of(format) else {
        return String::new();
    };
    let open = u32::try_from(ring).ok().and_then(|ring| rings()?.get(ring));
    let keys: &dyn Keys = match &open {
        Some(open) => &*open.interned,
        None => &NoKeys,
    };
    let mut line = Vec::new();
    if let Some(Ok(record)) = read_records(&record).next()
        && let Some(record) = LogRecord::read(&record, keys)
    {
        let mut scratch = Vec::new();
        let scrubber = scrubber();
        let values = match &scrubber {
            Some(scrubber) => scrubber.scrub(record.values, &mut scratch),
            None => record.values,
        };
        let logger = logger.as_str();
        format.write(
            &LogRecord {
                logger,
                values,
                ..record
            },
            &mut line,
        );
    }
    let mut text = String::from_utf8(line).unwrap_or_default();
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    text
}

/// Lines so far from which something is missing, of all formats together.
#[napi]
pub fn log_truncated_lines() -> f64 {
    truncated_lines() as f64
}

/// Of a record that names none.
struct NoKeys;

impl Keys for NoKeys {
    fn text(&self, _: u32) -> Option<&str> {
        None
    }
}

/// The options as the core has them.
fn compiled(given: LogFormatOptions) -> Result<FormatOptions, String> {
    let usual = FormatOptions::default();
    let time = given.time.as_deref().map_or(Ok(TimeForm::Iso), time_form)?;
    let level = LevelForm {
        case: word(given.level_case, LEVEL_CASES)?,
        scale: word(given.level_scale, LEVEL_SCALES)?,
        warning: given.level_words.as_deref() == Some("long"),
        critical: given.level_words.as_deref() == Some("long"),
        custom: given
            .levels
            .unwrap_or_default()
            .into_iter()
            .map(|level| (level.level as u16, level.name))
            .collect(),
    };
    let pieces = given
        .template
        .map(|pieces| pieces.into_iter().map(piece).collect::<Result<_, _>>());
    let order = given.order.map(|order| {
        order
            .into_iter()
            .map(|part| word(Some(part), PARTS))
            .collect::<Result<_, _>>()
    });
    Ok(FormatOptions {
        shape: word(given.shape, SHAPES)?,
        names: given.names.map_or_else(Names::default, names),
        order: order.transpose()?.unwrap_or(usual.order),
        template: pieces
            .transpose()?
            .map(|pieces| Template::new(pieces, time.clone(), level.clone())),
        time,
        level,
        trace_id: word(given.trace_id, ID_FORMS)?,
        trace_prefix: given.trace_prefix.unwrap_or_default(),
        span_id: word(given.span_id, ID_FORMS)?,
        trace_flags: word(given.trace_flags, FLAGS_FORMS)?,
        nested_key: given.nested_key.unwrap_or_default(),
        base: constants(given.base),
        defaults: constants(given.defaults),
        error: word(given.error, ERROR_FORMS)?,
        non_finite: word(given.non_finite, NON_FINITE)?,
        bigint: word(given.bigint, BIG_INTS)?,
        multiline: given.multiline.unwrap_or(false),
    })
}

const SHAPES: &[(&str, Shape)] = &[
    ("json", Shape::Json),
    ("text", Shape::Text),
    ("color", Shape::Color),
    ("logfmt", Shape::Logfmt),
    ("otlp", Shape::Otlp),
];
const PARTS: &[(&str, Part)] = &[
    ("time", Part::Time),
    ("level", Part::Level),
    ("logger", Part::Logger),
    ("message", Part::Message),
    ("trace", Part::Trace),
    ("base", Part::Base),
    ("fields", Part::Fields),
];
const LEVEL_CASES: &[(&str, LevelCase)] = &[
    ("lower", LevelCase::Lower),
    ("upper", LevelCase::Upper),
    ("number", LevelCase::Number),
    ("severity", LevelCase::Severity),
];
const LEVEL_SCALES: &[(&str, LevelScale)] = &[("pino", LevelScale::Pino), ("python", LevelScale::Python)];
const ID_FORMS: &[(&str, IdForm)] = &[
    ("hex", IdForm::Hex),
    ("ulid", IdForm::Ulid),
    ("uuid", IdForm::Uuid),
    ("prefixed", IdForm::Prefixed),
];
const FLAGS_FORMS: &[(&str, FlagsForm)] = &[("hex", FlagsForm::Hex), ("sampled", FlagsForm::Sampled)];
const ERROR_FORMS: &[(&str, ErrorForm)] = &[
    ("object", ErrorForm::Object),
    ("text", ErrorForm::Text),
    ("otel", ErrorForm::Otel),
    ("ecs", ErrorForm::Ecs),
    ("gcp", ErrorForm::Gcp),
];
const NON_FINITE: &[(&str, NonFinite)] = &[("null", NonFinite::Null), ("text", NonFinite::Text)];
const BIG_INTS: &[(&str, BigInt)] = &[
    ("exact", BigInt::Exact),
    ("number", BigInt::Number),
    ("text", BigInt::Text),
];

/// What a word of the options means; the first one without a word.
fn word<T: Copy>(given: Option<String>, words: &[(&str, T)]) -> Result<T, String> {
    let Some(given) = given else { return Ok(words[0].1) };
    let found = words
        .iter()
        .find(|(word, _)| *word == given)
        .map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        format!(
            "{given:?} is none of {:?}",
            words.iter().map(|(word, _)| *word).collect::<Vec<_>>()
        )
    })
}

fn time_form(text: &str) -> Result<TimeForm, String> {
    Ok(match text {
        "iso" => TimeForm::Iso,
        "epochSeconds" => TimeForm::EpochSeconds,
        "epochMs" => TimeForm::EpochMs,
        "epochNs" => TimeForm::EpochNs,
        pattern => {
            TimeForm::Pattern(TimePattern::parse(pattern).map_err(|bad| format!("{bad} means nothing in {pattern:?}"))?)
        }
    })
}

fn names(given: FormatNames) -> Names {
    let usual = Names::default();
    Names {
        time: given.time.unwrap_or(usual.time),
        level: given.level.unwrap_or(usual.level),
        logger: given.logger.unwrap_or(usual.logger),
        message: given.message.unwrap_or(usual.message),
        trace_id: given.trace_id.unwrap_or(usual.trace_id),
        span_id: given.span_id.unwrap_or(usual.span_id),
        trace_flags: given.trace_flags.unwrap_or(usual.trace_flags),
        error: given.error.unwrap_or(usual.error),
        truncated: given.truncated.unwrap_or(usual.truncated),
    }
}

fn constants(given: Option<Vec<FormatConstant>>) -> Vec<(String, Constant)> {
    let constant = |given: FormatConstant| {
        let value = match (given.json, given.value) {
            (Some(json), _) => Constant::Json(json),
            (None, Some(Either3::A(text))) => Constant::Text(text),
            (None, Some(Either3::B(number))) => Constant::Number(number),
            (None, Some(Either3::C(value))) => Constant::Bool(value),
            (None, None) => Constant::Null,
        };
        (given.name, value)
    };
    given.unwrap_or_default().into_iter().map(constant).collect()
}

fn piece(given: FormatPiece) -> Result<Piece, String> {
    let Some(slot) = given.slot else {
        return Ok(Piece::Literal(given.text.unwrap_or_default()));
    };
    let slot = match slot.as_str() {
        "time" => Slot::Time,
        "level" => Slot::Level,
        "levelNumber" => Slot::LevelNumber,
        "logger" => Slot::Logger,
        "message" => Slot::Message,
        "field" => Slot::Field(given.field.unwrap_or_default()),
        other => return Err(format!("{other:?} is no slot")),
    };
    // No line is that wide.
    Ok(Piece::Part(slot, given.width.unwrap_or(0).clamp(-1_000, 1_000) as i16))
}
