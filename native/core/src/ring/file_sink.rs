//! A sink that appends records to a file as they are: the spool that the flight recorder keeps and offline readers
//! (`read_records`) take. Runs on the collector; one per file, since the write intent relies on the file's size.
use super::consumer::{Outcome, Sink, Target};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// See the module.
pub struct FileSink {
    file: File,
    number: u32,
    /// Bytes of the current batch that are in the file.
    written: usize,
    /// `errno` of the last write, 0 when it succeeded.
    errno: Arc<AtomicI32>,
}

impl FileSink {
    /// Opens or creates the file for appending: mode 0600, no symbolic link. `number` names the sink in write intents.
    pub fn open(path: &Path, number: u32) -> io::Result<FileSink> {
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        Ok(FileSink {
            file,
            number,
            written: 0,
            errno: Arc::default(),
        })
    }

    /// Where `errno` of the last write stands, 0 when it succeeded; for those who ask while the collector has the sink.
    pub fn errno(&self) -> Arc<AtomicI32> {
        Arc::clone(&self.errno)
    }
}

impl Sink for FileSink {
    fn prepare(&mut self, records: &[u8]) -> Target {
        self.written = 0;
        let length = records.len() as u64;
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
        while self.written < records.len() {
            match self.file.write(&records[self.written..]) {
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
