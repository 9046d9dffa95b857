//! A process that has no file descriptor left: clients are closed and counted, the ops thread does not spin, and a server
//! that cannot start says so.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(target_os = "linux")]

mod support;
use std::fs::File;
use std::time::Duration;

use support::*;

/// Uses every descriptor up but `left`.
fn exhaust(left: usize) -> Vec<File> {
    let limit = libc::rlimit {
        rlim_cur: 200,
        rlim_max: 200,
    };
    // SAFETY: plain system call on a value of ours.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut held = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        held.push(file);
    }
    held.truncate(held.len() - left);
    held
}

fn run_alone(name: &str) -> bool {
    if is_child() {
        return true;
    }
    let output = in_child(name);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// Time that the ops thread spent on a processor, in clock ticks.
fn ops_thread_ticks() -> u64 {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        if stat.contains("(kymo-ops)") {
            let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    ticks
}

#[test]
fn clients_without_a_descriptor_are_closed_counted_and_cost_no_cpu() {
    if !run_alone("clients_without_a_descriptor_are_closed_counted_and_cost_no_cpu") {
        return;
    }
    let server = plain();
    assert_eq!(server.get("/live").status, 200);
    eventually("its descriptor is free", || server.total("connections") == 0);
    let refused = || {
        server
            .counters
            .value("kymo_ops_connections_refused_total", "reason=\"descriptors\"")
    };
    // One descriptor is left, for the client's own side.
    let mut held = exhaust(1);
    for n in 1..=3 {
        let mut client = server.connect();
        assert!(is_closed(&mut client), "closed, not left waiting");
        eventually("it is counted", || refused() == n);
    }
    held.truncate(held.len() - 3);
    let before = ops_thread_ticks();
    std::thread::sleep(Duration::from_millis(500));
    let spent = ops_thread_ticks() - before;
    assert!(spent <= 5, "{spent} ticks in half a second");
    assert_eq!(server.get("/live").status, 200, "served again as soon as there is room");
}

#[test]
fn a_start_without_descriptors_is_an_error() {
    if !run_alone("a_start_without_descriptors_is_an_error") {
        return;
    }
    for left in 0..8 {
        let held = exhaust(left);
        match kymo_ops::start(config(), metrics(|_| text("")), kymo_ops::OpsCounters::new()) {
            Err(error) => assert_eq!(error.code(), "KYMO_OPS_BIND", "{left} left: {error}"),
            // Listener, epoll, two timers, wake-up: from five on.
            Ok(server) => {
                assert!(left >= 5, "started with {left}");
                assert!(server.stop(PATIENCE));
            }
        }
        drop(held);
    }
}
