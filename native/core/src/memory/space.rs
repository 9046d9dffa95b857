//! Room inside one cell segment: cells from the end downwards, descriptors from the front upwards, and places that were
//! given back. Touched only by the segment's owner thread inside its calls (the lock around it is never contended).

use super::segment::{Full, Segment};
use crate::epoch::Epochs;
use crate::layout::*;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

/// Where a series lives in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First cell, counted in f64 from the segment's base; never 0.
    pub cell: u32,
    /// Offset of the META_SERIES record.
    pub meta: u32,
}

/// See the module.
#[derive(Default)]
pub struct Space {
    /// Metrics whose META_METRIC record is in this segment, and where.
    described: HashMap<u32, u32>,
    free_cells: HashMap<u32, Vec<u32>>,
    free_meta: HashMap<u32, Vec<u32>>,
    /// Given back, but a render may still read them: (stamp, place, cells).
    limbo: VecDeque<(u64, Place, u32)>,
}

/// What a series' record says, in the order of [`META_SERIES`].
pub struct SeriesRecord<'a> {
    /// Process-wide id of the metric.
    pub metric: u32,
    /// Cells of one series of this metric, in [1, 2^20).
    pub cells: u32,
    /// Rendered labels without braces.
    pub block: &'a [u8],
}

impl Space {
    /// Makes sure that `metric` is described here. `descriptor` is the payload of its META_METRIC record.
    pub fn describe(&mut self, segment: &Segment, metric: u32, descriptor: &[u8]) -> Result<(), Full> {
        if !self.described.contains_key(&metric) {
            let len = (META_RECORD_HEADER + descriptor.len()).next_multiple_of(8) as u32;
            let offset = match self.free_meta.get_mut(&len).and_then(Vec::pop) {
                Some(offset) => {
                    segment.write_meta(offset, len, META_METRIC, &[descriptor]);
                    offset
                }
                None => segment.append_meta(META_METRIC, &[descriptor])?,
            };
            self.described.insert(metric, offset);
        }
        Ok(())
    }

    /// Finds zeroed cells and writes the record that names them (M1: both before anyone learns the place).
    pub fn bind(&mut self, segment: &Segment, epochs: &Epochs, record: &SeriesRecord<'_>) -> Result<Place, Full> {
        self.settle(segment, epochs);
        let len = (META_RECORD_HEADER + 16 + record.block.len()).next_multiple_of(8) as u32;
        let floor = segment.u32_at(CELL_FLOOR_AT).load(Ordering::Relaxed);
        let end = segment.u32_at(META_END_AT).load(Ordering::Relaxed);
        let reused_meta = self.free_meta.get(&len).is_some_and(|free| !free.is_empty());
        let reused_cells = self.free_cells.get(&record.cells).is_some_and(|free| !free.is_empty());
        let wanted = if reused_meta { 0 } else { len } + if reused_cells { 0 } else { record.cells * 8 };
        if wanted > floor - end {
            return Err(Full);
        }
        let cell = match self.free_cells.get_mut(&record.cells).and_then(Vec::pop) {
            Some(cell) => {
                (cell..cell + record.cells).for_each(|index| segment.cell(index).store(0, Ordering::Relaxed));
                cell
            }
            None => {
                let floor = floor - record.cells * 8;
                segment.u32_at(CELL_FLOOR_AT).store(floor, Ordering::Release);
                floor / 8
            }
        };
        let head = [record.metric, cell, record.cells, record.block.len() as u32]
            .map(u32::to_le_bytes)
            .concat();
        let payload: [&[u8]; 2] = [&head, record.block];
        let meta = match self.free_meta.get_mut(&len).and_then(Vec::pop) {
            Some(offset) => {
                segment.write_meta(offset, len, META_SERIES, &payload);
                offset
            }
            None => segment.append_meta(META_SERIES, &payload)?,
        };
        Ok(Place { cell, meta })
    }

    /// The metric is gone and has no cells left: its description gives its place back. No render reads descriptions.
    pub fn forget(&mut self, segment: &Segment, metric: u32) {
        if let Some(offset) = self.described.remove(&metric) {
            let len = segment.u32_at(offset as usize).load(Ordering::Relaxed);
            segment.u32_at(offset as usize + 4).store(META_FREE, Ordering::Relaxed);
            self.free_meta.entry(len).or_default().push(offset);
        }
    }

    /// Gives a place back. It was unlinked before, at `stamp`.
    pub fn release(&mut self, segment: &Segment, stamp: u64, place: Place, cells: u32) {
        segment
            .u32_at(place.meta as usize + 4)
            .store(META_FREE, Ordering::Relaxed);
        self.limbo.push_back((stamp, place, cells));
    }

    /// Moves places that no reader can see any more to the free lists.
    fn settle(&mut self, segment: &Segment, epochs: &Epochs) {
        while let Some((stamp, place, cells)) = self.limbo.front().copied() {
            if !epochs.is_past(stamp) {
                return;
            }
            self.limbo.pop_front();
            let len = segment.u32_at(place.meta as usize).load(Ordering::Relaxed);
            self.free_cells.entry(cells).or_default().push(place.cell);
            self.free_meta.entry(len).or_default().push(place.meta);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(block: &[u8]) -> SeriesRecord<'_> {
        SeriesRecord {
            metric: 1,
            cells: 3,
            block,
        }
    }

    /// [S1] a place is used again only when no reader that began before its release is left, and then it is zeroed.
    #[test]
    fn a_released_place_waits_for_older_readers() {
        let (segment, epochs, mut space) = (
            Segment::anonymous(KIND_CELLS, 8192).unwrap(),
            Epochs::default(),
            Space::default(),
        );
        let first = space.bind(&segment, &epochs, &record(b"a=\"1\"")).unwrap();
        segment.cell(first.cell + 2).store(7, Ordering::Relaxed);
        let reader = epochs.pin();
        space.release(&segment, epochs.stamp(), first, 3);
        assert_ne!(space.bind(&segment, &epochs, &record(b"a=\"2\"")).unwrap(), first);
        drop(reader);
        assert_eq!(space.bind(&segment, &epochs, &record(b"a=\"3\"")).unwrap(), first);
        assert_eq!(segment.cell(first.cell + 2).load(Ordering::Relaxed), 0);
    }

    #[test]
    fn churn_needs_no_more_room_than_what_lives() {
        let (segment, epochs, mut space) = (
            Segment::anonymous(KIND_CELLS, 8192).unwrap(),
            Epochs::default(),
            Space::default(),
        );
        for _ in 0..10_000 {
            let place = space.bind(&segment, &epochs, &record(b"a=\"1\"")).unwrap();
            space.release(&segment, epochs.stamp(), place, 3);
        }
    }

    #[test]
    fn the_last_place_that_fits_is_given_and_the_next_is_refused_whole() {
        let (segment, epochs, mut space) = (
            Segment::anonymous(KIND_CELLS, 8192).unwrap(),
            Epochs::default(),
            Space::default(),
        );
        let mut places = 0;
        while space.bind(&segment, &epochs, &record(b"a=\"1\"")).is_ok() {
            places += 1;
        }
        assert_eq!(places, (8192 - META_AT) / (32 + 24));
        let (end, floor) = (segment.u32_at(META_END_AT), segment.u32_at(CELL_FLOOR_AT));
        assert!(
            end.load(Ordering::Relaxed) <= floor.load(Ordering::Relaxed),
            "metadata and cells never overlap"
        );
    }
}
