//! What `/trace` is asked for. Pure; any thread.

use crate::query::decoded;

/// Traces of a list unless `n` says otherwise.
const DEFAULT_COUNT: usize = 100;
/// Crockford's base32 without its check symbols, as ULIDs are written.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// As what traces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceFormat {
    /// See `kymo_core::traces::trace_json`.
    Json,
    /// For Perfetto and `chrome://tracing`.
    Chrome,
    /// For speedscope.
    Speedscope,
    /// OTLP/JSON.
    Otlp,
}

/// Which traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The last so many completed ones.
    Recent(usize),
    /// That one.
    Id([u8; 16]),
}

/// The query of `/trace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceQuery {
    pub which: Which,
    pub format: TraceFormat,
    /// Spans are written too; without them a list is short.
    pub spans: bool,
}

impl TraceQuery {
    /// Reads `n`, `id`, `format` and `spans`; of several equal ones the last counts, others do not matter. None for a value
    /// that cannot be: 400.
    pub fn of(query: &[u8]) -> Option<TraceQuery> {
        let mut asked = TraceQuery {
            which: Which::Recent(DEFAULT_COUNT),
            format: TraceFormat::Json,
            spans: true,
        };
        let mut id = None;
        for parameter in query.split(|byte| *byte == b'&') {
            let mut parts = parameter.splitn(2, |byte| *byte == b'=');
            let key = decoded(parts.next().unwrap_or_default());
            let value = decoded(parts.next().unwrap_or_default());
            match key.as_str() {
                "n" => asked.which = Which::Recent(count(&value)?),
                "id" => id = Some(trace_id(&value)?),
                "format" => asked.format = format(&value)?,
                "spans" => asked.spans = flag(&value)?,
                _ => {}
            }
        }
        if let Some(id) = id {
            asked.which = Which::Id(id);
        }
        Some(asked)
    }
}

/// A whole number; below 1 there is nothing to show, and more than there is shows all.
fn count(text: &str) -> Option<usize> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let is_number = (1..=100).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| {
        if sign < 0 {
            0
        } else {
            digits.parse().unwrap_or(usize::MAX)
        }
    })
}

fn format(text: &str) -> Option<TraceFormat> {
    Some(match text {
        "json" => TraceFormat::Json,
        "chrome" => TraceFormat::Chrome,
        "speedscope" => TraceFormat::Speedscope,
        "otlp" => TraceFormat::Otlp,
        _ => return None,
    })
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Any text form in which ids stand in logs: 32 hex digits, a UUID, a ULID, or `trace-` and 16 hex digits.
fn trace_id(text: &str) -> Option<[u8; 16]> {
    let id = match text.len() {
        22 => hex(text.strip_prefix("trace-")?)?,
        26 => ulid(text)?,
        32 => hex(text)?,
        36 => {
            let parts: Vec<&str> = text.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            if lengths != [8, 4, 4, 4, 12] {
                return None;
            }
            hex(&parts.concat())?
        }
        _ => return None,
    };
    Some(id.to_be_bytes())
}

fn hex(digits: &str) -> Option<u128> {
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

fn ulid(text: &str) -> Option<u128> {
    // 26 characters hold 130 bits: the first one is at most 7.
    if text.as_bytes().first()? > &b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |id, byte| {
        let digit = BASE32.iter().position(|digit| *digit == byte.to_ascii_uppercase())?;
        Some(id << 5 | digit as u128)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn which(query: &str) -> Option<Which> {
        TraceQuery::of(query.as_bytes()).map(|asked| asked.which)
    }

    /// [H-60]
    #[test]
    fn a_number_is_whole_and_whatever_its_size_it_is_no_error() {
        for (query, n) in [
            ("", 100),
            ("x=1", 100),
            ("n=7", 7),
            ("n=0", 0),
            ("n=-3", 0),
            ("n=007", 7),
            ("n=1&n=2", 2),
            ("n=99999999999999999999999", usize::MAX),
            ("%6E=5", 5),
        ] {
            assert_eq!(which(query), Some(Which::Recent(n)), "{query}");
        }
        for bad in [
            "n", "n=", "n=a", "n=1.5", "n=-", "n=+1", "n=1e3", "n= 1", "n=0x1", "n=1&n=x",
        ] {
            assert_eq!(which(bad), None, "{bad}");
        }
        assert_eq!(which(&format!("n={}", "1".repeat(101))), None);
    }

    #[test]
    fn an_id_is_found_in_every_form_that_logs_show() {
        let id = 0x0192_8374_6555_4f3a_9d1e_aabb_ccdd_eeff_u128;
        for text in [
            "0192837465554f3a9d1eaabbccddeeff",
            "0192837465554F3A9D1EAABBCCDDEEFF",
            "01928374-6555-4f3a-9d1e-aabbccddeeff",
        ] {
            assert_eq!(
                which(&format!("id={text}")),
                Some(Which::Id(id.to_be_bytes())),
                "{text}"
            );
        }
        let ulid: String = (0..26)
            .map(|place| char::from(BASE32[(id >> (125 - 5 * place)) as usize & 31]))
            .collect();
        assert_eq!(
            which(&format!("id={}", ulid.to_lowercase())),
            Some(Which::Id(id.to_be_bytes()))
        );
        let short = Which::Id(0xaabb_ccdd_eeff_0011_u128.to_be_bytes());
        assert_eq!(
            which("id=trace-aabbccddeeff0011&n=3"),
            Some(short),
            "an id is more than a number"
        );
    }

    #[test]
    fn what_is_no_id_no_format_and_no_flag_is_refused() {
        for bad in [
            "id=",
            "id=1",
            "id=01928374655554f3a9d1eaabbccddeefg",
            "id=+1928374655554f3a9d1eaabbccddeef",
            "id=8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "id=0ZZZZZZZZZZZZZZZZZZZZZZZZU",
            "id=span-aabbccddeeff0011",
            "id=0192837-46555-4f3a-9d1e-aabbccddeeff",
            "format=xml",
            "format=",
            "format=JSON",
            "spans=maybe",
        ] {
            assert_eq!(TraceQuery::of(bad.as_bytes()), None, "{bad}");
        }
        let asked = TraceQuery::of(b"format=otlp&spans=0").unwrap();
        assert_eq!((asked.format, asked.spans), (TraceFormat::Otlp, false));
    }

    #[test]
    fn any_bytes_are_read() {
        let mut state = 13_u64;
        let words: [&[u8]; 12] = [
            b"n=",
            b"id=",
            b"format=",
            b"spans=",
            b"&",
            b"=",
            b"%",
            b"7",
            b"-",
            b"\xff",
            b"trace-",
            b"0123456789abcdef",
        ];
        for _ in 0..20_000 {
            let mut query = Vec::new();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                query.extend_from_slice(words[(state >> 33) as usize % words.len()]);
            }
            let _ = TraceQuery::of(&query);
        }
    }
}
