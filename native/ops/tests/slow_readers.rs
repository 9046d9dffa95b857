//! Clients that do not read, or read slowly, cost bounded memory and end by themselves.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use support::*;

const BIG: usize = 8 << 20;

fn big() -> Vec<u8> {
    (0..BIG).map(|i| (i % 251) as u8).collect()
}

#[test]
fn a_body_larger_than_every_buffer_arrives_whole() {
    let server = serve(config(), metrics(|_| text(big())));
    let answer = server.get("/metrics");
    assert!(!answer.cut && answer.body == big());
    let said = server.ask_to_end(format!("GET /metrics HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").as_bytes());
    assert!(said.len() > BIG, "closing does not cut the end off");
    assert_eq!(server.total("sent_bytes_total"), 2 * BIG as u64);
}

#[test]
#[cfg(target_os = "linux")]
fn sixty_clients_that_never_read_share_one_body() {
    if !is_child() {
        // Alone in a process, so that its memory is its own.
        let output = in_child("sixty_clients_that_never_read_share_one_body");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let (go, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&begun);
    let mut options = config();
    options.max_scrapes_in_flight = 64;
    let server = serve(
        options,
        metrics(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            gate.lock().unwrap().recv().unwrap();
            text(big())
        }),
    );
    // The first render waits at the gate, so that the next sixty requests wait together.
    let mut first = server.connect();
    let request = format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n");
    first.write_all(request.as_bytes()).unwrap();
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    let before = resident_bytes();
    let silent: Vec<_> = (0..60)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    eventually("all of them", || server.total("requests_waiting") == 61);
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(read_answer(&mut first, false).status, 200);
    eventually("sixty answers", || server.count("/metrics", 200) == 61);
    assert_eq!(server.total("renders_total"), 2, "sixty waiting scrapes are one render");
    let grown = resident_bytes().saturating_sub(before);
    // Sixty copies would be 480 MB. Two bodies, the client's own copy of the first and room for the allocator.
    assert!(grown < 6 * BIG, "grew by {} MB", grown >> 20);
    assert_eq!(server.get("/live").status, 200, "and /live is answered beside them");

    let mut one = silent.into_iter().next().unwrap();
    let answer = read_answer(&mut one, false);
    assert!(
        !answer.cut && answer.body.len() == BIG,
        "one that starts to read gets the whole"
    );
    eventually("the others have gone", || server.total("connections") <= 2);
    assert!(server.total("sent_bytes_total") >= 2 * BIG as u64);
}

#[test]
fn bodies_in_memory_are_capped_by_their_bytes() {
    let mut options = config();
    options.max_body_bytes = BIG;
    let server = serve(options, metrics(|_| text(big())));
    let mut silent = server.connect();
    silent
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    eventually("the body is being sent", || server.count("/metrics", 200) == 1);
    let busy = server.get("/metrics");
    assert_eq!((busy.status, busy.field("retry-after")), (503, Some("1")));
    drop(silent);
    eventually("room again", || server.get("/metrics").status == 200);
}

#[test]
fn a_client_that_trickles_is_cut_off_after_the_response_time() {
    let mut options = config();
    options.response_timeout = Duration::from_millis(300);
    let server = serve(options, metrics(|_| text(big())));
    let mut stream = server.connect();
    stream
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    let mut got = 0;
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        got += n;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(got < BIG, "cut off after {got}");
    eventually("counted", || {
        server.total("timeouts_total") == 1 && server.total("requests_aborted_total") == 1
    });
}

#[test]
fn a_client_that_stops_reading_is_closed_by_the_time_out() {
    let server = serve(config(), metrics(|_| text(big())));
    let mut stream = server.connect();
    stream
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    eventually("it is given up", || server.total("requests_aborted_total") == 1);
    assert_eq!(server.total("timeouts_total"), 1);
    assert!(read_answer(&mut stream, false).cut);
}

#[test]
fn clients_that_vanish_in_the_middle_release_the_body() {
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&alive);
    let mut options = config();
    // Room for one body at a time: a leaked one would turn every further scrape away.
    options.max_body_bytes = BIG;
    let server = serve(
        options,
        metrics(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            text(big())
        }),
    );
    for _ in 0..20 {
        let mut stream = server.connect();
        stream
            .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
            .unwrap();
        let mut some = [0; 4096];
        stream.read_exact(&mut some[..64]).unwrap();
        drop(stream);
        eventually("it is gone", || server.total("connections") == 0);
    }
    assert_eq!(alive.load(Ordering::Relaxed), 20);
    assert_eq!(server.get("/metrics").body.len(), BIG);
}
