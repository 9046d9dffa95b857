//! JS strings as UTF-8: one byte or two bytes per character in, lone surrogates as U+FFFD out. Any thread.

/// The high bit of each byte.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Bytes of Latin-1 characters in UTF-8. Eight at a time.
#[inline]
pub(crate) fn latin1_length(characters: &[u8]) -> usize {
    let (words, rest) = characters.as_chunks::<8>();
    let high = |word: &[u8; 8]| (u64::from_ne_bytes(*word) & HIGH_BITS).count_ones() as usize;
    characters.len() + words.iter().map(high).sum::<usize>() + rest.iter().filter(|byte| **byte >= 0x80).count()
}

/// Appends Latin-1 characters in UTF-8.
pub(crate) fn push_latin1(characters: &[u8], out: &mut Vec<u8>) {
    out.reserve(characters.len());
    for run in characters.split_inclusive(|byte| *byte >= 0x80) {
        match run.split_last() {
            Some((&last, ascii)) if last >= 0x80 => {
                out.extend_from_slice(ascii);
                out.extend_from_slice(&[0xc0 | last >> 6, 0x80 | last & 0x3f]);
            }
            _ => out.extend_from_slice(run),
        }
    }
}

/// The characters of UTF-16 little endian; each lone surrogate is U+FFFD, an odd byte at the end is not read.
pub(crate) fn utf16_characters(units: &[u8]) -> impl Iterator<Item = char> {
    let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// Bytes of UTF-16 little endian in UTF-8.
pub(crate) fn utf16_length(units: &[u8]) -> usize {
    utf16_characters(units).map(char::len_utf8).sum()
}

/// Appends UTF-16 little endian in UTF-8.
pub(crate) fn push_utf16(units: &[u8], out: &mut Vec<u8>) {
    out.reserve(units.len());
    for character in utf16_characters(units) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(units: &[u16]) -> Vec<u8> {
        units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
    }

    #[test]
    fn latin1_is_the_first_256_characters() {
        let all: Vec<u8> = (0..=255).collect();
        for start in 0..all.len() {
            for end in [start, start + 1, start + 7, start + 8, start + 9, start + 40, 256] {
                let characters = &all[start..end.clamp(start, 256)];
                let wanted: String = characters.iter().map(|byte| char::from(*byte)).collect();
                let mut out = b"<".to_vec();
                push_latin1(characters, &mut out);
                assert_eq!(out[1..], *wanted.as_bytes());
                assert_eq!(latin1_length(characters), wanted.len());
            }
        }
    }

    #[test]
    fn lone_surrogates_become_the_replacement_character() {
        let units: Vec<u16> = "aä漢🦀".encode_utf16().collect();
        for (units, wanted) in [
            (utf16(&units), "aä漢🦀"),
            (utf16(&[0xd83e, 0x61]), "\u{fffd}a"),
            (utf16(&[0xdd80, 0xd83e]), "\u{fffd}\u{fffd}"),
            (utf16(&[0xd83e, 0xd83e, 0xdd80]), "\u{fffd}🦀"),
            (vec![], ""),
        ] {
            let mut out = Vec::new();
            push_utf16(&units, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), wanted);
            assert_eq!(utf16_length(&units), wanted.len());
        }
    }
}
