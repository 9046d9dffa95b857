//! Tests of recovery: sums over threads, what is given once, and what is left alone.
#![allow(clippy::unwrap_used)]
use super::super::file::tests::{bury, options};
use super::super::folder::tests::{Scratch, scratch};
use super::super::segment::Segment;
use super::*;
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
    };
    let expected = [
        ("jobs_total", &[series("a", &[15.0]), series("b\"", &[1.0])][..]),
        ("seconds", &[series("", &[11.0, 22.0, 34.0])][..]),
    ];
    assert_eq!(metrics, expected);
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
