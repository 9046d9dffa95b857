//! Memory for JS: what dead processes left, how this one ends, and where its segments are. Cold calls, app threads.

use crate::process::process;
use crate::raw::{CodedError, coded};
use kymo_core::memory::folder::Folder;
use kymo_core::memory::recover::{EndedBy, RecoveredRun, RunMetric, recover};
use kymo_core::metrics::native_histogram::NativeHistogram;
use napi_derive::napi;
use std::path::Path;

/// Which runs to recover.
#[napi(object)]
pub struct RecoverOptions {
    /// Name of the service; this process's own by default.
    pub service: Option<String>,
    /// Folder in which `kymo-<uid>` lies; this process's own by default.
    pub dir: Option<String>,
    /// Mark what was given, so that it is not given again and the next sweep takes it.
    pub mark: bool,
}

/// A dead process.
#[napi(object, object_from_js = false)]
pub struct NativeRun {
    /// Its service.
    pub service: String,
    /// As it saw itself.
    pub pid: u32,
    /// Node's thread ids.
    pub threads: Vec<u32>,
    /// Milliseconds since 1970.
    pub started_at: f64,
    /// `clean`, `signal`, `uncaught` or `unclean`.
    pub ended_by: &'static str,
    /// Exit code or signal number; none when it ended without a word.
    pub detail: Option<i32>,
    /// By registry and name.
    pub metrics: Vec<NativeRunMetric>,
    /// Records that made no sense.
    pub damaged: u32,
}

/// A metric of a dead process.
#[napi(object, object_from_js = false)]
pub struct NativeRunMetric {
    /// As registered.
    pub name: String,
    /// As registered.
    pub help: String,
    /// 1 counter, 2 gauge, 3 histogram, 4 summary, 5 info, 6 state set.
    pub kind: u32,
    /// Upper bounds without +Inf.
    pub bounds: Vec<f64>,
    /// Of a state set.
    pub states: Vec<String>,
    /// All series.
    pub series: Vec<NativeRunSeries>,
}

/// A series of a dead process.
#[napi(object, object_from_js = false)]
pub struct NativeRunSeries {
    /// Names and values, in turns.
    pub labels: Vec<String>,
    /// See `RunSeries::values` in the core.
    pub values: Vec<f64>,
    /// A histogram's exponential buckets.
    pub native: Option<NativeRunBuckets>,
}

/// Exponential buckets of a dead process; see `NativeHistogram` in the core.
#[napi(object, object_from_js = false)]
pub struct NativeRunBuckets {
    /// Resolution.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in it.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Index and count in turns, ascending.
    pub positive: Vec<f64>,
    /// The same below zero.
    pub negative: Vec<f64>,
    /// When counting began, ms since 1970.
    pub start_ms: f64,
}

/// Reads what dead processes of a service left. Fails with `KYMO_MEMORY_FOLDER` when `dir` is given and refused.
#[napi(catch_unwind)]
pub fn recover_runs(options: RecoverOptions) -> Result<Vec<NativeRun>, CodedError> {
    let service = match &options.service {
        Some(service) => service,
        None => process()?.store.service(),
    };
    let runs = match &options.dir {
        Some(dir) => {
            let folder = Folder::open(Path::new(dir)).map_err(|why| coded("KYMO_MEMORY_FOLDER", why.to_string()))?;
            folder.map(|folder| recover(&folder, service, options.mark))
        }
        None => process()?
            .store
            .folder()
            .map(|folder| recover(folder, service, options.mark)),
    };
    Ok(runs.unwrap_or_default().into_iter().map(native_run).collect())
}

fn native_run(run: RecoveredRun) -> NativeRun {
    let (ended_by, detail) = match run.ended_by {
        EndedBy::Clean(code) => ("clean", Some(code)),
        EndedBy::Signal(number) => ("signal", Some(number)),
        EndedBy::Uncaught(code) => ("uncaught", Some(code)),
        EndedBy::Unclean => ("unclean", None),
    };
    NativeRun {
        service: run.service,
        pid: run.pid,
        threads: run.threads,
        started_at: (run.started_ns / 1_000_000) as f64,
        ended_by,
        detail,
        metrics: run.metrics.into_iter().map(native_metric).collect(),
        damaged: run.damaged,
    }
}

fn native_metric(RunMetric { metric, series }: RunMetric) -> NativeRunMetric {
    let series = series.into_iter().map(|series| NativeRunSeries {
        labels: series
            .labels
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect(),
        values: series.values,
        native: series.native.map(native_buckets),
    });
    NativeRunMetric {
        name: metric.name,
        help: metric.help,
        kind: metric.kind,
        bounds: metric.bounds,
        states: metric.states,
        series: series.collect(),
    }
}

fn native_buckets(native: NativeHistogram) -> NativeRunBuckets {
    let flat = |side: Vec<(i32, u64)>| {
        side.into_iter()
            .flat_map(|(index, count)| [f64::from(index), count as f64])
            .collect()
    };
    NativeRunBuckets {
        schema: native.schema,
        zero_threshold: native.zero_threshold,
        zero_count: native.zero_count as f64,
        count: native.count as f64,
        sum: native.sum,
        positive: flat(native.positive),
        negative: flat(native.negative),
        start_ms: native.start_ms as f64,
    }
}

/// Says in all segments how the process ends: an `EXIT_*` of the layout, and the code that goes with it.
#[napi(catch_unwind)]
pub fn mark_exit(state: u32, detail: i32) -> Result<(), CodedError> {
    process()?.store.mark(state, detail);
    Ok(())
}

/// Where the segments of this process are.
#[napi(object, object_from_js = false)]
pub struct MemoryState {
    /// Folder of the segment files; none when all memory is anonymous.
    pub folder: Option<String>,
    /// Why there is none although one was asked for.
    pub refusal: Option<String>,
    /// Bytes in files.
    pub file_bytes: f64,
    /// Bytes in anonymous memory.
    pub anonymous_bytes: f64,
    /// Reasons of fallbacks that happened.
    pub fallbacks: Vec<MemoryFallback>,
}

/// How often a segment was anonymous instead of a file, or not made at all.
#[napi(object, object_from_js = false)]
pub struct MemoryFallback {
    /// As the label `reason` of `kymo_memory_fallbacks_total`.
    pub reason: &'static str,
    /// At least 1.
    pub count: f64,
}

/// See [`MemoryState`].
#[napi(catch_unwind)]
pub fn memory_state() -> Result<MemoryState, CodedError> {
    let store = &process()?.store;
    let used = store.used();
    let fallbacks = store.failures().filter(|(_, count)| *count > 0);
    Ok(MemoryState {
        folder: store
            .folder()
            .map(|folder| folder.path().to_string_lossy().into_owned()),
        refusal: store.refusal().map(ToString::to_string),
        file_bytes: used.files as f64,
        anonymous_bytes: used.anonymous as f64,
        fallbacks: fallbacks
            .map(|(reason, count)| MemoryFallback {
                reason,
                count: count as f64,
            })
            .collect(),
    })
}
