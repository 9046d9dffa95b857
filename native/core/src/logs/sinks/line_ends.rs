//! Where lines end. Pure; any thread.

/// Bytes of `lines` up to and with its last line ending.
pub fn end_of_lines(lines: &[u8]) -> usize {
    lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

/// The place behind the first line ending from `from` on; the end, where there is none.
pub fn next_line_end(lines: &[u8], from: usize) -> usize {
    let found = lines[from..].iter().position(|byte| *byte == b'\n');
    found.map_or(lines.len(), |at| from + at + 1)
}

/// Bytes of `lines` that fit into `room`: whole lines, and one at least, since a line is never split.
pub fn fitting(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines.len();
    }
    match end_of_lines(&lines[..room]) {
        0 => next_line_end(lines, 0),
        end => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_whole_lines_and_never_nothing() {
        let lines = b"one\nthree\nx";
        let fitted = [0, 3, 4, 9, 10, 11, u64::MAX].map(|room| fitting(lines, room));
        assert_eq!(fitted, [4, 4, 4, 4, 10, 11, 11]);
        assert_eq!((end_of_lines(lines), end_of_lines(b"x"), end_of_lines(b"")), (10, 0, 0));
        assert_eq!(
            (
                next_line_end(lines, 1),
                next_line_end(lines, 4),
                next_line_end(lines, 10)
            ),
            (4, 10, 11)
        );
    }
}
