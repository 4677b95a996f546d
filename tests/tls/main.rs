//! Clients that come in by TLS: certificates and their renewal, certificates as a login, one host
//! name for each broker, and load balancers that say who the client is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod certificates;
mod client;
mod identity;
mod names;
mod proxies;
mod world;
