//! Pipelines of all signals for JS: exporters' threads wait, take batches and say what became of them; any thread flushes and asks.

pub mod waiter;

use crate::raw::{CodedError, coded};
use kymo_core::export::{Compression, Loss, Outbound, Outcome, PipelineOptions, Ready};
use napi::Env;
use napi::bindgen_prelude::{Buffer, Unknown};
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use waiter::{Answer, Waiter};

/// A pipeline that JS has a number of.
struct Known {
    pipeline: Arc<dyn Outbound>,
    /// Takes it off its source, and closes it.
    close: Box<dyn Fn() + Send + Sync>,
}

/// All of them. They are never taken back: what they lost is asked for after their end.
static PIPELINES: Mutex<Vec<Arc<Known>>> = Mutex::new(Vec::new());

/// Gives a pipeline its number. `close` takes it off its source, and closes it.
pub fn add(pipeline: Arc<dyn Outbound>, close: impl Fn() + Send + Sync + 'static) -> u32 {
    let mut pipelines = PIPELINES.lock().unwrap_or_else(PoisonError::into_inner);
    pipelines.push(Arc::new(Known {
        pipeline,
        close: Box::new(close),
    }));
    pipelines.len() as u32 - 1
}

fn known(pipeline: u32) -> Result<Arc<Known>, CodedError> {
    let pipelines = PIPELINES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = pipelines.get(pipeline as usize).cloned();
    known.ok_or_else(|| unknown(&format!("pipeline {pipeline}")))
}

/// The error for what native does not know.
pub fn unknown(what: &str) -> CodedError {
    coded("KYMO_EXPORT_UNKNOWN", what)
}

/// See `src/binding/native-export.ts`.
#[napi(object)]
pub struct NewPipeline {
    /// Label value of its metrics.
    pub label: String,
    /// The signal knows which there are.
    pub format: String,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// Items that may wait.
    pub max_queue_items: u32,
    /// Bytes that may wait.
    pub max_queue_bytes: f64,
    /// Items of a batch.
    pub max_batch_items: u32,
    /// Bytes of a batch before compression.
    pub max_batch_bytes: f64,
}

impl NewPipeline {
    /// The queue, as the core has it. Fails with `KYMO_EXPORT_UNKNOWN`.
    pub fn queue(self) -> Result<PipelineOptions, CodedError> {
        let compression = match self.compression.as_str() {
            "none" => Compression::None,
            "gzip" => Compression::Gzip,
            "zstd" => Compression::Zstd,
            other => return Err(unknown(&format!("compression {other}"))),
        };
        Ok(PipelineOptions {
            label: self.label.into(),
            compression,
            max_queue_items: self.max_queue_items.max(1) as usize,
            max_queue_bytes: self.max_queue_bytes as usize,
            max_batch_items: self.max_batch_items.max(1) as usize,
            max_batch_bytes: self.max_batch_bytes as usize,
        })
    }
}

/// A batch that is out.
#[napi(object)]
pub struct TakenBatch {
    /// Its number.
    pub batch: u32,
    /// Items in it.
    pub items: u32,
    /// Encoded and compressed.
    #[napi(ts_type = "Uint8Array")]
    pub body: Buffer,
    /// Bytes before compression.
    pub plain_bytes: f64,
}

/// What became of a pipeline's items.
#[napi(object)]
pub struct PipelineState {
    /// Items that wait.
    pub queued: u32,
    /// Bytes of them.
    pub queued_bytes: f64,
    /// Items of the batch that is out.
    pub in_flight: u32,
    /// Items that the receiver has.
    pub exported: f64,
    /// Items lost, by reason.
    pub dropped: HashMap<String, f64>,
}

/// Resolves when there is something to do; keeps no process alive.
#[napi(catch_unwind, ts_return_type = "Promise<'batch' | 'flush' | 'closed'>")]
pub fn pipeline_ready(env: Env, pipeline: u32) -> napi::Result<Unknown<'static>, &'static str> {
    let known = known(pipeline)?;
    let (waiter, promise) = waiter(env, false)?;
    known.pipeline.when_ready(Box::new(move |ready| {
        waiter.settle(Answer::Word(match ready {
            Ready::Batch => "batch",
            Ready::Flush => "flush",
            Ready::Closed => "closed",
        }))
    }));
    Ok(promise)
}

fn waiter(env: Env, keeps_alive: bool) -> Result<(Waiter, Unknown<'static>), CodedError> {
    Waiter::new(env, keeps_alive).map_err(|error| unknown(&error.reason))
}

/// The oldest batch.
#[napi(catch_unwind)]
pub fn pipeline_take(pipeline: u32) -> Result<Option<TakenBatch>, CodedError> {
    let batch = known(pipeline)?.pipeline.take();
    Ok(batch.map(|batch| TakenBatch {
        batch: batch.number,
        items: batch.items,
        body: batch.body.into(),
        plain_bytes: batch.plain_bytes as f64,
    }))
}

/// What became of the batch that is out; `batch` 0: whichever it is.
#[napi(catch_unwind)]
pub fn pipeline_done(
    pipeline: u32,
    batch: u32,
    outcome: String,
    rejected: u32,
    reason: Option<String>,
) -> Result<(), CodedError> {
    let known = known(pipeline)?;
    let pipeline = &known.pipeline;
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

/// Drains the rings, then waits until all that was there before is done.
#[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
pub fn pipeline_flush(env: Env, pipeline: u32, deadline_ms: f64) -> napi::Result<Unknown<'static>, &'static str> {
    let known = known(pipeline)?;
    let (waiter, promise) = waiter(env, true)?;
    let deadline = Duration::try_from_secs_f64(deadline_ms / 1000.0).unwrap_or_default();
    // A flush is rare and may wait long: a thread of its own leaves the runtime's pool to file and name look-ups.
    let thread = kymo_core::threads::spawn("kymo-flush", move || {
        let end = std::time::Instant::now() + deadline;
        let drained = crate::ring::rings().is_none_or(|rings| rings.flush(deadline));
        let left = end.saturating_duration_since(std::time::Instant::now());
        waiter.settle(Answer::Bool(known.pipeline.flush(left) && drained));
    });
    thread.map_err(|error| unknown(&error.to_string()))?;
    Ok(promise)
}

/// Takes no more items.
#[napi(catch_unwind)]
pub fn pipeline_close(pipeline: u32) {
    if let Ok(known) = known(pipeline) {
        (known.close)();
    }
}

/// What became of its items.
#[napi(catch_unwind)]
pub fn pipeline_state(pipeline: u32) -> Result<PipelineState, CodedError> {
    let known = known(pipeline)?;
    let pipeline = &known.pipeline;
    let waiting = pipeline.waiting();
    let lost = |loss: Loss| (loss.word().to_owned(), pipeline.lost(loss) as f64);
    Ok(PipelineState {
        queued: waiting.queued as u32,
        queued_bytes: waiting.queued_bytes as f64,
        in_flight: waiting.in_flight as u32,
        exported: pipeline.exported() as f64,
        dropped: Loss::ALL
            .into_iter()
            .map(lost)
            .filter(|(_, count)| *count > 0.0)
            .collect(),
    })
}

/// Counts an export that failed.
#[napi(catch_unwind)]
pub fn pipeline_error(pipeline: u32) -> Result<(), CodedError> {
    known(pipeline)?.pipeline.count_error();
    Ok(())
}
