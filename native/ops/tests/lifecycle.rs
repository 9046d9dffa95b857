//! Start, stop, start again; addresses; what is left behind.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use kymo_ops::{Address, Listen, OpsConfig, OpsCounters, OpsError, OpsServer, RouteTable};
use support::*;

const GRACE: Duration = Duration::from_secs(5);

fn start(listen: Listen) -> Result<OpsServer, OpsError> {
    kymo_ops::start(OpsConfig::new(listen), metrics(|_| text("up 1\n")), OpsCounters::new())
}

fn tcp(host: &str, port: u16) -> Listen {
    Listen::Tcp {
        host: host.to_owned(),
        port,
    }
}

#[test]
fn a_stopped_server_frees_its_port_and_starts_again() {
    let mut port = 0;
    for _ in 0..5 {
        let server = start(tcp("127.0.0.1", port)).unwrap();
        let Address::Tcp { port: bound, .. } = *server.address() else {
            panic!()
        };
        assert!(bound != 0 && (port == 0 || port == bound));
        port = bound;
        assert!(server.is_running());
        assert!(server.stop(GRACE) && !server.is_running());
        assert!(server.stop(GRACE), "a second stop does nothing");
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn a_port_in_use_is_an_error_and_never_shared() {
    let first = plain();
    let error = start(tcp("127.0.0.1", first.port)).err().unwrap();
    assert_eq!(error.code(), "KYMO_OPS_PORT_IN_USE");
    assert_eq!(first.get("/live").status, 200);
}

#[test]
fn an_address_that_is_not_ours_is_an_error() {
    assert_eq!(start(tcp("192.0.2.1", 0)).err().unwrap().code(), "KYMO_OPS_BIND");
    assert_eq!(
        start(tcp("no.such.host.invalid", 0)).err().unwrap().code(),
        "KYMO_OPS_BIND"
    );
}

#[test]
fn options_out_of_range_are_errors() {
    let refused = |change: fn(&mut OpsConfig)| {
        let mut options = config();
        change(&mut options);
        kymo_ops::start(options, RouteTable::new(), OpsCounters::new())
            .err()
            .map(|e| e.code())
    };
    assert_eq!(refused(|o| o.max_connections = 0), Some("KYMO_OPS_OPTION"));
    assert_eq!(refused(|o| o.max_scrapes_in_flight = 0), Some("KYMO_OPS_OPTION"));
    assert_eq!(refused(|o| o.scrape_timeout = Duration::ZERO), Some("KYMO_OPS_OPTION"));
    assert_eq!(refused(|o| o.token = Some("short".to_owned())), Some("KYMO_OPS_OPTION"));
    assert_eq!(
        refused(|o| o.token = Some("sixteen characters\r\n".to_owned())),
        Some("KYMO_OPS_OPTION")
    );
    assert_eq!(
        refused(|o| o.allowed_hosts = vec!["http://x".to_owned()]),
        Some("KYMO_OPS_OPTION")
    );
    assert_eq!(
        refused(|o| o.listen = Listen::Unix {
            path: "x".repeat(101).into()
        }),
        Some("KYMO_OPS_OPTION")
    );
    assert_eq!(refused(|_| ()), None);
}

#[test]
fn stopping_closes_idle_connections_and_finishes_those_under_way() {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let server = Arc::new(serve(
        config(),
        metrics(move |_| {
            let _ = gate.lock().unwrap().recv();
            text("the end")
        }),
    ));
    let mut idle = server.connect();
    let mut busy = server.connect();
    busy.write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    eventually("both", || {
        server.total("connections") == 2 && server.total("requests_waiting") == 1
    });
    let stopping = Arc::clone(&server);
    let stopped = std::thread::spawn(move || stopping.ops.stop(PATIENCE));
    assert!(is_closed(&mut idle));
    eventually("no further connection", || {
        std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err()
    });
    go.send(()).unwrap();
    let answer = read_answer(&mut busy, false);
    assert_eq!(
        (answer.body_text(), answer.field("connection")),
        ("the end", Some("close"))
    );
    assert!(stopped.join().unwrap());
}

#[test]
fn a_client_that_does_not_end_is_closed_after_the_grace() {
    let server = serve(config(), metrics(|_| text(vec![b'x'; 8 << 20])));
    let mut silent = server.connect();
    silent
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    eventually("it is being sent", || server.count("/metrics", 200) == 1);
    assert!(server.ops.stop(Duration::from_millis(50)));
    assert!(read_answer(&mut silent, false).cut);
    assert_eq!(server.total("requests_aborted_total"), 1);
    assert_eq!(server.total("connections"), 0);
}

#[test]
fn a_render_that_hangs_does_not_hang_the_stop() {
    let (_go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let begun = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&begun);
    let server = serve(
        config(),
        metrics(move |_| {
            flag.store(true, Ordering::SeqCst);
            let _ = gate.lock().unwrap().recv();
            text("")
        }),
    );
    let mut stream = server.connect();
    stream
        .write_all(format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    eventually("it hangs", || begun.load(Ordering::SeqCst));
    let before = Instant::now();
    assert!(!server.ops.stop(Duration::ZERO), "it says that a thread was left");
    assert!(before.elapsed() < PATIENCE);
    assert!(is_closed(&mut stream));
}

#[test]
fn stopping_under_load_answers_or_closes_and_never_hangs() {
    for _ in 0..10 {
        let server = Arc::new(plain());
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (port, over) = (server.port, Arc::clone(&over));
                std::thread::spawn(move || {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
                            continue;
                        };
                        stream.set_read_timeout(Some(PATIENCE)).unwrap();
                        let request = format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n");
                        if stream.write_all(request.as_bytes()).is_err() {
                            continue;
                        }
                        let answer = read_answer(&mut stream, false);
                        assert!(
                            answer.cut || (answer.status == 200 && answer.body == b"up 1\n"),
                            "{answer:?}"
                        );
                        answered += u32::from(!answer.cut);
                    }
                    answered
                })
            })
            .collect();
        eventually("load", || server.count("/metrics", 200) > 20);
        assert!(server.ops.stop(GRACE));
        over.store(true, Ordering::Relaxed);
        let answered: u32 = clients.into_iter().map(|c| c.join().unwrap()).sum();
        assert!(answered > 20);
    }
}

fn socket_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("kymo-ops-{}-{name}.sock", std::process::id()))
}

fn ask_socket(path: &PathBuf) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(format!("GET /live HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
    said
}

#[test]
fn a_unix_socket_is_for_its_user_only_and_removed_with_the_server() {
    let path = socket_path("own");
    let server = start(Listen::Unix { path: path.clone() }).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.address(), &Address::Unix(path.clone()));
    assert!(ask_socket(&path).starts_with("HTTP/1.1 200 "));
    drop(server);
    assert!(!path.exists());
}

#[test]
fn the_socket_of_a_dead_server_is_replaced_and_of_a_live_one_respected() {
    let path = socket_path("stale");
    drop(UnixListener::bind(&path).unwrap());
    let server = start(Listen::Unix { path: path.clone() }).unwrap();
    assert!(ask_socket(&path).starts_with("HTTP/1.1 200 "));
    let second = start(Listen::Unix { path: path.clone() }).err().unwrap();
    assert_eq!(second.code(), "KYMO_OPS_PORT_IN_USE");
    assert!(ask_socket(&path).starts_with("HTTP/1.1 200 "), "the live one goes on");
    // Somebody else's file in its place stays when the server ends.
    std::fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
    drop(other);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let path = socket_path("file");
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(
        start(Listen::Unix { path: path.clone() }).err().unwrap().code(),
        "KYMO_OPS_BIND"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn its_threads_are_named_and_handle_no_signal() {
    let server = plain();
    assert_eq!(server.get("/metrics").status, 200);
    let mut found = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default();
        if status.starts_with("Name:\tkymo-ops\n") || status.starts_with("Name:\tkymo-render\n") {
            let blocked = status.lines().find_map(|l| l.strip_prefix("SigBlk:\t")).unwrap();
            let blocked = u64::from_str_radix(blocked, 16).unwrap();
            // All but SIGKILL and SIGSTOP, which nobody can block, and the two that the C library keeps.
            assert_eq!(blocked | 1 << 8 | 1 << 18 | 3 << 31, u64::MAX, "{blocked:x}");
            found += 1;
        }
    }
    assert!(found >= 2);
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_open_by_a_hundred_starts() {
    if !is_child() {
        let output = in_child("nothing_is_left_open_by_a_hundred_starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    drop(plain());
    std::thread::sleep(std::time::Duration::from_millis(100));
    let before = (descriptors(), threads());
    for _ in 0..100 {
        let server = plain();
        assert_eq!(server.get("/metrics").status, 200);
    }
    // A join returns when the thread is done, some moments before the kernel takes it off its list.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while (descriptors(), threads()) != before && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!((descriptors(), threads()), before);
}
