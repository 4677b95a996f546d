//! `upstream.auth: forward`: the broker sees each client's own token. Three brokers judge by their
//! own ACLs, Lockgate checks the token too, and a broker's port leads to that broker.
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

mod acls;
mod cluster;
mod moves;
#[path = "../identity/people.rs"]
mod people;
mod routes;
mod sessions;
