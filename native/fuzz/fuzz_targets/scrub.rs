//! Any bytes as values of a log record, as a line, and as a pattern.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::logs::scrub::fuzz_scrub(data));
