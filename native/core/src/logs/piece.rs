//! Lines on their way to one outlet, with the ring positions that they stand for. Made by the collector, or by recovery; written by
//! whoever calls the outlet's writer.
use super::{LineMark, Place};
use crate::ring::slots::{SlotIntent, Slots};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lane of a line that stands for no ring position.
pub const NO_LANE: u16 = u16::MAX;

/// One line of a piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Where it ends in the piece's bytes.
    pub end: u32,
    /// Which of the piece's lanes it came from, or [`NO_LANE`].
    pub lane: u16,
    /// Its level.
    pub level: u16,
    /// Position behind its record.
    pub to: i32,
    /// Its time.
    pub time_ms: f64,
}

/// A segment whose records are in a piece.
#[derive(Clone)]
pub struct Lane {
    /// Where positions and intents are noted; `None` for one without records in the piece.
    pub slots: Option<Arc<dyn Slots>>,
    /// Up to where the sink has the records.
    pub at: i32,
    /// Up to where it has them once the piece is written, lines that it does not want included.
    pub to: i32,
}

/// Lines for one outlet.
#[derive(Default)]
pub struct Piece {
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// One per line.
    pub marks: Vec<Mark>,
    /// The segments that they come from.
    pub lanes: Vec<Lane>,
    at: usize,
    mark: usize,
    done: Arc<AtomicBool>,
}

/// Which slot of segments is the outlet's.
pub(super) struct Delivery {
    pub(super) slot: Option<usize>,
    pub(super) hash: u64,
}

impl Piece {
    /// Adds the line that was just written at the end of the bytes.
    pub fn mark(&mut self, lane: u16, level: u16, to: i32, time_ms: f64) {
        let end = self.bytes.len() as u32;
        if self.marks.last().map_or(0, |mark| mark.end) < end {
            self.marks.push(Mark {
                end,
                lane,
                level,
                to,
                time_ms,
            });
        }
    }

    /// True once it is written, or given up.
    pub fn is_done(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.done)
    }

    /// Bytes that are not written.
    pub fn rest(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// What is not written.
    pub fn unwritten(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Whole lines from the first that is not written, at most `most` bytes unless one line is longer.
    pub fn chunk(&self, most: usize) -> &[u8] {
        let marks = &self.marks[self.mark.min(self.marks.len())..];
        let fitting = marks.partition_point(|mark| mark.end as usize - self.at <= most);
        let end = marks
            .get(fitting.saturating_sub(1))
            .map_or(self.bytes.len(), |mark| mark.end as usize);
        &self.bytes[self.at..end]
    }

    /// The marks of the next `bytes` bytes.
    pub(super) fn line_marks(&self, bytes: usize) -> Vec<LineMark> {
        let mut from = self.at;
        let marks = self.marks.iter().skip(self.mark);
        marks
            .take_while(|mark| mark.end as usize <= self.at + bytes)
            .map(|mark| {
                let bytes = mark.end - from as u32;
                from = mark.end as usize;
                LineMark {
                    bytes,
                    level: mark.level,
                    time_ms: mark.time_ms,
                }
            })
            .collect()
    }

    /// Notes where it is about to be written.
    pub(super) fn announce(&self, to: &Delivery, place: Option<Place>) {
        let (Some(slot), Some(place)) = (to.slot, place) else {
            return;
        };
        for lane in &self.lanes {
            let Some(slots) = &lane.slots else { continue };
            let intent = SlotIntent {
                offset: place.offset,
                length: self.rest() as u64,
                from: lane.at,
                to: lane.to,
                device: place.device,
                inode: place.inode,
            };
            slots.open(slot, to.hash, &intent);
        }
    }

    /// The next `bytes` bytes are written, which end at the end of a line.
    pub(super) fn advance(&mut self, to: &Delivery, bytes: usize) {
        self.at += bytes;
        while let Some(mark) = self.marks.get(self.mark).filter(|mark| mark.end as usize <= self.at) {
            if let Some(lane) = self.lanes.get_mut(usize::from(mark.lane)) {
                lane.at = mark.to;
            }
            self.mark += 1;
        }
        if let Some(slot) = to.slot {
            for (slots, at) in self
                .lanes
                .iter()
                .filter_map(|lane| Some((lane.slots.as_ref()?, lane.at)))
            {
                slots.delivered(slot, to.hash, at);
            }
        }
    }

    /// All of it is written.
    pub(super) fn delivered(&mut self, to: &Delivery) {
        let Some(slot) = to.slot else { return };
        let lanes = self.lanes.iter_mut().filter(|lane| lane.slots.is_some());
        lanes.for_each(|lane| lane.at = lane.to);
        let slots = || {
            self.lanes
                .iter()
                .filter_map(|lane| Some((lane.slots.as_ref()?, lane.to)))
        };
        // First all positions, then all intents: as long as one is open, recovery compares its lines with the file.
        slots().for_each(|(slots, at)| slots.delivered(slot, to.hash, at));
        slots().for_each(|(slots, _)| slots.close(slot, to.hash));
    }

    /// It is written, or given up.
    pub(super) fn finish(self) {
        self.done.store(true, Ordering::Release);
    }

    /// Levels and lines of what is not written.
    pub(super) fn lines_left(&self) -> Vec<(u16, u64)> {
        let mut levels: Vec<(u16, u64)> = Vec::new();
        for mark in self.marks.iter().skip(self.mark) {
            match levels.iter_mut().find(|(level, _)| *level == mark.level) {
                Some((_, lines)) => *lines += 1,
                None => levels.push((mark.level, 1)),
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Noted(Mutex<Vec<(String, i32)>>);

    impl Slots for Noted {
        fn open(&self, _: usize, _: u64, intent: &SlotIntent) {
            let text = format!("open {}+{} {}", intent.offset, intent.length, intent.from);
            self.0
                .lock()
                .unwrap_or_else(|dead| dead.into_inner())
                .push((text, intent.to));
        }
        fn delivered(&self, _: usize, _: u64, to: i32) {
            self.0
                .lock()
                .unwrap_or_else(|dead| dead.into_inner())
                .push(("has".to_owned(), to));
        }
        fn close(&self, _: usize, _: u64) {
            self.0
                .lock()
                .unwrap_or_else(|dead| dead.into_inner())
                .push(("close".to_owned(), 0));
        }
    }

    fn piece(slots: &Arc<Noted>) -> Piece {
        let lane = |to| Lane {
            slots: Some(Arc::clone(slots) as Arc<dyn Slots>),
            at: 0,
            to,
        };
        let mut piece = Piece {
            lanes: vec![lane(96)],
            ..Piece::default()
        };
        for (line, level, to) in [("one\n", 30, 32), ("three\n", 20, 64), ("two\n", 30, 88)] {
            piece.bytes.extend_from_slice(line.as_bytes());
            piece.mark(0, level, to, 1.0);
        }
        piece.mark(0, 30, 99, 1.0);
        piece
    }

    /// [W3]
    #[test]
    fn positions_follow_the_lines_that_are_written_and_end_where_the_batch_does() {
        let slots = Arc::new(Noted::default());
        let mut piece = piece(&slots);
        let to = Delivery { slot: Some(1), hash: 9 };
        let place = Place {
            device: 1,
            inode: 2,
            offset: 100,
        };
        piece.announce(&to, Some(place));
        piece.advance(&to, 4);
        assert_eq!(
            (piece.unwritten(), piece.lines_left()),
            (&b"three\ntwo\n"[..], vec![(20, 1), (30, 1)])
        );
        piece.announce(&to, Some(Place { offset: 104, ..place }));
        piece.advance(&to, 10);
        piece.delivered(&to);
        let done = piece.is_done();
        piece.finish();
        assert!(done.load(Ordering::Acquire));
        let noted: Vec<_> = slots.0.lock().unwrap_or_else(|dead| dead.into_inner()).clone();
        let expected = [
            ("open 100+14 0", 96),
            ("has", 32),
            ("open 104+10 32", 96),
            ("has", 88),
            ("has", 96),
            ("close", 0),
        ];
        assert_eq!(noted, expected.map(|(text, to)| (text.to_owned(), to)));
    }

    #[test]
    fn chunks_hold_whole_lines_and_at_least_one() {
        let mut piece = piece(&Arc::default());
        assert_eq!(piece.marks.len(), 3, "a record without a line leaves no mark");
        assert_eq!(piece.chunk(1), b"one\n");
        assert_eq!(piece.chunk(9), b"one\n");
        assert_eq!(piece.chunk(10), b"one\nthree\n");
        assert_eq!(piece.chunk(100).len(), 14);
        let to = Delivery { slot: None, hash: 1 };
        piece.advance(&to, 4);
        assert_eq!(piece.chunk(7), b"three\n");
        assert_eq!(
            piece.line_marks(10).iter().map(|mark| mark.bytes).collect::<Vec<_>>(),
            [6, 4]
        );
    }
}
