//! A bounded queue of spans on their way to one exporter, handed out in encoded batches, one at a time. The collector pushes; the
//! exporter's thread takes, encodes and says what became of each batch. The lock is held for moves of the queue, never for
//! encoding.
use super::ExportSpan;
use super::resource::{Resource, Scopes};
use crate::metrics::compression;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why spans did not get to their exporter; the label value of `kymo_spans_dropped_total{reason}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Loss {
    /// The queue was full: the oldest made room.
    QueueFull = 0,
    /// A span alone is larger than a batch may be.
    TooLarge = 1,
    /// The receiver refused the batch for good.
    Refused = 2,
    /// The receiver took the batch but rejected some of its spans.
    Rejected = 3,
    /// The pipeline was closed with spans in it.
    Shutdown = 4,
    /// Native code could not encode the batch.
    Failed = 5,
    /// No connection until the time for the batch was over.
    Unreachable = 6,
    /// The receiver asked to come again until the time for the batch was over.
    Throttled = 7,
    /// No answer in time.
    Timeout = 8,
    /// An answer that is none, or too long.
    BadResponse = 9,
    /// The application's exporter failed.
    Exporter = 10,
    /// The exporter's thread ended with the batch, again and again.
    Worker = 11,
}

impl Loss {
    /// All of them, in order.
    pub const ALL: [Loss; 12] = [
        Loss::QueueFull,
        Loss::TooLarge,
        Loss::Refused,
        Loss::Rejected,
        Loss::Shutdown,
        Loss::Failed,
        Loss::Unreachable,
        Loss::Throttled,
        Loss::Timeout,
        Loss::BadResponse,
        Loss::Exporter,
        Loss::Worker,
    ];

    /// The label value.
    pub fn word(self) -> &'static str {
        match self {
            Loss::QueueFull => "queue_full",
            Loss::TooLarge => "too_large",
            Loss::Refused => "refused",
            Loss::Rejected => "rejected",
            Loss::Shutdown => "shutdown",
            Loss::Failed => "failed",
            Loss::Unreachable => "unreachable",
            Loss::Throttled => "throttled",
            Loss::Timeout => "timeout",
            Loss::BadResponse => "bad_response",
            Loss::Exporter => "exporter",
            Loss::Worker => "worker",
        }
    }
}

/// Appends a batch's bytes to `out`.
pub type Encode = fn(&[ExportSpan], &Resource, &Scopes, &mut Vec<u8>);

/// How the body of a batch is compressed, at level 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// What a pipeline is made with.
#[derive(Clone)]
pub struct PipelineOptions {
    /// Label value of its metrics.
    pub label: Box<str>,
    /// The format.
    pub encode: Encode,
    /// Of the body.
    pub compression: Compression,
    /// Spans that may wait, at least 1.
    pub max_queue_spans: usize,
    /// Bytes of records that may wait. One span may always.
    pub max_queue_bytes: usize,
    /// Spans of a batch, at least 1.
    pub max_batch_spans: usize,
    /// Bytes of a batch before compression.
    pub max_batch_bytes: usize,
}

/// A batch that is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number, for [`Pipeline::done`].
    pub number: u32,
    /// Spans in it.
    pub spans: u32,
    /// Encoded and compressed.
    pub body: Vec<u8>,
    /// Bytes before compression.
    pub plain_bytes: usize,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it, but for this many spans.
    Exported {
        /// Spans that the receiver rejected.
        rejected: u32,
    },
    /// Nobody will send it again.
    Dropped(Loss),
    /// It goes back in front of the queue: its exporter died.
    Again,
}

/// Why an exporter that waits should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// A full batch waits.
    Batch,
    /// Somebody wants everything out.
    Flush,
    /// No more spans will come.
    Closed,
}

/// Called once, on any thread, when there is something to do.
pub type Notify = Box<dyn FnOnce(Ready) + Send>;

/// See the module.
pub struct Pipeline {
    options: PipelineOptions,
    state: Mutex<State>,
    /// Signalled when spans leave.
    left: Condvar,
    losses: [AtomicU64; Loss::ALL.len()],
    exported: AtomicU64,
    errors: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Spans with their number in this pipeline, ascending.
    queue: VecDeque<(u64, ExportSpan)>,
    queued_bytes: usize,
    out: Option<Out>,
    pushed: u64,
    batches: u32,
    /// Spans below this number are wanted out.
    flush_below: u64,
    closed: bool,
    notify: Option<Notify>,
}

/// The batch that an exporter has.
struct Out {
    number: u32,
    spans: Vec<(u64, ExportSpan)>,
}

impl State {
    /// The oldest span that is not done.
    fn oldest(&self) -> Option<u64> {
        let out = self.out.as_ref().and_then(|out| out.spans.first());
        out.or(self.queue.front()).map(|(number, _)| *number)
    }

    fn ready(&self, batch: usize) -> Option<Ready> {
        if self.out.is_none() && self.queue.front().is_some_and(|(number, _)| *number < self.flush_below) {
            return Some(Ready::Flush);
        }
        if self.out.is_none() && self.queue.len() >= batch {
            return Some(Ready::Batch);
        }
        self.closed.then_some(Ready::Closed)
    }
}

impl Pipeline {
    /// An empty one.
    pub fn new(options: PipelineOptions) -> Pipeline {
        Pipeline {
            options,
            state: Mutex::default(),
            left: Condvar::new(),
            losses: Default::default(),
            exported: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        }
    }

    /// Its label value.
    pub fn label(&self) -> &str {
        &self.options.label
    }

    /// Queues a span; drops the oldest when there is no room. Runs on the collector, at most a lock and a move.
    pub fn push(&self, span: ExportSpan) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            self.count(Loss::Shutdown, 1);
            return;
        }
        let number = state.pushed;
        state.pushed += 1;
        state.queued_bytes += span.record.size();
        state.queue.push_back((number, span));
        let dropped = self.bound(&mut state);
        let notify = self.due(&mut state);
        drop(state);
        if dropped > 0 {
            self.count(Loss::QueueFull, dropped);
            self.left.notify_all();
        }
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
    }

    /// Calls `notify` once: now when there is something to do, else when there is. A later call replaces it: its exporter is gone.
    pub fn when_ready(&self, notify: Notify) {
        let mut state = self.lock();
        state.notify = Some(notify);
        let due = self.due(&mut state);
        drop(state);
        if let Some((notify, ready)) = due {
            notify(ready);
        }
    }

    /// The oldest spans as a batch; `None` when none waits or one is out. Encodes and compresses on the calling thread: about a
    /// microsecond per span.
    pub fn take(&self, resource: &Resource, scopes: &Scopes) -> Option<Batch> {
        loop {
            let (number, spans) = {
                let mut state = self.lock();
                if state.out.is_some() || state.queue.is_empty() {
                    return None;
                }
                let count = state.queue.len().min(self.options.max_batch_spans);
                let spans: Vec<_> = state.queue.drain(..count).collect();
                state.queued_bytes -= spans.iter().map(|(_, span)| span.record.size()).sum::<usize>();
                state.batches = state.batches.wrapping_add(1);
                let number = state.batches;
                state.out = Some(Out {
                    number,
                    spans: spans.clone(),
                });
                (number, spans)
            };
            let encoded =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.encode(spans, resource, scopes)));
            match encoded {
                Ok(Some((spans, plain))) => {
                    // What did not fit goes back in front before anybody else can take.
                    self.put_back(number, spans);
                    let plain_bytes = plain.len();
                    return Some(Batch {
                        number,
                        spans: spans as u32,
                        body: self.compress(plain),
                        plain_bytes,
                    });
                }
                Ok(None) => {
                    self.put_back(number, 1);
                    self.done(number, Outcome::Dropped(Loss::TooLarge));
                }
                Err(_) => {
                    crate::threads::count_panic();
                    self.done(number, Outcome::Dropped(Loss::Failed));
                }
            }
        }
    }

    /// Says what became of the batch that is out. Nothing happens for a number that is not.
    pub fn done(&self, number: u32, outcome: Outcome) {
        let mut state = self.lock();
        let Some(out) = state.out.take_if(|out| out.number == number) else {
            return;
        };
        let spans = out.spans.len() as u64;
        let mut dropped = 0;
        match outcome {
            Outcome::Exported { rejected } => {
                let rejected = u64::from(rejected).min(spans);
                self.exported.fetch_add(spans - rejected, Ordering::Relaxed);
                self.count(Loss::Rejected, rejected);
            }
            Outcome::Dropped(loss) => self.count(loss, spans),
            Outcome::Again if state.closed => self.count(Loss::Shutdown, spans),
            Outcome::Again => {
                for entry in out.spans.into_iter().rev() {
                    state.queued_bytes += entry.1.record.size();
                    state.queue.push_front(entry);
                }
                dropped = self.bound(&mut state);
            }
        }
        let notify = self.due(&mut state);
        drop(state);
        self.count(Loss::QueueFull, dropped);
        self.left.notify_all();
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
    }

    /// The batch that is out goes back: the thread that had it is gone.
    pub fn abandon(&self) {
        let number = self.lock().out.as_ref().map(|out| out.number);
        if let Some(number) = number {
            self.done(number, Outcome::Again);
        }
    }

    /// Waits until all spans pushed before the call are exported or counted as lost; false at the deadline.
    pub fn flush(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = self.lock();
        let below = state.pushed;
        state.flush_below = state.flush_below.max(below);
        if let Some((notify, ready)) = self.due(&mut state) {
            drop(state);
            notify(ready);
            state = self.lock();
        }
        while state.oldest().is_some_and(|oldest| oldest < below) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .left
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Takes no more spans. What waits is counted as lost; a batch that is out may still be done.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let lost = std::mem::take(&mut state.queue).len() as u64;
        state.queued_bytes = 0;
        let notify = self.due(&mut state);
        drop(state);
        self.count(Loss::Shutdown, lost);
        self.left.notify_all();
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
    }

    /// Spans and bytes that wait, and spans that are out.
    pub fn waiting(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (
            state.queue.len(),
            state.queued_bytes,
            state.out.as_ref().map_or(0, |out| out.spans.len()),
        )
    }

    /// Spans that their receiver took.
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Spans lost so far for a reason.
    pub fn lost(&self, loss: Loss) -> u64 {
        self.losses[loss as usize].load(Ordering::Relaxed)
    }

    /// Counts an export that failed, whether or not it cost spans.
    pub fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Exports that failed.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    fn count(&self, loss: Loss, spans: u64) {
        self.losses[loss as usize].fetch_add(spans, Ordering::Relaxed);
    }

    /// Drops the oldest that wait until the bounds hold; one span may always wait. Returns how many.
    fn bound(&self, state: &mut State) -> u64 {
        let mut dropped = 0;
        let full = |state: &State| {
            state.queue.len() > self.options.max_queue_spans
                || (state.queued_bytes > self.options.max_queue_bytes && state.queue.len() > 1)
        };
        while full(state) {
            if let Some((_, span)) = state.queue.pop_front() {
                state.queued_bytes -= span.record.size();
                dropped += 1;
            }
        }
        dropped
    }

    fn due(&self, state: &mut State) -> Option<(Notify, Ready)> {
        let ready = state.ready(self.options.max_batch_spans)?;
        Some((state.notify.take()?, ready))
    }

    /// Encodes as many of the oldest as fit: all, or half as often as needed. `None` when the first alone is too large.
    fn encode(
        &self,
        mut spans: Vec<(u64, ExportSpan)>,
        resource: &Resource,
        scopes: &Scopes,
    ) -> Option<(usize, Vec<u8>)> {
        let mut spans: Vec<ExportSpan> = spans.drain(..).map(|(_, span)| span).collect();
        let mut out = Vec::new();
        loop {
            out.clear();
            (self.options.encode)(&spans, resource, scopes, &mut out);
            if out.len() <= self.options.max_batch_bytes {
                return Some((spans.len(), out));
            }
            if spans.len() == 1 {
                return None;
            }
            spans.truncate(spans.len() / 2);
        }
    }

    /// Keeps the first `keep` spans of the batch that is out; the others go back in front of the queue.
    fn put_back(&self, number: u32, keep: usize) {
        let mut state = self.lock();
        let Some(mut out) = state.out.take_if(|out| out.number == number) else {
            return;
        };
        for entry in out.spans.drain(keep.min(out.spans.len())..).rev() {
            state.queued_bytes += entry.1.record.size();
            state.queue.push_front(entry);
        }
        state.out = Some(out);
        let dropped = self.bound(&mut state);
        drop(state);
        self.count(Loss::QueueFull, dropped);
    }

    fn compress(&self, plain: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        match self.options.compression {
            Compression::None => return plain,
            Compression::Gzip => compression::gzip(&plain, &mut out),
            Compression::Zstd => {
                compression::zstd(&plain, &mut out);
            }
        }
        out
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a thread needs to export: the queue and what its spans have in common.
#[derive(Clone)]
pub struct Export {
    /// The queue.
    pub pipeline: Arc<Pipeline>,
    /// Of its provider.
    pub resource: Arc<Resource>,
}
