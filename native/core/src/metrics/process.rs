//! Metrics of the process, read from the kernel at scrape time by the thread that renders. The event loop has no part
//! in it, so they are fresh while it is blocked.

#[cfg_attr(target_os = "macos", path = "process/macos.rs")]
#[cfg_attr(not(target_os = "macos"), path = "process/linux.rs")]
mod system;

use super::collector::{Collector, Sample};
use super::metric::Kind;

/// Process metrics under the names all Prometheus clients use. One scrape costs a few system calls and a walk over the
/// open file descriptors (about 0.1 us each). What a system does not tell is left out, never guessed.
pub struct ProcessCollector {
    /// Seconds since 1970; read once, so that it stays the same number when the clock is set.
    started: Option<f64>,
}

/// What a system tells at one moment; sizes in bytes.
#[derive(Default)]
struct State {
    resident: Option<f64>,
    virtual_size: Option<f64>,
    /// Private writable memory: heap, and anonymous mappings such as V8's.
    heap: Option<f64>,
    open_fds: Option<f64>,
    threads: Option<f64>,
}

impl ProcessCollector {
    /// Reads the start time; infallible.
    pub fn new() -> ProcessCollector {
        ProcessCollector {
            started: system::start_time(),
        }
    }
}

impl Default for ProcessCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector for ProcessCollector {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let cpu = cpu_seconds();
        let state = system::state();
        let rows = [
            (
                "process_cpu_user_seconds_total",
                "Total user CPU time spent in seconds.",
                Kind::Counter,
                cpu.map(|(user, _)| user),
            ),
            (
                "process_cpu_system_seconds_total",
                "Total system CPU time spent in seconds.",
                Kind::Counter,
                cpu.map(|(_, system)| system),
            ),
            (
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                Kind::Counter,
                cpu.map(|(user, system)| user + system),
            ),
            (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                Kind::Gauge,
                self.started,
            ),
            (
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                Kind::Gauge,
                state.resident,
            ),
            (
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                Kind::Gauge,
                state.virtual_size,
            ),
            (
                "process_heap_bytes",
                "Process heap size in bytes.",
                Kind::Gauge,
                state.heap,
            ),
            (
                "process_open_fds",
                "Number of open file descriptors.",
                Kind::Gauge,
                state.open_fds,
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors.",
                Kind::Gauge,
                max_fds(),
            ),
            (
                "process_threads",
                "Number of operating system threads of the process.",
                Kind::Gauge,
                state.threads,
            ),
        ];
        for (name, help, kind, value) in rows {
            if let Some(value) = value {
                emit(Sample::plain(name, help, kind, value));
            }
        }
    }
}

/// User and system time of all threads, the ended ones included.
fn cpu_seconds() -> Option<(f64, f64)> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one rusage to the pointer, which is valid for it; zeroed is a valid rusage. Test:
    // `cpu_time_grows_with_work`.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Some((seconds(usage.ru_utime), seconds(usage.ru_stime)))
}

/// The soft limit; infinite when there is none.
fn max_fds() -> Option<f64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit writes one rlimit to the pointer, which is valid for it. Test: `every_metric_is_plausible`.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return None;
    }
    Some(if limit.rlim_cur == libc::RLIM_INFINITY {
        f64::INFINITY
    } else {
        limit.rlim_cur as f64
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    fn collected(collector: &ProcessCollector) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        collector.collect(&mut |sample| {
            assert_eq!(sample.labels, "");
            assert_eq!(sample.kind == Kind::Counter, sample.name.ends_with("_total"));
            assert!(
                values.insert(sample.name.to_owned(), sample.value).is_none(),
                "{} twice",
                sample.name
            );
        });
        values
    }

    #[test]
    fn every_metric_is_plausible() {
        let values = collected(&ProcessCollector::new());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!(values["process_start_time_seconds"] <= now && values["process_start_time_seconds"] > now - 3600.0);
        assert!(values["process_resident_memory_bytes"] > 1e5);
        assert!(values["process_virtual_memory_bytes"] >= values["process_resident_memory_bytes"]);
        assert!(values["process_open_fds"] >= 3.0);
        assert!(values["process_max_fds"] >= values["process_open_fds"]);
        assert!(values["process_threads"] >= 1.0);
        if cfg!(target_os = "linux") {
            assert!(values["process_heap_bytes"] > 1e5);
            assert_eq!(values.len(), 10);
        }
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let collector = ProcessCollector::new();
        let before = collected(&collector)["process_cpu_user_seconds_total"];
        let start = Instant::now();
        let mut sum = 0_u64;
        while collected(&collector)["process_cpu_user_seconds_total"] < before + 0.02 {
            for term in 0..100_000_u64 {
                sum = std::hint::black_box(sum.wrapping_add(term));
            }
            assert!(start.elapsed() < Duration::from_secs(60), "user time stands still");
        }
        let values = collected(&collector);
        assert!(values["process_cpu_seconds_total"] >= values["process_cpu_user_seconds_total"]);
    }

    #[test]
    fn open_descriptors_are_counted_without_the_one_that_counts() {
        let collector = ProcessCollector::new();
        let before = collected(&collector)["process_open_fds"];
        let held: Vec<_> = (0..100).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        let during = collected(&collector)["process_open_fds"];
        // Other tests of this binary open and close files too.
        assert!(
            (during - before - held.len() as f64).abs() < 50.0,
            "{before} then {during}"
        );
    }

    #[test]
    fn threads_are_counted() {
        let collector = ProcessCollector::new();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    let _ = wait.lock().unwrap().recv();
                });
            }
            assert!(collected(&collector)["process_threads"] >= 41.0);
            drop(end);
        });
    }
}
