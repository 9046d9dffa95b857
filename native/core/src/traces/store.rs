//! The retained traces of one provider: what `/trace` and `getRecent` show. Spans come in on the collector thread; any thread
//! reads. Everything is bounded, and what does not fit makes room oldest first and is counted.
//!
//! A trace is complete, and shown, from the moment its local root has ended: the span without a parent, or with one in another
//! process. Children that outlive it, or whose thread's ring is drained later, join the trace for as long as it is retained,
//! so that nothing has to wait for them.
//!
//! ```text
//! open       no local root has ended yet; a root that never comes ends the wait by age
//! completed  the ring: at most `max_traces`, the oldest gives way
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::assembly::Assembly;
use super::elapsed::Elapsed;
use super::record::SpanRecord;
use super::retained::RetainedTrace;

/// Lists of the assembly.
const OPEN: usize = 0;
const COMPLETED: usize = 1;

/// Traces that a store retains unless told otherwise.
pub const TRACE_RING_BUFFER: usize = 10_000;
/// Bytes that a store retains unless told otherwise: open and completed traces together.
pub const TRACE_STORE_BYTES: usize = 32 << 20;
/// Spans of one trace; beyond, only a local root is taken.
pub const MOST_SPANS_OF_A_TRACE: usize = 10_000;
/// After this time without its local root a trace is shown as it is.
pub const OPEN_TRACE_MS: u64 = 300_000;
/// What a trace takes beside its spans: two allocations, a slot and an entry of the index.
const TRACE_BYTES: usize = 320;

/// Retained traces. All calls take one lock, for the time of a few steps; [`TraceStore::recent`] for one step per trace.
pub struct TraceStore {
    max_traces: usize,
    max_bytes: usize,
    state: Mutex<State>,
}

struct State {
    traces: Assembly<Held, 2>,
    bytes: usize,
    elapsed: Elapsed,
    counts: StoreCounts,
}

struct Held {
    trace: Arc<RetainedTrace>,
    /// When its first span came.
    since_ms: u64,
}

/// What a store has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Spans that were taken in.
    pub spans: u64,
    /// Of them, those that came behind the local root of their trace.
    pub late_spans: u64,
    /// Spans beyond the limits of one trace; not retained.
    pub refused_spans: u64,
    /// Traces that were completed by their local root.
    pub completed: u64,
    /// Traces that are shown without a local root because none came in time.
    pub aged: u64,
    /// Completed traces that gave way because of the number of traces.
    pub evicted_by_count: u64,
    /// Completed traces that gave way because of the number of bytes.
    pub evicted_by_bytes: u64,
    /// Open traces that gave way because of either.
    pub evicted_open: u64,
    /// Completed traces that are retained.
    pub retained_traces: usize,
    /// Open traces.
    pub open_traces: usize,
    /// Bytes of both.
    pub bytes: usize,
}

impl TraceStore {
    /// Retains up to `max_traces` completed traces, and as many open ones, in about `max_bytes`. With either of them 0 it
    /// retains nothing.
    pub fn new(max_traces: usize, max_bytes: usize) -> TraceStore {
        let state = State {
            traces: Assembly::new(),
            bytes: 0,
            elapsed: Elapsed::default(),
            counts: StoreCounts::default(),
        };
        TraceStore {
            max_traces,
            max_bytes,
            state: Mutex::new(state),
        }
    }

    /// Takes a span in, and puts out what it displaces. Collector thread; cost: a lock, a lookup and a push.
    pub fn accept(&self, span: &Arc<SpanRecord>) {
        if self.max_traces == 0 || self.max_bytes == 0 {
            return;
        }
        let view = span.view();
        let id = u128::from_be_bytes(view.trace_id);
        let is_root = view.is_local_root();
        let mut state = self.lock();
        let State {
            traces,
            bytes,
            elapsed,
            counts,
        } = &mut *state;
        let place = traces.find(id).unwrap_or_else(|| {
            *bytes += TRACE_BYTES;
            let trace = Arc::new(RetainedTrace::new(id));
            let held = Held {
                trace,
                since_ms: elapsed.now_ms(),
            };
            traces.insert(OPEN, id, held)
        });
        let was_open = traces.list_of(place) == OPEN;
        let Some(Held { trace, .. }) = traces.get_mut(place) else {
            return;
        };
        let completes = is_root && trace.root().is_none();
        if !completes && (trace.spans().len() >= MOST_SPANS_OF_A_TRACE || trace.bytes() >= self.max_bytes / 4) {
            counts.refused_spans += 1;
            Arc::make_mut(trace).refuse();
            return;
        }
        // A copy only while a reader holds this very trace.
        *bytes += Arc::make_mut(trace).add(span, &view);
        counts.spans += 1;
        if completes {
            counts.completed += 1;
            traces.shift(place, COMPLETED);
        } else if !was_open {
            counts.late_spans += 1;
        }
        self.make_room(&mut state);
    }

    /// The last `n` completed traces, oldest first. Any thread.
    pub fn recent(&self, n: usize) -> Vec<Arc<RetainedTrace>> {
        let state = self.lock();
        let newest_first = state.traces.newest_first(COMPLETED).take(n);
        let mut recent: Vec<_> = newest_first.map(|held| Arc::clone(&held.trace)).collect();
        drop(state);
        recent.reverse();
        recent
    }

    /// A completed trace, if it is retained. Any thread.
    pub fn find(&self, trace_id: &[u8; 16]) -> Option<Arc<RetainedTrace>> {
        let state = self.lock();
        let place = state.traces.find(u128::from_be_bytes(*trace_id))?;
        let held = state.traces.get(place)?;
        (state.traces.list_of(place) == COMPLETED).then(|| Arc::clone(&held.trace))
    }

    /// Tells the time, on the monotonic clock: traces that have waited too long for their local root are shown without it. To
    /// be called every second or so; costs a lock when there is nothing to do.
    pub fn tick(&self, mono_ms: u64) {
        let mut state = self.lock();
        state.elapsed.tell(mono_ms);
        while let Some(place) = state.traces.oldest(OPEN) {
            let is_due = |held: &Held| state.elapsed.is_over(held.since_ms, OPEN_TRACE_MS);
            if !state.traces.get(place).is_some_and(is_due) {
                break;
            }
            state.traces.shift(place, COMPLETED);
            state.counts.aged += 1;
        }
        self.make_room(&mut state);
    }

    /// Forgets all traces; the counts stay.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.traces = Assembly::new();
        state.bytes = 0;
    }

    /// What it has done so far, and what it holds.
    pub fn counts(&self) -> StoreCounts {
        let state = self.lock();
        StoreCounts {
            retained_traces: state.traces.len(COMPLETED),
            open_traces: state.traces.len(OPEN),
            bytes: state.bytes,
            ..state.counts
        }
    }

    /// Completed traces and bytes that it retains at most.
    pub fn limits(&self) -> (usize, usize) {
        (self.max_traces, self.max_bytes)
    }

    fn make_room(&self, state: &mut State) {
        loop {
            let (open, completed) = (state.traces.len(OPEN), state.traces.len(COMPLETED));
            let is_full = state.bytes > self.max_bytes;
            let counts = &mut state.counts;
            let (list, count) = if completed > self.max_traces {
                (COMPLETED, &mut counts.evicted_by_count)
            } else if open > self.max_traces || (is_full && completed == 0 && open > 0) {
                (OPEN, &mut counts.evicted_open)
            } else if is_full && completed > 0 {
                (COMPLETED, &mut counts.evicted_by_bytes)
            } else {
                return;
            };
            *count += 1;
            if let Some(held) = state.traces.remove_oldest(list) {
                state.bytes = state.bytes.saturating_sub(held.trace.bytes() + TRACE_BYTES);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TraceStore {
    fn default() -> TraceStore {
        TraceStore::new(TRACE_RING_BUFFER, TRACE_STORE_BYTES)
    }
}
