//! Stalls of the main thread's event loop, seen from outside while they last: a native thread looks whether the loop turned or
//! waited since its last look. The thread `kymo-watch` runs from the first user to the last.

use super::collector::{Collector, Sample};
use super::metric::Kind;
use crate::memory::table::lock;
use crate::threads::spawn;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks: a stall is known this much late at most.
const PERIOD: Duration = Duration::from_millis(20);
/// A callback that runs this long is a stall.
const STALL: Duration = Duration::from_millis(100);

/// What a loop has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Turns of the loop.
    pub turns: u64,
    /// Time it has waited, a wait that is going on included.
    pub idle: Duration,
}

/// Reads a loop's progress; `None` while none is watched.
pub type ReadProgress = Box<dyn Fn() -> Option<Progress> + Send + Sync>;

/// `nodejs_eventloop_blocked_seconds` is the age of the stall that is going on, 0 without one;
/// `nodejs_eventloop_stalls_total` and `nodejs_eventloop_stall_seconds_total` count all of 100 ms and more.
pub struct StallCollector {
    shared: Arc<Shared>,
    users: Mutex<(u32, Option<JoinHandle<()>>)>,
}

struct Shared {
    progress: ReadProgress,
    watch: Mutex<Watch>,
    changed: Condvar,
}

#[derive(Default)]
struct Watch {
    stopped: bool,
    /// The last progress, and when it was first seen.
    last: Option<(Progress, Instant)>,
    /// The stall that `last` is in was counted.
    counted: Duration,
    stalls: u64,
    seconds: f64,
}

impl Watch {
    /// Looks at the loop once.
    fn look(&mut self, progress: Option<Progress>, now: Instant) {
        let Some(progress) = progress else {
            (self.last, self.counted) = (None, Duration::ZERO);
            return;
        };
        match self.last {
            Some((last, since)) if last == progress => {
                let age = now.duration_since(since);
                if age >= STALL {
                    self.stalls += u64::from(self.counted.is_zero());
                    self.seconds += (age - self.counted).as_secs_f64();
                    self.counted = age;
                }
            }
            _ => (self.last, self.counted) = (Some((progress, now)), Duration::ZERO),
        }
    }
}

impl StallCollector {
    /// Watches what `progress` reads, once somebody wants to know.
    pub fn new(progress: ReadProgress) -> StallCollector {
        StallCollector {
            shared: Arc::new(Shared {
                progress,
                watch: Mutex::default(),
                changed: Condvar::new(),
            }),
            users: Mutex::default(),
        }
    }

    /// One user more; the first starts the thread. Without a thread to be had, only a scrape looks.
    pub fn start(&self) {
        let mut users = lock(&self.users);
        users.0 += 1;
        if users.1.is_some() {
            return;
        }
        lock(&self.shared.watch).stopped = false;
        let shared = Arc::clone(&self.shared);
        users.1 = spawn("kymo-watch", move || {
            let mut watch = lock(&shared.watch);
            while !watch.stopped {
                watch.look((shared.progress)(), Instant::now());
                (watch, _) = shared
                    .changed
                    .wait_timeout(watch, PERIOD)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        })
        .ok();
    }

    /// One user less; the last one ends the thread. Waits for it, some microseconds.
    pub fn stop(&self) {
        let mut users = lock(&self.users);
        users.0 = users.0.saturating_sub(1);
        if users.0 > 0 {
            return;
        }
        lock(&self.shared.watch).stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = users.1.take() {
            // Its panic, if any, was caught and counted inside.
            let _ = thread.join();
        }
    }
}

impl Collector for StallCollector {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let (blocked, stalls, seconds) = {
            let mut watch = lock(&self.shared.watch);
            watch.look((self.shared.progress)(), Instant::now());
            (watch.counted.as_secs_f64(), watch.stalls, watch.seconds)
        };
        let help = "Age of the callback that blocks the main event loop right now, from 0.1 s on; 0 when none does.";
        let mut give = |name, help, kind, value| {
            emit(Sample::plain(name, help, kind, value));
        };
        give("nodejs_eventloop_blocked_seconds", help, Kind::Gauge, blocked);
        let help = "Times that one callback blocked the main event loop for 0.1 s or more.";
        give("nodejs_eventloop_stalls_total", help, Kind::Counter, stalls as f64);
        let help = "Time that the main event loop spent in stalls.";
        give("nodejs_eventloop_stall_seconds_total", help, Kind::Counter, seconds);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn at(turns: u64, idle: u64) -> Option<Progress> {
        Some(Progress {
            turns,
            idle: Duration::from_millis(idle),
        })
    }

    #[test]
    fn only_a_loop_that_neither_turns_nor_waits_is_blocked() {
        let start = Instant::now();
        let mut watch = Watch::default();
        // Waits in one turn; turns without waiting: neither is a stall.
        for n in 0..20_u64 {
            watch.look(at(1, n), start + PERIOD * n as u32);
        }
        for n in 20..40_u64 {
            watch.look(at(n, 20), start + PERIOD * n as u32);
        }
        assert_eq!((watch.stalls, watch.seconds), (0, 0.0));
        // In one callback from 40 to 50: 200 ms.
        for n in 40..=50_u64 {
            watch.look(at(40, 20), start + PERIOD * n as u32);
        }
        assert_eq!((watch.stalls, watch.counted), (1, Duration::from_millis(200)));
        watch.look(at(41, 20), start + PERIOD * 51);
        assert_eq!((watch.stalls, watch.counted), (1, Duration::ZERO));
        assert!((watch.seconds - 0.2).abs() < 1e-9);
        watch.look(None, start + PERIOD * 90);
        watch.look(at(41, 20), start + PERIOD * 91);
        assert_eq!(watch.stalls, 1, "a loop that was not watched was not blocked");
    }

    #[test]
    fn the_thread_runs_while_there_is_a_user_and_sees_a_stall() {
        let looks = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&looks);
        let collector = StallCollector::new(Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            at(1, 1)
        }));
        let shown = |name: &str| {
            let mut value = None;
            collector.collect(&mut |sample| {
                if sample.name == name {
                    value = Some(sample.value);
                }
            });
            value.unwrap()
        };
        collector.start();
        collector.start();
        let begun = Instant::now();
        while shown("nodejs_eventloop_blocked_seconds") == 0.0 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(shown("nodejs_eventloop_stalls_total"), 1.0);
        collector.stop();
        collector.stop();
        let before = looks.load(Ordering::Relaxed);
        std::thread::sleep(PERIOD * 3);
        assert_eq!(looks.load(Ordering::Relaxed), before);
    }
}
