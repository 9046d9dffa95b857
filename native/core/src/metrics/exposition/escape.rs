//! What may not stand as it is in an exposition: characters of help texts and names. Any thread.

use std::borrow::Cow;

/// Appends a help text of text 0.0.4, which escapes backslash and line feed only. (OpenMetrics escapes quotes as well, as
/// in label values: `labels::escape_value`.)
pub fn push_help(help: &str, out: &mut Vec<u8>) {
    for (line, text) in help.split('\n').enumerate() {
        if line > 0 {
            out.extend_from_slice(b"\\n");
        }
        out.extend_from_slice(text.replace('\\', "\\\\").as_bytes());
    }
}

/// A metric name under Prometheus' escaping scheme `underscores`: each character outside `[a-zA-Z0-9_:]`, and a
/// digit in front, becomes `_`; an empty name becomes `_`. Allocates only when something changes.
pub fn metric_name(name: &str) -> Cow<'_, str> {
    let legal = |(at, char): (usize, char)| {
        char.is_ascii_alphabetic() || char == '_' || char == ':' || (char.is_ascii_digit() && at > 0)
    };
    if name.is_empty() {
        return Cow::Borrowed("_");
    }
    if name.char_indices().all(legal) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(
        name.char_indices()
            .map(|(at, char)| if legal((at, char)) { char } else { '_' })
            .collect(),
    )
}

/// The pairs of a label block in order of their names, so that one series has one identity however its labels were
/// declared. `None` for a block that is no sequence of `name="value"`.
pub(super) fn sorted_pairs(block: &[u8]) -> Option<Vec<&[u8]>> {
    let mut pairs = Vec::new();
    let mut rest = block;
    while !rest.is_empty() {
        let open = rest.windows(2).position(|pair| pair == b"=\"")? + 2;
        let mut end = open;
        while *rest.get(end)? != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        pairs.push(&rest[..=end]);
        rest = &rest[end + 1..];
        rest = rest.strip_prefix(b",").unwrap_or(rest);
    }
    pairs.sort_unstable();
    Some(pairs)
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

    #[test]
    fn names_follow_the_underscores_scheme() {
        for (name, written) in [
            ("http.server-time", "http_server_time"),
            ("9lives", "_lives"),
            ("a9:b_c", "a9:b_c"),
            ("größe", "gr__e"),
            ("", "_"),
        ] {
            assert_eq!(metric_name(name), written);
        }
        assert!(matches!(metric_name("plain_total"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_series_has_one_identity_in_any_order_of_labels() {
        let (one, two) = (br#"a="x\",b=\"",b="y\\""#, br#"b="y\\",a="x\",b=\"""#);
        assert_eq!(sorted_pairs(one), sorted_pairs(two));
        assert_eq!(sorted_pairs(one).map(|pairs| pairs.len()), Some(2));
        assert_ne!(sorted_pairs(br#"a="1,b:2""#), sorted_pairs(br#"a="1",b="2""#));
        assert_eq!(sorted_pairs(b""), Some(vec![]));
        for broken in [&b"a"[..], b"a=\"", b"a=\"\\", b"a=\"\\\""] {
            assert_eq!(sorted_pairs(broken), None);
        }
    }
}
