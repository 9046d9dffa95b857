//! Attributes that tell what OTLP has no field for: the agent kind, that an error was one of time, that a span never ended. Any
//! thread.

use crate::traces::record::SpanView;
use crate::traces::value::{AnyValue, Text};

/// Words of the agent kinds by their number in a record; 0 is none.
const AGENT_KINDS: [&str; 8] = ["", "agent", "llm", "tool", "memory", "retrieval", "chain", "embedding"];

/// The word of a span's agent kind; empty for none.
pub(in crate::traces) fn agent_kind(view: &SpanView<'_>) -> &'static str {
    AGENT_KINDS
        .get(usize::from(view.agent_kind))
        .copied()
        .unwrap_or_default()
}

/// Attributes to write behind a span's own. A name that the span has itself stays the span's: names are unique. Costs nothing
/// for a span of which there is nothing to tell.
pub(super) fn attributes(view: &SpanView<'_>) -> impl Iterator<Item = (&'static str, AnyValue<'static>)> {
    let kind = agent_kind(view);
    let text = |text: &'static str| AnyValue::Text(Text::Utf8(text));
    let all = [
        (!kind.is_empty()).then(|| ("agent.span.kind", text(kind))),
        view.timed_out.then(|| ("error.type", text("timeout"))),
        view.unended.then_some(("kymo.span.unended", AnyValue::Bool(true))),
    ];
    all.map(|added| added.filter(|(key, _)| view.attribute(key).is_none()))
        .into_iter()
        .flatten()
}
