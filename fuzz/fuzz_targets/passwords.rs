//! Bytes for `auth::fuzz_passwords`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lockgate::auth::fuzz_passwords(data));
