//! Numbers as the exposition formats want them: sample values, and bucket bounds in both spellings. Any thread.
use crate::encode::room::Room;

/// Integers up to here are exact in an f64, so they are written as integers.
const EXACT: u64 = 1 << 53;

/// Longest text of a sample value.
const LONGEST: usize = 25;

/// Appends a sample value: the shortest form that reads back as the same f64, integers without a fraction,
/// `NaN`, `+Inf`, `-Inf`. At most 25 bytes; no allocation beyond `out`'s growth.
pub fn push_value(value: f64, out: &mut Vec<u8>) {
    push_number(value, &mut Room::new(out, LONGEST));
}

/// Appends a time in seconds with three decimals, given in milliseconds: `1763726282.250`.
pub(super) fn push_milliseconds(ms: u64, out: &mut Vec<u8>) {
    let mut room = Room::new(out, LONGEST);
    room.push(itoa::Buffer::new().format(ms / 1000).as_bytes());
    let rest = (ms % 1000) as u16;
    let digit = |unit: u16| b'0' + (rest / unit % 10) as u8;
    room.push(&[b'.', digit(100), digit(10), digit(1)]);
}

/// [`push_value`] into room that is there, at least 25 bytes of it.
#[inline(always)]
pub(super) fn push_number(value: f64, room: &mut Room<'_>) {
    let integer = value as i64;
    // Comparing bits sends -0 and NaN the slow way, without a test of their own on the fast one.
    if (integer as f64).to_bits() == value.to_bits() && integer.unsigned_abs() <= EXACT {
        room.push(itoa::Buffer::new().format(integer).as_bytes());
    } else {
        push_real(value, room);
    }
}

fn push_real(value: f64, room: &mut Room<'_>) {
    if value.is_nan() {
        room.push(b"NaN");
    } else if value.is_infinite() {
        room.push(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value).as_bytes();
        room.push(text.strip_suffix(b".0").unwrap_or(text));
    }
}

/// A bucket bound as JavaScript's `String(bound)`: the `le` of text 0.0.4, where Prometheus 2 has always seen
/// `1`, `0.005` and `1e-7` from Node services.
pub fn javascript(bound: f64) -> String {
    let Some(decimal) = Decimal::of(bound) else {
        return non_finite(bound);
    };
    let (digits, point) = (decimal.digits.as_str(), decimal.point);
    let mut text = decimal.sign();
    match point {
        -5..=0 => {
            text.push_str("0.");
            text.push_str(&"0".repeat(point.unsigned_abs() as usize));
            text.push_str(digits);
        }
        1..=21 => push_fixed(digits, point as usize, &mut text),
        _ => push_exponent(digits, point - 1, 1, &mut text),
    }
    text
}

/// A bucket bound as OpenMetrics' canonical number: Go's `%g`, and `.0` behind what would look like an integer, so
/// `1.0`, `100000.0`, `1e+06`, `1e-05` (OpenMetrics 1.0, "Canonical Numbers").
pub fn canonical(bound: f64) -> String {
    let Some(decimal) = Decimal::of(bound) else {
        return non_finite(bound);
    };
    let (digits, point) = (decimal.digits.as_str(), decimal.point);
    let mut text = decimal.sign();
    match point {
        -3..=0 => {
            text.push_str("0.");
            text.push_str(&"0".repeat(point.unsigned_abs() as usize));
            text.push_str(digits);
        }
        1..=6 => {
            push_fixed(digits, point as usize, &mut text);
            if digits.len() <= point as usize {
                text.push_str(".0");
            }
        }
        _ => push_exponent(digits, point - 1, 2, &mut text),
    }
    text
}

fn non_finite(bound: f64) -> String {
    let mut text = Vec::with_capacity(4);
    push_real(bound, &mut Room::new(&mut text, LONGEST));
    String::from_utf8_lossy(&text).into_owned()
}

/// Digits with the point behind the first `point` of them, zeros filling up.
fn push_fixed(digits: &str, point: usize, text: &mut String) {
    if digits.len() <= point {
        text.push_str(digits);
        text.push_str(&"0".repeat(point - digits.len()));
    } else {
        text.push_str(&digits[..point]);
        text.push('.');
        text.push_str(&digits[point..]);
    }
}

/// `d.ddde+x` with at least `width` digits of exponent.
fn push_exponent(digits: &str, exponent: i32, width: usize, text: &mut String) {
    text.push_str(&digits[..1]);
    if digits.len() > 1 {
        text.push('.');
        text.push_str(&digits[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    text.push_str(&format!("e{sign}{:0width$}", exponent.unsigned_abs()));
}

/// The shortest digits of a finite number: `0.DIGITS * 10^point`.
struct Decimal {
    negative: bool,
    /// No leading or trailing zeros; "0" for zero.
    digits: String,
    point: i32,
}

impl Decimal {
    fn of(value: f64) -> Option<Decimal> {
        if !value.is_finite() {
            return None;
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = (all.len() - significant.len()) as i32;
        let digits = significant.trim_end_matches('0');
        let point = whole.len() as i32 - leading + exponent.parse::<i32>().unwrap_or(0);
        let (digits, point) = if digits.is_empty() { ("0", 1) } else { (digits, point) };
        Some(Decimal {
            negative: value < 0.0,
            digits: digits.to_owned(),
            point,
        })
    }

    fn sign(&self) -> String {
        String::from(if self.negative { "-" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64) -> String {
        let mut out = Vec::new();
        push_value(value, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn values_are_shortest_and_special_ones_spelled_as_the_format_says() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (1.5, "1.5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (1_763_726_282.25, "1763726282.25"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn values_are_integers_up_to_two_to_the_53_and_read_back_beyond() {
        assert_eq!(value(9_007_199_254_740_992.0), "9007199254740992");
        assert_eq!(value(9_007_199_254_740_994.0), "9007199254740994");
        for number in [
            9_223_372_036_854_775_808.0,
            -9.3e18,
            1e21,
            1e22,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            1e-7,
        ] {
            let text = value(number);
            assert_eq!(
                text.parse::<f64>().ok().map(f64::to_bits),
                Some(number.to_bits()),
                "{text}"
            );
            assert!(!text.ends_with(".0"), "{text}");
        }
    }

    #[test]
    fn values_read_back_as_the_same_bits() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(state ^ (state >> 29));
            if number.is_finite() {
                let text = value(number);
                assert_eq!(
                    text.parse::<f64>().ok().map(f64::to_bits),
                    Some(number.to_bits()),
                    "{text}"
                );
                for bound in [javascript(number), canonical(number)] {
                    assert_eq!(bound.parse::<f64>().ok(), Some(number), "{bound}");
                }
            }
        }
    }

    #[test]
    fn times_have_three_decimals() {
        for (ms, text) in [
            (0, "0.000"),
            (7, "0.007"),
            (1_763_726_282_250, "1763726282.250"),
            (u64::MAX, "18446744073709551.615"),
        ] {
            let mut out = Vec::new();
            push_milliseconds(ms, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn text_bounds_are_what_javascript_prints() {
        for (number, text) in [
            (1.0, "1"),
            (0.005, "0.005"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (1e6, "1000000"),
            (123_456_789.125, "123456789.125"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-9, "1.5e-9"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(javascript(number), text);
        }
    }

    #[test]
    fn openmetrics_bounds_are_canonical_numbers() {
        for (number, text) in [
            (1.0, "1.0"),
            (10.0, "10.0"),
            (0.005, "0.005"),
            (0.0, "0.0"),
            (-2.0, "-2.0"),
            (0.000_1, "0.0001"),
            (0.000_01, "1e-05"),
            (1e-10, "1e-10"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456.5, "123456.5"),
            (1e100, "1e+100"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(canonical(number), text);
        }
    }
}
