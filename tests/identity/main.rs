//! Who is on the connection, against a real broker: logins with good tokens and bad ones, groups,
//! keys that come and go, and sessions that end with their token.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail, loudly"
)]

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod clients;
mod ends;
mod issuers;
mod keys;
mod login;
mod people;
mod tokens;
mod world;
