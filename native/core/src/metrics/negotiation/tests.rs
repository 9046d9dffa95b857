//! Headers as they are sent, and as they are not.

use super::*;

fn format(accept: &str) -> Format {
    negotiate(Some(accept.as_bytes())).format
}

fn encoding(accept: &str) -> Encoding {
    negotiate_encoding(Some(accept.as_bytes()))
}

/// What Prometheus 2.42 and 3.15 send, without and with native histograms.
const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_2_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const PROMETHEUS_3_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
/// The example of the negotiation's specification, with its own spelling of a wildcard.
const SPECIFIED: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1";

/// (rule 18) headers as they are really sent.
#[test]
fn prometheus_gets_what_it_likes_best() {
    for (accept, format, asked) in [
        (PROMETHEUS_2, Format::OpenMetrics100, None),
        (PROMETHEUS_2_NATIVE, Format::Protobuf, None),
        (PROMETHEUS_3, Format::OpenMetrics100, Some(Escaping::AllowUtf8)),
        (PROMETHEUS_3_NATIVE, Format::Protobuf, None),
        (SPECIFIED, Format::OpenMetrics100, Some(Escaping::AllowUtf8)),
    ] {
        let negotiated = negotiate(Some(accept.as_bytes()));
        assert_eq!(negotiated, Negotiated { format, asked }, "{accept}");
    }
}

/// (rule 18) each version is given to who names it.
#[test]
fn every_format_and_version_can_be_named() {
    for (accept, wanted) in [
        ("text/plain;version=0.0.4", Format::Text004),
        ("text/plain; version=1.0.0", Format::Text100),
        ("application/openmetrics-text;version=0.0.1", Format::OpenMetrics001),
        ("application/openmetrics-text;version=\"1.0.0\"", Format::OpenMetrics100),
        ("application/openmetrics-text;version=2.0.0", Format::OpenMetrics200),
        (
            "application/openmetrics-text;version=2.0.0;q=0.4,application/openmetrics-text;version=1.0.0;q=0.6",
            Format::OpenMetrics100,
        ),
        (
            "text/plain;version=0.0.4;q=0.4,text/plain;version=1.0.0;q=0.6",
            Format::Text100,
        ),
        (
            "APPLICATION/VND.GOOGLE.PROTOBUF; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            Format::Protobuf,
        ),
    ] {
        assert_eq!(format(accept), wanted, "{accept}");
    }
}

#[test]
fn protobuf_is_given_only_when_it_is_fully_named() {
    for accept in [
        "application/vnd.google.protobuf",
        "application/vnd.google.protobuf;encoding=delimited",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text",
        "application/vnd.google.protobuf;proto=io.prometheus.write.v2.Request;encoding=delimited",
        "application/x-protobuf",
        "application/*",
    ] {
        assert_eq!(format(accept), Format::Text004, "{accept}");
    }
}

/// (rule 17) the answer names the scheme that was asked for with its format, and no other.
#[test]
fn an_escaping_scheme_belongs_to_its_range() {
    for (accept, asked) in [
        ("text/plain;version=1.0.0;escaping=values", Some(Escaping::Values)),
        ("text/plain;escaping=dots", Some(Escaping::Dots)),
        ("text/plain;version=1.0.0;escaping=nonsense", None),
        (
            "text/plain;q=0.9,application/openmetrics-text;escaping=values;q=0.5",
            None,
        ),
        (
            "text/plain;escaping=dots;q=0.5,text/plain;escaping=values;q=0.6",
            Some(Escaping::Values),
        ),
        ("*/*;escaping=allow-utf-8", Some(Escaping::AllowUtf8)),
    ] {
        assert_eq!(negotiate(Some(accept.as_bytes())).asked, asked, "{accept}");
    }
    let negotiated = negotiate(Some(PROMETHEUS_3.as_bytes()));
    assert_eq!(
        negotiated.content_type(),
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    );
    assert_eq!(negotiate(None).escaping(), Escaping::Underscores);
}

#[test]
fn text_is_the_answer_when_nothing_or_anything_is_accepted() {
    assert_eq!(negotiate(None), Negotiated::default());
    for accept in [
        "",
        "*/*",
        "*",
        "text/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        "image/png",
        "text/plain;version=1.1.0",
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
        "application/openmetrics-text;version=3.0.0",
        "application/openmetrics-text;version=0.0.2",
        "application/openmetrics-text;version=1.0",
    ] {
        assert_eq!(format(accept), Format::Text004, "{accept}");
    }
    assert_eq!(
        format("application/openmetrics-text;version=3.0.0,application/openmetrics-text;q=0.5"),
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
fn what_is_packed_is_packed_as_the_scraper_likes() {
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
        ("br, deflate", Encoding::Identity),
        ("br, zstd", Encoding::Zstd),
        ("ZSTD;q=0.1", Encoding::Zstd),
        ("gzip, zstd", Encoding::Zstd),
        ("zstd;q=0.5, gzip", Encoding::Gzip),
        ("zstd, identity", Encoding::Zstd),
        ("zstd;q=0.5, identity", Encoding::Identity),
        ("zstd;q=0, *", Encoding::Gzip),
        ("zstd;q=0, gzip;q=0", Encoding::Identity),
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
    let words: [&[u8]; 32] = [
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
        b"2.0.0",
        b"0.0.1",
        b"application/vnd.google.protobuf",
        b";proto=io.prometheus.client.MetricFamily",
        b";encoding=delimited",
        b";escaping=",
        b"allow-utf-8",
        b"values",
        b"dots",
        b"zstd",
        b",text/plain",
        b"text/*",
        b"=",
        b";",
        b"q=0",
        b"application/",
    ];
    let mut state = 7_u64;
    for _ in 0..50_000 {
        let mut header = Vec::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            header.extend_from_slice(words[(state >> 59) as usize]);
        }
        fuzz_negotiation(&header);
    }
}
