//! Attacks on the built Lockgate before a real Kafka, by the rows of the threat model: each test's
//! name begins with the id of its row (docs/threat-model.md).
//!
//! Most are frames made by hand on a socket: a client library would not send them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect must fail"
)]

// The frames of the session's own tests are ours too; they name this crate's `wire`.
use lockgate::wire;
#[path = "../../src/session/tests/frames.rs"]
#[allow(dead_code, reason = "these tests use their part of it")]
mod frames;
#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod packing;
mod raw;
mod stage;

mod t01_unknown_api;
mod t02_version;
mod t03_api_versions;
mod t04_share_fetch;
mod t05_replica_fetch;
mod t06_addresses;
mod t08_topic_ids;
mod t09_fetch_sessions;
mod t10_mixed_topics;
mod t11_no_answer;
mod t12_record_sets;
mod t13_old_formats;
mod t14_members;
mod t15_bombs;
mod t16_lengths;
mod t17_tags;
mod t18_pipelines;
mod t19_correlation_ids;
mod t26_credentials;
mod t30_scopes;
mod t31_documents;
mod t32_undecodable;
mod t34_batches;
mod t35_left_out;
mod t36_producers;
mod t37_tails;
mod t38_other_roads;
mod t39_channels;
mod t40_settings;
mod t51_policies;
mod t52_crowds;
