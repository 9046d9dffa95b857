//! Native histograms against a model that keeps every value, and each answer to too many buckets by itself.
#![allow(clippy::unwrap_used)]

use super::buckets::{index_of, upper_bound};
use super::*;
use std::collections::BTreeMap;

const START: u64 = 1_700_000_000_000;

/// xorshift64*, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Finite, of either sign, within 2^±`exponents`, often on a bound.
    fn value(&mut self, exponents: u64) -> f64 {
        let exponent = self.below(2 * exponents + 1) as i64 - exponents as i64;
        let mantissa = match self.below(4) {
            0 => 0,
            1 => upper_bound(8, self.below(256) as i32).to_bits() & ((1 << 52) - 1),
            _ => self.next() & ((1 << 52) - 1),
        };
        let magnitude = match exponent {
            -1022.. => f64::from_bits(((exponent + 1023) as u64) << 52 | mantissa),
            _ => f64::from_bits(mantissa),
        };
        match self.below(8) {
            0 => -magnitude,
            1 => 0.0,
            _ => magnitude,
        }
    }
}

/// One thread's part: its cells, and every value that counts.
struct Model {
    options: NativeOptions,
    cells: Vec<f64>,
    baseline: Option<Vec<f64>>,
    values: Vec<f64>,
}

impl Model {
    fn new(options: NativeOptions) -> Model {
        let mut cells = vec![0.0; options.cells() as usize];
        options.init(START, &mut |cell, value| cells[cell as usize] = value);
        Model {
            options,
            cells,
            baseline: None,
            values: Vec::new(),
        }
    }

    /// What `limit_buckets` of a metric does for a part.
    fn limit(&mut self, now_ms: u64) -> Limited {
        if let Some(baseline) = &mut self.baseline {
            self.options.fold(&mut self.cells, baseline);
        }
        let before = self.cells.clone();
        let limited = self.options.limit(&mut self.cells, now_ms);
        match limited {
            Limited::Changed => assert!(self.in_use() < f64::from(self.options.max_buckets)),
            Limited::Unchanged => assert_eq!(self.cells, before),
            Limited::ResetDue => {
                assert_eq!(self.cells, before);
                *self = Model::new(self.options);
                self.cells[self.options.start_cell() as usize] = now_ms as f64;
            }
        }
        limited
    }

    fn observe(&mut self, value: f64, now_ms: u64) {
        while !self.options.observe(&mut self.cells, value) {
            self.limit(now_ms);
        }
        self.values.push(value);
    }

    fn observe_all(&mut self, values: &[f64]) {
        values.iter().for_each(|value| self.observe(*value, START));
    }

    /// Another thread reset the series.
    fn reset_by_another(&mut self, now_ms: u64) {
        let mut baseline = self.cells.clone();
        baseline[self.options.start_cell() as usize] = now_ms as f64;
        self.baseline = Some(baseline);
        self.values.clear();
        let schema = self.options.schema_cell() as usize;
        self.cells[schema] = self.options.asked(self.cells[schema]);
    }

    fn in_use(&self) -> f64 {
        self.cells[self.options.slots() as usize + 4]
    }

    fn threshold(&self) -> f64 {
        self.cells[self.options.slots() as usize + 3]
    }

    fn schema(&self) -> f64 {
        self.cells[self.options.schema_cell() as usize]
    }
}

fn merged(models: &[Model]) -> NativeHistogram {
    let mut histogram = NativeHistogram::default();
    for model in models {
        assert!(histogram.add_part(&model.options, &model.cells, model.baseline.as_deref()));
    }
    histogram.finish(&models[0].options);
    histogram.check();
    histogram
}

/// The histogram that the values make at that resolution and width.
fn assert_counts(histogram: &NativeHistogram, values: &[f64]) {
    let (mut zeros, mut sides) = (0, [BTreeMap::new(), BTreeMap::new()]);
    for value in values {
        if value.abs() <= histogram.zero_threshold {
            zeros += 1;
        } else {
            let index = index_of(histogram.schema, value.abs());
            *sides[usize::from(*value < 0.0)].entry(index).or_insert(0_u64) += 1;
        }
    }
    let side = |buckets: &Vec<(i32, u64)>| buckets.iter().copied().collect::<BTreeMap<_, _>>();
    assert_eq!(histogram.zero_count, zeros);
    assert_eq!([side(&histogram.positive), side(&histogram.negative)], sides);
    assert_eq!(histogram.count, values.len() as u64);
}

fn options(schema: i8, max_buckets: u32) -> NativeOptions {
    NativeOptions {
        schema,
        max_buckets,
        ..NativeOptions::default()
    }
}

#[test]
fn the_table_keeps_a_fifth_of_its_places_free() {
    for (max_buckets, slots) in [(8, 16), (12, 16), (13, 16), (14, 32), (160, 256), (1000, 2048)] {
        assert_eq!(options(3, max_buckets).slots(), slots, "{max_buckets}");
    }
    let default = NativeOptions::default();
    assert_eq!(default.zero_threshold, 2.938_735_877_055_719e-39, "2^-128 (rule 20)");
    assert_eq!(
        (default.cells(), default.additive(), default.schema_cell()),
        (518, 258, 258)
    );
}

/// (rule 20) boundaries in, inclusive above; zero, both signs and the ends of the range.
#[test]
fn each_value_is_counted_in_its_bucket() {
    for schema in -4..=8 {
        let mut model = Model::new(NativeOptions {
            zero_threshold: 0.0,
            ..options(schema, 160)
        });
        for value in [
            0.0,
            -0.0,
            5e-324,
            -5e-324,
            1.0,
            1.0_f64.next_up(),
            -1.0,
            f64::MAX,
            -f64::MAX,
            2.2e-308,
        ] {
            model.observe(value, START);
        }
        let histogram = merged(std::slice::from_ref(&model));
        assert_eq!((histogram.schema, histogram.zero_count), (i32::from(schema), 2));
        assert_counts(&histogram, &model.values);
        assert_eq!(histogram.sum, model.values.iter().sum::<f64>());
        assert_eq!(histogram.start_ms, START);
    }
    let mut model = Model::new(options(3, 160));
    model.observe(DEFAULT_ZERO_THRESHOLD, START);
    model.observe(-DEFAULT_ZERO_THRESHOLD.next_up(), START);
    let histogram = merged(&[model]);
    assert_eq!((histogram.zero_count, histogram.negative.len()), (1, 1));
}

#[test]
fn nothing_observed_shows_what_was_declared() {
    let histogram = merged(&[Model::new(options(5, 160))]);
    assert_eq!(
        (histogram.schema, histogram.zero_threshold),
        (5, DEFAULT_ZERO_THRESHOLD)
    );
    assert_eq!((histogram.count, histogram.sum), (0, 0.0));
}

/// (rule 21) several threads, limits, resets of one by another: never a value more or less than observed.
#[test]
fn parts_amount_to_what_was_observed_whatever_became_of_them() {
    for seed in 1..=300_u64 {
        let random = &mut Random(seed * 0x9e37_79b9);
        let common = NativeOptions {
            schema: random.below(13) as i8 - 4,
            zero_threshold: [0.0, DEFAULT_ZERO_THRESHOLD, 0.3][random.below(3) as usize],
            max_buckets: 8 + random.below(60) as u32,
            min_reset_ms: [0, 3000][random.below(2) as usize],
            max_zero_threshold: [0.0, 1e-3, 1.0, 1e6][random.below(4) as usize],
        };
        let exponents = [3, 20, 200, 1023][random.below(4) as usize];
        let mut models: Vec<Model> = (0..1 + random.below(4)).map(|_| Model::new(common)).collect();
        for step in 0..400 {
            let of = random.below(models.len() as u64) as usize;
            match random.below(100) {
                0 => models[of].reset_by_another(START + step * 10),
                1 => {
                    models[of].limit(START + step * 10);
                }
                _ => models[of].observe(random.value(exponents), START + step * 10),
            }
        }
        let histogram = merged(&models);
        let values: Vec<f64> = models.iter().flat_map(|model| model.values.iter().copied()).collect();
        assert_counts(&histogram, &values);
        let buckets = histogram.positive.len() + histogram.negative.len();
        assert!(
            buckets <= common.max_buckets as usize || histogram.schema == -4,
            "seed {seed}"
        );
    }
}

#[test]
fn parts_merge_at_the_coarsest_resolution_and_the_widest_zero() {
    let mut fine = Model::new(options(8, 160));
    let mut coarse = Model::new(options(2, 160));
    fine.observe_all(&[0.2, 0.9, 1.5, 3.0, -3.0]);
    coarse.observe_all(&[0.2, 1.5, 1.6]);
    let widened = NativeOptions {
        zero_threshold: 0.875,
        ..options(8, 160)
    };
    let mut wide = Model::new(widened);
    wide.observe_all(&[0.4, -0.8, 7.0]);
    let mut values: Vec<f64> = [&fine, &coarse, &wide]
        .iter()
        .flat_map(|model| model.values.clone())
        .collect();
    let histogram = merged(&[fine, coarse, wide]);
    assert_eq!(histogram.schema, 2);
    // 0.875 lies within (2^-0.25, 1], which may hold values on both sides of it.
    assert_eq!(histogram.zero_threshold, 1.0);
    assert_eq!(histogram.zero_count, 5);
    values.sort_by(f64::total_cmp);
    assert_counts(&histogram, &values);
}

#[test]
fn an_empty_part_does_not_make_the_others_coarser() {
    let mut counted = Model::new(options(8, 160));
    counted.observe(1.5, START);
    let mut reset = Model::new(options(0, 160));
    reset.observe(1.5, START);
    reset.reset_by_another(START + 5);
    let histogram = merged(&[counted, reset]);
    assert_eq!((histogram.schema, histogram.count, histogram.sum), (8, 1, 1.5));
    assert_eq!(histogram.start_ms, START);
}

#[test]
fn more_buckets_than_wanted_are_joined_when_read() {
    let (mut below, mut above) = (Model::new(options(3, 8)), Model::new(options(3, 8)));
    for n in 0..7 {
        below.observe(upper_bound(3, n), START);
        above.observe(upper_bound(3, n + 7), START);
    }
    assert_eq!((below.in_use(), above.in_use()), (7.0, 7.0));
    let histogram = merged(&[below, above]);
    assert_eq!(histogram.schema, 2);
    assert!(histogram.positive.len() <= 8 && histogram.count == 14);
}

#[test]
fn reading_again_uses_the_same_memory() {
    let mut model = Model::new(options(8, 160));
    (1..100).for_each(|n| model.observe(f64::from(n), START));
    let mut histogram = merged(std::slice::from_ref(&model));
    let (memory, before) = (histogram.positive.as_ptr(), histogram.clone());
    histogram.clear();
    histogram.add_part(&model.options, &model.cells, None);
    histogram.finish(&model.options);
    assert_eq!((histogram.positive.as_ptr(), &histogram), (memory, &before));
}

fn full(options: NativeOptions) -> Model {
    let mut model = Model::new(options);
    for n in 0..options.max_buckets {
        model.observe(upper_bound(i32::from(options.schema), n as i32 + 1), START);
    }
    assert_eq!(model.in_use(), f64::from(options.max_buckets));
    model
}

/// (rule 21) a: long enough after the last, a reset; one millisecond earlier, not.
#[test]
fn too_many_buckets_are_answered_by_a_reset_when_the_last_is_long_ago() {
    let mut model = full(options(3, 16));
    let before = model.cells.clone();
    assert_eq!(
        model.options.limit(&mut model.cells, START + 3_600_000),
        Limited::ResetDue
    );
    assert_eq!(
        model.cells, before,
        "all threads' parts are reset together, by the caller"
    );
    assert_eq!(model.limit(START + 3_599_999), Limited::Changed);
    assert_eq!(model.schema(), 2.0);
}

#[test]
fn no_reset_ever_when_it_is_switched_off() {
    let mut model = full(NativeOptions {
        min_reset_ms: 0,
        ..options(3, 16)
    });
    assert_eq!(model.limit(u64::MAX), Limited::Changed);
    assert_eq!(model.schema(), 2.0);
    assert!(!model.options.restructure_due(&model.cells, 0.0, u64::MAX));
}

/// (rule 21) b: the zero bucket takes the nearest buckets, of both signs, as long as it stays within its limit.
#[test]
fn the_zero_bucket_widens_up_to_its_limit() {
    let widening = NativeOptions {
        max_zero_threshold: 2.0,
        ..options(0, 8)
    };
    let mut model = Model::new(widening);
    model.observe_all(&[1.0, -1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
    model.observe(128.0, START + 1);
    assert_eq!((model.threshold(), model.schema(), model.in_use()), (1.0, 0.0, 7.0));
    model.observe(256.0, START + 2);
    assert_eq!((model.threshold(), model.schema(), model.in_use()), (1.0, 0.0, 8.0));
    model.observe(512.0, START + 3);
    assert_eq!((model.threshold(), model.schema(), model.in_use()), (2.0, 0.0, 8.0));
    let values = model.values.clone();
    assert_counts(&merged(&[model]), &values);

    let mut model = full(NativeOptions {
        max_zero_threshold: 2.0_f64.next_down(),
        ..options(0, 8)
    });
    model.observe(1e9, START + 1);
    assert_eq!((model.threshold(), model.schema()), (DEFAULT_ZERO_THRESHOLD, -1.0));
}

/// (rule 21) c: half the resolution, as often as it takes, down to -4; then the zero bucket, so that memory stays bounded.
#[test]
fn resolution_halves_until_there_is_room_and_memory_is_bounded_even_beyond() {
    let mut model = Model::new(options(8, 8));
    for exponent in 0..9 {
        model.observe(upper_bound(0, exponent), START);
    }
    assert_eq!((model.schema(), model.in_use()), (-1.0, 5.0));
    for exponent in -1000..1024 {
        model.observe(upper_bound(0, exponent), START);
        model.observe(-upper_bound(0, exponent), START);
    }
    assert_eq!(model.schema(), -4.0);
    assert!(model.in_use() <= 8.0);
    let values = model.values.clone();
    assert_counts(&merged(&[model]), &values);
}

/// (rule 21) what was declared comes back with a reset once that is allowed, by asking the owner.
#[test]
fn lost_resolution_is_restored_by_a_scheduled_reset() {
    let mut model = full(options(3, 16));
    assert!(!model.options.is_reduced(&model.cells));
    model.observe(1e9, START + 10);
    let (options, due) = (model.options, START + 3_600_000);
    assert!(model.options.is_reduced(&model.cells));
    assert!(!options.restructure_due(&model.cells, 0.0, due - 1));
    assert!(options.restructure_due(&model.cells, 0.0, due));
    assert!(
        !options.restructure_due(&model.cells, (START + 1) as f64, due),
        "a baseline is a reset, too"
    );

    let schema = options.schema_cell() as usize;
    let before = merged(std::slice::from_ref(&model));
    model.cells[schema] = options.asked(model.cells[schema]);
    assert_eq!(options.asked(model.cells[schema]), model.cells[schema]);
    assert!(!options.restructure_due(&model.cells, 0.0, due), "it was asked for");
    assert_eq!(merged(std::slice::from_ref(&model)), before, "readers go on");
    assert!(!options.observe(&mut model.cells, 1.0), "the owner has to come first");

    model.observe(1.0, due);
    assert_eq!(model.schema(), 3.0);
    let histogram = merged(&[model]);
    assert_eq!((histogram.count, histogram.start_ms), (1, due));
}

/// Another thread reset the series: this part held nothing more, and gets its resolution back without a reset of its own.
#[test]
fn an_emptied_part_is_restored_at_once() {
    let mut model = full(options(3, 16));
    model.observe(1e9, START + 10);
    assert_eq!(model.schema(), 2.0);
    model.reset_by_another(START + 20);
    model.observe(5.0, START + 30);
    assert_eq!((model.schema(), model.in_use()), (3.0, 1.0));
    let histogram = merged(&[model]);
    assert_eq!(
        (histogram.count, histogram.sum, histogram.start_ms),
        (1, 5.0, START + 20)
    );
}

/// Asked too early, or after new values came: it goes on counting as it did.
#[test]
fn an_owner_that_was_asked_in_vain_goes_on() {
    let mut model = full(options(3, 16));
    model.observe(1e9, START + 10);
    let schema = model.options.schema_cell() as usize;
    model.cells[schema] = model.options.asked(model.cells[schema]);
    model.observe(5.0, START + 20);
    assert_eq!(model.schema(), 2.0);
    let values = model.values.clone();
    assert_counts(&merged(&[model]), &values);
}

/// [M1] what a crash left is read without trust: state that makes no sense adds nothing, keys that make none are left out.
#[test]
fn cells_that_make_no_sense_are_left_out() {
    let options = options(3, 16);
    let mut model = full(options);
    let slots = options.slots() as usize;
    for (cell, bad) in [
        (slots + 2, 9.0),
        (slots + 2, -4.5),
        (slots + 2, f64::NAN),
        (slots + 3, -1.0),
        (slots + 3, f64::INFINITY),
    ] {
        let mut cells = model.cells.clone();
        cells[cell] = bad;
        let mut histogram = NativeHistogram::default();
        assert!(!histogram.add_part(&options, &cells, None), "{bad} in {cell}");
    }
    for bad in [
        0.0,
        0.5,
        -7.0,
        f64::NAN,
        f64::INFINITY,
        1e300,
        key_of(index_of(3, f64::MAX) + 1, false),
        key_of(-8 * 1075, true),
    ] {
        let used = (0..slots).find(|slot| model.cells[*slot] > 0.0).unwrap();
        model.cells[slots + 6 + used] = bad;
        assert_eq!(merged(std::slice::from_ref(&model)).count, 15, "{bad}");
    }
}
