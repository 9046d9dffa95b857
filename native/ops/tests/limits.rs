//! Connections, time and renders are limited, and what is over a limit is counted.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::*;

#[test]
fn connections_over_the_limit_are_closed_at_once_and_counted() {
    let mut options = config();
    options.max_connections = 4;
    let server = serve(options, metrics(|_| text("")));
    let mut held: Vec<_> = (0..4).map(|_| server.connect()).collect();
    eventually("all four", || server.total("connections") == 4);
    for _ in 0..3 {
        assert!(is_closed(&mut server.connect()));
    }
    let refused = || {
        server
            .counters
            .value("kymo_ops_connections_refused_total", "reason=\"limit\"")
    };
    assert_eq!(refused(), 3);
    held[0]
        .write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    assert_eq!(read_answer(&mut held[0], false).status, 200, "those inside are served");
    held.pop();
    eventually("a place is free", || server.total("connections") == 3);
    assert_eq!(server.get("/live").status, 200);
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let mut options = config();
    options.header_timeout = Duration::from_millis(200);
    let server = serve(options, metrics(|_| text("")));
    let mut stream = server.connect();
    let mut sent = 0;
    for byte in format!("GET /live HTTP/1.1\r\n{HOST}X: {}", "x".repeat(1000)).bytes() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        sent += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(sent < 1000, "still open after {sent} bytes");
    assert_eq!(server.total("timeouts_total"), 1);
}

#[test]
fn silent_connections_are_closed() {
    let mut options = config();
    options.header_timeout = Duration::from_secs(1);
    options.idle_timeout = Duration::from_secs(1);
    let server = serve(options, metrics(|_| text("")));
    let mut never = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET /live HT").unwrap();
    let mut idle = server.connect();
    idle.write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    assert_eq!(read_answer(&mut idle, false).status, 200);
    for stream in [&mut never, &mut half, &mut idle] {
        assert!(is_closed(stream));
    }
    eventually("counted", || server.total("timeouts_total") == 3);
}

/// A server whose renders wait for a message each; the counter tells how many have begun.
fn gated(options: kymo_ops::OpsConfig) -> (Server, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (go, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&begun);
    let routes = metrics(move |r| {
        counted.fetch_add(1, Ordering::SeqCst);
        // A closed gate lets everything through, so that a failed test ends.
        let _ = gate.lock().unwrap().recv();
        text(r.accept.unwrap_or_default())
    });
    (serve(options, routes), go, begun)
}

fn scrape(server: &Server, accept: &str) -> std::net::TcpStream {
    let mut stream = server.connect();
    stream
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}Accept: {accept}\r\n\r\n").as_bytes())
        .unwrap();
    stream
}

#[test]
fn scrapes_of_a_kind_that_wait_share_a_render_and_others_do_not() {
    let (server, go, begun) = gated(config());
    let mut blocker = scrape(&server, "first");
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    let mut same: Vec<_> = (0..5).map(|_| scrape(&server, "same")).collect();
    let mut other = scrape(&server, "other");
    eventually("all wait", || server.total("requests_waiting") == 7);
    for _ in 0..3 {
        go.send(()).unwrap();
    }
    assert_eq!(read_answer(&mut blocker, false).body_text(), "first");
    for stream in &mut same {
        assert_eq!(read_answer(stream, false).body_text(), "same");
    }
    assert_eq!(read_answer(&mut other, false).body_text(), "other");
    assert_eq!(server.total("renders_total"), 3);
}

#[test]
fn live_is_answered_while_a_render_hangs() {
    let (server, go, begun) = gated(config());
    let mut hanging = scrape(&server, "x");
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    for _ in 0..20 {
        assert_eq!(server.get("/live").status, 200);
    }
    go.send(()).unwrap();
    assert_eq!(read_answer(&mut hanging, false).status, 200);
}

#[test]
fn renders_over_the_limit_get_503_with_retry_after() {
    let mut options = config();
    options.max_waiting_renders = 2;
    let (server, go, _) = gated(options);
    let mut accepted = [scrape(&server, "a"), scrape(&server, "b")];
    eventually("both wait", || server.total("requests_waiting") == 2);
    let busy = server.ask(&format!("GET /metrics HTTP/1.1\r\n{HOST}Accept: c\r\n\r\n"));
    assert_eq!((busy.status, busy.field("retry-after")), (503, Some("1")));
    go.send(()).unwrap();
    go.send(()).unwrap();
    for stream in &mut accepted {
        assert_eq!(read_answer(stream, false).status, 200);
    }
    assert_eq!(server.count("/metrics", 503), 1);
}

#[test]
fn a_render_that_nobody_waits_for_any_more_is_not_made() {
    let (server, go, begun) = gated(config());
    let mut blocker = scrape(&server, "first");
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    let gone: Vec<_> = (0..5).map(|i| scrape(&server, &format!("gone {i}"))).collect();
    eventually("all wait", || server.total("requests_waiting") == 6);
    // Reset, because a mere FIN may come from a client that has ended its side and still wants the answer.
    gone.into_iter().for_each(reset);
    eventually("they have gone", || server.total("requests_aborted_total") == 5);
    go.send(()).unwrap();
    assert_eq!(read_answer(&mut blocker, false).status, 200);
    go.send(()).unwrap();
    assert_eq!(server.get("/metrics").status, 200);
    assert_eq!(server.total("renders_total"), 2);
}

#[test]
fn ten_threads_of_clients_are_all_answered() {
    let server = Arc::new(serve(config(), metrics(|_| text("x".repeat(100_000)))));
    let clients: Vec<_> = (0..10)
        .map(|i| {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let answer = server.get(if i % 2 == 0 { "/metrics" } else { "/live" });
                    assert_eq!((answer.status, answer.cut), (200, false));
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|c| c.join().unwrap());
    assert_eq!(server.count("/metrics", 200) + server.count("/live", 200), 500);
}
