//! Bytes for `session::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::session::fuzz_one(data));
