//! Bytes for `format::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::format::fuzz_one(data));
