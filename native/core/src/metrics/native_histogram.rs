//! Native (exponential) histograms: how their cells are laid out, and what several threads' cells amount to. JS counts into
//! the cells; reading, merging and limiting run here, on any thread.
//!
//! Cells of one thread's part, `S` being [`NativeOptions::slots`]:
//!
//! ```text
//! 0       counts    S  observations per slot of the table                        JS
//! S       zero      1  observations of at most the zero threshold                JS
//! S + 1   sum       1  of all observations                                       JS
//! S + 2   schema    1  in [-4, 8]; + 1024 when the owner is asked to come         Rust
//! S + 3   threshold 1  width of the zero bucket                                  Rust
//! S + 4   in use    1  keys in the table                                         JS and Rust
//! S + 5   start     1  when counting began, ms since 1970                        Rust
//! S + 6   keys      S  ((index + 2^20) * 2 + negative) of a slot's bucket, 0 = none  JS and Rust
//! ```
//!
//! The first `S + 2` are sums, from which a baseline is subtracted slot by slot; the rest is state. JS puts a key into the
//! first free slot from `index & (S - 1)` on, key first, then the count. Whatever moves keys (a limit, a reset) runs in a
//! call of the owner thread, between two versions of the series.

pub mod buckets;
mod limit;
mod merge;
pub mod spans;
mod table;
#[cfg(test)]
mod tests;

pub use limit::{Limited, fuzz_native_histogram};

use buckets::{SCHEMA_MAX, SCHEMA_MIN};

/// A bucket's index is stored with this much added, so that no key is 0.
const INDEX_OFFSET: i32 = 1 << 20;
/// Added to the schema cell to ask the owner for a restructure before it counts again.
const DUE: f64 = 1024.0;
/// Width of the zero bucket unless another is declared: 2^-128, as in the other clients.
pub const DEFAULT_ZERO_THRESHOLD: f64 = f64::from_bits((1023 - 128) << 52);

/// How a native histogram counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeOptions {
    /// Resolution in [-4, 8]: bounds are powers of 2^(2^-schema).
    pub schema: i8,
    /// Values up to this magnitude are counted as zero; finite, not negative.
    pub zero_threshold: f64,
    /// Buckets in use at most, in [8, 1000]; the zero bucket does not count.
    pub max_buckets: u32,
    /// Time after which too many buckets are answered by a reset, in ms; 0 = never.
    pub min_reset_ms: u64,
    /// Up to here the zero bucket may be widened.
    pub max_zero_threshold: f64,
}

impl Default for NativeOptions {
    fn default() -> NativeOptions {
        NativeOptions {
            schema: 3,
            zero_threshold: DEFAULT_ZERO_THRESHOLD,
            max_buckets: 160,
            min_reset_ms: 3_600_000,
            max_zero_threshold: 0.0,
        }
    }
}

impl NativeOptions {
    /// Places of the table: a power of two, at least 1.25 times the buckets, so that probing ends.
    pub fn slots(&self) -> u32 {
        (self.max_buckets + self.max_buckets / 4).next_power_of_two()
    }

    /// Cells of one series.
    pub fn cells(&self) -> u32 {
        2 * self.slots() + 6
    }

    /// The first cells, which baselines subtract.
    pub fn additive(&self) -> u32 {
        self.slots() + 2
    }

    /// Cell of the schema.
    pub fn schema_cell(&self) -> u32 {
        self.slots() + 2
    }

    /// Cell of the time at which counting began, ms since 1970. In a baseline it says when that baseline was taken.
    pub fn start_cell(&self) -> u32 {
        self.slots() + 5
    }

    /// Gives every cell of a zeroed part that does not begin at 0.
    pub fn init(&self, now_ms: u64, write: &mut dyn FnMut(u32, f64)) {
        let slots = self.slots();
        write(slots + 2, f64::from(self.schema));
        write(slots + 3, self.zero_threshold);
        write(slots + 5, now_ms as f64);
    }
}

/// The schema of a cell, if it is one, and whether the owner was asked to come.
fn schema_in(cell: f64) -> Option<(i32, bool)> {
    let due = cell > DUE / 2.0;
    let schema = if due { cell - DUE } else { cell };
    let range = f64::from(SCHEMA_MIN)..=f64::from(SCHEMA_MAX);
    (range.contains(&schema) && schema.fract() == 0.0).then_some((schema as i32, due))
}

/// Index and sign of a key, if it is one.
fn bucket_in(key: f64) -> Option<(i32, bool)> {
    // Beyond 2^22 no index is possible; what is no whole number was not written by us.
    if !(key >= 1.0 && key < f64::from(1 << 22)) || key.fract() != 0.0 {
        return None;
    }
    let key = key as i32;
    Some(((key >> 1) - INDEX_OFFSET, key & 1 == 1))
}

fn key_of(index: i32, negative: bool) -> f64 {
    f64::from(((index + INDEX_OFFSET) << 1) | i32::from(negative))
}

/// A native histogram at one moment, over all threads. Reusable: [`NativeHistogram::clear`] keeps its memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeHistogram {
    /// Resolution.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Buckets above zero by index, ascending; none is empty.
    pub positive: Vec<(i32, u64)>,
    /// Buckets below zero by index of their magnitude, ascending; none is empty.
    pub negative: Vec<(i32, u64)>,
    /// When counting began, ms since 1970.
    pub start_ms: u64,
    /// The narrowest zero bucket among the parts.
    narrowest: f64,
    /// Some part had observations: until then there is no resolution to agree on.
    counted: bool,
}
