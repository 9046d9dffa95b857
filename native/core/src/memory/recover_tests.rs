//! Tests of recovery: sums over threads, what is given once, and what is left alone.
#![allow(clippy::unwrap_used)]
use super::super::file::tests::{bury, options};
use super::super::folder::tests::{Scratch, scratch};
use super::super::segment::Segment;
use super::*;
use crate::metrics::descriptor::Descriptor;
use crate::metrics::metric::Kind;
use crate::metrics::native_histogram::NativeOptions;
use std::sync::atomic::Ordering;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn describe(segment: &Segment, id: u32, kind: u32, name: &str, bounds: &[f64]) {
    let head = words(&[id, 0, kind, name.len() as u32, 0, 0, bounds.len() as u32]);
    let bounds: Vec<u8> = bounds.iter().flat_map(|bound| bound.to_le_bytes()).collect();
    segment
        .append_meta(META_METRIC, &[&head, name.as_bytes(), &bounds])
        .unwrap();
}

fn bind(segment: &Segment, metric: u32, labels: &str, values: &[f64]) {
    let floor = segment.u32_at(CELL_FLOOR_AT).load(Ordering::Relaxed) - 8 * values.len() as u32;
    segment.u32_at(CELL_FLOOR_AT).store(floor, Ordering::Relaxed);
    let head = words(&[metric, floor / 8, values.len() as u32, labels.len() as u32]);
    segment.append_meta(META_SERIES, &[&head, labels.as_bytes()]).unwrap();
    for (cell, value) in values.iter().enumerate() {
        segment
            .cell(floor / 8 + cell as u32)
            .store(value.to_bits(), Ordering::Relaxed);
    }
}

/// A run of two threads, alive.
fn live_run(dir: &Scratch, service: &str) -> (Store, Vec<Segment>) {
    let store = Store::open(options(dir, service));
    let main = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
    let worker = store.make(KIND_CELLS, 65_536, 4).unwrap().segment;
    for segment in [&main, &worker] {
        describe(segment, 1, 1, "jobs_total", &[]);
    }
    describe(&worker, 2, 3, "seconds", &[0.5]);
    bind(&main, 1, "kind=\"a\"", &[10.0]);
    bind(&worker, 1, "kind=\"b\\\"\"", &[1.0]);
    bind(&worker, 1, "kind=\"a\"", &[5.0]);
    // The descriptor is in the other segment.
    bind(&main, 2, "", &[1.0, 2.0, 3.5]);
    bind(&worker, 2, "", &[10.0, 20.0, 30.5]);
    (store, vec![main, worker])
}

/// A run of two threads, dead; as it looked before is for `last` to see.
fn dead_run(dir: &Scratch, service: &str, last: impl FnOnce(&Store)) {
    let (store, segments) = live_run(dir, service);
    last(&store);
    segments.into_iter().for_each(bury);
}

/// [M1] what each thread counted is summed by metric and labels.
#[test]
fn the_threads_of_a_run_are_summed() {
    let (dir, folder) = scratch();
    let mut anchors = None;
    dead_run(&dir, "a", |store| anchors = Some(store.anchors()));
    let [run] = <[RecoveredRun; 1]>::try_from(recover(&folder, "a", false)).unwrap();
    assert_eq!(
        (run.service.as_str(), run.pid, &run.threads[..]),
        ("a", std::process::id(), &[0, 4][..])
    );
    assert_eq!(
        (run.started_ns, run.ended_by, run.damaged),
        (anchors.unwrap().wall_ns, EndedBy::Unclean, 0)
    );
    let metrics: Vec<_> = run
        .metrics
        .iter()
        .map(|metric| (&*metric.metric.name, &metric.series[..]))
        .collect();
    let series = |value: &str, values: &[f64]| RunSeries {
        labels: Vec::from_iter((!value.is_empty()).then(|| ("kind".to_owned(), value.to_owned()))),
        values: values.to_vec(),
        native: None,
    };
    let expected = [
        ("jobs_total", &[series("a", &[15.0]), series("b\"", &[1.0])][..]),
        ("seconds", &[series("", &[11.0, 22.0, 34.0])][..]),
    ];
    assert_eq!(metrics, expected);
}

/// A kind of metric as a living process describes it.
fn declare(segment: &Segment, id: u32, descriptor: &Descriptor) {
    segment.append_meta(META_METRIC, &[&descriptor.encode(id, 0)]).unwrap();
}

/// A part that observed these values, at that resolution.
fn native_part(options: &NativeOptions, schema: i8, values: &[f64]) -> Vec<f64> {
    let mut cells = vec![0.0; options.cells() as usize];
    let coarse = NativeOptions { schema, ..*options };
    coarse.init(1_700_000_000_000, &mut |cell, value| cells[cell as usize] = value);
    assert!(values.iter().all(|value| coarse.observe(&mut cells, *value)));
    cells
}

/// [M1] native histograms, alone and beside classic buckets, come together at the resolution that all threads have; the other
/// kinds come with what lies in the segment.
#[test]
fn every_kind_is_recovered() {
    let (dir, folder) = scratch();
    let store = Store::open(options(&dir, "a"));
    let main = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
    let worker = store.make(KIND_CELLS, 65_536, 4).unwrap().segment;
    let native = NativeOptions::default();
    let mut alone = Descriptor::new(Kind::Histogram, "alone", "");
    alone.native = Some(native);
    let mut both = Descriptor::new(Kind::Histogram, "both", "");
    (both.native, both.bounds) = (Some(native), [1.0].into());
    let mut window = Descriptor::new(Kind::Summary, "window", "");
    window.label_names = [Box::from("kind")].into();
    let mut states = Descriptor::new(Kind::StateSet, "states", "");
    states.states = [Box::from("on"), Box::from("off")].into();
    let all = [alone, both, window, states, Descriptor::new(Kind::Info, "build", "")];
    for (id, descriptor) in (1..).zip(&all) {
        declare(&main, id, descriptor);
    }
    declare(&worker, 1, &all[0]);

    bind(&main, 1, "", &native_part(&native, 3, &[1.0, 3.0, -2.0, 0.0]));
    bind(&worker, 1, "", &native_part(&native, 0, &[4.0]));
    let part = native_part(&native, 3, &[0.5, 2.0]);
    bind(&main, 2, "", &[&[1.0, 1.0, 2.5][..], &part].concat());
    bind(&main, 3, "kind=\"a\"", &[&[3.0, 4.5][..], &[1.5; 128]].concat());
    bind(&main, 4, "", &[2.0]);
    bind(&main, 5, "version=\"1\"", &[0.0]);
    // Shapes that the metric cannot have.
    bind(&main, 1, "", &part[1..]);
    bind(&main, 2, "", &part);
    bind(&main, 3, "", &[1.0]);
    bind(&main, 4, "", &[0.0, 1.0]);
    [main, worker].into_iter().for_each(bury);

    let [run] = <[RecoveredRun; 1]>::try_from(recover(&folder, "a", false)).unwrap();
    assert_eq!(run.damaged, 4);
    let series = |name: &str| {
        let metric = run.metrics.iter().find(|metric| metric.metric.name == name).unwrap();
        let [series] = &metric.series[..] else {
            panic!("{:?}", metric.series)
        };
        series
    };
    let merged = series("alone").native.as_ref().unwrap();
    assert_eq!((merged.schema, merged.zero_count, merged.count), (0, 1, 5));
    assert_eq!(
        (&merged.positive[..], &merged.negative[..]),
        (&[(0, 1), (2, 2)][..], &[(1, 1)][..])
    );
    assert_eq!(merged.start_ms, 1_700_000_000_000);
    assert_eq!(series("alone").values, [5.0, 6.0]);
    assert_eq!(series("both").values, [1.0, 1.0, 2.5]);
    assert_eq!(series("both").native.as_ref().unwrap().positive, [(-8, 1), (8, 1)]);
    assert_eq!(series("window").values, [3.0, 4.5]);
    assert_eq!(series("states").values, [0.0, 1.0]);
    assert_eq!(series("build").values, [1.0]);
    let described = |name: &str| {
        &run.metrics
            .iter()
            .find(|metric| metric.metric.name == name)
            .unwrap()
            .metric
    };
    assert_eq!(described("states").states, ["on", "off"]);
    assert_eq!(described("window").labels, ["kind"]);
    assert_eq!(described("alone").native.unwrap().schema, 3);
}

/// [M1] a description whose numbers make no sense is left out, and its series with it.
#[test]
fn native_options_that_make_no_sense_are_damage() {
    let mut descriptor = Descriptor::new(Kind::Histogram, "h", "");
    descriptor.native = Some(NativeOptions::default());
    let good = descriptor.encode(1, 0);
    // The last record: cells, schema, buckets, threshold, no quantiles.
    let at = good.len() - 24;
    assert_eq!(good[at..at + 4], 518_u32.to_le_bytes());
    for (offset, word) in [
        (0, 517_u32),
        (0, u32::MAX),
        (4, 9),
        (4, -5_i32 as u32),
        (8, 206),
        (8, 0),
        (8, u32::MAX),
    ] {
        let mut payload = good.to_vec();
        payload[at + offset..at + offset + 4].copy_from_slice(&word.to_le_bytes());
        let (dir, folder) = scratch();
        let store = Store::open(options(&dir, "a"));
        let main = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
        main.append_meta(META_METRIC, &[&payload]).unwrap();
        bind(&main, 1, "", &[1.0; 518]);
        bury(main);
        let [run] = <[RecoveredRun; 1]>::try_from(recover(&folder, "a", false)).unwrap();
        assert_eq!((run.damaged, run.metrics.len()), (2, 0), "{word} at {offset}");
    }
}

#[test]
fn a_marked_run_is_given_once_and_then_swept() {
    let (dir, folder) = scratch();
    dead_run(&dir, "a", |_| ());
    assert_eq!(recover(&folder, "a", false).len(), 1);
    assert_eq!(recover(&folder, "a", true).len(), 1, "looking at it did not mark it");
    assert_eq!(recover(&folder, "a", true).len(), 0);
    let swept = super::super::sweep::sweep(&folder, "a", &Default::default(), std::time::SystemTime::now());
    assert_eq!((swept.removed, folder.names().unwrap().len()), (2, 0));
}

/// A sweep that saw it first must not hide a run from recovery.
#[test]
fn a_run_that_a_sweep_has_seen_is_still_recovered() {
    let (dir, folder) = scratch();
    dead_run(&dir, "a", |_| ());
    super::super::sweep::sweep(&folder, "a", &Default::default(), std::time::SystemTime::now());
    assert_eq!(recover(&folder, "a", true).len(), 1);
}

/// [M4] one locked segment makes the whole run alive; other services are not looked at.
#[test]
fn live_runs_and_other_services_are_left_alone() {
    let (dir, folder) = scratch();
    let (store, segments) = live_run(&dir, "a");
    dead_run(&dir, "b", |_| ());
    assert!(recover(&folder, "a", true).is_empty());
    let name = folder
        .names()
        .unwrap()
        .into_iter()
        .find(|name| name.starts_with(&name::service_prefix("b")))
        .unwrap();
    let held = take(&folder, &name).unwrap();
    assert!(recover(&folder, "b", true).is_empty(), "one of two is held");
    drop(held);
    assert_eq!(recover(&folder, "b", true).len(), 1);
    assert!(recover_own(&store, true).is_empty());
    segments.into_iter().for_each(bury);
    assert_eq!(recover(&folder, "a", true).len(), 1);
}

#[test]
fn the_mark_of_the_end_comes_back_and_runs_come_oldest_first() {
    let (dir, folder) = scratch();
    let ends = [
        (EXIT_UNCAUGHT, 1),
        (EXIT_SIGNAL, 15),
        (EXIT_CLEAN, 3),
        (EXIT_RUNNING, 0),
    ];
    for (state, detail) in ends {
        dead_run(&dir, "a", |store| store.mark(state, detail));
    }
    let found: Vec<_> = recover(&folder, "a", false)
        .into_iter()
        .map(|run| run.ended_by)
        .collect();
    assert_eq!(
        found,
        [
            EndedBy::Uncaught(1),
            EndedBy::Signal(15),
            EndedBy::Clean(3),
            EndedBy::Unclean
        ]
    );
}

/// [M1] a file that is damaged or no segment costs itself only.
#[test]
fn damaged_files_do_not_keep_the_rest_of_a_run_away() {
    let (dir, folder) = scratch();
    dead_run(&dir, "a", |_| ());
    let mut names = folder.names().unwrap();
    names.sort();
    let worker = folder.path().join(&names[1]);
    std::fs::OpenOptions::new()
        .write(true)
        .open(worker)
        .unwrap()
        .set_len(100)
        .unwrap();
    let [run] = <[RecoveredRun; 1]>::try_from(recover(&folder, "a", true)).unwrap();
    assert_eq!(run.metrics[0].series[0].values, [10.0]);
    assert_eq!(run.damaged, 1, "the histogram's descriptor was in the damaged file");
}

/// A histogram with other bounds in another segment, or a series of no metric, is left out and counted.
#[test]
fn series_that_fit_no_metric_are_counted() {
    let (dir, folder) = scratch();
    let (store, segments) = live_run(&dir, "a");
    let segment = store.make(KIND_CELLS, 65_536, 5).unwrap().segment;
    bind(&segment, 77, "", &[1.0]);
    bind(&segment, 2, "", &[1.0, 2.0]);
    bind(&segment, 1, "kind=\"a\"", &[1.0]);
    segments.into_iter().chain([segment]).for_each(bury);
    let [run] = <[RecoveredRun; 1]>::try_from(recover(&folder, "a", false)).unwrap();
    assert_eq!(run.damaged, 2);
    assert_eq!(run.metrics[0].series[0].values, [16.0]);
}
