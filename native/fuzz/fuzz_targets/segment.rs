//! Any bytes as a segment that a dead process left behind.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::memory::reader::fuzz_segment(data));
