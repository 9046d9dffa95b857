//! Wall time of monotonic readings: one anchor per local trace, so that no span of a trace begins before its parent because the
//! wall clock was set in between. Anchors are made by the thread that watches the clock and read by every thread.
use crate::append::AppendVec;
use crate::memory::clock::Anchors;
use std::sync::{Mutex, PoisonError};

/// How far the wall clock may move against the monotonic one before a new anchor is made, in ns. Below it are a daemon's
/// corrections; above it is a step, or a machine that slept.
const DRIFT_NS: i64 = 50_000_000;

/// Wall clock minus monotonic clock, as it was when an anchor was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    wall_minus_mono_ns: i64,
}

/// All anchors of the process, by number. At most 65,536: the last one stays in force then.
pub struct WallClocks {
    all: AppendVec<WallClock>,
    making: Mutex<()>,
}

impl WallClock {
    /// As the clocks stand now.
    pub fn now() -> WallClock {
        let Anchors { wall_ns, mono_ns } = Anchors::now();
        WallClock {
            wall_minus_mono_ns: wall_ns.wrapping_sub(mono_ns) as i64,
        }
    }

    /// Unix time in ns of a monotonic reading in ms; a reading that is no number is the anchor itself.
    pub fn unix_ns(self, mono_ms: f64) -> u64 {
        // `as` takes NaN to 0 and anything too large to the limit.
        let mono_ns = (mono_ms * 1e6).round() as i64;
        mono_ns.saturating_add(self.wall_minus_mono_ns).max(0) as u64
    }

    /// Wall clock minus monotonic clock in ms.
    pub fn wall_minus_mono_ms(self) -> f64 {
        self.wall_minus_mono_ns as f64 / 1e6
    }
}

impl Default for WallClocks {
    fn default() -> WallClocks {
        let clocks = WallClocks {
            all: AppendVec::default(),
            making: Mutex::new(()),
        };
        clocks.push(WallClock::now());
        clocks
    }
}

impl WallClocks {
    /// The anchor of a number; of one that was never made, the last.
    pub fn get(&self, number: u16) -> WallClock {
        let last = || self.newest().1;
        self.all.get(u32::from(number)).copied().unwrap_or_else(last)
    }

    /// The anchor in force and its number.
    pub fn newest(&self) -> (u16, WallClock) {
        let number = self.all.len().saturating_sub(1);
        let clock = self.all.get(number).copied().unwrap_or_else(WallClock::now);
        (number as u16, clock)
    }

    /// Compares the clocks with the anchor in force, and makes a new one after a jump. True when it did.
    pub fn check(&self) -> bool {
        self.check_against(WallClock::now())
    }

    /// [`WallClocks::check`] with a reading of the clocks.
    pub fn check_against(&self, now: WallClock) -> bool {
        let drift = now
            .wall_minus_mono_ns
            .saturating_sub(self.newest().1.wall_minus_mono_ns);
        let jumped = drift.unsigned_abs() > DRIFT_NS.unsigned_abs() && self.all.len() < 1 << 16;
        if jumped {
            self.push(now);
        }
        jumped
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &WallClock> {
        self.all.iter()
    }

    fn push(&self, clock: WallClock) {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: pushes hold `making`.
        unsafe { self.all.push(clock) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monotonic_reading_keeps_its_nanoseconds() {
        let clock = WallClock {
            wall_minus_mono_ns: 1_700_000_000_000_000_000,
        };
        assert_eq!(clock.unix_ns(1.5), 1_700_000_000_001_500_000);
        assert_eq!(clock.unix_ns(86_400_000.000_001), 1_700_086_400_000_000_001);
        assert_eq!(clock.unix_ns(f64::NAN), 1_700_000_000_000_000_000);
        assert_eq!(clock.unix_ns(f64::NEG_INFINITY), 0);
    }

    #[test]
    fn a_jump_makes_an_anchor_and_old_numbers_keep_theirs() {
        let clocks = WallClocks::default();
        let (first, before) = clocks.newest();
        assert!(!clocks.check(), "nothing jumped");
        let later = WallClock {
            wall_minus_mono_ns: before.wall_minus_mono_ns + 3_600_000_000_000,
        };
        assert!(clocks.check_against(later));
        assert_eq!(clocks.newest(), (1, later));
        assert_eq!(clocks.get(first), before);
        assert_eq!(clocks.get(999), later, "a number that was never made");
    }

    #[test]
    fn there_are_at_most_as_many_as_a_record_can_name() {
        let clocks = WallClocks::default();
        for jump in 1..70_000 {
            clocks.check_against(WallClock {
                wall_minus_mono_ns: jump * 1_000_000_000,
            });
        }
        assert_eq!(clocks.newest().0, u16::MAX);
    }
}
