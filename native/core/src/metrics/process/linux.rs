//! The process as `/proc/self` shows it. Any thread.

use super::State;
use std::fs;

pub(super) fn state() -> State {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    State {
        resident: field(&status, "VmRSS:").map(kibibytes),
        virtual_size: field(&status, "VmSize:").map(kibibytes),
        heap: field(&status, "VmData:").map(kibibytes),
        // One of the entries is the descriptor that reads the folder.
        open_fds: fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| entries.count().saturating_sub(1) as f64),
        threads: field(&status, "Threads:"),
    }
}

/// Seconds since 1970, to a hundredth. `stat` has the start in ticks since boot, so the clock that counts since boot
/// (suspends included) leads back to it; `btime` of `/proc/stat` would be off by up to a second.
pub(super) fn start_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = start_ticks(&stat)?;
    // SAFETY: sysconf reads a number and touches no memory of ours.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks_per_second <= 0 {
        return None;
    }
    let age = clock(libc::CLOCK_BOOTTIME)? - ticks / ticks_per_second as f64;
    Some(((clock(libc::CLOCK_REALTIME)? - age) * 100.0).round() / 100.0)
}

fn clock(id: libc::clockid_t) -> Option<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime writes one timespec to the pointer, which is valid for it. Test: `every_metric_is_plausible`.
    (unsafe { libc::clock_gettime(id, &mut time) } == 0).then_some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Field 22 of `stat`. Field 2 is the program's name in parentheses and may hold spaces and parentheses itself, so
/// counting begins behind the last one.
fn start_ticks(stat: &str) -> Option<f64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line[name.len()..].split_ascii_whitespace().next()?.parse().ok()
}

fn kibibytes(count: f64) -> f64 {
    count * 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_any_program_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        for name in ["node", "a b", "x) S 1 (", ""] {
            assert_eq!(start_ticks(&format!("42 ({name}) {rest}")), Some(4711.0), "{name}");
        }
        assert_eq!(start_ticks(""), None);
        assert_eq!(start_ticks("1 (x) S 1"), None);
    }

    #[test]
    fn a_status_field_that_is_missing_is_no_number() {
        let status = "Name:\tnode\nVmRSS:\t   1234 kB\nThreads:\t11\n";
        assert_eq!(field(status, "VmRSS:").map(kibibytes), Some(1_263_616.0));
        assert_eq!(field(status, "Threads:"), Some(11.0));
        assert_eq!(field(status, "VmData:"), None);
        assert_eq!(field("VmData:\n", "VmData:"), None);
    }
}
