//! A bounded queue of items (spans, log records) on their way to one exporter, handed out in encoded batches, one at a time. The
//! collector pushes; the exporter's thread takes, encodes and says what became of each batch. The lock is held for moves of the
//! queue, never for encoding.
use super::Outbound;
use super::batch::{Batch, Compression, Encode, Item, Loss, Notify, OnLoss, Outcome, PipelineOptions, Ready, Waiting};
use crate::metrics::compression;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// See the module.
pub struct Pipeline<T> {
    options: PipelineOptions,
    encode: Encode<T>,
    on_loss: Option<OnLoss<T>>,
    state: Mutex<State<T>>,
    /// Signalled when items leave.
    left: Condvar,
    losses: [AtomicU64; Loss::ALL.len()],
    exported: AtomicU64,
    errors: AtomicU64,
}

struct State<T> {
    /// Items with their number in this pipeline, ascending.
    queue: VecDeque<(u64, T)>,
    queued_bytes: usize,
    out: Option<Out<T>>,
    pushed: u64,
    batches: u32,
    /// Items below this number are wanted out.
    flush_below: u64,
    closed: bool,
    notify: Option<Notify>,
}

/// The batch that an exporter has.
struct Out<T> {
    number: u32,
    items: Vec<(u64, T)>,
}

impl<T> State<T> {
    /// The oldest item that is not done.
    fn oldest(&self) -> Option<u64> {
        let out = self.out.as_ref().and_then(|out| out.items.first());
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

impl<T: Item> Pipeline<T> {
    /// An empty one.
    pub fn new(options: PipelineOptions, encode: Encode<T>) -> Pipeline<T> {
        Pipeline {
            options,
            encode,
            on_loss: None,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                queued_bytes: 0,
                out: None,
                pushed: 0,
                batches: 0,
                flush_below: 0,
                closed: false,
                notify: None,
            }),
            left: Condvar::new(),
            losses: Default::default(),
            exported: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        }
    }

    /// With somebody who is told of each item that is lost.
    pub fn on_loss(mut self, on_loss: OnLoss<T>) -> Pipeline<T> {
        self.on_loss = Some(on_loss);
        self
    }

    /// Queues an item; drops the oldest when there is no room. False when the pipeline is closed, which is counted. Runs on the
    /// collector, at most a lock and a move.
    pub fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            self.lose(Loss::Shutdown, [&item]);
            return false;
        }
        let number = state.pushed;
        state.pushed += 1;
        state.queued_bytes += item.size();
        state.queue.push_back((number, item));
        let dropped = self.bound(&mut state);
        let notify = self.due(&mut state);
        drop(state);
        if dropped {
            self.left.notify_all();
        }
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
        true
    }

    fn count(&self, loss: Loss, items: u64) {
        self.losses[loss as usize].fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that are lost.
    fn lose<'a>(&self, loss: Loss, items: impl IntoIterator<Item = &'a T>)
    where
        T: 'a,
    {
        for item in items {
            self.count(loss, 1);
            if let Some(on_loss) = &self.on_loss {
                on_loss(loss, Some(item));
            }
        }
    }

    /// Drops the oldest that wait until the bounds hold, and counts them; one item may always wait. Returns whether there were any.
    fn bound(&self, state: &mut State<T>) -> bool {
        let mut dropped = false;
        let full = |state: &State<T>| {
            state.queue.len() > self.options.max_queue_items
                || (state.queued_bytes > self.options.max_queue_bytes && state.queue.len() > 1)
        };
        while full(state) {
            if let Some((_, item)) = state.queue.pop_front() {
                state.queued_bytes -= item.size();
                self.lose(Loss::QueueFull, [&item]);
                dropped = true;
            }
        }
        dropped
    }

    fn due(&self, state: &mut State<T>) -> Option<(Notify, Ready)> {
        let ready = state.ready(self.options.max_batch_items)?;
        Some((state.notify.take()?, ready))
    }

    /// Encodes as many of the oldest as fit: all, or half as often as needed. `None` when the first alone is too large.
    fn encode(&self, items: Vec<(u64, T)>) -> Option<(usize, Vec<u8>)> {
        let mut items: Vec<T> = items.into_iter().map(|(_, item)| item).collect();
        let mut out = Vec::new();
        loop {
            out.clear();
            (self.encode)(&items, &mut out);
            if out.len() <= self.options.max_batch_bytes {
                return Some((items.len(), out));
            }
            if items.len() == 1 {
                return None;
            }
            items.truncate(items.len() / 2);
        }
    }

    /// Keeps the first `keep` items of the batch that is out; the others go back in front of the queue.
    fn put_back(&self, number: u32, keep: usize) {
        let mut state = self.lock();
        let Some(mut out) = state.out.take_if(|out| out.number == number) else {
            return;
        };
        for entry in out.items.drain(keep.min(out.items.len())..).rev() {
            state.queued_bytes += entry.1.size();
            state.queue.push_front(entry);
        }
        state.out = Some(out);
        self.bound(&mut state);
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

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Item> Outbound for Pipeline<T> {
    fn label(&self) -> &str {
        &self.options.label
    }

    fn when_ready(&self, notify: Notify) {
        let mut state = self.lock();
        state.notify = Some(notify);
        let due = self.due(&mut state);
        drop(state);
        if let Some((notify, ready)) = due {
            notify(ready);
        }
    }

    fn take(&self) -> Option<Batch> {
        loop {
            let (number, items) = {
                let mut state = self.lock();
                if state.out.is_some() || state.queue.is_empty() {
                    return None;
                }
                let count = state.queue.len().min(self.options.max_batch_items);
                let items: Vec<_> = state.queue.drain(..count).collect();
                state.queued_bytes -= items.iter().map(|(_, item)| item.size()).sum::<usize>();
                state.batches = state.batches.wrapping_add(1);
                let number = state.batches;
                state.out = Some(Out {
                    number,
                    items: items.clone(),
                });
                (number, items)
            };
            let encoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.encode(items)));
            match encoded {
                Ok(Some((items, plain))) => {
                    // What did not fit goes back in front before anybody else can take.
                    self.put_back(number, items);
                    let plain_bytes = plain.len();
                    return Some(Batch {
                        number,
                        items: items as u32,
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

    fn done(&self, number: u32, outcome: Outcome) {
        let mut state = self.lock();
        let Some(out) = state.out.take_if(|out| out.number == number) else {
            return;
        };
        let count = out.items.len() as u64;
        let items = out.items.iter().map(|(_, item)| item);
        match outcome {
            Outcome::Exported { rejected } => {
                let rejected = u64::from(rejected).min(count);
                self.exported.fetch_add(count - rejected, Ordering::Relaxed);
                self.count(Loss::Rejected, rejected);
                if let Some(on_loss) = &self.on_loss {
                    (0..rejected).for_each(|_| on_loss(Loss::Rejected, None));
                }
            }
            Outcome::Dropped(loss) => self.lose(loss, items),
            Outcome::Again if state.closed => self.lose(Loss::Shutdown, items),
            Outcome::Again => {
                for entry in out.items.into_iter().rev() {
                    state.queued_bytes += entry.1.size();
                    state.queue.push_front(entry);
                }
                self.bound(&mut state);
            }
        }
        let notify = self.due(&mut state);
        drop(state);
        self.left.notify_all();
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
    }

    fn abandon(&self) {
        let number = self.lock().out.as_ref().map(|out| out.number);
        if let Some(number) = number {
            self.done(number, Outcome::Again);
        }
    }

    fn flush(&self, deadline: Duration) -> bool {
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

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let lost = std::mem::take(&mut state.queue);
        state.queued_bytes = 0;
        let notify = self.due(&mut state);
        drop(state);
        self.lose(Loss::Shutdown, lost.iter().map(|(_, item)| item));
        self.left.notify_all();
        if let Some((notify, ready)) = notify {
            notify(ready);
        }
    }

    fn waiting(&self) -> Waiting {
        let state = self.lock();
        Waiting {
            queued: state.queue.len(),
            queued_bytes: state.queued_bytes,
            in_flight: state.out.as_ref().map_or(0, |out| out.items.len()),
        }
    }

    fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    fn lost(&self, loss: Loss) -> u64 {
        self.losses[loss as usize].load(Ordering::Relaxed)
    }

    fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}
