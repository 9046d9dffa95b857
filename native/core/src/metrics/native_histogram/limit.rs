//! What happens when a part has too many buckets, as in client_golang's `limitBuckets`: a reset if the last one is long
//! enough ago, else a wider zero bucket, else half the resolution; and, once it may, a reset that restores what was declared.
//! Runs in a call of the owner thread, on a copy of its cells.

use super::buckets::{SCHEMA_MIN, coarser};
use super::table::{Bucket, end};
use super::{DUE, NativeHistogram, NativeOptions, schema_in};

/// What [`NativeOptions::limit`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// The cells are as they should be: nothing to write.
    Unchanged,
    /// There is room now; the cells are to be written back together.
    Changed,
    /// The whole series has to begin anew, all threads' parts at once: one part alone would look like a counter that fell
    /// halfway. Nothing changed.
    ResetDue,
}

impl NativeOptions {
    /// Takes a baseline out of the cells it belongs to and leaves it empty, so that keys may move afterwards. Both as long as
    /// a part.
    pub fn fold(&self, cells: &mut [f64], baseline: &mut [f64]) {
        for (cell, base) in cells.iter_mut().zip(baseline.iter_mut()).take(self.additive() as usize) {
            *cell -= std::mem::take(base);
        }
        let start = self.start_cell() as usize;
        cells[start] = cells[start].max(std::mem::take(&mut baseline[start]));
    }

    /// Makes room in a part's cells, from which a baseline was folded; `now_ms` since 1970. Never more than `max_buckets - 1`
    /// buckets afterwards, so that one more fits: where even the coarsest resolution is not enough, the zero bucket takes the
    /// smallest ones, beyond its declared width. Loses no count. Allocates; cold.
    pub fn limit(&self, cells: &mut [f64], now_ms: u64) -> Limited {
        let slots = self.slots() as usize;
        let Some((mut schema, due)) = schema_in(cells[slots + 2]) else {
            return self.restart(cells, now_ms);
        };
        let mut buckets: Vec<Bucket> = self.buckets(cells, schema).map(|(_, bucket)| bucket).collect();
        if buckets.is_empty() && cells[slots] == 0.0 {
            // Whatever was lost of the resolution comes back for nothing.
            let start = cells[slots + 5];
            return self.restart(cells, if start > 0.0 { start as u64 } else { now_ms });
        }
        let room = self.max_buckets as usize - 1;
        if !due && buckets.len() <= room && cells[slots + 4] < f64::from(self.max_buckets) {
            return Limited::Unchanged;
        }
        if (due || buckets.len() > room) && self.may_reset(cells[slots + 5], now_ms) {
            return Limited::ResetDue;
        }
        while buckets.len() > room {
            let coarsest = schema == SCHEMA_MIN;
            let width = if coarsest { f64::MAX } else { self.max_zero_threshold };
            if widen(&mut buckets, schema, cells, slots, width) {
                continue;
            }
            if coarsest {
                break;
            }
            schema -= 1;
            halve(&mut buckets);
        }
        self.write_buckets(cells, &buckets);
        cells[slots + 2] = f64::from(schema);
        Limited::Changed
    }

    /// Everything to nothing, at the declared resolution.
    fn restart(&self, cells: &mut [f64], start_ms: u64) -> Limited {
        cells.fill(0.0);
        self.init(start_ms, &mut |cell, value| cells[cell as usize] = value);
        Limited::Changed
    }

    fn may_reset(&self, start: f64, now_ms: u64) -> bool {
        self.min_reset_ms > 0 && now_ms.saturating_sub(start as u64) >= self.min_reset_ms
    }

    /// True when a part lost resolution or widened its zero bucket, and has not been asked to begin anew.
    pub fn is_reduced(&self, cells: &[f64]) -> bool {
        let slots = self.slots() as usize;
        cells[slots + 2] != f64::from(self.schema) && cells[slots + 2] < DUE / 2.0
            || cells[slots + 3] != self.zero_threshold
    }

    /// True when a part's lost resolution is to be restored by a reset now. `baseline_start` is the start cell of its baseline.
    pub fn restructure_due(&self, cells: &[f64], baseline_start: f64, now_ms: u64) -> bool {
        let start = cells[self.start_cell() as usize].max(baseline_start);
        self.is_reduced(cells) && self.may_reset(start, now_ms)
    }

    /// What to write into the schema cell of another thread's part so that its owner calls before it counts again; readers
    /// still know the schema. The same when it was asked before.
    pub fn asked(&self, schema_cell: f64) -> f64 {
        match schema_in(schema_cell) {
            Some((_, false)) => schema_cell + DUE,
            _ => schema_cell,
        }
    }
}

/// Widens the zero bucket until it holds the buckets next to it; false when that would be wider than `width`.
fn widen(buckets: &mut Vec<Bucket>, schema: i32, cells: &mut [f64], slots: usize, width: f64) -> bool {
    let Some(nearest) = buckets.iter().min_by_key(|bucket| bucket.index).copied() else {
        return false;
    };
    let threshold = end(schema, &nearest);
    if cells[slots + 3] >= width || threshold > width {
        return false;
    }
    buckets.retain(|bucket| {
        let stays = bucket.index != nearest.index;
        if !stays {
            cells[slots] += bucket.count;
        }
        stays
    });
    cells[slots + 3] = cells[slots + 3].max(threshold);
    true
}

/// Joins each two neighbours.
fn halve(buckets: &mut Vec<Bucket>) {
    for bucket in buckets.iter_mut() {
        bucket.index = coarser(bucket.index, 1);
    }
    buckets.sort_by_key(|bucket| (bucket.negative, bucket.index));
    buckets.dedup_by(|next, kept| {
        let same = (next.negative, next.index) == (kept.negative, kept.index);
        if same {
            kept.count += next.count;
        }
        same
    });
}

/// Any bytes as the cells of two threads' parts, and as a series of observations. Panics when reading them breaks a rule.
#[doc(hidden)]
pub fn fuzz_native_histogram(data: &[u8]) {
    let Some((head, rest)) = data.split_at_checked(4) else {
        return;
    };
    let options = NativeOptions {
        schema: (head[0] % 13) as i8 - 4,
        max_buckets: 8 + u32::from(head[1]) % 160,
        min_reset_ms: u64::from(head[2]),
        max_zero_threshold: f64::from(head[3]) / 16.0,
        ..NativeOptions::default()
    };
    let values: Vec<f64> = rest
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(std::array::from_fn(|n| bytes[n])))
        .collect();
    let mut histogram = NativeHistogram::default();
    // What a dead process left: two parts, the second with a baseline.
    let part: Vec<f64> = values
        .iter()
        .copied()
        .chain(std::iter::repeat(0.0))
        .take(options.cells() as usize)
        .collect();
    let turned: Vec<f64> = part.iter().rev().copied().collect();
    for (cells, baseline) in [(&part, None), (&turned, Some(&part[..]))] {
        histogram.add_part(&options, cells, baseline);
    }
    histogram.finish(&options);
    histogram.check();
    let mut limited = part.clone();
    if options.limit(&mut limited, 1000) == Limited::Changed {
        assert!(limited[options.slots() as usize + 4] < f64::from(options.max_buckets));
    }

    // What a living one does.
    let mut cells = vec![0.0; options.cells() as usize];
    options.init(1, &mut |cell, value| cells[cell as usize] = value);
    let mut counted = 0;
    for (at, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        while !options.observe(&mut cells, *value) {
            if options.limit(&mut cells, 1 + at as u64) == Limited::ResetDue {
                cells.fill(0.0);
                options.init(1 + at as u64, &mut |cell, value| cells[cell as usize] = value);
                counted = 0;
            }
        }
        counted += 1;
    }
    histogram.clear();
    histogram.add_part(&options, &cells, None);
    histogram.finish(&options);
    histogram.check();
    assert_eq!(histogram.count, counted);
}
