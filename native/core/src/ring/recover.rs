//! What a dead process left in its rings: the records no sink has, in order, from the bytes of the segments' files.
//! Trusts nothing: every number is checked before it is used. Any thread; allocates only the list of parts.
use super::DropReason;
use super::intent::{FileState, Intent, Move, resume};
use super::position::{after, offset, used, valid_size};
use super::read_records;
use super::record::BadRecord;
use crate::layout::*;

/// Why a segment's bytes hold no readable ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadImage {
    /// Fewer bytes than a header.
    Short,
    /// The ring is not inside the bytes or its size is none a ring may have.
    Geometry,
    /// The cursors contradict each other.
    Cursors,
}

/// A ring as it lies in the bytes of a segment.
#[derive(Debug, Clone, Copy)]
pub struct RingImage<'a> {
    /// Number of the ring in its process; an overflow carries the number of its ring.
    pub id: u32,
    /// Records lost, by [`DropReason`].
    pub drops: [u64; DropReason::ALL.len()],
    bytes: &'a [u8],
    head: i32,
    read: i32,
    released: i32,
    intent: Option<Intent>,
    moving: Option<Move>,
}

/// Records that no sink has completely, contiguous; read them with [`super::read_records`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Whole records and PAD.
    pub bytes: &'a [u8],
    /// Bytes of the sink's output for this part that are already in its file.
    pub skip: u64,
    /// These records may be in the file already, nobody can tell.
    pub uncertain: bool,
}

impl<'a> RingImage<'a> {
    /// Finds the ring in the bytes of a whole segment (`KIND_RING` or `KIND_OVERFLOW`).
    pub fn parse(segment: &'a [u8]) -> Result<RingImage<'a>, BadImage> {
        let header = segment.get(..HEADER_SIZE).ok_or(BadImage::Short)?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (start, size) = (word(RING_OFFSET_AT) as usize, word(RING_SIZE_AT));
        if start < HEADER_SIZE || !valid_size(size) {
            return Err(BadImage::Geometry);
        }
        let bytes = segment
            .get(start..start.saturating_add(size as usize))
            .ok_or(BadImage::Geometry)?;
        let [head, read, released] = [RING_HEAD_AT, RING_READ_AT, RING_RELEASED_AT].map(|at| word(at) as i32);
        let in_order = used(head, released) <= size && used(read, released) <= used(head, released);
        if !in_order || (head | read | released) & 7 != 0 {
            return Err(BadImage::Cursors);
        }
        let mut drops = [0; DropReason::ALL.len()];
        for (place, count) in drops.iter_mut().enumerate() {
            let at = RING_DROPS_AT + 8 * place;
            *count = u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        }
        let (intent, moving) = (Intent::read(header), Move::read(header));
        Ok(RingImage {
            id: word(RING_ID_AT),
            drops,
            bytes,
            head,
            read,
            released,
            intent,
            moving,
        })
    }

    /// The bytes of [from, to), in one or two pieces. Both lie within the cursors.
    fn range(&self, from: i32, to: i32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let size = self.bytes.len();
        let start = offset(from, size as u32) as usize;
        let length = used(to, from) as usize;
        let first = length.min(size - start);
        [&self.bytes[start..start + first], &self.bytes[..length - first]]
            .into_iter()
            .filter(|piece| !piece.is_empty())
    }

    /// The producer's position.
    pub fn head(&self) -> i32 {
        self.head
    }

    /// The position up to which records are released.
    pub fn released(&self) -> i32 {
        self.released
    }

    /// The records of [from, to), which lie within the cursors, each with the position behind it. Ends at the first that makes no
    /// sense, of which the answer is an error.
    pub fn records(&self, from: i32, to: i32) -> impl Iterator<Item = Result<(i32, &'a [u8]), BadRecord>> + use<'a> {
        let mut start = from;
        self.range(from, to).flat_map(move |piece| {
            let base = start;
            start = after(base, piece.len() as u32);
            let mut records = read_records(piece);
            std::iter::from_fn(move || {
                let before = records.position();
                let record = records.next()?;
                let end = records.position();
                Some(record.map(|record| {
                    // What is before the record is PAD.
                    let length = end - before;
                    let header = RECORD_HEADER + record.body.len();
                    let start = end - header.next_multiple_of(8).min(length);
                    (after(base, end as u32), &piece[start..end])
                }))
            })
        })
    }

    /// [released, end): what the sink has not confirmed.
    fn unconfirmed(&self, end: i32, file: &mut dyn FnMut(&Intent) -> Option<FileState>, parts: &mut Vec<Part<'a>>) {
        let within =
            |intent: &&Intent| used(intent.to, self.released) <= used(end, self.released) && intent.to & 7 == 0;
        let intent = self.intent.as_ref().filter(within);
        let found = intent.and_then(file);
        let resume = resume(intent, self.released, found);
        let part = |bytes, skip, uncertain| Part { bytes, skip, uncertain };
        let flight_end = intent
            .filter(|intent| intent.from == self.released)
            .map_or(self.released, |intent| intent.to);
        if resume.at == self.released {
            parts.extend(
                self.range(self.released, flight_end)
                    .map(|bytes| part(bytes, resume.skip, resume.uncertain)),
            );
        }
        parts.extend(self.range(flight_end, end).map(|bytes| part(bytes, 0, false)));
    }
}

/// Where the records lie that are not released, oldest first: in the overflow (true) or in the ring, from one position to another.
pub fn unreleased(ring: &RingImage<'_>, overflow: Option<&RingImage<'_>>) -> Vec<(bool, i32, i32)> {
    let mut ranges = vec![(false, ring.released, ring.read)];
    if let Some(overflow) = overflow {
        ranges.push((true, overflow.released, overflow.head));
    }
    ranges.push((false, rest_of(ring, overflow), ring.head));
    ranges
}

/// Where the rest of the ring begins. Killed between the overflow's new head and the ring's new cursor, records are in both.
fn rest_of(ring: &RingImage<'_>, overflow: Option<&RingImage<'_>>) -> i32 {
    let Some(overflow) = overflow else { return ring.read };
    let in_both = |moved: &Move| moved.overflow_head == overflow.head && moved.from == ring.read && moved.to & 7 == 0;
    match ring.moving.filter(in_both) {
        Some(moved) if used(moved.to, ring.read) <= used(ring.head, ring.read) => moved.to,
        _ => ring.read,
    }
}

/// The records of a ring and its overflow that no sink has, oldest first: the flight, the overflow, the rest of the ring.
/// `file` finds the file that an intent names by its device and inode, whatever its name is now.
pub fn pending<'a>(
    ring: &RingImage<'a>,
    overflow: Option<&RingImage<'a>>,
    mut file: impl FnMut(&Intent) -> Option<FileState>,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    ring.unconfirmed(ring.read, &mut file, &mut parts);
    if let Some(overflow) = overflow {
        overflow.unconfirmed(overflow.head, &mut file, &mut parts);
    }
    parts.extend(ring.range(rest_of(ring, overflow), ring.head).map(|bytes| Part {
        bytes,
        skip: 0,
        uncertain: false,
    }));
    parts
}
