//! Protobuf, read back by a reader that knows nothing but the wire format; the schema's own parsers judge in
//! `test/conformance/`.

use super::*;

/// A field: its number and what stands there.
#[derive(Clone, Debug, PartialEq)]
enum Value<'a> {
    Uint(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a byte more");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn taken<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => Value::Uint(varint(&mut bytes)),
            1 => Value::Double(f64::from_le_bytes(taken(&mut bytes, 8).try_into().expect("8 bytes"))),
            2 => {
                let length = varint(&mut bytes) as usize;
                Value::Bytes(taken(&mut bytes, length))
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

/// The one message of that path of fields.
fn message<'a>(bytes: &'a [u8], path: &[u64]) -> &'a [u8] {
    path.iter().fold(bytes, |bytes, field| {
        let all = messages(bytes, *field);
        assert_eq!(all.len(), 1, "field {field}");
        all[0]
    })
}

/// All messages of that field.
fn messages(bytes: &[u8], field: u64) -> Vec<&[u8]> {
    let of_field = |(number, value)| match value {
        Value::Bytes(found) if number == field => Some(found),
        _ => None,
    };
    fields(bytes).into_iter().filter_map(of_field).collect()
}

/// Families of an exposition, without their lengths.
fn families(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        let length = varint(&mut bytes) as usize;
        families.push(taken(&mut bytes, length));
    }
    families
}

fn labels(metric: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8], field| String::from_utf8_lossy(message(bytes, &[field])).into_owned();
    messages(metric, 1)
        .into_iter()
        .map(|pair| (text(pair, 1), text(pair, 2)))
        .collect()
}

fn protobuf(metrics: &[Metric]) -> Vec<u8> {
    rendered_bytes(metrics, RenderOptions::new(Format::Protobuf)).0
}

const STARTED: [(u64, Value<'static>); 2] = [(1, Value::Uint(1_763_726_282)), (2, Value::Uint(250_000_000))];

/// (rule 11)
#[test]
fn a_counter_has_name_help_type_unit_labels_value_and_its_beginning() {
    let out = protobuf(&[
        counter("took_seconds_total", &[("a=\"x\\\"\\n\",b=\"\"", &[0.5]), ("", &[2.0])])
            .unit("seconds")
            .default_labels(&[("app", "shop")]),
    ]);
    let family = families(&out)[0];
    assert_eq!(
        fields(family)[..4],
        [
            (1, Value::Bytes(b"took_seconds_total")),
            (2, Value::Bytes(b"h")),
            (3, Value::Uint(0)),
            (5, Value::Bytes(b"seconds")),
        ]
    );
    let metrics = messages(family, 4);
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    assert_eq!(labels(metrics[0]), own(&[("app", "shop"), ("a", "x\"\n"), ("b", "")]));
    assert_eq!(labels(metrics[1]), own(&[("app", "shop")]));
    let value = message(metrics[0], &[3]);
    assert_eq!(fields(value)[0], (1, Value::Double(0.5)));
    assert_eq!(fields(message(value, &[3])), STARTED);
}

#[test]
fn gauges_infos_and_states_are_gauges() {
    let out = protobuf(&[
        gauge("g", &[("", &[-1.5])]),
        metric(Kind::Info, "build", &[("v=\"1\"", &[1.0])]),
        state_set("mode", &["on", "off"], &[("", &[1.0, 0.0])]),
    ]);
    let all = families(&out);
    let names = ["g", "build_info", "mode"];
    for (family, name) in all.iter().zip(names) {
        assert_eq!(fields(family)[0], (1, Value::Bytes(name.as_bytes())));
        assert_eq!(fields(family)[2], (3, Value::Uint(1)));
    }
    assert_eq!(fields(message(all[0], &[4, 2])), [(1, Value::Double(-1.5))]);
    let states = messages(all[2], 4);
    assert_eq!(labels(states[1]), [("mode".to_owned(), "off".to_owned())]);
    assert_eq!(fields(message(states[1], &[2])), [(1, Value::Double(0.0))]);
}

/// (rule 14)
#[test]
fn a_summary_without_events_has_nan_quantiles_in_protobuf() {
    let out = protobuf(&[summary("s", &[0.5], &[("", [3.0, 7.5], &[f64::NAN])])]);
    let value = message(&out[1..], &[4, 4]);
    assert_eq!(fields(value)[..2], [(1, Value::Uint(3)), (2, Value::Double(7.5))]);
    let quantile = fields(message(value, &[3]));
    assert_eq!(quantile[0], (1, Value::Double(0.5)));
    assert!(matches!(quantile[1], (2, Value::Double(value)) if value.is_nan()));
    assert_eq!(fields(message(value, &[4])), STARTED);
}

/// (rules 12, 13 and 20)
#[test]
fn a_histogram_has_cumulative_buckets_and_deltas_of_native_ones() {
    let native = native_histogram(-2, (0.25, 2), 12.5, &[(7, 2)], &[(-1, 3), (0, 1), (5, 2)]);
    let out = protobuf(&[histogram("h", &[1.0], &[("", &[4.0, 6.0, 12.5])])
        .native(native)
        .exemplars(&[(1, "trace_id=\"t\"", 2.0, 1_500), (NATIVE, "\"a.b\"=\"t\"", 3.0, 0)])]);
    let value = message(families(&out)[0], &[4, 7]);
    let read = fields(value);
    assert_eq!(read[..2], [(1, Value::Uint(10)), (2, Value::Double(12.5))]);
    let buckets = messages(value, 3);
    assert_eq!(fields(buckets[0]), [(1, Value::Uint(4)), (2, Value::Double(1.0))]);
    assert_eq!(
        fields(buckets[1])[..2],
        [(1, Value::Uint(10)), (2, Value::Double(f64::INFINITY))]
    );
    let exemplar = message(buckets[1], &[3]);
    assert_eq!(labels(exemplar), [("trace_id".to_owned(), "t".to_owned())]);
    assert_eq!(
        fields(message(exemplar, &[3])),
        [(1, Value::Uint(1)), (2, Value::Uint(500_000_000))]
    );
    // Zig-zag: -2 is 3, -1 is 1, 7 is 14.
    for field in [
        (5, Value::Uint(3)),
        (6, Value::Double(0.25)),
        (7, Value::Uint(2)),
        (10, Value::Bytes(&[4])),
        (13, Value::Bytes(&[6, 3, 2])),
    ] {
        assert!(read.contains(&field), "{field:?} in {read:?}");
    }
    assert_eq!(
        fields(message(value, &[9])),
        [(1, Value::Uint(14)), (2, Value::Uint(1))]
    );
    let spans: Vec<_> = messages(value, 12).into_iter().map(fields).collect();
    assert_eq!(
        spans,
        [
            [(1, Value::Uint(1)), (2, Value::Uint(2))],
            [(1, Value::Uint(8)), (2, Value::Uint(1))]
        ]
    );
    assert_eq!(fields(message(value, &[15])), STARTED);
    assert_eq!(labels(message(value, &[16])), [("a_b".to_owned(), "t".to_owned())]);
}

/// (rule 20)
#[test]
fn an_empty_native_histogram_has_a_span_that_says_what_it_is() {
    let out =
        protobuf(&[histogram("h", &[], &[("", &[0.0, 0.0])]).native(native_histogram(3, (0.0, 0), 0.0, &[], &[]))]);
    let value = message(families(&out)[0], &[4, 7]);
    assert_eq!(
        fields(message(value, &[12])),
        [(1, Value::Uint(0)), (2, Value::Uint(0))]
    );
    assert!(messages(value, 3).is_empty(), "no classic buckets");
}

#[test]
fn families_of_any_length_and_shared_ones_are_delimited() {
    let long: Vec<f64> = (0..3000).map(f64::from).collect();
    let bounds = leak(long[1..].to_vec());
    let mut wide = histogram("wide", bounds, &[]);
    wide.series = vec![Row {
        values: [long.clone(), vec![1.0]].concat(),
        ..Row::default()
    }];
    let out = protobuf(&[
        gauge("g", &[("r=\"1\"", &[1.0])]),
        wide,
        gauge("g", &[("r=\"2\"", &[1.0]), ("r=\"1\"", &[3.0])]),
    ]);
    let all = families(&out);
    assert_eq!(messages(message(all[0], &[4, 7]), 3).len(), 3000);
    assert_eq!(messages(all[1], 4).len(), 2);
    assert_eq!(fields(all[2])[0], (1, Value::Bytes(b"kymo_scrape_left_out")));
    assert_eq!(all.len(), 3);
    assert!(protobuf(&[]).is_empty());
}
