//! Which format and which encoding a scraper gets, by its `Accept` and `Accept-Encoding` (RFC 9110, section 12.5; Prometheus'
//! content negotiation). Pure functions over bytes of strangers: they never panic and never allocate. Any thread.

use super::exposition::Format;

/// How the body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// `Content-Encoding: gzip`.
    Gzip,
}

/// The format for an `Accept` header; text 0.0.4 for none, for one that accepts nothing we have, and for garbage.
///
/// OpenMetrics must be named: a wildcard never selects it. Without a version, or with 1.0.0, it is ours; any other
/// version is a format we do not have. Of two acceptable formats the heavier weight wins, then the one named rather
/// than matched by a wildcard, then the one named first. The most specific range decides a format's weight. A range
/// with a weight that is none is ignored. Linear in the header's length.
pub fn negotiate(accept: Option<&[u8]>) -> Format {
    let mut text = Best::default();
    let mut openmetrics = Best::default();
    for (order, item) in items(accept.unwrap_or_default(), b',').enumerate() {
        let mut parts = items(item, b';');
        let range = parts.next().unwrap_or_default();
        let Some(parameters) = Parameters::of(parts) else {
            continue;
        };
        let version = parameters.version;
        let found = |specificity| Candidate {
            specificity,
            weight: parameters.weight,
            order,
        };
        if range.eq_ignore_ascii_case(b"application/openmetrics-text") {
            match version {
                None => openmetrics.offer(found(3)),
                Some(b"1.0.0") => openmetrics.offer(found(4)),
                Some(_) => {}
            }
        } else if range.eq_ignore_ascii_case(b"text/plain") {
            match version {
                None => text.offer(found(3)),
                Some(b"0.0.4") => text.offer(found(4)),
                Some(_) => {}
            }
        } else if range.eq_ignore_ascii_case(b"text/*") {
            text.offer(found(2));
        } else if range == b"*/*" || range == b"*" {
            text.offer(found(1));
        }
    }
    match openmetrics.0 {
        Some(ours) if ours.weight > 0 && text.0.is_none_or(|other| ours.beats(other)) => Format::OpenMetrics100,
        _ => Format::Text004,
    }
}

/// The encoding for an `Accept-Encoding` header. Gzip when the scraper takes it (`gzip`, `x-gzip`, or `*` where gzip is
/// not named) at least as gladly as the plain body; a plain body that is not named is the last resort. No header,
/// garbage and refusal of both give [`Encoding::Identity`].
pub fn negotiate_encoding(accept_encoding: Option<&[u8]>) -> Encoding {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for item in items(accept_encoding.unwrap_or_default(), b',') {
        let mut parts = items(item, b';');
        let coding = parts.next().unwrap_or_default();
        let Some(Parameters { weight, .. }) = Parameters::of(parts) else {
            continue;
        };
        let slot = if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
            &mut gzip
        } else if coding.eq_ignore_ascii_case(b"identity") {
            &mut identity
        } else if coding == b"*" {
            &mut any
        } else {
            continue;
        };
        *slot = (*slot).max(Some(weight));
    }
    let gzip = gzip.or(any).unwrap_or(0);
    if gzip > 0 && gzip >= identity.unwrap_or(0) {
        Encoding::Gzip
    } else {
        Encoding::Identity
    }
}

/// Fuzz target: any bytes as either header. OpenMetrics and gzip must have been asked for in so many letters.
pub fn fuzz_negotiation(data: &[u8]) {
    let names = |word: &[u8]| data.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    if negotiate(Some(data)) == Format::OpenMetrics100 {
        assert!(names(b"application/openmetrics-text"));
    }
    if negotiate_encoding(Some(data)) == Encoding::Gzip {
        assert!(names(b"gzip") || data.contains(&b'*'));
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

/// The range that decides a format's weight: the most specific; of equally specific ones, the first.
#[derive(Default)]
struct Best(Option<Candidate>);

impl Best {
    fn offer(&mut self, candidate: Candidate) {
        if self.0.is_none_or(|best| candidate.specificity > best.specificity) {
            self.0 = Some(candidate);
        }
    }
}

struct Parameters<'a> {
    weight: u16,
    version: Option<&'a [u8]>,
}

impl<'a> Parameters<'a> {
    /// `None` if a weight is no weight.
    fn of(parts: impl Iterator<Item = &'a [u8]>) -> Option<Parameters<'a>> {
        let mut found = Parameters {
            weight: 1000,
            version: None,
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
mod tests {
    use super::*;

    fn format(accept: &str) -> Format {
        negotiate(Some(accept.as_bytes()))
    }

    fn encoding(accept: &str) -> Encoding {
        negotiate_encoding(Some(accept.as_bytes()))
    }

    /// What Prometheus 2.42 and 3.15 send; rule 18.
    const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const PROMETHEUS_3_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    #[test]
    fn prometheus_gets_openmetrics() {
        for accept in [PROMETHEUS_2, PROMETHEUS_3, PROMETHEUS_3_NATIVE] {
            assert_eq!(format(accept), Format::OpenMetrics100, "{accept}");
        }
    }

    #[test]
    fn text_is_the_answer_when_nothing_or_anything_is_accepted() {
        assert_eq!(negotiate(None), Format::Text004);
        for accept in [
            "",
            "*/*",
            "*",
            "text/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "image/png",
            "text/plain;version=1.0.0",
            "/;q=0.2",
        ] {
            assert_eq!(format(accept), Format::Text004, "{accept}");
        }
    }

    #[test]
    fn openmetrics_is_given_only_when_named_and_preferred() {
        for (accept, wanted) in [
            ("application/openmetrics-text", Format::OpenMetrics100),
            (
                "Application/OpenMetrics-Text ; Version=\"1.0.0\" ; charset=utf-8",
                Format::OpenMetrics100,
            ),
            ("application/*", Format::Text004),
            ("application/openmetrics-text;q=0", Format::Text004),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.9", Format::Text004),
            (
                "application/openmetrics-text;q=0.9, text/plain;q=0.5",
                Format::OpenMetrics100,
            ),
            (
                "application/openmetrics-text;q=0.899, text/plain;q=0.9",
                Format::Text004,
            ),
            ("application/openmetrics-text;q=0.2, */*;q=0.9", Format::Text004),
            ("text/plain, application/openmetrics-text", Format::Text004),
            ("application/openmetrics-text, text/plain", Format::OpenMetrics100),
            ("*/*, application/openmetrics-text", Format::OpenMetrics100),
            ("text/plain;q=0, */*", Format::Text004),
            (
                "application/openmetrics-text;q=0.5, text/plain;q=0, */*",
                Format::OpenMetrics100,
            ),
        ] {
            assert_eq!(format(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn a_version_we_do_not_have_is_not_answered_with_one_we_have() {
        for accept in [
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=1.0",
        ] {
            assert_eq!(format(accept), Format::Text004, "{accept}");
        }
        assert_eq!(
            format("application/openmetrics-text;version=2.0.0,application/openmetrics-text;q=0.5"),
            Format::OpenMetrics100
        );
        // The range with the version decides, however little it weighs and wherever it stands.
        assert_eq!(
            format("application/openmetrics-text, application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.2"),
            Format::Text004
        );
    }

    #[test]
    fn a_weight_that_is_none_drops_its_range() {
        for weight in ["2", "1.1", "-1", "0,5", "abc", "", "NaN", "1e0", "0.5x", "00"] {
            assert_eq!(
                format(&format!("application/openmetrics-text;q={weight}")),
                Format::Text004,
                "{weight}"
            );
        }
        for weight in [
            "1",
            "1.",
            "1.000",
            "0.001",
            "0.1234567890123456789012345678901234567890",
        ] {
            assert_eq!(
                format(&format!("application/openmetrics-text;q={weight}")),
                Format::OpenMetrics100,
                "{weight}"
            );
        }
    }

    #[test]
    fn separators_inside_quotes_separate_nothing() {
        assert_eq!(
            format("text/plain;x=\"a,application/openmetrics-text;q=1,b\""),
            Format::Text004
        );
        assert_eq!(
            format("image/png;x=\"\\\",;\", application/openmetrics-text"),
            Format::OpenMetrics100
        );
        assert_eq!(
            format("application/openmetrics-text;x=\"unclosed"),
            Format::OpenMetrics100
        );
    }

    #[test]
    fn gzip_is_given_where_it_is_welcome() {
        for (accept, wanted) in [
            ("gzip", Encoding::Gzip),
            ("GZip;q=0.1", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("deflate, gzip, br", Encoding::Gzip),
            ("*", Encoding::Gzip),
            ("identity;q=0, *", Encoding::Gzip),
            ("gzip;q=0.5, identity;q=0.5", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("gzip;q=0.000, *;q=1", Encoding::Identity),
            ("gzip;q=0.5, identity", Encoding::Identity),
            ("*;q=0", Encoding::Identity),
            ("br, zstd", Encoding::Identity),
            ("gzip;q=nonsense", Encoding::Identity),
            ("gzipped", Encoding::Identity),
            ("identity;q=0", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            assert_eq!(encoding(accept), wanted, "{accept}");
        }
        assert_eq!(negotiate_encoding(None), Encoding::Identity);
    }

    #[test]
    fn any_bytes_are_answered() {
        let words: [&[u8]; 16] = [
            b"application/openmetrics-text",
            b"text/plain",
            b"gzip",
            b"identity",
            b"*",
            b"*/*",
            b";q=",
            b"0.",
            b"1",
            b";version=",
            b"1.0.0",
            b",",
            b"\"",
            b"\\",
            b" ",
            b"\xff\x00",
        ];
        let mut state = 7_u64;
        for _ in 0..50_000 {
            let mut header = Vec::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                header.extend_from_slice(words[(state >> 60) as usize]);
            }
            fuzz_negotiation(&header);
        }
    }
}
