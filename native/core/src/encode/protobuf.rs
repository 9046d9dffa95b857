//! The wire format of protocol buffers, as far as it is written here (protobuf.dev, "Encoding"). Any thread.

use super::room::Room;

/// Length-delimited, the wire type of strings and messages.
const BYTES: u32 = 2;
/// Tags of the strings in fields 1 and 2.
const FIRST: u8 = (1 << 3 | BYTES) as u8;
const SECOND: u8 = (2 << 3 | BYTES) as u8;
/// The length byte of a message that is begun; longer messages are moved to make room.
const SHORT: usize = 1;

/// Appends an unsigned number in groups of seven bits.
#[inline]
pub(crate) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
fn push_tag(field: u32, wire_type: u32, out: &mut Vec<u8>) {
    push_varint(u64::from(field << 3 | wire_type), out);
}

/// A field of type uint32, uint64, int64 or enum.
pub(crate) fn push_uint(field: u32, value: u64, out: &mut Vec<u8>) {
    push_tag(field, 0, out);
    push_varint(value, out);
}

/// A field of type sint32 or sint64: small magnitudes are short, whatever their sign.
pub(crate) fn push_sint(field: u32, value: i64, out: &mut Vec<u8>) {
    push_uint(field, zigzag(value), out);
}

/// See [`push_sint`].
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// A field of type double.
pub(crate) fn push_double(field: u32, value: f64, out: &mut Vec<u8>) {
    push_tag(field, 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A field of type fixed32.
pub(crate) fn push_fixed32(field: u32, value: u32, out: &mut Vec<u8>) {
    push_tag(field, 5, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A field of type string or bytes.
pub(crate) fn push_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    push_tag(field, BYTES, out);
    push_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Bytes that [`push_varint`] takes.
pub(crate) fn varint_length(value: usize) -> usize {
    // Seven bits to a byte; 0 takes one.
    (64 - (value as u64 | 1).leading_zeros() as usize).div_ceil(7)
}

/// A field that is a message of two strings, its fields 1 and 2: a label.
pub(crate) fn push_strings(field: u32, one: &[u8], two: &[u8], out: &mut Vec<u8>) {
    let length = 2 + varint_length(one.len()) + one.len() + varint_length(two.len()) + two.len();
    if length < 0x80 && field < 16 {
        // Every number is one byte, as in almost every label.
        let mut room = Room::new(out, length + 2);
        room.push(&[(field << 3 | BYTES) as u8, length as u8, FIRST, one.len() as u8]);
        room.push(one);
        room.push(&[SECOND, two.len() as u8]);
        room.push(two);
        return;
    }
    out.reserve(length + 16);
    push_tag(field, BYTES, out);
    push_varint(length as u64, out);
    push_bytes(1, one, out);
    push_bytes(2, two, out);
}

/// A field that is a message of two numbers, its fields 1 and 2: a time.
pub(crate) fn push_numbers(field: u32, one: u64, two: u64, out: &mut Vec<u8>) {
    let length = 2 + varint_length(one as usize) + varint_length(two as usize);
    out.reserve(length + 16);
    push_tag(field, BYTES, out);
    push_varint(length as u64, out);
    push_uint(1, one, out);
    push_uint(2, two, out);
}

/// A field that is a message, or packed numbers, written by `content`.
pub(crate) fn push_message(field: u32, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    push_tag(field, BYTES, out);
    push_delimited(SHORT, out, content);
}

/// What `content` writes, with its length in front. `expected`: bytes that the length will take, at most 8; right or wrong, the
/// result is the same, and what is wrong costs a move of the content.
pub(crate) fn push_delimited(expected: usize, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let from = start + expected;
    out.extend_from_slice(&[0; 8][..expected]);
    content(out);
    let end = out.len();
    let count = varint_length(end - from);
    if count > expected {
        out.resize(end + count - expected, 0);
    }
    if count != expected {
        out.copy_within(from..end, start + count);
        out.truncate(end + count - expected);
    }
    let mut rest = end - from;
    for byte in &mut out[start..start + count] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[start + count - 1] &= 0x7f;
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
        assert_eq!(written(|out| push_fixed32(16, 0x301, out)), [0x85, 1, 1, 3, 0, 0]);
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
