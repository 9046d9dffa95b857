//! The end of a private key in PEM: of the block, or of what is there of it when it was cut off. Linear; the twin of
//! `src/logs/redaction/pem.ts`.

/// Longest label that is looked at.
const LONGEST_LABEL: usize = 64;
const DASHES: &[u8] = b"-----";
const END: &[u8] = b"-----END";

/// The end of the block whose `-----BEGIN ` ends at `label`; `None` when it is no private key.
pub fn end_of_key(text: &[u8], label: usize) -> Option<usize> {
    let words = text[label..]
        .iter()
        .take(LONGEST_LABEL)
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
        .count();
    let name = &text[label..label + words];
    if !(name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK"))
        || !text[label + words..].starts_with(DASHES)
    {
        return None;
    }
    let mut at = label + words + DASHES.len();
    while at < text.len() && in_body(text[at]) {
        if text[at..].starts_with(END) {
            return Some(end_of_block(text, at + END.len()));
        }
        at += 1;
    }
    Some(at)
}

/// Behind the dashes that end the last line, when they are there.
fn end_of_block(text: &[u8], label: usize) -> usize {
    let words = text[label..]
        .iter()
        .take(LONGEST_LABEL)
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
        .count();
    let end = label + words;
    if text[end..].starts_with(DASHES) {
        end + DASHES.len()
    } else {
        end
    }
}

/// Base64, headers, line ends, also escaped ones (once or twice, or as in URLs).
fn in_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=:,.-_ \t\r\n\\%".contains(&byte)
}
