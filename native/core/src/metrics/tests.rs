//! Series that come, go, are reset and are read while all of that happens.
#![allow(clippy::unwrap_used)]

use super::descriptor::{Aggregate, Descriptor};
use super::metric::{Kind, Metric, RegisterError};
use super::registry::Registries;
use super::series::Location;
use crate::layout::EPOCH_AT;
use crate::memory::table::{AnonymousProvider, Memory, Owner, Role};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

struct World {
    registries: Registries,
    main: Arc<Owner>,
    worker: Arc<Owner>,
}

fn world() -> World {
    let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
    let (main, worker) = (
        memory.attach(Role::Main, 0).unwrap(),
        memory.attach(Role::Worker, 1).unwrap(),
    );
    World {
        registries: Registries::new(memory),
        main,
        worker,
    }
}

fn descriptor(kind: Kind, aggregate: Aggregate) -> Descriptor {
    let bounds: Box<[f64]> = if kind == Kind::Histogram {
        [1.0, 2.0].into()
    } else {
        [].into()
    };
    Descriptor {
        label_names: [Box::from("a")].into(),
        bounds,
        aggregate,
        ..Descriptor::new(kind, "m", "help")
    }
}

impl World {
    fn declare(&self, kind: Kind) -> Arc<Metric> {
        self.registries
            .declare(&self.registries.open(None), descriptor(kind, Aggregate::Sum))
            .unwrap()
    }

    /// What JS does: a plain read, an addition and a store by the owner.
    fn add(&self, at: Location, n: u32, by: f64) {
        let cell = self
            .registries
            .memory()
            .slot(at.segment())
            .unwrap()
            .segment
            .cell(at.cell() + n);
        cell.store(
            (f64::from_bits(cell.load(Ordering::Relaxed)) + by).to_bits(),
            Ordering::Relaxed,
        );
    }

    fn epoch(&self, owner: &Owner) -> i32 {
        let id = owner.segments()[0];
        self.registries
            .memory()
            .slot(id)
            .unwrap()
            .segment
            .i32_at(EPOCH_AT)
            .load(Ordering::Relaxed)
    }
}

fn shown(metric: &Metric) -> Vec<(String, Vec<f64>)> {
    let mut all = Vec::new();
    metric.for_each_series(&mut |labels, values| {
        all.push((String::from_utf8(labels.to_vec()).unwrap(), values.to_vec()))
    });
    all
}

fn one(labels: &str, values: &[f64]) -> Vec<(String, Vec<f64>)> {
    vec![(labels.to_owned(), values.to_vec())]
}

#[test]
fn a_series_is_the_sum_of_its_threads_and_registered_once() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let a = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    assert_eq!(metric.register(&world.main, b"a=\"1\"").unwrap().location, a);
    let b = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
    world.add(a, 0, 2.0);
    world.add(b, 0, 3.0);
    assert_eq!(shown(&metric), one("a=\"1\"", &[5.0]));
}

/// [S1] removal hides, the same thread's next write through a held handle shows the series again, from 0.
#[test]
fn a_removed_counter_shows_again_when_its_held_handle_is_used() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    world.add(at, 0, 7.0);
    assert!(metric.remove(Some(&world.main), b"a=\"1\"", true).is_some());
    assert_eq!(shown(&metric), []);
    assert!(
        metric.remove(Some(&world.main), b"a=\"1\"", true).is_none(),
        "it is gone already"
    );
    world.add(at, 0, 0.1);
    assert_eq!(
        shown(&metric),
        one("a=\"1\"", &[0.1]),
        "exactly, since the owner zeroed its cell"
    );
}

/// [S1] another thread's cells are not written: reset and removal are a baseline that rendering subtracts.
#[test]
fn another_threads_cells_get_a_baseline() {
    let world = world();
    let metric = world.declare(Kind::Histogram);
    let at = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
    world.add(at, 1, 4.0);
    world.add(at, 3, 6.0);
    metric.reset(Some(&world.main));
    assert_eq!(shown(&metric), one("a=\"1\"", &[0.0; 4]));
    world.add(at, 1, 1.0);
    world.add(at, 3, 1.5);
    assert_eq!(shown(&metric), one("a=\"1\"", &[0.0, 1.0, 0.0, 1.5]));
    let cell = world
        .registries
        .memory()
        .slot(at.segment())
        .unwrap()
        .segment
        .cell(at.cell() + 1);
    assert_eq!(
        f64::from_bits(cell.load(Ordering::Relaxed)),
        5.0,
        "only its owner writes it"
    );
    metric.remove(Some(&world.main), b"a=\"1\"", false).unwrap();
    assert_eq!(shown(&metric), []);
    assert_eq!(world.worker.take_removals().len(), 1, "the owner is told");
}

/// [S1] a place is given back by its owner only, and not while it was written after the removal.
#[test]
fn only_the_owner_gives_a_place_back_and_never_a_touched_one() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let at = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
    let id = metric.remove(Some(&world.main), b"a=\"1\"", false).unwrap();
    assert!(!metric.release(&world.main, id), "not the owner");
    world.add(at, 0, 1.0);
    assert!(!metric.release(&world.worker, id), "touched");
    assert_eq!(shown(&metric), one("a=\"1\"", &[1.0]));
    metric.remove(Some(&world.worker), b"a=\"1\"", true).unwrap();
    assert!(metric.release(&world.worker, id));
    let other = metric.register(&world.worker, b"a=\"2\"").unwrap().location;
    assert_eq!(other, at, "the place is used again");
    assert_eq!(shown(&metric), one("a=\"2\"", &[0.0]));
}

/// [S1] the labels of a series stay readable when the thread that registered it first gave its part back.
#[test]
fn the_series_of_two_threads_outlives_the_first_ones_part() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    metric.register(&world.main, b"a=\"1\"").unwrap();
    let at = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
    let id = metric.remove(Some(&world.main), b"a=\"1\"", false).unwrap();
    metric.register(&world.main, b"a=\"other\"").unwrap();
    world.add(at, 0, 2.0);
    assert!(shown(&metric).contains(&("a=\"1\"".to_owned(), vec![2.0])));
    assert!(!metric.release(&world.worker, id));
}

/// [S1] a gauge that is set to the same value after a removal or reset shows again: its epoch says to register anew.
#[test]
fn a_gauge_is_masked_until_its_owner_registers_again() {
    let world = world();
    let metric = world.declare(Kind::Gauge);
    let at = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
    world.add(at, 0, 5.0);
    let epoch = world.epoch(&world.worker);
    metric.reset(Some(&world.main));
    assert_eq!(shown(&metric), one("a=\"1\"", &[0.0]));
    assert_ne!(world.epoch(&world.worker), epoch);
    assert_eq!(metric.register(&world.worker, b"a=\"1\"").unwrap().location, at);
    world.add(at, 0, 5.0);
    assert_eq!(shown(&metric), one("a=\"1\"", &[5.0]));
    metric.remove(Some(&world.main), b"a=\"1\"", false).unwrap();
    assert_eq!(shown(&metric), []);
    metric.register(&world.worker, b"a=\"1\"").unwrap();
    world.add(at, 0, 5.0);
    assert_eq!(shown(&metric), one("a=\"1\"", &[5.0]));
}

/// [S1] gauges: `sum` over the threads that are alive; a `last` gauge is one cell that stays.
#[test]
fn an_ended_threads_gauges_hold_no_more_and_its_counts_stay() {
    let world = world();
    let (gauge, counter) = (world.declare(Kind::Gauge), world.declare(Kind::Counter));
    let registry = world.registries.open(None);
    let last = world
        .registries
        .declare(&registry, descriptor(Kind::Gauge, Aggregate::Last))
        .unwrap();
    for metric in [&gauge, &counter, &last] {
        let main = metric.register(&world.main, b"a=\"1\"").unwrap().location;
        let worker = metric.register(&world.worker, b"a=\"1\"").unwrap().location;
        assert_eq!(main == worker, metric.descriptor().aggregate == Aggregate::Last);
        world.add(main, 0, 1.0);
        world.add(worker, 0, 2.0);
    }
    world.registries.retire(&world.worker);
    assert_eq!(shown(&gauge), one("a=\"1\"", &[1.0]));
    assert_eq!(shown(&counter), one("a=\"1\"", &[3.0]));
    assert_eq!(shown(&last), one("a=\"1\"", &[3.0]));
    let next = world.registries.memory().attach(Role::Worker, 2).unwrap();
    let at = gauge.register(&next, b"a=\"1\"").unwrap().location;
    assert_eq!(shown(&gauge), one("a=\"1\"", &[1.0]), "the new thread starts at 0");
    world.add(at, 0, 4.0);
    assert_eq!(shown(&gauge), one("a=\"1\"", &[5.0]));
}

/// [S2] a reader never sees half a reset: all values before it, or all after it.
#[test]
fn stress_a_reset_is_seen_whole_or_not_at_all() {
    let world = world();
    let metric = world.declare(Kind::Histogram);
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20_000 {
                // All four cells move together inside a change, so that a reader can tell a torn read from a good one.
                metric.reset(Some(&world.main));
                let series = &metric;
                series.write_together(at, 1.0);
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            for (_, values) in shown(&metric) {
                assert!(values.iter().all(|value| *value == values[0]), "torn: {values:?}");
            }
        }
    });
}

/// [S3] registration goes on while a render that began before it is still reading.
#[test]
fn registration_does_not_wait_for_a_render() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    metric.register(&world.main, b"a=\"0\"").unwrap();
    let mut seen = 0;
    metric.for_each_series(&mut |_, _| {
        seen += 1;
        if seen == 1 {
            // From inside the render: if registration took a lock of the render, this would never return.
            for n in 1..500 {
                metric.register(&world.main, format!("a=\"{n}\"").as_bytes()).unwrap();
            }
            world.declare(Kind::Gauge);
        }
    });
    assert!(seen >= 1);
    assert_eq!(shown(&metric).len(), 500);
}

/// [S1] churn under a constant render: memory stays bounded and no render shows a foreign label or value.
#[test]
fn stress_places_are_reused_under_a_render_without_mixing_series() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..30_000_u32 {
                let block = format!("a=\"{n:08}\"");
                let at = metric.register(&world.main, block.as_bytes()).unwrap().location;
                world.add(at, 0, f64::from(n));
                metric.remove(Some(&world.main), block.as_bytes(), false).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            for (labels, values) in shown(&metric) {
                let n: f64 = labels[3..11].parse().unwrap();
                assert!(values[0] == 0.0 || values[0] == n, "{labels} shows {values:?}");
            }
        }
    });
    assert_eq!(shown(&metric), []);
    assert!(
        world.registries.memory().bytes() <= 4 << 20,
        "{} bytes",
        world.registries.memory().bytes()
    );
}

#[test]
fn a_metric_taken_out_refuses_series_and_gives_its_cells_back() {
    let world = world();
    let registry = world.registries.open(Some("shared"));
    assert_eq!(world.registries.open(Some("shared")).id(), registry.id());
    let metric = world
        .registries
        .declare(&registry, descriptor(Kind::Counter, Aggregate::Sum))
        .unwrap();
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    assert!(world.registries.unregister(&registry, metric.id()));
    assert_eq!(metric.register(&world.main, b"a=\"2\""), Err(RegisterError::Gone));
    metric.release_all(&world.main);
    let again = world
        .registries
        .declare(&registry, descriptor(Kind::Counter, Aggregate::Sum))
        .unwrap();
    assert_ne!(again.id(), metric.id());
    assert_eq!(again.register(&world.main, b"a=\"1\"").unwrap().location, at);
}

#[test]
fn names_that_would_share_a_sample_line_are_refused() {
    let world = world();
    let registry = world.registries.open(None);
    let named = |name: &str, kind| Descriptor {
        name: name.into(),
        ..descriptor(kind, Aggregate::Sum)
    };
    let first = world
        .registries
        .declare(&registry, named("x", Kind::Histogram))
        .unwrap();
    assert_eq!(
        world
            .registries
            .declare(&registry, named("x", Kind::Histogram))
            .unwrap()
            .id(),
        first.id()
    );
    for (name, kind) in [
        ("x", Kind::Counter),
        ("x_count", Kind::Gauge),
        ("x_bucket", Kind::Counter),
    ] {
        assert!(
            world.registries.declare(&registry, named(name, kind)).is_err(),
            "{name}"
        );
    }
    world
        .registries
        .declare(&registry, named("a.b", Kind::Counter))
        .unwrap();
    assert!(
        world
            .registries
            .declare(&registry, named("a_b", Kind::Counter))
            .is_err()
    );
    world.registries.clear(&registry);
    assert!(
        world
            .registries
            .declare(&registry, named("x_count", Kind::Gauge))
            .is_ok()
    );
}

/// A program that declares and takes metrics out for ever needs no more room than what is declared.
#[test]
fn a_metric_that_is_gone_leaves_nothing_behind() {
    let world = world();
    let registry = world.registries.open(None);
    for n in 0..20_000 {
        let descriptor = Descriptor {
            name: format!("m{n:08}").into(),
            ..descriptor(Kind::Counter, Aggregate::Sum)
        };
        let metric = world.registries.declare(&registry, descriptor).unwrap();
        metric.register(&world.main, b"a=\"1\"").unwrap();
        assert!(world.registries.unregister(&registry, metric.id()));
        world.registries.forget(metric.id());
        assert!(
            world.registries.metric(metric.id()).is_some(),
            "its cells are not given back yet"
        );
        metric.release_all(&world.main);
        world.registries.forget(metric.id());
        assert!(world.registries.metric(metric.id()).is_none());
    }
    assert!(
        world.registries.memory().bytes() <= 2 << 20,
        "{}",
        world.registries.memory().bytes()
    );
}

#[test]
fn a_reset_keeps_a_series_that_a_held_handle_brought_back() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    metric.remove(Some(&world.main), b"a=\"1\"", true).unwrap();
    world.add(at, 0, 3.0);
    metric.reset(Some(&world.main));
    assert_eq!(shown(&metric), one("a=\"1\"", &[0.0]));
}

/// Beyond its limit a metric counts on in one series, and a place that becomes free is used again.
#[test]
fn a_full_metric_sends_new_combinations_to_the_overflow_series() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    metric.limits().set(2, 0);
    for value in ["1", "2", "3", "4", "3"] {
        let block = format!("a=\"{value}\"");
        let registered = metric.register(&world.main, block.as_bytes()).unwrap();
        assert_eq!(registered.overflow, matches!(value, "3" | "4"));
        world.add(registered.location, 0, 1.0);
    }
    let overflow = ("otel_metric_overflow=\"true\"".to_owned(), vec![3.0]);
    assert_eq!(shown(&metric)[2], overflow);
    assert_eq!((shown(&metric).len(), metric.limits().overflowed()), (3, 3));
    // Known combinations keep their series, on every thread.
    assert!(!metric.register(&world.worker, b"a=\"1\"").unwrap().overflow);
    metric.remove(Some(&world.main), b"a=\"2\"", false).unwrap();
    assert_eq!(metric.series_count(), 2);
    assert!(!metric.register(&world.main, b"a=\"9\"").unwrap().overflow);
    assert!(metric.register(&world.main, b"a=\"10\"").unwrap().overflow);
}

#[test]
fn a_series_that_nobody_writes_is_hidden_after_its_time_and_comes_back_when_written() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    metric.limits().set(10, 1_000);
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    let busy = metric.register(&world.main, b"a=\"2\"").unwrap().location;
    world.add(at, 0, 5.0);
    for now in [10_000, 10_500, 10_999] {
        world.add(busy, 0, 1.0);
        assert_eq!(metric.sweep_idle(now), 0);
    }
    world.add(busy, 0, 1.0);
    assert_eq!(metric.sweep_idle(11_000), 1);
    assert_eq!(shown(&metric), one("a=\"2\"", &[4.0]));
    world.add(at, 0, 2.0);
    assert_eq!(shown(&metric)[0], ("a=\"1\"".to_owned(), vec![2.0]));
    // Its time begins anew.
    assert_eq!(metric.sweep_idle(11_001), 0);
    assert_eq!(metric.sweep_idle(12_000), 1);
}

#[test]
fn a_gauge_of_several_threads_is_their_sum_smallest_largest_or_mean() {
    for (aggregate, expected) in [
        (Aggregate::Sum, 8.0),
        (Aggregate::Min, -2.0),
        (Aggregate::Max, 10.0),
        (Aggregate::Avg, 4.0),
    ] {
        let world = world();
        let registry = world.registries.open(None);
        let metric = world
            .registries
            .declare(&registry, descriptor(Kind::Gauge, aggregate))
            .unwrap();
        let (main, worker) = (
            metric.register(&world.main, b"a=\"1\"").unwrap().location,
            metric.register(&world.worker, b"a=\"1\"").unwrap().location,
        );
        world.add(main, 0, 10.0);
        world.add(worker, 0, -2.0);
        assert_eq!(shown(&metric), one("a=\"1\"", &[expected]), "{aggregate:?}");
        world.registries.retire(&world.worker);
        assert_eq!(shown(&metric), one("a=\"1\"", &[10.0]), "{aggregate:?} of those alive");
    }
}

#[test]
fn a_metric_of_its_own_is_in_as_many_registries_as_want_it() {
    let world = world();
    let metric = world
        .registries
        .declare_alone(descriptor(Kind::Counter, Aggregate::Sum));
    let at = metric.register(&world.main, b"a=\"1\"").unwrap().location;
    world.add(at, 0, 1.0);
    let (one_registry, other) = (world.registries.open(None), world.registries.open(None));
    world.registries.adopt(&one_registry, &metric).unwrap();
    world.registries.adopt(&one_registry, &metric).unwrap();
    world.registries.adopt(&other, &metric).unwrap();
    assert_eq!((one_registry.len(), other.len()), (1, 1));
    let clash = world.registries.declare_alone(descriptor(Kind::Gauge, Aggregate::Sum));
    assert!(world.registries.adopt(&other, &clash).is_err());
    assert!(world.registries.unregister(&one_registry, metric.id()));
    assert!(!metric.is_gone());
    assert!(world.registries.unregister(&other, metric.id()));
    assert!(metric.is_gone());
    // It records all the same.
    assert!(metric.register(&world.main, b"a=\"2\"").is_ok());
    assert_eq!(shown(&metric).len(), 2);
}

#[test]
fn a_lenient_registry_refuses_equal_names_only() {
    let world = world();
    let registry = world.registries.open_with(None, true);
    let named = |name: &str, kind| Descriptor {
        name: name.into(),
        ..descriptor(kind, Aggregate::Sum)
    };
    world
        .registries
        .declare(&registry, named("x", Kind::Histogram))
        .unwrap();
    assert!(
        world
            .registries
            .declare(&registry, named("x_count", Kind::Counter))
            .is_ok()
    );
    assert!(world.registries.declare(&registry, named("x", Kind::Counter)).is_err());
    assert!(registry.get("x_count").is_some());
}

/// The order of first use is the order of their times, whatever slots they lie in.
#[test]
fn each_series_has_a_beginning_of_its_own_and_a_new_one_after_reset_and_removal() {
    let world = world();
    let metric = world.declare(Kind::Counter);
    let created = || {
        let mut all = Vec::new();
        metric
            .for_each_view(&mut |view| all.push((String::from_utf8_lossy(view.labels).into_owned(), view.created_ns)));
        all.sort_by_key(|(_, created)| *created);
        all
    };
    for n in 0..50 {
        metric.register(&world.main, format!("a=\"{n}\"").as_bytes()).unwrap();
    }
    let first = created();
    assert!(first.windows(2).all(|pair| pair[0].1 < pair[1].1));
    assert!(
        first
            .iter()
            .enumerate()
            .all(|(n, (labels, _))| *labels == format!("a=\"{n}\""))
    );
    metric.remove(Some(&world.main), b"a=\"0\"", false).unwrap();
    metric.register(&world.main, b"a=\"0\"").unwrap();
    assert_eq!(created().last().unwrap().0, "a=\"0\"");
    metric.reset(Some(&world.main));
    assert!(created()[0].1 > first[49].1);
}

#[test]
fn default_labels_outlive_what_a_registry_holds() {
    let world = world();
    let registry = world.registries.open(None);
    registry.set_default_labels([("env".into(), "prod".into())].into());
    world.registries.clear(&registry);
    assert_eq!(registry.default_labels().len(), 1);
}
