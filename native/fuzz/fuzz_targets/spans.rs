//! Any bytes as records of spans, and all that is made of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::traces::fuzz_spans(data));
