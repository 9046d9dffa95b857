//! Retained traces for JS: as JSON, and as files of other tools. App threads; cold. Rings are drained first, so that what ended
//! before the call is there.

use super::{traces, unknown};
use crate::raw::{CodedError, coded};
use kymo_core::traces::host::Host;
use kymo_core::traces::retained::RetainedTrace;
use kymo_core::traces::shown::ShownTrace;
use kymo_core::traces::trace_json::{Detail, push_trace, push_traces};
use kymo_core::traces::{ExportSpan, chrome, otlp, speedscope};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the rings: a collector that is this far behind shows what it has.
const DRAIN: Duration = Duration::from_secs(1);
/// Longest answer: as long as a string of JavaScript may be.
const LONGEST: usize = 500 << 20;

fn drained(host: u32) -> Result<Arc<Host>, CodedError> {
    if let Some(rings) = crate::ring::rings() {
        rings.flush(DRAIN);
    }
    traces().host(host).ok_or_else(|| unknown("provider", host))
}

fn shown(host: &Host, trace: Arc<RetainedTrace>) -> ShownTrace {
    ShownTrace {
        trace,
        resource: Arc::clone(&host.resource),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, CodedError> {
    String::from_utf8(bytes).map_err(|_| coded("KYMO_TRACES_UNKNOWN", "its spans are no text"))
}

/// The last completed traces with their spans, as a JSON array; oldest first.
#[napi(catch_unwind)]
pub fn traces_recent(host: u32, count: u32) -> Result<String, CodedError> {
    let host = drained(host)?;
    let recent = host.store.recent(count as usize).into_iter();
    let recent: Vec<_> = recent.map(|trace| shown(&host, trace)).collect();
    let mut out = Vec::new();
    push_traces(&recent, &traces().scopes, Detail::Spans, LONGEST, &mut out);
    text(out)
}

/// A retained trace by its 32 hex digits, as JSON.
#[napi(catch_unwind)]
pub fn traces_find(host: u32, trace_id: String) -> Result<Option<String>, CodedError> {
    let host = drained(host)?;
    let id = Some(&trace_id)
        .filter(|id| id.len() == 32)
        .and_then(|id| u128::from_str_radix(id, 16).ok());
    let Some(trace) = id.and_then(|id| host.store.find(&id.to_be_bytes())) else {
        return Ok(None);
    };
    let mut out = Vec::new();
    push_trace(&shown(&host, trace), &traces().scopes, Detail::Spans, &mut out);
    text(out).map(Some)
}

/// The last completed traces as a file.
#[napi(catch_unwind, ts_return_type = "Uint8Array")]
pub fn traces_file(host: u32, format: String, count: u32) -> Result<Buffer, CodedError> {
    let host = drained(host)?;
    let recent = host.store.recent(count as usize);
    let mut out = Vec::new();
    match format.as_str() {
        "chrome" => chrome::encode(&recent, &host.resource, &traces().scopes, &mut out),
        "speedscope" => speedscope::encode(&recent, &host.resource, &mut out),
        "otlp" => {
            let span = |record: &Arc<_>| ExportSpan {
                record: Arc::clone(record),
                threshold: None,
            };
            let spans: Vec<_> = recent.iter().flat_map(|trace| trace.spans()).map(span).collect();
            otlp::json::encode(&spans, &host.resource, &traces().scopes, &mut out);
        }
        other => return Err(unknown_format(other)),
    }
    Ok(out.into())
}

fn unknown_format(format: &str) -> CodedError {
    coded("KYMO_TRACES_UNKNOWN", format!("format {format}"))
}
