//! The wire format of protocol buffers, as far as it is written here (protobuf.dev, "Encoding"). Any thread.

/// Length-delimited, the wire type of strings and messages.
const BYTES: u32 = 2;
/// The length byte of a message that is begun; longer messages are moved to make room.
const SHORT: usize = 1;

/// Appends an unsigned number in groups of seven bits.
pub(super) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn push_tag(field: u32, wire_type: u32, out: &mut Vec<u8>) {
    push_varint(u64::from(field << 3 | wire_type), out);
}

/// A field of type uint32, uint64, int64 or enum.
pub(super) fn push_uint(field: u32, value: u64, out: &mut Vec<u8>) {
    push_tag(field, 0, out);
    push_varint(value, out);
}

/// A field of type sint32 or sint64: small magnitudes are short, whatever their sign.
pub(super) fn push_sint(field: u32, value: i64, out: &mut Vec<u8>) {
    push_uint(field, zigzag(value), out);
}

/// See [`push_sint`].
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// A field of type double.
pub(super) fn push_double(field: u32, value: f64, out: &mut Vec<u8>) {
    push_tag(field, 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A field of type string or bytes.
pub(super) fn push_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    push_tag(field, BYTES, out);
    push_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A field that is a message, or packed numbers, written by `content`.
pub(super) fn push_message(field: u32, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    push_tag(field, BYTES, out);
    push_delimited(SHORT, out, content);
}

/// What `content` writes, with its length in front. `expected`: bytes that the length will take; right or wrong, the result
/// is the same, and what is wrong costs a move of the content.
pub(super) fn push_delimited(expected: usize, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let from = start + expected;
    out.resize(from, 0);
    content(out);
    let end = out.len();
    let mut length = [0; 10];
    let mut count = 0;
    let mut rest = end - from;
    loop {
        length[count] = (rest & 0x7f) as u8 | if rest > 0x7f { 0x80 } else { 0 };
        count += 1;
        rest >>= 7;
        if rest == 0 {
            break;
        }
    }
    if count > expected {
        out.resize(end + count - expected, 0);
    }
    if count != expected {
        out.copy_within(from..end, start + count);
        out.truncate(end + count - expected);
    }
    out[start..start + count].copy_from_slice(&length[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = b"<".to_vec();
        content(&mut out);
        out.split_off(1)
    }

    #[test]
    fn numbers_are_as_the_specification_says() {
        assert_eq!(written(|out| push_uint(1, 150, out)), [0x08, 0x96, 0x01]);
        assert_eq!(
            written(|out| push_varint(u64::MAX, out)),
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
        );
        assert_eq!(written(|out| push_bytes(2, b"testing", out)), *b"\x12\x07testing");
        assert_eq!(written(|out| push_sint(16, -2, out)), [0x80, 0x01, 0x03]);
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
        assert_eq!(zigzag(i64::MIN), u64::MAX);
        assert_eq!(
            written(|out| push_double(3, 1.0, out)),
            [0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
        );
    }

    #[test]
    fn a_length_is_right_whatever_was_expected() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let content = vec![7_u8; length];
            let wanted = written(|out| {
                push_varint(length as u64, out);
                out.extend_from_slice(&content);
            });
            for expected in 0..=5 {
                let found = written(|out| push_delimited(expected, out, |out| out.extend_from_slice(&content)));
                assert_eq!(found, wanted, "{length} bytes, {expected} expected");
            }
        }
        assert_eq!(
            written(|out| push_message(4, out, |out| push_uint(1, 150, out))),
            [0x22, 3, 8, 0x96, 1]
        );
    }
}
