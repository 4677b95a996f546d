//! Bytes for `record::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::record::fuzz_one(data));
