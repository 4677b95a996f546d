//! Lockgate's own logins at the brokers: a broker that asks for one lets it in by every mechanism.
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

mod failures;
mod kinds;
mod renewals;
mod tokens;
mod world;
