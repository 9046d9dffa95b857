//! Short copies without a call. A label block is some 60 bytes, and there are three pieces to a line: at that length the
//! call of `memcpy` costs more than the copy. Runs on the thread that renders.

/// Appends `piece`. Two overlapping copies of a fixed width cover every length up to twice that width, so each length below
/// 129 is a few loads and stores and one jump.
#[inline(always)]
pub(super) fn push_piece(out: &mut Vec<u8>, piece: &[u8]) {
    let len = piece.len();
    if len > 128 {
        out.extend_from_slice(piece);
        return;
    }
    out.reserve(len);
    // SAFETY: there is room for `len` bytes behind the end, and each branch below reads and writes only inside the first `len`
    // of both, which do not overlap. Attacked by `every_length_is_copied_whole_and_nothing_else`.
    unsafe {
        let (from, to) = (piece.as_ptr(), out.as_mut_ptr().add(out.len()));
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
            _ => {
                ends::<32>(from, to, 0, len);
                ends::<32>(from, to, 32, len - 32);
            }
        }
        out.set_len(out.len() + len);
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
                push_piece(&mut out, &text[start..start + len]);
                assert_eq!(
                    out,
                    [b"before", &text[start..start + len]].concat(),
                    "{len} bytes from {start}"
                );
            }
        }
    }
}
