//! A sink into a socket: lines as they are over a stream, or each line as a datagram. Runs on the thread of its outlet.
use super::connection::{Connection, Patience, Peer};
use super::cut_line::Units;
use crate::logs::sink::{LineWriter, Place};
use std::io;

/// See the module.
pub struct SocketSink {
    connection: Connection,
}

impl SocketSink {
    /// Connects with the first piece.
    pub fn new(peer: Peer, patience: Patience) -> SocketSink {
        SocketSink {
            connection: Connection::new(peer, patience),
        }
    }
}

impl LineWriter for SocketSink {
    fn may_block(&self) -> bool {
        true
    }

    fn place(&mut self, _bytes: u64, _now_ms: u64) -> Option<Place> {
        None
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if !self.connection.peer().takes_datagrams() {
            return self.connection.send(lines, Units::Lines);
        }
        let mut done = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let message = line.strip_suffix(b"\n").unwrap_or(line);
            if let Err(error) = self.connection.send_datagram(message) {
                return if done > 0 { Ok(done) } else { Err(error) };
            }
            done += line.len();
        }
        Ok(done)
    }

    fn tick(&mut self, _now_ms: u64) {
        self.connection.check();
    }

    fn reopen(&mut self) {
        self.connection.reopen();
    }

    fn identity(&self) -> String {
        self.connection.peer().to_string()
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
