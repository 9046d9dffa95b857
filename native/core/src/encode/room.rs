//! Short copies without a call. A label block or an attribute is some 60 bytes in a few pieces: at that length the call of
//! `memcpy` costs more than the copy. Runs on the thread that renders or encodes.

/// Room at the end of a buffer, made once per line. What was pushed is the buffer's when the room is dropped.
pub(crate) struct Room<'a> {
    out: &'a mut Vec<u8>,
    /// Where the next piece goes.
    to: *mut u8,
    /// Bytes behind `to` that are reserved.
    left: usize,
}

impl<'a> Room<'a> {
    /// Reserves `bytes`.
    #[inline(always)]
    pub(crate) fn new(out: &'a mut Vec<u8>, bytes: usize) -> Room<'a> {
        out.reserve(bytes);
        // SAFETY: the end of the content is inside the allocation, or one past it.
        let to = unsafe { out.as_mut_ptr().add(out.len()) };
        Room { out, to, left: bytes }
    }

    /// Appends `piece`. Two overlapping copies of a fixed width cover every length up to twice that width, so each length
    /// below 129 is a few loads and stores and one jump. Panics when more is pushed than was reserved.
    #[inline(always)]
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let len = piece.len();
        assert!(len <= self.left, "a line is longer than its room");
        // SAFETY: there is room for `len` bytes at `to`, checked above, and each branch reads and writes only inside the
        // first `len` of both, which do not overlap. Attacked by `every_length_is_copied_whole_and_nothing_else`.
        unsafe {
            let (from, to) = (piece.as_ptr(), self.to);
            match len {
                0 => {}
                1..=3 => {
                    to.write(from.read());
                    to.add(len / 2).write(from.add(len / 2).read());
                    to.add(len - 1).write(from.add(len - 1).read());
                }
                4..=7 => ends::<4>(from, to, 0, len),
                8..=15 => ends::<8>(from, to, 0, len),
                16..=32 => ends::<16>(from, to, 0, len),
                33..=64 => {
                    ends::<16>(from, to, 0, len);
                    ends::<16>(from, to, 16, len - 16);
                }
                65..=128 => {
                    ends::<32>(from, to, 0, len);
                    ends::<32>(from, to, 32, len - 32);
                }
                _ => std::ptr::copy_nonoverlapping(from, to, len),
            }
            self.to = to.add(len);
        }
        self.left -= len;
    }
}

/// Appends a piece that is mostly short.
#[inline(always)]
pub(crate) fn push_short(piece: &[u8], out: &mut Vec<u8>) {
    Room::new(out, piece.len()).push(piece);
}

impl Drop for Room<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `to` came from this allocation, and everything before it was written.
        unsafe {
            let len = self.to.offset_from(self.out.as_ptr()) as usize;
            self.out.set_len(len);
        }
    }
}

/// Copies the `W` bytes from `start` on and the `W` bytes before `end`.
///
/// # Safety
/// `start + W` and `end` are at most the length of both places, and `end` is at least `W`.
#[inline(always)]
unsafe fn ends<const W: usize>(from: *const u8, to: *mut u8, start: usize, end: usize) {
    // SAFETY: inside both places by the function's contract; arrays of bytes have no alignment.
    unsafe {
        let first = from.add(start).cast::<[u8; W]>().read();
        let last = from.add(end - W).cast::<[u8; W]>().read();
        to.add(start).cast::<[u8; W]>().write(first);
        to.add(end - W).cast::<[u8; W]>().write(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole_and_nothing_else() {
        let text: Vec<u8> = (0..=255).chain(0..=255).collect();
        for len in 0..300 {
            for start in [0, 1, 7] {
                let mut out = b"before".to_vec();
                let mut room = Room::new(&mut out, len + 2);
                room.push(&text[start..start + len]);
                drop(room);
                assert_eq!(
                    out,
                    [b"before", &text[start..start + len]].concat(),
                    "{len} bytes from {start}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "longer than its room")]
    fn no_piece_is_longer_than_its_room() {
        Room::new(&mut Vec::with_capacity(64), 3).push(b"four");
    }
}
