//! Whole lines through something that takes bytes and may stop anywhere: a pipe, a terminal, a stream socket. Used by the thread of the
//! sink that owns it.
use super::line_ends::{end_of_lines, next_line_end};
use std::io::{self, ErrorKind};

/// Where what must not be cut ends.
#[derive(Clone, Copy)]
pub enum Units<'a> {
    /// At line endings.
    Lines,
    /// At these places, in rising order; the last one is the end of the bytes.
    Ends(&'a [usize]),
}

impl Units<'_> {
    /// The last end within the first `done` bytes.
    fn whole(self, bytes: &[u8], done: usize) -> usize {
        match self {
            Units::Lines => end_of_lines(&bytes[..done]),
            Units::Ends(ends) => ends[..ends.partition_point(|end| *end <= done)]
                .last()
                .copied()
                .unwrap_or(0),
        }
    }

    /// The first end behind `from`.
    fn next(self, bytes: &[u8], from: usize) -> usize {
        match self {
            Units::Lines => next_line_end(bytes, from),
            Units::Ends(ends) => ends
                .get(ends.partition_point(|end| *end <= from))
                .copied()
                .unwrap_or(bytes.len()),
        }
    }
}

/// The line that was taken in part. It counts as not written, so it comes again: then only its rest is sent.
#[derive(Default)]
pub struct CutLine {
    line: Vec<u8>,
    sent: usize,
}

impl CutLine {
    /// Sends `bytes` by `send`, which answers how many of them it took. Answers the bytes that are through, up to the end of a unit.
    ///
    /// # Errors
    /// What `send` says, where not one unit is through.
    pub fn write(
        &mut self,
        bytes: &[u8],
        units: Units<'_>,
        mut send: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.sent > 0 && !bytes.starts_with(&self.line) {
            // It was given up in the meantime; its beginning is out, so its end goes as well.
            while self.sent < self.line.len() {
                self.sent += some(send(&self.line[self.sent..]))?;
            }
            self.restart();
        }
        let mut done = self.sent;
        let failure = loop {
            if done == bytes.len() {
                self.restart();
                return Ok(done);
            }
            match some(send(&bytes[done..])) {
                Ok(taken) => done += taken,
                Err(error) => break error,
            }
        };
        let whole = units.whole(bytes, done);
        self.sent = done - whole;
        self.line.clear();
        if self.sent > 0 {
            self.line.extend_from_slice(&bytes[whole..units.next(bytes, whole)]);
        }
        if whole > 0 { Ok(whole) } else { Err(failure) }
    }

    /// Forgets it: there is a new connection, on which it is sent from its beginning.
    pub fn restart(&mut self) {
        self.line.clear();
        self.sent = 0;
    }
}

fn some(taken: io::Result<usize>) -> io::Result<usize> {
    match taken {
        Ok(0) => Err(io::Error::from(ErrorKind::WriteZero)),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Takes at most `room` bytes in all, `step` at a time.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
        step: usize,
    }

    impl Narrow {
        fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.step).min(self.room);
            if count == 0 {
                return Err(io::Error::from(ErrorKind::WouldBlock));
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
    }

    #[test]
    fn a_line_that_was_taken_in_part_is_completed_when_it_comes_again() {
        let lines = b"first line\nsecond\nthird and last\n";
        for room in 1..=lines.len() {
            for step in [1, 3, 100] {
                let mut cut = CutLine::default();
                let mut narrow = Narrow {
                    taken: Vec::new(),
                    room,
                    step,
                };
                let mut at = 0;
                while at < lines.len() {
                    match cut.write(&lines[at..], Units::Lines, |bytes| narrow.send(bytes)) {
                        Ok(done) => {
                            assert_eq!(lines[at + done - 1], b'\n', "it answers whole lines");
                            at += done;
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::WouldBlock);
                            narrow.room = room;
                        }
                    }
                }
                assert_eq!(narrow.taken, lines);
            }
        }
    }

    #[test]
    fn units_need_no_line_ending() {
        let (bytes, ends) = (b"5 a\nb\n3 cd", [6, 10]);
        for room in 1..=bytes.len() {
            let mut cut = CutLine::default();
            let mut narrow = Narrow {
                taken: Vec::new(),
                room,
                step: 2,
            };
            let mut rest = (&bytes[..], &ends[..]);
            while !rest.0.is_empty() {
                let moved: Vec<usize> = rest.1.iter().map(|end| end - (bytes.len() - rest.0.len())).collect();
                match cut.write(rest.0, Units::Ends(&moved), |bytes| narrow.send(bytes)) {
                    Ok(done) => {
                        assert!(moved.contains(&done));
                        rest = (
                            &rest.0[done..],
                            &rest.1[moved.iter().filter(|end| **end <= done).count()..],
                        );
                    }
                    Err(_) => narrow.room = room,
                }
            }
            assert_eq!(narrow.taken, bytes);
        }
    }

    #[test]
    fn a_cut_line_that_is_given_up_is_ended_before_the_next_one() {
        let mut cut = CutLine::default();
        let mut narrow = Narrow {
            taken: Vec::new(),
            room: 4,
            step: 100,
        };
        assert!(
            cut.write(b"dropped\n", Units::Lines, |bytes| narrow.send(bytes))
                .is_err()
        );
        narrow.room = 100;
        assert_eq!(
            cut.write(b"other\n", Units::Lines, |bytes| narrow.send(bytes)).unwrap(),
            6
        );
        assert_eq!(narrow.taken, b"dropped\nother\n");
    }

    #[test]
    fn after_a_new_beginning_the_line_is_sent_whole() {
        let mut cut = CutLine::default();
        let mut narrow = Narrow {
            taken: Vec::new(),
            room: 4,
            step: 100,
        };
        assert!(cut.write(b"again\n", Units::Lines, |bytes| narrow.send(bytes)).is_err());
        cut.restart();
        narrow = Narrow {
            taken: Vec::new(),
            room: 100,
            step: 100,
        };
        assert_eq!(
            cut.write(b"again\n", Units::Lines, |bytes| narrow.send(bytes)).unwrap(),
            6
        );
        assert_eq!(narrow.taken, b"again\n");
    }
}
