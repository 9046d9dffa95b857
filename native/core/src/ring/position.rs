//! Positions in a byte ring: free-running i32 counters of bytes that wrap, as JavaScript's `|0` makes them. Pure
//! arithmetic, any thread. `src/binding/ring-writer.ts` computes the same; `test/binding/ring.test.ts` compares them.

/// Every record starts at and has a length of a multiple of this many bytes.
pub const ALIGN: u32 = 8;
/// Largest ring: a difference of two positions must stay positive as an i32.
pub const MAX_SIZE: u32 = 1 << 30;
/// Smallest ring: a quarter of it must hold a header and a value.
pub const MIN_SIZE: u32 = 64;

/// Bytes from `tail` up to `head`, in `[0, size]` while the invariant `tail <= head <= tail + size` holds.
#[inline]
pub fn used(head: i32, tail: i32) -> u32 {
    head.wrapping_sub(tail) as u32
}

/// Byte offset of a position in a ring of `size` bytes (a power of two).
#[inline]
pub fn offset(position: i32, size: u32) -> u32 {
    position as u32 & (size - 1)
}

/// The position `bytes` after `position`.
#[inline]
pub fn after(position: i32, bytes: u32) -> i32 {
    position.wrapping_add(bytes as i32)
}

/// `bytes` rounded up to a whole number of [`ALIGN`]; saturates.
#[inline]
pub fn aligned(bytes: u32) -> u32 {
    bytes.saturating_add(ALIGN - 1) & !(ALIGN - 1)
}

/// True for a size a ring may have.
pub fn valid_size(size: u32) -> bool {
    size.is_power_of_two() && (MIN_SIZE..=MAX_SIZE).contains(&size)
}

/// Longest record that is written in place: a quarter of the ring, so that with a batch of a quarter in flight there is
/// always room for one record and the padding before it once the rest was moved away (see `full.rs`).
pub fn max_record(size: u32) -> u32 {
    size / 4
}

/// Where a record of `length` bytes goes: the bytes of padding before it (up to the end of the ring, or none).
/// `None` when it does not fit between `head` and `tail + size`.
#[inline]
pub fn place(head: i32, tail: i32, length: u32, size: u32) -> Option<u32> {
    let contiguous = size - offset(head, size);
    let padding = if length <= contiguous { 0 } else { contiguous };
    let total = used(head, tail) as u64 + padding as u64 + length as u64;
    (total <= size as u64).then_some(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_offsets_hold_across_the_wrap_of_the_i32() {
        let head = i32::MIN + 16;
        let tail = i32::MAX - 7;
        assert_eq!(used(head, tail), 24);
        assert_eq!(after(tail, 24), head);
        assert_eq!(offset(tail, 64), 56);
        assert_eq!(offset(head, 64), 16);
    }

    #[test]
    fn a_record_is_padded_to_the_end_only_when_it_does_not_fit_before_it() {
        assert_eq!(place(40, 40, 24, 64), Some(0), "ends exactly at the end");
        assert_eq!(place(40, 40, 32, 64), Some(24), "one unit more wraps");
        assert_eq!(
            place(40, 40, 40, 64),
            Some(24),
            "last accepted: padding and record fill the ring"
        );
        assert_eq!(place(40, 40, 48, 64), None, "first rejected");
        assert_eq!(place(40, 0, 24, 64), Some(0), "last accepted beside content");
        assert_eq!(place(40, 0, 32, 64), None, "first rejected beside content");
    }

    #[test]
    fn with_a_quarter_in_flight_any_record_in_place_fits() {
        for size in [64, 256, 4096] {
            for at in (0..size as i32).step_by(8) {
                let head = after(at, size / 4);
                assert!(
                    place(head, at, max_record(size), size).is_some(),
                    "size {size}, at {at}"
                );
            }
        }
    }
}
