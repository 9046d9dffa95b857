//! Batches of spans as OTLP (OpenTelemetry Protocol 1.x): what both encodings have in common. Runs on the thread that takes the
//! batch: an exporter's.
//!
//! | file | owns |
//! |---|---|
//! | `protobuf` | `ExportTraceServiceRequest` in protocol buffers |
//! | `json` | the same in OTLP/JSON, the only JSON that the protocol knows |
//! | `derived` | attributes that say what a record holds and OTLP has no field for |
//! | `trace_state` | a tracestate with the threshold that tail sampling gave a span |

mod derived;
pub mod json;
pub mod protobuf;
#[cfg(test)]
mod tests;
mod trace_state;

pub(super) use derived::agent_kind;
pub(super) use trace_state::with_threshold;

use super::record::{LinkView, SpanKind, SpanView, StatusCode};
use super::{ExportSpan, Scope, Scopes, Text};
use std::sync::Arc;

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`: bit 9 has a meaning.
const REMOTE_IS_KNOWN: u32 = 1 << 8;
/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`: the parent, or the link's target, is in another process.
const REMOTE: u32 = 1 << 9;

/// The field `flags` of a span: about its parent, but for W3C's flags, which are its own.
fn span_flags(view: &SpanView<'_>) -> u32 {
    let remote = view.parent_is_remote && view.parent_span_id.is_some();
    u32::from(view.flags) | REMOTE_IS_KNOWN | if remote { REMOTE } else { 0 }
}

/// The field `flags` of a link: about its target.
fn link_flags(link: &LinkView<'_>) -> u32 {
    link.flags & (0xff | REMOTE) | REMOTE_IS_KNOWN
}

/// OTLP's number of a kind: 0 is for senders that know none.
fn kind_number(kind: SpanKind) -> u32 {
    kind as u32 + 1
}

/// OTLP's number of a status, and its message, which only an error has; 0 is written as no status.
fn status<'a>(view: &SpanView<'_>, message: Text<'a>) -> (u32, Text<'a>) {
    if view.timed_out || view.status == StatusCode::Error {
        (StatusCode::Error as u32, message)
    } else {
        (view.status as u32, Text::EMPTY)
    }
}

/// The spans of a batch by scope: `group` gets each scope with its spans, in the order of the batch. A scope that is unknown is
/// none. One allocation; O(n) for a batch of one scope.
fn by_scope<'a>(
    spans: &'a [ExportSpan],
    scopes: &'a Scopes,
    mut group: impl FnMut(Option<&'a Arc<Scope>>, &mut dyn Iterator<Item = &'a ExportSpan>),
) {
    let mut order: Vec<(u16, u32)> = spans.iter().map(|span| span.record.scope()).zip(0..).collect();
    order.sort_by_key(|(scope, _)| *scope);
    for run in order.chunk_by(|(one, _), (other, _)| one == other) {
        group(
            scopes.get(run[0].0),
            &mut run.iter().map(|(_, index)| &spans[*index as usize]),
        );
    }
}
