// Tests of socket sinks against listeners of this process.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::memory::folder::tests::Scratch;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Retries at once, so that a test waits for nothing.
const EAGER: Patience = Patience {
    connect: Duration::from_secs(5),
    retry_min: Duration::ZERO,
    retry_max: Duration::ZERO,
};

fn tcp() -> (TcpListener, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Peer::Tcp("127.0.0.1".into(), port))
}

/// Asks again as an outlet does, until all is written.
fn put_all(sink: &mut SocketSink, lines: &str) {
    let mut rest = lines.as_bytes();
    while !rest.is_empty() {
        match sink.write(rest) {
            Ok(done) => rest = &rest[done..],
            Err(_) => std::thread::yield_now(),
        }
    }
}

#[test]
fn lines_reach_a_tcp_server_that_reads_slowly() {
    let (listener, peer) = tcp();
    let lines: String = (0..50_000)
        .map(|number| format!("line {number} {}\n", "x".repeat(100)))
        .collect();
    let expected = lines.clone();
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut all, mut part) = (Vec::new(), [0; 4_000]);
        while let count @ 1.. = stream.read(&mut part).unwrap() {
            all.extend_from_slice(&part[..count]);
        }
        assert!(all == expected.as_bytes());
    });
    let mut sink = SocketSink::new(peer, EAGER);
    assert!(sink.may_block() && sink.place(1, 0).is_none());
    put_all(&mut sink, &lines);
    drop(sink);
    reader.join().unwrap();
}

#[test]
fn a_server_that_comes_later_or_comes_back_gets_the_lines_from_then_on() {
    let (listener, peer) = tcp();
    let Peer::Tcp(_, port) = peer else { panic!("{peer}") };
    drop(listener);
    let mut sink = SocketSink::new(peer, EAGER);
    assert_eq!(sink.write(b"first\n").unwrap_err().kind(), ErrorKind::ConnectionRefused);
    for round in 0..3 {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        put_all(&mut sink, &format!("round {round}\n"));
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(
            line,
            format!("round {round}\n"),
            "no line goes into a connection that is known to be closed"
        );
        drop((reader, listener));
        // The end of the connection is on its way through the loopback device.
        while sink.connection_is_open() {
            sink.tick(0);
        }
    }
}

impl SocketSink {
    fn connection_is_open(&self) -> bool {
        self.connection.is_connected()
    }
}

#[test]
fn a_line_that_was_cut_by_the_end_of_a_connection_comes_whole_over_the_next() {
    let (listener, peer) = tcp();
    let mut sink = SocketSink::new(peer, EAGER);
    let lines = format!("{}\n", "x".repeat(999)).repeat(20_000);
    let mut rest = lines.as_bytes();
    // Nobody reads: at some byte the system takes no more, and the sink has an unfinished line out.
    while let Ok(done) = sink.write(rest) {
        rest = &rest[done..];
    }
    let (stream, _) = listener.accept().unwrap();
    drop(stream);
    let reader = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        BufReader::new(stream)
            .lines()
            .map(|line| line.unwrap().len())
            .collect::<Vec<_>>()
    });
    put_all(&mut sink, std::str::from_utf8(rest).unwrap());
    drop(sink);
    let lengths = reader.join().unwrap();
    assert!(!lengths.is_empty() && lengths.iter().all(|length| *length == 999));
}

#[test]
fn a_peer_that_refuses_is_asked_again_after_a_growing_wait_only() {
    let (listener, peer) = tcp();
    drop(listener);
    let patience = Patience {
        retry_min: Duration::from_millis(40),
        retry_max: Duration::from_secs(3_600),
        ..EAGER
    };
    let mut connection = Connection::new(peer, patience);
    let began = Instant::now();
    for _ in 0..3 {
        let attempts = connection.failures();
        while connection.failures() == attempts {
            assert_eq!(
                connection.send(b"a\n", Units::Lines).unwrap_err().kind(),
                ErrorKind::ConnectionRefused
            );
        }
    }
    // The second and the third attempt came after at least three quarters of 40 and 80 ms.
    assert!(began.elapsed() >= Duration::from_millis(90));
    connection.reopen();
    assert!(connection.send(b"a\n", Units::Lines).is_err());
    assert_eq!(connection.failures(), 1, "asked at once, whatever was before");
}

#[test]
fn a_server_that_talks_does_not_fill_up() {
    let (listener, peer) = tcp();
    let mut sink = SocketSink::new(peer, EAGER);
    put_all(&mut sink, "hello\n");
    let (mut stream, _) = listener.accept().unwrap();
    let writer = std::thread::spawn(move || {
        // More than all buffers of a connection hold.
        std::io::Write::write_all(&mut stream, &vec![b'x'; 8 << 20]).unwrap();
    });
    while !writer.is_finished() {
        sink.tick(0);
    }
    writer.join().unwrap();
}

#[test]
fn unix_sockets_take_lines_as_a_stream_or_as_datagrams() {
    let dir = Scratch::new();
    let path = dir.path().join("stream");
    let mut sink = SocketSink::new(Peer::UnixStream(path.clone()), EAGER);
    assert_eq!(sink.write(b"a\n").unwrap_err().kind(), ErrorKind::NotFound);
    let listener = UnixListener::bind(&path).unwrap();
    put_all(&mut sink, "one\ntwo\n");
    let (stream, _) = listener.accept().unwrap();
    drop(sink);
    assert_eq!(
        BufReader::new(stream).lines().map(Result::unwrap).collect::<Vec<_>>(),
        ["one", "two"]
    );

    let path = dir.path().join("datagram");
    let mut sink = SocketSink::new(Peer::UnixDatagram(path.clone()), EAGER);
    assert!(sink.write(b"a\n").is_err());
    let receive = |server: &UnixDatagram| {
        let mut message = vec![0; 300_000];
        let length = server.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    for round in 0..2 {
        let server = UnixDatagram::bind(&path).unwrap();
        put_all(&mut sink, "one\ntwo\n");
        assert_eq!(
            (receive(&server), receive(&server)),
            ("one".into(), "two".into()),
            "round {round}"
        );
        // Longer than a datagram can be: its beginning arrives, of whole characters.
        put_all(&mut sink, &format!("{}\nnext\n", "é".repeat(1 << 20)));
        let cut = receive(&server);
        assert!(cut.len() > 50_000 && cut.chars().all(|character| character == 'é'));
        assert_eq!(receive(&server), "next");
        drop(server);
        std::fs::remove_file(&path).unwrap();
    }
    assert_eq!(sink.identity(), format!("unix-datagram:{}", path.display()));
}

#[test]
fn a_unix_server_that_accepts_nothing_is_an_error_and_no_endless_wait() {
    let dir = Scratch::new();
    let path = dir.path().join("full");
    let listener = UnixListener::bind(&path).unwrap();
    let mut sinks = Vec::new();
    loop {
        let mut sink = SocketSink::new(Peer::UnixStream(path.clone()), EAGER);
        match sink.write(b"a\n") {
            Ok(_) => sinks.push(sink),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
                break;
            }
        }
    }
    drop(listener);
    let long = PathBuf::from(format!("/{}", "x".repeat(200)));
    assert!(SocketSink::new(Peer::UnixStream(long), EAGER).write(b"a\n").is_err());
}

#[test]
fn datagrams_over_udp_are_lines() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let mut sink = SocketSink::new(Peer::Udp("localhost".into(), port), EAGER);
    put_all(&mut sink, "one\ntwo\n");
    let mut message = [0; 100];
    for expected in ["one", "two"] {
        let length = server.recv(&mut message).unwrap();
        assert_eq!(&message[..length], expected.as_bytes());
    }
    assert_eq!(sink.identity(), format!("udp:localhost:{port}"));
}
