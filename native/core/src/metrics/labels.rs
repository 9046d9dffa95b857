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

/// Writes the block of `values` under `names`, in the order of the declaration. Both have the same length.
pub fn write_block<'a>(
    names: &[Box<str>],
    values: impl Iterator<Item = &'a str>,
    block: &mut Vec<u8>,
) -> Result<(), TooLong> {
    block.clear();
    for (name, value) in names.iter().zip(values) {
        if value.len() > MAX_VALUE_BYTES {
            return Err(TooLong);
        }
        if !block.is_empty() {
            block.push(b',');
        }
        block.extend_from_slice(name.as_bytes());
        block.extend_from_slice(b"=\"");
        escape_value(value, block);
        block.push(b'"');
    }
    if block.len() > MAX_BLOCK_BYTES {
        Err(TooLong)
    } else {
        Ok(())
    }
}

/// The values of a block written by [`write_block`].
pub fn read_block(block: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = block;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let mut value = Vec::new();
        let mut at = start + 1;
        while at < rest.len() && rest[at] != b'"' {
            if rest[at] == b'\\' && at + 1 < rest.len() {
                at += 1;
                value.push(if rest[at] == b'n' { b'\n' } else { rest[at] });
            } else {
                value.push(rest[at]);
            }
            at += 1;
        }
        values.push(String::from_utf8_lossy(&value).into_owned());
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    values
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
