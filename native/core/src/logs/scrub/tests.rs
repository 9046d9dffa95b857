//! Tests of the scrubber as a whole: values, lines, and that no text takes more than linear time.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::layout::*;

const REDACTED: &str = "[REDACTED]";

fn scrubber() -> Scrubber {
    Scrubber::of_builtins(Censor::new(REDACTED))
}

fn text(text: &str) -> String {
    scrubber().scrub_text(text).unwrap_or_else(|| text.to_owned())
}

/// A text as JS writes it.
fn push_text(text: &str, body: &mut Vec<u8>) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let narrow: Option<Vec<u8>> = units.iter().map(|&unit| u8::try_from(unit).ok()).collect();
    body.push(if narrow.is_some() { VALUE_LATIN1 } else { VALUE_UTF16 });
    body.extend((units.len() as u32).to_le_bytes());
    match narrow {
        Some(bytes) => body.extend(bytes),
        None => body.extend(units.iter().flat_map(|unit| unit.to_le_bytes())),
    }
}

fn read_text(value: Value<'_>) -> String {
    match value {
        Value::Latin1(bytes) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        Value::Utf16(bytes) => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        other => format!("{other:?}"),
    }
}

fn line(json: &str) -> String {
    let mut body = Vec::new();
    push_text(json, &mut body);
    let mut scratch = Vec::new();
    read_text(Values::new(scrubber().scrub(&body, &mut scratch)).read().unwrap())
}

#[test]
fn each_kind_of_secret_is_hidden_and_what_stands_around_it_stays() {
    let cases = [
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-_x!", "jwt [REDACTED]!"),
        (
            "AUTHORIZATION: BEARER abc.DEF-123~x, next",
            "AUTHORIZATION: BEARER [REDACTED], next",
        ),
        ("authorization: Basic dXNlcjpwYXNz;", "authorization: Basic [REDACTED];"),
        ("(AKIAIOSFODNN7EXAMPLE)", "([REDACTED])"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
            "aws_secret_access_key = [REDACTED]\n",
        ),
        ("'AIzaSyA-0123456789abcdefghijklmnopqrstu'", "'[REDACTED]'"),
        ("ghp_0123456789abcdefghijklmnopqrstuvwxyz", "[REDACTED]"),
        ("xoxb-1234567890-abcdefghij", "[REDACTED]"),
        ("key=sk_live_4eC39HqLyjWDarjtT1zdp7dc&x=1", "key=[REDACTED]&x=1"),
        (
            "postgres://user:p%40ss@db:5432/app",
            "postgres://[REDACTED]@db:5432/app",
        ),
        ("redis://:p@ss@host", "redis://[REDACTED]@host"),
        (r"https:\/\/u:p@host\/x", r"https:\/\/[REDACTED]@host\/x"),
        ("paid with 4111-1111-1111-1111.", "paid with [REDACTED]."),
        (
            "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----\nb",
            "a\n[REDACTED]\nb",
        ),
        (r"k=-----BEGIN PRIVATE KEY-----\nMIIE", "k=[REDACTED]"),
        (
            "\u{2603} ghp_0123456789abcdefghijklmnopqrstuvwxyz \u{2603}",
            "\u{2603} [REDACTED] \u{2603}",
        ),
    ];
    for (before, after) in cases {
        assert_eq!(text(before), after);
    }
}

#[test]
fn texts_without_secrets_stay_the_same_bytes() {
    for harmless in [
        "",
        "e",
        "ey",
        "GET /users/4711 200 in 12.5 ms",
        "basic authentication failed",
        "bearer of bad news",
        "https://example.com/a?b=c@d",
        "user@example.com",
        "eyJ",
        "AKIA",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "0af7651916cd43dd8448eb211c80319c",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-21T21:40:53.123Z",
    ] {
        assert_eq!(scrubber().scrub_text(harmless), None, "{harmless}");
    }
}

#[test]
fn only_values_are_rewritten_and_a_record_without_secrets_is_not_copied() {
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let mut body = Vec::new();
    push_text(&format!("message {secret}"), &mut body);
    push_text(secret, &mut body);
    body.extend([VALUE_OBJECT, 2, 0, 0, 0]);
    push_text(secret, &mut body);
    body.push(VALUE_TRUE);
    push_text("list", &mut body);
    body.extend([VALUE_ARRAY, 2, 0, 0, 0]);
    push_text(&format!("\u{2603}{secret}"), &mut body);
    body.push(VALUE_F64);
    body.extend(4_111_111_111_111_111_f64.to_le_bytes());
    push_text("last", &mut body);
    push_text("nothing", &mut body);
    let mut scratch = Vec::new();
    let mut values = Values::new(scrubber().scrub(&body, &mut scratch));
    let mut read = || read_text(values.read().unwrap());
    assert_eq!(read(), "message [REDACTED]");
    assert_eq!(read(), secret, "a key");
    assert_eq!(read(), "Object(2)");
    assert_eq!(read(), secret, "a key of an object");
    assert_eq!(read(), "Bool(true)");
    assert_eq!(read(), "list");
    assert_eq!(read(), "Array(2)");
    assert_eq!(read(), "\u{2603}[REDACTED]");
    assert_eq!(read(), REDACTED, "a card number that is a number");
    assert_eq!(read(), "last");
    assert_eq!(read(), "nothing");

    let mut plain = Vec::new();
    push_text("GET /users 200", &mut plain);
    assert_eq!(scrubber().scrub(&plain, &mut scratch).as_ptr(), plain.as_ptr());
}

#[test]
fn a_finished_line_stays_json() {
    let cases = [
        (r#"{"a":"://x","b":"y@z"}"#, r#"{"a":"://x","b":"y@z"}"#),
        (r#"{"u":"http://x:y@h"}"#, r#"{"u":"http://[REDACTED]@h"}"#),
        (
            r#"{"card":4111111111111111,"n":[4111111111111111,-4111111111111111]}"#,
            r#"{"card":"[REDACTED]","n":["[REDACTED]","[REDACTED]"]}"#,
        ),
        (r#"{"x":"\u0041KIAIOSFODNN7EXAMPLE\""}"#, r#"{"x":"[REDACTED]\""}"#),
        (
            r#"{"x":"\u00eeyJhbGciOiJI.abcdefgh"}"#,
            r#"{"x":"\u00eeyJhbGciOiJI.abcdefgh"}"#,
        ),
        (r#"{"x":"\neyJhbGciOiJI.abcdefgh\n"}"#, r#"{"x":"\n[REDACTED]\n"}"#),
        (
            r#"{"ghp_0123456789abcdefghijklmnopqrstuvwxyz":1}"#,
            r#"{"[REDACTED]":1}"#,
        ),
    ];
    for (before, after) in cases {
        assert_eq!(line(&format!("{before}\n")), format!("{after}\n"));
    }
    assert_eq!(
        line("{oops ghp_0123456789abcdefghijklmnopqrstuvwxyz\n"),
        "{oops \"[REDACTED]\"\n"
    );
}

#[test]
fn a_censor_of_any_characters_is_escaped_in_lines() {
    let scrubber = Scrubber::new(builtin("github-token"), false, Censor::new("\u{2603}\"\\"));
    let mut body = Vec::new();
    push_text("{\"a\":\"ghp_0123456789abcdefghijklmnopqrstuvwxyz\"}\n", &mut body);
    let mut scratch = Vec::new();
    let value = Values::new(scrubber.scrub(&body, &mut scratch)).read().unwrap();
    assert_eq!(read_text(value), "{\"a\":\"\\u2603\\\"\\\\\"}\n");
    let secret = "é ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    assert_eq!(scrubber.scrub_text(secret).unwrap(), "é \u{2603}\"\\");
    let mut body = Vec::new();
    push_text(secret, &mut body);
    let value = Values::new(scrubber.scrub(&body, &mut scratch)).read().unwrap();
    assert_eq!(read_text(value), "é \u{2603}\"\\");
}

#[test]
fn sources_outside_of_the_safe_part_are_refused_with_what_to_do() {
    for source in [
        "ab[0-9]{3}",
        "abc.*",
        "abc(x|y)",
        "^abc",
        "abc$",
        "abc(?:x)",
        "abc(?=x)",
        r"abc\b",
        r"abc\1",
        r"abc\p{L}",
        "abc[a-z]+[0-9a-f]",
        "abc[a-z]*x",
        "abc[a-z]+?",
        "abc(x)(y)",
        "abc(",
        "abc)",
        "abc()",
        "abc(x",
        "abc(x)+",
        "abc[",
        "abc[]",
        "abc[z-a]",
        "abc[a-",
        "abc{2",
        "abc[0-9]{99999}",
        "abc[0-9]{3,2}",
        "abc[0-9]{0}",
        "abc[0-9]{1}{2}",
        "abc\\",
        "ab\u{e9}c",
        "abc\n",
        "[a]+bcd",
        "abcd?e?d",
    ] {
        assert!(Pattern::parse("own", source, false).is_err(), "{source}");
    }
    for source in [
        "abc",
        "abc[0-9]{3}",
        r"abc\d{2,}\.x",
        "ab[c]d",
        "abc(def)",
        r"abc[^\]\s]+",
        r"a\x62c",
        "abc[a-z]{3}[a-z]{3}",
    ] {
        assert_eq!(Pattern::parse("own", source, false).err(), None, "{source}");
    }
}

#[test]
fn no_text_takes_more_than_linear_time() {
    // Quadratic time would be minutes here.
    for piece in [
        "eyJ",
        "eyJ-----",
        "://",
        "bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "4",
        "4 ",
        "4111-",
        "sk-",
        "SG.",
        "basic%20",
        "://@",
        "hooks.slack.com/services/",
    ] {
        let long = piece.repeat(200_000 / piece.len());
        scrubber().scrub_text(&long);
        line(&format!("{{\"a\":\"{long}\"}}\n"));
        line(&format!("{{{long}\n"));
    }
}

#[test]
fn hidden_parts_never_overlap_and_come_in_order() {
    let pieces = [
        "eyJabcdef",
        ".abcd",
        "://",
        "u:p@",
        "Bearer ",
        "4111 1111 1111 1111",
        " ",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        "x",
    ];
    let scrubber = scrubber();
    let mut seed = 7_u64;
    for _ in 0..2_000 {
        let mut made = String::new();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            made.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        let mut findings = Findings::default();
        scrubber.finder().find(made.as_bytes(), &mut findings);
        let mut behind = 0;
        for found in &findings.found {
            assert!(
                found.start >= behind && found.end > found.start && found.end <= made.len(),
                "{made}"
            );
            behind = found.end;
        }
    }
}
