//! Which format and which encoding a scraper gets, by its `Accept` and `Accept-Encoding` (RFC 9110, section 12.5; Prometheus'
//! content negotiation). Pure functions over bytes of strangers: they never panic and never allocate. Any thread.

use super::exposition::{Escaping, Format};

/// How the body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// `Content-Encoding: gzip`.
    Gzip,
    /// `Content-Encoding: zstd`.
    Zstd,
}

impl Encoding {
    /// The name of the coding.
    pub fn word(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }
}

/// What a scraper gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Negotiated {
    /// The format.
    pub format: Format,
    /// The escaping scheme that the scraper named for it.
    pub asked: Option<Escaping>,
}

impl Negotiated {
    /// The scheme to render with.
    pub fn escaping(self) -> Escaping {
        self.asked.unwrap_or_default()
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        self.format.content_type(self.asked)
    }
}

/// The formats that are negotiated, by their place among the candidates.
const OFFERED: [Format; 6] = [
    Format::Text004,
    Format::Text100,
    Format::OpenMetrics001,
    Format::OpenMetrics100,
    Format::OpenMetrics200,
    Format::Protobuf,
];

/// The format for an `Accept` header, and the escaping scheme for names; text 0.0.4 for none, for one that accepts nothing we
/// have, and for garbage.
///
/// OpenMetrics and protobuf must be named: a wildcard selects text 0.0.4 and nothing else. OpenMetrics without a version is
/// 1.0.0, the oldest of the standard (OpenMetrics 2.0, "Protocol Negotiation"), text without a version 0.0.4; a version we do
/// not have is no format of ours. Protobuf must be named with its message and `encoding=delimited`. Of several acceptable
/// formats the heaviest wins, then one named rather than matched by a wildcard, then the one named first. Of the ranges
/// for one format the most specific decides, of equally specific ones the heaviest. A range with a weight that is none
/// is ignored, and so is an escaping scheme that is none. Linear in the header's length.
pub fn negotiate(accept: Option<&[u8]>) -> Negotiated {
    let mut best = [Best::default(); OFFERED.len()];
    for (order, item) in items(accept.unwrap_or_default(), b',').enumerate() {
        let mut parts = items(item, b';');
        let range = parts.next().unwrap_or_default();
        let Some(parameters) = Parameters::of(parts) else {
            continue;
        };
        let Some((format, specificity)) = matched(range, &parameters) else {
            continue;
        };
        for (best, offered) in best.iter_mut().zip(OFFERED) {
            if offered == format {
                best.offer(Candidate {
                    specificity,
                    weight: parameters.weight,
                    order,
                    asked: parameters.escaping,
                });
            }
        }
    }
    let mut chosen: Option<(Candidate, Format)> = None;
    for (Best(candidate), format) in best.into_iter().zip(OFFERED) {
        if let Some(candidate) = candidate
            && candidate.weight > 0
            && chosen.is_none_or(|(other, _)| candidate.beats(other))
        {
            chosen = Some((candidate, format));
        }
    }
    chosen.map_or_else(Negotiated::default, |(candidate, format)| Negotiated {
        format,
        asked: candidate.asked,
    })
}

/// The format that a range names, and how exactly: 1 anything, 2 any text, 3 the type, 4 the type with its version.
fn matched(range: &[u8], parameters: &Parameters<'_>) -> Option<(Format, u8)> {
    let is = |name: &[u8]| range.eq_ignore_ascii_case(name);
    if is(b"application/openmetrics-text") {
        return match parameters.version {
            None => Some((Format::OpenMetrics100, 3)),
            Some(b"1.0.0") => Some((Format::OpenMetrics100, 4)),
            Some(b"0.0.1") => Some((Format::OpenMetrics001, 4)),
            Some(b"2.0.0") => Some((Format::OpenMetrics200, 4)),
            Some(_) => None,
        };
    }
    if is(b"text/plain") {
        return match parameters.version {
            None => Some((Format::Text004, 3)),
            Some(b"0.0.4") => Some((Format::Text004, 4)),
            Some(b"1.0.0") => Some((Format::Text100, 4)),
            Some(_) => None,
        };
    }
    if is(b"application/vnd.google.protobuf") {
        let named =
            parameters.proto == Some(b"io.prometheus.client.MetricFamily") && parameters.encoding == Some(b"delimited");
        return named.then_some((Format::Protobuf, 4));
    }
    match range {
        b"*/*" | b"*" => Some((Format::Text004, 1)),
        _ => is(b"text/*").then_some((Format::Text004, 2)),
    }
}

/// The encoding for an `Accept-Encoding` header: the heaviest of those we have; of equals zstd, then gzip, then the plain body.
/// Zstd must be named; `*` is gzip where that is not named (`gzip`, `x-gzip`). A plain body that is not named is the last
/// resort. No header, garbage and refusal of all give [`Encoding::Identity`].
pub fn negotiate_encoding(accept_encoding: Option<&[u8]>) -> Encoding {
    let (mut zstd, mut gzip, mut identity, mut any) = (None, None, None, None);
    for item in items(accept_encoding.unwrap_or_default(), b',') {
        let mut parts = items(item, b';');
        let coding = parts.next().unwrap_or_default();
        let Some(Parameters { weight, .. }) = Parameters::of(parts) else {
            continue;
        };
        let slot = if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
            &mut gzip
        } else if coding.eq_ignore_ascii_case(b"zstd") {
            &mut zstd
        } else if coding.eq_ignore_ascii_case(b"identity") {
            &mut identity
        } else if coding == b"*" {
            &mut any
        } else {
            continue;
        };
        *slot = (*slot).max(Some(weight));
    }
    let weights = [
        (identity.unwrap_or(0), Encoding::Identity),
        (gzip.or(any).unwrap_or(0), Encoding::Gzip),
        (zstd.unwrap_or(0), Encoding::Zstd),
    ];
    let mut best = (0, Encoding::Identity);
    for (weight, encoding) in weights {
        if weight > 0 && weight >= best.0 {
            best = (weight, encoding);
        }
    }
    best.1
}

/// Fuzz target: any bytes as either header. Whatever is not the default must have been asked for in so many letters.
pub fn fuzz_negotiation(data: &[u8]) {
    let names = |word: &[u8]| data.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    let negotiated = negotiate(Some(data));
    let needed: &[&[u8]] = match negotiated.format {
        Format::Text004 => &[],
        Format::Text100 => &[b"text/plain", b"1.0.0"],
        Format::OpenMetrics001 => &[b"application/openmetrics-text", b"0.0.1"],
        Format::OpenMetrics200 => &[b"application/openmetrics-text", b"2.0.0"],
        Format::Protobuf => &[
            b"application/vnd.google.protobuf",
            b"io.prometheus.client.MetricFamily",
            b"delimited",
        ],
        _ => &[b"application/openmetrics-text"],
    };
    assert!(needed.iter().all(|word| names(word)));
    assert!(
        negotiated
            .asked
            .is_none_or(|scheme| names(scheme.word().as_bytes()) || names(b"allow-utf8"))
    );
    assert!(negotiated.content_type().is_ascii());
    match negotiate_encoding(Some(data)) {
        Encoding::Identity => {}
        Encoding::Gzip => assert!(names(b"gzip") || data.contains(&b'*')),
        Encoding::Zstd => assert!(names(b"zstd")),
    }
}

/// One range of the header that matches a format.
#[derive(Clone, Copy)]
struct Candidate {
    /// In [1, 4]: `*/*`, `text/*`, the type, the type with its version.
    specificity: u8,
    /// In [0, 1000].
    weight: u16,
    /// Place in the header.
    order: usize,
    /// Its escaping scheme.
    asked: Option<Escaping>,
}

impl Candidate {
    fn beats(self, other: Candidate) -> bool {
        let rank = |candidate: Candidate| {
            (
                candidate.weight,
                candidate.specificity > 2,
                std::cmp::Reverse(candidate.order),
            )
        };
        rank(self) > rank(other)
    }
}

/// The range that decides a format's weight: the most specific; of equally specific ones the heaviest, then the first.
#[derive(Clone, Copy, Default)]
struct Best(Option<Candidate>);

impl Best {
    fn offer(&mut self, candidate: Candidate) {
        let rank = |candidate: Candidate| (candidate.specificity, candidate.weight);
        if self.0.is_none_or(|best| rank(candidate) > rank(best)) {
            self.0 = Some(candidate);
        }
    }
}

struct Parameters<'a> {
    weight: u16,
    version: Option<&'a [u8]>,
    escaping: Option<Escaping>,
    proto: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
}

impl<'a> Parameters<'a> {
    /// `None` if a weight is no weight.
    fn of(parts: impl Iterator<Item = &'a [u8]>) -> Option<Parameters<'a>> {
        let mut found = Parameters {
            weight: 1000,
            version: None,
            escaping: None,
            proto: None,
            encoding: None,
        };
        for part in parts {
            let Some(equals) = part.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (name, value) = (part[..equals].trim_ascii(), unquoted(part[equals + 1..].trim_ascii()));
            if name.eq_ignore_ascii_case(b"q") {
                found.weight = weight(value)?;
            } else if name.eq_ignore_ascii_case(b"version") {
                found.version = Some(value);
            } else if name.eq_ignore_ascii_case(b"escaping") {
                found.escaping = Escaping::from_word(value);
            } else if name.eq_ignore_ascii_case(b"proto") {
                found.proto = Some(value);
            } else if name.eq_ignore_ascii_case(b"encoding") {
                found.encoding = Some(value);
            }
        }
        Some(found)
    }
}

/// A weight in thousandths: `0`, `1`, with up to three decimals that count (more are read and have no weight).
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, fraction) = match text {
        [whole @ (b'0' | b'1')] => (whole, &b""[..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] => (whole, fraction),
        _ => return None,
    };
    let mut thousandths = u16::from(whole - b'0') * 1000;
    for (place, digit) in fraction.iter().enumerate() {
        if !digit.is_ascii_digit() || (*whole == b'1' && *digit != b'0') {
            return None;
        }
        thousandths += u16::from(digit - b'0') * [100, 10, 1].get(place).copied().unwrap_or(0);
    }
    Some(thousandths)
}

fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(value)
}

/// The parts of `list` between separators that stand outside quotes, trimmed.
fn items(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = list.iter().position(|&byte| {
            let ends = byte == separator && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = quoted && byte == b'\\' && !escaped;
            ends
        });
        rest = end.map(|at| &list[at + 1..]);
        Some(list[..end.unwrap_or(list.len())].trim_ascii())
    })
}

#[cfg(test)]
mod tests;
