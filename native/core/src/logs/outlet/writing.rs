//! What an outlet does with its writer: pieces in order, again when they are not taken, ticks and syncs. On the outlet's own thread, or
//! on the collector.
use super::{Outlet, State, TICK};
use crate::logs::notice::tell;
use crate::logs::piece::{Delivery, Piece};
use crate::logs::{LineMark, LineWriter, Place};
use crate::memory::clock::mono_ms;
use crate::threads;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Most bytes of one write to a writer that may block: what it has is noted in between.
const CHUNK: usize = 64 << 10;
/// Time between two attempts: of a reader that does not read, and of a sink that fails.
const STALL_WAITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));
const ERROR_WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

impl Outlet {
    /// Lets the writer do what there is to do. By the collector, or by the thread of an outlet that has one: a collector that calls the
    /// writer of a blocking outlet would wait with it.
    pub(in crate::logs) fn pump(&self) {
        if !self.has_work() {
            return;
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.housekeeping(&mut **writer);
        while let Some(mut piece) = self.next() {
            let outcome = threads::guard(|| Some(self.write(&mut **writer, &mut piece)), None);
            threads::guard(|| writer.placed(), ());
            match outcome {
                Some(Ok(())) => {
                    piece.finish();
                    self.settled(None);
                }
                Some(Err(error)) => {
                    let stalled = error.kind() == io::ErrorKind::WouldBlock;
                    self.put_back(piece, &error, stalled);
                    break;
                }
                None => {
                    // Its rest might bring the writer down again.
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    self.settled(Some("it panicked"));
                    self.lose(piece, "panic");
                }
            }
            (self.moved)();
        }
        self.sync(&mut **writer);
    }

    pub(super) fn run(&self) {
        loop {
            let mut state = self.lock();
            loop {
                if state.closed {
                    drop(state);
                    return self.let_go();
                }
                let now = Instant::now();
                if Outlet::work_in(&state, now) {
                    break;
                }
                let due = match state.retry_at {
                    Some(at) if !state.queue.is_empty() => at.min(state.tick_at),
                    _ => state.tick_at,
                };
                state = self.wait(state, due.saturating_duration_since(now));
            }
            drop(state);
            self.pump();
        }
    }

    /// Closes what the writer has open.
    pub(super) fn let_go(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = std::mem::replace(&mut *writer, Box::new(Nowhere));
        threads::guard(|| drop(gone), ());
    }

    fn has_work(&self) -> bool {
        Outlet::work_in(&self.lock(), Instant::now())
    }

    fn work_in(state: &State, now: Instant) -> bool {
        let may_write = state.retry_at.is_none_or(|at| at <= now);
        if state.closed {
            return false;
        }
        (!state.queue.is_empty() && may_write)
            || state.reopen
            || (state.queue.is_empty() && state.sync_wanted > state.synced)
            || state.tick_at <= now
    }

    fn housekeeping(&self, writer: &mut dyn LineWriter) {
        let mut state = self.lock();
        let now = Instant::now();
        let (reopen, tick) = (std::mem::take(&mut state.reopen), state.tick_at <= now);
        if tick {
            state.tick_at = now + TICK;
        }
        drop(state);
        if reopen {
            threads::guard(|| writer.reopen(), ());
        }
        if tick {
            threads::guard(|| writer.tick(wall_ms()), ());
        }
    }

    fn next(&self) -> Option<Piece> {
        let mut state = self.lock();
        if state.retry_at.is_some_and(|at| at > Instant::now()) {
            return None;
        }
        let piece = state.queue.pop_front()?;
        state.writing = true;
        Some(piece)
    }

    fn write(&self, writer: &mut dyn LineWriter, piece: &mut Piece) -> io::Result<()> {
        let to = Delivery {
            slot: self.slot,
            hash: self.hash,
        };
        piece.announce(&to, writer.place(piece.rest() as u64, wall_ms()));
        while piece.rest() > 0 {
            let lines = if self.blocking {
                piece.chunk(CHUNK)
            } else {
                piece.unwritten()
            };
            let offered = lines.len();
            let written = if writer.wants_marks() {
                let marks: Vec<LineMark> = piece.line_marks(offered);
                writer.write_marked(lines, &marks)
            } else {
                writer.write(lines)
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WouldBlock.into()),
                Ok(bytes) => {
                    let bytes = bytes.min(offered);
                    piece.advance(&to, bytes);
                    self.progress(bytes);
                    if bytes < offered {
                        // The rest goes elsewhere: the file is full.
                        piece.announce(&to, writer.place(piece.rest() as u64, wall_ms()));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        piece.delivered(&to);
        Ok(())
    }

    fn progress(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.moved_ms.store(mono_ms(), Ordering::Relaxed);
        let mut state = self.lock();
        state.queued_bytes = state.queued_bytes.saturating_sub(bytes);
        state.wait = Duration::ZERO;
        state.failing = None;
    }

    /// A piece is done with.
    fn settled(&self, trouble: Option<&str>) {
        let mut state = self.lock();
        state.writing = false;
        state.retry_at = None;
        if state.queue.is_empty() {
            state.queued_bytes = 0;
        }
        let episode = trouble.is_some() && state.failing.is_none();
        if let Some(trouble) = trouble {
            state.failing = Some(trouble.to_owned());
        }
        drop(state);
        self.moved_ms.store(mono_ms(), Ordering::Relaxed);
        self.changed.notify_all();
        if let (true, Some(trouble)) = (episode, trouble) {
            tell(&format!("log sink {}: {trouble}", self.label));
        }
    }

    /// The piece, or the rest of it, is tried again later. Once per episode stderr is told.
    fn put_back(&self, piece: Piece, error: &io::Error, stalled: bool) {
        let mut state = self.lock();
        state.writing = false;
        if state.closed {
            drop(state);
            self.lose(piece, "closed");
            return;
        }
        state.queue.push_front(piece);
        let (first, most) = if stalled { STALL_WAITS } else { ERROR_WAITS };
        state.wait = (state.wait * 2).clamp(first, most);
        state.retry_at = Some(Instant::now() + state.wait);
        let episode = !stalled && state.failing.is_none();
        if !stalled {
            state.failing = Some(error.to_string());
        }
        drop(state);
        if !stalled {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        if episode {
            tell(&format!(
                "log sink {}: {error}; lines wait, and it is tried again",
                self.label
            ));
        }
    }

    fn sync(&self, writer: &mut dyn LineWriter) {
        let state = self.lock();
        let wanted = state.sync_wanted;
        if !state.queue.is_empty() || state.synced >= wanted {
            return;
        }
        drop(state);
        let result = threads::guard(|| writer.sync(), Err(io::Error::other("it panicked")));
        let mut state = self.lock();
        state.synced = wanted;
        if result.is_err() {
            state.sync_failed = wanted;
        }
        drop(state);
        if result.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        self.changed.notify_all();
        (self.moved)();
    }
}

/// The writer of an outlet that is closed.
struct Nowhere;

impl LineWriter for Nowhere {
    fn may_block(&self) -> bool {
        false
    }
    fn place(&mut self, _: u64, _: u64) -> Option<Place> {
        None
    }
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        Ok(lines.len())
    }
    fn identity(&self) -> String {
        String::new()
    }
}

fn wall_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}
