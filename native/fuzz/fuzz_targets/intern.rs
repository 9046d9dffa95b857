//! Any bytes as the metadata of a segment whose interned strings are wanted.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kymo_core::intern::fuzz_intern(data));
