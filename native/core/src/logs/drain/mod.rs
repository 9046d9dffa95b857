//! The way of lines out of the log rings: takes batches of all rings, merges them by time, has each line made once per format, and hands
//! the pieces to outlets. A batch is released in its rings when every outlet has it. Runs on the collector.
//!
//! The rings wait for a sink that does not move, for as long as no other one waits with it; else it is detached (see `outlet.rs`).
mod feed;
mod making;

use super::LogRecord;
use super::held::{Held, HeldRecord, Verdict};
use super::host::{Extra, Logs, TraceCommand, lock};
use super::losses::{Loss, since};
use super::outlet::Outlet;
use super::own_line::OwnLine;
use super::piece::{Lane, NO_LANE, Piece};
use super::routes::{RouteSink, RouteTable, Scrub, SinkKind};
use crate::ring::consumer::{Drain, Progress};
use crate::ring::position::{after, used};
use crate::ring::read_records;
use crate::ring::record::Record;
use crate::threads;
use feed::Feed;
use making::Making;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of records in a batch, and most bytes taken from a ring at once.
const BATCH_BYTES: usize = 256 << 10;
/// Batches of one call.
const BATCHES: usize = 16;
/// Shortest time between two batches, unless so many bytes wait: a write per line costs more than the line.
const PACE: Duration = Duration::from_millis(1);
const WORTH_A_BATCH: u64 = 64 << 10;
/// Time between two lines that tell of losses, per outlet.
const REPORTS: Duration = Duration::from_secs(1);

/// See the module. One per process.
pub struct LogDrain {
    logs: Arc<Logs>,
    feeds: Vec<Feed>,
    table: RouteTable,
    version: Option<u64>,
    /// The outlets of the table, and whether it has sinks that take records.
    outlets: Vec<Arc<Outlet>>,
    has_records: bool,
    scrub: Option<Arc<dyn Scrub>>,
    held: Held,
    extras: VecDeque<Extra>,
    batch: Option<Handed>,
    /// An outlet kept some of the extras in memory only.
    extras_detached: bool,
    flush: Option<Flush>,
    reported: HashMap<u32, Reported>,
    lines: Vec<(u16, u64)>,
    ticked: Instant,
    /// When the last batch of rings was gathered.
    gathered: Option<Instant>,
}

/// A batch at its outlets.
struct Handed {
    waits: Vec<(Arc<Outlet>, Arc<AtomicBool>)>,
    given: Instant,
    /// Its records came from rings.
    from_rings: bool,
}

/// A flush under way: how far each ring has to get, then the syncs of outlets.
struct Flush {
    ticket: u64,
    targets: Vec<u64>,
    syncs: Option<Vec<(Arc<Outlet>, u64)>>,
}

/// What an outlet's log has been told.
struct Reported {
    at: Instant,
    own: Vec<Loss>,
    all: Vec<Loss>,
    total: u64,
}

impl LogDrain {
    /// The drain of `logs`, for its collector.
    pub(super) fn new(logs: Arc<Logs>) -> LogDrain {
        LogDrain {
            logs,
            feeds: Vec::new(),
            table: Vec::new(),
            version: None,
            outlets: Vec::new(),
            has_records: false,
            scrub: None,
            held: Held::default(),
            extras: VecDeque::new(),
            batch: None,
            extras_detached: false,
            flush: None,
            reported: HashMap::new(),
            lines: Vec::new(),
            ticked: Instant::now(),
            gathered: None,
        }
    }

    /// Where records go, and what must be taken out of them. A thread configures both before it writes the records that they are for:
    /// so this is asked for again behind the look at the rings, or those records would meet what was there before.
    fn look_up(&mut self) {
        let version = self.logs.routes.version();
        if self.version != Some(version) {
            self.version = Some(version);
            self.table = self.logs.routes.table();
            self.outlets = self.logs.routes.outlets();
            let takes_records = |sink: &RouteSink| matches!(sink.sink, SinkKind::Records(_));
            self.has_records = self.table.iter().flatten().any(|sinks| sinks.iter().any(takes_records));
        }
        self.scrub = self.logs.scrub.read().unwrap_or_else(PoisonError::into_inner).clone();
    }

    /// Takes over what other threads left.
    fn adopt(&mut self) {
        self.look_up();
        let inbox = std::mem::take(&mut *lock(&self.logs.inbox));
        self.feeds.extend(inbox.rings.into_iter().map(Feed::new));
        self.extras.extend(inbox.extras);
        for command in inbox.traces {
            match command {
                TraceCommand::Release(trace) => self.held.release(trace),
                TraceCommand::Forget(trace, now_ms) => self.held.forget(trace, now_ms),
            }
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.ticked) >= Duration::from_secs(1) {
            self.ticked = now;
            self.held.tick(now);
        }
    }

    /// Has the writers without a thread of their own do what they can.
    fn pump(&self) {
        for outlet in self.logs.outlets().iter().filter(|outlet| outlet.pumped_by_collector()) {
            outlet.pump();
        }
    }

    /// True when no batch is at the outlets any more.
    fn settled(&mut self) -> bool {
        let Some(batch) = &mut self.batch else { return true };
        batch.waits.retain(|(_, done)| !done.load(Ordering::Acquire));
        if !batch.waits.is_empty() {
            let waits = &batch.waits;
            let waiting = |outlet: &Arc<Outlet>| waits.iter().any(|(other, _)| Arc::ptr_eq(other, outlet));
            let others = self.has_records || self.outlets.iter().any(|outlet| !waiting(outlet) && !outlet.detached());
            let held_up = !self.extras.is_empty() || self.feeds.iter().any(Feed::has_more);
            if !(others && held_up) {
                return false;
            }
            let budget = self.logs.block_budget();
            let age = batch.given.elapsed();
            let (detached, extras) = (&mut self.extras_detached, !batch.from_rings);
            batch.waits.retain(|(outlet, _)| {
                let stuck = (age >= budget && outlet.is_stuck(budget)) || age >= budget * 10;
                if stuck {
                    outlet.detach();
                    *detached |= extras;
                }
                !stuck
            });
            if !batch.waits.is_empty() {
                return false;
            }
        }
        if self.batch.take().is_some_and(|batch| batch.from_rings) {
            self.release();
        }
        true
    }

    /// Every outlet has the batch, or keeps it in memory: rings may write over it.
    fn release(&mut self) {
        for feed in &mut self.feeds {
            let Some(flight) = &feed.flight else { continue };
            if feed.at > feed.began {
                feed.note(&self.outlets);
            }
            feed.began = feed.at;
            if feed.at == used(flight.to(), flight.from()) as usize
                && let Some(flight) = feed.flight.take()
            {
                feed.released += feed.at as u64;
                feed.open.ring.release(flight);
            }
        }
        self.logs.count_lines(&mut self.lines);
    }

    /// Hands the next batch to outlets. False when there is none.
    fn next(&mut self) -> bool {
        while let Some(extra) = self.extras.pop_front() {
            match extra {
                Extra::Pieces(pieces) => {
                    self.hand(pieces, false);
                    return true;
                }
                Extra::Then(then) => then(!std::mem::take(&mut self.extras_detached)),
            }
        }
        let reports = self.reports();
        if !reports.is_empty() {
            self.hand(reports, false);
            return true;
        }
        if self.held.has_ready() {
            // In pieces of their own: recovery compares what it makes of a batch with what is in a file.
            let mut making = Making::default();
            for record in &self.held.take_ready() {
                self.add_held(&mut making, record);
            }
            self.hand(making.pieces, false);
            return true;
        }
        self.gather()
    }

    fn hand(&mut self, pieces: Vec<(Arc<Outlet>, Piece)>, from_rings: bool) {
        let mut waits = Vec::new();
        for (outlet, piece) in pieces {
            let done = piece.is_done();
            let attached = outlet.attach();
            outlet.give(piece);
            if attached {
                waits.push((outlet, done));
            } else if !from_rings {
                self.extras_detached = true;
            }
        }
        for (outlet, _) in waits.iter().filter(|(outlet, _)| outlet.pumped_by_collector()) {
            outlet.pump();
        }
        self.batch = Some(Handed {
            waits,
            given: Instant::now(),
            from_rings,
        });
    }

    /// Lines that tell outlets what was lost, once they move again.
    fn reports(&mut self) -> Vec<(Arc<Outlet>, Piece)> {
        let total = self.logs.losses().total();
        let mut pieces = Vec::new();
        for outlet in &self.outlets {
            let both = total + outlet.losses().total();
            let known = self.reported.get(&outlet.number());
            if known.map_or(0, |known| known.total) == both
                || known.is_some_and(|known| known.at.elapsed() < REPORTS)
                || !outlet.is_flowing()
            {
                continue;
            }
            let Some(format) = outlet.format() else { continue };
            let (own, all) = (outlet.losses().all(), self.logs.losses().all());
            let mut losses = since(&own, known.map_or(&[], |known| &known.own));
            losses.extend(since(&all, known.map_or(&[], |known| &known.all)));
            let line = OwnLine::dropped(&losses);
            let mut piece = Piece::default();
            let written = threads::guard(
                || {
                    line.write(&*format, &mut piece.bytes);
                    true
                },
                false,
            );
            self.reported.insert(
                outlet.number(),
                Reported {
                    at: Instant::now(),
                    own,
                    all,
                    total: both,
                },
            );
            if written {
                piece.mark(NO_LANE, line.level(), 0, 0.0);
                pieces.push((Arc::clone(outlet), piece));
            }
        }
        pieces
    }

    /// True when the rings have something, but so little, so soon after the last batch, that it can wait for more.
    fn is_too_soon(&self) -> bool {
        let soon = self.gathered.is_some_and(|at| at.elapsed() < PACE);
        soon && self.flush.is_none() && self.logs.flush_wanted().is_none() && {
            let waiting: u64 = self.feeds.iter().map(|feed| feed.open.ring.unreleased_bytes()).sum();
            waiting > 0 && waiting < WORTH_A_BATCH
        }
    }

    /// Merges records of all rings by time into one batch. False when there are none.
    fn gather(&mut self) -> bool {
        for feed in &mut self.feeds {
            feed.fill();
        }
        self.look_up();
        let mut making = Making::default();
        let (mut total, mut any) = (0, false);
        while total < BATCH_BYTES {
            let times = self.feeds.iter().enumerate();
            let times = times.filter_map(|(index, feed)| Some((feed.time?, index)));
            let Some((_, index)) = times.min_by(|one, other| one.0.total_cmp(&other.0)) else {
                break;
            };
            any = true;
            total += self.add_next(&mut making, index);
            let feed = &mut self.feeds[index];
            // What it has behind this flight may be older than what the other rings have.
            if feed.time.is_none() && feed.open.ring.has_more() {
                break;
            }
        }
        if !any {
            return false;
        }
        self.gathered = Some(Instant::now());
        let lanes: Vec<Lane> = self.feeds.iter().map(Feed::lane).collect();
        let pieces = making.pieces.into_iter().map(|(outlet, mut piece)| {
            piece.lanes.clone_from(&lanes);
            (outlet, piece)
        });
        self.hand(pieces.collect(), true);
        true
    }

    /// Adds the next record of a ring. Returns its bytes.
    fn add_next(&mut self, making: &mut Making, index: usize) -> usize {
        let LogDrain {
            logs,
            feeds,
            table,
            scrub,
            held,
            lines,
            ..
        } = self;
        let feed = &mut feeds[index];
        let Some(flight) = &feed.flight else { return 0 };
        let bytes = &flight.bytes()[feed.at..];
        let mut records = read_records(bytes);
        let record = records.next();
        let length = records.position();
        let Some(Ok(record)) = record else {
            logs.count_dropped(Some(&feed.open), crate::ring::DropReason::Corrupt, 0, 1);
            feed.at += bytes.len();
            feed.time = None;
            return bytes.len();
        };
        let to = after(flight.from(), (feed.at + length) as u32);
        match LogRecord::read(&record, &*feed.open.interned) {
            None => logs.count_dropped(Some(&feed.open), crate::ring::DropReason::Corrupt, 0, 1),
            Some(log) => {
                match lines.iter_mut().find(|(level, _)| *level == log.level) {
                    Some((_, count)) => *count += 1,
                    None => lines.push((log.level, 1)),
                }
                let keep = || HeldRecord {
                    bytes: bytes[..length].into(),
                    keys: Arc::clone(&feed.open.interned),
                    time_ms: log.time_ms,
                    level: log.level,
                };
                let verdict = match log.trace.filter(|_| log.held) {
                    Some(trace) => held.accept(trace.trace_id, keep, log.time_ms),
                    None => Verdict::Write,
                };
                match verdict {
                    Verdict::Write => making.add(logs, table, scrub.as_deref(), &log, index as u16, to),
                    Verdict::Kept(lost) => lost.into_iter().for_each(|level| logs.losses().count(level, "held", 1)),
                }
            }
        }
        feed.at += length;
        feed.look();
        length
    }

    fn add_held(&self, making: &mut Making, held: &HeldRecord) {
        let record: Option<Record<'_>> = read_records(&held.bytes).next().and_then(Result::ok);
        if let Some(log) = record.and_then(|record| LogRecord::read(&record, &*held.keys)) {
            making.add(&self.logs, &self.table, self.scrub.as_deref(), &log, NO_LANE, 0);
        }
    }

    /// Goes on with a flush that was asked for.
    fn flush(&mut self) {
        if self.flush.is_none() {
            let Some(ticket) = self.logs.flush_wanted() else { return };
            // A ring may have been opened and written since this round began, and the flush is for what is in it.
            self.adopt();
            let targets = self
                .feeds
                .iter()
                .map(|feed| feed.released + feed.open.ring.unreleased_bytes());
            self.flush = Some(Flush {
                ticket,
                targets: targets.collect(),
                syncs: None,
            });
        }
        let Some(flush) = &mut self.flush else { return };
        if flush.syncs.is_none() {
            let behind = |(feed, target): (&Feed, &u64)| feed.released < *target && feed.open.ring.pending();
            if self.batch.is_some() || !self.extras.is_empty() || self.held.has_ready() {
                return;
            }
            if self.feeds.iter().zip(&flush.targets).any(behind) {
                return;
            }
            let open = self.logs.outlets().into_iter().filter(|outlet| !outlet.is_closed());
            let syncs = open.map(|outlet| {
                let ticket = outlet.request_sync();
                (outlet, ticket)
            });
            flush.syncs = Some(syncs.collect());
        }
        self.pump();
        let Some(Flush {
            ticket,
            syncs: Some(syncs),
            ..
        }) = &self.flush
        else {
            return;
        };
        let answers: Vec<Option<bool>> = syncs.iter().map(|(outlet, ticket)| outlet.synced(*ticket)).collect();
        if answers.iter().all(Option::is_some) {
            let complete = answers.into_iter().flatten().all(|synced| synced);
            self.logs.flush_done(*ticket, complete);
            self.flush = None;
        }
    }
}

impl Drain for LogDrain {
    fn drain(&mut self) -> Progress {
        self.adopt();
        self.pump();
        let mut progress = Progress::Idle;
        for _ in 0..BATCHES {
            if !self.settled() {
                // What was gathered is with the outlets, so nothing is lost by waiting.
                self.flush();
                return Progress::Waiting;
            }
            if self.is_too_soon() {
                progress = Progress::Moved;
                break;
            }
            if !self.next() {
                break;
            }
            progress = Progress::Moved;
        }
        if !self.settled() {
            return Progress::Waiting;
        }
        self.flush();
        let waiting = self.flush.is_some() || self.logs.outlets().iter().any(|outlet| !outlet.is_empty());
        match progress {
            Progress::Idle if waiting => Progress::Waiting,
            progress => progress,
        }
    }

    fn park(&self, parked: bool) -> bool {
        // No short-circuit: every ring's word must be set before any answer counts.
        let quiet = self.feeds.iter().filter(|feed| !feed.open.ring.park(parked)).count() == 0;
        let inbox = lock(&self.logs.inbox);
        let nothing = inbox.rings.is_empty() && inbox.extras.is_empty() && inbox.traces.is_empty();
        !parked || (quiet && nothing && self.batch.is_none() && self.logs.flush_wanted().is_none())
    }

    fn ticks(&self) -> bool {
        !self.outlets.is_empty()
    }
}
