//! Debug lines of a trace, kept back until it fails: then they are written, else they are forgotten. On the collector; what is held
//! here does not survive the process.
use crate::intern::InternTable;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes held for all traces, and for one: its oldest lines go first.
const MOST_BYTES: usize = 4 << 20;
const MOST_BYTES_OF_TRACE: usize = 256 << 10;
/// How long a trace is held that nobody decides about, and how long a decision holds for lines that come behind it.
const AGE: Duration = Duration::from_secs(60);
/// Decisions that are remembered.
const MOST_DECISIONS: usize = 16_384;

/// The 16 bytes of a trace id.
pub type TraceId = [u8; 16];

/// A record that is held: its bytes, header included, and the texts that it names.
pub struct HeldRecord {
    /// As it lay in its ring.
    pub bytes: Box<[u8]>,
    /// Keys of its ring.
    pub keys: Arc<InternTable>,
    /// Its time, ms since 1970.
    pub time_ms: f64,
    /// Its level.
    pub level: u16,
}

struct HeldTrace {
    since: Instant,
    bytes: usize,
    records: VecDeque<HeldRecord>,
}

/// What was decided about a trace.
enum Decision {
    /// Its lines are written, those that come included.
    Release,
    /// Its lines up to this time are forgotten: another request of the trace may be under way.
    Drop(f64),
}

/// See the module.
#[derive(Default)]
pub struct Held {
    traces: HashMap<TraceId, HeldTrace>,
    bytes: usize,
    decisions: HashMap<TraceId, Decision>,
    decided: VecDeque<(Instant, TraceId)>,
    /// Released, to be written next.
    ready: Vec<HeldRecord>,
}

/// What is to happen with a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is written now.
    Write,
    /// It is kept back, or forgotten; the levels of lines that had to go for it are given.
    Kept(Vec<u16>),
}

impl Held {
    /// Takes a record that is to be held.
    pub fn accept(&mut self, trace: TraceId, record: impl FnOnce() -> HeldRecord, time_ms: f64) -> Verdict {
        match self.decisions.get(&trace) {
            Some(Decision::Release) => return Verdict::Write,
            Some(Decision::Drop(until)) if time_ms <= *until => return Verdict::Kept(Vec::new()),
            _ => {}
        }
        let record = record();
        let size = record.bytes.len();
        let mut lost = Vec::new();
        let held = self.traces.entry(trace).or_insert_with(|| HeldTrace {
            since: Instant::now(),
            bytes: 0,
            records: VecDeque::new(),
        });
        held.bytes += size;
        self.bytes += size;
        held.records.push_back(record);
        while held.bytes > MOST_BYTES_OF_TRACE {
            let Some(oldest) = held.records.pop_front() else { break };
            held.bytes -= oldest.bytes.len();
            self.bytes -= oldest.bytes.len();
            lost.push(oldest.level);
        }
        while self.bytes > MOST_BYTES {
            let oldest = self
                .traces
                .iter()
                .min_by_key(|(_, held)| held.since)
                .map(|(&trace, _)| trace);
            let Some(gone) = oldest.and_then(|trace| self.traces.remove(&trace)) else {
                break;
            };
            self.bytes -= gone.bytes;
            lost.extend(gone.records.iter().map(|record| record.level));
        }
        Verdict::Kept(lost)
    }

    /// The trace failed: what is held is written, and what comes.
    pub fn release(&mut self, trace: TraceId) {
        if let Some(held) = self.traces.remove(&trace) {
            self.bytes -= held.bytes;
            self.ready.extend(held.records);
        }
        self.decide(trace, Decision::Release);
    }

    /// The trace went well: what is held, and what is on its way with a time up to `now_ms`, is forgotten.
    pub fn forget(&mut self, trace: TraceId, now_ms: f64) {
        if let Some(held) = self.traces.remove(&trace) {
            self.bytes -= held.bytes;
        }
        if !matches!(self.decisions.get(&trace), Some(Decision::Release)) {
            self.decide(trace, Decision::Drop(now_ms));
        }
    }

    /// Released records, by time.
    pub fn take_ready(&mut self) -> Vec<HeldRecord> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_by(|one, other| one.time_ms.total_cmp(&other.time_ms));
        ready
    }

    /// True when there are released records.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Forgets what is too old. About once a second.
    pub fn tick(&mut self, now: Instant) {
        let bytes = &mut self.bytes;
        self.traces.retain(|_, held| {
            let young = now.saturating_duration_since(held.since) < AGE;
            if !young {
                *bytes -= held.bytes;
            }
            young
        });
        while let Some((at, trace)) = self.decided.front() {
            if now.saturating_duration_since(*at) < AGE && self.decided.len() <= MOST_DECISIONS {
                break;
            }
            self.decisions.remove(trace);
            self.decided.pop_front();
        }
    }

    fn decide(&mut self, trace: TraceId, decision: Decision) {
        if self.decisions.insert(trace, decision).is_none() {
            self.decided.push_back((Instant::now(), trace));
            if self.decided.len() > MOST_DECISIONS
                && let Some((_, oldest)) = self.decided.pop_front()
            {
                self.decisions.remove(&oldest);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::layout::{HEADER_SIZE, KIND_RING};
    use crate::memory::segment::Segment;

    fn record(keys: &Arc<InternTable>, size: usize, time_ms: f64) -> HeldRecord {
        HeldRecord {
            bytes: vec![0; size].into(),
            keys: Arc::clone(keys),
            time_ms,
            level: 20,
        }
    }

    fn keys() -> Arc<InternTable> {
        let segment = Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap();
        Arc::new(InternTable::new(Arc::new(segment)))
    }

    #[test]
    fn lines_of_a_trace_are_written_when_it_fails_and_those_behind_it_at_once() {
        let (mut held, keys) = (Held::default(), keys());
        for time in [2.0, 1.0] {
            assert_eq!(
                held.accept([1; 16], || record(&keys, 8, time), time),
                Verdict::Kept(Vec::new())
            );
        }
        assert!(!held.has_ready());
        held.release([1; 16]);
        assert_eq!(
            held.take_ready()
                .iter()
                .map(|record| record.time_ms)
                .collect::<Vec<_>>(),
            [1.0, 2.0]
        );
        assert_eq!(held.accept([1; 16], || record(&keys, 8, 3.0), 3.0), Verdict::Write);
        assert_eq!(
            held.accept([2; 16], || record(&keys, 8, 3.0), 3.0),
            Verdict::Kept(Vec::new())
        );
        held.tick(Instant::now() + AGE);
        assert_eq!(
            (held.bytes, held.traces.len()),
            (0, 0),
            "nobody decided about the other one"
        );
        assert_eq!(
            held.accept([1; 16], || record(&keys, 8, 4.0), 4.0),
            Verdict::Kept(Vec::new())
        );
    }

    #[test]
    fn lines_of_a_trace_that_went_well_are_forgotten_but_not_those_of_a_later_request() {
        let (mut held, keys) = (Held::default(), keys());
        held.accept([1; 16], || record(&keys, 8, 1.0), 1.0);
        held.forget([1; 16], 5.0);
        assert_eq!(held.bytes, 0);
        held.accept([1; 16], || record(&keys, 8, 5.0), 5.0);
        assert_eq!(held.bytes, 0, "it was in the ring when the request ended");
        held.accept([1; 16], || record(&keys, 8, 6.0), 6.0);
        held.release([1; 16]);
        assert_eq!(held.take_ready().len(), 1);
    }

    #[test]
    fn what_is_held_is_bounded_per_trace_and_in_all() {
        let (mut held, keys) = (Held::default(), keys());
        let size = MOST_BYTES_OF_TRACE / 4;
        let lost: Vec<Verdict> = (0..5)
            .map(|_| held.accept([1; 16], || record(&keys, size, 0.0), 0.0))
            .collect();
        assert_eq!(lost[3], Verdict::Kept(Vec::new()), "as much as fits");
        assert_eq!(lost[4], Verdict::Kept(vec![20]));
        for trace in 2..=40 {
            for _ in 0..4 {
                held.accept([trace; 16], || record(&keys, size, 0.0), 0.0);
            }
        }
        assert!(held.bytes <= MOST_BYTES);
        assert!(!held.traces.contains_key(&[1; 16]), "the oldest goes first");
        for trace in 0..MOST_DECISIONS as u32 + 100 {
            let mut id = [7; 16];
            id[..4].copy_from_slice(&trace.to_le_bytes());
            held.forget(id, 0.0);
        }
        assert_eq!(
            (held.decisions.len(), held.decided.len()),
            (MOST_DECISIONS, MOST_DECISIONS)
        );
    }
}
