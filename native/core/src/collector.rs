//! The `kymo-collector` thread: drains rings into their sinks, and does the jobs that app threads must not (allocating and
//! pre-faulting segments). One per process, made when the first ring or job comes.
//!
//! It never spins: 1 ms naps while rings give records, up to 10 ms while they do not, and after about a tenth of a second
//! of silence it parks. Parked, it says so in each ring's `Park` word and looks once more; a producer that publishes
//! sees the word and wakes it (`Ring::park`).
use crate::ring::consumer::{Drain, Progress};
use crate::threads;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shortest nap.
const NAP: Duration = Duration::from_millis(1);
/// Longest nap before parking.
const LONGEST_NAP: Duration = Duration::from_millis(10);
/// Longest sleep while something has to be looked at now and then.
const TICK: Duration = Duration::from_secs(1);
/// Naps without a record before it parks: 1 + 2 + 4 + 8 + 10 * 9 ms.
const QUIET_NAPS: u32 = 13;

/// Something to do once on the collector.
pub type Job = Box<dyn FnOnce() + Send>;

/// Handle of the thread; clones share it.
#[derive(Clone)]
pub struct Collector {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Waits of the thread, and of [`Collector::stop`] and [`Collector::flush`].
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Not yet taken over by the thread.
    added: Vec<Box<dyn Drain>>,
    jobs: Vec<Job>,
    woken: bool,
    /// A sink that somebody waited for has moved.
    moved: bool,
    stop: Option<Instant>,
    parked: bool,
    ended: bool,
    /// Everything was drained when it ended.
    drained: bool,
    /// Rounds begun and rounds completed with nothing left to do.
    rounds: u64,
    quiet_round: u64,
}

impl Collector {
    /// Starts the thread. Fails when the process may not have another one.
    pub fn start() -> io::Result<Collector> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = Arc::clone(&shared);
        threads::spawn("kymo-collector", move || {
            let drained = collect(&thread);
            let mut state = thread.lock();
            (state.ended, state.drained) = (true, drained);
            thread.changed.notify_all();
        })?;
        Ok(Collector { shared })
    }

    /// Drains this ring too from now on.
    pub fn add(&self, ring: Box<dyn Drain>) {
        self.shared.lock().added.push(ring);
        self.wake();
    }

    /// Runs a job on the thread, soon.
    pub fn submit(&self, job: Job) {
        self.shared.lock().jobs.push(job);
        self.wake();
    }

    /// Makes it look now. Any thread; cost: a lock and a condvar.
    pub fn wake(&self) {
        self.shared.lock().woken = true;
        self.shared.changed.notify_all();
    }

    /// Ends the nap behind a sink that was stuck, and no other: woken for every batch, it would write lines one by one.
    pub fn moved(&self) {
        self.shared.lock().moved = true;
        self.shared.changed.notify_all();
    }

    /// True while it sleeps until it is woken.
    pub fn parked(&self) -> bool {
        self.shared.lock().parked
    }

    /// Waits until a round that began after the call found every ring empty: all that was there before is in its sink, all
    /// jobs are done. False at the deadline, which a sink that stalls or a producer that never pauses runs into, and when
    /// the thread ended.
    pub fn flush(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = self.shared.lock();
        let from = state.rounds;
        loop {
            state.woken = true;
            self.shared.changed.notify_all();
            // Round `from` may have passed our ring already; a later quiet one began after the call.
            if state.quiet_round > from {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return false;
            }
            state = self.shared.wait(state, left.min(LONGEST_NAP));
        }
    }

    /// Drains what is there and ends the thread, at most within `deadline`; a sink that blocks longer is left behind.
    /// True when everything was drained. Later calls tell the same.
    pub fn stop(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = self.shared.lock();
        state.stop.get_or_insert(end);
        self.shared.changed.notify_all();
        while !state.ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.wait(state, left);
        }
        state.drained
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A nap that only the end and the sink itself cut short: behind a sink that is stuck, every dropped record wakes the collector
    /// in vain.
    fn pause(&self, mut state: MutexGuard<'_, State>, time: Duration) {
        // What moved while the round was under way counts too.
        let end = Instant::now() + time;
        while state.stop.is_none() && !state.moved {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
        state.moved = false;
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// The thread. Returns whether everything was drained.
fn collect(shared: &Shared) -> bool {
    let mut rings: Vec<Box<dyn Drain>> = Vec::new();
    let (mut quiet, mut waits) = (0, 0);
    loop {
        let (jobs, stop) = {
            let mut state = shared.lock();
            state.woken = false;
            state.rounds += 1;
            rings.append(&mut state.added);
            (std::mem::take(&mut state.jobs), state.stop)
        };
        for job in jobs {
            // A job that panics has failed for whoever sent it; the thread goes on.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
        let progress = drain_all(&mut rings);
        if let Some(end) = stop {
            match progress {
                Progress::Idle => return true,
                _ if Instant::now() >= end => return false,
                Progress::Waiting => std::thread::sleep(NAP),
                Progress::Moved => {}
            }
            continue;
        }
        let mut state = shared.lock();
        if progress == Progress::Idle {
            state.quiet_round = state.rounds;
            shared.changed.notify_all();
        }
        quiet = if progress == Progress::Idle { quiet + 1 } else { 0 };
        waits = if progress == Progress::Waiting { waits + 1 } else { 0 };
        if waits > 0 {
            shared.pause(state, NAP.saturating_mul(1 << waits.min(4)).min(LONGEST_NAP));
            continue;
        }
        if state.woken || state.stop.is_some() {
            continue;
        }
        if quiet < QUIET_NAPS {
            let nap = NAP.saturating_mul(1 << quiet.min(4)).min(LONGEST_NAP);
            drop(shared.wait(state, nap));
            continue;
        }
        drop(state);
        park(shared, &rings);
        quiet = 0;
    }
}

fn drain_all(rings: &mut [Box<dyn Drain>]) -> Progress {
    let mut progress = Progress::Idle;
    for ring in rings {
        match ring.drain() {
            Progress::Idle => {}
            Progress::Moved => progress = Progress::Moved,
            Progress::Waiting if progress == Progress::Idle => progress = Progress::Waiting,
            Progress::Waiting => {}
        }
    }
    progress
}

/// Sleeps until woken, unless a ring has something after all.
fn park(shared: &Shared, rings: &[Box<dyn Drain>]) {
    // No short-circuit: every ring's word must be set before any answer counts.
    let quiet = rings.iter().filter(|ring| !ring.park(true)).count() == 0;
    if quiet {
        let ticks = rings.iter().any(|ring| ring.ticks());
        let mut state = shared.lock();
        state.parked = true;
        while !state.woken && state.stop.is_none() {
            if ticks {
                state = shared.wait(state, TICK);
                break;
            }
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.parked = false;
    }
    for ring in rings {
        ring.park(false);
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::layout::{HEADER_SIZE, KIND_RING, RECORD_USER};
    use crate::memory::segment::Segment;
    use crate::ring::consumer::{Drainer, Outcome, Sink, Target};
    use crate::ring::full::{OnFull, Policy};
    use crate::ring::memory::SegmentRing;
    use crate::ring::producer::Producer;
    use crate::ring::{Ring, read_records};
    use std::sync::mpsc::{Receiver, Sender, channel};

    struct Count(Arc<Mutex<usize>>, Option<Receiver<()>>);

    impl Sink for Count {
        fn prepare(&mut self, _: &[u8]) -> Target {
            Target::default()
        }
        fn write(&mut self, records: &[u8]) -> Outcome {
            if let Some(gate) = &self.1 {
                let _ = gate.recv();
            }
            *self.0.lock().unwrap() += read_records(records).count();
            Outcome::Written
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    fn ring(collector: &Collector, gate: Option<Receiver<()>>) -> (Producer<SegmentRing>, Arc<Mutex<usize>>) {
        let segment = Arc::new(Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap());
        let memory = Arc::new(SegmentRing::create(segment, 4096, 1).unwrap());
        let ring = Arc::new(Ring::new(memory, Policy::new(OnFull::Block)));
        let waker = collector.clone();
        ring.on_wake(Arc::new(move || waker.wake()));
        let count = Arc::new(Mutex::new(0));
        let producer = ring.producer().unwrap();
        collector.add(Box::new(Drainer::new(ring, Count(count.clone(), gate))));
        (producer, count)
    }

    /// [W1]
    #[test]
    fn a_parked_collector_wakes_for_each_record() {
        let collector = Collector::start().unwrap();
        let (mut producer, count) = ring(&collector, None);
        for number in 1..=3 {
            while !collector.parked() {
                std::thread::yield_now();
            }
            assert!(producer.push(RECORD_USER, &[1]));
            // Only the wake-up of the publish can bring it in: nothing else calls.
            while *count.lock().unwrap() < number {
                std::thread::yield_now();
            }
        }
        assert!(collector.stop(LONG));
    }

    #[test]
    fn flush_returns_once_all_that_was_there_is_in_the_sink() {
        let collector = Collector::start().unwrap();
        let (mut producer, count) = ring(&collector, None);
        for round in 1..50 {
            for _ in 0..20 {
                assert!(producer.push(RECORD_USER, &[1; 30]));
            }
            assert!(collector.flush(LONG));
            assert_eq!(*count.lock().unwrap(), round * 20);
        }
        assert!(collector.stop(LONG));
        assert!(!collector.flush(LONG), "an ended collector flushes nothing");
    }

    /// [W1] a full disk and a producer that wakes at every drop must not cost a core.
    #[test]
    fn a_stuck_sink_is_not_asked_again_at_every_wake_up() {
        struct Stuck(Arc<Mutex<u32>>);
        impl Sink for Stuck {
            fn prepare(&mut self, _: &[u8]) -> Target {
                Target::default()
            }
            fn write(&mut self, _: &[u8]) -> Outcome {
                *self.0.lock().unwrap() += 1;
                Outcome::Retry
            }
        }
        let segment = Arc::new(Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap());
        let memory = Arc::new(SegmentRing::create(segment, 4096, 1).unwrap());
        let ring = Arc::new(Ring::new(memory, Policy::new(OnFull::DropNewest)));
        assert!(ring.producer().unwrap().push(RECORD_USER, &[1]));
        let collector = Collector::start().unwrap();
        let asked = Arc::new(Mutex::new(0));
        collector.add(Box::new(Drainer::new(ring, Stuck(asked.clone()))));
        let began = Instant::now();
        let mut woken = 0_u32;
        while *asked.lock().unwrap() < 5 {
            collector.wake();
            woken += 1;
        }
        // Five rounds have four naps of at least 2, 4, 8 and 10 ms between them, however often it was woken.
        assert!(
            began.elapsed() >= Duration::from_millis(24),
            "asked 5 times in {:?}, {woken} wake-ups",
            began.elapsed()
        );
        assert!(!collector.stop(Duration::ZERO));
    }

    #[test]
    fn jobs_run_on_the_collector_and_one_that_panics_ends_nothing() {
        let collector = Collector::start().unwrap();
        let (sender, receiver): (Sender<Option<String>>, _) = channel();
        collector.submit(Box::new(|| panic!("on purpose")));
        collector.submit(Box::new(move || {
            sender.send(std::thread::current().name().map(str::to_owned)).unwrap();
        }));
        assert_eq!(receiver.recv().unwrap().as_deref(), Some("kymo-collector"));
        assert!(collector.stop(LONG));
    }

    /// [T1]
    #[test]
    fn stop_drains_everything_or_leaves_a_blocked_sink_behind_at_the_deadline() {
        let collector = Collector::start().unwrap();
        let (mut producer, count) = ring(&collector, None);
        for _ in 0..100 {
            assert!(producer.push(RECORD_USER, &[1; 30]));
        }
        assert!(collector.stop(LONG));
        assert_eq!(*count.lock().unwrap(), 100);

        let collector = Collector::start().unwrap();
        let (gate, blocked) = channel();
        let (mut producer, _) = ring(&collector, Some(blocked));
        assert!(producer.push(RECORD_USER, &[1]));
        assert!(
            !collector.stop(Duration::from_millis(20)),
            "the sink is still inside its write"
        );
        drop(gate);
    }
}
