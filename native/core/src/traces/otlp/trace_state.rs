//! The tracestate of a span that tail sampling kept: `ot=th:` says with which probability, so that backends count exactly
//! (OpenTelemetry, "TraceState: Probability Sampling"). Any thread.

use crate::traces::{Text, Threshold};
use std::io::Write;

/// Most members of a list (W3C Trace Context, 3.3.1.1).
const MOST_MEMBERS: usize = 32;
/// Most characters of our member's value (OpenTelemetry, "TraceState Handling").
const LONGEST_VALUE: usize = 256;

/// Writes `state` with `threshold` in its `ot` member, which comes first, as one that was changed. What else the member says
/// stays, if it fits; every other member stays as it is, but for one beyond the 32nd.
pub(in crate::traces) fn with_threshold(state: Text<'_>, threshold: Threshold, out: &mut Vec<u8>) {
    let mut plain = Vec::with_capacity(state.utf8_len());
    state.push_utf8(&mut plain);
    let members = || {
        let all = plain.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        all.filter(|member| !member.is_empty())
    };
    out.extend_from_slice(b"ot=th:");
    let start = out.len() - b"th:".len();
    let _ = write!(out, "{threshold}");
    let own = members().find_map(|member| member.strip_prefix(b"ot="));
    for part in own.unwrap_or_default().split(|byte| *byte == b';') {
        let fits = out.len() - start + 1 + part.len() <= LONGEST_VALUE;
        if fits && !part.is_empty() && !part.starts_with(b"th:") {
            out.push(b';');
            out.extend_from_slice(part);
        }
    }
    for member in members()
        .filter(|member| !member.starts_with(b"ot="))
        .take(MOST_MEMBERS - 1)
    {
        out.push(b',');
        out.extend_from_slice(member);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(state: &str, threshold: &str) -> String {
        let mut out = b"<".to_vec();
        let threshold = Threshold::parse(threshold).unwrap();
        with_threshold(Text::Latin1(state.as_bytes()), threshold, &mut out);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    #[test]
    fn the_threshold_replaces_the_one_that_was_there() {
        for (state, wanted) in [
            ("", "ot=th:c"),
            ("ot=th:8", "ot=th:c"),
            ("ot=rv:0123456789abcd", "ot=th:c;rv:0123456789abcd"),
            ("ot=th:8;rv:0123456789abcd;x:1", "ot=th:c;rv:0123456789abcd;x:1"),
            (
                "a=1, ot=rv:0123456789abcd;th:4 ,b=2",
                "ot=th:c;rv:0123456789abcd,a=1,b=2",
            ),
            ("a=1,,b=2", "ot=th:c,a=1,b=2"),
            ("tot=th:8", "ot=th:c,tot=th:8"),
        ] {
            assert_eq!(written(state, "c"), wanted, "{state}");
        }
        assert_eq!(written("ot=th:8", "0"), "ot=th:0");
    }

    /// Last accepted and first refused.
    #[test]
    fn neither_the_list_nor_our_member_grows_beyond_its_limit() {
        let list = |members: usize| (0..members).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(written(&list(31), "c"), format!("ot=th:c,{}", list(31)));
        assert_eq!(written(&list(32), "c"), format!("ot=th:c,{}", list(31)));
        let with_ours = format!("{},ot=th:8", list(31));
        assert_eq!(written(&with_ours, "c"), format!("ot=th:c,{}", list(31)));
        let room = LONGEST_VALUE - "th:c;".len();
        for (length, stays) in [(room, true), (room + 1, false)] {
            let part = "x".repeat(length);
            let rest = if stays { format!(";{part}") } else { String::new() };
            assert_eq!(written(&format!("ot={part};th:8"), "c"), format!("ot=th:c{rest}"));
        }
    }
}
