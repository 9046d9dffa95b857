//! A quantile sketch with a stated relative error: counts in bins whose bounds grow by a constant factor (DDSketch, VLDB
//! 2019). Owned by whoever holds the lock around it; no thread of its own.

use std::collections::VecDeque;

/// Bins of a page: 128 bytes, so that values close together cost a page or two, and values far apart do not cost what lies
/// between them.
const PAGE: usize = 16;
const PAGE_BITS: u32 = PAGE.trailing_zeros();
/// Natural logarithm of the largest to the smallest magnitude that are told apart: 17 decades, nanoseconds to years.
const RANGE_LN: f64 = 40.0;

/// How magnitudes map to bins: bin `b` holds (γ^(b-1), γ^b], with γ = (1 + error) / (1 - error).
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    ln_gamma: f64,
    per_ln: f64,
    /// Pages of a store at most.
    pages: i32,
}

impl Scale {
    /// `relative_error` in (0, 1): a quantile differs from a value of that rank by at most this share of it.
    pub fn new(relative_error: f64) -> Scale {
        let ln_gamma = ((1.0 + relative_error) / (1.0 - relative_error)).ln();
        Scale {
            ln_gamma,
            per_ln: 1.0 / ln_gamma,
            pages: (RANGE_LN / ln_gamma / PAGE as f64).ceil() as i32 + 1,
        }
    }

    fn bin(&self, magnitude: f64) -> i32 {
        (magnitude.ln() * self.per_ln).ceil() as i32
    }

    /// The magnitude that is equally far from both ends of a bin, relative to them.
    fn middle(&self, bin: i32) -> f64 {
        (f64::from(bin) * self.ln_gamma).exp() * 2.0 / (1.0 + self.ln_gamma.exp())
    }
}

/// Counts of one sign, by bin. At most [`RANGE_LN`] wide: when larger magnitudes come, the smallest share the lowest bin.
#[derive(Debug, Default, Clone)]
struct Store {
    /// Number of the first page.
    first: i32,
    pages: VecDeque<Option<Box<[u64; PAGE]>>>,
}

impl Store {
    fn add(&mut self, bin: i32, count: u64, scale: &Scale) {
        let page = bin >> PAGE_BITS;
        let at = (bin & (PAGE as i32 - 1)) as usize;
        if self.pages.is_empty() {
            self.first = page;
        }
        let end = self.first + self.pages.len() as i32;
        if page >= end {
            self.grow_up_to(page, scale);
        }
        if page >= self.first {
            self.page(page)[at] += count;
        } else if page > end - 1 - scale.pages {
            self.grow_down_to(page);
            self.page(page)[at] += count;
        } else {
            let lowest = end - scale.pages;
            self.grow_down_to(lowest);
            self.page(lowest)[0] += count;
        }
    }

    fn page(&mut self, page: i32) -> &mut [u64; PAGE] {
        self.pages[(page - self.first) as usize].get_or_insert_default()
    }

    /// Makes `page` the last one; what lies too far below it is collapsed into the lowest bin that is left.
    fn grow_up_to(&mut self, page: i32, scale: &Scale) {
        let lowest = page + 1 - scale.pages;
        let mut collapsed = 0;
        while self.first < lowest
            && let Some(gone) = self.pages.pop_front()
        {
            collapsed += gone.map_or(0, |bins| bins.iter().sum());
            self.first += 1;
        }
        if self.pages.is_empty() {
            self.first = if collapsed > 0 { lowest } else { page };
        }
        self.pages.resize_with((page - self.first) as usize + 1, || None);
        if collapsed > 0 {
            self.page(lowest)[0] += collapsed;
        }
    }

    fn grow_down_to(&mut self, page: i32) {
        while self.first > page {
            self.pages.push_front(None);
            self.first -= 1;
        }
    }

    /// Bins in use with their counts, smallest magnitude first.
    fn bins(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        let first = self.first;
        let numbered = self.pages.iter().enumerate();
        let used = numbered.filter_map(move |(n, bins)| Some(((first + n as i32) << PAGE_BITS, bins.as_deref()?)));
        used.flat_map(|(from, bins)| bins.iter().enumerate().map(move |(n, count)| (from + n as i32, *count)))
            .filter(|(_, count)| *count > 0)
    }
}

/// What was observed, by magnitude and sign. Memory: 128 bytes per page of 16 bins in use, at most 40 / error bins (4,000 at
/// 1 %, 32 kB) however many values come; magnitudes under 10^-17 of the largest are counted as that.
#[derive(Debug, Clone)]
pub struct Sketch {
    positive: Store,
    negative: Store,
    /// Zeros, and magnitudes under the smallest normal number.
    zero: u64,
    count: u64,
    min: f64,
    max: f64,
}

impl Default for Sketch {
    fn default() -> Sketch {
        Sketch {
            positive: Store::default(),
            negative: Store::default(),
            zero: 0,
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Sketch {
    /// Counts one finite value. About 10 ns.
    pub fn record(&mut self, value: f64, scale: &Scale) {
        let magnitude = value.abs();
        if magnitude < f64::MIN_POSITIVE {
            self.zero += 1;
        } else if value > 0.0 {
            self.positive.add(scale.bin(magnitude), 1, scale);
        } else {
            self.negative.add(scale.bin(magnitude), 1, scale);
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds what another sketch of the same scale counted.
    pub fn merge(&mut self, other: &Sketch, scale: &Scale) {
        other
            .positive
            .bins()
            .for_each(|(bin, count)| self.positive.add(bin, count, scale));
        other
            .negative
            .bins()
            .for_each(|(bin, count)| self.negative.add(bin, count, scale));
        self.zero += other.zero;
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The value of rank ⌈q·n⌉ (nearest rank; the smallest for q = 0), within the relative error; smallest and largest are
    /// exact. NaN of nothing.
    pub fn quantile(&self, q: f64, scale: &Scale) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let rank = nearest_rank(q, self.count);
        if rank == 1 {
            return self.min;
        }
        if rank == self.count {
            return self.max;
        }
        let below = self
            .negative
            .bins()
            .rev()
            .map(|(bin, count)| (-scale.middle(bin), count));
        let above = self.positive.bins().map(|(bin, count)| (scale.middle(bin), count));
        let mut seen = 0;
        let found = below.chain([(0.0, self.zero)]).chain(above).find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map_or(self.max, |(value, _)| value.clamp(self.min, self.max))
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// ⌈q·n⌉ in [1, n]; a product that misses a whole number only by rounding is that number (0.07 · 100 is 7).
fn nearest_rank(q: f64, count: u64) -> u64 {
    let product = q * count as f64;
    let whole = product.round();
    let rank = if (product - whole).abs() <= product * 1e-12 {
        whole
    } else {
        product.ceil()
    };
    (rank as u64).clamp(1, count)
}

#[cfg(test)]
#[path = "sketch_tests.rs"]
mod tests;
