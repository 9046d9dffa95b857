//! A bug in a renderer costs its answer, a bug in the engine its server, and neither the process.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::Write;

use support::*;

#[test]
fn a_render_that_panics_is_answered_with_500_and_counted() {
    let server = serve(
        config(),
        metrics(|r| {
            assert!(r.accept.is_none(), "on purpose");
            text("fine")
        }),
    );
    let broken = server.ask(&format!("GET /metrics HTTP/1.1\r\n{HOST}Accept: x\r\n\r\n"));
    assert_eq!(
        (broken.status, broken.body_text()),
        (500, r#"{"error":"internal error"}"#)
    );
    assert_eq!(server.get("/metrics").body_text(), "fine");
    assert_eq!((server.total("panics_total"), server.count("/metrics", 500)), (1, 1));
}

#[test]
fn an_exception_in_the_engine_ends_the_server_and_nothing_else() {
    let server = plain();
    let mut idle = server.connect();
    let mut busy = server.connect();
    busy.write_all(b"GET /live HTTP/1.1\r\nHost:").unwrap();
    eventually("both", || server.total("connections") == 2);
    server.ops.inject_engine_fault();
    assert!(server.ops.wait_for_end(PATIENCE));
    assert!(!server.ops.is_running());
    assert!(is_closed(&mut idle) && is_closed(&mut busy));
    assert_eq!((server.total("faults_total"), server.total("connections")), (1, 0));
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err(),
        "the port is free"
    );
    assert!(server.ops.stop(PATIENCE));
    assert_eq!(plain().get("/live").status, 200, "another one starts");
}
