//! The last records, kept to be read: for tests, and for who shows them. The collector writes, app threads read.
use super::encoded::EncodedLog;
use super::losses::Losses;
use super::msgpack;
use super::otlp::RecordOptions;
use super::pipeline::{RecordEncoder, RecordFormat};
use super::{LogRecord, RecordSink};
use crate::export::{Item, Loss};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
pub struct MemorySink {
    label: Box<str>,
    max_records: usize,
    max_bytes: usize,
    encoder: RecordEncoder,
    kept: Mutex<Kept>,
    losses: Losses,
}

#[derive(Default)]
struct Kept {
    records: VecDeque<EncodedLog>,
    bytes: usize,
}

impl MemorySink {
    /// Keeps at most so many records and bytes, at least one record.
    pub fn new(label: &str, max_records: usize, max_bytes: usize, options: RecordOptions) -> MemorySink {
        MemorySink {
            label: label.into(),
            max_records: max_records.max(1),
            max_bytes,
            encoder: RecordEncoder::new(RecordFormat::Msgpack, options),
            kept: Mutex::default(),
            losses: Losses::default(),
        }
    }

    /// Label value of its metrics.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// All that is kept, oldest first, as an array in MessagePack. Copies it.
    pub fn read(&self) -> Vec<u8> {
        let kept = self.lock();
        let mut out = Vec::with_capacity(kept.bytes + 8);
        msgpack::encode(kept.records.iter(), &mut out);
        out
    }

    /// Forgets what is kept.
    pub fn clear(&self) {
        *self.lock() = Kept::default();
    }

    /// Records that made room for younger ones, by level.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordSink for MemorySink {
    fn accept(&self, record: &LogRecord<'_>) -> bool {
        let record = self.encoder.encode(record);
        let mut kept = self.lock();
        kept.bytes += record.size();
        kept.records.push_back(record);
        while kept.records.len() > self.max_records || (kept.bytes > self.max_bytes && kept.records.len() > 1) {
            if let Some(oldest) = kept.records.pop_front() {
                kept.bytes -= oldest.size();
                self.losses.count(oldest.level, Loss::QueueFull.word(), 1);
            }
        }
        true
    }

    fn identity(&self) -> String {
        format!("memory:{}", self.label)
    }
}
