//! Renders retained traces for `/trace`. Render thread; the collector goes on taking spans meanwhile.

use std::sync::Arc;

use kymo_core::traces::ExportSpan;
use kymo_core::traces::host::Traces;
use kymo_core::traces::retained::RetainedTrace;
use kymo_core::traces::shown::{ShownTrace, find, recent};
use kymo_core::traces::trace_json::{Detail, push_trace, push_traces};
use kymo_core::traces::{Resource, Scopes};
use kymo_core::traces::{chrome, otlp, speedscope};

use crate::response::Page;
use crate::route::{RenderFn, ScrapeRequest};
use crate::scrape::coded;
use crate::trace_query::{TraceFormat, TraceQuery, Which};

/// Bytes of a list in JSON, before compression.
const MOST_JSON_BYTES: usize = 16 << 20;
/// Bytes of the records that a file of another format is made of: it takes several times as many.
const MOST_FILE_RECORD_BYTES: usize = 4 << 20;
/// How many of the traces that were asked for are left out because the answer would be too long.
const OMITTED: &str = "Kymo-Omitted-Traces";

/// The renderer of `/trace`. `source` gives the traces of the process, or none before it has a provider.
pub fn traces(source: impl Fn() -> Option<Arc<Traces>> + Send + Sync + 'static) -> Arc<RenderFn> {
    Arc::new(move |request| {
        let Some(asked) = TraceQuery::of(request.query) else {
            return Page::error(400);
        };
        let traces = source().unwrap_or_default();
        answer(&traces, &asked, request)
    })
}

fn answer(traces: &Traces, asked: &TraceQuery, request: &ScrapeRequest<'_>) -> Page {
    let shown = match asked.which {
        Which::Recent(n) => recent(traces, n),
        Which::Id(id) => match find(traces, &id) {
            Some(found) => vec![found],
            None => return Page::error(404),
        },
    };
    let detail = if asked.spans { Detail::Spans } else { Detail::Summary };
    let (mut bytes, mut omitted) = (Vec::new(), 0);
    match (asked.format, asked.which) {
        (TraceFormat::Json, Which::Recent(_)) => {
            omitted = push_traces(&shown, &traces.scopes, detail, MOST_JSON_BYTES, &mut bytes);
        }
        (TraceFormat::Json, Which::Id(_)) => {
            for one in &shown {
                push_trace(one, &traces.scopes, detail, &mut bytes);
            }
        }
        (format, _) => {
            let chosen = newest_within(&shown, MOST_FILE_RECORD_BYTES);
            omitted = shown.len() - chosen.len();
            push_file(format, chosen, &traces.scopes, &mut bytes);
        }
    }
    let mut body = coded("application/json", bytes, request);
    if omitted > 0 {
        body.fields.push((OMITTED, omitted.to_string()));
    }
    body.into()
}

/// The newest traces whose spans are within that many bytes; always one, if there is any.
fn newest_within(shown: &[ShownTrace], most: usize) -> &[ShownTrace] {
    let mut bytes = 0;
    let fitting = shown.iter().rev().take_while(|one| {
        let is_first = bytes == 0;
        bytes += one.trace.bytes();
        is_first || bytes <= most
    });
    &shown[shown.len() - fitting.count()..]
}

fn push_file(format: TraceFormat, shown: &[ShownTrace], scopes: &Scopes, out: &mut Vec<u8>) {
    let all: Vec<Arc<RetainedTrace>> = shown.iter().map(|one| Arc::clone(&one.trace)).collect();
    // These formats know one process; its name is that of the provider that was heard of last.
    let resource = shown.last().map_or_else(Arc::default, |one| Arc::clone(&one.resource));
    match format {
        TraceFormat::Chrome => chrome::encode(&all, &resource, scopes, out),
        TraceFormat::Speedscope => speedscope::encode(&all, &resource, out),
        TraceFormat::Json | TraceFormat::Otlp => push_otlp(shown, scopes, out),
    }
}

/// `{"resourceSpans":[...]}`, one entry per provider. Spans that are only recorded are none of OTLP's.
fn push_otlp(shown: &[ShownTrace], scopes: &Scopes, out: &mut Vec<u8>) {
    const START: &[u8] = b"{\"resourceSpans\":[";
    const END: &[u8] = b"]}";
    out.extend_from_slice(START);
    let mut resources: Vec<&Arc<Resource>> = Vec::new();
    for one in shown {
        if !resources.iter().any(|known| Arc::ptr_eq(known, &one.resource)) {
            resources.push(&one.resource);
        }
    }
    for resource in resources {
        let traces = shown.iter().filter(|one| Arc::ptr_eq(&one.resource, resource));
        let records = traces.flat_map(|one| one.trace.spans());
        let spans: Vec<ExportSpan> = records
            .filter(|record| !record.view().record_only)
            .map(|record| ExportSpan {
                record: Arc::clone(record),
                threshold: None,
            })
            .collect();
        let mut request = Vec::new();
        otlp::json::encode(&spans, resource, scopes, &mut request);
        let inside = request.strip_prefix(START).and_then(|rest| rest.strip_suffix(END));
        if let Some(inside) = inside.filter(|inside| !inside.is_empty()) {
            if out.len() > START.len() {
                out.push(b',');
            }
            out.extend_from_slice(inside);
        }
    }
    out.extend_from_slice(END);
}
