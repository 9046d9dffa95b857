//! A log record that was encoded on the collector and waits for its exporter. Any thread.
use crate::export::Item;
use std::sync::Arc;

/// One record in the format of its pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedLog {
    /// Pino's number, for who counts what is lost.
    pub level: u16,
    /// Name of its logger; empty for none.
    pub logger: Arc<str>,
    /// Without what records of a batch share.
    pub bytes: Arc<[u8]>,
}

/// Bytes that a record takes beside its own.
const AROUND: usize = 48;

impl Item for EncodedLog {
    fn size(&self) -> usize {
        self.bytes.len() + AROUND
    }
}
