//! A log record as it lies in a ring, read in place. Written by `src/binding/log-writer.ts`; read by the collector and by recovery,
//! from the bytes of a dead process. Every length is checked.
//!
//! ```text
//! head      24 bytes, 48 with a trace, see `LOG_*` in layout.rs
//! message   a value, null for none
//! pairs     key (a string), value; to the end. A key may come twice: the last one counts, at the place of the first
//! ```
use crate::intern::Keys;
use crate::layout::*;
use crate::ring::any::Text;
use crate::ring::record::Record;
use crate::ring::value::{Value, Values};

/// The trace that a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTrace {
    /// 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes; all zero when there is a trace but no span.
    pub span_id: [u8; 8],
    /// W3C's trace flags.
    pub flags: u8,
}

/// One record, in place.
#[derive(Clone, Copy)]
pub struct LogRecord<'a> {
    /// Milliseconds since 1970; any f64, since JS wrote it.
    pub time_ms: f64,
    /// Pino's number: trace 10, debug 20, info 30, warn 40, error 50, fatal 60; others lie between.
    pub level: u16,
    /// Where it goes.
    pub route: u16,
    /// Kept back until its trace fails.
    pub held: bool,
    /// Values at the end were cut off, since the record would have been too long.
    pub cut: bool,
    /// A finished line: `values` is one text, its line ending included.
    pub is_line: bool,
    /// The logger's name; empty for none.
    pub logger: &'a str,
    /// The trace it was written in.
    pub trace: Option<LogTrace>,
    /// The message, then the pairs.
    pub values: &'a [u8],
    /// Texts of the ids that `values` name.
    pub keys: &'a dyn Keys,
}

impl<'a> LogRecord<'a> {
    /// Reads the head. `None` for a record of another kind, or one whose head makes no sense; values are looked at when they are read.
    pub fn read(record: &Record<'a>, keys: &'a dyn Keys) -> Option<LogRecord<'a>> {
        if record.kind != RECORD_LOG && record.kind != RECORD_LINE {
            return None;
        }
        let (head, mut values) = record.body.split_first_chunk::<LOG_HEAD>()?;
        let bits = u32_at(head, LOG_BITS_AT);
        let mut trace = None;
        if bits & LOG_TRACED != 0 {
            let (ids, rest) = values.split_first_chunk::<{ LOG_HEAD_TRACED - LOG_HEAD }>()?;
            values = rest;
            trace = Some(trace_of(ids, bits as u8)).filter(|trace| trace.trace_id != [0; 16]);
        }
        let logger = u32_at(head, LOG_LOGGER_AT) as i32;
        let mut time = [0; 8];
        time.copy_from_slice(&head[LOG_TIME_AT..LOG_TIME_AT + 8]);
        Some(LogRecord {
            time_ms: f64::from_le_bytes(time),
            level: u16_at(head, LOG_LEVEL_AT),
            route: u16_at(head, LOG_ROUTE_AT),
            held: bits & LOG_HELD != 0,
            cut: record.cut,
            is_line: record.kind == RECORD_LINE,
            logger: u32::try_from(logger).ok().and_then(|id| keys.text(id)).unwrap_or(""),
            trace,
            values,
            keys,
        })
    }

    /// The message; of a finished line, the line. `None` when there is none.
    pub fn message(&self) -> Option<Value<'a>> {
        Values::new(self.values)
            .read()
            .ok()
            .filter(|value| *value != Value::Null)
    }

    /// The message, when it is a text.
    pub fn message_text(&self) -> Option<Text<'a>> {
        Text::of(self.message()?, self.keys)
    }

    /// The pairs: keys and values in turns until [`Values::at_end`]. Empty when the message makes no sense.
    pub fn pairs(&self) -> Values<'a> {
        let mut values = Values::new(self.values);
        match values.skip() {
            Ok(()) => values,
            Err(_) => Values::new(&[]),
        }
    }
}

/// Span and trace ids are words as JS holds them: the first byte of an id is the highest of its first word.
fn trace_of(ids: &[u8; LOG_HEAD_TRACED - LOG_HEAD], flags: u8) -> LogTrace {
    let mut bytes = [0; LOG_HEAD_TRACED - LOG_HEAD];
    for (big, little) in bytes.chunks_exact_mut(4).zip(ids.chunks_exact(4)) {
        big.copy_from_slice(&[little[3], little[2], little[1], little[0]]);
    }
    let mut trace = LogTrace {
        trace_id: [0; 16],
        span_id: [0; 8],
        flags,
    };
    trace.trace_id.copy_from_slice(&bytes[..16]);
    trace.span_id.copy_from_slice(&bytes[16..]);
    trace
}

fn u16_at(bytes: &[u8; LOG_HEAD], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8; LOG_HEAD], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A head as JS writes it.
    pub(crate) fn head(time_ms: f64, level: u16, route: u16, bits: u32, logger: i32) -> Vec<u8> {
        let mut body = time_ms.to_le_bytes().to_vec();
        body.extend(level.to_le_bytes());
        body.extend(route.to_le_bytes());
        body.extend(bits.to_le_bytes());
        body.extend(logger.to_le_bytes());
        body.extend([0; 4]);
        body
    }

    fn read<'a>(kind: u16, body: &'a [u8], keys: &'a dyn Keys) -> Option<LogRecord<'a>> {
        let cut = false;
        LogRecord::read(&Record { kind, cut, body }, keys)
    }

    #[test]
    fn a_head_and_its_values_come_back() {
        let keys = HashMap::from([(7, "db.pool".to_owned()), (8, "rows".to_owned())]);
        let mut body = head(1_700_000_000_123.5, 30, 2, LOG_TRACED | LOG_HELD | 1, 7);
        for word in [
            0x0102_0304_u32,
            0x0506_0708,
            0x090a_0b0c,
            0x0d0e_0f10,
            0x1112_1314,
            0x1516_1718,
        ] {
            body.extend(word.to_le_bytes());
        }
        body.extend([VALUE_LATIN1, 2, 0, 0, 0, b'h', b'i']);
        body.extend([VALUE_INTERNED, 8, 0, 0, 0, VALUE_TRUE]);
        let record = read(RECORD_LOG, &body, &keys).unwrap();
        assert_eq!(
            (record.time_ms, record.level, record.route),
            (1_700_000_000_123.5, 30, 2)
        );
        assert!(record.held && !record.is_line && !record.cut);
        assert_eq!(record.logger, "db.pool");
        let trace = record.trace.unwrap();
        assert_eq!(trace.trace_id.map(u32::from), std::array::from_fn(|at| at as u32 + 1));
        assert_eq!((trace.span_id, trace.flags), ([17, 18, 19, 20, 21, 22, 23, 24], 1));
        assert_eq!(record.message(), Some(Value::Latin1(b"hi")));
        assert!(record.message_text().unwrap().is("hi"));
        let mut pairs = record.pairs();
        assert_eq!(pairs.read(), Ok(Value::Interned(8)));
        assert_eq!(pairs.read(), Ok(Value::Bool(true)));
        assert!(pairs.at_end());
    }

    #[test]
    fn what_is_no_log_record_is_none_and_a_short_head_is_none() {
        let keys = HashMap::new();
        let body = head(0.0, 30, 0, LOG_TRACED, -1);
        assert!(read(RECORD_LOG, &body, &keys).is_none(), "the trace is missing");
        assert!(read(RECORD_SPAN, &head(0.0, 30, 0, 0, -1), &keys).is_none());
        for end in 0..LOG_HEAD {
            assert!(read(RECORD_LINE, &body[..end], &keys).is_none());
        }
    }

    #[test]
    fn a_head_alone_says_nothing() {
        let keys = HashMap::new();
        let body = head(f64::NAN, 0, 0, 0, 99);
        let record = read(RECORD_LOG, &body, &keys).unwrap();
        assert_eq!((record.logger, record.message()), ("", None));
        assert!(record.pairs().at_end() && record.trace.is_none());
    }
}
