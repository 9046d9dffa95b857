//! A syslog sink: each line a message with the severity of its level, over UDP, TCP or the socket of the host. Runs on the thread of its
//! outlet.
use super::connection::{Connection, Patience, Peer};
use super::cut_line::Units;
use super::syslog_message::Header;
use crate::logs::sink::{LineMark, LineWriter, Place};
use std::io;
use std::io::Write;

/// How messages are told apart in a stream, RFC 6587.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each begins with its length, section 3.4.1.
    OctetCounting,
    /// Each ends with a line ending, section 3.4.2.
    Newline,
}

/// See the module.
pub struct SyslogSink {
    connection: Connection,
    header: Header,
    framing: Framing,
    /// Messages of the piece, their ends in it, and the lines' ends; kept for their room.
    messages: Vec<u8>,
    message_ends: Vec<usize>,
    line_ends: Vec<usize>,
    one: Vec<u8>,
}

/// The level of lines that come without one.
const UNMARKED_LEVEL: u16 = 30;

impl SyslogSink {
    /// Connects with the first piece. `framing` is for streams.
    pub fn new(peer: Peer, patience: Patience, header: Header, framing: Framing) -> SyslogSink {
        SyslogSink {
            connection: Connection::new(peer, patience),
            header,
            framing,
            messages: Vec::new(),
            message_ends: Vec::new(),
            line_ends: Vec::new(),
            one: Vec::new(),
        }
    }

    /// Makes the messages of `lines`, framed where they go over a stream.
    fn build(&mut self, lines: &[u8], marks: &[LineMark]) {
        self.messages.clear();
        self.message_ends.clear();
        self.line_ends.clear();
        let is_framed = !self.connection.peer().takes_datagrams();
        let mut at = 0;
        for mark in marks {
            let end = lines.len().min(at + mark.bytes as usize);
            let line = lines[at..end].strip_suffix(b"\n").unwrap_or(&lines[at..end]);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.one.clear();
            self.header.message(line, *mark, &mut self.one);
            if is_framed && self.framing == Framing::OctetCounting {
                // Writing to memory does not fail.
                let _ = write!(self.messages, "{} ", self.one.len());
            }
            self.messages.extend_from_slice(&self.one);
            if is_framed && self.framing == Framing::Newline {
                self.messages.push(b'\n');
            }
            at = end;
            self.message_ends.push(self.messages.len());
            self.line_ends.push(at);
        }
    }

    fn send(&mut self) -> io::Result<usize> {
        if !self.connection.peer().takes_datagrams() {
            let sent = self.connection.send(&self.messages, Units::Ends(&self.message_ends))?;
            let count = self.message_ends.partition_point(|end| *end <= sent);
            return Ok(count.checked_sub(1).map_or(0, |last| self.line_ends[last]));
        }
        let (mut from, mut done) = (0, 0);
        for (end, line_end) in self.message_ends.iter().zip(&self.line_ends) {
            if let Err(error) = self.connection.send_datagram(&self.messages[from..*end]) {
                return if done > 0 { Ok(done) } else { Err(error) };
            }
            (from, done) = (*end, *line_end);
        }
        Ok(done)
    }
}

impl LineWriter for SyslogSink {
    fn may_block(&self) -> bool {
        true
    }

    fn place(&mut self, _bytes: u64, _now_ms: u64) -> Option<Place> {
        None
    }

    /// Lines that come without marks have no time and the level `info`.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let marks: Vec<LineMark> = lines
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| LineMark {
                bytes: u32::try_from(line.len()).unwrap_or(u32::MAX),
                level: UNMARKED_LEVEL,
                time_ms: f64::NAN,
            })
            .collect();
        self.write_marked(lines, &marks)
    }

    fn wants_marks(&self) -> bool {
        true
    }

    fn write_marked(&mut self, lines: &[u8], marks: &[LineMark]) -> io::Result<usize> {
        self.build(lines, marks);
        self.send()
    }

    fn tick(&mut self, _now_ms: u64) {
        self.connection.check();
    }

    fn reopen(&mut self) {
        self.connection.reopen();
    }

    fn identity(&self) -> String {
        format!("syslog:{}", self.connection.peer())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::syslog_message::Standard;
    use super::*;
    use crate::memory::folder::tests::Scratch;
    use std::io::Read;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    const EAGER: Patience = Patience {
        connect: Duration::from_secs(5),
        retry_min: Duration::ZERO,
        retry_max: Duration::ZERO,
    };

    fn sink(peer: Peer, framing: Framing) -> SyslogSink {
        let header = Header::new(Standard::Rfc5424, 1, "host", "app", false, 2_048);
        SyslogSink::new(peer, EAGER, header, framing)
    }

    fn mark(line: &str, level: u16) -> LineMark {
        LineMark {
            bytes: line.len() as u32,
            level,
            time_ms: 1_795_299_255_003.0,
        }
    }

    fn expected(priority: u32, line: &str) -> String {
        let process = std::process::id();
        format!("<{priority}>1 2026-11-21T22:14:15.003Z host app {process} - - {line}")
    }

    fn received(listener: &TcpListener) -> String {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_line_is_a_datagram_with_the_severity_of_its_level() {
        let dir = Scratch::new();
        let path = dir.path().join("log");
        let unix = UnixDatagram::bind(&path).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peers = [
            Peer::UnixDatagram(path),
            Peer::Udp("127.0.0.1".into(), udp.local_addr().unwrap().port()),
        ];
        for (number, peer) in peers.into_iter().enumerate() {
            let mut sink = sink(peer, Framing::OctetCounting);
            let marks = [mark("info\n", 30), mark("bad\r\n", 50)];
            assert_eq!(sink.write_marked(b"info\nbad\r\n", &marks).unwrap(), 10);
            for text in [expected(14, "info"), expected(11, "bad")] {
                let mut message = [0; 4_096];
                let length = if number == 0 {
                    unix.recv(&mut message)
                } else {
                    udp.recv(&mut message)
                };
                assert_eq!(std::str::from_utf8(&message[..length.unwrap()]).unwrap(), text);
            }
        }
    }

    #[test]
    fn messages_in_a_stream_are_counted_or_end_with_a_line_ending() {
        for framing in [Framing::OctetCounting, Framing::Newline] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let mut sink = sink(Peer::Tcp("127.0.0.1".into(), port), framing);
            assert_eq!(sink.identity(), format!("syslog:tcp:127.0.0.1:{port}"));
            let lines = ["{\"a\":\"é\"}\n", "two\nlines in one\n"];
            let marks = [mark(lines[0], 20), mark(lines[1], 40)];
            assert_eq!(
                sink.write_marked(lines.concat().as_bytes(), &marks).unwrap(),
                lines.concat().len()
            );
            drop(sink);
            let messages = [expected(15, "{\"a\":\"é\"}"), expected(12, "two lines in one")];
            let framed: String = messages
                .iter()
                .map(|message| match framing {
                    Framing::OctetCounting => format!("{} {message}", message.len()),
                    Framing::Newline => format!("{message}\n"),
                })
                .collect();
            assert_eq!(received(&listener), framed);
        }
    }

    /// A reader of frames, as strict as RFC 6587 is.
    fn unframed(text: &str) -> Vec<&str> {
        let (mut rest, mut messages) = (text, Vec::new());
        while let Some((length, behind)) = rest.split_once(' ') {
            let (message, next) = behind.split_at(length.parse().unwrap());
            messages.push(message);
            rest = next;
        }
        assert_eq!(rest, "");
        messages
    }

    #[test]
    fn a_receiver_that_reads_slowly_gets_whole_frames_and_each_line_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut sink = sink(Peer::Tcp("127.0.0.1".into(), port), Framing::OctetCounting);
        let lines: Vec<String> = (0..10_000)
            .map(|number| format!("line {number} {}\n", "x".repeat(300)))
            .collect();
        let writer = std::thread::spawn(move || {
            let mut at = 0;
            while at < lines.len() {
                let some = &lines[at..lines.len().min(at + 500)];
                let marks: Vec<_> = some.iter().map(|line| mark(line, 30)).collect();
                if let Ok(mut done) = sink.write_marked(some.concat().as_bytes(), &marks) {
                    while done > 0 {
                        done -= lines[at].len();
                        at += 1;
                    }
                }
            }
        });
        let text = received(&listener);
        writer.join().unwrap();
        let messages = unframed(&text);
        assert_eq!(messages.len(), 10_000);
        for (number, message) in messages.iter().enumerate() {
            assert!(message.contains(&format!(" - - line {number} xx")));
        }
    }

    #[test]
    fn lines_without_marks_are_information_without_a_time() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sink = sink(
            Peer::Udp("127.0.0.1".into(), udp.local_addr().unwrap().port()),
            Framing::Newline,
        );
        assert!(sink.wants_marks() && sink.may_block() && sink.place(1, 0).is_none());
        assert_eq!(sink.write(b"line\n").unwrap(), 5);
        let mut message = [0; 100];
        let length = udp.recv(&mut message).unwrap();
        assert!(
            std::str::from_utf8(&message[..length])
                .unwrap()
                .starts_with("<14>1 - host app ")
        );
    }
}
