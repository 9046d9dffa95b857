//! The spool: a file of records as they were written, with the keys that they name, so that it can be read when segments
//! and process are gone ([`super::read_records`]). The sink runs on the collector; [`finish`] completes the spool of a
//! dead process, on any thread. One ring per file, since write intents rely on the file's size.
use super::consumer::{Outcome, Sink, Target};
use super::intent::FileState;
use super::read_records;
use super::record::Header;
use super::recover::{RingImage, pending};
use crate::intern::InternTable;
use crate::layout::{RECORD_KEY, RECORD_PAD};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// Appends a ring's records to a file, each key before the first batch that can name it.
pub struct FileSink {
    file: File,
    number: u32,
    interned: Arc<InternTable>,
    /// How many keys are in the file or in `keys`.
    known: u32,
    /// Records of the keys that come with the current batch.
    keys: Vec<u8>,
    /// Bytes of keys and batch that are in the file.
    written: usize,
    /// `errno` of the last write, 0 when it succeeded.
    errno: Arc<AtomicI32>,
}

/// Opens or creates a spool for appending: mode 0600, no symbolic link.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
}

/// Appends the record that gives `id` its text, for the readers of this file from here on.
fn write_key(out: &mut Vec<u8>, id: u32, text: &str) {
    let header = Header::for_body(RECORD_KEY, 4 + text.len() as u32, false);
    let end = out.len() + header.length as usize;
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out.resize(end, 0);
}

impl FileSink {
    /// Appends to a file of [`open`]. `number` names the sink in write intents, `interned` is the table of the ring's
    /// segment.
    pub fn new(file: File, number: u32, interned: Arc<InternTable>) -> FileSink {
        FileSink {
            file,
            number,
            interned,
            known: 0,
            keys: Vec::new(),
            written: 0,
            errno: Arc::default(),
        }
    }

    /// Where `errno` of the last write stands, 0 when it succeeded; for those who ask while the collector has the sink.
    pub fn errno(&self) -> Arc<AtomicI32> {
        Arc::clone(&self.errno)
    }
}

impl Sink for FileSink {
    fn prepare(&mut self, records: &[u8]) -> Target {
        self.written = 0;
        self.keys.clear();
        // An id is in the table before it is in a record, so the keys of this batch are here.
        while let Some(text) = self.interned.text(self.known) {
            write_key(&mut self.keys, self.known, text);
            self.known += 1;
        }
        let length = (self.keys.len() + records.len()) as u64;
        match self.file.metadata() {
            Ok(meta) => Target {
                sink: self.number,
                offset: meta.len(),
                length,
                device: meta.dev(),
                inode: meta.ino(),
            },
            Err(_) => Target {
                sink: self.number,
                length,
                ..Target::default()
            },
        }
    }

    /// A full disk, a quota or an error of the device may pass: the batch stays in the ring and is tried again, and the
    /// ring's policy decides what happens to the records behind it.
    fn write(&mut self, records: &[u8]) -> Outcome {
        let keys = self.keys.len();
        while self.written < keys + records.len() {
            let rest = if self.written < keys {
                &self.keys[self.written..]
            } else {
                &records[self.written - keys..]
            };
            match self.file.write(rest) {
                Ok(0) => return Outcome::Retry,
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.errno
                        .store(error.raw_os_error().unwrap_or(libc::EIO), Ordering::Relaxed);
                    return Outcome::Retry;
                }
            }
        }
        self.errno.store(0, Ordering::Relaxed);
        Outcome::Written
    }
}

/// Appends to a spool what its dead process had not written: each record is in the file exactly once afterwards. A batch
/// that is there in part is cut off first and written again. `keys` are the ring segment's interned keys. Call it once per
/// dead segment, before a new ring opens the spool. Returns the records appended.
pub fn finish<'a>(
    path: &Path,
    ring: &RingImage<'_>,
    overflow: Option<&RingImage<'_>>,
    keys: impl Iterator<Item = (u32, &'a str)>,
) -> io::Result<u64> {
    let mut file = open(path)?;
    let meta = file.metadata()?;
    let mut cut = None;
    let state = FileState {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.len(),
    };
    let parts = pending(ring, overflow, |intent| {
        let ours = (intent.device, intent.inode) == (state.device, state.inode);
        if ours && state.size > intent.offset && state.size - intent.offset < intent.length {
            cut = Some(intent.offset);
            return Some(FileState {
                size: intent.offset,
                ..state
            });
        }
        ours.then_some(state)
    });
    let mut out = Vec::new();
    let mut records = 0;
    for part in &parts {
        let mut reader = read_records(part.bytes);
        let mut from = 0;
        while let Some(Ok(_)) = reader.next() {
            // What is between two records is PAD.
            for piece in whole_records(&part.bytes[from..reader.position()]) {
                out.extend_from_slice(piece);
            }
            from = reader.position();
            records += 1;
        }
    }
    if records > 0 {
        let mut known = Vec::new();
        keys.for_each(|(id, text)| write_key(&mut known, id, text));
        out.splice(..0, known);
    }
    if let Some(offset) = cut {
        file.set_len(offset)?;
    }
    file.write_all(&out)?;
    Ok(records)
}

/// The records of `bytes` that are not PAD. The lengths were checked by the caller.
fn whole_records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let header = rest.first_chunk::<8>()?;
            let header = Header::parse(*header, 0, rest.len()).ok()?;
            let (record, after) = rest.split_at(header.length as usize);
            rest = after;
            if header.kind != RECORD_PAD {
                return Some(record);
            }
        }
    })
}
