//! UTC days, for the names and the age of log files. Pure arithmetic; any thread.

use crate::encode::iso::date_of;

/// Milliseconds of a day. UTC as computers count it has no leap seconds.
pub const DAY_MS: u64 = 86_400_000;

/// A day by its number since 1970-01-01, in the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

/// Of 9999-12-31, the last day whose year has four digits.
const LAST: u32 = 2_932_896;

impl Day {
    /// The day of a moment in ms since 1970.
    pub fn of(now_ms: u64) -> Day {
        Day(u32::try_from(now_ms / DAY_MS).unwrap_or(LAST).min(LAST))
    }

    /// Days from `earlier` to this one; negative when it is the later one.
    pub fn since(self, earlier: Day) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }

    /// Year, month in [1, 12], day in [1, 31] of the proleptic Gregorian calendar.
    pub fn civil(self) -> (u32, u32, u32) {
        let (year, month, day) = date_of(i64::from(self.0));
        (year as u32, month, day)
    }

    /// `2026-11-21`.
    pub fn text(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Reads what [`Day::text`] writes. `None` for anything else, such as a 30th of February.
    pub fn parse(text: &str) -> Option<Day> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().try_fold(0_u32, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
            })
        };
        if bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        let found = Day((era * 146_097 + of_era).checked_sub(719_468)?);
        // A day that its month does not have is the first ones of the next month by this arithmetic.
        (found.civil() == (year, month, day)).then_some(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc() {
        let midnight = 20_778 * DAY_MS;
        assert_eq!(Day::of(midnight).text(), "2026-11-21");
        assert_eq!(Day::of(midnight - 1).text(), "2026-11-20");
        assert_eq!(Day::of(0).text(), "1970-01-01");
        assert_eq!(Day::of(u64::MAX).text(), "9999-12-31");
    }

    #[test]
    fn every_day_of_400_years_is_read_as_it_is_written_and_follows_the_one_before() {
        let (mut month_days, mut before) = (Vec::new(), Day(0).civil());
        for number in 0..146_097 {
            let day = Day(number);
            assert_eq!(Day::parse(&day.text()), Some(day));
            let (year, month, of_month) = day.civil();
            if month != before.1 {
                assert_eq!(of_month, 1);
                month_days.push(before.2);
            }
            assert!((year, month, of_month) >= before);
            before = (year, month, of_month);
        }
        // 1970 to 1972, the last one a leap year.
        assert_eq!(month_days[..12], [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
        assert_eq!(month_days[25], 29);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "2026-01-32",
            "1969-12-31",
            "2026-1-011",
            "2026/01/01",
            "+026-01-01",
            "2026-01-01 ",
            "",
            "２026-01-0",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(Day::parse("2024-02-29").is_some());
        assert!(Day::parse("2100-02-29").is_none());
    }
}
