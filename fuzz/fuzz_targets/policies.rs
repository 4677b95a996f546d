//! Bytes for `policy::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::policy::fuzz_one(data));
