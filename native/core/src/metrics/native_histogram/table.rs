//! The table of buckets in a part's cells: linear probing from the index's low bits. The twin of `observe` in
//! `src/metrics/native-histogram.ts`. Any thread, on cells that nobody else writes.

use super::buckets::{index_of, upper_bound};
use super::{NativeOptions, bucket_in, key_of, schema_in};

/// One bucket: index of the magnitude, sign, observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) index: i32,
    pub(super) negative: bool,
    pub(super) count: f64,
}

impl NativeOptions {
    /// Counts one finite value, as JS does for a whole observation. False, and nothing changed, when there is no room for its
    /// bucket or a restructure was asked for: then [`NativeOptions::limit`] is next.
    pub fn observe(&self, cells: &mut [f64], value: f64) -> bool {
        let slots = self.slots() as usize;
        let magnitude = value.abs();
        let Some((schema, false)) = schema_in(cells[slots + 2]) else {
            return false;
        };
        if magnitude <= cells[slots + 3] {
            cells[slots] += 1.0;
        } else {
            let (index, negative) = (index_of(schema, magnitude), value < 0.0);
            let slot = self.slot_of(cells, index, negative);
            if cells[slots + 6 + slot] == 0.0 {
                if cells[slots + 4] >= f64::from(self.max_buckets) {
                    return false;
                }
                cells[slots + 6 + slot] = key_of(index, negative);
                cells[slots + 4] += 1.0;
            }
            cells[slot] += 1.0;
        }
        cells[slots + 1] += value;
        true
    }

    /// The slot that holds a bucket, or the free one where it belongs. There is a free one: at most 80 % are in use.
    fn slot_of(&self, cells: &[f64], index: i32, negative: bool) -> usize {
        let slots = self.slots() as usize;
        let (keys, key) = (&cells[slots + 6..2 * slots + 6], key_of(index, negative));
        let mut slot = index as usize & (slots - 1);
        while keys[slot] != 0.0 && keys[slot] != key {
            slot = (slot + 1) & (slots - 1);
        }
        slot
    }

    /// Every bucket with observations that a value at `schema` can have. What makes no sense is left out: a crash or a stray
    /// write may have left anything.
    pub(super) fn buckets<'a>(&self, cells: &'a [f64], schema: i32) -> impl Iterator<Item = (usize, Bucket)> + use<'a> {
        let slots = self.slots() as usize;
        let (counts, keys) = (&cells[..slots], &cells[slots + 6..2 * slots + 6]);
        let (first, last) = (index_of(schema, f64::from_bits(1)), index_of(schema, f64::MAX));
        counts
            .iter()
            .zip(keys)
            .enumerate()
            .filter_map(move |(slot, (count, key))| {
                if *count == 0.0 {
                    return None;
                }
                let (index, negative) = bucket_in(*key).filter(|(index, _)| (first..=last).contains(index))?;
                let bucket = Bucket {
                    index,
                    negative,
                    count: *count,
                };
                Some((slot, bucket))
            })
    }

    /// Replaces the whole table. At most `max_buckets`, each once.
    pub(super) fn write_buckets(&self, cells: &mut [f64], buckets: &[Bucket]) {
        let slots = self.slots() as usize;
        cells[..slots].fill(0.0);
        cells[slots + 6..2 * slots + 6].fill(0.0);
        for bucket in buckets {
            let slot = self.slot_of(cells, bucket.index, bucket.negative);
            cells[slots + 6 + slot] = key_of(bucket.index, bucket.negative);
            cells[slot] = bucket.count;
        }
        cells[slots + 4] = buckets.len() as f64;
    }
}

/// Where a bucket ends.
pub(super) fn end(schema: i32, bucket: &Bucket) -> f64 {
    upper_bound(schema, bucket.index)
}
