//! Where the lines of one sink go: a queue of pieces before its writer. A writer that may block has a thread of its own,
//! `kymo-log-N`, any other is called by the collector.
//!
//! An outlet is *attached* while the rings wait for it: then its queue holds the pieces of one batch, which are in the rings too. Once it
//! holds up others it is *detached*: it keeps a bounded backlog in process memory, and what does not fit is lost and counted.
mod writing;

use super::LineWriter;
use super::losses::Losses;
use super::piece::Piece;
use super::routes::LineFormat;
use crate::memory::clock::mono_ms;
use crate::ring::slots::hash_of;
use crate::threads;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How an outlet is made.
#[derive(Debug, Clone, Default)]
pub struct OutletOptions {
    /// Label value `sink` of its metrics; the writer's identity when empty.
    pub label: String,
    /// Bytes that are kept for it while it holds up others. 0 = [`BACKLOG_BYTES`].
    pub backlog_bytes: usize,
}

/// Default of [`OutletOptions::backlog_bytes`].
pub const BACKLOG_BYTES: usize = 1 << 20;
/// Time between two ticks of a writer.
const TICK: Duration = Duration::from_secs(1);

/// See the module.
pub struct Outlet {
    number: u32,
    identity: String,
    label: String,
    hash: u64,
    slot: Option<usize>,
    blocking: bool,
    backlog_bytes: usize,
    writer: Mutex<Box<dyn LineWriter>>,
    state: Mutex<State>,
    /// Waits of its thread, and of those who wait for it.
    changed: Condvar,
    /// Tells the collector that a batch may be complete.
    moved: Arc<dyn Fn() + Send + Sync>,
    moved_ms: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    losses: Losses,
    /// The format that was used last, for Kymo's own lines.
    format: Mutex<Option<Arc<dyn LineFormat>>>,
}

struct State {
    queue: VecDeque<Piece>,
    queued_bytes: usize,
    /// A piece is out of the queue, at the writer.
    writing: bool,
    detached: bool,
    retry_at: Option<Instant>,
    wait: Duration,
    /// Since when nothing can be written, in words.
    failing: Option<String>,
    tick_at: Instant,
    reopen: bool,
    sync_wanted: u64,
    synced: u64,
    sync_failed: u64,
    closed: bool,
}

/// What is known about an outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutletState {
    /// Lines behind it that it has not taken, in bytes.
    pub queued_bytes: usize,
    /// Rings do not wait for it.
    pub detached: bool,
    /// Why the last write failed, while it does.
    pub error: Option<String>,
    /// Bytes that its writer took.
    pub written_bytes: u64,
    /// Writes that failed.
    pub errors: u64,
    /// Lines that it missed.
    pub dropped: u64,
}

impl Outlet {
    /// An outlet over a writer; `slot` is its place in segments. Its thread is started where the writer may block.
    pub fn new(
        number: u32,
        writer: Box<dyn LineWriter>,
        options: &OutletOptions,
        slot: Option<usize>,
        moved: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Arc<Outlet>> {
        let identity = writer.identity();
        let label = match options.label.as_str() {
            "" => identity.clone(),
            label => label.to_owned(),
        };
        let outlet = Arc::new(Outlet {
            number,
            hash: hash_of(&identity),
            identity,
            label,
            slot,
            blocking: writer.may_block(),
            backlog_bytes: match options.backlog_bytes {
                0 => BACKLOG_BYTES,
                bytes => bytes,
            },
            writer: Mutex::new(writer),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                queued_bytes: 0,
                writing: false,
                detached: false,
                retry_at: None,
                wait: Duration::ZERO,
                failing: None,
                tick_at: Instant::now() + TICK,
                reopen: false,
                sync_wanted: 0,
                synced: 0,
                sync_failed: 0,
                closed: false,
            }),
            changed: Condvar::new(),
            moved,
            moved_ms: AtomicU64::new(mono_ms()),
            errors: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            losses: Losses::default(),
            format: Mutex::new(None),
        });
        if outlet.blocking {
            let own = Arc::clone(&outlet);
            threads::spawn(&format!("kymo-log-{number}"), move || own.run())?;
        }
        Ok(outlet)
    }

    /// Its number in the process.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// As its writer's.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Label value `sink` of its metrics.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Hash of the identity, which names it in segments.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Its place in segments.
    pub fn slot(&self) -> Option<usize> {
        self.slot
    }

    /// Lines that it alone missed.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Writes that failed.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Bytes that its writer took.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The format that its lines had last.
    pub fn format(&self) -> Option<Arc<dyn LineFormat>> {
        self.format.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_format(&self, format: &Arc<dyn LineFormat>) {
        let mut known = self.format.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, format)) {
            *known = Some(Arc::clone(format));
        }
    }

    /// What is known about it.
    pub fn state(&self) -> OutletState {
        let state = self.lock();
        OutletState {
            queued_bytes: state.queued_bytes,
            detached: state.detached,
            error: state.failing.clone(),
            written_bytes: self.bytes(),
            errors: self.errors(),
            dropped: self.losses.total(),
        }
    }

    /// Hands over a piece. While detached, one that finds no room in the backlog is lost and counted.
    pub(super) fn give(&self, piece: Piece) {
        let mut state = self.lock();
        let full = state.detached && state.queued_bytes + piece.rest() > self.backlog_bytes;
        if full || state.closed {
            let reason = match () {
                () if state.closed => "closed",
                () if state.failing.is_some() => "failing",
                () => "stalled",
            };
            drop(state);
            self.lose(piece, reason);
            return;
        }
        if state.queue.is_empty() && !state.writing {
            // Until now it had nothing to be slow with.
            self.moved_ms.store(mono_ms(), Ordering::Relaxed);
        }
        state.queued_bytes += piece.rest();
        state.queue.push_back(piece);
        drop(state);
        self.changed.notify_all();
    }

    /// Lines of pieces that wait for the writer.
    pub fn queued_lines(&self) -> u64 {
        let state = self.lock();
        let lines = state.queue.iter().flat_map(Piece::lines_left);
        lines.map(|(_, lines)| lines).sum()
    }

    /// True when it has nothing left to write.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() && !state.writing
    }

    /// True when it has nothing left to write, takes lines, and its last write succeeded.
    pub(super) fn is_flowing(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() && !state.writing && !state.closed && state.failing.is_none()
    }

    /// True when nothing was written for `time` although there was something, and the last attempt failed or has not returned.
    pub(super) fn is_stuck(&self, time: Duration) -> bool {
        let quiet = mono_ms().saturating_sub(self.moved_ms.load(Ordering::Relaxed));
        !self.is_empty() && Duration::from_millis(quiet) >= time
    }

    /// Rings wait for it no longer.
    pub(super) fn detach(&self) {
        self.lock().detached = true;
    }

    /// Rings wait for it again, once it has written its backlog. True when they do.
    pub(super) fn attach(&self) -> bool {
        let mut state = self.lock();
        if state.queue.is_empty() && !state.writing {
            state.detached = false;
        }
        !state.detached
    }

    /// True while rings do not wait for it.
    pub fn detached(&self) -> bool {
        self.lock().detached
    }

    /// Has the writer sync once everything is written that was given before. The answer names the request.
    pub(super) fn request_sync(&self) -> u64 {
        let mut state = self.lock();
        state.sync_wanted += 1;
        let ticket = state.sync_wanted;
        drop(state);
        self.changed.notify_all();
        ticket
    }

    /// Whether the sync of a request is done, and whether it succeeded.
    pub(super) fn synced(&self, ticket: u64) -> Option<bool> {
        let state = self.lock();
        (state.synced >= ticket || state.closed).then_some(state.sync_failed < ticket)
    }

    /// Has the writer open its file anew, soon.
    pub fn reopen(&self) {
        self.lock().reopen = true;
        self.changed.notify_all();
        (self.moved)();
    }

    /// Asks the writer how much of `lines` a dead process had written already, see [`LineWriter::resume`].
    pub(super) fn resume(&self, place: super::Place, lines: &[u8]) -> usize {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        threads::guard(|| writer.resume(place, lines), 0).min(lines.len())
    }

    /// Takes no more lines; what is queued then is written until `deadline` has passed. False when some of it is lost.
    pub fn close(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = self.lock();
        while (!state.queue.is_empty() || state.writing) && !state.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (self.moved)();
            state = self.wait(state, left.min(Duration::from_millis(10)));
        }
        state.closed = true;
        let left: Vec<Piece> = state.queue.drain(..).collect();
        state.queued_bytes = 0;
        drop(state);
        self.changed.notify_all();
        if !self.blocking {
            self.let_go();
        }
        let complete = left.is_empty();
        left.into_iter().for_each(|piece| self.lose(piece, "closed"));
        complete
    }

    /// True once [`Outlet::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lose(&self, piece: Piece, reason: &'static str) {
        for (level, lines) in piece.lines_left() {
            self.losses.count(level, reason, lines);
        }
        piece.finish();
        (self.moved)();
    }

    /// When the collector has to call it again, where it has no thread and something is left to do.
    pub(super) fn pumped_by_collector(&self) -> bool {
        !self.blocking
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
