//! What a record in a ring looks like, and the reader that trusts none of it: every length is checked, nothing panics
//! or allocates. Runs on the collector, and in recovery on bytes that a crash left behind.
//!
//! ```text
//! u32 bytes of the record (multiple of 8, header included)
//! u16 kind       PAD fills the rest of the ring before a wrap; KEY is in spools only; users start at RECORD_USER
//! u16 flags      bits 0-2: unused bytes at the end; bit 3: something was cut off
//! values, one after the other (see value.rs)
//! ```
use super::position::ALIGN;
use super::value::Values;
use crate::layout::{RECORD_CUT, RECORD_HEADER, RECORD_KEY, RECORD_PAD, RECORD_SLACK, RECORD_USER};

/// Why bytes are not a record or not a value. Offsets are bytes from the start of what was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRecord {
    /// A length that is not a multiple of 8, below the header's, or past the end.
    Length {
        /// Where the record starts.
        at: usize,
        /// What its header says.
        length: u32,
    },
    /// A kind that is neither PAD, KEY nor a user's.
    Kind {
        /// Where the record starts.
        at: usize,
        /// What its header says.
        kind: u16,
    },
    /// A tag of no value.
    Tag {
        /// Where the value starts in the body.
        at: usize,
        /// The byte found there.
        tag: u8,
    },
    /// A value that ends after the record does.
    Short {
        /// Where the value starts in the body.
        at: usize,
    },
    /// Digits of a big integer that are no digits.
    Digits {
        /// Where the value starts in the body.
        at: usize,
    },
}

/// The eight bytes before each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the record, header included; multiple of 8 in `[8, 2^30]`.
    pub length: u32,
    /// `RECORD_PAD`, `RECORD_KEY`, or `RECORD_USER` and above.
    pub kind: u16,
    /// `RECORD_SLACK` and `RECORD_CUT` bits.
    pub flags: u16,
}

impl Header {
    /// A header for `body` bytes of values.
    pub fn for_body(kind: u16, body: u32, cut: bool) -> Header {
        let length = super::position::aligned(body.saturating_add(RECORD_HEADER as u32));
        let slack = (length - RECORD_HEADER as u32 - body) as u16;
        Header {
            length,
            kind,
            flags: slack | if cut { RECORD_CUT } else { 0 },
        }
    }

    /// A header that fills `length` bytes of a ring.
    pub fn padding(length: u32) -> Header {
        Header {
            length,
            kind: RECORD_PAD,
            flags: 0,
        }
    }

    /// As it lies in memory.
    pub fn to_bytes(self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.kind.to_le_bytes());
        bytes[6..].copy_from_slice(&self.flags.to_le_bytes());
        bytes
    }

    /// Reads and checks the header at `at`, with `available` bytes from there on.
    #[inline]
    pub fn parse(bytes: [u8; RECORD_HEADER], at: usize, available: usize) -> Result<Header, BadRecord> {
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let kind = u16::from_le_bytes([bytes[4], bytes[5]]);
        let flags = u16::from_le_bytes([bytes[6], bytes[7]]);
        if !length.is_multiple_of(ALIGN) || (length as usize) < RECORD_HEADER || length as usize > available {
            return Err(BadRecord::Length { at, length });
        }
        if kind != RECORD_PAD && kind != RECORD_KEY && kind < RECORD_USER {
            return Err(BadRecord::Kind { at, kind });
        }
        if usize::from(flags & RECORD_SLACK) > length as usize - RECORD_HEADER {
            return Err(BadRecord::Length { at, length });
        }
        Ok(Header { length, kind, flags })
    }
}

/// One record, in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Who wrote it, `RECORD_USER` and above, or `RECORD_KEY` in a spool.
    pub kind: u16,
    /// Something was cut off because the record was too long.
    pub cut: bool,
    /// Its values, without padding.
    pub body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the values one after the other.
    pub fn values(&self) -> Values<'a> {
        Values::new(self.body)
    }
}

/// Iterator of [`read_records`].
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Records<'_> {
    /// Bytes read so far; after an error, where the bad record starts.
    pub fn position(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            if rest.is_empty() {
                return None;
            }
            let Some(head) = rest.first_chunk::<RECORD_HEADER>() else {
                return Some(Err(self.stop(BadRecord::Length {
                    at: self.at,
                    length: rest.len() as u32,
                })));
            };
            let header = match Header::parse(*head, self.at, rest.len()) {
                Ok(header) => header,
                Err(bad) => return Some(Err(self.stop(bad))),
            };
            let length = header.length as usize;
            self.at += length;
            if header.kind != RECORD_PAD {
                let body = &rest[RECORD_HEADER..length - usize::from(header.flags & RECORD_SLACK)];
                return Some(Ok(Record {
                    kind: header.kind,
                    cut: header.flags & RECORD_CUT != 0,
                    body,
                }));
            }
        }
    }
}

impl<'a> Records<'a> {
    /// Without a valid length there is no next record: the iterator ends after one error.
    fn stop(&mut self, bad: BadRecord) -> BadRecord {
        self.bytes = &self.bytes[..self.at];
        bad
    }
}

/// Reads whole records from contiguous bytes, skipping PAD. Ends after the first error. Never panics, never allocates,
/// O(1) per record (values are not looked at; [`Record::values`] does).
pub fn read_records(bytes: &[u8]) -> Records<'_> {
    Records { bytes, at: 0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let header = Header::for_body(kind, body.len() as u32, false);
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes.resize(header.length as usize, 0);
        bytes
    }

    #[test]
    fn records_come_back_without_their_padding_and_pads_are_skipped() {
        for length in 0..40 {
            let body = vec![1; length];
            let mut bytes = Header::padding(8).to_bytes().to_vec();
            bytes.extend(record(RECORD_USER, &body));
            let all: Vec<_> = read_records(&bytes).collect::<Result<_, _>>().unwrap();
            assert_eq!(
                all,
                [Record {
                    kind: RECORD_USER,
                    cut: false,
                    body: &body
                }]
            );
        }
    }

    #[test]
    fn a_bad_length_ends_the_reading_with_one_error() {
        for length in [0_u32, 4, 7, 12, 17, 32, u32::MAX, 0x8000_0000] {
            let mut bytes = record(RECORD_USER, &[1; 8]);
            bytes.extend(record(RECORD_USER, &[1; 8]));
            bytes[16..20].copy_from_slice(&length.to_le_bytes());
            let all: Vec<_> = read_records(&bytes).collect();
            assert_eq!(all.len(), 2, "length {length}");
            assert_eq!(all[1], Err(BadRecord::Length { at: 16, length }));
        }
    }

    #[test]
    fn slack_beyond_the_body_and_reserved_kinds_are_errors() {
        let mut bytes = Header {
            length: 8,
            kind: RECORD_USER,
            flags: 1,
        }
        .to_bytes();
        assert_eq!(
            read_records(&bytes).next(),
            Some(Err(BadRecord::Length { at: 0, length: 8 }))
        );
        bytes = Header {
            length: 8,
            kind: RECORD_USER - 1,
            flags: 0,
        }
        .to_bytes();
        assert_eq!(
            read_records(&bytes).next(),
            Some(Err(BadRecord::Kind {
                at: 0,
                kind: RECORD_USER - 1
            }))
        );
        assert_eq!(read_records(&bytes[..5]).count(), 1, "half a header");
    }
}
