//! Lines of OTLP: each is a message `LogsData` in its JSON form, as OpenTelemetry's file exporter writes and its collector reads
//! (OpenTelemetry, "File Exporter"; opentelemetry-proto, `logs/v1/logs.proto`). Runs on the thread that encodes.
use super::fields::{Entries, Style, TO_THE_END};
use super::keys::Rules;
use super::level::severity_number;
use super::options::{Constant, FormatOptions};
use super::time::{push_iso, push_nanoseconds};
use super::value::{Env, end_list, non_finite_word};
use super::{error_keys, has_message, json::escaped};
use crate::encode::base64::push_base64;
use crate::encode::json::{
    push_escaped, push_escaped_latin1, push_escaped_utf16, push_hex, push_integer, push_javascript, push_string,
};
use crate::logs::LogRecord;
use crate::ring::any::Text;
use crate::ring::record::BadRecord;
use crate::ring::value::{Value, Values};

/// Values within values that are written.
const DEEPEST: u32 = 32;
/// The largest integer that JavaScript's numbers hold exactly.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// How lines of OTLP are written.
pub(super) struct OtlpLine {
    /// Up to the name of the scope.
    before: Vec<u8>,
    rules: Rules,
    options: FormatOptions,
}

/// Attributes.
struct Attributes;

impl OtlpLine {
    pub(super) fn new(options: &FormatOptions) -> OtlpLine {
        let mut before = b"{\"resourceLogs\":[{\"resource\":{\"attributes\":[".to_vec();
        for (name, value) in &options.base {
            push_constant(name, value, &mut before);
        }
        end_list(b']', &mut before);
        before.extend_from_slice(b"},\"scopeLogs\":[{\"scope\":{");
        let mut rules = Rules::new(&[], error_keys(options, escaped));
        for (name, value) in &options.defaults {
            let mut entry = Vec::new();
            push_constant(name, value, &mut entry);
            rules.fall_back(&escaped(name), &entry);
        }
        OtlpLine {
            before,
            rules,
            options: options.clone(),
        }
    }

    /// Appends a line, its end included. True when it says all that the record does.
    pub(super) fn write<'a>(&self, record: &LogRecord<'a>, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.before);
        if !record.logger.is_empty() {
            out.extend_from_slice(b"\"name\":");
            push_string(record.logger, out);
        }
        out.extend_from_slice(b"},\"logRecords\":[{\"timeUnixNano\":\"");
        push_nanoseconds(record.time_ms.max(0.0), out);
        out.extend_from_slice(b"\",\"severityNumber\":");
        push_integer(severity_number(record.level), out);
        out.extend_from_slice(b",\"severityText\":");
        push_string(&self.options.level.text(record.level), out);
        let mut whole = !record.cut;
        if has_message(record) {
            let start = out.len();
            out.extend_from_slice(b",\"body\":");
            if push_any(&mut Values::new(record.values), env, 0, out).is_err() {
                out.truncate(start);
                whole = false;
            }
        }
        out.extend_from_slice(b",\"attributes\":[");
        let entries = Entries {
            style: &Attributes,
            rules: &self.rules,
            active: 0,
            env,
            depth: 0,
        };
        whole &= entries.push(&mut record.pairs(), TO_THE_END, out).is_ok();
        end_list(b']', out);
        whole &= !env.cut.get();
        if !whole {
            // How many are missing is not known: one at least.
            out.extend_from_slice(b",\"droppedAttributesCount\":1");
        }
        if let Some(trace) = &record.trace {
            out.extend_from_slice(b",\"flags\":");
            push_integer(trace.flags, out);
            out.extend_from_slice(b",\"traceId\":\"");
            push_hex(&trace.trace_id, out);
            if trace.span_id != [0; 8] {
                out.extend_from_slice(b"\",\"spanId\":\"");
                push_hex(&trace.span_id, out);
            }
            out.push(b'"');
        }
        out.extend_from_slice(b"}]}]}]}\n");
        whole
    }
}

fn push_constant(name: &str, value: &Constant, out: &mut Vec<u8>) {
    Attributes.open(out);
    push_escaped(name, out);
    Attributes.between(out);
    match value {
        Constant::Text(text) | Constant::Json(text) => push_any_text(Text::Utf8(text), out),
        Constant::Number(number) => push_any_number(*number, out),
        Constant::Bool(value) => push_any_bool(*value, out),
        Constant::Null => out.extend_from_slice(b"{}"),
    }
    Attributes.close(out);
}

/// Appends the next value as an `AnyValue`.
fn push_any<'a>(values: &mut Values<'a>, env: &Env<'a>, depth: u32, out: &mut Vec<u8>) -> Result<(), BadRecord> {
    let before = values.clone();
    match values.read()? {
        Value::Null => out.extend_from_slice(b"{}"),
        Value::Bool(value) => push_any_bool(value, out),
        Value::I32(value) => push_any_number(f64::from(value), out),
        Value::F64(value) => push_any_number(value, out),
        Value::BigInt(digits) => {
            let digits = std::str::from_utf8(digits).unwrap_or("0");
            push_any_integer(digits.parse().unwrap_or(0), out);
        }
        Value::Time(ms) => {
            let mut text = Vec::new();
            if push_iso(ms, &mut text) {
                push_any_text(Text::Latin1(&text), out);
            } else {
                out.extend_from_slice(b"{}");
            }
        }
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"{\"bytesValue\":\"");
            push_base64(bytes, out);
            out.extend_from_slice(b"\"}");
        }
        Value::Object(_) | Value::Error(_) | Value::Array(_) if depth >= DEEPEST => {
            *values = before;
            values.skip()?;
            env.cut.set(true);
            push_any_text(Text::Utf8("[...]"), out);
        }
        Value::Object(count) | Value::Error(count) => {
            out.extend_from_slice(b"{\"kvlistValue\":{\"values\":[");
            env.inside(&Attributes, depth).push(values, count, out)?;
            end_list(b']', out);
            out.extend_from_slice(b"}}");
        }
        Value::Array(count) => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":[");
            for _ in 0..count {
                push_any(values, env, depth + 1, out)?;
                out.push(b',');
            }
            end_list(b']', out);
            out.extend_from_slice(b"}}");
        }
        text => match env.text(text) {
            Some(text) => push_any_text(text, out),
            None => out.extend_from_slice(b"{}"),
        },
    }
    Ok(())
}

fn push_any_bool(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value {
        b"{\"boolValue\":true}"
    } else {
        b"{\"boolValue\":false}"
    });
}

fn push_any_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"intValue\":\"");
    push_integer(value, out);
    out.extend_from_slice(b"\"}");
}

/// An integer where it is one that JavaScript holds exactly; minus zero is none.
fn push_any_number(value: f64, out: &mut Vec<u8>) {
    if value.trunc() == value && value.abs() <= SAFE && !(value == 0.0 && value.is_sign_negative()) {
        return push_any_integer(value as i64, out);
    }
    out.extend_from_slice(b"{\"doubleValue\":");
    if value == 0.0 {
        out.extend_from_slice(b"-0.0");
    } else if value.is_finite() {
        push_javascript(value, out);
    } else {
        push_string(non_finite_word(value), out);
    }
    out.push(b'}');
}

fn push_any_text(text: Text<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"stringValue\":\"");
    push_valid(text, out);
    out.extend_from_slice(b"\"}");
}

/// Strings of protocol buffers are valid Unicode: a lone surrogate is U+FFFD.
fn push_valid(text: Text<'_>, out: &mut Vec<u8>) {
    match text {
        Text::Latin1(characters) => push_escaped_latin1(characters, out),
        Text::Utf16(units) => push_escaped_utf16(units, out),
        Text::Utf8(text) => push_escaped(text, out),
    }
}

impl Style for Attributes {
    const TEXT: [&'static str; 2] = ["{\"stringValue\":\"", "\"}"];

    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"key\":\"");
    }

    fn key(&self, key: Text<'_>, out: &mut Vec<u8>) {
        push_valid(key, out);
    }

    fn between(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\",\"value\":");
    }

    fn close(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"},");
    }

    fn value<'a>(
        &self,
        values: &mut Values<'a>,
        env: &Env<'a>,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), BadRecord> {
        push_any(values, env, depth, out)
    }

    fn inside(&self, text: Text<'_>, out: &mut Vec<u8>) {
        push_valid(text, out);
    }
}
