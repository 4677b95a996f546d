//! Logins by password through the built Lockgate: PLAIN and SCRAM against a users file, logins
//! again on a live connection, and `inspect`, where a secured broker decides.
//!
//! One secured Kafka for all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail, loudly"
)]

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod again;
mod clients;
mod command;
mod inspect;
mod passwords;
mod world;
