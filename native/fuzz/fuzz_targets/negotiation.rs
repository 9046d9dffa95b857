//! Any bytes as `Accept` and `Accept-Encoding`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::metrics::negotiation::fuzz_negotiation(data));
