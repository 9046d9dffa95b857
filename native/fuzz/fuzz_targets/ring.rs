//! Any bytes as a ring that somebody else wrote.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::ring::fuzz_ring(data));
