//! Levels as lines name them: words, numbers of two scales, and severities. Any thread; the words are made once per format.
use crate::logs::levels::{LEVELS, level_name};
use std::borrow::Cow;

/// In which form a level is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelCase {
    /// `info`.
    #[default]
    Lower,
    /// `INFO`.
    Upper,
    /// A number of the scale.
    Number,
    /// Google Cloud's LogSeverity.
    Severity,
}

/// Which numbers levels have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelScale {
    /// trace 10 to fatal 60.
    #[default]
    Pino,
    /// trace 5, debug 10 to critical 50.
    Python,
}

/// How levels are written.
#[derive(Debug, Clone, Default)]
pub struct LevelForm {
    /// The form.
    pub case: LevelCase,
    /// Of numbers.
    pub scale: LevelScale,
    /// `warning` in place of `warn`.
    pub warning: bool,
    /// `critical` in place of `fatal`.
    pub critical: bool,
    /// Names of further levels, or other names for the usual ones, by their number inside.
    pub custom: Vec<(u16, String)>,
}

impl LevelForm {
    /// True when it is written as a number, without quotes.
    pub(super) fn is_number(&self) -> bool {
        self.case == LevelCase::Number
    }

    /// Numbers of the levels whose text is made beforehand.
    pub(super) fn known(&self) -> impl Iterator<Item = u16> {
        let custom = self.custom.iter().map(|(level, _)| *level);
        // What services write most comes first.
        [30, 20, 40, 50, 60, 10].into_iter().chain(custom)
    }

    /// A level's text; one without a name is its number.
    pub(super) fn text(&self, level: u16) -> String {
        match self.case {
            LevelCase::Lower => self.word(level),
            LevelCase::Upper => self.word(level).to_uppercase(),
            LevelCase::Number => self.number(level).to_string(),
            LevelCase::Severity => severity(level).to_owned(),
        }
    }

    fn word(&self, level: u16) -> String {
        if let Some((_, name)) = self.custom.iter().find(|(known, _)| *known == level) {
            return name.clone();
        }
        match level_name(level) {
            Some("warn") if self.warning => "warning".to_owned(),
            Some("fatal") if self.critical => "critical".to_owned(),
            Some(name) => name.to_owned(),
            None => self.number(level).to_string(),
        }
    }

    fn number(&self, level: u16) -> u16 {
        match self.scale {
            LevelScale::Pino => level,
            LevelScale::Python if level <= 20 => level / 2,
            LevelScale::Python => level - 10,
        }
    }
}

/// The texts of a form, made once.
#[derive(Debug, Clone)]
pub(super) struct LevelWords {
    known: Vec<(u16, String)>,
    form: LevelForm,
}

impl LevelWords {
    pub(super) fn new(form: LevelForm) -> LevelWords {
        LevelWords {
            known: form.known().map(|level| (level, form.text(level))).collect(),
            form,
        }
    }

    /// The text of a level.
    #[inline]
    pub(super) fn of(&self, level: u16) -> Cow<'_, str> {
        match self.known.iter().find(|(known, _)| *known == level) {
            Some((_, text)) => Cow::Borrowed(text),
            None => Cow::Owned(self.form.text(level)),
        }
    }

    /// Its number in the scale of the form.
    pub(super) fn number(&self, level: u16) -> u16 {
        self.form.number(level)
    }
}

/// Google Cloud's word for a level (Cloud Logging, LogSeverity).
fn severity(level: u16) -> &'static str {
    match level {
        0..30 => "DEBUG",
        30 => "INFO",
        31..40 => "NOTICE",
        40..50 => "WARNING",
        50..60 => "ERROR",
        _ => "CRITICAL",
    }
}

/// OpenTelemetry's SeverityNumber in [1, 24]: 1 for trace, 5, 9, 13, 17, and 21 for fatal; levels between have the numbers between.
pub fn severity_number(level: u16) -> u8 {
    let level = level.clamp(10, 69);
    // Four numbers for every ten levels.
    let (tens, ones) = (level / 10, level % 10);
    ((tens - 1) * 4 + 1 + ones * 4 / 10) as u8
}

/// The usual word of a level, that of the next lower one for a level without a name.
pub(super) fn nearest(level: u16) -> &'static str {
    LEVELS
        .iter()
        .rev()
        .find(|(known, _)| *known <= level)
        .map_or("trace", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_scales_are_as_asked_for() {
        let of = |case, scale, python| LevelForm {
            case,
            scale,
            warning: python,
            critical: python,
            custom: vec![(35, "notice".to_owned())],
        };
        let texts = |form: LevelForm| {
            [10, 20, 30, 35, 40, 50, 60, 7, 99]
                .map(|level| form.text(level))
                .join(" ")
        };
        assert_eq!(
            texts(of(LevelCase::Lower, LevelScale::Pino, false)),
            "trace debug info notice warn error fatal 7 99"
        );
        assert_eq!(
            texts(of(LevelCase::Upper, LevelScale::Python, true)),
            "TRACE DEBUG INFO NOTICE WARNING ERROR CRITICAL 3 89"
        );
        assert_eq!(
            texts(of(LevelCase::Number, LevelScale::Pino, false)),
            "10 20 30 35 40 50 60 7 99"
        );
        assert_eq!(
            texts(of(LevelCase::Number, LevelScale::Python, false)),
            "5 10 20 25 30 40 50 3 89"
        );
        assert_eq!(
            texts(of(LevelCase::Severity, LevelScale::Pino, false)),
            "DEBUG DEBUG INFO NOTICE WARNING ERROR CRITICAL DEBUG CRITICAL"
        );
    }

    #[test]
    fn severity_numbers_are_opentelemetrys() {
        let levels = [0, 10, 20, 25, 30, 35, 40, 50, 60, 65, 70, u16::MAX];
        assert_eq!(levels.map(severity_number), [1, 1, 5, 7, 9, 11, 13, 17, 21, 23, 24, 24]);
    }

    #[test]
    fn a_level_without_a_name_counts_as_the_one_below() {
        assert_eq!(
            [5, 10, 39, 60, 999].map(nearest),
            ["trace", "trace", "info", "fatal", "fatal"]
        );
    }
}
