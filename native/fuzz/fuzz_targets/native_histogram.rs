//! Any bytes as the cells of a native histogram, and as what is observed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::metrics::native_histogram::fuzz_native_histogram(data));
