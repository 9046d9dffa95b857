//! The time of a line in UTC: RFC 3339, counts since 1970, or a pattern as of strftime. Any thread; allocates nothing.
use crate::encode::iso::date_of;
use crate::encode::json::{push_escaped, push_integer, push_javascript};
use crate::encode::room::push_short;

/// The largest distance from 1970 that a JavaScript date has, in ms.
const FARTHEST_MS: f64 = 8.64e15;
const DAY_MS: i64 = 86_400_000;
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How the time of a line is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeForm {
    /// `2026-05-26T08:14:22.281Z`.
    #[default]
    Iso,
    /// Seconds since 1970 with up to three decimals, a number.
    EpochSeconds,
    /// Milliseconds since 1970, a number.
    EpochMs,
    /// Nanoseconds since 1970, a number.
    EpochNs,
    /// A text made by a pattern.
    Pattern(TimePattern),
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimePattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// A letter of [`LETTERS`].
    Field(u8),
}

/// What may follow `%`.
const LETTERS: &[u8] = b"YmdHIMSpfLNjybBaAZzse";
/// Letters that stand for several.
const SHORTHANDS: &[(char, &str)] = &[('F', "%Y-%m-%d"), ('T', "%H:%M:%S"), ('D', "%m/%d/%y"), ('R', "%H:%M")];

impl TimePattern {
    /// Compiles `pattern`: `%Y %m %d %e %j %y %b %B %a %A`, `%H %I %M %S %p`, `%f %L %N` for 6, 3 and 9 digits of the fraction, `%s` seconds
    /// since 1970, `%z %Z`, `%F %T %D %R`, `%%`.
    ///
    /// # Errors
    /// The part of the pattern that means nothing.
    pub fn parse(pattern: &str) -> Result<TimePattern, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                literal.push(character);
                continue;
            }
            let letter = characters.next().ok_or("% at the end")?;
            if letter == '%' {
                literal.push('%');
                continue;
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            if let Some((_, long)) = SHORTHANDS.iter().find(|(short, _)| *short == letter) {
                pieces.extend(TimePattern::parse(long)?.0);
            } else if letter.is_ascii() && LETTERS.contains(&(letter as u8)) {
                pieces.push(Piece::Field(letter as u8));
            } else {
                return Err(format!("%{letter}"));
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(TimePattern(pieces))
    }

    /// Appends the text as it stands inside a JSON string.
    fn push(&self, clock: &Clock, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => push_escaped(text, out),
                Piece::Field(letter) => clock.push_field(*letter, out),
            }
        }
    }
}

impl TimeForm {
    /// True when the form is a number, which stands in JSON without quotes.
    pub(super) fn is_number(&self) -> bool {
        !matches!(self, TimeForm::Iso | TimeForm::Pattern(_))
    }

    /// Appends `time_ms`, ms since 1970, without quotes. False, and nothing, when that is no date.
    #[inline]
    pub(super) fn push(&self, time_ms: f64, out: &mut Vec<u8>) -> bool {
        if let TimeForm::Iso = self {
            return push_iso(time_ms, out);
        }
        if !is_date(time_ms) {
            return false;
        }
        match self {
            TimeForm::EpochSeconds => push_javascript(time_ms / 1_000.0, out),
            TimeForm::EpochMs => push_javascript(time_ms, out),
            TimeForm::EpochNs => push_nanoseconds(time_ms, out),
            TimeForm::Pattern(pattern) => pattern.push(&Clock::at(time_ms), out),
            TimeForm::Iso => {}
        }
        true
    }
}

fn is_date(time_ms: f64) -> bool {
    time_ms.abs() <= FARTHEST_MS
}

/// Appends nanoseconds since 1970; 0 for what is no date.
pub(super) fn push_nanoseconds(time_ms: f64, out: &mut Vec<u8>) {
    let time_ms = if is_date(time_ms) { time_ms } else { 0.0 };
    let whole = time_ms.floor();
    let fraction = ((time_ms - whole) * 1e6) as i128;
    push_integer(whole as i128 * 1_000_000 + fraction, out);
}

/// Appends `time_ms` as `Date.prototype.toISOString` does: ms since 1970, a fraction is cut off. False, and nothing, for an invalid date.
#[inline]
pub(super) fn push_iso(time_ms: f64, out: &mut Vec<u8>) -> bool {
    if !is_date(time_ms) {
        return false;
    }
    let clock = Clock::at(time_ms.trunc());
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let (year, month, day) = clock.date();
    if !(0..=9_999).contains(&year) {
        push_far_year(year, out);
        out.extend_from_slice(&clock.written(text, 0, month, day)[4..]);
        return true;
    }
    text = clock.written(text, year as u32, month, day);
    push_short(&text, out);
    true
}

/// Years outside of four digits have a sign and six.
#[cold]
fn push_far_year(year: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.unsigned_abs()).as_bytes());
}

/// An instant, split into days and the time of the day.
struct Clock {
    /// Since 1970.
    days: i64,
    /// In [0, 86,400,000).
    ms: u32,
    /// In [0, 1,000,000).
    rest_ns: u32,
}

impl Clock {
    fn at(time_ms: f64) -> Clock {
        let whole = time_ms.floor();
        let ms = whole as i64;
        Clock {
            days: ms.div_euclid(DAY_MS),
            ms: ms.rem_euclid(DAY_MS) as u32,
            rest_ns: ((time_ms - whole) * 1e6) as u32,
        }
    }

    fn date(&self) -> (i64, u32, u32) {
        date_of(self.days)
    }

    /// The fields of RFC 3339 in their places.
    #[inline]
    fn written(&self, mut text: [u8; 24], year: u32, month: u32, day: u32) -> [u8; 24] {
        let second = self.ms / 1_000;
        let milliseconds = self.ms % 1_000;
        for (at, value) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, second / 3_600),
            (14, second / 60 % 60),
            (17, second % 60),
            (21, milliseconds % 100),
        ] {
            text[at] = b'0' + (value / 10) as u8;
            text[at + 1] = b'0' + (value % 10) as u8;
        }
        text[20] = b'0' + (milliseconds / 100) as u8;
        text
    }

    fn push_field(&self, letter: u8, out: &mut Vec<u8>) {
        let (year, month, day) = self.date();
        let (second, milliseconds) = (self.ms / 1_000, self.ms % 1_000);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        let weekday = DAYS[(self.days + 4).rem_euclid(7) as usize];
        let month_name = MONTHS[month as usize - 1];
        let mut padded = |value: i64, width: usize| out.extend_from_slice(format!("{value:0width$}").as_bytes());
        match letter {
            b'Y' => padded(year, 4),
            b'y' => padded(year.rem_euclid(100), 2),
            b'm' => padded(i64::from(month), 2),
            b'd' => padded(i64::from(day), 2),
            b'H' => padded(i64::from(hour), 2),
            b'I' => padded(i64::from((hour + 11) % 12 + 1), 2),
            b'M' => padded(i64::from(minute), 2),
            b'S' => padded(i64::from(second % 60), 2),
            b'L' => padded(i64::from(milliseconds), 3),
            b'f' => padded(i64::from(milliseconds * 1_000 + self.rest_ns / 1_000), 6),
            b'N' => padded(i64::from(milliseconds) * 1_000_000 + i64::from(self.rest_ns), 9),
            b's' => padded(self.days * 86_400 + i64::from(second), 1),
            b'j' => padded(self.day_of_year(year), 3),
            b'e' => out.extend_from_slice(format!("{day:2}").as_bytes()),
            b'p' => out.extend_from_slice(if hour < 12 { b"AM" } else { b"PM" }),
            b'b' => out.extend_from_slice(&month_name.as_bytes()[..3]),
            b'B' => out.extend_from_slice(month_name.as_bytes()),
            b'a' => out.extend_from_slice(&weekday.as_bytes()[..3]),
            b'A' => out.extend_from_slice(weekday.as_bytes()),
            b'Z' => out.extend_from_slice(b"UTC"),
            b'z' => out.extend_from_slice(b"+0000"),
            _ => {}
        }
    }

    /// In [1, 366].
    fn day_of_year(&self, year: i64) -> i64 {
        // Days from 1970 to the first of January, counted in leap years before it.
        let before = year - 1;
        let first = before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162;
        self.days - first + 1
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(form: &TimeForm, time_ms: f64) -> Option<String> {
        let mut out = Vec::new();
        form.push(time_ms, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn iso_is_what_a_javascript_date_prints() {
        for (ms, text) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (1_779_783_262_281.0, "2026-05-26T08:14:22.281Z"),
            (1_779_783_262_281.9, "2026-05-26T08:14:22.281Z"),
            (951_782_400_000.0, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999.0, "2100-02-28T23:59:59.999Z"),
            (-1.0, "1969-12-31T23:59:59.999Z"),
            (-0.5, "1970-01-01T00:00:00.000Z"),
            (-62_167_219_200_000.0, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001.0, "-000001-12-31T23:59:59.999Z"),
            (253_402_300_799_999.0, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000.0, "+010000-01-01T00:00:00.000Z"),
            (8.64e15, "+275760-09-13T00:00:00.000Z"),
            (-8.64e15, "-271821-04-20T00:00:00.000Z"),
        ] {
            assert_eq!(written(&TimeForm::Iso, ms).as_deref(), Some(text));
        }
    }

    #[test]
    fn counts_since_1970_are_numbers() {
        let ms = 1_779_783_262_250.0;
        assert_eq!(written(&TimeForm::EpochSeconds, ms).as_deref(), Some("1779783262.25"));
        assert_eq!(written(&TimeForm::EpochMs, ms).as_deref(), Some("1779783262250"));
        assert_eq!(
            written(&TimeForm::EpochNs, ms + 0.5).as_deref(),
            Some("1779783262250500000")
        );
        assert_eq!(
            written(&TimeForm::EpochNs, 8.64e15).as_deref(),
            Some("8640000000000000000000")
        );
        assert!(TimeForm::EpochNs.is_number() && !TimeForm::Iso.is_number());
    }

    #[test]
    fn what_is_no_date_is_not_written() {
        let pattern = TimeForm::Pattern(TimePattern::parse("%Y").unwrap());
        for form in [TimeForm::Iso, TimeForm::EpochSeconds, TimeForm::EpochNs, pattern] {
            for ms in [f64::NAN, f64::INFINITY, -f64::INFINITY, 8.640_000_000_000_002e15] {
                assert_eq!(written(&form, ms), None);
            }
        }
    }

    #[test]
    fn patterns_know_their_letters_and_refuse_others() {
        let ms = 1_779_783_262_281.25;
        for (pattern, text) in [
            ("%Y-%m-%d %H:%M:%S,%L", "2026-05-26 08:14:22,281"),
            ("%F %T.%f %z %Z", "2026-05-26 08:14:22.281250 +0000 UTC"),
            ("%N %s %j %y", "281250000 1779783262 146 26"),
            ("%a %A %b %B %e %I%p 100%%", "Tue Tuesday May May 26 08AM 100%"),
            ("\"%D %R\"", "\\\"05/26/26 08:14\\\""),
            ("", ""),
        ] {
            let form = TimeForm::Pattern(TimePattern::parse(pattern).unwrap());
            assert_eq!(written(&form, ms).as_deref(), Some(text));
        }
        for (pattern, bad) in [("%Q", "%Q"), ("%Y %", "% at the end"), ("%漢", "%漢")] {
            assert_eq!(TimePattern::parse(pattern), Err(bad.to_owned()));
        }
    }

    #[test]
    fn midnight_and_noon_and_leap_days_are_right() {
        let form = TimeForm::Pattern(TimePattern::parse("%I%p %j %a").unwrap());
        for (ms, text) in [
            (0.0, "12AM 001 Thu"),
            (43_200_000.0, "12PM 001 Thu"),
            (951_825_600_000.0, "12PM 060 Tue"),
            (1_735_603_200_000.0, "12AM 366 Tue"),
            (-86_400_000.0, "12AM 365 Wed"),
        ] {
            assert_eq!(written(&form, ms).as_deref(), Some(text));
        }
    }
}
