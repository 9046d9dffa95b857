//! All logs of a process: rings that feed them, routes, outlets, and what was lost. Asked by app threads; [`super::drain`] does the
//! work on the collector.
use super::LineWriter;
use super::drain::LogDrain;
use super::held::TraceId;
use super::losses::Losses;
use super::outlet::{Outlet, OutletOptions};
use super::own_line::now_ms;
use super::piece::Piece;
use super::routes::{RouteSink, Routes, Scrub};
use crate::collector::Collector;
use crate::layout::*;
use crate::ring::full::{OnFull, Policy, Room};
use crate::ring::read_records;
use crate::ring::rings::{Destination, LOGS, OpenRing, RingError, RingOptions, Rings};
use crate::ring::slots::hash_of;
use crate::ring::{DropReason, RingMemory};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Default of [`Logs::set_policy`]'s budget.
pub const BLOCK_BUDGET: Duration = Duration::from_millis(100);
/// Levels below it are dropped at once when there is no room, unless the policy says otherwise.
const WORTH_WAITING: u16 = 30;
/// Longest wait for records of an earlier configuration before a route is changed.
const SWITCH: Duration = Duration::from_millis(500);

/// See the module. One per process.
pub struct Logs {
    /// Where records go.
    pub routes: Routes,
    /// What no sink got.
    losses: Losses,
    collector: Collector,
    rings: RwLock<Vec<Arc<OpenRing>>>,
    outlets: RwLock<Vec<Arc<Outlet>>>,
    policies: RwLock<Vec<(u16, OnFull)>>,
    budget_us: AtomicU64,
    lines: Mutex<Vec<(u16, u64)>>,
    recovered: AtomicU64,
    pub(super) scrub: RwLock<Option<Arc<dyn Scrub>>>,
    /// What the drain has not yet taken over.
    pub(super) inbox: Mutex<Inbox>,
    flush: Mutex<FlushState>,
    flushed: Condvar,
    pub(super) dead: Mutex<super::recover::DeadRuns>,
}

/// Work for the drain from other threads.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) rings: Vec<Arc<OpenRing>>,
    pub(super) traces: Vec<TraceCommand>,
    pub(super) extras: VecDeque<Extra>,
}

/// What was decided about a trace's held lines.
pub(super) enum TraceCommand {
    Release(TraceId),
    Forget(TraceId, f64),
}

/// Lines that come from no ring, before all that do: what recovery found.
pub(super) enum Extra {
    /// Each for its outlet; one batch.
    Pieces(Vec<(Arc<Outlet>, Piece)>),
    /// Once everything before is delivered; `false` when an outlet holds some of it in memory only.
    Then(Box<dyn FnOnce(bool) + Send>),
}

/// Hears once whether everything is with its sinks, and synced.
pub type OnFlushed = Box<dyn FnOnce(bool) + Send>;

#[derive(Default)]
struct FlushState {
    wanted: u64,
    done: u64,
    failed: u64,
    /// Called once `done` gets there.
    waiting: Vec<(u64, OnFlushed)>,
}

/// Lines and losses so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCounts {
    /// Lines that came out of rings.
    pub lines: u64,
    /// Lines that no sink got.
    pub dropped: u64,
    /// Lines of dead processes that were handed to sinks.
    pub recovered: u64,
}

impl Logs {
    /// No routes and no outlets yet; its drain is added to `collector`.
    pub fn new(collector: Collector) -> Arc<Logs> {
        let logs = Arc::new(Logs {
            routes: Routes::default(),
            losses: Losses::default(),
            collector: collector.clone(),
            rings: RwLock::default(),
            outlets: RwLock::default(),
            policies: RwLock::new(vec![(0, OnFull::DropNewest), (WORTH_WAITING, OnFull::Block)]),
            budget_us: AtomicU64::new(BLOCK_BUDGET.as_micros() as u64),
            lines: Mutex::default(),
            recovered: AtomicU64::new(0),
            scrub: RwLock::default(),
            inbox: Mutex::default(),
            flush: Mutex::default(),
            flushed: Condvar::new(),
            dead: Mutex::default(),
        });
        collector.add(Box::new(LogDrain::new(Arc::clone(&logs))));
        logs
    }

    /// Opens the log ring of a thread (`thread` is Node's id).
    pub fn open_ring(self: &Arc<Self>, rings: &Rings, size: u32, thread: u32) -> Result<Arc<OpenRing>, RingError> {
        let options = RingOptions {
            size,
            policy: Policy::new(OnFull::Block),
            signal: LOGS.to_owned(),
            destination: Destination::Process,
        };
        let (open, fresh) = rings.open_for(options, thread)?;
        if fresh {
            let logs = Arc::downgrade(self);
            open.ring.on_loss(Arc::new(move |records| {
                if let Some(logs) = logs.upgrade() {
                    logs.count_records(records, DropReason::Oldest.word());
                }
            }));
            open.ring.set_block_budget(self.block_budget());
            let segment = open.ring.memory().segment();
            for (number, hash) in self.routes.hashes().into_iter().take(LOG_ROUTES).enumerate() {
                segment
                    .u64_at(LOG_ROUTES_AT + 8 * number)
                    .store(hash, Ordering::Release);
            }
            write(&self.rings).push(Arc::clone(&open));
            lock(&self.inbox).rings.push(Arc::clone(&open));
            self.collector.wake();
        }
        Ok(open)
    }

    /// The number of a route's name; the same name gives the same number. Cold.
    pub fn route(&self, name: &str) -> u16 {
        let number = self.routes.number(name);
        if let Some(hash) = self.routes.hash(number)
            && usize::from(number) < LOG_ROUTES
        {
            // Before a record can name it (M1).
            for open in &*read(&self.rings) {
                let segment = open.ring.memory().segment();
                let at = LOG_ROUTES_AT + 8 * usize::from(number);
                segment.u64_at(at).store(hash, Ordering::Release);
            }
        }
        number
    }

    /// Gives a route its sinks. What was written before goes to those it had before, as far as they take it within half a second.
    pub fn set_route(&self, route: u16, sinks: Vec<RouteSink>) {
        if self.routes.sinks(route).is_some_and(|sinks| !sinks.is_empty()) {
            self.flush(SWITCH);
        }
        self.routes.set(route, sinks);
        self.collector.wake();
    }

    /// An outlet over a writer, with a thread of its own where the writer may block.
    ///
    /// # Errors
    /// When the process may not have another thread.
    pub fn outlet(&self, writer: Box<dyn LineWriter>, options: &OutletOptions) -> io::Result<Arc<Outlet>> {
        let mut outlets = write(&self.outlets);
        let slot = free_slot(&outlets, hash_of(&writer.identity()));
        let collector = self.collector.clone();
        let moved = Arc::new(move || collector.moved());
        let outlet = Outlet::new(outlets.len() as u32, writer, options, slot, moved)?;
        outlets.push(Arc::clone(&outlet));
        Ok(outlet)
    }

    /// All outlets that were ever made, by number.
    pub fn outlets(&self) -> Vec<Arc<Outlet>> {
        read(&self.outlets).clone()
    }

    /// All log rings.
    pub fn rings(&self) -> Vec<Arc<OpenRing>> {
        read(&self.rings).clone()
    }

    /// What is done with records of a level that find no room: each entry counts from its level up to the next one. `budget` is the
    /// longest wait of `block` per stall, and how long a sink may hold up others.
    pub fn set_policy(&self, levels: &[(u16, OnFull)], budget: Duration) {
        let mut policies = levels.to_vec();
        policies.sort_unstable_by_key(|(level, _)| *level);
        *write(&self.policies) = policies;
        let budget_us = budget.as_micros().min(u128::from(u64::MAX)) as u64;
        self.budget_us.store(budget_us, Ordering::Relaxed);
        read(&self.rings)
            .iter()
            .for_each(|open| open.ring.set_block_budget(budget));
    }

    /// See [`Logs::set_policy`].
    pub fn block_budget(&self) -> Duration {
        Duration::from_micros(self.budget_us.load(Ordering::Relaxed))
    }

    /// The policy of a level.
    pub fn policy(&self, level: u16) -> OnFull {
        let policies = read(&self.policies);
        let known = policies.iter().rev().find(|(from, _)| *from <= level);
        known
            .or(policies.first())
            .map_or(OnFull::Block, |(_, on_full)| *on_full)
    }

    /// What takes secrets out of all records from now on.
    pub fn set_scrub(&self, scrub: Option<Arc<dyn Scrub>>) {
        *write(&self.scrub) = scrub;
    }

    /// Makes room for a record of a level; see [`crate::ring::Ring::make_room`]. Producer's thread only.
    pub fn make_room(&self, open: &OpenRing, length: u32, level: u16) -> Room {
        self.counted(open.ring.room_or_reason(length, self.policy(level)), level)
    }

    /// Appends a record that is too long for its ring. Producer's thread only.
    pub fn append_oversized(&self, open: &OpenRing, record: &[u8]) -> Room {
        let level = levels(record).next().unwrap_or(0);
        self.counted(open.ring.oversized_or_reason(record, self.policy(level)), level)
    }

    /// Writes a whole record for a thread whose JavaScript cannot (M5). Producer's thread only.
    pub fn push(&self, open: &OpenRing, record: &[u8]) -> bool {
        let level = levels(record).next().unwrap_or(0);
        self.counted(open.push_as(record, self.policy(level)), level) == Room::Made
    }

    fn counted(&self, lost: Option<DropReason>, level: u16) -> Room {
        let Some(reason) = lost else { return Room::Made };
        self.losses.count(level, reason.word(), 1);
        Room::Dropped
    }

    /// Counts lines that a thread lost before its ring; `open` is the ring, where there is one.
    pub fn count_dropped(&self, open: Option<&OpenRing>, reason: DropReason, level: u16, lines: u64) {
        if let Some(open) = open {
            open.ring.memory().count(reason, lines);
        }
        if reason != DropReason::Cut {
            self.losses.count(level, reason.word(), lines);
        }
    }

    /// Counts whole records that are lost.
    pub(super) fn count_records(&self, records: &[u8], reason: &'static str) {
        levels(records).for_each(|level| self.losses.count(level, reason, 1));
    }

    /// What no sink got.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    pub(super) fn count_lines(&self, lines: &mut Vec<(u16, u64)>) {
        let mut counts = lock(&self.lines);
        for (level, lines) in lines.drain(..) {
            match counts.iter_mut().find(|(known, _)| *known == level) {
                Some((_, sum)) => *sum += lines,
                None => counts.push((level, lines)),
            }
        }
    }

    pub(super) fn count_recovered(&self, lines: u64) {
        self.recovered.fetch_add(lines, Ordering::Relaxed);
    }

    /// Lines that came out of rings, by level.
    pub fn lines(&self) -> Vec<(u16, u64)> {
        lock(&self.lines).clone()
    }

    /// Lines and losses so far.
    pub fn counts(&self) -> LogCounts {
        LogCounts {
            lines: self.lines().iter().map(|(_, lines)| lines).sum(),
            dropped: self.losses.total(),
            recovered: self.recovered.load(Ordering::Relaxed),
        }
    }

    /// The trace failed: its held lines are written.
    pub fn release_trace(&self, trace: TraceId) {
        lock(&self.inbox).traces.push(TraceCommand::Release(trace));
        self.collector.wake();
    }

    /// The trace went well: its held lines are forgotten. Read by the drain when it comes by.
    pub fn forget_trace(&self, trace: TraceId) {
        self.forget_trace_until(trace, now_ms());
    }

    /// As [`Logs::forget_trace`], for lines up to a time in ms since 1970: another request of the trace may be under way.
    pub fn forget_trace_until(&self, trace: TraceId, until_ms: f64) {
        lock(&self.inbox).traces.push(TraceCommand::Forget(trace, until_ms));
    }

    pub(super) fn put_extras(&self, extras: impl IntoIterator<Item = Extra>) {
        lock(&self.inbox).extras.extend(extras);
        self.collector.wake();
    }

    /// Waits until everything that was written before the call is with all sinks, and synced where a sink does so. False at the
    /// deadline, or when a sync failed. Blocks the calling thread.
    pub fn flush(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = lock(&self.flush);
        state.wanted += 1;
        let ticket = state.wanted;
        self.collector.wake();
        loop {
            if state.done >= ticket {
                return state.failed < ticket;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.flushed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// As [`Logs::flush`] without waiting: `done` is called once, on the collector. There is no deadline.
    pub fn flush_then(&self, done: OnFlushed) {
        let mut state = lock(&self.flush);
        state.wanted += 1;
        let ticket = state.wanted;
        state.waiting.push((ticket, done));
        drop(state);
        self.collector.wake();
    }

    /// The number of the last flush that was asked for, when it is not done.
    pub(super) fn flush_wanted(&self) -> Option<u64> {
        let state = lock(&self.flush);
        (state.wanted > state.done).then_some(state.wanted)
    }

    pub(super) fn flush_done(&self, ticket: u64, complete: bool) {
        let mut state = lock(&self.flush);
        state.done = state.done.max(ticket);
        if !complete {
            state.failed = state.failed.max(ticket);
        }
        let (due, rest) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|(at, _)| *at <= ticket);
        state.waiting = rest;
        drop(state);
        self.flushed.notify_all();
        let due: Vec<(u64, OnFlushed)> = due;
        due.into_iter().for_each(|(_, done)| done(complete));
    }

    /// What is left when the process ends and nobody drains any more, in a sentence; `None` when nothing is. `kept` says that segments
    /// are files, in which the next start finds what is in rings.
    pub fn left_behind(&self, kept: bool) -> Option<String> {
        let in_rings: u64 = self.rings().iter().map(|open| u64::from(open.ring.pending())).sum();
        let waiting: Vec<Arc<Outlet>> = self.outlets().into_iter().filter(|outlet| !outlet.is_empty()).collect();
        let labels: Vec<&str> = waiting.iter().map(|outlet| outlet.label()).collect();
        let detached: u64 = waiting
            .iter()
            .filter(|outlet| outlet.detached())
            .map(|outlet| outlet.queued_lines())
            .sum();
        if in_rings == 0 && detached == 0 {
            return None;
        }
        let mut text = format!("log sink {} did not take all lines in time:", labels.join(", "));
        if in_rings > 0 {
            let lines: u64 = self.rings().iter().map(|open| open.ring.unreleased_records()).sum();
            let fate = match kept {
                true => "are written by the next start",
                false => "are lost",
            };
            text.push_str(&format!(" {lines} lines {fate}"));
        }
        if detached > 0 {
            let and = if in_rings > 0 { "," } else { "" };
            text.push_str(&format!("{and} {detached} lines of its backlog are lost"));
        }
        let dropped: u64 =
            self.losses.total() + self.outlets().iter().map(|outlet| outlet.losses().total()).sum::<u64>();
        if dropped > 0 {
            text.push_str(&format!("; {dropped} were dropped before"));
        }
        Some(text)
    }

    /// The collector, for who has to wake it.
    pub fn collector(&self) -> &Collector {
        &self.collector
    }
}

/// Place in segments for a sink: the one that it had before it was closed, else one that no open sink has. A second open sink of
/// the same identity gets none, since recovery could not tell the two apart.
fn free_slot(outlets: &[Arc<Outlet>], hash: u64) -> Option<usize> {
    if outlets
        .iter()
        .any(|outlet| outlet.hash() == hash && !outlet.is_closed())
    {
        return None;
    }
    let taken = |slot: usize| {
        outlets
            .iter()
            .any(|outlet| outlet.slot() == Some(slot) && !outlet.is_closed())
    };
    let before = outlets.iter().rev().find(|outlet| outlet.hash() == hash);
    let known = before.and_then(|outlet| outlet.slot()).filter(|&slot| !taken(slot));
    // One that nobody ever had first: what a closed sink noted there would be lost.
    let unused = || (0..LOG_SLOTS).find(|&slot| !outlets.iter().any(|outlet| outlet.slot() == Some(slot)));
    known
        .or_else(unused)
        .or_else(|| (0..LOG_SLOTS).find(|&slot| !taken(slot)))
}

/// Levels of whole records.
fn levels(records: &[u8]) -> impl Iterator<Item = u16> {
    read_records(records).map_while(Result::ok).map(|record| {
        let level = record.body.get(LOG_LEVEL_AT..LOG_LEVEL_AT + 2);
        level.map_or(0, |level| u16::from_le_bytes([level[0], level[1]]))
    })
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
