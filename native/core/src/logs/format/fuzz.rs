//! Records of any bytes in every format, driven by arbitrary bytes: must neither panic nor run away, and each makes one whole line. One
//! plain function, called by the seeded loop in `cargo test` and by cargo-fuzz.
use super::*;
use crate::intern::Keys;
use crate::logs::LogTrace;
use crate::ring::read_records;
use std::collections::HashSet;
use std::sync::OnceLock;

const DECLARED: [&str; 8] = [
    "k",
    "level",
    "err",
    "type",
    "message",
    "stack",
    "cause",
    "exception.type",
];

struct Declared;

impl Keys for Declared {
    fn text(&self, id: u32) -> Option<&str> {
        DECLARED.get(id as usize).copied()
    }
}

/// Whether a format's lines are JSON.
type Judged = (bool, Format);

fn formats() -> Vec<Judged> {
    let of = |change: &dyn Fn(&mut FormatOptions)| {
        let mut options = FormatOptions::default();
        change(&mut options);
        assert_eq!(options.clash(), None);
        let is_json = matches!(options.shape, Shape::Json | Shape::Otlp);
        (is_json, Format::new(options))
    };
    vec![
        of(&|_| {}),
        of(&|options| {
            options.error = ErrorForm::Ecs;
            options.order = vec![
                Part::Fields,
                Part::Message,
                Part::Level,
                Part::Time,
                Part::Base,
                Part::Trace,
            ];
            options.base = vec![("k".to_owned(), Constant::Null)];
            options.time = TimeForm::EpochNs;
        }),
        of(&|options| {
            options.error = ErrorForm::Text;
            options.nested_key = "nested".to_owned();
            options.defaults = vec![("k".to_owned(), Constant::Bool(true))];
            options.non_finite = NonFinite::Text;
        }),
        of(&|options| {
            options.shape = Shape::Otlp;
            options.error = ErrorForm::Otel;
        }),
        of(&|options| options.shape = Shape::Text),
        of(&|options| {
            options.shape = Shape::Logfmt;
            options.error = ErrorForm::Text;
        }),
    ]
}

/// Reads `data` as the values of a record, and as a ring full of records.
pub fn fuzz_log_formats(data: &[u8]) {
    static FORMATS: OnceLock<Vec<Judged>> = OnceLock::new();
    let trace = LogTrace {
        trace_id: [1; 16],
        span_id: [2; 8],
        flags: 1,
    };
    let alone = LogRecord {
        time_ms: data.first().map_or(0.0, |byte| f64::from(*byte) * 1e14),
        level: u16::from(data.last().copied().unwrap_or(0)),
        route: 0,
        held: false,
        cut: data.len() % 2 == 1,
        is_line: false,
        logger: "a.b",
        trace: Some(trace).filter(|_| data.len().is_multiple_of(3)),
        values: data,
        keys: &Declared,
    };
    let written = read_records(data).map_while(Result::ok);
    let records = written.filter_map(|record| LogRecord::read(&record, &Declared));
    let records: Vec<_> = records.filter(|record| !record.is_line).chain([alone]).collect();
    for (is_json, format) in FORMATS.get_or_init(formats) {
        for record in &records {
            let mut line = Vec::new();
            format.write(record, &mut line);
            assert!(
                line.len() <= 64 * data.len() + 1_024,
                "a line grows with its record only"
            );
            let text = std::str::from_utf8(&line).unwrap_or_else(|_| panic!("a line is UTF-8"));
            let text = text.strip_suffix('\n').unwrap_or_else(|| panic!("a line ends"));
            if *is_json {
                let rest = after_value(text);
                assert!(rest.is_empty(), "nothing is behind the value: {rest:?}");
            } else {
                assert!(!text.chars().any(char::is_control), "nothing is obeyed: {text:?}");
            }
        }
    }
}

/// Reads one value of JSON, no key of which comes twice, and gives what is behind it. Lines are nested 100 deep at most.
fn after_value(text: &str) -> &str {
    let list = |mut rest: &str, end: char, has_keys: bool| -> usize {
        let mut keys = HashSet::new();
        if let Some(rest) = rest.strip_prefix(end) {
            return rest.len();
        }
        loop {
            if has_keys {
                let behind = after_string(rest);
                let key = &rest[..rest.len() - behind.len()];
                assert!(keys.insert(key), "{key} comes twice");
                rest = behind
                    .strip_prefix(':')
                    .unwrap_or_else(|| panic!("no colon in {behind:?}"));
            }
            rest = after_value(rest);
            if let Some(rest) = rest.strip_prefix(end) {
                return rest.len();
            }
            rest = rest.strip_prefix(',').unwrap_or_else(|| panic!("no comma in {rest:?}"));
        }
    };
    let left = match text.as_bytes().first() {
        Some(b'{') => list(&text[1..], '}', true),
        Some(b'[') => list(&text[1..], ']', false),
        Some(b'"') => return after_string(text),
        _ => {
            let end = text.find([',', '}', ']']).unwrap_or(text.len());
            let word = &text[..end];
            assert!(
                ["null", "true", "false"].contains(&word) || word.parse::<f64>().is_ok_and(f64::is_finite),
                "{word:?}"
            );
            text.len() - end
        }
    };
    &text[text.len() - left..]
}

/// Reads one string, and gives what is behind it.
fn after_string(text: &str) -> &str {
    let mut characters = text
        .strip_prefix('"')
        .unwrap_or_else(|| panic!("no string: {text:?}"))
        .chars();
    loop {
        match characters.next() {
            Some('"') => return characters.as_str(),
            Some('\\') => match characters.next() {
                Some('u') => assert!(characters.by_ref().take(4).all(|digit| digit.is_ascii_hexdigit())),
                short => assert!(short.is_some_and(|short| "\"\\bfnrt".contains(short)), "no escape"),
            },
            Some(character) => assert!(character >= ' ', "a control character in a string"),
            None => panic!("a string without an end"),
        }
    }
}
