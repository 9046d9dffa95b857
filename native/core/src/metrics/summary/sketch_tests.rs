//! How far a quantile of the sketch is from the exact one, and what it costs in memory at most.

use super::*;

/// SplitMix64: the same values in every run.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

fn distributions() -> Vec<(&'static str, Vec<f64>)> {
    let mut random = Random(7);
    let mut of = |name, draw: &mut dyn FnMut(&mut Random) -> f64| {
        (name, (0..20_000).map(|_| draw(&mut random)).collect::<Vec<_>>())
    };
    vec![
        of("uniform", &mut |random| random.unit() * 100.0),
        of("exponential", &mut |random| -(1.0 - random.unit()).ln() * 0.05),
        of("lognormal", &mut |random| (random.normal() * 2.0 - 5.0).exp()),
        of("pareto", &mut |random| (1.0 - random.unit()).powf(-2.0)),
        of("normal around zero", &mut |random| random.normal()),
        of("two far peaks", &mut |random| {
            let far = random.unit() < 0.1;
            random.unit() * if far { 1e6 } else { 1e-6 }
        }),
        of("negative", &mut |random| -random.unit() * 1e-9),
        of("many zeros", &mut |random| (random.normal()).max(0.0)),
        of("whole numbers", &mut |random| (random.unit() * 10.0).floor()),
        of("constant", &mut |_| 42.5),
    ]
}

const QUANTILES: [f64; 11] = [0.0, 0.001, 0.01, 0.07, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0];

fn sketch_of(values: &[f64], scale: &Scale) -> Sketch {
    let mut sketch = Sketch::default();
    values.iter().for_each(|value| sketch.record(*value, scale));
    sketch
}

fn assert_close(sketch: &Sketch, scale: &Scale, error: f64, values: &[f64], what: &str) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    for q in QUANTILES {
        let exact = sorted[nearest_rank(q, sorted.len() as u64) as usize - 1];
        let told = sketch.quantile(q, scale);
        let off = (told - exact).abs();
        assert!(
            off <= exact.abs() * error * (1.0 + 1e-9),
            "{what} at {q}: {told}, exactly {exact}"
        );
    }
}

#[test]
fn every_quantile_is_within_the_stated_error_of_the_exact_one() {
    for error in [0.05, 0.01, 0.001] {
        let scale = Scale::new(error);
        for (name, values) in distributions() {
            assert_close(&sketch_of(&values, &scale), &scale, error, &values, name);
        }
    }
}

#[test]
fn parts_merged_in_any_order_say_what_one_sketch_says() {
    let scale = Scale::new(0.01);
    let all: Vec<f64> = distributions().into_iter().flat_map(|(_, values)| values).collect();
    let whole = sketch_of(&all, &scale);
    let parts: Vec<_> = all.chunks(7_001).map(|part| sketch_of(part, &scale)).collect();
    let mut forward = Sketch::default();
    parts.iter().for_each(|part| forward.merge(part, &scale));
    let mut backward = Sketch::default();
    parts.iter().rev().for_each(|part| backward.merge(part, &scale));
    for q in QUANTILES {
        assert_eq!(forward.quantile(q, &scale), whole.quantile(q, &scale), "{q}");
        assert_eq!(backward.quantile(q, &scale), whole.quantile(q, &scale), "{q}");
    }
}

#[test]
fn nothing_has_no_quantile_and_one_value_is_told_exactly() {
    let scale = Scale::new(0.01);
    assert!(Sketch::default().quantile(0.5, &scale).is_nan());
    for value in [0.1, -3.7, 0.0, 1e300, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324] {
        let sketch = sketch_of(&[value], &scale);
        for q in QUANTILES {
            assert_eq!(sketch.quantile(q, &scale), value);
        }
    }
}

#[test]
fn ranks_are_nearest_ranks_in_spite_of_rounding() {
    assert_eq!(nearest_rank(0.07, 100), 7);
    assert_eq!(nearest_rank(0.29, 100), 29);
    assert_eq!(nearest_rank(0.071, 100), 8);
    assert_eq!(nearest_rank(0.0, 100), 1);
    assert_eq!(nearest_rank(1.0, 100), 100);
    assert_eq!(nearest_rank(0.5, 1), 1);
    assert_eq!(nearest_rank(0.5, 3), 2);
}

#[test]
fn memory_is_bounded_and_only_the_smallest_magnitudes_lose_their_error_bound() {
    let error = 0.01;
    let scale = Scale::new(error);
    // Every magnitude a double has, upwards, downwards and by turns.
    let up: Vec<f64> = (-300..=300).map(|exponent| 10f64.powi(exponent)).collect();
    let down: Vec<f64> = up.iter().rev().copied().collect();
    let turns: Vec<f64> = up.iter().zip(&down).flat_map(|(a, b)| [*a, *b]).collect();
    for values in [&up, &down, &turns] {
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        let mut sketch = sketch_of(values, &scale);
        sketch.merge(&sketch_of(&negated, &scale), &scale);
        for store in [&sketch.positive, &sketch.negative] {
            assert!(store.pages.len() as i32 <= scale.pages);
            assert_eq!(store.bins().map(|(_, count)| count).sum::<u64>(), values.len() as u64);
        }
        for top in 1..8 {
            let exact = 10f64.powi(301 - top);
            let rank = 2 * values.len() - (2 * top as usize - 1) * values.len() / 1202;
            let told = sketch.quantile(rank as f64 / (2 * values.len()) as f64, &scale);
            assert!((told - exact).abs() <= exact * error * 1.01, "{top}: {told}");
        }
        // 17 decades below the largest are told apart, whatever came in which order.
        let mut of_one_sign = sketch_of(values, &scale);
        of_one_sign.min = 0.0;
        let per_decade = values.len() as f64 / 601.0;
        for decades in 1..=17 {
            let q = 1.0 - (f64::from(decades) - 0.5) * per_decade / values.len() as f64;
            let exact = 10f64.powi(301 - decades);
            let told = of_one_sign.quantile(q, &scale);
            assert!((told - exact).abs() <= exact * error * 1.01, "{decades}: {told}");
        }
    }
    assert!(scale.pages * PAGE as i32 * 8 <= 20_000);
}
