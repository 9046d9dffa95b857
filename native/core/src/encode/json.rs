//! JSON as any parser reads it (RFC 8259): strings, numbers, and bytes as hex. Any thread.

use super::room::{Room, push_short};
use super::text::{push_latin1, utf16_characters};

/// Longest text of a number.
const LONGEST_NUMBER: usize = 25;
/// Integers up to here are exact in an f64.
const EXACT: u64 = 1 << 53;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Marks (in the high bit of its byte) the first byte of `word` that is a control character, a quote or a backslash; later
/// marks may be wrong.
#[inline(always)]
fn marks(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(LOW_BITS) & !word;
    let control = word.wrapping_sub(0x20 * LOW_BITS) & !word;
    (control | zero(word ^ (0x22 * LOW_BITS)) | zero(word ^ (0x5c * LOW_BITS))) & HIGH_BITS
}

/// How many of the first bytes stand in a JSON string as they are. With `ASCII`, only those below 0x80.
#[inline]
fn plain<const ASCII: bool>(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = marks(word) | if ASCII { word & HIGH_BITS } else { 0 };
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\') || (ASCII && *byte >= 0x80);
    bytes.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// True for bytes that stand in a string as they are, whether they are UTF-8 or Latin-1.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    plain::<true>(bytes) == bytes.len()
}

/// A control character, quote or backslash as it stands in a string.
pub(crate) fn push_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => return push_unit(u16::from(byte), out),
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// The inside of a string, from UTF-8.
pub(crate) fn push_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (clean, tail) = rest.split_at(plain::<false>(rest));
        push_short(clean, out);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        push_escape(byte, out);
        rest = tail;
    }
}

/// The inside of a string, from Latin-1.
pub(crate) fn push_escaped_latin1(characters: &[u8], out: &mut Vec<u8>) {
    let mut rest = characters;
    loop {
        let (clean, tail) = rest.split_at(plain::<true>(rest));
        push_short(clean, out);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        if byte < 0x80 {
            push_escape(byte, out);
        } else {
            push_latin1(&[byte], out);
        }
        rest = tail;
    }
}

/// The inside of a string, from UTF-16 little endian; a lone surrogate is U+FFFD.
pub(crate) fn push_escaped_utf16(units: &[u8], out: &mut Vec<u8>) {
    out.reserve(units.len());
    utf16_characters(units).for_each(|character| push_character(character, out));
}

/// The inside of a string, from UTF-16 little endian; a lone surrogate is `\udXXX`, as `JSON.stringify` writes it (ECMA-262,
/// QuoteJSONString).
pub(crate) fn push_escaped_units(units: &[u8], out: &mut Vec<u8>) {
    out.reserve(units.len());
    let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    for character in char::decode_utf16(units) {
        match character {
            Ok(character) => push_character(character, out),
            Err(lone) => push_unit(lone.unpaired_surrogate(), out),
        }
    }
}

#[inline(always)]
fn push_character(character: char, out: &mut Vec<u8>) {
    if character < ' ' || matches!(character, '"' | '\\') {
        push_escape(character as u8, out);
    } else {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// A code unit as `\uXXXX`.
pub(crate) fn push_unit(unit: u16, out: &mut Vec<u8>) {
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// `"text"`.
pub(crate) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    push_escaped(text, out);
    out.push(b'"');
}

/// A whole number.
pub(crate) fn push_integer<I: itoa::Integer>(value: I, out: &mut Vec<u8>) {
    Room::new(out, 40).push(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest number that reads back as the same f64; what JSON has no number for is the string `"NaN"`, `"Infinity"` or
/// `"-Infinity"` (proto3, "JSON Mapping").
pub(crate) fn push_number(value: f64, out: &mut Vec<u8>) {
    let mut room = Room::new(out, LONGEST_NUMBER);
    if value.is_finite() {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value).as_bytes();
        // `-0` is an integer to some readers, and then 0.
        let whole = text.strip_suffix(b".0").filter(|whole| *whole != b"-0");
        room.push(whole.unwrap_or(text));
    } else if value.is_nan() {
        room.push(b"\"NaN\"");
    } else {
        room.push(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    }
}

/// A finite number as JavaScript prints it (ECMA-262, Number::toString), so -0 is `0` and 1e21 is `1e+21`. At most 25 bytes.
pub(crate) fn push_javascript(value: f64, out: &mut Vec<u8>) {
    let integer = value as i64;
    let mut room = Room::new(out, LONGEST_NUMBER);
    if integer as f64 == value && integer.unsigned_abs() <= EXACT {
        return room.push(itoa::Buffer::new().format(integer).as_bytes());
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return room.push(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-6..21).contains(&exponent) {
        return room.push(text.as_bytes());
    }
    // Other printers go over to an exponent sooner.
    let digits = mantissa.trim_start_matches('-');
    let (first, others) = digits.split_at(1);
    let others = others.trim_start_matches('.');
    if value < 0.0 {
        room.push(b"-");
    }
    if exponent < 0 {
        room.push(&b"0.00000"[..1 + exponent.unsigned_abs() as usize]);
    }
    room.push(first.as_bytes());
    room.push(others.as_bytes());
    if exponent > 0 {
        // At most 17 digits, and the exponent is 16 at least.
        room.push(&b"00000000000000000000"[..(exponent as usize).saturating_sub(others.len())]);
    }
}

/// Bytes as lower-case hex digits.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digits = |byte: &u8| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    out.extend(bytes.iter().flat_map(digits));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        content(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Escapes character by character.
    fn naive(text: &str) -> String {
        text.chars()
            .map(|character| match character {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\0'..' ' => format!("\\u{:04x}", u32::from(character)),
                other => other.to_string(),
            })
            .collect()
    }

    #[test]
    fn every_character_is_escaped_at_every_place_and_in_every_form() {
        let characters = (0..=255_u8)
            .map(char::from)
            .chain(['漢', '🦀', '\u{2028}', '\u{ffff}', '\u{10ffff}']);
        for character in characters {
            for before in 0..18 {
                let text = format!(
                    "{}{character}{character}\"é!{}",
                    "a".repeat(before),
                    "b".repeat(17 - before)
                );
                let wanted = naive(&text);
                assert_eq!(written(|out| push_escaped(&text, out)), wanted);
                let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert_eq!(written(|out| push_escaped_utf16(&units, out)), wanted);
                let latin1: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
                if let Some(latin1) = latin1 {
                    assert_eq!(written(|out| push_escaped_latin1(&latin1, out)), wanted);
                }
            }
        }
        assert_eq!(written(|out| push_string("", out)), "\"\"");
    }

    #[test]
    fn numbers_are_shortest_and_what_json_lacks_is_a_string() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (-17.0, "-17"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (1e-7, "1e-7"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(written(|out| push_number(number, out)), text);
        }
        assert_eq!(written(|out| push_integer(i64::MIN, out)), "-9223372036854775808");
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = f64::from_bits(state ^ state >> 31);
            let text = written(|out| push_number(number, out));
            if number.is_finite() {
                assert_eq!(text.parse().map(f64::to_bits), Ok(number.to_bits()), "{text}");
            }
        }
    }

    #[test]
    fn lone_surrogates_are_escaped_where_nothing_may_be_lost() {
        let units = |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
        for (text, wanted) in [
            (units(&[0xd83e, 0xdd80, 0x22]), "🦀\\\""),
            (units(&[0xd83e, 0x61]), "\\ud83ea"),
            (units(&[0xdd80, 0xd83e]), "\\udd80\\ud83e"),
        ] {
            assert_eq!(written(|out| push_escaped_units(&text, out)), wanted);
        }
    }

    #[test]
    fn numbers_are_what_javascript_prints() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-17.0, "-17"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e16, "10000000000000000"),
            (-123_456_789_012_345_680_000.0, "-123456789012345680000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (0.1, "0.1"),
            (-1.5e-5, "-0.000015"),
            (0.000_001, "0.000001"),
            (1.234e-6, "0.000001234"),
            (1e-7, "1e-7"),
            (-5e-324, "-5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (0.000_001_234_567_890_123_456_7, "0.0000012345678901234567"),
        ] {
            assert_eq!(written(|out| push_javascript(number, out)), text);
        }
        let mut state = 1_u64;
        for _ in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Exponents around those at which the form changes come often.
            let number = f64::from_bits(state & !(0x7ff << 52) | (0x3f0 + (state >> 57 & 0x7f)) << 52);
            for number in [number, f64::from_bits(state)] {
                if number.is_finite() {
                    let text = written(|out| push_javascript(number, out));
                    assert_eq!(text.parse::<f64>().ok(), Some(number), "{text}");
                    assert!(text.len() <= LONGEST_NUMBER, "{text}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_hex() {
        assert_eq!(written(|out| push_hex(&[0, 9, 10, 0xf0, 0xff], out)), "00090af0ff");
        assert_eq!(written(|out| push_hex(&[], out)), "");
    }
}
