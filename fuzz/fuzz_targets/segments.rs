//! Bytes for `io::sink::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::io::sink::fuzz_one(data));
