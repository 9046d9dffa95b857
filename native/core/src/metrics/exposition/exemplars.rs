//! Exemplars as OpenMetrics writes them behind a value. Runs on the thread that renders.

use super::super::exemplars::{Exemplar, NATIVE};
use super::escape::Escaping;
use super::number::{push_milliseconds, push_value};
use super::pairs::{pairs, rewrite};

/// Buckets above are none of the classic ones.
pub(super) const CLASSIC: u32 = NATIVE - 1;

/// The newest of the exemplars whose bucket is one of those: a line of OpenMetrics 1 has one at most.
pub(super) fn newest(exemplars: &[Exemplar], of: impl Fn(u32) -> bool) -> Option<&Exemplar> {
    exemplars
        .iter()
        .filter(|exemplar| of(exemplar.bucket))
        .max_by_key(|exemplar| exemplar.timestamp_ms)
}

/// ` # {trace_id="..."} 0.67 1763726282.250`
pub(super) fn push_exemplar(exemplar: &Exemplar, escaping: Escaping, out: &mut Vec<u8>) {
    out.extend_from_slice(b" # {");
    push_labels(&exemplar.labels, escaping, out);
    out.extend_from_slice(b"} ");
    push_value(exemplar.value, out);
    out.push(b' ');
    push_milliseconds(exemplar.timestamp_ms, out);
}

fn push_labels(labels: &[u8], escaping: Escaping, out: &mut Vec<u8>) {
    let quoted = || pairs(labels).any(|pair| pair.written_name().starts_with(b"\""));
    if escaping == Escaping::AllowUtf8 || !quoted() {
        out.extend_from_slice(labels);
    } else {
        let mut written = Vec::new();
        rewrite(labels, escaping, &mut written);
        out.extend_from_slice(&written);
    }
}
