//! Any bytes as log records, and lines of them in every format.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::logs::format::fuzz_log_formats(data));
