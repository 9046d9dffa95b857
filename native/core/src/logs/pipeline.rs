//! Log records on their way out of the process: each is encoded where it lies, on the collector, and waits in a queue for the thread
//! that exports it. So nothing of a ring is held for an exporter, whatever it waits for.
use super::encoded::EncodedLog;
use super::losses::Losses;
use super::otlp::{self, RecordOptions};
use super::{LogRecord, RecordSink, msgpack};
use crate::export::{Encode, Loss, Outbound, Pipeline, PipelineOptions, Resource};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What records become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFormat {
    /// OTLP in protocol buffers.
    OtlpProtobuf,
    /// OTLP/JSON.
    OtlpJson,
    /// An array of maps, for sinks in JavaScript.
    Msgpack,
}

impl RecordFormat {
    /// By its word.
    pub fn of(word: &str) -> Option<RecordFormat> {
        Some(match word {
            "otlp-protobuf" => RecordFormat::OtlpProtobuf,
            "otlp-json" => RecordFormat::OtlpJson,
            "msgpack" => RecordFormat::Msgpack,
            _ => return None,
        })
    }
}

/// Names of loggers that are shared by their records; further ones are copied.
const MOST_LOGGERS: usize = 1024;

/// Makes an [`EncodedLog`] of each record. One thread at a time uses it, usually the collector.
pub struct RecordEncoder {
    format: RecordFormat,
    options: RecordOptions,
    state: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    buffer: Vec<u8>,
    loggers: HashSet<Arc<str>>,
}

impl RecordEncoder {
    /// For records of one sink.
    pub fn new(format: RecordFormat, options: RecordOptions) -> RecordEncoder {
        RecordEncoder {
            format,
            options,
            state: Mutex::default(),
        }
    }

    /// Encodes a record. About 150 ns, and what its values cost.
    pub fn encode(&self, record: &LogRecord<'_>) -> EncodedLog {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared { buffer, loggers } = &mut *state;
        buffer.clear();
        match self.format {
            RecordFormat::OtlpProtobuf => otlp::protobuf::push_record(record, &self.options, buffer),
            RecordFormat::OtlpJson => otlp::json::push_record(record, &self.options, buffer),
            RecordFormat::Msgpack => msgpack::push_record(record, &self.options, buffer),
        }
        let logger = match loggers.get(record.logger) {
            Some(known) => Arc::clone(known),
            None => {
                let name: Arc<str> = record.logger.into();
                if loggers.len() < MOST_LOGGERS {
                    loggers.insert(Arc::clone(&name));
                }
                name
            }
        };
        EncodedLog {
            level: record.level,
            logger,
            bytes: buffer.as_slice().into(),
        }
    }
}

/// See the module.
pub struct LogPipeline {
    /// What waits.
    pub queue: Arc<Pipeline<EncodedLog>>,
    encoder: RecordEncoder,
    losses: Arc<Losses>,
}

impl LogPipeline {
    /// An empty one. Its batches tell of `resource`, where their format does.
    pub fn new(
        options: PipelineOptions,
        format: RecordFormat,
        records: RecordOptions,
        resource: Resource,
    ) -> LogPipeline {
        let encode: Encode<EncodedLog> = match format {
            RecordFormat::OtlpProtobuf => Box::new(move |logs, out| otlp::protobuf::encode(logs, &resource, out)),
            RecordFormat::OtlpJson => Box::new(move |logs, out| otlp::json::encode(logs, &resource, out)),
            RecordFormat::Msgpack => Box::new(|logs, out| msgpack::encode(logs.iter(), out)),
        };
        let losses = Arc::<Losses>::default();
        let count = Arc::clone(&losses);
        let on_loss = Box::new(move |loss: Loss, record: Option<&EncodedLog>| {
            count.count(record.map_or(0, |record| record.level), loss.word(), 1)
        });
        LogPipeline {
            queue: Arc::new(Pipeline::new(options, encode).on_loss(on_loss)),
            encoder: RecordEncoder::new(format, records),
            losses,
        }
    }

    /// What it lost, by level and reason.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }
}

impl RecordSink for LogPipeline {
    fn accept(&self, record: &LogRecord<'_>) -> bool {
        self.queue.push(self.encoder.encode(record))
    }

    fn identity(&self) -> String {
        format!("export:{}", self.queue.label())
    }
}
