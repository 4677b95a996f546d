//! Bytes for `wire::shape::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::wire::shape::fuzz_one(data));
