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
    assert_eq!(
        server.total("renders_shared_total"),
        4,
        "of the five, one asked for their render"
    );
}

#[test]
fn scrapes_share_a_render_only_when_they_ask_for_the_same_names() {
    let (server, go, begun) = gated(config());
    let mut blocker = scrape(&server, "first");
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    let ask = |query: &str| {
        let mut stream = server.connect();
        stream
            .write_all(format!("GET /metrics?{query} HTTP/1.1\r\n{HOST}\r\n").as_bytes())
            .unwrap();
        stream
    };
    let mut same = [
        ask("name[]=a&name[]=b"),
        ask("x=1&name%5b%5d=b&name[]=a&name[]=a"),
        ask("name[]=%61&_=cache&name[]=b"),
    ];
    let mut others = [ask("name[]=a"), ask("name[]=c"), ask("")];
    eventually("all wait", || server.total("requests_waiting") == 7);
    for _ in 0..5 {
        go.send(()).unwrap();
    }
    for stream in same.iter_mut().chain(&mut others).chain([&mut blocker]) {
        assert_eq!(read_answer(stream, false).status, 200);
    }
    assert_eq!(server.total("renders_total"), 5);
    assert_eq!(server.total("renders_shared_total"), 2);
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
    assert_eq!(refused(&server, "renders"), 1);
}

fn refused(server: &Server, reason: &str) -> u64 {
    server
        .counters
        .value("kymo_ops_scrapes_refused_total", &format!("reason=\"{reason}\""))
}

#[test]
fn scrapes_in_flight_over_the_limit_get_503_with_retry_after() {
    let mut options = config();
    options.max_scrapes_in_flight = 3;
    let (server, go, _) = gated(options);
    // Of one kind: a shared render costs little, but each of its answers has to be sent.
    let mut accepted = [scrape(&server, "a"), scrape(&server, "a"), scrape(&server, "a")];
    eventually("all wait", || server.total("requests_waiting") == 3);
    let busy = server.ask(&format!("GET /metrics HTTP/1.1\r\n{HOST}Accept: a\r\n\r\n"));
    assert_eq!((busy.status, busy.field("retry-after")), (503, Some("1")));
    assert_eq!(server.get("/live").status, 200, "what is not rendered does not count");
    assert_eq!((refused(&server, "in_flight"), server.count("/metrics", 503)), (1, 1));
    drop(go);
    for stream in &mut accepted {
        assert_eq!(read_answer(stream, false).status, 200);
    }
    assert_eq!(server.get("/metrics").status, 200, "answered ones have made room");
}

#[test]
fn answers_that_nobody_reads_count_as_in_flight_until_their_client_leaves() {
    let mut options = config();
    options.max_scrapes_in_flight = 1;
    let server = serve(options, metrics(|_| text(vec![b'x'; 8 << 20])));
    let silent = scrape(&server, "a");
    eventually("it is being sent", || server.count("/metrics", 200) == 1);
    assert_eq!(server.get("/metrics").status, 503);
    drop(silent);
    eventually("its place is free", || server.get("/metrics").status == 200);
}

#[test]
fn a_render_that_takes_too_long_gets_503_and_its_body_is_thrown_away() {
    let mut options = config();
    options.scrape_timeout = Duration::from_millis(50);
    let (server, go, begun) = gated(options);
    let mut hanging = [scrape(&server, "hangs"), scrape(&server, "behind it")];
    for stream in &mut hanging {
        let answer = read_answer(stream, false);
        assert_eq!((answer.status, answer.field("retry-after")), (503, Some("1")));
    }
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    assert_eq!((refused(&server, "timeout"), server.total("requests_waiting")), (2, 0));
    assert_eq!(server.get("/live").status, 200);
    drop(go);
    eventually("the render thread is free again", || {
        let answer = server.get("/metrics");
        answer.status == 200 && answer.body_text().is_empty()
    });
    assert!(begun.load(Ordering::SeqCst) >= 2, "the one behind was never begun");
    // The connections go on: the late body of the render that hung belongs to nobody.
    for stream in &mut hanging {
        stream
            .write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
            .unwrap();
        assert_eq!(read_answer(stream, false).body_text(), r#"{"status":"ok"}"#);
    }
}

#[test]
fn behind_a_render_that_hangs_renders_queue_up_to_the_limit_only() {
    let mut options = config();
    options.scrape_timeout = Duration::from_millis(20);
    options.max_waiting_renders = 3;
    let (server, go, begun) = gated(options);
    let mut first = scrape(&server, "0");
    eventually("it has begun", || begun.load(Ordering::SeqCst) == 1);
    assert_eq!(read_answer(&mut first, false).status, 503);
    for n in 1..10 {
        assert_eq!(read_answer(&mut scrape(&server, &n.to_string()), false).status, 503);
    }
    assert_eq!((refused(&server, "timeout"), refused(&server, "renders")), (4, 6));
    drop(go);
    eventually("the queue is empty", || server.get("/metrics").status == 200);
    assert_eq!(server.total("renders_total"), begun.load(Ordering::SeqCst) as u64);
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
