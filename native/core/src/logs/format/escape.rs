//! Texts in a line: as JSON has them, or so that a terminal shows them and obeys nothing in them. Any thread.
use crate::encode::json::{is_plain, push_escape, push_escaped, push_escaped_latin1, push_escaped_units, push_unit};
use crate::encode::room::push_short;
use crate::ring::any::Text;

/// Appends the inside of a JSON string. Nothing is lost: lone surrogates are `\udXXX`.
#[inline]
pub(super) fn push_inside(text: Text<'_>, out: &mut Vec<u8>) {
    match text {
        Text::Latin1(characters) => push_escaped_latin1(characters, out),
        Text::Utf16(units) => push_escaped_units(units, out),
        Text::Utf8(text) => push_escaped(text, out),
    }
}

/// True for characters that move a terminal's cursor, change its state, or reorder what is read: C0, DEL, C1, line and paragraph
/// separators, and marks of direction.
fn obeyed(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Appends a text for a terminal, in the notation of JSON where something must not stand as it is. `QUOTED`: it stands between quotes, so
/// that quotes and backslashes are escaped as well.
pub(super) fn push_shown<const QUOTED: bool>(text: Text<'_>, out: &mut Vec<u8>) {
    if let Some(ascii) = text
        .as_utf8()
        .filter(|text| is_plain(text.as_bytes()) && !text.contains('\x7f'))
    {
        return out.extend_from_slice(ascii.as_bytes());
    }
    match text {
        Text::Utf16(units) => {
            let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
            for character in char::decode_utf16(units) {
                match character {
                    Ok(character) => push_shown_character::<QUOTED>(character, out),
                    Err(lone) => push_unit(lone.unpaired_surrogate(), out),
                }
            }
        }
        text => text
            .chars()
            .for_each(|character| push_shown_character::<QUOTED>(character, out)),
    }
}

fn push_shown_character<const QUOTED: bool>(character: char, out: &mut Vec<u8>) {
    if character < ' ' || (QUOTED && matches!(character, '"' | '\\')) {
        push_escape(character as u8, out);
    } else if obeyed(character) {
        // All of them have one code unit.
        push_unit(character as u16, out);
    } else {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// ASCII that stands in logfmt as it is.
const BARE: [bool; 256] = {
    let mut bare = [false; 256];
    let mut byte = b'!';
    while byte < 0x7f {
        bare[byte as usize] = !matches!(byte, b'"' | b'=' | b'\\');
        byte += 1;
    }
    bare
};

/// The bytes of a text that is not empty and has only characters of [`BARE`].
#[inline]
pub(super) fn bare_ascii(text: Text<'_>) -> Option<&[u8]> {
    let bytes = match text {
        Text::Latin1(bytes) => bytes,
        Text::Utf8(text) => text.as_bytes(),
        Text::Utf16(_) => return None,
    };
    Some(bytes).filter(|bytes| !bytes.is_empty() && bytes.iter().all(|byte| BARE[usize::from(*byte)]))
}

/// True when a text stands in logfmt without quotes: not empty, nothing up to a space, no quote, equals sign or backslash, and nothing that
/// is escaped.
pub(super) fn is_bare(text: Text<'_>) -> bool {
    let bare = |character: char| {
        character > ' ' && !matches!(character, '"' | '=' | '\\' | char::REPLACEMENT_CHARACTER) && !obeyed(character)
    };
    !text.is_empty() && text.chars().all(bare)
}

/// Appends a key of logfmt: what would end it or be obeyed is an underscore.
pub(super) fn push_bare_key(text: Text<'_>, out: &mut Vec<u8>) {
    if let Some(bytes) = bare_ascii(text) {
        return push_short(bytes, out);
    }
    if text.is_empty() {
        return out.push(b'_');
    }
    for character in text.chars() {
        let stands = character > ' '
            && !matches!(character, '"' | '=' | '\\' | char::REPLACEMENT_CHARACTER)
            && !obeyed(character);
        let shown = if stands { character } else { '_' };
        out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        push_shown::<true>(Text::Utf8(text), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_terminal_obeys_nothing_in_any_form_of_a_text() {
        for code in 0..=0x10_ffff {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let mut buffer = [0; 2];
            let units: Vec<u8> = character
                .encode_utf16(&mut buffer)
                .iter()
                .flat_map(|unit| unit.to_le_bytes())
                .collect();
            let mut out = Vec::new();
            push_shown::<false>(Text::Utf16(&units), &mut out);
            let text = String::from_utf8_lossy(&out).into_owned();
            assert!(!text.chars().any(obeyed), "{code:x}");
            assert_eq!(obeyed(character), text != character.to_string(), "{code:x}");
            if code < 256 {
                let mut latin1 = Vec::new();
                push_shown::<false>(Text::Latin1(&[code as u8]), &mut latin1);
                assert_eq!(latin1, out, "{code:x}");
            }
        }
    }

    #[test]
    fn what_is_escaped_is_written_as_in_json() {
        assert_eq!(
            shown("a\x1b[31m\r\n\"\\é漢\u{9b}\u{202e}"),
            "a\\u001b[31m\\r\\n\\\"\\\\é漢\\u009b\\u202e"
        );
        let mut out = Vec::new();
        push_shown::<false>(Text::Utf16(&[0x22, 0, 0x00, 0xd8]), &mut out);
        assert_eq!(out, b"\"\\ud800");
    }

    #[test]
    fn bare_texts_need_no_quotes_and_keys_never_have_any() {
        for (text, bare, key) in [
            ("abc", true, "abc"),
            ("a.b/c-1", true, "a.b/c-1"),
            ("漢", true, "漢"),
            ("", false, "_"),
            ("a b", false, "a_b"),
            ("a=b", false, "a_b"),
            ("a\"b\\", false, "a_b_"),
            ("a\nb", false, "a_b"),
            ("\u{85}", false, "_"),
        ] {
            assert_eq!(is_bare(Text::Utf8(text)), bare, "{text}");
            let mut out = Vec::new();
            push_bare_key(Text::Utf8(text), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), key);
        }
    }
}
