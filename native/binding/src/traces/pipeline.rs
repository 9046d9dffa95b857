//! Pipelines for JS: exporters' threads wait, take batches and say what became of them; any thread flushes and asks.

use super::waiter::{Answer, Waiter};
use super::{traces, unknown};
use crate::raw::{CodedError, coded};
use kymo_core::traces::host::Traces;
use kymo_core::traces::pipeline::{Compression, Encode, Export, Loss, Outcome, PipelineOptions, Ready};
use kymo_core::traces::{msgpack, otlp};
use napi::Env;
use napi::bindgen_prelude::{Buffer, Unknown};
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// See `src/binding/native-traces.ts`.
#[napi(object)]
pub struct NewPipeline {
    /// Label value of its metrics.
    pub label: String,
    /// `protobuf`, `json` or `msgpack`.
    pub format: String,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// Spans that may wait.
    pub max_queue_spans: u32,
    /// Bytes that may wait.
    pub max_queue_bytes: f64,
    /// Spans of a batch.
    pub max_batch_spans: u32,
    /// Bytes of a batch before compression.
    pub max_batch_bytes: f64,
}

/// A batch that is out.
#[napi(object)]
pub struct TakenBatch {
    /// Its number.
    pub batch: u32,
    /// Spans in it.
    pub spans: u32,
    /// Encoded and compressed.
    #[napi(ts_type = "Uint8Array")]
    pub body: Buffer,
    /// Bytes before compression.
    pub plain_bytes: f64,
}

/// What became of a pipeline's spans.
#[napi(object)]
pub struct PipelineState {
    /// Spans that wait.
    pub queued_spans: u32,
    /// Bytes of them.
    pub queued_bytes: f64,
    /// Spans of the batch that is out.
    pub in_flight_spans: u32,
    /// Spans that the receiver has.
    pub exported_spans: f64,
    /// Spans lost, by reason.
    pub dropped: HashMap<String, f64>,
}

fn export(pipeline: u32) -> Result<Export, CodedError> {
    traces().export(pipeline).ok_or_else(|| unknown("pipeline", pipeline))
}

/// Adds a pipeline to a provider.
#[napi(catch_unwind)]
pub fn traces_pipeline(host: u32, options: NewPipeline) -> Result<u32, CodedError> {
    let bad = |what: &str, value: &str| coded("KYMO_TRACES_UNKNOWN", format!("{what} {value}"));
    let encode: Encode = match options.format.as_str() {
        "protobuf" => otlp::protobuf::encode,
        "json" => otlp::json::encode,
        "msgpack" => msgpack::encode,
        other => return Err(bad("format", other)),
    };
    let compression = match options.compression.as_str() {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        other => return Err(bad("compression", other)),
    };
    let options = PipelineOptions {
        label: options.label.into(),
        encode,
        compression,
        max_queue_spans: options.max_queue_spans.max(1) as usize,
        max_queue_bytes: options.max_queue_bytes as usize,
        max_batch_spans: options.max_batch_spans.max(1) as usize,
        max_batch_bytes: options.max_batch_bytes as usize,
    };
    traces()
        .add_pipeline(host, options)
        .ok_or_else(|| unknown("provider", host))
}

/// Resolves when there is something to do; keeps no process alive.
#[napi(catch_unwind, ts_return_type = "Promise<'batch' | 'flush' | 'closed'>")]
pub fn traces_ready(env: Env, pipeline: u32) -> napi::Result<Unknown<'static>, &'static str> {
    let export = export(pipeline)?;
    let (waiter, promise) = waiter(env, false)?;
    export.pipeline.when_ready(Box::new(move |ready| {
        waiter.settle(Answer::Word(match ready {
            Ready::Batch => "batch",
            Ready::Flush => "flush",
            Ready::Closed => "closed",
        }))
    }));
    Ok(promise)
}

fn waiter(env: Env, keeps_alive: bool) -> Result<(Waiter, Unknown<'static>), CodedError> {
    Waiter::new(env, keeps_alive).map_err(|error| coded("KYMO_TRACES_UNKNOWN", error.reason.clone()))
}

/// The oldest batch.
#[napi(catch_unwind)]
pub fn traces_take(pipeline: u32) -> Result<Option<TakenBatch>, CodedError> {
    let export = export(pipeline)?;
    let batch = export.pipeline.take(&export.resource, &traces().scopes);
    Ok(batch.map(|batch| TakenBatch {
        batch: batch.number,
        spans: batch.spans,
        body: batch.body.into(),
        plain_bytes: batch.plain_bytes as f64,
    }))
}

/// What became of the batch that is out; `batch` 0: whichever it is.
#[napi(catch_unwind)]
pub fn traces_done(
    pipeline: u32,
    batch: u32,
    outcome: String,
    rejected: u32,
    reason: Option<String>,
) -> Result<(), CodedError> {
    let pipeline = export(pipeline)?.pipeline;
    let loss = |reason: &str| Loss::ALL.into_iter().find(|loss| loss.word() == reason);
    match outcome.as_str() {
        "exported" => pipeline.done(batch, Outcome::Exported { rejected }),
        "again" if batch == 0 => pipeline.abandon(),
        "again" => pipeline.done(batch, Outcome::Again),
        _ => {
            let loss = reason.as_deref().and_then(loss).unwrap_or(Loss::Refused);
            pipeline.done(batch, Outcome::Dropped(loss));
        }
    }
    Ok(())
}

/// Drains the rings, then waits until all that ended before is done.
#[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
pub fn traces_flush(env: Env, pipeline: u32, deadline_ms: f64) -> napi::Result<Unknown<'static>, &'static str> {
    let export = export(pipeline)?;
    let (waiter, promise) = waiter(env, true)?;
    let deadline = Duration::try_from_secs_f64(deadline_ms / 1000.0).unwrap_or_default();
    // A flush is rare and may wait long: a thread of its own leaves the runtime's pool to file and name look-ups.
    let thread = kymo_core::threads::spawn("kymo-flush", move || {
        let end = std::time::Instant::now() + deadline;
        let drained = crate::ring::rings().is_none_or(|rings| rings.flush(deadline));
        let left = end.saturating_duration_since(std::time::Instant::now());
        waiter.settle(Answer::Bool(export.pipeline.flush(left) && drained));
    });
    thread.map_err(|error| coded("KYMO_TRACES_UNKNOWN", error.to_string()))?;
    Ok(promise)
}

/// Takes no more spans.
#[napi(catch_unwind)]
pub fn traces_close(pipeline: u32) {
    let traces: &Traces = traces();
    traces.close_pipeline(pipeline);
}

/// What became of its spans.
#[napi(catch_unwind)]
pub fn traces_state(pipeline: u32) -> Result<PipelineState, CodedError> {
    let pipeline: Arc<_> = export(pipeline)?.pipeline;
    let (spans, bytes, out) = pipeline.waiting();
    let lost = |loss: Loss| (loss.word().to_owned(), pipeline.lost(loss) as f64);
    Ok(PipelineState {
        queued_spans: spans as u32,
        queued_bytes: bytes as f64,
        in_flight_spans: out as u32,
        exported_spans: pipeline.exported() as f64,
        dropped: Loss::ALL
            .into_iter()
            .map(lost)
            .filter(|(_, count)| *count > 0.0)
            .collect(),
    })
}

/// Counts an export that failed.
#[napi(catch_unwind)]
pub fn traces_error(pipeline: u32) -> Result<(), CodedError> {
    export(pipeline)?.pipeline.count_error();
    Ok(())
}
