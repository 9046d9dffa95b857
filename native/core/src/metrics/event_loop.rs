//! How busy the main thread's event loop is, seen from outside: libuv adds up the time a loop waits for events, under a
//! lock of its own, so any thread may ask while the loop is blocked. Read by the thread that renders.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::collector::{Collector, Sample};
use super::metric::Kind;
use super::stalls::Progress;
use crate::memory::table::lock;

/// No ratio speaks of less than this: over milliseconds it would be 0 or 1 by chance.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);

/// Tells how long a loop has waited since it was made, a wait that is going on included. Holds what it reads from.
pub type IdleTime = Box<dyn Fn() -> Duration + Send>;

/// Tells how often a loop has turned since it was made. Holds what it reads from.
pub type Turns = Box<dyn Fn() -> u64 + Send>;

/// The loop's idle and active time as counters, and the ratio of the two over a window.
///
/// The window of `nodejs_eventloop_utilization_ratio` begins at the last scrape that is at least 1 s old and ends now, so two
/// scrapers share it; rates over the counters do not depend on who else scrapes. Counting begins with [`watch`],
/// and whatever runs until the loop first waits counts as active: nobody is answered then.
///
/// [`watch`]: EventLoopCollector::watch
pub struct EventLoopCollector {
    /// Held while the loop is read, so that [`EventLoopCollector::release`] returns only when nobody reads it any more.
    watched: Mutex<Option<Watched>>,
}

struct Watched {
    idle_time: IdleTime,
    turns: Option<Turns>,
    start: Point,
    /// Beginnings of windows: the older one is used until the newer one is old enough.
    older: Point,
    newer: Point,
}

/// Where the clocks stood at one moment.
#[derive(Clone, Copy)]
struct Point {
    at: Instant,
    idle: Duration,
}

impl EventLoopCollector {
    /// Watches nothing yet.
    pub const fn new() -> EventLoopCollector {
        EventLoopCollector {
            watched: Mutex::new(None),
        }
    }

    /// Begins to watch a loop, in place of any other. `turns` is none where the runtime does not count them.
    pub fn watch(&self, idle_time: IdleTime, turns: Option<Turns>) {
        let start = Point {
            at: Instant::now(),
            idle: idle_time(),
        };
        *self.lock() = Some(Watched {
            idle_time,
            turns,
            start,
            older: start,
            newer: start,
        });
    }

    /// Stops watching. Waits for a reader (about a microsecond); after it the loop may be freed.
    pub fn release(&self) {
        *self.lock() = None;
    }

    /// What the loop has done so far; none while nothing is watched, or where turns are not counted.
    pub fn progress(&self) -> Option<Progress> {
        let watched = self.lock();
        let watched = watched.as_ref()?;
        let turns = watched.turns.as_ref()?();
        let idle = (watched.idle_time)();
        Some(Progress { turns, idle })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Watched>> {
        lock(&self.watched)
    }

    /// Idle seconds, active seconds and ratio at `at`; none while nothing is watched.
    fn read(&self, at: Instant) -> Option<(f64, f64, f64)> {
        let mut watched = self.lock();
        let watched = watched.as_mut()?;
        let now = Point {
            at,
            idle: (watched.idle_time)(),
        };
        if now.at.duration_since(watched.newer.at) >= SHORTEST_WINDOW {
            watched.older = watched.newer;
            watched.newer = now;
        }
        let (idle, active) = watched.start.until(now);
        let window = watched.older.until(now);
        let length = window.0 + window.1;
        Some((idle, active, if length > 0.0 { window.1 / length } else { 0.0 }))
    }
}

impl Default for EventLoopCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Point {
    /// Idle and active seconds from here to `now`; idle never above the time that passed, although the two clocks are
    /// not read at once.
    fn until(self, now: Point) -> (f64, f64) {
        let passed = now.at.duration_since(self.at);
        let idle = now.idle.saturating_sub(self.idle).min(passed);
        (idle.as_secs_f64(), (passed - idle).as_secs_f64())
    }
}

impl Collector for EventLoopCollector {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let Some((idle, active, ratio)) = self.read(Instant::now()) else {
            return;
        };
        for (name, help, kind, value) in [
            (
                "nodejs_eventloop_utilization_ratio",
                "Share of time the main event loop was not waiting, since the previous scrape that is at least 1 s old.",
                Kind::Gauge,
                ratio,
            ),
            (
                "nodejs_eventloop_idle_seconds_total",
                "Time the main event loop waited for events.",
                Kind::Counter,
                idle,
            ),
            (
                "nodejs_eventloop_active_seconds_total",
                "Time the main event loop did not wait for events.",
                Kind::Counter,
                active,
            ),
        ] {
            emit(Sample::plain(name, help, kind, value));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    fn watched() -> (EventLoopCollector, Arc<AtomicU64>, Instant) {
        let idle = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&idle);
        let collector = EventLoopCollector::new();
        collector.watch(
            Box::new(move || Duration::from_millis(clock.load(Ordering::Relaxed))),
            None,
        );
        let start = collector.lock().as_ref().unwrap().start.at;
        (collector, idle, start)
    }

    #[test]
    fn the_ratio_covers_the_time_since_the_previous_scrape() {
        let (collector, idle, start) = watched();
        let at = |millis| start + Duration::from_millis(millis);
        idle.store(7_500, Ordering::Relaxed);
        assert_eq!(collector.read(at(10_000)), Some((7.5, 2.5, 0.25)));
        // Blocked from here on: the ratio is of the second window alone, the counters go on.
        assert_eq!(collector.read(at(20_000)), Some((7.5, 12.5, 1.0)));
    }

    #[test]
    fn scrapes_in_quick_succession_share_a_window_of_at_least_a_second() {
        let (collector, idle, start) = watched();
        let ratio = |millis| collector.read(start + Duration::from_millis(millis)).unwrap().2;
        idle.store(1_000, Ordering::Relaxed);
        assert_eq!(ratio(1_000), 0.0);
        assert_eq!(ratio(1_250), 0.2, "moves while the loop is blocked");
        assert!((ratio(1_999) - 999.0 / 1_999.0).abs() < 1e-12);
        assert_eq!(ratio(2_000), 1.0, "the window begins at 1000 now");
        assert_eq!(ratio(2_100), 1.0);
    }

    #[test]
    fn clocks_that_are_read_one_after_the_other_never_give_a_negative_time() {
        let (collector, idle, start) = watched();
        assert_eq!(collector.read(start), Some((0.0, 0.0, 0.0)));
        idle.store(60_000, Ordering::Relaxed);
        assert_eq!(collector.read(start + Duration::from_secs(2)), Some((2.0, 0.0, 0.0)));
        idle.store(0, Ordering::Relaxed);
        assert_eq!(
            collector
                .read(start + Duration::from_secs(4))
                .map(|(idle, active, _)| (idle, active)),
            Some((0.0, 4.0))
        );
    }

    #[test]
    fn a_loop_that_is_gone_is_left_out() {
        let (collector, _, start) = watched();
        collector.release();
        assert_eq!(collector.read(start), None);
        collector.collect(&mut |sample| panic!("{}", sample.name));
    }

    /// Attacks the rule that a freed loop is never read: a reader runs all the time, and after `release` the loop's
    /// memory counts as freed.
    #[test]
    fn nobody_reads_a_loop_after_its_release() {
        let collector = EventLoopCollector::new();
        let end = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    collector.read(Instant::now());
                }
            });
            for _ in 0..2_000 {
                let alive = Arc::new(AtomicBool::new(true));
                let seen = Arc::clone(&alive);
                let idle_time = Box::new(move || {
                    assert!(seen.load(Ordering::SeqCst), "read after release");
                    Duration::ZERO
                });
                collector.watch(idle_time, None);
                collector.release();
                alive.store(false, Ordering::SeqCst);
            }
            end.store(true, Ordering::Relaxed);
        });
    }
}
