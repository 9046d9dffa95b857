//! Many traces in any order: what comes out against models, and the weights against what really was there.
#![allow(clippy::unwrap_used)]

use super::tests::*;
use super::tracestate::HeadSampling;
use super::*;
use crate::traces::Threshold;
use crate::traces::sample::{Given, Sample};
use std::collections::HashMap;

/// Sums of weights estimate the number of all traces, by route and by outcome, whatever rules, rates and bursts there are, and
/// whatever the head sampler did: the error of each estimate is below five standard deviations.
#[test]
fn weights_are_unbiased_for_any_mix_of_rules() {
    let share = |ratio, min_per_second, max_per_second| Share {
        ratio,
        min_per_second,
        max_per_second,
    };
    let sampler = TailSampler::new(TailRules {
        errors: Some(share(1.0, 0.0, 20.0)),
        attributes: vec![AttributeRule {
            key: "tier".into(),
            condition: Condition::Present,
            share: Share::of(0.3),
        }],
        slow: Some(SlowRule {
            quantile: 0.8,
            share: Share::of(0.8),
            ..SlowRule::default()
        }),
        rest: share(0.02, 5.0, 40.0),
        max_traces: 50,
        ..TailRules::default()
    });
    let (keys, mut state) = (keys(), 1_u64);
    let names = ["GET /a", "GET /b", "GET /c"];
    let states = ["", "ot=th:8", "ot=th:c"];
    // By name and failure: how many there were, the sum of weights, and its estimated variance.
    let mut truth: HashMap<(&str, bool), (f64, f64, f64)> = HashMap::new();
    let mut now = 0.0;
    for number in 0..60_000_u64 {
        // Bursts: the second half of each ten seconds is ten times as busy.
        now += if now % 10_000.0 < 5_000.0 { 10.0 } else { 1.0 } * random(&mut state);
        if number % 7 == 0 {
            sampler.tick(now as u64, &mut |_| {});
        }
        let id = (u128::from(number) + 1) << 64 | (random(&mut state) * (1_u64 << 56) as f64) as u128;
        let name = names[(random(&mut state).powi(3) * 3.0) as usize];
        let head = states[(random(&mut state) * 3.0) as usize];
        let failed = random(&mut state) < 0.1;
        let entry = truth.entry((name, failed)).or_default();
        entry.0 += 1.0;
        // The head sampler's own choice.
        if !HeadSampling::of(head)
            .threshold
            .is_none_or(|threshold| threshold.keeps(id as u64))
        {
            continue;
        }
        let mut root = Sample::root(id)
            .named(name)
            .lasting_ms(1.0 + 20.0 * random(&mut state).powi(4));
        root.trace_state = head;
        if random(&mut state) < 0.1 {
            root = root.with("tier", Given::Text("gold"));
        }
        if failed {
            root = root.failed();
        }
        let head = HeadSampling::of(head).threshold.unwrap_or(Threshold::ALWAYS);
        sampler.accept(&root.record_with(&keys, number), &mut |span| {
            let weight = span.threshold.unwrap_or(head).weight();
            entry.1 += weight;
            entry.2 += weight * (weight - 1.0);
        });
    }
    let counts = sampler.counts();
    for kept in [
        counts.kept_errors,
        counts.kept_attributes,
        counts.kept_slow,
        counts.kept_rest,
    ] {
        assert!(kept > 100, "every rule was at work: {counts:?}");
    }
    assert!(counts.dropped_traces > 10_000);
    for ((name, failed), (count, estimate, variance)) in truth {
        let deviation = (estimate - count) / variance.sqrt();
        assert!(
            deviation.abs() < 5.0,
            "{name} {failed}: {estimate} for {count}, {deviation} standard deviations"
        );
    }
}

/// Any order of spans, ticks and closings: every span comes out at most once, all spans of a trace share its fate as long as it
/// is remembered, and the counts add up.
#[test]
fn any_sequence_emits_whole_traces_once() {
    let keys = keys();
    let mut state = 77_u64;
    for round in 0..20 {
        let sampler = TailSampler::new(TailRules {
            rest: Share::of(0.5),
            max_traces: 5 + round,
            decision_timeout_ms: 300,
            max_decisions: 100_000,
            ..TailRules::default()
        });
        let mut fate: HashMap<u128, bool> = HashMap::new();
        let (mut given, mut emitted) = (0_u64, Vec::new());
        for step in 0..2_000_u64 {
            let trace = ((random(&mut state) * 80.0) as u128 + 1) << 64 | u128::from(step / 500) << 50;
            let sample = match (random(&mut state) * 6.0) as u32 {
                0 => Sample::root(trace),
                1 => Sample::child(trace, step + 2).failed(),
                _ => Sample::child(trace, step + 2),
            };
            given += 1;
            sampler.accept(&sample.record_with(&keys, step), &mut |span| emitted.push(entry(&span)));
            sampler.tick(step, &mut |span| emitted.push(entry(&span)));
        }
        sampler.decide_all(&mut |span| emitted.push(entry(&span)));
        let counts = sampler.counts();
        assert_eq!(counts.undecided_bytes, 0);
        assert_eq!(emitted.len() as u64 + counts.dropped_spans, given);
        let mut thresholds: HashMap<u128, Option<Threshold>> = HashMap::new();
        for (trace, _, threshold) in &emitted {
            assert_eq!(
                thresholds.entry(*trace).or_insert(*threshold),
                threshold,
                "one weight per trace"
            );
            fate.insert(*trace, true);
        }
        let kept = counts.kept_errors + counts.kept_attributes + counts.kept_slow + counts.kept_rest;
        assert_eq!(fate.len() as u64, kept);
    }
}

/// Against a model that keeps every span and every decision for ever.
#[test]
fn any_sequence_emits_what_a_model_emits_in_the_same_order() {
    let keys = keys();
    let mut state = 5_u64;
    let quarter = Threshold::ALWAYS.share(0.25).unwrap();
    let sampler = TailSampler::new(TailRules {
        slow: None,
        rest: Share::of(0.25),
        attributes: vec![AttributeRule {
            key: "drop".into(),
            condition: Condition::Present,
            share: Share::of(0.0),
        }],
        ..TailRules::default()
    });
    let mut waiting: HashMap<u128, Vec<(u64, bool, bool)>> = HashMap::new();
    let mut decided: HashMap<u128, Option<Threshold>> = HashMap::new();
    let (mut emitted, mut expected): (Emitted, Emitted) = Default::default();
    for step in 0..20_000_u64 {
        let trace =
            1 << 100 | u128::from((random(&mut state) * 3_000.0) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c);
        let chance = random(&mut state);
        let (is_root, failed, matches) = (chance < 0.2, chance * 100.0 % 1.0 < 0.05, chance * 1e4 % 1.0 < 0.1);
        let mut sample = if is_root {
            Sample::root(trace)
        } else {
            Sample::child(trace, step + 2)
        };
        sample.span = step + 2;
        if failed {
            sample = sample.failed();
        }
        if matches {
            sample = sample.with("drop", Given::Bool(true));
        }
        sampler.accept(&sample.record_with(&keys, step), &mut |span| emitted.push(entry(&span)));
        match decided.get(&trace) {
            Some(None) => {}
            Some(threshold) => expected.push((trace, sample.span, *threshold)),
            None => {
                let spans = waiting.entry(trace).or_default();
                spans.push((sample.span, failed, matches));
                if is_root {
                    let spans = waiting.remove(&trace).unwrap();
                    let fate = if spans.iter().any(|span| span.1) {
                        SURE
                    } else if spans.iter().any(|span| span.2) {
                        None
                    } else {
                        Some(quarter).filter(|threshold| threshold.keeps(trace as u64))
                    };
                    decided.insert(trace, fate);
                    expected.extend(fate.iter().flat_map(|_| spans.iter().map(|span| (trace, span.0, fate))));
                }
            }
        }
    }
    assert!(emitted.len() > 1_000 && decided.len() > 1_000);
    assert_eq!(emitted, expected);
    assert_eq!(sampler.counts().undecided_traces, waiting.len());
}
