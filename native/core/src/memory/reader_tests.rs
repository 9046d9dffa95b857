//! Tests of the offline reader: what a segment said comes back, and bytes that lie are survived.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::memory::segment::Segment;
use std::sync::atomic::Ordering;

const SIZE: usize = 16_384;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn put(segment: &Segment, tag: u32, payload: &[u8]) {
    segment.append_meta(tag, &[payload]).unwrap();
}

fn metric_payload(id: u32, kind: u32, name: &str, labels: &[&str], bounds: &[f64]) -> Vec<u8> {
    let lengths = [
        id,
        0,
        kind,
        name.len() as u32,
        4,
        labels.len() as u32,
        bounds.len() as u32,
    ];
    let mut payload = words(&lengths);
    payload.extend_from_slice(name.as_bytes());
    payload.extend_from_slice(b"help");
    payload.extend(bounds.iter().flat_map(|bound| bound.to_le_bytes()));
    for label in labels {
        payload.extend_from_slice(&words(&[label.len() as u32]));
        payload.extend_from_slice(label.as_bytes());
    }
    payload
}

fn series_payload(metric: u32, first: u32, count: u32, labels: &str) -> Vec<u8> {
    let mut payload = words(&[metric, first, count, labels.len() as u32]);
    payload.extend_from_slice(labels.as_bytes());
    payload
}

/// A complete segment with two metrics, three series and an interned string.
fn cells() -> Segment {
    let segment = Segment::anonymous(KIND_CELLS, SIZE).unwrap();
    let end = SIZE as u32 / 8;
    segment.u32_at(CELL_FLOOR_AT).store(SIZE as u32 - 64, Ordering::Relaxed);
    put(
        &segment,
        META_METRIC,
        &metric_payload(1, 1, "jobs_total", &["kind"], &[]),
    );
    put(
        &segment,
        META_METRIC,
        &metric_payload(2, 3, "seconds", &[], &[0.5, 1.0]),
    );
    put(&segment, META_SERIES, &series_payload(1, end - 1, 1, "kind=\"a\""));
    put(&segment, META_FREE, &[7; 20]);
    put(&segment, META_SERIES, &series_payload(1, end - 2, 1, "kind=\"b\""));
    put(&segment, META_SERIES, &series_payload(2, end - 8, 4, ""));
    put(&segment, META_INTERN, &[words(&[9, 4]), b"text".to_vec()].concat());
    for (cell, value) in [(1, 11.0), (2, 22.0), (8, 1.0), (7, 2.0), (6, 3.0), (5, 4.5_f64)] {
        segment.cell(end - cell).store(value.to_bits(), Ordering::Relaxed);
    }
    segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
    segment
}

fn bytes_of(segment: &Segment) -> Vec<u8> {
    (0..segment.size())
        .step_by(8)
        .flat_map(|at| segment.u64_at(at).load(Ordering::Relaxed).to_le_bytes())
        .collect()
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// [M1] a segment alone is enough to know every metric, series and value in it.
#[test]
fn descriptors_bindings_and_values_come_back() {
    let read = read_segment(&bytes_of(&cells())).unwrap();
    let metric = |id: u32| read.metrics.iter().find(|metric| metric.id == id).unwrap();
    assert_eq!(
        (metric(1).name.as_str(), metric(1).help.as_str(), metric(1).kind),
        ("jobs_total", "help", 1)
    );
    assert_eq!(
        (&metric(1).labels[..], &metric(2).bounds[..]),
        (&["kind".to_owned()][..], &[0.5, 1.0][..])
    );
    let series: Vec<_> = read
        .series
        .iter()
        .map(|series| (series.metric, &*series.labels, &series.values[..]))
        .collect();
    let expected: [(u32, &str, &[f64]); 3] = [
        (1, "kind=\"a\"", &[11.0]),
        (1, "kind=\"b\"", &[22.0]),
        (2, "", &[1.0, 2.0, 3.0, 4.5]),
    ];
    assert_eq!(series, expected);
    assert_eq!(read.interned, [(9, "text".to_owned())]);
    assert_eq!(read.damaged, 0);
}

/// [M1] without the magic, stored last, there is no segment; nor with another version, size or kind.
#[test]
fn a_header_that_does_not_hold_is_an_error() {
    let good = bytes_of(&cells());
    let with = |at: usize, value: u32| {
        let mut bytes = good.clone();
        set(&mut bytes, at, value);
        read_segment(&bytes)
    };
    assert_eq!(with(MAGIC_AT, 0).unwrap_err(), ReadError::Magic);
    assert_eq!(
        with(VERSION_AT, VERSION + 1).unwrap_err(),
        ReadError::Version(VERSION + 1)
    );
    assert_eq!(with(KIND_AT, 0).unwrap_err(), ReadError::Header("kind"));
    assert_eq!(with(KIND_AT, 4).unwrap_err(), ReadError::Header("kind"));
    assert_eq!(with(SIZE_AT, 4088).unwrap_err(), ReadError::Header("size"));
    assert_eq!(with(SIZE_AT, SIZE as u32 - 4).unwrap_err(), ReadError::Header("size"));
    assert_eq!(with(SIZE_AT + 4, 1).unwrap_err(), ReadError::Header("size"));
    let short = ReadError::Short {
        expected: SIZE as u64 + 8,
        found: SIZE as u64,
    };
    assert_eq!(with(SIZE_AT, SIZE as u32 + 8).unwrap_err(), short);
    assert_eq!(with(SERVICE_LEN_AT, 128).unwrap().service.len(), 128);
    assert_eq!(with(SERVICE_LEN_AT, 129).unwrap_err(), ReadError::Header("service"));
    for length in [0, 1, 7, 8, HEADER_SIZE - 1, HEADER_SIZE, SIZE - 1] {
        assert!(
            matches!(read_segment(&good[..length]), Err(ReadError::Short { .. })),
            "{length}"
        );
    }
}

/// [M1] bounds of the metadata area and of the cells are checked before anything is read through them.
#[test]
fn wrong_bounds_leave_nothing_but_the_identity() {
    let good = bytes_of(&cells());
    for (at, value) in [
        (META_END_AT, META_AT as u32 - 8),
        (META_END_AT, SIZE as u32 + 8),
        (META_END_AT, u32::MAX),
        (CELL_FLOOR_AT, SIZE as u32 + 8),
        (CELL_FLOOR_AT, 0),
    ] {
        let mut bytes = good.clone();
        set(&mut bytes, at, value);
        let read = read_segment(&bytes).unwrap();
        assert_eq!(
            (read.damaged, read.metrics.len(), read.series.len()),
            (1, 0, 0),
            "{at:x} {value}"
        );
    }
}

/// [M1] a length that makes no sense ends the reading; what stood before it is kept.
#[test]
fn a_broken_record_costs_itself_or_what_follows() {
    let good = bytes_of(&cells());
    let second = META_AT + u32_in(&good, META_AT).unwrap() as usize;
    for length in [0, 4, 12, SIZE as u32, u32::MAX] {
        let mut bytes = good.clone();
        set(&mut bytes, second, length);
        let read = read_segment(&bytes).unwrap();
        assert_eq!(
            (read.metrics.len(), read.series.len(), read.damaged),
            (1, 0, 1),
            "length {length}"
        );
    }
    for (field, value) in [
        (4, 99),
        (16, 0),
        (16, 7),
        (20, u32::MAX),
        (24, u32::MAX),
        (28, u32::MAX),
        (32, u32::MAX),
    ] {
        let mut bytes = good.clone();
        set(&mut bytes, second + field, value);
        let read = read_segment(&bytes).unwrap();
        assert_eq!(
            (read.metrics.len(), read.series.len(), read.damaged),
            (1, 3, 1),
            "field {field} = {value}"
        );
    }
}

/// [M1] a series that claims what is no cell, or what another one has, is left out: nothing is counted twice.
#[test]
fn cells_belong_to_one_series_and_lie_among_the_cells() {
    let end = SIZE as u32 / 8;
    for (first, count) in [
        (end - 1, 1),
        (end - 3, 3),
        (end - 4, 5),
        (end, 1),
        (end - 4, 0),
        (end - 9, 1),
        (0, 1),
        (u32::MAX, 1),
        (1, u32::MAX),
        (u32::MAX, u32::MAX),
    ] {
        let segment = cells();
        put(&segment, META_SERIES, &series_payload(1, first, count, ""));
        let read = read_segment(&bytes_of(&segment)).unwrap();
        assert_eq!((read.series.len(), read.damaged), (3, 1), "{first}+{count}");
    }
    let segment = cells();
    put(&segment, META_SERIES, &series_payload(1, end - 4, 2, ""));
    assert_eq!(
        read_segment(&bytes_of(&segment)).unwrap().series.len(),
        4,
        "the last free cells"
    );
}

/// [M1] many records that claim the same cells must not make the reader allocate their product.
#[test]
fn what_is_read_never_outgrows_the_bytes() {
    let segment = Segment::anonymous(KIND_CELLS, 1 << 20).unwrap();
    segment.u32_at(CELL_FLOOR_AT).store(1 << 19, Ordering::Relaxed);
    let payload = series_payload(1, 1 << 16, 1 << 16, "");
    while segment.append_meta(META_SERIES, &[&payload]).is_ok() {}
    segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
    let read = read_segment(&bytes_of(&segment)).unwrap();
    assert_eq!((read.series.len(), read.series[0].values.len()), (1, 1 << 16));
    assert!(read.damaged > 10_000);
}

/// [M1] records between `released` and `head` come back in one piece, over the end of the ring and over the wrap of i32.
#[test]
fn a_ring_gives_what_no_sink_has_written() {
    let segment = Segment::anonymous(KIND_RING, 2 * 4096).unwrap();
    segment.u32_at(RING_OFFSET_AT).store(4096 + 2048, Ordering::Relaxed);
    segment.u32_at(RING_SIZE_AT).store(2048, Ordering::Relaxed);
    segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
    for place in (0..2048).step_by(8) {
        segment.u64_at(6144 + place).store(place as u64, Ordering::Relaxed);
    }
    for (released, head) in [
        (0, 0),
        (0, 2048),
        (2040, 2056),
        (i32::MAX - 7, i32::MIN + 8),
        (-8, 2032),
    ] {
        segment.i32_at(RING_RELEASED_AT).store(released, Ordering::Relaxed);
        segment.i32_at(RING_HEAD_AT).store(head, Ordering::Relaxed);
        let read = read_segment(&bytes_of(&segment)).unwrap();
        let words: Vec<u64> = read
            .undelivered
            .chunks(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        let count = head.wrapping_sub(released) as u64 / 8;
        let expected: Vec<u64> = (0..count)
            .map(|word| (released as u32 as u64 + word * 8) & 2047)
            .collect();
        assert_eq!((words, read.damaged), (expected, 0), "{released} to {head}");
    }
    for (released, head) in [(0, 2056), (8, 0), (0, 4), (0, i32::MIN)] {
        segment.i32_at(RING_RELEASED_AT).store(released, Ordering::Relaxed);
        segment.i32_at(RING_HEAD_AT).store(head, Ordering::Relaxed);
        let read = read_segment(&bytes_of(&segment)).unwrap();
        assert_eq!((read.undelivered.len(), read.damaged), (0, 1), "{released} to {head}");
    }
    for (offset, size) in [
        (8, 2048),
        (4096, 4104),
        (8192 - 8, 2048),
        (u32::MAX - 7, 2048),
        (4096, 0),
        (4096, 1 << 31),
    ] {
        segment.u32_at(RING_OFFSET_AT).store(offset, Ordering::Relaxed);
        segment.u32_at(RING_SIZE_AT).store(size, Ordering::Relaxed);
        assert_eq!(read_segment(&bytes_of(&segment)).unwrap().damaged, 1, "{offset} {size}");
    }
}

/// [M1] whatever bytes are flipped, reading ends without a panic and within its bounds.
#[test]
fn damaged_segments_are_survived() {
    let good = bytes_of(&cells());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let places = [0x600, META_AT + 512, good.len()];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..4000 {
        let mut bytes = good.clone();
        for _ in 0..=next(6) {
            let area = places[next(3)];
            let place = next(area);
            let noise = next(256) as u8;
            bytes[place] = [0, 1, 8, 0x7f, 0x80, 0xff, noise][next(7)];
        }
        if next(4) == 0 {
            bytes.truncate(next(good.len()));
        }
        fuzz_segment(&bytes);
        match read_segment(&bytes) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(
        read > 500 && refused > 500,
        "{read} read, {refused} refused: both paths must be attacked"
    );
}
