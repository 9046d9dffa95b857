//! The label block of a series: `a="x",b="y"`, escaped as both text formats want it. It is what a scrape copies and what
//! tells series apart: names are fixed per metric and values are escaped, so that no value can imitate a separator.

/// Longest value of one label in bytes of UTF-8. A longer one is refused and counted.
pub const MAX_VALUE_BYTES: usize = 16_384;
/// Longest block of one series.
pub const MAX_BLOCK_BYTES: usize = 65_536;

/// A value or the whole block is too long; the series is not made.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Appends `value` to `block`: `\` `"` and line feed escaped, everything else as it is (exposition formats,
/// "Comments, help text, and type information").
pub fn escape_value(value: &str, block: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'\\' => b"\\\\",
            b'"' => b"\\\"",
            b'\n' => b"\\n",
            _ => continue,
        };
        block.extend_from_slice(&bytes[from..at]);
        block.extend_from_slice(escaped);
        from = at + 1;
    }
    block.extend_from_slice(&bytes[from..]);
}

/// True for `[a-zA-Z_][a-zA-Z0-9_]*`, which every format takes without quotes.
pub fn is_legacy_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Appends one pair to a block: `name="value"`, the name in quotes where it is no legacy name.
pub fn push_pair(name: &str, value: &str, block: &mut Vec<u8>) -> Result<(), TooLong> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(TooLong);
    }
    if !block.is_empty() {
        block.push(b',');
    }
    if is_legacy_name(name) {
        block.extend_from_slice(name.as_bytes());
    } else {
        block.push(b'"');
        escape_value(name, block);
        block.push(b'"');
    }
    block.extend_from_slice(b"=\"");
    escape_value(value, block);
    block.push(b'"');
    if block.len() > MAX_BLOCK_BYTES {
        Err(TooLong)
    } else {
        Ok(())
    }
}

/// Writes the block of `values` under `names`, in the order of the declaration. Both have the same length.
pub fn write_block<'a>(
    names: &[Box<str>],
    values: impl Iterator<Item = &'a str>,
    block: &mut Vec<u8>,
) -> Result<(), TooLong> {
    block.clear();
    names
        .iter()
        .zip(values)
        .try_for_each(|(name, value)| push_pair(name, value, block))
}

/// The pairs of a block written by [`push_pair`], unescaped.
pub fn read_pairs(block: &[u8]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = block;
    while !rest.is_empty() {
        let (name, after) = match rest {
            [b'"', quoted @ ..] => read_quoted(quoted),
            _ => {
                let end = rest.iter().position(|byte| *byte == b'=').unwrap_or(rest.len());
                (String::from_utf8_lossy(&rest[..end]).into_owned(), &rest[end..])
            }
        };
        let Some(quoted) = after.strip_prefix(b"=\"") else {
            break;
        };
        let (value, after) = read_quoted(quoted);
        pairs.push((name, value));
        rest = after.strip_prefix(b",").unwrap_or_default();
    }
    pairs
}

/// The text up to the closing quote, unescaped, and what follows that quote.
fn read_quoted(from: &[u8]) -> (String, &[u8]) {
    let mut text = Vec::new();
    let mut at = 0;
    while at < from.len() && from[at] != b'"' {
        if from[at] == b'\\' && at + 1 < from.len() {
            at += 1;
            text.push(if from[at] == b'n' { b'\n' } else { from[at] });
        } else {
            text.push(from[at]);
        }
        at += 1;
    }
    (
        String::from_utf8_lossy(&text).into_owned(),
        from.get(at + 1..).unwrap_or_default(),
    )
}

/// The values of a block written by [`write_block`].
pub fn read_block(block: &[u8]) -> Vec<String> {
    read_pairs(block).into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn block(values: &[&str]) -> Vec<u8> {
        let names: Vec<Box<str>> = ["a", "b", "c"][..values.len()]
            .iter()
            .map(|name| Box::from(*name))
            .collect();
        let mut out = Vec::new();
        write_block(&names, values.iter().copied(), &mut out).unwrap();
        out
    }

    #[test]
    fn values_that_imitate_separators_stay_apart_and_come_back() {
        let sets: [&[&str]; 6] = [
            &["x|", "y"],
            &["x", "|y"],
            &["1,b=\"2", "3"],
            &["1", "2\",b=\"3"],
            &["\\", "\""],
            &["\n\\n", "\u{fffd}\0\r"],
        ];
        let blocks: Vec<_> = sets.iter().map(|values| block(values)).collect();
        for (n, one) in blocks.iter().enumerate() {
            assert!(blocks[n + 1..].iter().all(|other| other != one));
            assert_eq!(read_block(one), sets[n]);
        }
        assert_eq!(block(&["q\"", "\\", "l\n"]), br#"a="q\"",b="\\",c="l\n""#);
    }

    #[test]
    fn names_beyond_the_legacy_ones_are_quoted_and_come_back() {
        let mut out = Vec::new();
        push_pair("a.b", "1", &mut out).unwrap();
        push_pair("c", "=\",", &mut out).unwrap();
        push_pair("\"=\\", "", &mut out).unwrap();
        assert_eq!(out, br#""a.b"="1",c="=\",","\"=\\"="""#);
        let pairs =
            [("a.b", "1"), ("c", "=\","), ("\"=\\", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read_pairs(&out), pairs);
    }

    #[test]
    fn the_longest_value_is_accepted_and_one_byte_more_is_refused() {
        let names = [Box::from("a")];
        let mut out = Vec::new();
        assert_eq!(
            write_block(&names, ["x".repeat(MAX_VALUE_BYTES).as_str()].into_iter(), &mut out),
            Ok(())
        );
        assert_eq!(
            write_block(&names, ["x".repeat(MAX_VALUE_BYTES + 1).as_str()].into_iter(), &mut out),
            Err(TooLong)
        );
        let names: Vec<Box<str>> = (0..5).map(|n| format!("l{n}").into()).collect();
        let values = vec!["x".repeat(MAX_VALUE_BYTES); 5];
        assert_eq!(
            write_block(&names, values.iter().map(String::as_str), &mut out),
            Err(TooLong)
        );
    }
}
