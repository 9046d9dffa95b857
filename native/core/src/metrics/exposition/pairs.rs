//! The pairs of a label block: reading them, comparing them, and writing their names under an escaping scheme. Any thread.

use std::borrow::Cow;

use super::escape::{Escaping, push_label_name};

/// One `name="value"` of a block, as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    /// The whole.
    pub(super) text: &'a [u8],
    /// Name, with its quotes if it has any.
    name: &'a [u8],
    /// Value between its quotes, escaped.
    value: &'a [u8],
    /// Whether it has escapes.
    escaped: bool,
}

impl<'a> Pair<'a> {
    /// The name as declared.
    pub(super) fn name(&self) -> Cow<'a, [u8]> {
        match self.name {
            [b'"', inner @ .., b'"'] => unescaped(inner, inner.contains(&b'\\')),
            name => Cow::Borrowed(name),
        }
    }

    /// The name as it stands in the block.
    pub(super) fn written_name(&self) -> &'a [u8] {
        self.name
    }

    /// The value as recorded.
    pub(super) fn value(&self) -> Cow<'a, [u8]> {
        unescaped(self.value, self.escaped)
    }

    /// An empty value is the same as no label (OpenMetrics, "Label").
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

/// The pairs of `block` in their order; ends where the block is none.
pub(super) fn pairs(block: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let name = match rest.first()? {
            b'"' => 1 + closing(&rest[1..])?.0 + 1,
            _ => rest.iter().position(|byte| *byte == b'=')?,
        };
        let value = rest.get(name..)?.strip_prefix(b"=\"")?;
        let (length, escaped) = closing(value)?;
        let end = name + 2 + length + 1;
        let pair = Pair {
            text: &rest[..end],
            name: &rest[..name],
            value: &value[..length],
            escaped,
        };
        rest = &rest[end..];
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        Some(pair)
    })
}

/// Place of the quote that ends what begins at 0, and whether there are escapes before it.
fn closing(text: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut escaped = false;
    loop {
        at += until_special(&text[at..]);
        match text.get(at)? {
            b'"' => return Some((at, escaped)),
            _ => {
                // The byte behind a backslash ends nothing.
                escaped = true;
                at += 2;
                text.get(at)?;
            }
        }
    }
}

/// Bytes in front of the first quote or backslash, eight at a time: most values have neither.
fn until_special(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    /// The high bit of each byte that is zero, right up to the first of them.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGH
    }
    let mut words = text.chunks_exact(8);
    for (n, word) in words.by_ref().enumerate() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return n * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let rest = words.remainder();
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    text.len() - rest.len() + found.unwrap_or(rest.len())
}

fn unescaped(text: &[u8], escaped: bool) -> Cow<'_, [u8]> {
    if !escaped {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(other) => *other,
                None => b'\\',
            },
            byte => *byte,
        });
    }
    Cow::Owned(out)
}

/// What tells series apart: the pairs that are not empty in order of their names, so that one series has one identity however
/// its labels were declared (rules 1 and 15: nothing in a value can imitate a separator).
pub(super) fn identity(block: &[u8]) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = pairs(block)
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.text)
        .collect();
    sorted.sort_unstable();
    sorted.join(&b","[..])
}

/// Replaces the content of `out` with `block`, its names under `scheme`. Of two names that become equal the first one's pair
/// stays: a label that stands twice would cost the whole scrape.
pub(super) fn rewrite(block: &[u8], scheme: Escaping, out: &mut Vec<u8>) {
    out.clear();
    let mut written: Vec<(usize, usize)> = Vec::new();
    for pair in pairs(block) {
        let before = out.len();
        if before > 0 {
            out.push(b',');
        }
        let start = out.len();
        let name = pair.name();
        push_label_name(&scheme.label_name(&String::from_utf8_lossy(&name)), out);
        if written.iter().any(|(from, to)| out[*from..*to] == out[start..]) {
            out.truncate(before);
            continue;
        }
        written.push((start, out.len()));
        out.extend_from_slice(&pair.text[pair.written_name().len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_series_has_one_identity_in_any_order_of_labels() {
        let (one, two) = (br#"a="x\",b=\"",b="y\\""#, br#"b="y\\",a="x\",b=\"""#);
        assert_eq!(identity(one), identity(two));
        assert_eq!(pairs(one).count(), 2);
        assert_ne!(identity(br#"a="1,b:2""#), identity(br#"a="1",b="2""#));
        assert_eq!(identity(b""), b"");
        for broken in [&b"a"[..], b"a=\"", b"a=\"\\", b"a=\"\\\"", b"\"a=\"b\"", b"a=b"] {
            assert_eq!(pairs(broken).count(), 0);
        }
    }

    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            let plain = vec![b'!'; length];
            assert_eq!(until_special(&plain), length);
            for at in 0..length {
                for special in [b'"', b'\\'] {
                    let mut text = plain.clone();
                    text[at] = special;
                    // What follows changes nothing, nor do bytes that differ in one bit or in the sign.
                    text[at + 1..].fill(b'"');
                    text[..at].fill(special ^ 0x80);
                    assert_eq!(until_special(&text), at);
                    text[..at].fill(special ^ 1);
                    assert_eq!(until_special(&text), at);
                }
            }
        }
    }

    /// (rule 1) the sets that other libraries take for one another.
    #[test]
    fn no_value_imitates_a_separator() {
        for (one, two) in [
            (&br#"a="x|",b="y""#[..], &br#"a="x",b="|y""#[..]),
            (br#"a="1,b:2""#, br#"a="1",b="2""#),
            (br#"a="1\",b=\"2""#, br#"a="1",b="2""#),
        ] {
            assert_ne!(identity(one), identity(two));
        }
    }

    /// (rule 15) an empty value is no label.
    #[test]
    fn an_empty_value_is_the_same_as_no_label() {
        assert_eq!(identity(br#"a="",b="2""#), identity(br#"b="2""#));
        assert_eq!(identity(br#"a="""#), identity(b""));
    }

    #[test]
    fn quoted_names_are_read_and_compared() {
        let block = br#""a.\"=b"="x=\"y",c="z""#;
        let read: Vec<_> = pairs(block)
            .map(|pair| (pair.name().into_owned(), pair.value().into_owned()))
            .collect();
        assert_eq!(
            read,
            [(b"a.\"=b".to_vec(), b"x=\"y".to_vec()), (b"c".to_vec(), b"z".to_vec())]
        );
    }

    /// (rule 19)
    #[test]
    fn names_in_a_block_follow_the_scheme_and_stay_distinct() {
        let written = |block: &str, scheme| {
            let mut out = b"old".to_vec();
            rewrite(block.as_bytes(), scheme, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let block = r#""a.b"="x\"",c="y","größe"="z""#;
        assert_eq!(written(block, Escaping::Underscores), r#"a_b="x\"",c="y",gr__e="z""#);
        assert_eq!(written(block, Escaping::Dots), r#"a_dot_b="x\"",c="y",gr____e="z""#);
        assert_eq!(
            written(block, Escaping::Values),
            r#"U__a_2E_b="x\"",c="y",U__gr_F6__DF_e="z""#
        );
        assert_eq!(written(block, Escaping::AllowUtf8), block);
        assert_eq!(
            written(r#""a.b"="1","a-b"="2",c="3""#, Escaping::Underscores),
            r#"a_b="1",c="3""#
        );
    }
}
