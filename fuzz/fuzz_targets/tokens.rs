//! Bytes for `auth::fuzz_one`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::auth::fuzz_one(data));
