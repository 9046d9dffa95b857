//! What malformed requests get: an answer that closes, at once, and never a dead server.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::Write;

use support::*;

#[track_caller]
fn refused(server: &Server, request: &[u8], status: u16) {
    let said = server.ask_to_end(request);
    let shown = String::from_utf8_lossy(&request[..request.len().min(80)]).into_owned();
    assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {said:?}");
    assert_eq!(
        said.matches("HTTP/1.1 ").count(),
        1,
        "{shown:?}: one answer only: {said:?}"
    );
}

#[test]
fn what_is_no_request_gets_400() {
    let server = plain();
    for request in [
        &b"garbage\r\n\r\n"[..],
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /live\r\n\r\n",
        b"GET  /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /live HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        b"GET /li ve HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /live HTTP/1.1\nHost: localhost\n\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nA\x00: b\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nA: b\x00c\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\n\rX\r\n",
        b"GET /live HTTP/1.1\r\n\r\n",
        b"GET /live HTTP/1.1\r\nAccept: */*\r\n\r\n",
        b"\xff\xfe\xfd\xfc\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n",
    ] {
        refused(&server, request, 400);
    }
    assert_eq!(server.get("/live").status, 200);
    assert!(server.count("other", 400) >= 19);
}

#[test]
fn an_empty_field_name_cannot_hide_the_fields_behind_it() {
    let server = plain();
    refused(
        &server,
        b"GET /live HTTP/1.1\r\nHost: localhost\r\n: x\r\nHost: evil.example\r\n\r\n",
        400,
    );
}

#[test]
fn an_unknown_version_gets_505() {
    let server = plain();
    refused(&server, b"GET /live HTTP/2.0\r\nHost: localhost\r\n\r\n", 505);
    refused(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    refused(&server, b"GET /live HTTP/0.9\r\n\r\n", 505);
    assert_eq!(server.count("other", 505), 3);
}

#[test]
fn doubtful_framing_is_refused_and_nothing_behind_it_is_read() {
    let server = plain();
    let smuggled = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for fields in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
    ] {
        refused(
            &server,
            format!("POST /live HTTP/1.1\r\n{HOST}{fields}\r\n{smuggled}").as_bytes(),
            400,
        );
    }
    refused(
        &server,
        format!("POST /live HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}").as_bytes(),
        400,
    );
    refused(
        &server,
        format!("GET /live HTTP/1.1\r\nHost: evil.example\r\n\r\n{smuggled}").as_bytes(),
        421,
    );
    assert_eq!(server.count("/metrics", 200), 0);
}

#[test]
fn a_head_over_4_kb_gets_431_in_one_packet_or_in_many() {
    let server = plain();
    let request = |padding: usize| format!("GET /live HTTP/1.1\r\n{HOST}X: {}\r\n\r\n", "x".repeat(padding));
    let base = request(0).len() - 4; // the head is counted without its last two line ends
    assert_eq!(server.ask(&request(4096 - base)).status, 200, "4096 bytes are accepted");
    refused(&server, request(4097 - base).as_bytes(), 431);
    refused(&server, request(100_000).as_bytes(), 431);
    refused(
        &server,
        format!("GET /{} HTTP/1.1\r\n{HOST}\r\n", "x".repeat(5000)).as_bytes(),
        431,
    );

    let mut stream = server.connect();
    let long = request(8000);
    for piece in long.as_bytes().chunks(1000) {
        if stream.write_all(piece).is_err() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let said = read_to_end(&mut stream);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 "), "{said}");
    eventually("431 for the split head", || server.count("other", 431) == 4);
}

#[test]
fn too_many_fields_get_431() {
    let server = plain();
    let request = |fields: usize| format!("GET /live HTTP/1.1\r\n{HOST}{}\r\n", "a:b\r\n".repeat(fields));
    assert_eq!(server.ask(&request(96)).status, 200);
    refused(&server, request(120).as_bytes(), 431);
}

#[test]
fn bytes_at_random_never_stop_the_server() {
    let server = plain();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds: [&[u8]; 4] = [
        b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        b"HEAD /metrics HTTP/1.0\r\nConnection: close\r\n\r\n",
    ];
    for _ in 0..500 {
        let mut request = seeds[next() as usize % seeds.len()].to_vec();
        for _ in 0..=next() % 6 {
            let at = next() as usize % request.len();
            match next() % 3 {
                0 => request[at] = next() as u8,
                1 => request.insert(at, next() as u8),
                _ => drop(request.remove(at)),
            }
        }
        let mut stream = server.connect();
        let cut = next() as usize % request.len();
        // The server may have refused the first part already.
        let _ = stream
            .write_all(&request[..cut])
            .and_then(|()| stream.write_all(&request[cut..]));
        finish_writing(&stream);
        read_to_end(&mut stream);
    }
    assert_eq!(server.get("/live").status, 200);
    assert_eq!(server.total("panics_total"), 0);
}
