//! Puts the segments of a dead process together again: one run, its metrics summed over its threads. Runs on the thread
//! that asks (cold; reads every dead segment of the service once, by `read(2)`).

use super::file::Store;
use super::folder::Folder;
use super::labels::parse_label_block;
use super::name;
use super::reader::{LARGEST, RecoveredSegment, read_segment};
use super::recovered_metric::{RecoveredMetric, SUMMARY};
use super::sweep::take;
use crate::layout::*;
use crate::metrics::native_histogram::NativeHistogram;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

/// How a process ended, as its segments say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// `process.exit`, or nothing left to do; with the exit code.
    Clean(i32),
    /// The default action of a signal; with its number.
    Signal(i32),
    /// An exception nobody caught; with the exit code.
    Uncaught(i32),
    /// Without a word: SIGKILL, an abort, the OOM killer, a power cut of the container.
    Unclean,
}

impl EndedBy {
    /// What a header says.
    pub fn of(exit_state: u32, detail: i32) -> EndedBy {
        match exit_state {
            EXIT_CLEAN | EXIT_LINES_LEFT => EndedBy::Clean(detail),
            EXIT_SIGNAL => EndedBy::Signal(detail),
            EXIT_UNCAUGHT => EndedBy::Uncaught(detail),
            _ => EndedBy::Unclean,
        }
    }
}

/// One series with its value over all threads.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSeries {
    /// Label names and values.
    pub labels: Vec<(String, String)>,
    /// A counter's, gauge's or info's value; 0 or 1 per state; a summary's count and sum; a histogram's bucket counts (not
    /// cumulative), the count above the last bound and the sum, or, when it has no classic buckets, count and sum.
    pub values: Vec<f64>,
    /// A histogram's exponential buckets.
    pub native: Option<NativeHistogram>,
}

/// One metric of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunMetric {
    /// Its descriptor.
    pub metric: RecoveredMetric,
    /// In the order of their labels.
    pub series: Vec<RunSeries>,
}

/// What a dead process left.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredRun {
    /// Its service.
    pub service: String,
    /// As it saw itself; another pid namespace may use another number.
    pub pid: u32,
    /// Node's ids of the threads that owned segments last, ascending.
    pub threads: Vec<u32>,
    /// Wall clock in ns when it laid out its memory.
    pub started_ns: u64,
    /// How it ended.
    pub ended_by: EndedBy,
    /// Its metrics, by registry and name.
    pub metrics: Vec<RunMetric>,
    /// Ring records that no sink has written, per ring segment, and the strings they refer to.
    pub rings: Vec<RecoveredSegment>,
    /// Metadata records that made no sense and were left out.
    pub damaged: u32,
}

/// Reads every dead run of `service` that was not recovered yet, oldest first. With `mark`, its segments are marked, so
/// that it is not given again and the next sweep takes it. A run of which any segment is locked is alive, or somebody
/// else is at it: it is left alone. What cannot be read is left to the sweep.
pub fn recover(folder: &Folder, service: &str, mark: bool) -> Vec<RecoveredRun> {
    let prefix = name::service_prefix(service);
    let names = folder.names().unwrap_or_default();
    let mut runs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names.iter().filter(|name| name.starts_with(&prefix)) {
        if let Some(run) = name::run_of(name) {
            runs.entry(run).or_default().push(name);
        }
    }
    let mut recovered: Vec<_> = runs
        .values()
        .filter_map(|names| recover_run(folder, name::cut(service), names, mark))
        .collect();
    recovered.sort_by_key(|run| run.started_ns);
    recovered
}

/// As [`recover`], for the service and folder of this process; nothing when its memory is anonymous.
pub fn recover_own(store: &Store, mark: bool) -> Vec<RecoveredRun> {
    store
        .folder()
        .map(|folder| recover(folder, store.service(), mark))
        .unwrap_or_default()
}

fn recover_run(folder: &Folder, service: &str, names: &[&str], mark: bool) -> Option<RecoveredRun> {
    // All locks first: a process that is ending lets go of them one after the other. Rings of logs are none of ours: recovery of logs
    // takes, marks and removes them.
    let files = names
        .iter()
        .filter(|name| !is_of_logs(folder, name))
        .map(|name| take(folder, name))
        .collect::<Option<Vec<File>>>()?;
    let mut segments = Vec::new();
    let mut read = Vec::new();
    for file in &files {
        if let Some(segment) =
            read_file(file).filter(|segment| segment.service == service && segment.recovered != RECOVERED)
        {
            segments.push(segment);
            read.push(file);
        }
    }
    let run = together(segments)?;
    if mark {
        for file in read {
            // Where it fails, the run is given again: better twice than never.
            let _ = file.write_all_at(&RECOVERED.to_le_bytes(), RECOVERED_AT as u64);
        }
    }
    Some(run)
}

/// Whether a segment's records are log records, which its header says from the moment the ring is there.
fn is_of_logs(folder: &Folder, name: &str) -> bool {
    let mut word = [0; 4];
    let read = folder
        .open_file(name)
        .and_then(|file| file.read_exact_at(&mut word, RING_SIGNAL_AT as u64));
    read.is_ok() && u32::from_le_bytes(word) == SIGNAL_LOGS
}

fn read_file(file: &File) -> Option<RecoveredSegment> {
    let size = file.metadata().ok()?.len();
    if size > LARGEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    read_segment(&bytes).ok()
}

/// Joins the segments of one process.
fn together(segments: Vec<RecoveredSegment>) -> Option<RecoveredRun> {
    let first = segments.first()?;
    let (service, pid, started_ns) = (first.service.clone(), first.pid, first.anchors.wall_ns);
    let ended_by = segments
        .iter()
        .map(|segment| EndedBy::of(segment.exit_state, segment.exit_detail))
        // All say the same unless the process was killed while it marked them.
        .find(|ended| *ended != EndedBy::Unclean)
        .unwrap_or(EndedBy::Unclean);
    let threads: BTreeSet<u32> = segments.iter().map(|segment| segment.thread).collect();
    let (metrics, foreign) = sums(&segments);
    let damaged = segments.iter().map(|segment| segment.damaged).sum::<u32>() + foreign;
    let rings = segments
        .into_iter()
        .filter(|segment| segment.kind != KIND_CELLS)
        .collect();
    Some(RecoveredRun {
        service,
        pid,
        threads: threads.into_iter().collect(),
        started_ns,
        ended_by,
        metrics,
        rings,
        damaged,
    })
}

/// Sums every series over the segments; also tells how many series belong to no metric, or not to its shape.
fn sums(segments: &[RecoveredSegment]) -> (Vec<RunMetric>, u32) {
    let mut descriptors: HashMap<u32, &RecoveredMetric> = HashMap::new();
    for metric in segments.iter().flat_map(|segment| &segment.metrics) {
        descriptors.entry(metric.id).or_insert(metric);
    }
    /// The sums of a metric's series, by label block.
    type Sums<'a> = BTreeMap<&'a str, Sum>;
    let mut metrics: BTreeMap<(u32, &str), (&RecoveredMetric, Sums<'_>)> = BTreeMap::new();
    for metric in descriptors.values() {
        metrics
            .entry((metric.registry, &metric.name))
            .or_insert((metric, BTreeMap::new()));
    }
    let mut foreign = 0;
    for series in segments.iter().flat_map(|segment| &segment.series) {
        let metric = descriptors.get(&series.metric);
        let Some((described, summed)) = metric.and_then(|metric| metrics.get_mut(&(metric.registry, &*metric.name)))
        else {
            foreign += 1;
            continue;
        };
        if !described.fits(series.values.len()) {
            foreign += 1;
            continue;
        }
        summed.entry(&series.labels).or_default().add(described, &series.values);
    }
    let metrics = metrics.into_values().map(|(metric, summed)| RunMetric {
        metric: metric.clone(),
        series: summed
            .into_iter()
            .filter_map(|(labels, sum)| Some(sum.finish(metric, parse_label_block(labels)?)))
            .collect(),
    });
    (metrics.collect(), foreign)
}

/// A series, added up over threads.
#[derive(Default)]
struct Sum {
    values: Vec<f64>,
    native: Option<NativeHistogram>,
}

impl Sum {
    /// Adds the cells of one thread, which fit the metric. A baseline that another thread's reset had set is gone.
    fn add(&mut self, metric: &RecoveredMetric, cells: &[f64]) {
        let classic = metric.classic_cells();
        let plain = match (metric.kind, &metric.native) {
            (SUMMARY, _) => 2,
            (_, Some(_)) => classic,
            _ => cells.len(),
        };
        self.values.resize(plain, 0.0);
        self.values.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
        if let Some(options) = &metric.native {
            let native = self.native.get_or_insert_default();
            native.add_part(options, &cells[classic..], None);
        }
    }

    fn finish(mut self, metric: &RecoveredMetric, labels: Vec<(String, String)>) -> RunSeries {
        if let (Some(native), Some(options)) = (&mut self.native, &metric.native) {
            native.finish(options);
            if metric.classic_cells() == 0 {
                self.values = vec![native.count as f64, native.sum];
            }
        }
        RunSeries {
            labels,
            values: metric.seen(self.values),
            native: self.native,
        }
    }
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
