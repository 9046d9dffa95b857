//! Summaries: quantiles of the last minutes, with a stated error. The thread that observes leaves raw values in a ring of its
//! series; whoever comes first, that thread every 128 values or a render, moves them into the sketches kept here, under a
//! short lock per metric.

mod sketch;

use super::series::Location;
use crate::memory::table::lock;
use hashbrown::HashMap;
use sketch::{Scale, Sketch};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Raw values that a part keeps until they are drained. A power of two; the same number stands in `src/metrics/summary.ts`.
pub const RING: u32 = 128;

/// Cells in front of the ring: how many values there were so far, and their sum.
const RING_AT: u32 = 2;

/// How a summary estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// Each in [0, 1].
    pub quantiles: Box<[f64]>,
    /// Length of the window in ms.
    pub max_age_ms: u64,
    /// Parts of the window, at least 1; the oldest is forgotten when the next begins.
    pub age_buckets: u32,
    /// Relative error of a quantile's value, in (0, 1).
    pub relative_error: f64,
    /// JS writes the quantiles itself.
    pub external: bool,
}

impl Default for SummaryOptions {
    fn default() -> SummaryOptions {
        SummaryOptions {
            quantiles: Box::new([0.5, 0.9, 0.95, 0.99]),
            max_age_ms: 600_000,
            age_buckets: 5,
            relative_error: 0.01,
            external: false,
        }
    }
}

impl SummaryOptions {
    /// Cells of one series: count, sum, and the ring or the quantiles.
    pub fn cells(&self) -> u32 {
        RING_AT
            + if self.external {
                self.quantiles.len() as u32
            } else {
                RING
            }
    }

    fn window_ms(&self) -> u64 {
        (self.max_age_ms / u64::from(self.age_buckets.max(1))).max(1)
    }

    /// Number of the window that is filled at a monotonic time.
    fn window_at(&self, now_ms: u64) -> u64 {
        now_ms / self.window_ms()
    }
}

/// What one thread observed of one series.
#[derive(Default)]
struct Part {
    /// Values taken from the ring so far: the number of the next one. Kept beside the sketches, so that a value is in them
    /// exactly when its number is below this.
    drained: u64,
    /// Number of the window that is filled.
    window: u64,
    /// Window number n lies at n modulo their count. None before the first value.
    windows: Box<[Sketch]>,
}

impl Part {
    /// Forgets the windows that are too old once window number `window` is filled.
    fn turn(&mut self, window: u64) {
        let len = self.windows.len() as u64;
        let newer = window.saturating_sub(self.window).min(len);
        for n in 0..newer {
            self.windows[((window - n) % len) as usize] = Sketch::default();
        }
        self.window = self.window.max(window);
    }

    /// The window that is filled, of `age_buckets`.
    fn filled(&mut self, age_buckets: u32) -> &mut Sketch {
        if self.windows.is_empty() {
            self.windows = (0..age_buckets.max(1)).map(|_| Sketch::default()).collect();
        }
        let len = self.windows.len() as u64;
        &mut self.windows[(self.window % len) as usize]
    }
}

/// The sketches of a metric: windows per thread's part of a series, keyed by its location. Times are ms of the monotonic clock.
///
/// A value counts as observed when it is drained: with the 128th value, at the next scrape, or by a sweep within a quarter of
/// a window.
#[derive(Default)]
pub struct Summaries {
    parts: Mutex<HashMap<u64, Part>>,
    /// Quarter of a window in which [`Summaries::is_due`] said yes.
    swept: AtomicU64,
}

impl Summaries {
    /// Moves what was observed since the last call from the ring at `at` into its window. `read_cell` gives the cells of the
    /// part by number; the count is read under the lock, so that nothing is taken twice or lost, whoever calls. Up to 128
    /// values, about 10 ns each; the owner, and any thread that renders.
    ///
    /// Where stores of one thread may be seen out of order (not x86-64), a render beside a running `observe` may take for
    /// the newest value what lay in its cell before; the owner's own calls, count and sum know no such thing.
    pub fn drain(&self, options: &SummaryOptions, at: Location, read_cell: &dyn Fn(u32) -> f64, now_ms: u64) {
        if options.external {
            return;
        }
        let scale = Scale::new(options.relative_error);
        let mut parts = lock(&self.parts);
        let count = read_cell(0) as u64;
        let part = parts.entry(at.0).or_default();
        if count < part.drained {
            // The cells were zeroed without a word: they are those of a new part.
            *part = Part::default();
        }
        if count == part.drained {
            return;
        }
        part.turn(options.window_at(now_ms));
        // JS drains before the ring would run over, so the second bound cuts nothing off.
        let from = part.drained.max(count.saturating_sub(u64::from(RING)));
        part.drained = count;
        let sketch = part.filled(options.age_buckets);
        (from..count)
            .map(|n| read_cell(RING_AT + (n % u64::from(RING)) as u32))
            .filter(|value| value.is_finite())
            .for_each(|value| sketch.record(value, &scale));
    }

    /// True once per quarter of a window: everything has to be drained. One thread asks.
    pub fn is_due(&self, options: &SummaryOptions, now_ms: u64) -> bool {
        let quarter = now_ms / (options.window_ms() / 4).max(1);
        !options.external && self.swept.swap(quarter, Ordering::Relaxed) != quarter
    }

    /// Appends the value of each declared quantile over the parts at `locations` (all threads' parts of one series): NaN when
    /// nothing was observed within the window. Drain them first.
    pub fn quantiles(&self, options: &SummaryOptions, locations: &[Location], now_ms: u64, out: &mut Vec<f64>) {
        let scale = Scale::new(options.relative_error);
        let merged = self.merged(options, locations, now_ms, &scale);
        out.extend(options.quantiles.iter().map(|q| merged.quantile(*q, &scale)));
    }

    /// As [`Summaries::quantiles`], of any one quantile in [0, 1].
    pub fn quantile(&self, options: &SummaryOptions, locations: &[Location], now_ms: u64, q: f64) -> f64 {
        let scale = Scale::new(options.relative_error);
        self.merged(options, locations, now_ms, &scale).quantile(q, &scale)
    }

    /// Forgets what was observed at `at` up to value number `count`, which is what its count cell says now: 0 when the cells
    /// were zeroed or given back, more when another thread reset or removed the series and the cells run on.
    pub fn restart(&self, at: Location, count: u64) {
        let mut parts = lock(&self.parts);
        if count == 0 {
            parts.remove(&at.0);
        } else {
            let begun = Part {
                drained: count,
                ..Part::default()
            };
            parts.insert(at.0, begun);
        }
    }

    fn merged(&self, options: &SummaryOptions, locations: &[Location], now_ms: u64, scale: &Scale) -> Sketch {
        let window = options.window_at(now_ms);
        let mut merged = Sketch::default();
        let mut parts = lock(&self.parts);
        for at in locations {
            if let Some(part) = parts.get_mut(&at.0) {
                part.turn(window);
                let filled = part.windows.iter().filter(|sketch| !sketch.is_empty());
                filled.for_each(|sketch| merged.merge(sketch, scale));
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests;
