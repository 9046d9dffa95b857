//! How many traces come per second: an estimate from those that came before. Plain data of the sampler.

use super::rules::Share;

/// Weight of a window against those before it.
const WEIGHT: f64 = 0.3;
/// Windows without a trace after which nothing is left of a rate.
const FORGOTTEN: u64 = 40;

/// Counts in windows, and a moving average of the past ones.
pub(super) struct Rate {
    window_ms: u64,
    began_ms: u64,
    count: u32,
    /// Per second; none before the first window is over.
    average: Option<f64>,
}

impl Rate {
    /// For a share with a rate: windows are long enough to see one trace of the lower one, in [1 s, 60 s].
    pub fn new(share: &Share, now_ms: u64) -> Rate {
        let rates = [share.min_per_second, share.max_per_second];
        let lowest = rates.into_iter().filter(|rate| *rate > 0.0).fold(1.0, f64::min);
        Rate {
            window_ms: (1_000.0 / lowest).clamp(1_000.0, 60_000.0) as u64,
            began_ms: now_ms,
            count: 0,
            average: None,
        }
    }

    /// Counts a trace, and tells its rate per second: the average, or that of the window so far if it is higher, so that a
    /// burst is noticed while it lasts. It depends on earlier traces and on the time only.
    pub fn arrive(&mut self, now_ms: u64) -> f64 {
        let windows = now_ms.saturating_sub(self.began_ms) / self.window_ms;
        if windows > 0 {
            self.close(windows);
        }
        self.count = self.count.saturating_add(1);
        let so_far = self.per_second(self.count);
        self.average.map_or(so_far, |average| average.max(so_far))
    }

    fn close(&mut self, windows: u64) {
        let rate = self.per_second(self.count);
        self.count = 0;
        let average = self.average.map_or(rate, |average| average + WEIGHT * (rate - average));
        let empty = (windows - 1).min(FORGOTTEN) as i32;
        self.average = Some(average * (1.0 - WEIGHT).powi(empty));
        self.began_ms += windows * self.window_ms;
    }

    fn per_second(&self, count: u32) -> f64 {
        f64::from(count) * 1_000.0 / self.window_ms as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(min_per_second: f64, max_per_second: f64) -> Share {
        Share {
            ratio: 0.0,
            min_per_second,
            max_per_second,
        }
    }

    #[test]
    fn a_steady_rate_is_found_and_a_silence_forgets_it() {
        let mut rate = Rate::new(&share(1.0, f64::INFINITY), 0);
        let mut last = 0.0;
        for ms in (0..20_000).step_by(10) {
            last = rate.arrive(ms);
        }
        assert!((last - 100.0).abs() < 1.0, "{last}");
        assert_eq!(rate.arrive(100_000), 1.0);
    }

    #[test]
    fn a_burst_counts_while_it_lasts() {
        let mut rate = Rate::new(&share(1.0, f64::INFINITY), 0);
        rate.arrive(0);
        assert_eq!((2..=500).map(|_| rate.arrive(5)).last(), Some(500.0));
    }

    #[test]
    fn low_rates_are_looked_at_for_long() {
        let mut rate = Rate::new(&share(0.1, 20.0), 0);
        assert_eq!(rate.arrive(0), 0.1);
        assert_eq!(rate.arrive(9_999), 0.2);
        let mut slowest = Rate::new(&share(0.0, 1e-9), 0);
        assert_eq!(slowest.arrive(0), 1.0 / 60.0);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_does_no_harm() {
        let mut rate = Rate::new(&share(1.0, 1.0), 5_000);
        assert_eq!(rate.arrive(0), 1.0);
        assert_eq!(rate.arrive(5_000), 2.0);
        assert!(rate.arrive(u64::MAX) > 0.0);
    }
}
