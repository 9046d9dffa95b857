//! Sinks that take records, for JS: pipelines to exporters, and memories that can be read. App threads; cold.

use super::delivery::add_records;
use crate::export::{self, NewPipeline};
use crate::process::process;
use crate::raw::CodedError;
use crate::traces::values::attributes;
use kymo_core::export::{Outbound, Resource};
use kymo_core::logs::attributes::AttributeLimits;
use kymo_core::logs::exports::{Export, LogExports};
use kymo_core::logs::memory_sink::MemorySink;
use kymo_core::logs::otlp::RecordOptions;
use kymo_core::logs::pipeline::{LogPipeline, RecordFormat};
use kymo_core::metrics::self_metrics::SELF_REGISTRY;
use napi::bindgen_prelude::{Buffer, Unknown};
use napi_derive::napi;
use std::sync::{Arc, OnceLock};

static EXPORTS: OnceLock<Arc<LogExports>> = OnceLock::new();

/// All of the process, made when somebody asks first.
fn exports() -> &'static Arc<LogExports> {
    EXPORTS.get_or_init(|| {
        let exports = Arc::<LogExports>::default();
        if let Ok(process) = process() {
            let own = process.registries.open(Some(SELF_REGISTRY));
            own.attach(Arc::clone(&exports) as Arc<_>);
        }
        exports
    })
}

/// What records are made with, see `src/binding/native-log-records.ts`.
#[napi(object)]
pub struct LogRecordOptions<'a> {
    /// Numbers of levels that have names of their own.
    pub levels: Vec<u32>,
    /// Their names.
    pub level_names: Vec<String>,
    /// Attributes of a record.
    pub max_attributes: f64,
    /// UTF-16 units of a text.
    pub max_attribute_length: f64,
    /// Resource attributes, flat: key, value.
    #[napi(ts_type = "unknown[]")]
    pub resource: Vec<Unknown<'a>>,
    /// Of the resource.
    pub schema_url: String,
}

impl LogRecordOptions<'_> {
    fn records(&self) -> RecordOptions {
        let names = self.level_names.iter().map(|name| name.as_str().into());
        let levels = self.levels.iter().map(|level| (*level).min(u32::from(u16::MAX)) as u16);
        RecordOptions {
            levels: levels.zip(names).collect(),
            limits: AttributeLimits {
                count: self.max_attributes as usize,
                value_length: self.max_attribute_length as usize,
            },
        }
    }
}

/// A sink and its two numbers.
#[napi(object)]
pub struct LogExport {
    /// For `pipelineTake` and its like, or for `logMemoryRead`.
    pub number: u32,
    /// For `logRouteSet`.
    pub records: u32,
}

/// Makes a pipeline of log records. Fails with `KYMO_EXPORT_UNKNOWN`.
#[napi(catch_unwind)]
pub fn log_pipeline(options: NewPipeline, records: LogRecordOptions<'_>) -> napi::Result<LogExport, &'static str> {
    let format = RecordFormat::of(&options.format);
    let format = format.ok_or_else(|| export::unknown(&format!("format {}", options.format)))?;
    let resource = Resource {
        attributes: attributes(&records.resource).map_err(|error| export::unknown(&error.reason))?,
        schema_url: records.schema_url.as_str().into(),
    };
    let pipeline = Arc::new(LogPipeline::new(options.queue()?, format, records.records(), resource));
    exports().add(Export::Pipeline(Arc::clone(&pipeline)));
    let queue = Arc::clone(&pipeline.queue);
    Ok(LogExport {
        records: add_records(pipeline),
        number: export::add(Arc::clone(&queue) as Arc<_>, move || queue.close()),
    })
}

/// Makes a sink that keeps the last records.
#[napi(catch_unwind)]
pub fn log_memory(label: String, max_records: u32, max_bytes: f64, records: LogRecordOptions<'_>) -> LogExport {
    let memory = MemorySink::new(&label, max_records as usize, max_bytes as usize, records.records());
    let memory = Arc::new(memory);
    LogExport {
        records: add_records(Arc::clone(&memory) as Arc<_>),
        number: exports().add(Export::Memory(memory)),
    }
}

fn memory(number: u32) -> Result<Arc<MemorySink>, CodedError> {
    match exports().get(number) {
        Some(Export::Memory(memory)) => Ok(memory),
        _ => Err(export::unknown(&format!("memory {number}"))),
    }
}

/// What a memory keeps, as an array in MessagePack.
#[napi(catch_unwind, ts_return_type = "Uint8Array")]
pub fn log_memory_read(number: u32) -> Result<Buffer, CodedError> {
    Ok(memory(number)?.read().into())
}

/// Has a memory forget what it keeps.
#[napi(catch_unwind)]
pub fn log_memory_clear(number: u32) -> Result<(), CodedError> {
    memory(number)?.clear();
    Ok(())
}
