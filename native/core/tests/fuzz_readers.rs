//! Drives every fuzz target on stable: replays the saved corpus, then mutates it for a bounded number of rounds. The same functions are
//! the targets of cargo-fuzz in `native/fuzz`; an input that it finds joins the corpus and is replayed here for ever.
//! `KYMO_FUZZ_SEED` picks another sequence, `KYMO_FUZZ_ROUNDS` its length.
#![allow(clippy::unwrap_used)]
#![cfg(not(loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

type Reader = fn(&[u8]);

/// Name of the target and of its corpus folder, its reader, and rounds that take about a second in a debug build.
const TARGETS: &[(&str, Reader, u64)] = &[
    ("intern", kymo_core::intern::fuzz_intern, 100_000),
    ("log_formats", kymo_core::logs::format::fuzz_log_formats, 5_000),
    (
        "native_histogram",
        kymo_core::metrics::native_histogram::fuzz_native_histogram,
        5_000,
    ),
    (
        "negotiation",
        kymo_core::metrics::negotiation::fuzz_negotiation,
        100_000,
    ),
    ("ring", kymo_core::ring::fuzz_ring, 20_000),
    ("scrub", kymo_core::logs::scrub::fuzz_scrub, 5_000),
    ("segment", kymo_core::memory::reader::fuzz_segment, 50_000),
    ("spans", kymo_core::traces::fuzz_spans, 5_000),
];

/// Longest input that mutation may grow to.
const INPUT_MAX: usize = 64 << 10;

/// Values on which lengths and offsets tend to break.
const INTERESTING: &[u32] = &[
    0,
    1,
    7,
    8,
    9,
    16,
    127,
    128,
    255,
    256,
    4095,
    4096,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff8,
    u32::MAX,
];

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a whole number"))
}

/// xorshift64*: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In `[0, bound)`; 0 for an empty range.
    fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            (self.next() % bound as u64) as usize
        }
    }

    /// A range within `length`, mostly short.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length);
        let bits = self.below(8);
        let count = self.below(1 << bits) + 1;
        from..length.min(from + count)
    }
}

fn mutate(data: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(data.len());
    match random.below(9) {
        0 if !data.is_empty() => data[at] ^= 1 << random.below(8),
        1 if !data.is_empty() => data[at] = random.next() as u8,
        2 if data.len() >= 4 => {
            let at = random.below(data.len() / 4) * 4;
            let value = INTERESTING[random.below(INTERESTING.len())];
            data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        3 if data.len() >= 4 => {
            let at = random.below(data.len() / 4) * 4;
            let old = u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
            let value = old.wrapping_add(random.below(33) as u32).wrapping_sub(16);
            data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        4 => data.truncate(at),
        5 => {
            let range = random.range(data.len());
            data.drain(range);
        }
        6 if data.len() < INPUT_MAX => {
            let range = random.range(data.len());
            let copy = data[range].to_vec();
            data.splice(at..at, copy);
        }
        7 if data.len() < INPUT_MAX => {
            let other = &corpus[random.below(corpus.len())];
            let range = random.range(other.len());
            data.splice(at..at, other[range].iter().copied());
        }
        _ => {
            let other = &corpus[random.below(corpus.len())];
            let range = random.range(other.len().min(data.len()));
            data[range.clone()].copy_from_slice(&other[range]);
        }
    }
}

/// Runs the reader; a panic becomes one that names the file in which the input was kept.
fn read(name: &str, reader: Reader, data: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| reader(data))) {
        let folder = fuzz_folder().join("artifacts").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        let path = folder.join(format!("crash-{hash:016x}"));
        std::fs::write(&path, data).unwrap();
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        panic!(
            "{name} panicked with {:?} on {}",
            text.unwrap_or("something else"),
            path.display()
        );
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("corpus").join(name);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// No input makes a reader panic, overflow, run for ever or read out of bounds: not the saved ones, not what grows out of them.
#[test]
fn readers_survive_any_bytes() {
    for &(name, reader, rounds) in TARGETS {
        let corpus = corpus(name);
        read(name, reader, &[]);
        for input in &corpus {
            read(name, reader, input);
            // Every place at which a writer may have been cut off.
            for length in (0..input.len()).step_by(1.max(input.len() / 512)) {
                read(name, reader, &input[..length]);
            }
        }
        let mut random = Random(number("KYMO_FUZZ_SEED").unwrap_or(0x6b79_6d6f) | 1);
        for _ in 0..number("KYMO_FUZZ_ROUNDS").unwrap_or(rounds) {
            let mut data = corpus[random.below(corpus.len())].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut data, &corpus, &mut random);
            }
            read(name, reader, &data);
        }
    }
}

/// cargo-fuzz and this test drive the same readers.
#[test]
fn every_fuzz_target_is_driven_here() {
    let mut files: Vec<String> = std::fs::read_dir(fuzz_folder().join("fuzz_targets"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    let mut driven: Vec<String> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    driven.sort();
    assert_eq!(files, driven);
}

/// The saved segments are what a reader accepts today, so that mutation starts behind the first check.
#[test]
fn saved_segments_are_readable() {
    let read = |name: &str| {
        let bytes = std::fs::read(fuzz_folder().join("corpus/segment").join(name)).unwrap();
        kymo_core::memory::reader::read_segment(&bytes).unwrap()
    };
    let cells = read("cells");
    assert_eq!((cells.metrics.len(), cells.series.len(), cells.damaged), (2, 3, 0));
    assert_eq!(cells.series[2].values, [1.0, 2.0, 3.0, 4.5]);
    let ring = read("ring");
    assert_eq!((ring.interned.len(), ring.undelivered.len(), ring.damaged), (2, 192, 0));
    let wrapped = read("ring-wrapped");
    assert_eq!((wrapped.undelivered.len(), wrapped.damaged), (192, 0));
}
