//! Retained traces as a file for Perfetto and `chrome://tracing` ("Trace Event Format"): a track per trace and lane, a slice per
//! span, an instant per event, and arrows from parents on other lanes and from the targets of links. Runs on the thread that was
//! asked for the file.

use super::lanes::{Placed, placed};
use super::msgpack::kind_word;
use super::otlp::agent_kind;
use super::record::{EventView, SpanView, StatusCode};
use super::retained::RetainedTrace;
use super::speedscope::push_title;
use super::{OwnedValue, Resource, Scopes};
use crate::encode::json::{push_hex, push_integer, push_string};
use crate::encode::plain_json::{push_array, push_attributes, push_text};
use crate::encode::room::Room;
use hashbrown::HashMap;
use std::sync::Arc;

/// Where an arrow begins or ends, and its number.
type End = (usize, usize);

/// A track of slices.
struct Track<'a> {
    trace: &'a RetainedTrace,
    spans: Vec<Placed<'a>>,
    /// Number of its first lane as a thread.
    thread: u64,
    lanes: u64,
}

/// What every event is about.
struct Origin {
    pid: i64,
    /// Unix time, ns: times of events are relative, so that a double holds their nanoseconds.
    start_ns: u64,
}

/// Appends the file.
pub fn encode(traces: &[Arc<RetainedTrace>], resource: &Resource, scopes: &Scopes, out: &mut Vec<u8>) {
    let origin = Origin {
        pid: process_id(resource),
        start_ns: traces.iter().map(|trace| trace.start_ns()).min().unwrap_or(0),
    };
    let mut thread = 1;
    let mut tracks = Vec::new();
    for trace in traces {
        let spans = placed(trace.spans());
        let lanes = spans.iter().map(|span| u64::from(span.lane) + 1).max().unwrap_or(0);
        tracks.push(Track {
            trace,
            spans,
            thread,
            lanes,
        });
        thread += lanes;
    }
    out.extend_from_slice(b"{\"displayTimeUnit\":\"ms\",\"otherData\":{\"exporter\":\"kymo\",\"startTimeUnixNano\":\"");
    push_integer(origin.start_ns, out);
    out.extend_from_slice(b"\"},\"traceEvents\":[{\"ph\":\"M\",\"pid\":");
    push_integer(origin.pid, out);
    out.extend_from_slice(b",\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":");
    push_string(resource.service_name(), out);
    out.extend_from_slice(b"}}");
    let (begins, ends) = arrows(&tracks);
    let (mut begins, mut ends) = (begins.iter().peekable(), ends.iter().peekable());
    let mut number = 0;
    for track in &tracks {
        push_thread_names(track, &origin, out);
        for span in &track.spans {
            let thread = track.thread + u64::from(span.lane);
            push_slice(span, thread, &origin, scopes, out);
            // Directly behind its slice, which is the innermost one at that moment: that is what an arrow is tied to.
            while let Some((_, arrow)) = begins.next_if(|(at, _)| *at == number) {
                push_arrow(b"s\"", *arrow, &span.view, thread, &origin, out);
            }
            while let Some((_, arrow)) = ends.next_if(|(at, _)| *at == number) {
                push_arrow(b"f\",\"bp\":\"e\"", *arrow, &span.view, thread, &origin, out);
            }
            if span.view.event_count > 0 {
                span.view
                    .events()
                    .for_each(|event| push_instant(event, thread, &origin, out));
            }
            number += 1;
        }
    }
    out.extend_from_slice(b"]}");
}

/// `process.pid` of the resource, or 1.
fn process_id(resource: &Resource) -> i64 {
    let pid = resource.attributes.iter().find_map(|(key, value)| match value {
        OwnedValue::Int(pid) if &**key == "process.pid" => Some(*pid),
        _ => None,
    });
    pid.unwrap_or(1)
}

/// Arrows from parents to children that are not drawn inside them, and between the ends of links, sorted by the number of the
/// span where each begins and ends. An arrow goes forward in time, since viewers know no other.
fn arrows(tracks: &[Track<'_>]) -> (Vec<End>, Vec<End>) {
    let mut numbers = HashMap::new();
    let mut starts = Vec::new();
    for (track, span) in tracks
        .iter()
        .flat_map(|track| track.spans.iter().map(move |span| (track, span)))
    {
        numbers.insert((track.trace.trace_id(), span.view.span_id), starts.len());
        starts.push(span.view.start_ns);
    }
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    let mut arrow = |from: usize, to: usize| {
        let forward = (starts[from], from) <= (starts[to], to);
        let (from, to) = if forward { (from, to) } else { (to, from) };
        ends.push((to, begins.len()));
        begins.push((from, begins.len()));
    };
    let mut first = 0;
    for track in tracks {
        for (place, span) in track.spans.iter().enumerate() {
            match span.parent {
                Some(parent) if parent != place && track.spans[parent].lane != span.lane => {
                    arrow(first + parent, first + place);
                }
                _ => {}
            }
            if span.view.link_count > 0 {
                let targets = span
                    .view
                    .links()
                    .filter_map(|link| numbers.get(&(link.trace_id, link.span_id)));
                targets
                    .filter(|&&target| target != first + place)
                    .for_each(|&target| arrow(target, first + place));
            }
        }
        first += track.spans.len();
    }
    begins.sort_unstable();
    ends.sort_unstable();
    (begins, ends)
}

fn push_thread_names(track: &Track<'_>, origin: &Origin, out: &mut Vec<u8>) {
    for thread in track.thread..track.thread + track.lanes {
        push_head(b"M\"", thread, origin, out);
        out.extend_from_slice(b",\"name\":\"thread_name\",\"args\":{\"name\":\"");
        push_title(track.trace, out);
        out.extend_from_slice(b"\"}}");
        push_head(b"M\"", thread, origin, out);
        out.extend_from_slice(b",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":");
        push_integer(thread, out);
        out.extend_from_slice(b"}}");
    }
}

/// What every event begins with; `phase` ends with its quote.
fn push_head(phase: &[u8], thread: u64, origin: &Origin, out: &mut Vec<u8>) {
    out.extend_from_slice(b",{\"ph\":\"");
    out.extend_from_slice(phase);
    out.extend_from_slice(b",\"pid\":");
    push_integer(origin.pid, out);
    out.extend_from_slice(b",\"tid\":");
    push_integer(thread, out);
}

fn push_slice(span: &Placed<'_>, thread: u64, origin: &Origin, scopes: &Scopes, out: &mut Vec<u8>) {
    let view = &span.view;
    push_head(b"X\"", thread, origin, out);
    push_microseconds(b",\"ts\":", view.start_ns.saturating_sub(origin.start_ns), out);
    push_microseconds(b",\"dur\":", view.end_ns - view.start_ns, out);
    out.extend_from_slice(b",\"name\":");
    push_text(view.name, out);
    let agent_kind = agent_kind(view);
    push_word(
        b",\"cat\":",
        if agent_kind.is_empty() {
            kind_word(view.kind)
        } else {
            agent_kind
        },
        out,
    );
    if view.status == StatusCode::Error {
        push_word(b",\"cname\":", "terrible", out);
    }
    out.extend_from_slice(b",\"args\":{\"traceId\":\"");
    push_hex(&view.trace_id, out);
    out.extend_from_slice(b"\",\"spanId\":\"");
    push_hex(&view.span_id, out);
    out.push(b'"');
    if let Some(parent) = view.parent_span_id {
        out.extend_from_slice(b",\"parentSpanId\":\"");
        push_hex(&parent, out);
        out.push(b'"');
    }
    push_word(b",\"kind\":", kind_word(view.kind), out);
    push_status(view, out);
    if view.unended {
        out.extend_from_slice(b",\"unended\":true");
    }
    if let Some(scope) = scopes.get(view.scope) {
        push_word(b",\"scope\":", &scope.name, out);
    }
    if view.attribute_count > 0 {
        out.extend_from_slice(b",\"attributes\":");
        push_attributes(view.attributes(), out);
    }
    if view.link_count > 0 {
        out.extend_from_slice(b",\"links\":");
        push_array(view.links(), out, |link, out| {
            out.extend_from_slice(b"{\"traceId\":\"");
            push_hex(&link.trace_id, out);
            out.extend_from_slice(b"\",\"spanId\":\"");
            push_hex(&link.span_id, out);
            out.extend_from_slice(b"\",\"attributes\":");
            push_attributes(link.attributes, out);
            out.push(b'}');
        });
    }
    out.extend_from_slice(b"}}");
}

fn push_status(view: &SpanView<'_>, out: &mut Vec<u8>) {
    let status = match view.status {
        _ if view.timed_out => "timeout",
        StatusCode::Unset => return,
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    };
    push_word(b",\"status\":", status, out);
    let message = view.rest().status_message;
    if !message.is_empty() {
        out.extend_from_slice(b",\"statusMessage\":");
        push_text(message, out);
    }
}

fn push_arrow(phase: &[u8], number: usize, view: &SpanView<'_>, thread: u64, origin: &Origin, out: &mut Vec<u8>) {
    push_head(phase, thread, origin, out);
    push_microseconds(b",\"ts\":", view.start_ns.saturating_sub(origin.start_ns), out);
    out.extend_from_slice(b",\"name\":\"causes\",\"cat\":\"flow\",\"id\":");
    push_integer(number + 1, out);
    out.push(b'}');
}

fn push_instant(event: EventView<'_>, thread: u64, origin: &Origin, out: &mut Vec<u8>) {
    push_head(b"i\",\"s\":\"t\"", thread, origin, out);
    push_microseconds(b",\"ts\":", event.time_ns.saturating_sub(origin.start_ns), out);
    out.extend_from_slice(b",\"name\":");
    push_text(event.name, out);
    out.extend_from_slice(b",\"args\":");
    push_attributes(event.attributes, out);
    out.push(b'}');
}

fn push_word(key: &[u8], word: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    push_string(word, out);
}

/// Microseconds with three decimals: nanoseconds, exactly.
fn push_microseconds(key: &[u8], ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    push_integer(ns / 1000, out);
    let rest = (ns % 1000) as u16;
    if rest > 0 {
        let digit = |unit: u16| b'0' + (rest / unit % 10) as u8;
        Room::new(out, 4).push(&[b'.', digit(100), digit(10), digit(1)]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::arbitrary::{Written, WrittenEvent, WrittenLink, WrittenSpan};
    use super::super::record::SpanKind;
    use super::*;
    use crate::layout::{SPAN_TIMEOUT, SPAN_UNENDED};

    const START: u64 = 1_700_000_000_000_000_000;

    fn span(trace_id: u128, span_id: u64, parent: u64, times: (u64, u64)) -> WrittenSpan {
        WrittenSpan {
            trace_id,
            span_id,
            parent,
            start_ns: START + times.0,
            end_ns: START + times.1,
            name: Written::Text(format!("s{span_id}")),
            ..WrittenSpan::default()
        }
    }

    fn link(trace_id: u128, span_id: u64) -> WrittenLink {
        WrittenLink {
            trace_id,
            span_id,
            flags: 1,
            trace_state: "".into(),
            attributes: Vec::new(),
            dropped: 0,
        }
    }

    /// The events of a file, one a line.
    fn events(traces: &[&[WrittenSpan]]) -> Vec<String> {
        let retain = |spans: &&[WrittenSpan]| {
            let mut trace = RetainedTrace::new(spans[0].trace_id);
            for span in *spans {
                let record = span.record();
                trace.add(&record, &record.view());
            }
            Arc::new(trace)
        };
        let traces: Vec<_> = traces.iter().map(retain).collect();
        let resource = Resource {
            attributes: vec![
                ("process.pid".into(), OwnedValue::Int(77)),
                ("service.name".into(), OwnedValue::Text("shop".into())),
            ],
            schema_url: "".into(),
        };
        let mut out = Vec::new();
        encode(&traces, &resource, &Scopes::default(), &mut out);
        let text = String::from_utf8(out).unwrap();
        let (_, list) = text
            .strip_suffix("]}")
            .unwrap()
            .split_once("\"traceEvents\":[")
            .unwrap();
        list.replace(",{\"ph\":", "\n{\"ph\":")
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn phase<'a>(events: &'a [String], phase: &str) -> Vec<&'a str> {
        let head = format!("{{\"ph\":\"{phase}\"");
        events
            .iter()
            .map(String::as_str)
            .filter(|event| event.starts_with(&head))
            .collect()
    }

    #[test]
    fn a_span_is_a_slice_with_all_that_is_known_of_it() {
        let root = WrittenSpan {
            kind: SpanKind::Server,
            status: StatusCode::Error,
            status_message: "too slow".into(),
            bits: SPAN_TIMEOUT | SPAN_UNENDED,
            attributes: vec![
                ("http.route".to_owned(), "/\"x\"".into()),
                ("n".to_owned(), Written::I32(2)),
            ],
            events: vec![WrittenEvent {
                name: "retry".into(),
                time_ns: START + 1_234_567,
                attributes: vec![("attempt".to_owned(), Written::I32(1))],
                dropped: 0,
            }],
            ..span(0xab << 96 | 1, 1, 0x77, (0, 2_000_001))
        };
        let events = events(&[&[root]]);
        assert_eq!(
            events,
            [
                "{\"ph\":\"M\",\"pid\":77,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"shop\"}}",
                "{\"ph\":\"M\",\"pid\":77,\"tid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"000000ab\"}}",
                "{\"ph\":\"M\",\"pid\":77,\"tid\":1,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":1}}",
                "{\"ph\":\"X\",\"pid\":77,\"tid\":1,\"ts\":0,\"dur\":2000.001,\"name\":\"s1\",\"cat\":\"server\",\
                 \"cname\":\"terrible\",\"args\":{\"traceId\":\"000000ab000000000000000000000001\",\
                 \"spanId\":\"0000000000000001\",\"parentSpanId\":\"0000000000000077\",\"kind\":\"server\",\
                 \"status\":\"timeout\",\"statusMessage\":\"too slow\",\"unended\":true,\"attributes\":{\"http.route\":\"/\\\"x\\\"\",\"n\":2}}}",
                "{\"ph\":\"i\",\"s\":\"t\",\"pid\":77,\"tid\":1,\"ts\":1234.567,\"name\":\"retry\",\"args\":{\"attempt\":1}}",
            ]
        );
    }

    #[test]
    fn arrows_go_to_children_on_other_lanes_and_between_the_ends_of_links() {
        let linking = WrittenSpan {
            links: vec![link(1, 2), link(1, 99), link(2, 1)],
            ..span(2, 1, 0, (500, 600))
        };
        // Links to what begins later than it does itself.
        let early = WrittenSpan {
            links: vec![link(1, 3)],
            ..span(3, 1, 0, (0, 1))
        };
        let events = events(&[
            &[
                span(1, 1, 0, (0, 100)),
                span(1, 2, 1, (10, 60)),
                span(1, 3, 1, (20, 30)),
            ],
            &[linking],
            &[early],
        ]);
        let ends = |phase_name: &str| {
            let one = |event: &str| {
                let thread = event
                    .split("\"tid\":")
                    .nth(1)
                    .unwrap()
                    .split(',')
                    .next()
                    .unwrap()
                    .to_owned();
                let number = event.split("\"id\":").nth(1).unwrap().trim_end_matches('}').to_owned();
                (number.parse::<u32>().unwrap(), thread.parse::<u32>().unwrap())
            };
            let mut all: Vec<_> = phase(&events, phase_name).into_iter().map(one).collect();
            all.sort_unstable();
            all
        };
        // Lane 2 of the first trace is thread 2; the other traces are threads 3 and 4.
        assert_eq!(ends("s"), [(1, 1), (2, 1), (3, 4)]);
        assert_eq!(ends("f"), [(1, 2), (2, 3), (3, 2)]);
        let position = |wanted: &str| events.iter().position(|event| event.contains(wanted)).unwrap();
        assert_eq!(
            position("\"ph\":\"s\"") - position("\"name\":\"s1\""),
            1,
            "an arrow is tied to the slice before it"
        );
    }

    #[test]
    fn times_have_all_their_nanoseconds() {
        for (ns, text) in [
            (0, "0"),
            (1, "0.001"),
            (999, "0.999"),
            (1000, "1"),
            (1_050_000_010, "1050000.010"),
        ] {
            let mut out = Vec::new();
            push_microseconds(b"", ns, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn no_traces_are_a_file_that_names_its_process() {
        assert_eq!(events(&[]).len(), 1);
    }
}
