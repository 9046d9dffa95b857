//! What may not stand as it is in an exposition: characters of help texts and of names, and the schemes that replace them
//! (Prometheus, "UTF-8 escaping schemes"). Any thread.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::labels::{escape_value, is_legacy_name};

/// How names that only newer scrapers know are written. A name that every scraper knows stays as it is under each scheme,
/// as in Prometheus' own libraries: no dashboard depends on who scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Escaping {
    /// As they are, in quotes.
    AllowUtf8,
    /// Each unknown character becomes `_`; the default.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, any other unknown character `__`.
    Dots,
    /// `U__`, then `_` as `__` and each unknown character as its code point, `_2E_`.
    Values,
}

/// What a name may consist of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    Metric,
    /// `[a-zA-Z_][a-zA-Z0-9_]*`
    Label,
}

impl Alphabet {
    fn knows(self, at: usize, char: char) -> bool {
        char.is_ascii_alphabetic()
            || char == '_'
            || (char.is_ascii_digit() && at > 0)
            || (char == ':' && self == Alphabet::Metric)
    }

    fn is_legacy(self, name: &str) -> bool {
        !name.is_empty() && name.char_indices().all(|(at, char)| self.knows(at, char))
    }
}

/// True for a metric name that every scraper knows.
pub fn is_legacy_metric_name(name: &str) -> bool {
    Alphabet::Metric.is_legacy(name)
}

impl Escaping {
    /// The value of the `escaping` parameter.
    pub fn word(self) -> &'static str {
        match self {
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Underscores => "underscores",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }

    /// The scheme of an `escaping` parameter; `allow-utf8` is what the negotiation's specification calls the first one.
    pub fn from_word(word: &[u8]) -> Option<Escaping> {
        match word {
            b"allow-utf-8" | b"allow-utf8" => Some(Escaping::AllowUtf8),
            b"underscores" => Some(Escaping::Underscores),
            b"dots" => Some(Escaping::Dots),
            b"values" => Some(Escaping::Values),
            _ => None,
        }
    }

    /// The scheme of a number at the boundary to JS, in the order of the declaration.
    pub fn from_code(code: u32) -> Option<Escaping> {
        use Escaping::*;
        [AllowUtf8, Underscores, Dots, Values].get(code as usize).copied()
    }

    /// A metric's name under the scheme; an empty one is `_`. Allocates only when something changes.
    pub fn metric_name(self, name: &str) -> Cow<'_, str> {
        self.name(name, Alphabet::Metric)
    }

    /// A label's name under the scheme.
    pub fn label_name(self, name: &str) -> Cow<'_, str> {
        self.name(name, Alphabet::Label)
    }

    fn name(self, name: &str, alphabet: Alphabet) -> Cow<'_, str> {
        if name.is_empty() {
            return Cow::Borrowed("_");
        }
        if self == Escaping::AllowUtf8 || alphabet.is_legacy(name) {
            return Cow::Borrowed(name);
        }
        let mut written = String::with_capacity(name.len() + 16);
        if self == Escaping::Values {
            written.push_str("U__");
        }
        for (at, char) in name.char_indices() {
            let known = alphabet.knows(at, char);
            match (self, char) {
                (Escaping::Dots | Escaping::Values, '_') => written.push_str("__"),
                (Escaping::Dots, '.') => written.push_str("_dot_"),
                _ if known => written.push(char),
                (Escaping::Values, _) => {
                    let _ = write!(written, "_{:X}_", u32::from(char));
                }
                (Escaping::Dots, _) => written.push_str("__"),
                _ => written.push('_'),
            }
        }
        Cow::Owned(written)
    }
}

/// A metric name under the scheme `underscores`. Allocates only when something changes.
pub fn metric_name(name: &str) -> Cow<'_, str> {
    Escaping::Underscores.metric_name(name)
}

/// A label name as it stands in front of `=`: in quotes when it needs them.
pub(super) fn push_label_name(name: &str, out: &mut Vec<u8>) {
    if is_legacy_name(name) {
        out.extend_from_slice(name.as_bytes());
    } else {
        push_quoted(name, out);
    }
}

/// `"text"`, escaped.
pub(super) fn push_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_value(text, out);
    out.push(b'"');
}

/// Appends a help text of the text format, which escapes backslash and line feed only. (OpenMetrics escapes quotes as well,
/// as in label values: `labels::escape_value`.)
pub fn push_help(help: &str, out: &mut Vec<u8>) {
    for (line, text) in help.split('\n').enumerate() {
        if line > 0 {
            out.extend_from_slice(b"\\n");
        }
        out.extend_from_slice(text.replace('\\', "\\\\").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_keeps_its_quotes_and_stays_in_its_line() {
        let mut out = Vec::new();
        push_help("\na \"b\"\\\n", &mut out);
        assert_eq!(out, br#"\na "b"\\\n"#);
    }

    /// (rule 19) the specification's own examples among them.
    #[test]
    fn names_follow_each_scheme() {
        for (name, utf8, underscores, dots, values) in [
            (
                "http.server-time",
                "http.server-time",
                "http_server_time",
                "http_dot_server__time",
                "U__http_2E_server_2D_time",
            ),
            (
                "metric.name",
                "metric.name",
                "metric_name",
                "metric_dot_name",
                "U__metric_2E_name",
            ),
            (
                "metric.name/with/slashes",
                "metric.name/with/slashes",
                "metric_name_with_slashes",
                "metric_dot_name__with__slashes",
                "U__metric_2E_name_2F_with_2F_slashes",
            ),
            ("9lives", "9lives", "_lives", "__lives", "U___39_lives"),
            ("a_b.c", "a_b.c", "a_b_c", "a__b_dot_c", "U__a__b_2E_c"),
            ("größe", "größe", "gr__e", "gr____e", "U__gr_F6__DF_e"),
            ("a9:b_c", "a9:b_c", "a9:b_c", "a9:b_c", "a9:b_c"),
            (
                "http_requests_total",
                "http_requests_total",
                "http_requests_total",
                "http_requests_total",
                "http_requests_total",
            ),
            ("", "_", "_", "_", "_"),
        ] {
            let written = |scheme: Escaping| scheme.metric_name(name).into_owned();
            assert_eq!(written(Escaping::AllowUtf8), utf8);
            assert_eq!(written(Escaping::Underscores), underscores);
            assert_eq!(written(Escaping::Dots), dots);
            assert_eq!(written(Escaping::Values), values);
        }
        assert!(matches!(metric_name("plain_total"), Cow::Borrowed(_)));
    }

    /// (rule 19) a label name knows no colon.
    #[test]
    fn a_colon_is_for_metric_names_only() {
        assert_eq!(Escaping::Underscores.label_name("a:b"), "a_b");
        assert_eq!(Escaping::Values.label_name("a:b"), "U__a_3A_b");
        assert_eq!(Escaping::Underscores.metric_name("a:b"), "a:b");
    }

    #[test]
    fn every_scheme_has_its_word_and_number() {
        for (code, word) in ["allow-utf-8", "underscores", "dots", "values"].iter().enumerate() {
            let scheme = Escaping::from_word(word.as_bytes());
            assert_eq!(scheme.map(Escaping::word), Some(*word));
            assert_eq!(Escaping::from_code(code as u32), scheme);
        }
        assert_eq!(Escaping::from_word(b"allow-utf8"), Some(Escaping::AllowUtf8));
        assert_eq!(Escaping::from_word(b"none"), None);
        assert_eq!(Escaping::from_code(4), None);
    }
}
