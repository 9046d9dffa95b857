//! MessagePack, each value in its shortest form (msgpack.org, "spec.md"). Any thread.

/// A map whose keys and values follow.
pub(crate) fn push_map(entries: usize, out: &mut Vec<u8>) {
    push_count(entries, 0x80, 15, [0xde, 0xdf], out);
}

/// An array whose items follow.
pub(crate) fn push_array(items: usize, out: &mut Vec<u8>) {
    push_count(items, 0x90, 15, [0xdc, 0xdd], out);
}

/// A string of `bytes` bytes of UTF-8, which follow.
pub(crate) fn push_string_head(bytes: usize, out: &mut Vec<u8>) {
    match bytes {
        32..=0xff => out.extend_from_slice(&[0xd9, bytes as u8]),
        _ => push_count(bytes, 0xa0, 31, [0xda, 0xdb], out),
    }
}

/// A string.
pub(crate) fn push_string(text: &str, out: &mut Vec<u8>) {
    push_string_head(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Bytes.
pub(crate) fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(bytes.len()) {
        Ok(length) => out.extend_from_slice(&[0xc4, length]),
        Err(_) => push_wide(bytes.len(), [0xc5, 0xc6], out),
    }
    out.extend_from_slice(bytes);
}

/// A time in ms since 1970, as timestamp 96: readers in JavaScript make a `Date` of it.
pub(crate) fn push_timestamp(ms: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xc7, 12, 0xff]);
    out.extend_from_slice(&((ms.rem_euclid(1000) * 1_000_000) as u32).to_be_bytes());
    out.extend_from_slice(&ms.div_euclid(1000).to_be_bytes());
}

/// Nothing.
pub(crate) fn push_nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// A boolean.
pub(crate) fn push_bool(value: bool, out: &mut Vec<u8>) {
    out.push(0xc2 | u8::from(value));
}

/// An integer of 64 bits, as such: readers in JavaScript make a `BigInt` of it.
pub(crate) fn push_i64(value: i64, out: &mut Vec<u8>) {
    out.push(0xd3);
    out.extend_from_slice(&value.to_be_bytes());
}

/// A number as JavaScript has it: an integer of at most 32 bits where it is one, otherwise a double.
pub(crate) fn push_number(value: f64, out: &mut Vec<u8>) {
    let integer = value as i64;
    // Comparing bits keeps -0 a double.
    if (integer as f64).to_bits() != value.to_bits() {
        out.push(0xcb);
        out.extend_from_slice(&value.to_be_bytes());
        return;
    }
    match integer {
        -32..=127 => out.push(integer as u8),
        -0x80..-32 => out.extend_from_slice(&[0xd0, integer as u8]),
        128..=0xff => out.extend_from_slice(&[0xcc, integer as u8]),
        -0x8000..-0x80 => push_after(0xd1, &(integer as i16).to_be_bytes(), out),
        0x100..=0xffff => push_after(0xcd, &(integer as u16).to_be_bytes(), out),
        -0x8000_0000..-0x8000 => push_after(0xd2, &(integer as i32).to_be_bytes(), out),
        0x1_0000..=0xffff_ffff => push_after(0xce, &(integer as u32).to_be_bytes(), out),
        _ => push_after(0xcb, &value.to_be_bytes(), out),
    }
}

fn push_after(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

/// A count: in the tag up to `most`, otherwise behind one of the two tags for 16 and 32 bits.
fn push_count(count: usize, tag: u8, most: usize, wide: [u8; 2], out: &mut Vec<u8>) {
    if count <= most {
        out.push(tag | count as u8);
    } else {
        push_wide(count, wide, out);
    }
}

fn push_wide(count: usize, [tag16, tag32]: [u8; 2], out: &mut Vec<u8>) {
    match u16::try_from(count) {
        Ok(count) => push_after(tag16, &count.to_be_bytes(), out),
        Err(_) => push_after(tag32, &(count as u32).to_be_bytes(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        content(&mut out);
        out
    }

    /// First and last value of each form.
    #[test]
    fn numbers_take_the_shortest_form_that_javascript_reads_as_a_number() {
        let cases: &[(f64, &[u8])] = &[
            (0.0, &[0]),
            (127.0, &[0x7f]),
            (128.0, &[0xcc, 0x80]),
            (255.0, &[0xcc, 0xff]),
            (256.0, &[0xcd, 1, 0]),
            (65_535.0, &[0xcd, 0xff, 0xff]),
            (65_536.0, &[0xce, 0, 1, 0, 0]),
            (4_294_967_295.0, &[0xce, 0xff, 0xff, 0xff, 0xff]),
            (4_294_967_296.0, &[0xcb, 0x41, 0xf0, 0, 0, 0, 0, 0, 0]),
            (-1.0, &[0xff]),
            (-32.0, &[0xe0]),
            (-33.0, &[0xd0, 0xdf]),
            (-128.0, &[0xd0, 0x80]),
            (-129.0, &[0xd1, 0xff, 0x7f]),
            (-32_768.0, &[0xd1, 0x80, 0]),
            (-32_769.0, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
            (-2_147_483_648.0, &[0xd2, 0x80, 0, 0, 0]),
            (-2_147_483_649.0, &[0xcb, 0xc1, 0xe0, 0, 0, 0, 0x20, 0, 0]),
            (-0.0, &[0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            (0.5, &[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
            (1e300, &[0xcb, 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0, 0x75, 0x9c]),
        ];
        for (number, bytes) in cases {
            assert_eq!(written(|out| push_number(*number, out)), *bytes, "{number}");
        }
        assert_eq!(
            written(|out| push_i64(-2, out)),
            [0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]
        );
    }

    #[test]
    fn counts_take_the_shortest_form() {
        let head = |content: &dyn Fn(&mut Vec<u8>)| written(|out| content(out));
        for (count, map, array) in [(0, [0x80].to_vec(), [0x90].to_vec()), (15, vec![0x8f], vec![0x9f])] {
            assert_eq!(head(&|out| push_map(count, out)), map);
            assert_eq!(head(&|out| push_array(count, out)), array);
        }
        assert_eq!(head(&|out| push_map(16, out)), [0xde, 0, 16]);
        assert_eq!(head(&|out| push_array(65_535, out)), [0xdc, 0xff, 0xff]);
        assert_eq!(head(&|out| push_array(65_536, out)), [0xdd, 0, 1, 0, 0]);
        assert_eq!(head(&|out| push_string_head(31, out)), [0xbf]);
        assert_eq!(head(&|out| push_string_head(32, out)), [0xd9, 32]);
        assert_eq!(head(&|out| push_string_head(255, out)), [0xd9, 255]);
        assert_eq!(head(&|out| push_string_head(256, out)), [0xda, 1, 0]);
        assert_eq!(head(&|out| push_string_head(65_536, out)), [0xdb, 0, 1, 0, 0]);
        assert_eq!(written(|out| push_string("é", out)), [0xa2, 0xc3, 0xa9]);
        assert_eq!(written(|out| push_bool(true, out)), [0xc3]);
        assert_eq!(written(|out| push_bool(false, out)), [0xc2]);
        assert_eq!(written(push_nil), [0xc0]);
        assert_eq!(written(|out| push_bytes(&[7, 8], out)), [0xc4, 2, 7, 8]);
        assert_eq!(written(|out| push_bytes(&[7; 256], out))[..4], [0xc5, 1, 0, 7]);
        assert_eq!(
            written(|out| push_timestamp(-1, out)),
            [
                0xc7, 12, 0xff, 0x3b, 0x8b, 0x87, 0xc0, 255, 255, 255, 255, 255, 255, 255, 255
            ]
        );
    }
}
