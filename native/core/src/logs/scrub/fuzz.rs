//! The scrubber, driven by arbitrary bytes. One plain function, called by the seeded loop in `cargo test` and by cargo-fuzz.
use super::{Censor, Pattern, Scrubber};
use crate::layout::{VALUE_LATIN1, VALUE_UTF16};
use crate::ring::value::{Value, Values};

/// Bytes as values of a record, as a line, and as the source of a pattern.
pub fn fuzz_scrub(data: &[u8]) {
    let scrubber = Scrubber::of_builtins(Censor::new("[REDACTED]"));
    check_values(&scrubber, data);
    for (tag, unit) in [(VALUE_LATIN1, 1), (VALUE_UTF16, 2)] {
        let mut line = vec![tag];
        line.extend(((data.len() / unit) as u32).to_le_bytes());
        line.extend_from_slice(&data[..data.len() / unit * unit]);
        check_values(&scrubber, &line);
    }
    let (source, text) = data.split_at(data.len().min(40));
    if let Ok(source) = std::str::from_utf8(source)
        && let Ok(pattern) = Pattern::parse("own", source, false)
    {
        let own = Scrubber::new(vec![pattern], false, Censor::new("\u{2603}\"\\"));
        check_values(&own, text);
        let text = String::from_utf8_lossy(text);
        own.scrub_text(&text);
    }
}

/// What was scrubbed has the same values, but for texts and card numbers; what cannot be read stays as it is.
fn check_values(scrubber: &Scrubber, body: &[u8]) {
    let mut scratch = Vec::new();
    let scrubbed = scrubber.scrub(body, &mut scratch);
    let (mut before, mut after) = (Values::new(body), Values::new(scrubbed));
    while let Ok(value) = before.read() {
        let now = after.read();
        let is_text = matches!(now, Ok(Value::Latin1(_) | Value::Utf16(_)));
        assert!(
            is_text || now.as_ref().is_ok_and(|now| is_same(now, &value)),
            "{value:?} became {now:?}"
        );
    }
    assert_eq!(before.rest(), after.rest());
}

fn is_same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::F64(a), Value::F64(b)) | (Value::Time(a), Value::Time(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
