//! Reads a label block, `a="x",b="y"` with `\\`, `\"` and `\n` escaped, as segments and text formats carry it. Pure, any
//! thread; the writer is `metrics/labels.rs`.

/// Name and value of each label; `None` when the text is no label block. Linear; empty text is a block without labels.
pub fn parse_label_block(block: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    scan(block, |name, value| labels.push((unescaped(name), unescaped(value))))?;
    Some(labels)
}

/// True for a block that [`parse_label_block`] reads; allocates nothing.
pub fn is_label_block(block: &str) -> bool {
    scan(block, |_, _| {}).is_some()
}

fn scan<'a>(block: &'a str, mut label: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut rest = block;
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            // A name beyond the legacy ones is in quotes, as a value is.
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (&quoted[..end], quoted[end + 1..].strip_prefix("=\"")?)
            }
            None => {
                let (name, after) = rest.split_once("=\"")?;
                if name.contains(['"', ',', '\n', '\\']) {
                    return None;
                }
                (name, after)
            }
        };
        if name.is_empty() {
            return None;
        }
        let end = closing_quote(after)?;
        label(name, &after[..end]);
        rest = &after[end + 1..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(',').filter(|rest| !rest.is_empty())?;
        }
    }
    Some(())
}

/// Place of the first quote that is not escaped. Every escape must be one of the three.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' if matches!(bytes.get(at + 1), Some(b'\\' | b'"' | b'n')) => at += 2,
            b'\\' | b'\n' => return None,
            _ => at += 1,
        }
    }
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(
                characters
                    .next()
                    .map(|escaped| if escaped == 'n' { '\n' } else { escaped }),
            ),
            plain => text.push(plain),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went_in() {
        let labels = parse_label_block(r#"a="x",_b2="quote \" comma , slash \\ line \n, brace }",c="""#);
        let expected = [
            ("a", "x"),
            ("_b2", "quote \" comma , slash \\ line \n, brace }"),
            ("c", ""),
        ];
        assert_eq!(
            labels,
            Some(
                expected
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec()
            )
        );
        assert_eq!(parse_label_block(""), Some(Vec::new()));
        assert_eq!(
            parse_label_block(r#"a="\\n""#),
            Some(vec![("a".to_owned(), "\\n".to_owned())])
        );
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for bad in [
            "a",
            "a=",
            "a=\"",
            "a=\"\\\"",
            "a=\"x\",",
            ",a=\"x\"",
            "a=\"x\"b=\"y\"",
            "=\"x\"",
            "a\nb=\"x\"",
            "a,b=\"x\"",
            "a=\"\\t\"",
            "a=\"\n\"",
            "a=\"x\" ",
            "a=\"\\",
        ] {
            assert_eq!(parse_label_block(bad), None, "{bad}");
            assert!(!is_label_block(bad));
        }
    }
}
