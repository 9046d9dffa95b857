//! Adds several threads' parts up: at the coarsest resolution and the widest zero bucket among them. Any thread; allocates
//! only until the buffers are large enough.

use super::buckets::{SCHEMA_MIN, coarser, upper_bound};
use super::{NativeHistogram, NativeOptions, schema_in};

type Side = Vec<(i32, u64)>;

impl NativeHistogram {
    /// Back to nothing; keeps its memory.
    pub fn clear(&mut self) {
        let (mut positive, mut negative) = (std::mem::take(&mut self.positive), std::mem::take(&mut self.negative));
        positive.clear();
        negative.clear();
        *self = NativeHistogram {
            positive,
            negative,
            ..NativeHistogram::default()
        };
    }

    /// Adds a part's cells, less its baseline; both [`NativeOptions::cells`] long. A part without observations has no say in
    /// resolution and zero bucket. False when its state makes no sense: then it adds nothing.
    pub fn add_part(&mut self, options: &NativeOptions, cells: &[f64], baseline: Option<&[f64]>) -> bool {
        let slots = options.slots() as usize;
        let threshold = cells[slots + 3];
        let (Some((schema, _)), true) = (schema_in(cells[slots + 2]), threshold >= 0.0 && threshold.is_finite()) else {
            return false;
        };
        let base = |cell: usize| baseline.map_or(0.0, |baseline| baseline[cell]);
        let start = cells[slots + 5].max(base(slots + 5)) as u64;
        if start > 0 && (self.start_ms == 0 || start < self.start_ms) {
            self.start_ms = start;
        }
        let zeros = (cells[slots] - base(slots)) as u64;
        let mut steps = (zeros > 0).then(|| self.agree(schema, threshold));
        self.zero_count = self.zero_count.saturating_add(zeros);
        for (slot, bucket) in options.buckets(cells, schema) {
            let count = (bucket.count - base(slot)) as u64;
            if count > 0 {
                let steps = *steps.get_or_insert_with(|| self.agree(schema, threshold));
                self.side(bucket.negative).push((coarser(bucket.index, steps), count));
            }
        }
        if steps.is_some() {
            self.sum += cells[slots + 1] - base(slots + 1);
        }
        true
    }

    /// Puts the buckets in order after the last part, and makes them at most `max_buckets` where a coarser resolution can.
    pub fn finish(&mut self, options: &NativeOptions) {
        if !self.counted {
            self.schema = i32::from(options.schema);
            self.zero_threshold = options.zero_threshold;
        }
        self.positive.sort_unstable();
        self.negative.sort_unstable();
        self.join(0);
        if self.narrowest < self.zero_threshold {
            self.absorb();
        }
        while self.positive.len() + self.negative.len() > options.max_buckets as usize && self.schema > SCHEMA_MIN {
            self.join(1);
            self.schema -= 1;
        }
        let sides = self.positive.iter().chain(&self.negative);
        self.count = sides.fold(self.zero_count, |sum, (_, count)| sum.saturating_add(*count));
    }

    fn side(&mut self, negative: bool) -> &mut Side {
        if negative {
            &mut self.negative
        } else {
            &mut self.positive
        }
    }

    /// Takes a part's state into account; tells by how much its indexes have to be made coarser.
    fn agree(&mut self, schema: i32, threshold: f64) -> u32 {
        if !self.counted {
            self.counted = true;
            (self.schema, self.zero_threshold, self.narrowest) = (schema, threshold, threshold);
        }
        self.zero_threshold = self.zero_threshold.max(threshold);
        self.narrowest = self.narrowest.min(threshold);
        if schema < self.schema {
            let steps = (self.schema - schema) as u32;
            let sides = self.positive.iter_mut().chain(&mut self.negative);
            sides.for_each(|(index, _)| *index = coarser(*index, steps));
            self.schema = schema;
        }
        (schema - self.schema) as u32
    }

    /// Makes sorted buckets coarser and adds up those that are one.
    fn join(&mut self, steps: u32) {
        for side in [&mut self.positive, &mut self.negative] {
            side.iter_mut().for_each(|(index, _)| *index = coarser(*index, steps));
            side.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = kept.1.saturating_add(next.1);
                }
                same
            });
        }
    }

    /// Parts had zero buckets of different widths: what lies within the widest is counted there. A bucket that reaches over
    /// its edge may hold values on both sides, so the edge moves to that bucket's end.
    fn absorb(&mut self) {
        let schema = self.schema;
        loop {
            let width = self.zero_threshold;
            for side in [&self.positive, &self.negative] {
                let reached = side
                    .iter()
                    .take_while(|(index, _)| upper_bound(schema, index - 1) < width);
                if let Some((index, _)) = reached.last() {
                    self.zero_threshold = self.zero_threshold.max(upper_bound(schema, *index));
                }
            }
            if self.zero_threshold == width {
                break;
            }
        }
        for side in [&mut self.positive, &mut self.negative] {
            let within = side.partition_point(|(index, _)| upper_bound(schema, *index) <= self.zero_threshold);
            for (_, count) in side.drain(..within) {
                self.zero_count = self.zero_count.saturating_add(count);
            }
        }
    }

    /// Panics when a rule of the form is broken.
    pub(super) fn check(&self) {
        for side in [&self.positive, &self.negative] {
            assert!(side.is_sorted_by(|one, next| one.0 < next.0), "{side:?}");
            assert!(side.iter().all(|(_, count)| *count > 0), "{side:?}");
        }
        assert!((-4..=8).contains(&self.schema) && self.zero_threshold.is_finite());
        let sides = self.positive.iter().chain(&self.negative);
        let sum = sides.fold(self.zero_count, |sum, (_, count)| sum.saturating_add(*count));
        assert_eq!(sum, self.count);
    }
}
