//! What well-formed requests get.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::io::Write;

use support::*;

#[test]
fn live_answers_precomputed_json_that_nobody_stores() {
    let server = plain();
    let live = server.get("/live");
    assert_eq!((live.status, live.body_text()), (200, r#"{"status":"ok"}"#));
    assert_eq!(live.field("content-type"), Some("application/json"));
    assert_eq!(live.field("cache-control"), Some("no-store"));
    assert_eq!(live.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        (live.field("server"), live.field("uwebsockets")),
        (None, None),
        "no mark of the engine"
    );
    assert!(live.field("date").is_some());
    assert_eq!(server.count("/live", 200), 1);
}

#[test]
fn metrics_are_rendered_with_the_headers_of_the_client() {
    let server = serve(
        config(),
        metrics(|r| {
            let accept = r
                .accept
                .map_or("none".to_owned(), |a| String::from_utf8_lossy(a).into_owned());
            let encoding = r
                .accept_encoding
                .map_or("none".to_owned(), |a| String::from_utf8_lossy(a).into_owned());
            let mut body = text(format!("{accept} {encoding}"));
            body.encoding = (encoding == "gzip").then_some("gzip");
            body.vary = Some("Accept, Accept-Encoding");
            body
        }),
    );
    assert_eq!(server.get("/metrics").body_text(), "none none");
    let asked = server.ask(&format!(
        "GET /metrics HTTP/1.1\r\n{HOST}Accept: a/b\r\nAccept-Encoding: gzip\r\n\r\n"
    ));
    assert_eq!(asked.body_text(), "a/b gzip");
    assert_eq!(asked.field("content-encoding"), Some("gzip"));
    assert_eq!(asked.field("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(server.total("renders_total"), 2);
}

#[test]
fn an_empty_body_is_sent_with_its_length() {
    let server = serve(config(), metrics(|_| text("")));
    let answer = server.get("/metrics");
    assert_eq!((answer.status, answer.field("content-length")), (200, Some("0")));
}

#[test]
fn the_query_is_ignored_in_routing() {
    let server = plain();
    assert_eq!(server.get("/live?verbose=1&x").status, 200);
    assert_eq!(server.get("/metrics?name[]=a").status, 200);
    assert_eq!(server.get("/live/").status, 404);
    assert_eq!(server.get("/LIVE").status, 404);
    assert_eq!(server.get("/%6cive").status, 404);
}

#[test]
fn the_names_of_a_query_reach_the_render_decoded() {
    let server = serve(config(), metrics(|r| text(r.names.as_slice().join(","))));
    assert_eq!(server.get("/metrics").body_text(), "");
    assert_eq!(
        server.get("/metrics?name[]=up&x=y&name%5B%5D=a%2eb").body_text(),
        "a.b,up"
    );
    assert_eq!(
        server
            .ask(&format!(
                "GET http://localhost/metrics?name[]=up#name[]=no HTTP/1.1\r\n{HOST}\r\n"
            ))
            .body_text(),
        "up"
    );
    let many = |n: usize| server.get(&format!("/metrics?{}", "name[]=&".repeat(n))).status;
    assert_eq!(
        (many(256), many(257)),
        (200, 400),
        "the last accepted and the first refused"
    );
    assert_eq!(server.get("/live?name[]=up").status, 200);
}

#[test]
fn an_unknown_path_gets_404_with_any_method() {
    let server = plain();
    let answer = server.get("/nothing");
    assert_eq!((answer.status, answer.body_text()), (404, r#"{"error":"not found"}"#));
    assert_eq!(server.ask(&format!("POST /x HTTP/1.1\r\n{HOST}\r\n")).status, 404);
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.count("other", 404), 3);
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let server = plain();
    for path in ["/live", "/metrics"] {
        let get = server.get(path);
        let head = server.ask(&format!("HEAD {path} HTTP/1.1\r\n{HOST}\r\n"));
        assert_eq!(head.status, 200);
        assert_eq!(head.field("content-length"), Some(get.body.len().to_string().as_str()));
        assert_eq!(head.field("content-type"), get.field("content-type"));
    }
    let mut stream = server.connect();
    stream
        .write_all(format!("HEAD /metrics HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    read_answer(&mut stream, true);
    stream
        .write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    assert_eq!(
        read_answer(&mut stream, false).status,
        200,
        "no stray byte of a body on the connection"
    );
    assert_eq!(server.ask(&format!("HEAD /x HTTP/1.1\r\n{HOST}\r\n")).status, 404);
}

#[test]
fn options_lists_the_methods() {
    let server = plain();
    for target in ["/metrics", "/live", "*"] {
        let answer = server.ask(&format!("OPTIONS {target} HTTP/1.1\r\n{HOST}\r\n"));
        assert_eq!(
            (answer.status, answer.field("allow")),
            (204, Some("GET, HEAD, OPTIONS")),
            "{target}"
        );
        assert_eq!(answer.field("content-length"), None, "204 has none (RFC 9110, 8.6)");
    }
    assert_eq!(server.ask(&format!("OPTIONS /x HTTP/1.1\r\n{HOST}\r\n")).status, 404);
}

#[test]
fn other_methods_get_405_with_allow_and_their_body_is_drained() {
    let server = plain();
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "BREW"] {
        let mut stream = server.connect();
        let request = format!("{method} /live HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello");
        stream.write_all(request.as_bytes()).unwrap();
        let answer = read_answer(&mut stream, false);
        assert_eq!(
            (answer.status, answer.field("allow")),
            (405, Some("GET, HEAD, OPTIONS")),
            "{method}"
        );
        stream
            .write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
            .unwrap();
        assert_eq!(
            read_answer(&mut stream, false).status,
            200,
            "the connection goes on behind {method}"
        );
    }
}

#[test]
fn a_body_in_many_packets_is_drained_before_the_next_request() {
    let server = plain();
    let mut stream = server.connect();
    stream
        .write_all(format!("POST /live HTTP/1.1\r\n{HOST}Content-Length: 60000\r\n\r\n").as_bytes())
        .unwrap();
    assert_eq!(read_answer(&mut stream, false).status, 405);
    for _ in 0..60 {
        stream.write_all(&[b'x'; 1000]).unwrap();
    }
    stream
        .write_all(format!("GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes())
        .unwrap();
    assert_eq!(read_answer(&mut stream, false).status, 200);
}

#[test]
fn a_chunked_or_large_body_is_refused_by_closing_behind_the_answer() {
    let server = plain();
    let chunked = format!("POST /live HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    let said = server.ask_to_end(format!("{chunked}GET /live HTTP/1.1\r\n{HOST}\r\n").as_bytes());
    assert!(
        said.starts_with("HTTP/1.1 405 ") && said.contains("Connection: close\r\n"),
        "{said}"
    );
    assert_eq!(
        said.matches("HTTP/1.1").count(),
        1,
        "what follows a refused body is not taken for a request: {said}"
    );
    let large = server.ask_to_end(format!("POST /live HTTP/1.1\r\n{HOST}Content-Length: 65537\r\n\r\n").as_bytes());
    assert!(
        large.starts_with("HTTP/1.1 405 ") && large.contains("Connection: close\r\n"),
        "{large}"
    );
}

#[test]
fn expect_100_continue_is_granted_before_the_answer() {
    let server = plain();
    let mut stream = server.connect();
    let request = format!("POST /live HTTP/1.1\r\n{HOST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream, false).status, 100);
    assert_eq!(read_answer(&mut stream, false).status, 405);
}

#[test]
fn http_1_0_clients_are_answered_and_the_connection_closes() {
    let server = plain();
    for request in [
        "GET /live HTTP/1.0\r\n\r\n",
        "GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.0\r\nUser-Agent: ab\r\n\r\n",
        "GET /live HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    ] {
        let said = server.ask_to_end(request.as_bytes());
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{request}: {said}");
        assert!(
            said.contains("Connection: close\r\n") && said.contains("Content-Length: "),
            "{request}: {said}"
        );
    }
    // What HAProxy's `option httpchk` sends.
    let check = server.ask_to_end(b"OPTIONS /live HTTP/1.0\r\n\r\n");
    assert!(check.starts_with("HTTP/1.1 204 "), "{check}");
    let head = server.ask_to_end(b"HEAD /metrics HTTP/1.0\r\n\r\n");
    assert!(
        head.contains("Content-Length: 5\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[test]
fn an_absolute_target_is_routed_by_its_path() {
    let server = plain();
    assert_eq!(
        server
            .ask(&format!("GET http://localhost/live HTTP/1.1\r\n{HOST}\r\n"))
            .status,
        200
    );
    assert_eq!(
        server
            .ask(&format!("GET http://127.0.0.1:80/live?x HTTP/1.1\r\n{HOST}\r\n"))
            .status,
        200
    );
    assert_eq!(
        server
            .ask(&format!("GET http://evil.example/live HTTP/1.1\r\n{HOST}\r\n"))
            .status,
        421
    );
    assert_eq!(
        server
            .ask(&format!("GET ftp://localhost/live HTTP/1.1\r\n{HOST}\r\n"))
            .status,
        400
    );
    assert_eq!(server.ask(&format!("GET * HTTP/1.1\r\n{HOST}\r\n")).status, 400);
}

#[test]
fn connection_close_is_honoured_and_named() {
    let server = plain();
    for path in ["/live", "/metrics"] {
        let said = server.ask_to_end(format!("GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").as_bytes());
        assert!(
            said.starts_with("HTTP/1.1 200 ") && said.matches("Connection: close\r\n").count() == 1,
            "{said}"
        );
    }
}

#[test]
fn a_client_that_ends_its_side_behind_the_request_is_still_answered() {
    let server = plain();
    // kqueue reports a FIN as the end of the whole connection; there only what is answered at once arrives.
    let paths = if cfg!(target_os = "linux") {
        &["/live", "/metrics"][..]
    } else {
        &["/live"]
    };
    for path in paths {
        let mut stream = server.connect();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\n{HOST}\r\n").as_bytes())
            .unwrap();
        finish_writing(&stream);
        let said = read_to_end(&mut stream);
        assert!(said.starts_with("HTTP/1.1 200 "), "{path}: {said}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order_or_the_connection_closes_behind_an_answer() {
    let server = plain();
    let live = format!("GET /live HTTP/1.1\r\n{HOST}\r\n");
    let mut stream = server.connect();
    stream.write_all(live.repeat(3).as_bytes()).unwrap();
    for _ in 0..3 {
        assert_eq!(read_answer(&mut stream, false).status, 200);
    }
    // A scrape is answered later than it is read: what comes behind it is left to the client's next connection.
    let scrape = format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n");
    for behind in [live.as_str(), "garbage\r\n\r\n"] {
        let said = server.ask_to_end(format!("{scrape}{behind}").as_bytes());
        assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("up 1\n"), "{said}");
        assert!(said.contains("Connection: close\r\n"), "{said}");
    }
    let said = server.ask_to_end(format!("{live}garbage\r\n\r\n").as_bytes());
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.contains("HTTP/1.1 400 "),
        "in order: {said}"
    );
    let last = format!("GET /live HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    let said = server.ask_to_end(format!("{last}{live}garbage\r\n\r\n").as_bytes());
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.matches("HTTP/1.1 ").count() == 1,
        "{said}"
    );
}

#[test]
fn a_request_may_come_in_any_number_of_packets() {
    let server = plain();
    let request = format!("GET /live HTTP/1.1\r\n{HOST}Accept: */*\r\n\r\n");
    let mut stream = server.connect();
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
        std::thread::yield_now();
    }
    assert_eq!(read_answer(&mut stream, false).status, 200, "byte by byte");
    for split in 1..request.len() {
        stream.write_all(&request.as_bytes()[..split]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        stream.write_all(&request.as_bytes()[split..]).unwrap();
        assert_eq!(read_answer(&mut stream, false).status, 200, "split at {split}");
    }
}

#[test]
fn the_host_must_be_ours() {
    let mut options = config();
    options.allowed_hosts = vec!["ops.example".to_owned()];
    let server = serve(options, metrics(|_| text("")));
    let ask = |host: &str| {
        server
            .ask(&format!("GET /live HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .status
    };
    for ours in ["localhost", "127.0.0.1:9464", "[::1]:80", "10.0.0.7", "ops.example:1"] {
        assert_eq!(ask(ours), 200, "{ours}");
    }
    let foreign = server.ask("GET /live HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(
        (foreign.status, foreign.field("access-control-allow-origin")),
        (421, None)
    );
    assert_eq!(ask("a b"), 400);
    assert_eq!(server.ask("GET /live HTTP/1.1\r\nHost:\r\n\r\n").status, 400);
    assert_eq!(
        server
            .ask("GET /live HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
            .status,
        400
    );
}

#[test]
fn a_token_guards_metrics_and_leaves_live_open() {
    let mut options = config();
    options.token = Some(TOKEN.to_owned());
    let server = serve(options, metrics(|_| text("up 1\n")));
    let ask = |value: &str| {
        server.ask(&format!(
            "GET /metrics HTTP/1.1\r\n{HOST}Authorization: {value}\r\n\r\n"
        ))
    };
    let without = server.get("/metrics");
    assert_eq!(
        (without.status, without.field("www-authenticate")),
        (401, Some("Bearer"))
    );
    for wrong in [
        "Bearer 0123456789abcdeX",
        "Bearer 0123456789abcde",
        "Basic 0123456789abcdef",
        "Bearer",
    ] {
        assert_eq!(ask(wrong).status, 401, "{wrong}");
    }
    assert_eq!(
        server.get(&format!("/metrics?token={TOKEN}")).status,
        401,
        "never in a query"
    );
    assert_eq!(ask(&format!("Bearer {TOKEN}")).status, 200);
    assert_eq!(server.get("/live").status, 200);
}
