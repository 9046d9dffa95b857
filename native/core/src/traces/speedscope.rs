//! Retained traces as a speedscope file (speedscope's "File format schema"): one evented profile per trace, and one more for each
//! lane of spans beside it. Runs on the thread that was asked for the file.

use super::lanes::{Placed, placed};
use super::retained::RetainedTrace;
use super::{Resource, Text};
use crate::encode::json::{push_escaped, push_hex, push_integer, push_string};
use crate::encode::plain_json::push_text;
use hashbrown::HashMap;
use std::sync::Arc;

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// Appends the file. Times are nanoseconds since the trace began.
pub fn encode(traces: &[Arc<RetainedTrace>], resource: &Resource, out: &mut Vec<u8>) {
    let mut frames = Frames::default();
    out.extend_from_slice(b"{\"$schema\":");
    push_string(SCHEMA, out);
    out.extend_from_slice(b",\"exporter\":\"kymo\",\"name\":");
    push_string(resource.service_name(), out);
    out.extend_from_slice(b",\"activeProfileIndex\":0,\"profiles\":[");
    let mut first = true;
    for trace in traces {
        let spans = placed(trace.spans());
        let lanes = spans.iter().map(|span| span.lane + 1).max().unwrap_or(0);
        let mut by_lane = vec![Vec::new(); lanes as usize];
        spans.iter().for_each(|span| by_lane[span.lane as usize].push(span));
        for (lane, spans) in by_lane.iter().enumerate() {
            if !first {
                out.push(b',');
            }
            first = false;
            push_profile(trace, lane, spans, &mut frames, out);
        }
    }
    out.extend_from_slice(b"],\"shared\":{\"frames\":[");
    out.extend_from_slice(&frames.written);
    out.extend_from_slice(b"]}}");
}

/// Every name once.
#[derive(Default)]
struct Frames {
    numbers: HashMap<Vec<u8>, usize>,
    written: Vec<u8>,
}

impl Frames {
    fn number(&mut self, name: Text<'_>) -> usize {
        let mut text = Vec::new();
        push_text(name, &mut text);
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.numbers.len();
        if number > 0 {
            self.written.push(b',');
        }
        self.written.extend_from_slice(b"{\"name\":");
        self.written.extend_from_slice(&text);
        self.written.push(b'}');
        self.numbers.insert(text, number);
        number
    }
}

/// What a trace is called: the name of its root, and the first digits of its id.
pub(super) fn push_title(trace: &RetainedTrace, out: &mut Vec<u8>) {
    if let Some(root) = trace.root() {
        let mut name = Vec::new();
        root.view().name.push_utf8(&mut name);
        push_escaped(&String::from_utf8_lossy(&name), out);
        out.push(b' ');
    }
    push_hex(&trace.trace_id()[..4], out);
}

fn push_profile(trace: &RetainedTrace, lane: usize, spans: &[&Placed<'_>], frames: &mut Frames, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"evented\",\"name\":\"");
    push_title(trace, out);
    if lane > 0 {
        out.extend_from_slice(b" beside it: ");
        push_integer(lane, out);
    }
    let since = |ns: u64| ns.saturating_sub(trace.start_ns());
    out.extend_from_slice(b"\",\"unit\":\"nanoseconds\",\"startValue\":0,\"endValue\":");
    push_integer(since(trace.end_ns()), out);
    out.extend_from_slice(b",\"events\":[");
    let mut open: Vec<(u64, usize)> = Vec::new();
    let mut separator: &[u8] = b"";
    let mut event = |kind: &[u8], ns: u64, frame: usize, out: &mut Vec<u8>| {
        out.extend_from_slice(separator);
        separator = b",";
        out.extend_from_slice(kind);
        push_integer(since(ns), out);
        out.extend_from_slice(b",\"frame\":");
        push_integer(frame, out);
        out.push(b'}');
    };
    const OPEN: &[u8] = b"{\"type\":\"O\",\"at\":";
    const CLOSE: &[u8] = b"{\"type\":\"C\",\"at\":";
    for span in spans {
        while let Some((end, frame)) = open.pop_if(|(end, _)| *end <= span.view.start_ns) {
            event(CLOSE, end, frame, out);
        }
        let frame = frames.number(span.view.name);
        event(OPEN, span.view.start_ns, frame, out);
        open.push((span.view.end_ns, frame));
    }
    while let Some((end, frame)) = open.pop() {
        event(CLOSE, end, frame, out);
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::arbitrary::{Written, WrittenSpan};
    use super::*;
    use crate::traces::OwnedValue;

    fn file(spans: &[WrittenSpan]) -> String {
        let mut trace = RetainedTrace::new(spans[0].trace_id);
        for span in spans {
            let record = span.record();
            trace.add(&record, &record.view());
        }
        let resource = Resource {
            attributes: vec![("service.name".into(), OwnedValue::Text("sh\"op".into()))],
            schema_url: "".into(),
        };
        let mut out = Vec::new();
        encode(&[Arc::new(trace)], &resource, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn span(span_id: u64, parent: u64, times: (u64, u64), name: &str) -> WrittenSpan {
        WrittenSpan {
            trace_id: 0xabcd_ef01 << 96 | 1,
            span_id,
            parent,
            start_ns: 1_700_000_000_000_000_000 + times.0,
            end_ns: 1_700_000_000_000_000_000 + times.1,
            name: Written::Text(name.to_owned()),
            ..WrittenSpan::default()
        }
    }

    #[test]
    fn a_trace_is_a_profile_and_what_lies_beside_it_another() {
        let spans = [
            span(2, 1, (1, 4), "query \"1\""),
            span(3, 1, (4, 5), "GET /"),
            span(4, 1, (2, 12), "late"),
            span(1, 0, (0, 10), "GET /"),
        ];
        let events = "{\"type\":\"O\",\"at\":0,\"frame\":0},{\"type\":\"O\",\"at\":1,\"frame\":1},\
                      {\"type\":\"C\",\"at\":4,\"frame\":1},{\"type\":\"O\",\"at\":4,\"frame\":0},\
                      {\"type\":\"C\",\"at\":5,\"frame\":0},{\"type\":\"C\",\"at\":10,\"frame\":0}";
        let head = "\"unit\":\"nanoseconds\",\"startValue\":0,\"endValue\":12,\"events\":";
        assert_eq!(
            file(&spans),
            format!(
                "{{\"$schema\":\"{SCHEMA}\",\"exporter\":\"kymo\",\"name\":\"sh\\\"op\",\"activeProfileIndex\":0,\"profiles\":[\
                 {{\"type\":\"evented\",\"name\":\"GET / abcdef01\",{head}[{events}]}},\
                 {{\"type\":\"evented\",\"name\":\"GET / abcdef01 beside it: 1\",{head}[\
                 {{\"type\":\"O\",\"at\":2,\"frame\":2}},{{\"type\":\"C\",\"at\":12,\"frame\":2}}]}}],\
                 \"shared\":{{\"frames\":[{{\"name\":\"GET /\"}},{{\"name\":\"query \\\"1\\\"\"}},{{\"name\":\"late\"}}]}}}}"
            )
        );
    }

    #[test]
    fn no_traces_are_a_file_without_profiles() {
        let mut out = Vec::new();
        encode(&[], &Resource::default(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("\"profiles\":[],\"shared\":{\"frames\":[]}}"), "{text}");
    }
}
