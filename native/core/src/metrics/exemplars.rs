//! Exemplars: single observations that a series keeps, with the labels of the trace they belong to. Any thread, under a short
//! lock per metric; nothing here runs for a metric that never had one.

use super::series::Location;
use crate::memory::table::lock;
use hashbrown::HashMap;
use std::cmp::Ordering::Less;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// An exemplar of a native histogram, which has no bucket of its own.
pub const NATIVE: u32 = u32::MAX;

/// Exemplars of a native histogram's series at most, as in Prometheus's Go client.
const NATIVE_MAX: usize = 10;
/// A native histogram's exemplar that is older gives way first.
const NATIVE_AGE_MS: u64 = 5 * 60_000;

/// One kept observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Bucket of a classic histogram, 0 for a counter, or [`NATIVE`].
    pub bucket: u32,
    /// Escaped labels without braces.
    pub labels: Box<[u8]>,
    /// The observed value.
    pub value: f64,
    /// Wall clock in ms since 1970.
    pub timestamp_ms: u64,
}

/// The exemplars of a metric, by the part they were observed in.
#[derive(Default)]
pub struct Exemplars {
    /// False while `kept` is empty.
    any: AtomicBool,
    kept: Mutex<HashMap<u64, Kept>>,
}

/// Those of one part: as many as it has buckets, and [`NATIVE_MAX`].
#[derive(Default, Clone)]
struct Kept {
    /// The latest per bucket.
    latest: Vec<Exemplar>,
    /// Those of the exponential buckets, ascending by value.
    native: Vec<Exemplar>,
}

impl Exemplars {
    /// True until the first is kept: renders look no further then.
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Keeps one: the latest of its bucket, or with [`NATIVE`] one of ten that are spread over the observed values.
    pub fn keep(&self, location: Location, exemplar: Exemplar) {
        let mut kept = lock(&self.kept);
        let part = kept.entry(location.0).or_default();
        if exemplar.bucket == NATIVE {
            part.spread(exemplar);
        } else {
            part.replace(exemplar);
        }
        self.any.store(true, Ordering::Relaxed);
    }

    /// Appends those of a series, whose parts are `parts`: at most one per bucket, and ten with bucket [`NATIVE`].
    pub fn collect(&self, parts: &[Location], out: &mut Vec<Exemplar>) {
        let kept = lock(&self.kept);
        let mut found = parts.iter().filter_map(|at| kept.get(&at.0));
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some(only), None) => out.extend(only.latest.iter().chain(&only.native).cloned()),
            (Some(first), Some(second)) => {
                let mut merged = first.clone();
                for other in std::iter::once(second).chain(found) {
                    other
                        .latest
                        .iter()
                        .for_each(|exemplar| merged.replace(exemplar.clone()));
                    other.native.iter().for_each(|exemplar| merged.spread(exemplar.clone()));
                }
                out.append(&mut merged.latest);
                out.append(&mut merged.native);
            }
        }
    }

    /// The part begins anew.
    pub fn clear(&self, location: Location) {
        if self.is_empty() {
            return;
        }
        let mut kept = lock(&self.kept);
        kept.remove(&location.0);
        self.any.store(!kept.is_empty(), Ordering::Relaxed);
    }
}

impl Kept {
    /// Puts an exemplar in the place of an earlier one of its bucket.
    fn replace(&mut self, exemplar: Exemplar) {
        match self.latest.iter_mut().find(|other| other.bucket == exemplar.bucket) {
            Some(other) if other.timestamp_ms <= exemplar.timestamp_ms => *other = exemplar,
            Some(_) => {}
            None => self.latest.push(exemplar),
        }
    }

    /// Adds to those that show the spread of the values. When there is no room, the oldest goes if it is too old; else one of
    /// the two that are closest to each other on a logarithmic scale: the new one's neighbour if it is part of that pair, the
    /// older one if not. So does `nativeExemplars.addExemplar` of client_golang.
    fn spread(&mut self, exemplar: Exemplar) {
        let at = self
            .native
            .partition_point(|other| other.value.total_cmp(&exemplar.value) == Less);
        if self.native.len() < NATIVE_MAX {
            self.native.insert(at, exemplar);
            return;
        }
        let gone = self.to_replace(at, &exemplar);
        self.native.remove(gone);
        self.native.insert(if gone < at { at - 1 } else { at }, exemplar);
    }

    /// Which one gives way to an exemplar that belongs at `at`.
    fn to_replace(&self, at: usize, exemplar: &Exemplar) -> usize {
        let kept = &self.native;
        let age = |n: &usize| kept[*n].timestamp_ms;
        let oldest = (0..kept.len()).min_by_key(age).unwrap_or(0);
        if exemplar.timestamp_ms.saturating_sub(kept[oldest].timestamp_ms) > NATIVE_AGE_MS {
            return oldest;
        }
        let mut closest = (f64::INFINITY, oldest);
        for n in 1..kept.len() {
            let apart = apart(kept[n - 1].value, kept[n].value);
            if apart < closest.0 {
                let older = if age(&n) < age(&(n - 1)) { n } else { n - 1 };
                closest = (apart, older);
            }
        }
        for neighbour in [at.checked_sub(1), (at < kept.len()).then_some(at)]
            .into_iter()
            .flatten()
        {
            let apart = apart(exemplar.value, kept[neighbour].value);
            if apart < closest.0 {
                closest = (apart, neighbour);
            }
        }
        closest.1
    }
}

/// How far apart two values lie on a logarithmic scale; values of different sign, and zero and any other, are infinitely far.
fn apart(a: f64, b: f64) -> f64 {
    if a == b {
        0.0
    } else if a * b.signum() > 0.0 {
        (a.abs().ln() - b.abs().ln()).abs()
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Location = Location(1 << 32 | 64);
    const OTHER: Location = Location(2 << 32 | 64);

    fn exemplar(bucket: u32, value: f64, timestamp_ms: u64) -> Exemplar {
        Exemplar {
            bucket,
            labels: format!("trace_id=\"{value}\"").into_bytes().into(),
            value,
            timestamp_ms,
        }
    }

    fn collected(exemplars: &Exemplars, parts: &[Location]) -> Vec<(u32, f64)> {
        let mut out = Vec::new();
        exemplars.collect(parts, &mut out);
        out.iter().map(|exemplar| (exemplar.bucket, exemplar.value)).collect()
    }

    fn native_values(exemplars: &Exemplars) -> Vec<f64> {
        collected(exemplars, &[AT])
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    }

    #[test]
    fn nothing_is_looked_for_until_one_is_kept_and_after_the_last_is_gone() {
        let exemplars = Exemplars::default();
        assert!(exemplars.is_empty());
        assert_eq!(collected(&exemplars, &[AT]), []);
        exemplars.keep(AT, exemplar(0, 1.0, 1));
        assert!(!exemplars.is_empty());
        exemplars.clear(OTHER);
        assert_eq!(collected(&exemplars, &[OTHER, AT]), [(0, 1.0)]);
        exemplars.clear(AT);
        assert!(exemplars.is_empty());
        assert_eq!(collected(&exemplars, &[AT]), []);
    }

    #[test]
    fn each_bucket_has_its_latest() {
        let exemplars = Exemplars::default();
        for (bucket, value) in [(0, 1.0), (3, 30.0), (0, 2.0), (3, 31.0), (1, 10.0)] {
            exemplars.keep(AT, exemplar(bucket, value, 7));
        }
        assert_eq!(collected(&exemplars, &[AT]), [(0, 2.0), (3, 31.0), (1, 10.0)]);
    }

    #[test]
    fn of_several_threads_the_latest_of_each_bucket_counts() {
        let exemplars = Exemplars::default();
        exemplars.keep(AT, exemplar(0, 1.0, 10));
        exemplars.keep(AT, exemplar(1, 2.0, 20));
        exemplars.keep(OTHER, exemplar(0, 3.0, 15));
        exemplars.keep(OTHER, exemplar(1, 4.0, 15));
        exemplars.keep(OTHER, exemplar(2, 5.0, 15));
        let expected = [(0, 3.0), (1, 2.0), (2, 5.0)];
        assert_eq!(collected(&exemplars, &[AT, OTHER]), expected);
        let mut out = vec![exemplar(9, 9.0, 9)];
        exemplars.collect(&[OTHER, AT], &mut out);
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn a_histogram_of_both_forms_has_those_of_both() {
        let exemplars = Exemplars::default();
        exemplars.keep(AT, exemplar(2, 1.5, 1));
        exemplars.keep(AT, exemplar(NATIVE, 1.5, 1));
        exemplars.keep(OTHER, exemplar(NATIVE, 2.5, 1));
        assert_eq!(collected(&exemplars, &[AT]), [(2, 1.5), (NATIVE, 1.5)]);
        assert_eq!(collected(&exemplars, &[OTHER]), [(NATIVE, 2.5)]);
        assert_eq!(
            collected(&exemplars, &[AT, OTHER]),
            [(2, 1.5), (NATIVE, 1.5), (NATIVE, 2.5)]
        );
    }

    #[test]
    fn ten_are_spread_over_the_values_of_a_native_histogram() {
        let exemplars = Exemplars::default();
        let powers: Vec<f64> = (0..10).map(|n| 4f64.powi(n)).collect();
        for (n, value) in powers.iter().rev().enumerate() {
            exemplars.keep(AT, exemplar(NATIVE, *value, 100 + n as u64));
        }
        assert_eq!(native_values(&exemplars), powers);
        // Closest to 16: that one is replaced, since any other would leave two that are close.
        exemplars.keep(AT, exemplar(NATIVE, 17.0, 200));
        let mut expected = powers.clone();
        expected[2] = 17.0;
        assert_eq!(native_values(&exemplars), expected);
        // Far from all: of the closest pair, (16→17, 64), the older one goes: 64.
        exemplars.keep(AT, exemplar(NATIVE, 1e9, 201));
        expected.remove(3);
        expected.push(1e9);
        assert_eq!(native_values(&exemplars), expected);
        // The same value again takes the place of itself.
        exemplars.keep(AT, exemplar(NATIVE, 1e9, 202));
        assert_eq!(native_values(&exemplars), expected);
    }

    #[test]
    fn one_that_is_older_than_five_minutes_goes_first() {
        let exemplars = Exemplars::default();
        for n in 0..10 {
            exemplars.keep(AT, exemplar(NATIVE, 4f64.powi(n), if n == 7 { 1_000 } else { 2_000 }));
        }
        exemplars.keep(AT, exemplar(NATIVE, 1.01, 1_000 + NATIVE_AGE_MS));
        assert!(native_values(&exemplars).contains(&4f64.powi(7)));
        exemplars.keep(AT, exemplar(NATIVE, 4.01, 1_001 + NATIVE_AGE_MS));
        assert!(!native_values(&exemplars).contains(&4f64.powi(7)));
        assert!(native_values(&exemplars).contains(&4.01));
    }

    #[test]
    fn values_of_both_signs_and_zero_stay_in_order_and_apart() {
        let exemplars = Exemplars::default();
        for n in 0..200 {
            let magnitude = 3f64.powi(n % 20);
            let value = [magnitude, -magnitude, 0.0][n as usize % 3];
            exemplars.keep(AT, exemplar(NATIVE, value, 1_000 + n as u64));
        }
        let values = native_values(&exemplars);
        assert_eq!(values.len(), NATIVE_MAX);
        assert!(values.is_sorted());
        assert_eq!(values.iter().filter(|value| **value == 0.0).count(), 1);
    }
}
