//! The formats: what they are called on the wire, and the names that a family has in each. Any thread.

use std::borrow::Cow;

use super::super::metric::Kind;
use super::escape::Escaping;

/// An exposition format. The numbers are those of the boundary to JS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Format {
    /// Prometheus text 0.0.4.
    #[default]
    Text004 = 0,
    /// OpenMetrics 1.0.0.
    OpenMetrics100 = 1,
    /// Prometheus text 1.0.0: 0.0.4 and quoted names.
    Text100 = 2,
    /// OpenMetrics 0.0.1, the draft that scrapers still name: the bytes of 1.0.0.
    OpenMetrics001 = 3,
    /// OpenMetrics 2.0.0, as its release candidate 0 of March 2026 has it.
    OpenMetrics200 = 4,
    /// Length-delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf = 5,
    /// Text as prom-client writes it.
    PromClientText = 6,
    /// OpenMetrics as prom-client writes it.
    PromClientOpenMetrics = 7,
}

/// All formats, in the order of their numbers.
pub const FORMATS: [Format; 8] = [
    Format::Text004,
    Format::OpenMetrics100,
    Format::Text100,
    Format::OpenMetrics001,
    Format::OpenMetrics200,
    Format::Protobuf,
    Format::PromClientText,
    Format::PromClientOpenMetrics,
];

impl Format {
    /// The format of a number.
    pub fn from_code(code: u32) -> Option<Format> {
        FORMATS.get(code as usize).copied()
    }

    /// True unless the format is binary.
    pub fn is_text(self) -> bool {
        self != Format::Protobuf
    }

    /// What it is called in labels of our own metrics.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text004 => "text_0.0.4",
            Format::OpenMetrics100 => "openmetrics_1.0.0",
            Format::Text100 => "text_1.0.0",
            Format::OpenMetrics001 => "openmetrics_0.0.1",
            Format::OpenMetrics200 => "openmetrics_2.0.0",
            Format::Protobuf => "protobuf",
            Format::PromClientText => "prom_client_text",
            Format::PromClientOpenMetrics => "prom_client_openmetrics",
        }
    }

    /// The value of `Content-Type`. `asked` is the escaping scheme that the scraper named: the answer names it too. Text
    /// 1.0.0 always names its scheme.
    pub fn content_type(self, asked: Option<Escaping>) -> &'static str {
        macro_rules! types {
            ($base:literal) => {
                match asked {
                    None => $base,
                    Some(Escaping::AllowUtf8) => concat!($base, "; escaping=allow-utf-8"),
                    Some(Escaping::Underscores) => concat!($base, "; escaping=underscores"),
                    Some(Escaping::Dots) => concat!($base, "; escaping=dots"),
                    Some(Escaping::Values) => concat!($base, "; escaping=values"),
                }
            };
        }
        match self {
            Format::Text100 if asked.is_none() => self.content_type(Some(Escaping::Underscores)),
            Format::Text100 => types!("text/plain; version=1.0.0; charset=utf-8"),
            Format::Text004 => types!("text/plain; version=0.0.4; charset=utf-8"),
            Format::OpenMetrics001 => types!("application/openmetrics-text; version=0.0.1; charset=utf-8"),
            Format::OpenMetrics100 => types!("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            Format::OpenMetrics200 => types!("application/openmetrics-text; version=2.0.0; charset=utf-8"),
            Format::Protobuf => {
                types!("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
            }
            Format::PromClientText => "text/plain; version=0.0.4; charset=utf-8",
            Format::PromClientOpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Whether one of prom-client's own formats is its OpenMetrics.
    pub(super) fn prom_client(self) -> Option<bool> {
        match self {
            Format::PromClientText => Some(false),
            Format::PromClientOpenMetrics => Some(true),
            _ => None,
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Format::Text004 | Format::Text100 | Format::PromClientText => Style::Text,
            Format::OpenMetrics001 | Format::OpenMetrics100 | Format::PromClientOpenMetrics => Style::OpenMetrics1,
            Format::OpenMetrics200 => Style::OpenMetrics2,
            Format::Protobuf => Style::Protobuf,
        }
    }
}

/// What formats have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    OpenMetrics1,
    OpenMetrics2,
    Protobuf,
}

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Info,
    StateSet,
    /// A counter or an info whose family name without its suffix is taken: OpenMetrics 1 still shows it, under its full
    /// name.
    Unknown,
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Type::Counter,
            Kind::Gauge => Type::Gauge,
            Kind::Histogram => Type::Histogram,
            Kind::Summary => Type::Summary,
            Kind::Info => Type::Info,
            Kind::StateSet => Type::StateSet,
        }
    }
}

impl Type {
    /// The word of a TYPE line. The text format knows neither info nor state sets: they are gauges there.
    pub(super) fn word(self, style: Style) -> &'static str {
        match (self, style) {
            (Type::Counter, _) => "counter",
            (Type::Info | Type::StateSet, Style::Text) | (Type::Gauge, _) => "gauge",
            (Type::Histogram, _) => "histogram",
            (Type::Summary, _) => "summary",
            (Type::Info, _) => "info",
            (Type::StateSet, _) => "stateset",
            (Type::Unknown, Style::Text) => "untyped",
            (Type::Unknown, _) => "unknown",
        }
    }

    /// True where a time series that begins is worth a time: what is counted, not what is.
    pub(super) fn has_start(self) -> bool {
        matches!(self, Type::Counter | Type::Histogram | Type::Summary)
    }
}

/// The names of one family, under the escaping scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Of TYPE, UNIT and HELP.
    pub(super) family: String,
    /// Of the samples; histograms and summaries put their suffixes behind it.
    pub(super) sample: String,
}

impl Names {
    /// `name` as declared and escaped. In OpenMetrics 1 the samples of a counter end in `_total` and those of an info in
    /// `_info`, and their family's name does not; everywhere else the two are one name. An info ends in `_info` in every
    /// format, so that its series has one name.
    pub(super) fn new(style: Style, name: &str, r#type: Type) -> Names {
        let (family, sample) = match (r#type, style) {
            (Type::Counter, Style::OpenMetrics1) => {
                let base = without(name, "_total");
                (base.to_owned(), format!("{base}_total"))
            }
            (Type::Info, Style::OpenMetrics1) => {
                let base = without(name, "_info");
                (base.to_owned(), format!("{base}_info"))
            }
            (Type::Info, _) => {
                let sample = format!("{}_info", without(name, "_info"));
                (sample.clone(), sample)
            }
            _ => (name.to_owned(), name.to_owned()),
        };
        Names { family, sample }
    }

    /// The names that the family reserves ("MetricFamily names", clashes). In OpenMetrics 1 `_created` is reserved
    /// whether or not it is written, as strict parsers see it.
    pub(super) fn reserved(&self, style: Style, r#type: Type) -> impl Iterator<Item = Cow<'_, str>> {
        let suffixes: &[&str] = match (r#type, style) {
            (Type::Counter, Style::OpenMetrics1) => &["", "_total", "_created"],
            (Type::Info, Style::OpenMetrics1) => &["", "_info"],
            (Type::Histogram, Style::OpenMetrics1) => &["", "_bucket", "_sum", "_count", "_created"],
            (Type::Histogram, _) => &["", "_bucket", "_sum", "_count"],
            (Type::Summary, Style::OpenMetrics1) => &["", "_sum", "_count", "_created"],
            (Type::Summary, _) => &["", "_sum", "_count"],
            _ => &[""],
        };
        suffixes.iter().map(|suffix| match *suffix {
            "" => Cow::Borrowed(self.family.as_str()),
            suffix => Cow::Owned(format!("{}{suffix}", self.family)),
        })
    }
}

/// A name that is the suffix and nothing else keeps it: a name may not be empty.
fn without<'a>(name: &'a str, suffix: &str) -> &'a str {
    name.strip_suffix(suffix)
        .filter(|base| !base.is_empty())
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_number() {
        for (code, format) in FORMATS.into_iter().enumerate() {
            assert_eq!(format as usize, code);
            assert_eq!(Format::from_code(code as u32), Some(format));
        }
        assert_eq!(Format::from_code(8), None);
    }

    /// (rule 17)
    #[test]
    fn content_types_are_what_scrapers_know() {
        for (format, asked, wanted) in [
            (Format::Text004, None, "text/plain; version=0.0.4; charset=utf-8"),
            (
                Format::Text004,
                Some(Escaping::AllowUtf8),
                "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                Format::Text100,
                None,
                "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            ),
            (
                Format::Text100,
                Some(Escaping::Dots),
                "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
            ),
            (
                Format::OpenMetrics001,
                None,
                "application/openmetrics-text; version=0.0.1; charset=utf-8",
            ),
            (
                Format::OpenMetrics100,
                None,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            (
                Format::OpenMetrics100,
                Some(Escaping::Values),
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values",
            ),
            (
                Format::OpenMetrics200,
                None,
                "application/openmetrics-text; version=2.0.0; charset=utf-8",
            ),
            (
                Format::Protobuf,
                None,
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            ),
            (
                Format::Protobuf,
                Some(Escaping::Underscores),
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
            ),
        ] {
            assert_eq!(format.content_type(asked), wanted);
        }
    }
}
