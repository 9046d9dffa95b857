//! What ties a segment to a moment and a process: a pair of clock readings, the boot and the process start. Any thread.

/// Wall and monotonic clock read together, in ns. Records carry either clock raw; this pair converts one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchors {
    /// Since 1970.
    pub wall_ns: u64,
    /// `CLOCK_MONOTONIC`, the clock of `performance.now()` and `process.hrtime`.
    pub mono_ns: u64,
}

impl Anchors {
    /// Reads both, five times, and keeps the pair that lay closest together: a thread may lose its core in between.
    pub fn now() -> Anchors {
        let mut best = (u64::MAX, Anchors { wall_ns: 0, mono_ns: 0 });
        for _ in 0..5 {
            let before = read(libc::CLOCK_MONOTONIC);
            let wall_ns = read(libc::CLOCK_REALTIME);
            let after = read(libc::CLOCK_MONOTONIC);
            let apart = after.saturating_sub(before);
            if apart < best.0 {
                best = (
                    apart,
                    Anchors {
                        wall_ns,
                        mono_ns: before + apart / 2,
                    },
                );
            }
        }
        best.1
    }

    /// The wall clock at a monotonic reading, as far as the wall clock was not set since.
    pub fn wall_at(&self, mono_ns: u64) -> u64 {
        self.wall_ns.wrapping_add(mono_ns.wrapping_sub(self.mono_ns))
    }
}

/// Wall clock: ns since 1970.
pub fn wall_ns() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Monotonic clock in ms: never goes back, whatever is done to the wall clock.
pub fn mono_ms() -> u64 {
    read(libc::CLOCK_MONOTONIC) / 1_000_000
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime writes one timespec to the pointer, which is valid for it. It cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// The kernel's id of this boot; zero where there is none. A pid and a start time mean something only with it.
pub fn boot_id() -> [u8; 16] {
    #[cfg(target_os = "linux")]
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    let text = String::new();
    parse_boot_id(&text).unwrap_or_default()
}

fn parse_boot_id(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.trim().chars().filter(|&digit| digit != '-').collect();
    (digits.len() == 32 && digits.is_ascii()).then_some(())?;
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

/// Start of this process in clock ticks since boot; 0 where the system does not tell.
pub fn process_start_ticks() -> u64 {
    #[cfg(target_os = "linux")]
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    let stat = String::new();
    parse_start(&stat).unwrap_or(0)
}

/// Field 22 of `/proc/<pid>/stat`. The second field is a name in parentheses, which may hold spaces and parentheses.
fn parse_start(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn anchors_lie_between_readings_made_around_them() {
        let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let (before, mono_before) = (wall(), read(libc::CLOCK_MONOTONIC));
        let anchors = Anchors::now();
        let (after, mono_after) = (wall(), read(libc::CLOCK_MONOTONIC));
        assert!((before..=after).contains(&anchors.wall_ns));
        assert!((mono_before..=mono_after).contains(&anchors.mono_ns));
    }

    #[test]
    fn a_monotonic_reading_converts_to_the_wall_clock_both_ways_in_time() {
        let anchors = Anchors {
            wall_ns: 1_000_000,
            mono_ns: 500,
        };
        assert_eq!(anchors.wall_at(700), 1_000_200);
        assert_eq!(anchors.wall_at(400), 999_900);
    }

    #[test]
    fn the_start_is_found_behind_any_process_name() {
        let fields = "S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 4 5";
        for name in ["node", "a b", "a) b (c", "))"] {
            assert_eq!(parse_start(&format!("12 ({name}) {fields}")), Some(777), "{name}");
        }
        for bad in [
            "",
            "12 (node",
            "12 (node) S 1",
            "12 (node) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 x",
        ] {
            assert_eq!(parse_start(bad), None);
        }
    }

    #[test]
    fn a_boot_id_is_sixteen_bytes_or_nothing() {
        let id = parse_boot_id("00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(id[..3], [0x00, 0x11, 0x22]);
        assert_eq!(id[15], 0xff);
        for bad in [
            "",
            "0011",
            "zz112233-4455-6677-8899-aabbccddeeff",
            "+0112233-4455-6677-8899-aabbccddeef",
        ] {
            assert_eq!(parse_boot_id(bad), None, "{bad}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells_boot_and_start() {
        assert_ne!(boot_id(), [0; 16]);
        assert_ne!(process_start_ticks(), 0);
    }
}
