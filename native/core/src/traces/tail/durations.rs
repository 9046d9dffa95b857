//! How long the traces of one route take: an exponential histogram that forgets. Plain data of the sampler.

/// Buckets per doubling: a bucket's bounds are at most 12.5 % apart.
const PER_OCTAVE: u32 = 8;
/// Below 2^10 ns everything is one bucket, from 2^43 ns (2.4 hours) on as well.
const FIRST_OCTAVE: u32 = 10;
const OCTAVES: u32 = 33;
const BUCKETS: usize = (OCTAVES * PER_OCTAVE) as usize;
/// Observations of a generation.
const GENERATION: u32 = 10_000;

/// The durations of the last 10,000 to 20,000 traces, in two generations: when the current one is full, the one before it is
/// forgotten. 2 kB.
pub(super) struct Durations {
    current: Box<[u32; BUCKETS]>,
    previous: Box<[u32; BUCKETS]>,
    current_count: u32,
    previous_count: u32,
    /// Last answer of [`Durations::quantile`], and the observations since.
    known_ns: u64,
    since: u32,
}

impl Durations {
    pub fn new() -> Durations {
        Durations {
            current: Box::new([0; BUCKETS]),
            previous: Box::new([0; BUCKETS]),
            current_count: 0,
            previous_count: 0,
            known_ns: 0,
            since: u32::MAX,
        }
    }

    /// How many it knows.
    pub fn count(&self) -> u32 {
        self.current_count + self.previous_count
    }

    /// Adds one.
    pub fn record(&mut self, ns: u64) {
        if self.current_count == GENERATION {
            std::mem::swap(&mut self.current, &mut self.previous);
            self.previous_count = std::mem::take(&mut self.current_count);
            self.current.fill(0);
        }
        self.current[bucket(ns)] += 1;
        self.current_count += 1;
        self.since = self.since.saturating_add(1);
    }

    /// An upper bound, at most 12.5 % too high, of the duration that a share of `quantile` does not exceed; looked up anew
    /// when 1/32 of the observations are new. The quantile must always be the same.
    pub fn quantile(&mut self, quantile: f64) -> u64 {
        if self.since > self.count() / 32 {
            self.since = 0;
            self.known_ns = self.look_up(quantile);
        }
        self.known_ns
    }

    fn look_up(&self, quantile: f64) -> u64 {
        let rank = (quantile * f64::from(self.count())).ceil() as u32;
        let mut seen = 0;
        for at in 0..BUCKETS {
            seen += self.current[at] + self.previous[at];
            if seen >= rank {
                return upper_ns(at);
            }
        }
        u64::MAX
    }
}

/// The bucket that holds a duration.
fn bucket(ns: u64) -> usize {
    let ns = ns.clamp(1 << FIRST_OCTAVE, (1 << (FIRST_OCTAVE + OCTAVES)) - 1);
    let octave = ns.ilog2();
    let step = (ns >> (octave - PER_OCTAVE.ilog2())) as u32 % PER_OCTAVE;
    ((octave - FIRST_OCTAVE) * PER_OCTAVE + step) as usize
}

/// The longest duration of a bucket.
fn upper_ns(bucket: usize) -> u64 {
    let (octave, step) = (bucket as u32 / PER_OCTAVE + FIRST_OCTAVE, bucket as u32 % PER_OCTAVE);
    (u64::from(PER_OCTAVE + step + 1) << (octave - PER_OCTAVE.ilog2())) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_begins_where_the_one_before_ends() {
        for at in 0..BUCKETS - 1 {
            assert_eq!((bucket(upper_ns(at)), bucket(upper_ns(at) + 1)), (at, at + 1));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
        assert_eq!(upper_ns(0), 1024 + 127);
    }

    #[test]
    fn a_quantile_is_never_too_low_and_at_most_an_eighth_too_high() {
        let mut state = 5_u64;
        for count in [1_u32, 7, 100, 5_000] {
            let mut durations = Durations::new();
            let mut all: Vec<u64> = (0..count)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Spread over the orders of magnitude.
                    (1 << 11) + (state >> (20 + state % 40))
                })
                .collect();
            all.iter().for_each(|ns| durations.record(*ns));
            all.sort_unstable();
            for quantile in [0.5, 0.9, 0.99, 0.999] {
                let exact = all[((quantile * f64::from(count)).ceil() as usize).max(1) - 1];
                let found = durations.look_up(quantile);
                if exact < 1 << 42 {
                    assert!(
                        found >= exact && found - exact <= exact / 8,
                        "{quantile}: {found} for {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn old_observations_are_forgotten_and_new_ones_are_noticed() {
        let mut durations = Durations::new();
        (0..50_000).for_each(|_| durations.record(1_000_000));
        assert!((GENERATION..=2 * GENERATION).contains(&durations.count()));
        assert!(durations.quantile(0.99) < 1_200_000);
        (0..700).for_each(|_| durations.record(50_000_000));
        assert!(durations.quantile(0.99) > 49_000_000, "more than one in a hundred");
        (0..2 * GENERATION).for_each(|_| durations.record(2_000_000));
        assert!(durations.quantile(0.999) < 2_300_000, "the slow ones are gone");
    }
}
