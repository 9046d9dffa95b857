//! What summaries promise: each value once, windows that age, parts that are one.

use super::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cells as JS writes them.
struct Cells(Vec<AtomicU64>);

impl Cells {
    fn new(options: &SummaryOptions) -> Cells {
        Cells((0..options.cells()).map(|_| AtomicU64::new(0)).collect())
    }

    fn read(&self, n: u32) -> f64 {
        f64::from_bits(self.0[n as usize].load(Ordering::Acquire))
    }

    fn write(&self, n: u32, value: f64) {
        self.0[n as usize].store(value.to_bits(), Ordering::Release);
    }

    /// What `observe` does; true when it is time to drain.
    fn observe(&self, value: f64) -> bool {
        let n = self.read(0);
        self.write(RING_AT + n as u32 % RING, value);
        self.write(1, self.read(1) + value);
        self.write(0, n + 1.0);
        (n + 1.0) as u32 & (RING - 1) == 0
    }
}

const AT: Location = Location(1 << 32 | 64);
const OTHER: Location = Location(2 << 32 | 64);

/// One summary with a part at [`AT`], at a time that stands still.
struct Summary {
    options: SummaryOptions,
    kept: Summaries,
    cells: Cells,
}

const NOW: u64 = 123_456_789;

impl Summary {
    fn new(options: SummaryOptions) -> Summary {
        Summary {
            cells: Cells::new(&options),
            kept: Summaries::default(),
            options,
        }
    }

    fn drain(&self, now_ms: u64) {
        self.drain_other(AT, &self.cells, now_ms);
    }

    fn drain_other(&self, at: Location, cells: &Cells, now_ms: u64) {
        self.kept.drain(&self.options, at, &|n| cells.read(n), now_ms);
    }

    fn observe(&self, values: impl IntoIterator<Item = f64>, now_ms: u64) {
        self.observe_other(AT, &self.cells, values, now_ms);
    }

    fn observe_other(&self, at: Location, cells: &Cells, values: impl IntoIterator<Item = f64>, now_ms: u64) {
        for value in values {
            if cells.observe(value) {
                self.drain_other(at, cells, now_ms);
            }
        }
        self.drain_other(at, cells, now_ms);
    }

    fn quantile(&self, q: f64) -> f64 {
        self.quantile_at(q, NOW)
    }

    fn quantile_at(&self, q: f64, now_ms: u64) -> f64 {
        self.kept.quantile(&self.options, &[AT], now_ms, q)
    }

    fn zero_cells(&self) {
        (0..self.cells.0.len()).for_each(|n| self.cells.write(n as u32, 0.0));
    }
}

#[test]
fn quantiles_of_nothing_are_nan() {
    let summary = Summary::new(SummaryOptions::default());
    let mut out = vec![];
    summary.kept.quantiles(&summary.options, &[AT], NOW, &mut out);
    summary.drain(NOW);
    summary.kept.quantiles(&summary.options, &[AT], NOW, &mut out);
    assert_eq!(out.len(), 8);
    assert!(out.iter().all(|value| value.is_nan()));
}

#[test]
fn every_value_is_taken_once_however_drains_and_observations_alternate() {
    for every in [1, 3, 127, 128, 1000] {
        let summary = Summary::new(SummaryOptions::default());
        for n in 1..=1000 {
            if summary.cells.observe(f64::from(n)) || n % every == 0 {
                summary.drain(NOW);
                summary.drain(NOW);
            }
        }
        summary.drain(NOW);
        // Ranks tell how many there are: one too many or too few below it would move each.
        for exact in [1.0, 2.0, 500.0, 1000.0] {
            let told = summary.quantile(exact / 1000.0);
            assert!(
                (told - exact).abs() <= exact * 0.01 + 1e-9,
                "{every}: {told} for {exact}"
            );
        }
        assert_eq!(lock(&summary.kept.parts)[&AT.0].drained, 1000);
    }
}

#[test]
fn values_age_out_window_by_window() {
    let summary = Summary::new(SummaryOptions {
        max_age_ms: 10_000,
        age_buckets: 5,
        ..SummaryOptions::default()
    });
    let began = 1_000_000;
    for window in 0..5 {
        summary.observe([window as f64], began + 2_000 * window + 1_999);
    }
    let lowest = |ms| summary.quantile_at(0.0, began + ms);
    assert_eq!(lowest(9_999), 0.0);
    for window in 1..5 {
        assert_eq!(lowest(8_000 + 2_000 * window), window as f64);
        assert_eq!(lowest(9_999 + 2_000 * window), window as f64);
    }
    assert!(lowest(18_000).is_nan());
    // A pause of any length, then a new value.
    summary.observe([7.0], 1_000_000_000);
    assert_eq!(summary.quantile_at(1.0, 1_000_000_000), 7.0);
    assert!(summary.quantile_at(1.0, 1_000_010_000).is_nan());
    // Nobody's clock runs backwards; a reader that was a little late must not disturb.
    summary.observe([8.0], 1_000_020_000);
    assert_eq!(summary.quantile_at(1.0, 1_000_019_999), 8.0);
    assert_eq!(summary.quantile_at(1.0, 1_000_020_000), 8.0);
}

#[test]
fn a_window_shorter_than_its_parts_is_still_one() {
    let summary = Summary::new(SummaryOptions {
        max_age_ms: 3,
        age_buckets: 5,
        ..SummaryOptions::default()
    });
    summary.observe([1.0], 100);
    assert_eq!(summary.quantile_at(0.5, 104), 1.0);
    assert!(summary.quantile_at(0.5, 105).is_nan());
}

#[test]
fn a_sweep_is_due_four_times_per_window() {
    let summary = Summary::new(SummaryOptions {
        max_age_ms: 10_000,
        age_buckets: 5,
        ..SummaryOptions::default()
    });
    let due = (1..=100).filter(|tick| summary.kept.is_due(&summary.options, 1_000_000 + tick * 100));
    assert_eq!(due.count(), 21);
}

#[test]
fn parts_of_several_threads_are_one_window() {
    let summary = Summary::new(SummaryOptions::default());
    let others = Cells::new(&summary.options);
    summary.observe((1..=300).map(f64::from), NOW);
    summary.observe_other(OTHER, &others, (301..=1000).map(f64::from), NOW);
    let mut out = vec![];
    summary.kept.quantiles(&summary.options, &[AT, OTHER], NOW, &mut out);
    for (told, exact) in out.iter().zip([500.0, 900.0, 950.0, 990.0]) {
        assert!((told - exact).abs() <= exact * 0.01, "{told} for {exact}");
    }
    assert_eq!(summary.quantile(1.0), 300.0);
}

#[test]
fn what_was_before_a_reset_is_never_taken() {
    let summary = Summary::new(SummaryOptions::default());
    summary.observe((1..=200).map(f64::from), NOW);
    // Two more that no drain saw, then another thread's reset: the cells run on.
    summary.cells.observe(1e6);
    summary.cells.observe(1e6);
    summary.kept.restart(AT, summary.cells.read(0) as u64);
    assert!(summary.quantile(0.5).is_nan());
    summary.observe([5.0], NOW);
    assert_eq!(summary.quantile(0.0), 5.0);
    assert_eq!(summary.quantile(1.0), 5.0);
    // The owner's own reset zeroes them.
    summary.zero_cells();
    summary.kept.restart(AT, 0);
    summary.observe([3.0], NOW);
    assert_eq!(summary.quantile(0.0), 3.0);
    assert_eq!(summary.quantile(1.0), 3.0);
}

#[test]
fn cells_that_serve_another_series_begin_anew() {
    for told in [true, false] {
        let summary = Summary::new(SummaryOptions::default());
        summary.observe((1..=200).map(f64::from), NOW);
        summary.zero_cells();
        if told {
            summary.kept.restart(AT, 0);
        }
        summary.observe([0.5], NOW);
        assert_eq!(summary.quantile(1.0), 0.5);
    }
}

#[test]
fn quantiles_written_from_outside_are_left_alone() {
    let summary = Summary::new(SummaryOptions {
        external: true,
        ..SummaryOptions::default()
    });
    assert_eq!(summary.options.cells(), 6);
    summary.cells.write(0, 3.0);
    summary.drain(NOW);
    assert!(lock(&summary.kept.parts).is_empty());
}

#[test]
fn stress_a_thread_observes_while_others_drain_and_nothing_is_lost_or_taken_twice() {
    let summary = Summary::new(SummaryOptions::default());
    let (values, done) = (400_000u32, AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while done.load(Ordering::Acquire) == 0 {
                    summary.drain(NOW);
                    std::thread::yield_now();
                }
            });
        }
        for n in 0..values {
            // Powers of two lie in bins of their own, so each bin's count is known exactly.
            if summary.cells.observe(f64::from(1u32 << (n % 16))) {
                summary.drain(NOW);
            }
        }
        done.store(1, Ordering::Release);
    });
    summary.drain(NOW);
    for power in 0..16 {
        let last = f64::from(power + 1) / 16.0 * f64::from(values);
        for rank in [last - 24_999.0, last] {
            let told = summary.quantile(rank / f64::from(values));
            let exact = f64::from(1u32 << power);
            assert!((told - exact).abs() <= exact * 0.01, "{power}: {told}");
        }
    }
}
