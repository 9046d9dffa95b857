//! Records as JS writes them, and the lines that become of them.

mod errors;
mod fields;
mod shapes;

use super::*;
use crate::layout::*;
use crate::logs::LogTrace;
use std::collections::HashMap;

/// A value to be written.
#[derive(Clone)]
pub(super) enum V {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'static str),
    /// UTF-16.
    Units(Vec<u16>),
    /// An id of [`Given::keys`].
    Id(u32),
    Object(Vec<(V, V)>),
    Array(Vec<V>),
    BigInt(&'static str),
    Error(Vec<(V, V)>),
    Time(f64),
    Bytes(Vec<u8>),
}

pub(super) fn t(text: &'static str) -> V {
    V::Text(text)
}

pub(super) fn n(number: f64) -> V {
    V::Number(number)
}

pub(super) fn object(entries: &[(&'static str, V)]) -> V {
    V::Object(entries.iter().map(|(key, value)| (t(key), value.clone())).collect())
}

pub(super) fn error(entries: &[(&'static str, V)]) -> V {
    V::Error(entries.iter().map(|(key, value)| (t(key), value.clone())).collect())
}

impl V {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        let counted = |tag: u8, count: usize, out: &mut Vec<u8>| {
            out.push(tag);
            out.extend((count as u32).to_le_bytes());
        };
        let entries = |tag: u8, entries: &[(V, V)], out: &mut Vec<u8>| {
            counted(tag, entries.len(), out);
            for (key, value) in entries {
                key.push(out);
                value.push(out);
            }
        };
        match self {
            V::Null => out.push(VALUE_NULL),
            V::Bool(value) => out.push(if *value { VALUE_TRUE } else { VALUE_FALSE }),
            V::Number(value) if f64::from(*value as i32).to_bits() == value.to_bits() => {
                out.push(VALUE_I32);
                out.extend((*value as i32).to_le_bytes());
            }
            V::Number(value) => {
                out.push(VALUE_F64);
                out.extend(value.to_le_bytes());
            }
            V::Text(text) => match text
                .chars()
                .map(|character| u8::try_from(character).ok())
                .collect::<Option<Vec<u8>>>()
            {
                Some(latin1) => {
                    counted(VALUE_LATIN1, latin1.len(), out);
                    out.extend(latin1);
                }
                None => V::Units(text.encode_utf16().collect()).push(out),
            },
            V::Units(units) => {
                counted(VALUE_UTF16, units.len(), out);
                out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            }
            V::Id(id) => {
                out.push(VALUE_INTERNED);
                out.extend(id.to_le_bytes());
            }
            V::Object(list) => entries(VALUE_OBJECT, list, out),
            V::Error(list) => entries(VALUE_ERROR, list, out),
            V::Array(values) => {
                counted(VALUE_ARRAY, values.len(), out);
                values.iter().for_each(|value| value.push(out));
            }
            V::BigInt(digits) => {
                counted(VALUE_BIGINT, digits.len(), out);
                out.extend(digits.as_bytes());
            }
            V::Time(ms) => {
                out.push(VALUE_TIME);
                out.extend(ms.to_le_bytes());
            }
            V::Bytes(bytes) => {
                counted(VALUE_BYTES, bytes.len(), out);
                out.extend(bytes);
            }
        }
    }
}

/// A record to be written.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) level: u16,
    pub(super) time_ms: f64,
    pub(super) cut: bool,
    pub(super) logger: &'static str,
    pub(super) trace: Option<LogTrace>,
    pub(super) message: V,
    pub(super) pairs: Vec<(V, V)>,
    pub(super) keys: HashMap<u32, String>,
}

/// 2026-05-26T08:14:22.281Z
pub(super) const TIME: f64 = 1_779_783_262_281.0;

pub(super) fn given(pairs: &[(&'static str, V)]) -> Given {
    Given {
        level: 30,
        time_ms: TIME,
        cut: false,
        logger: "db.pool",
        trace: None,
        message: t("routed"),
        pairs: pairs.iter().map(|(key, value)| (t(key), value.clone())).collect(),
        keys: HashMap::new(),
    }
}

pub(super) const TRACE: LogTrace = LogTrace {
    trace_id: 0x0190_163d_8694_739b_aea5_966c_26f8_ad91_u128.to_be_bytes(),
    span_id: 0x1122_3344_5566_7788_u64.to_be_bytes(),
    flags: 1,
};

impl Given {
    pub(super) fn values(&self) -> Vec<u8> {
        let mut values = Vec::new();
        self.message.push(&mut values);
        for (key, value) in &self.pairs {
            key.push(&mut values);
            value.push(&mut values);
        }
        values
    }

    pub(super) fn record<'a>(&'a self, values: &'a [u8]) -> LogRecord<'a> {
        LogRecord {
            time_ms: self.time_ms,
            level: self.level,
            route: 0,
            held: false,
            cut: self.cut,
            is_line: false,
            logger: self.logger,
            trace: self.trace,
            values,
            keys: &self.keys,
        }
    }

    /// The line, without its end.
    pub(super) fn line(&self, options: &FormatOptions) -> String {
        let mut out = b"before\n".to_vec();
        Format::new(options.clone()).write(&self.record(&self.values()), &mut out);
        let text = String::from_utf8(out).expect("valid UTF-8");
        let line = text.strip_prefix("before\n").expect("nothing before is touched");
        line.strip_suffix('\n').expect("a line ends").to_owned()
    }

    pub(super) fn json(&self) -> String {
        self.line(&FormatOptions::default())
    }
}

pub(super) fn options(change: impl FnOnce(&mut FormatOptions)) -> FormatOptions {
    let mut options = FormatOptions::default();
    change(&mut options);
    options
}
