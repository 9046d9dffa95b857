//! Where log records go, for JS: routes, policies, flushing, recovery, and the state of sinks. App threads; cold, but for the decisions
//! about a trace's held lines, which take a lock.

use super::format::format_of;
use super::{known_logs, logs};
use crate::export::waiter::{Answer, Waiter};
use crate::process::process;
use crate::raw::{CodedError, coded};
use kymo_core::logs::routes::Verbatim;
use kymo_core::logs::{Outlet, RecordSink, RouteSink, SinkKind};
use kymo_core::memory::folder::Folder;
use kymo_core::ring::full::OnFull;
use kymo_core::threads;
use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

static RECORDS: RwLock<Vec<Arc<dyn RecordSink>>> = RwLock::new(Vec::new());

/// Gives a sink that takes records its number for `logRouteSet`.
pub fn add_records(sink: Arc<dyn RecordSink>) -> u32 {
    let mut sinks = RECORDS.write().unwrap_or_else(PoisonError::into_inner);
    sinks.push(sink);
    sinks.len() as u32 - 1
}

fn records(number: u32) -> Option<Arc<dyn RecordSink>> {
    let sinks = RECORDS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.get(number as usize).cloned()
}

/// The outlet of a sink's number. Fails with `KYMO_LOG_SINK`.
pub fn outlet(sink: u32) -> Result<Arc<Outlet>, CodedError> {
    let outlet = logs()?.outlets().get(sink as usize).cloned();
    outlet.ok_or_else(|| coded("KYMO_LOG_SINK", format!("there is no sink {sink}")))
}

fn time(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

/// Number of a route's name.
#[napi(catch_unwind)]
pub fn log_route(name: String) -> Result<u32, CodedError> {
    Ok(u32::from(logs()?.route(&name)))
}

/// True when a thread has given the route its sinks, be it none.
#[napi(catch_unwind)]
pub fn log_route_is_set(route: u32) -> Result<bool, CodedError> {
    Ok(logs()?.routes.sinks(route as u16).is_some())
}

/// A sink of a route: lines (`sink` with a `format`, none for finished lines only) or records.
#[napi(object)]
pub struct LogRouteSink {
    /// Records below it do not go there.
    pub min_level: u32,
    /// Number of a format.
    pub format: Option<u32>,
    /// Number of a sink that takes lines.
    pub sink: Option<u32>,
    /// Number of a sink that takes records.
    pub records: Option<u32>,
}

/// Gives a route its sinks. Fails with `KYMO_LOG_SINK` when a number is unknown; then nothing changes.
#[napi(catch_unwind)]
pub fn log_route_set(route: u32, sinks: Vec<LogRouteSink>) -> Result<(), CodedError> {
    let unknown = |what: &str, number: u32| coded("KYMO_LOG_SINK", format!("there is no {what} {number}"));
    let sinks = sinks.into_iter().map(|sink| {
        let min_level = sink.min_level.min(u32::from(u16::MAX)) as u16;
        let sink = match (sink.sink, sink.records) {
            (Some(number), None) => SinkKind::Lines {
                format: match sink.format {
                    Some(number) => format_of(number).ok_or_else(|| unknown("format", number))?,
                    None => Arc::new(Verbatim),
                },
                outlet: outlet(number)?,
            },
            (None, Some(number)) => SinkKind::Records(records(number).ok_or_else(|| unknown("sink", number))?),
            _ => return Err(coded("KYMO_LOG_SINK", "a sink takes either lines or records")),
        };
        Ok(RouteSink { min_level, sink })
    });
    let sinks = sinks.collect::<Result<Vec<_>, _>>()?;
    logs()?.set_route(route as u16, sinks);
    Ok(())
}

/// What is done with records of a level and above that find no room.
#[napi(object)]
pub struct LogPolicy {
    /// Pino's number.
    pub level: u32,
    /// `block`, `drop-oldest` or `drop-newest`.
    pub on_full: String,
}

/// Sets the policies of all levels. Fails with `KYMO_LOG_SINK` when a policy is none.
#[napi(catch_unwind)]
pub fn log_policy(levels: Vec<LogPolicy>, block_budget_ms: f64) -> Result<(), CodedError> {
    let levels = levels.into_iter().map(|LogPolicy { level, on_full }| {
        let on_full = match on_full.as_str() {
            "block" => OnFull::Block,
            "drop-oldest" => OnFull::DropOldest,
            "drop-newest" => OnFull::DropNewest,
            other => return Err(coded("KYMO_LOG_SINK", format!("onFull is {other}"))),
        };
        Ok((level.min(u32::from(u16::MAX)) as u16, on_full))
    });
    let levels = levels.collect::<Result<Vec<_>, _>>()?;
    logs()?.set_policy(&levels, time(block_budget_ms));
    Ok(())
}

/// Waits until everything written before the call is with all sinks, without blocking; false at the deadline, or when a sync failed.
#[napi(catch_unwind)]
pub fn log_flush(env: Env, deadline_ms: f64) -> napi::Result<Unknown<'static>> {
    let (waiter, promise) = Waiter::new(env, true)?;
    let Some(logs) = known_logs() else {
        waiter.settle(Answer::Bool(true));
        return Ok(promise);
    };
    let answer: Arc<(Mutex<Option<bool>>, Condvar)> = Arc::default();
    let done = Arc::clone(&answer);
    logs.flush_then(Box::new(move |complete| {
        *done.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(complete);
        done.1.notify_all();
    }));
    let end = Instant::now() + time(deadline_ms);
    let wait = move || {
        let mut known = answer.0.lock().unwrap_or_else(PoisonError::into_inner);
        while known.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            known = answer
                .1
                .wait_timeout(known, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        waiter.settle(Answer::Bool(known.unwrap_or(false)));
    };
    // Cold, and rare: a thread that waits is simpler than a timer on the collector, which may be waiting itself.
    threads::spawn("kymo-log-flush", wait).map_err(|error| napi::Error::from_reason(error.to_string()))?;
    Ok(promise)
}

/// As `logFlush`, blocking the calling thread.
#[napi(catch_unwind)]
pub fn log_flush_sync(deadline_ms: f64) -> bool {
    known_logs().is_none_or(|logs| logs.flush(time(deadline_ms)))
}

/// What recovery found.
#[napi(object)]
pub struct LogRecovered {
    /// Dead processes with lines for the route.
    pub runs: u32,
    /// Lines that were handed to sinks.
    pub lines: f64,
    /// Lines that those processes had lost.
    pub lost: f64,
}

/// Whose lines to recover.
#[napi(object)]
pub struct LogRecoverOptions {
    /// Name of the service; this process's own by default.
    pub service: Option<String>,
    /// Folder in which `kymo-<uid>` lies; this process's own by default.
    pub dir: Option<String>,
    /// The lines of every route, not only those of this one's name.
    pub all: Option<bool>,
}

/// Hands the lines of dead processes to the sinks of a route. Fails with `KYMO_MEMORY_FOLDER` when `dir` is given and refused.
#[napi(catch_unwind)]
pub fn log_recover(route: u32, options: Option<LogRecoverOptions>) -> Result<LogRecovered, CodedError> {
    let store = &process()?.store;
    let (service, dir, all) = match options {
        Some(options) => (options.service, options.dir, options.all.unwrap_or(false)),
        None => (None, None, false),
    };
    let service = service.as_deref().unwrap_or(store.service());
    let named = match &dir {
        Some(dir) => Folder::open(Path::new(dir)).map_err(|why| coded("KYMO_MEMORY_FOLDER", why.to_string()))?,
        None => None,
    };
    let folder = match dir {
        Some(_) => named.as_ref(),
        None => store.folder(),
    };
    let logs = logs()?;
    let found = folder
        .map(|folder| logs.recover(folder, service, route as u16, all))
        .unwrap_or_default();
    Ok(LogRecovered {
        runs: found.runs,
        lines: found.lines as f64,
        lost: found.lost as f64,
    })
}

/// Four words as JS holds them: the first one has the first bytes of the id.
fn trace_id(words: [i32; 4]) -> [u8; 16] {
    let mut id = [0; 16];
    for (bytes, word) in id.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    id
}

/// The trace failed: its held lines are written.
#[napi(catch_unwind)]
pub fn log_release_trace(t0: i32, t1: i32, t2: i32, t3: i32) {
    if let Some(logs) = known_logs() {
        logs.release_trace(trace_id([t0, t1, t2, t3]));
    }
}

/// The trace went well: its held lines are forgotten.
#[napi(catch_unwind)]
pub fn log_drop_trace(t0: i32, t1: i32, t2: i32, t3: i32) {
    if let Some(logs) = known_logs() {
        logs.forget_trace(trace_id([t0, t1, t2, t3]));
    }
}

/// What is known about a sink that takes lines.
#[napi(object)]
pub struct LogSinkState {
    /// As its writer's; stable over restarts.
    pub identity: String,
    /// Bytes of lines that wait for it.
    pub queued_bytes: f64,
    /// It held up others: rings do not wait for it any more.
    pub detached: bool,
    /// Why the last write failed, while it does.
    pub error: Option<String>,
    /// Bytes that it took.
    pub written_bytes: f64,
    /// Writes that failed.
    pub errors: f64,
    /// Lines that it missed.
    pub dropped: f64,
}

/// Fails with `KYMO_LOG_SINK` when there is no such sink.
#[napi(catch_unwind)]
pub fn log_sink_state(sink: u32) -> Result<LogSinkState, CodedError> {
    let outlet = outlet(sink)?;
    let state = outlet.state();
    Ok(LogSinkState {
        identity: outlet.identity().to_owned(),
        queued_bytes: state.queued_bytes as f64,
        detached: state.detached,
        error: state.error,
        written_bytes: state.written_bytes as f64,
        errors: state.errors as f64,
        dropped: state.dropped as f64,
    })
}

/// Ends a sink; false when some of its lines are lost at the deadline. Blocks. Fails with `KYMO_LOG_SINK`.
#[napi(catch_unwind)]
pub fn log_sink_close(sink: u32, deadline_ms: f64) -> Result<bool, CodedError> {
    Ok(outlet(sink)?.close(time(deadline_ms)))
}

/// Has a sink open its file anew. Fails with `KYMO_LOG_SINK`.
#[napi(catch_unwind)]
pub fn log_sink_reopen(sink: u32) -> Result<(), CodedError> {
    outlet(sink)?.reopen();
    Ok(())
}

/// Lines and losses so far.
#[napi(object)]
pub struct LogState {
    /// Lines that came out of rings.
    pub lines: f64,
    /// Lines that no sink got.
    pub dropped: f64,
    /// Lines of dead processes that were handed to sinks.
    pub recovered: f64,
}

/// See [`LogState`].
#[napi(catch_unwind)]
pub fn log_state() -> LogState {
    let counts = known_logs().map(|logs| logs.counts());
    LogState {
        lines: counts.as_ref().map_or(0.0, |counts| counts.lines as f64),
        dropped: counts.as_ref().map_or(0.0, |counts| counts.dropped as f64),
        recovered: counts.as_ref().map_or(0.0, |counts| counts.recovered as f64),
    }
}
