//! Reads a segment that nobody writes any more, from bytes that `read(2)` gave (M1). Trusts nothing in them: every length
//! is checked, nothing panics, and what is allocated stays within a small multiple of the bytes. Any thread.

use super::clock::Anchors;
use super::labels::is_label_block;
pub use super::recovered_metric::RecoveredMetric;
use crate::layout::*;
use std::fmt;

/// Bytes of a file that are looked at; no segment is larger.
pub const LARGEST: u64 = 1 << 30;

/// Why bytes are no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// Fewer bytes than a header, or than the header says.
    Short {
        /// Bytes expected.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// The magic is missing: no segment, or one whose owner died while making it.
    Magic,
    /// Written by another layout version.
    Version(u32),
    /// A word of the header makes no sense.
    Header(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Short { expected, found } => write!(f, "{found} bytes, expected {expected}"),
            ReadError::Magic => f.write_str("no complete segment"),
            ReadError::Version(found) => write!(f, "layout version {found}, expected {VERSION}"),
            ReadError::Header(word) => write!(f, "the header's {word} makes no sense"),
        }
    }
}

impl std::error::Error for ReadError {}

/// The cells of one series in one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredSeries {
    /// [`RecoveredMetric::id`].
    pub metric: u32,
    /// The rendered label block without braces.
    pub labels: String,
    /// As they lie in the segment; what they mean depends on the metric.
    pub values: Vec<f64>,
}

/// What a segment says.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredSegment {
    /// One of the `KIND_*`.
    pub kind: u32,
    /// Bytes.
    pub size: u64,
    /// Of the machine that wrote it.
    pub boot_id: [u8; 16],
    /// Clock ticks since boot.
    pub process_start: u64,
    /// As the owner saw it.
    pub pid: u32,
    /// Node's thread id of the last owner.
    pub thread: u32,
    /// How many threads owned it one after the other.
    pub owners: u32,
    /// Clocks at the start of the process.
    pub anchors: Anchors,
    /// Name of the service.
    pub service: String,
    /// One of the `EXIT_*`.
    pub exit_state: u32,
    /// Code or signal that goes with it.
    pub exit_detail: i32,
    /// The mark at `RECOVERED_AT`.
    pub recovered: u32,
    /// Descriptors.
    pub metrics: Vec<RecoveredMetric>,
    /// Bindings with their cells' values.
    pub series: Vec<RecoveredSeries>,
    /// Interned strings by id.
    pub interned: Vec<(u32, String)>,
    /// Ring records between `released` and `head`, contiguous; `ring::read_records` reads them.
    pub undelivered: Vec<u8>,
    /// Metadata records or rings that made no sense and were left out; reading stops at a length that does.
    pub damaged: u32,
}

/// Reads a whole segment. Time and memory are linear in `bytes`: cells that two series claim are given to the first only.
///
/// # Errors
/// [`ReadError`] when the header does not hold; damage behind it is counted in [`RecoveredSegment::damaged`].
pub fn read_segment(bytes: &[u8]) -> Result<RecoveredSegment, ReadError> {
    let mut segment = read_header(bytes)?;
    // The header says how long the segment is; `read_header` checked that the bytes are there.
    let bytes = &bytes[..segment.size as usize];
    read_metadata(bytes, &mut segment);
    read_ring(bytes, &mut segment);
    Ok(segment)
}

/// Reads the identity alone: the first page is enough. The size is what the header says; the rest of the bytes need not be there.
///
/// # Errors
/// As [`read_segment`], but for a missing rest.
pub fn read_identity(page: &[u8]) -> Result<RecoveredSegment, ReadError> {
    if page.len() < HEADER_SIZE {
        return Err(ReadError::Short {
            expected: HEADER_SIZE as u64,
            found: page.len() as u64,
        });
    }
    if u64_in(page, MAGIC_AT) != Some(MAGIC) {
        return Err(ReadError::Magic);
    }
    let word = |at| u32_in(page, at).unwrap_or(0);
    let long = |at| u64_in(page, at).unwrap_or(0);
    if word(VERSION_AT) != VERSION {
        return Err(ReadError::Version(word(VERSION_AT)));
    }
    let kind = word(KIND_AT);
    if ![KIND_CELLS, KIND_RING, KIND_OVERFLOW].contains(&kind) {
        return Err(ReadError::Header("kind"));
    }
    let size = long(SIZE_AT);
    if !(HEADER_SIZE as u64..=LARGEST).contains(&size) || size % 8 != 0 {
        return Err(ReadError::Header("size"));
    }
    let service = page[SERVICE_AT..SERVICE_AT + SERVICE_MAX].get(..word(SERVICE_LEN_AT) as usize);
    let Some(service) = service.and_then(|name| std::str::from_utf8(name).ok()) else {
        return Err(ReadError::Header("service"));
    };
    Ok(RecoveredSegment {
        kind,
        size,
        boot_id: std::array::from_fn(|byte| page[BOOT_ID_AT + byte]),
        process_start: long(PROCESS_START_AT),
        pid: word(PID_AT),
        thread: word(THREAD_AT),
        owners: word(OWNERS_AT),
        anchors: Anchors {
            wall_ns: long(WALL_ANCHOR_AT),
            mono_ns: long(MONO_ANCHOR_AT),
        },
        service: service.to_owned(),
        exit_state: word(EXIT_STATE_AT),
        exit_detail: word(EXIT_DETAIL_AT) as i32,
        recovered: word(RECOVERED_AT),
        metrics: Vec::new(),
        series: Vec::new(),
        interned: Vec::new(),
        undelivered: Vec::new(),
        damaged: 0,
    })
}

fn read_header(bytes: &[u8]) -> Result<RecoveredSegment, ReadError> {
    let segment = read_identity(bytes)?;
    if (bytes.len() as u64) < segment.size {
        return Err(ReadError::Short {
            expected: segment.size,
            found: bytes.len() as u64,
        });
    }
    Ok(segment)
}

fn read_metadata(bytes: &[u8], segment: &mut RecoveredSegment) {
    let end = u32_in(bytes, META_END_AT).unwrap_or(0) as usize;
    let floor = u32_in(bytes, CELL_FLOOR_AT).unwrap_or(0) as usize;
    if end < META_AT || end > bytes.len() || (segment.kind == KIND_CELLS && (floor < end || floor > bytes.len())) {
        segment.damaged += 1;
        return;
    }
    // One bit per cell: what a series took, no other can claim, or a few records could name the same megabyte each.
    let mut taken = Claims::new(floor.div_ceil(8), bytes.len() / 8);
    let mut at = META_AT;
    while at < end {
        let (length, tag) = (
            u32_in(bytes, at).unwrap_or(0) as usize,
            u32_in(bytes, at + 4).unwrap_or(0),
        );
        if length < META_RECORD_HEADER || length % 8 != 0 || length > end - at {
            // Without a length there is no next record.
            segment.damaged += 1;
            return;
        }
        let payload = &bytes[at + META_RECORD_HEADER..at + length];
        let fits = match tag {
            META_FREE => Some(()),
            META_METRIC => RecoveredMetric::read(payload).map(|metric| segment.metrics.push(metric)),
            META_SERIES if segment.kind == KIND_CELLS => {
                series(payload, bytes, &mut taken).map(|series| segment.series.push(series))
            }
            META_INTERN => interned(payload).map(|entry| segment.interned.push(entry)),
            _ => None,
        };
        segment.damaged += u32::from(fits.is_none());
        at += length;
    }
}

fn series(payload: &[u8], bytes: &[u8], taken: &mut Claims) -> Option<RecoveredSeries> {
    let mut fields = Fields::new(payload);
    let [metric, first, count, labels] = fields.words()?;
    let labels = fields.text(labels)?;
    if !is_label_block(&labels) || !taken.claim(first as usize, count as usize) {
        return None;
    }
    let start = first as usize * 8;
    let cells = bytes.get(start..start + count as usize * 8)?;
    let values = cells
        .chunks_exact(8)
        .filter_map(|cell| Some(f64::from_le_bytes(cell.try_into().ok()?)))
        .collect();
    Some(RecoveredSeries { metric, labels, values })
}

fn interned(payload: &[u8]) -> Option<(u32, String)> {
    let mut fields = Fields::new(payload);
    let [id, length] = fields.words()?;
    Some((id, fields.text(length)?))
}

/// Copies the ring's records from `released` to `head` in one piece.
fn read_ring(bytes: &[u8], segment: &mut RecoveredSegment) {
    let word = |at| u32_in(bytes, at).unwrap_or(0);
    let (offset, size) = (word(RING_OFFSET_AT) as usize, word(RING_SIZE_AT));
    if offset == 0 {
        return;
    }
    let pending = word(RING_HEAD_AT).wrapping_sub(word(RING_RELEASED_AT));
    let ring = offset.checked_add(size as usize).and_then(|end| bytes.get(offset..end));
    let Some(ring) =
        ring.filter(|_| offset >= META_AT && size.is_power_of_two() && pending <= size && pending % 8 == 0)
    else {
        segment.damaged += 1;
        return;
    };
    let start = (word(RING_RELEASED_AT) & (size - 1)) as usize;
    let (until, over) = match pending as usize {
        pending if pending <= ring.len() - start => (start + pending, 0),
        pending => (ring.len(), pending - (ring.len() - start)),
    };
    segment.undelivered = [&ring[start..until], &ring[..over]].concat();
}

/// Cells that belong to no series yet.
struct Claims {
    bits: Vec<u64>,
    /// Cells in [first, end).
    first: usize,
    end: usize,
}

impl Claims {
    fn new(first: usize, end: usize) -> Claims {
        Claims {
            bits: vec![0; end.saturating_sub(first).div_ceil(64)],
            first,
            end,
        }
    }

    /// Takes `count` cells from `first` on if all of them are cells and free.
    fn claim(&mut self, first: usize, count: usize) -> bool {
        let Some(end) = first
            .checked_add(count)
            .filter(|&end| first >= self.first && end <= self.end && count > 0)
        else {
            return false;
        };
        let (base, bits) = (self.first, &mut self.bits);
        let place = |cell: usize| ((cell - base) / 64, 1_u64 << ((cell - base) % 64));
        if (first..end).any(|cell| bits[place(cell).0] & place(cell).1 != 0) {
            return false;
        }
        (first..end).for_each(|cell| bits[place(cell).0] |= place(cell).1);
        true
    }
}

/// Reads the payload of a record field by field, each checked.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, at: 0 }
    }

    pub(super) fn words<const N: usize>(&mut self) -> Option<[u32; N]> {
        let bytes = self.take(N * 4)?;
        Some(std::array::from_fn(|word| u32_in(bytes, word * 4).unwrap_or(0)))
    }

    /// `count` texts, each behind its length. Each takes at least that word, so `count` cannot ask for more than there is.
    pub(super) fn texts(&mut self, count: u32) -> Option<Vec<String>> {
        let most = self.bytes.len();
        let texts = (0..count).map(|_| self.words::<1>().and_then(|[length]| self.text(length)));
        texts.take(most).collect()
    }

    pub(super) fn text(&mut self, length: u32) -> Option<String> {
        std::str::from_utf8(self.take(length as usize)?).ok().map(str::to_owned)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }
}

fn u32_in(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_in(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Fuzz target: any bytes, as a whole segment and as the inside of one whose header holds.
pub fn fuzz_segment(data: &[u8]) {
    if let Ok(segment) = read_segment(data) {
        let cells: usize = segment.series.iter().map(|series| series.values.len()).sum();
        assert!(cells * 8 <= data.len() && segment.undelivered.len() <= data.len());
    }
    let _ = read_identity(data);
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
