//! The rules one by one, the bounds, and the weights against what really was there.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::export::OwnedValue;
use crate::intern::InternTable;
use crate::layout::{HEADER_SIZE, KIND_RING, SPAN_RECORD_ONLY, SPAN_WITHIN_TRACE};
use crate::memory::segment::Segment;
use crate::traces::sample::{Given, Sample};
use crate::traces::{ExportSpan, Threshold};
use std::sync::Arc;

/// Trace and span id, and the threshold.
pub(super) type Emitted = Vec<(u128, u64, Option<Threshold>)>;

pub(super) fn keys() -> Arc<InternTable> {
    let segment = Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap();
    Arc::new(InternTable::new(Arc::new(segment)))
}

pub(super) fn entry(span: &ExportSpan) -> (u128, u64, Option<Threshold>) {
    let view = span.record.view();
    let ids = (u128::from_be_bytes(view.trace_id), u64::from_be_bytes(view.span_id));
    (ids.0, ids.1, span.threshold)
}

fn accept(sampler: &TailSampler, sample: &Sample) -> Emitted {
    let mut out = Vec::new();
    sampler.accept(&sample.record(), &mut |span| out.push(entry(&span)));
    out
}

fn tick(sampler: &TailSampler, ms: u64) -> Emitted {
    let mut out = Vec::new();
    sampler.tick(ms, &mut |span| out.push(entry(&span)));
    out
}

/// Nothing is kept but by the rule under test.
fn nothing() -> TailRules {
    TailRules {
        errors: Some(Share::of(0.0)),
        slow: None,
        rest: Share::of(0.0),
        ..TailRules::default()
    }
}

/// A trace id whose random bits are this share of their range.
fn random_id(share: f64) -> u128 {
    1 << 100 | (share * (1_u64 << 56) as f64) as u128
}

pub(super) const SURE: Option<Threshold> = Some(Threshold::ALWAYS);

#[test]
fn an_error_anywhere_keeps_the_whole_trace_when_its_root_ends() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        ..nothing()
    });
    assert_eq!(accept(&sampler, &Sample::child(5, 2).failed()), []);
    assert_eq!(accept(&sampler, &Sample::child(5, 3)), []);
    assert_eq!(sampler.counts().undecided_traces, 1);
    assert_eq!(
        accept(&sampler, &Sample::root(5)),
        [(5, 2, SURE), (5, 3, SURE), (5, 1, SURE)]
    );
    assert_eq!(accept(&sampler, &Sample::root(6)), []);
    let counts = sampler.counts();
    assert_eq!(
        (counts.kept_errors, counts.dropped_traces, counts.dropped_spans),
        (1, 1, 1)
    );
    assert_eq!((counts.undecided_traces, counts.undecided_bytes), (0, 0));
}

#[test]
fn the_roots_of_a_trace_object_are_decided_about_as_one_when_its_record_comes() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        ..nothing()
    });
    let within = |sample: Sample, span: u64| Sample {
        span,
        bits: SPAN_WITHIN_TRACE,
        ..sample
    };
    assert_eq!(accept(&sampler, &within(Sample::root(5), 2)), []);
    assert_eq!(accept(&sampler, &within(Sample::root(5), 3).failed()), []);
    let record = Sample {
        bits: SPAN_RECORD_ONLY,
        ..Sample::root(5)
    };
    assert_eq!(accept(&sampler, &record), [(5, 2, SURE), (5, 3, SURE)]);
}

#[test]
fn without_a_rule_for_them_errors_are_nothing_special() {
    let sampler = TailSampler::new(TailRules {
        errors: None,
        rest: Share::ALL,
        ..nothing()
    });
    assert_eq!(accept(&sampler, &Sample::root(1).failed()).len(), 1);
    assert_eq!((sampler.counts().kept_errors, sampler.counts().kept_rest), (0, 1));
}

#[test]
fn late_spans_follow_their_trace() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        ..nothing()
    });
    accept(&sampler, &Sample::root(5).failed());
    accept(&sampler, &Sample::root(6));
    assert_eq!(accept(&sampler, &Sample::child(5, 2)), [(5, 2, SURE)]);
    assert_eq!(accept(&sampler, &Sample::child(6, 2).failed()), [], "even an error");
    let counts = sampler.counts();
    assert_eq!(
        (counts.late_spans, counts.dropped_spans, counts.undecided_traces),
        (2, 2, 0)
    );
}

#[test]
fn decisions_are_remembered_up_to_their_number() {
    let sampler = TailSampler::new(TailRules {
        rest: Share::ALL,
        max_decisions: 2,
        ..nothing()
    });
    for trace in 1..=3 {
        accept(&sampler, &Sample::root(trace));
    }
    assert_eq!(accept(&sampler, &Sample::child(2, 2)), [(2, 2, SURE)]);
    assert_eq!(
        accept(&sampler, &Sample::child(1, 2)),
        [],
        "forgotten: it waits for a root"
    );
    assert_eq!(sampler.counts().undecided_traces, 1);
}

#[test]
fn spans_that_are_only_recorded_are_never_exported() {
    let sampler = TailSampler::new(TailRules {
        rest: Share::ALL,
        ..nothing()
    });
    let recorded = Sample {
        bits: SPAN_RECORD_ONLY,
        ..Sample::root(1)
    };
    assert_eq!(accept(&sampler, &recorded), []);
    assert_eq!(sampler.counts(), TailCounts::default());
    // The record of a trace object stands for the whole.
    assert_eq!(accept(&sampler, &Sample::child(1, 2)), []);
    assert_eq!(accept(&sampler, &recorded), [(1, 2, SURE)]);
    assert_eq!(accept(&sampler, &recorded), []);
    assert_eq!(
        accept(&sampler, &Sample::child(1, 3)),
        [(1, 3, SURE)],
        "the decision stands"
    );
}

#[test]
fn the_first_attribute_rule_that_any_span_meets_decides() {
    let rule = |key: &str, condition, share| AttributeRule {
        key: key.into(),
        condition,
        share,
    };
    let sampler = TailSampler::new(TailRules {
        attributes: vec![
            rule(
                "url.path",
                Condition::OneOf(vec![OwnedValue::Text("/health".into())]),
                Share::of(0.0),
            ),
            rule("cost", Condition::AtLeast(0.5), Share::ALL),
        ],
        rest: Share::ALL,
        ..nothing()
    });
    let health = |trace| Sample::root(trace).with("url.path", Given::Text("/health"));
    assert_eq!(accept(&sampler, &health(1)), []);
    accept(&sampler, &Sample::child(2, 2).with("cost", Given::Double(0.75)));
    assert_eq!(
        accept(&sampler, &health(2)),
        [],
        "the first rule, though it came second"
    );
    accept(&sampler, &Sample::child(3, 2).with("cost", Given::Double(0.75)));
    assert_eq!(accept(&sampler, &Sample::root(3)).len(), 2);
    assert_eq!(accept(&sampler, &Sample::root(4).with("cost", Given::Int(0))).len(), 1);
    let counts = sampler.counts();
    assert_eq!((counts.kept_attributes, counts.kept_rest), (1, 1));
}

#[test]
fn slow_is_measured_against_the_same_route() {
    let sampler = TailSampler::new(TailRules {
        slow: Some(SlowRule {
            min_count: 50,
            ..SlowRule::default()
        }),
        ..nothing()
    });
    let mut trace = 0;
    let mut run = |name, ms| {
        trace += 1;
        accept(&sampler, &Sample::root(trace).named(name).lasting_ms(ms)).len()
    };
    assert_eq!(run("GET /fast", 900.0), 0, "nobody knows yet what is slow");
    for _ in 0..300 {
        assert_eq!(run("GET /fast", 1.0), 0);
        assert_eq!(run("GET /slow", 500.0), 0);
    }
    assert_eq!(run("GET /slow", 502.0), 0);
    assert_eq!(run("GET /fast", 2.0), 1);
    assert_eq!(run("GET /slow", 700.0), 1);
    assert_eq!((sampler.counts().kept_slow, sampler.counts().routes), (2, 2));
}

#[test]
fn slow_has_a_factor_and_a_floor_and_errors_do_not_shift_it() {
    let sampler = TailSampler::new(TailRules {
        slow: Some(SlowRule {
            factor: 3.0,
            min_duration_ns: 20_000_000,
            min_count: 10,
            ..SlowRule::default()
        }),
        ..nothing()
    });
    let mut trace = 0;
    let mut run = |sample: fn(Sample) -> Sample, ms| {
        trace += 1;
        accept(&sampler, &sample(Sample::root(trace).lasting_ms(ms))).len()
    };
    for _ in 0..100 {
        run(|sample| sample, 2.0);
        run(Sample::failed, 3_000.0);
    }
    assert_eq!(run(|sample| sample, 15.0), 0, "below the floor");
    assert_eq!(run(|sample| sample, 25.0), 1);
    let patient = TailSampler::new(TailRules {
        slow: Some(SlowRule {
            factor: 3.0,
            ..SlowRule::default()
        }),
        ..nothing()
    });
    for trace in 1..=200 {
        accept(&patient, &Sample::root(trace).lasting_ms(10.0));
    }
    assert_eq!(accept(&patient, &Sample::root(201).lasting_ms(29.0)), []);
    assert_eq!(accept(&patient, &Sample::root(202).lasting_ms(40.0)).len(), 1);
}

#[test]
fn a_trace_without_its_root_is_decided_on_in_time_and_the_root_follows() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        decision_timeout_ms: 1_000,
        ..nothing()
    });
    tick(&sampler, 5_000);
    accept(&sampler, &Sample::child(1, 2).failed());
    accept(&sampler, &Sample::child(2, 2));
    assert_eq!(tick(&sampler, 5_999), []);
    assert_eq!(tick(&sampler, 6_000), [(1, 2, SURE)]);
    assert_eq!(accept(&sampler, &Sample::root(1)), [(1, 1, SURE)]);
    assert_eq!(accept(&sampler, &Sample::root(2).failed()), []);
    assert_eq!((sampler.counts().timed_out, sampler.counts().undecided_traces), (2, 0));
}

#[test]
fn what_came_before_the_first_tick_waits_from_then_on() {
    let sampler = TailSampler::new(TailRules {
        rest: Share::ALL,
        decision_timeout_ms: 1_000,
        ..nothing()
    });
    accept(&sampler, &Sample::child(1, 2));
    assert_eq!(tick(&sampler, 7_000_000_000), []);
    assert_eq!(tick(&sampler, 7_000_001_000), [(1, 2, SURE)]);
}

#[test]
fn what_waits_is_bounded_by_number_and_bytes_and_decided_on_early_not_lost() {
    let few = TailSampler::new(TailRules {
        rest: Share::ALL,
        max_traces: 10,
        ..nothing()
    });
    let emitted: usize = (1..=50).map(|trace| accept(&few, &Sample::child(trace, 2)).len()).sum();
    assert_eq!(
        (emitted, few.counts().undecided_traces, few.counts().early),
        (40, 10, 40)
    );
    let small = TailSampler::new(TailRules {
        rest: Share::ALL,
        max_bytes: 8_000,
        ..nothing()
    });
    let mut emitted = 0;
    for trace in 1..=50 {
        emitted += accept(&small, &Sample::child(trace, 2)).len();
        assert!(small.counts().undecided_bytes <= 8_000);
    }
    assert_eq!(emitted + small.counts().undecided_traces, 50);
    let mut rest = 0;
    small.decide_all(&mut |_| rest += 1);
    assert_eq!((emitted + rest, small.counts().undecided_bytes), (50, 0));
}

#[test]
fn at_the_end_nothing_waits_any_more() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        ..nothing()
    });
    accept(&sampler, &Sample::child(1, 2).failed());
    let mut emitted = 0;
    sampler.decide_all(&mut |_| emitted += 1);
    assert_eq!(emitted, 1);
    assert_eq!(accept(&sampler, &Sample::child(2, 2).failed()), [(2, 2, SURE)]);
    assert_eq!(accept(&sampler, &Sample::child(3, 2)), []);
    let counts = sampler.counts();
    assert_eq!(
        (counts.undecided_traces, counts.undecided_bytes, counts.early),
        (0, 0, 3)
    );
}

#[test]
fn an_endless_trace_does_not_push_the_others_out() {
    let sampler = TailSampler::new(TailRules {
        rest: Share::ALL,
        max_bytes: 40_000,
        ..nothing()
    });
    accept(&sampler, &Sample::child(1, 2));
    let emitted: usize = (2..1_000)
        .map(|span| accept(&sampler, &Sample::child(9, span)).len())
        .sum();
    assert!(emitted > 900, "{emitted}");
    assert_eq!((sampler.counts().undecided_traces, sampler.counts().early), (1, 1));
}

#[test]
fn the_rest_is_chosen_by_the_trace_s_own_random_bits() {
    let sampler = TailSampler::new(TailRules {
        rest: Share::of(0.25),
        ..nothing()
    });
    let quarter = Threshold::parse("c");
    for (share, kept) in [(0.0, false), (0.7499, false), (0.75, true), (0.9999, true)] {
        let id = random_id(share);
        let expected: Emitted = if kept { vec![(id, 1, quarter)] } else { vec![] };
        assert_eq!(accept(&sampler, &Sample::root(id)), expected, "{share}");
    }
    // An explicit value in the tracestate counts instead of the id.
    let told = Sample {
        trace_state: "x=1,ot=rv:c0000000000000",
        ..Sample::root(random_id(0.1))
    };
    assert_eq!(accept(&sampler, &told).len(), 1);
}

#[test]
fn the_threshold_of_the_head_sampler_is_kept_or_multiplied() {
    let sampler = TailSampler::new(TailRules {
        errors: Some(Share::ALL),
        rest: Share::of(0.5),
        ..nothing()
    });
    let half_before = |share| Sample {
        trace_state: "ot=th:8",
        ..Sample::root(random_id(share))
    };
    assert_eq!(
        accept(&sampler, &half_before(0.6).failed())[0].2,
        None,
        "the tracestate says it already"
    );
    assert_eq!(accept(&sampler, &half_before(0.61)), []);
    assert_eq!(
        accept(&sampler, &half_before(0.75))[0].2,
        Threshold::parse("c"),
        "a half of a half"
    );
    let recorded = Sample {
        bits: SPAN_RECORD_ONLY,
        ..Sample::root(random_id(0.77))
    };
    let inside = Sample {
        parent: 9,
        ..half_before(0.77)
    };
    accept(&sampler, &inside);
    assert_eq!(
        accept(&sampler, &recorded)[0].2,
        Threshold::parse("c"),
        "that of the spans in a trace object"
    );
    // The head sampler cannot have kept this one with that threshold: it tells nothing.
    assert_eq!(accept(&sampler, &half_before(0.4).failed())[0].2, SURE);
}

#[test]
fn a_lowest_rate_keeps_rare_routes_and_a_highest_one_thins_busy_ones() {
    let sampler = TailSampler::new(TailRules {
        rest: Share {
            ratio: 0.0,
            min_per_second: 10.0,
            max_per_second: f64::INFINITY,
        },
        ..nothing()
    });
    let (keys, mut state) = (keys(), 9_u64);
    let (mut busy, mut rare) = (0, 0);
    for ms in 0..20_000_u64 {
        sampler.tick(ms, &mut |_| {});
        let mut run = |name, number: u64| {
            let id = (u128::from(number) + 1) << 64 | (random(&mut state) * (1_u64 << 56) as f64) as u128;
            let mut kept = 0;
            let record = Sample::root(id).named(name).record_with(&keys, number);
            sampler.accept(&record, &mut |_| kept += 1);
            kept
        };
        busy += run("busy", ms);
        if ms % 500 == 0 {
            rare += run("rare", 1_000_000 + ms);
        }
    }
    assert_eq!(rare, 40, "all of them");
    assert!((150..=300).contains(&busy), "{busy} of 20 s with 10 per second");
}

pub(super) fn random(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    ((*state ^ *state >> 29) >> 11) as f64 / (1_u64 << 53) as f64
}
