//! Attacks on the built Lockgate before a real Kafka, by the rows of the threat model: each test's name
//! begins with the id of its row.
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

use std::path::Path;

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
mod t30_scopes;
mod t31_documents;
mod t32_undecodable;
mod t34_batches;
mod t35_left_out;
mod t36_producers;
mod t37_tails;
mod t38_other_roads;
mod t51_policies;
mod t52_crowds;

/// Where the tests of a row are. Rows that are not here belong to parts that are not built yet.
const ROWS: &[(&str, &[&str])] = &[
    ("t01", &["src/session/tests/surface.rs", "tests/threats/t01_unknown_api.rs"]),
    ("t02", &["src/session/tests/surface.rs", "tests/threats/t02_version.rs"]),
    ("t03", &["src/session/tests/surface.rs", "tests/threats/t03_api_versions.rs"]),
    ("t04", &["tests/threats/t04_share_fetch.rs"]),
    ("t05", &["src/session/tests/fetching.rs", "tests/threats/t05_replica_fetch.rs"]),
    ("t06", &["tests/threats/t06_addresses.rs"]),
    ("t08", &["src/session/tests/fetching.rs", "tests/threats/t08_topic_ids.rs"]),
    ("t09", &["src/session/tests/fetching.rs", "tests/threats/t09_fetch_sessions.rs"]),
    ("t10", &["src/session/tests/producing.rs", "tests/threats/t10_mixed_topics.rs"]),
    ("t11", &["src/session/tests/producing.rs", "tests/threats/t11_no_answer.rs"]),
    ("t12", &["src/session/tests/producing.rs", "tests/threats/t12_record_sets.rs"]),
    ("t13", &["src/session/tests/fetching.rs", "tests/threats/t13_old_formats.rs"]),
    ("t14", &["tests/threats/t14_members.rs"]),
    ("t15", &["tests/threats/t15_bombs.rs"]),
    ("t16", &["src/wire/frame.rs", "tests/threats/t16_lengths.rs"]),
    ("t17", &["src/session/tests/surface.rs", "tests/threats/t17_tags.rs"]),
    ("t18", &["src/session/tests/order.rs", "tests/threats/t18_pipelines.rs"]),
    ("t19", &["src/session/tests/order.rs", "tests/threats/t19_correlation_ids.rs"]),
    ("t20", &["src/auth/tests/headers.rs", "src/io/jwks/tests.rs", "src/session/tests/ends.rs"]),
    ("t21", &["src/auth/tests/claims.rs", "src/identity/tests.rs"]),
    ("t22", &["src/auth/tests/claims.rs", "src/session/tests/ends.rs"]),
    ("t24", &["src/session/tests/surface.rs", "src/session/tests/ends.rs"]),
    ("t25", &["src/io/jwks/tests.rs", "src/io/jwks/tests/hostile.rs"]),
    ("t30", &["tests/threats/t30_scopes.rs"]),
    ("t31", &["src/format/tests/attacks.rs", "tests/threats/t31_documents.rs"]),
    ("t32", &["tests/threats/t32_undecodable.rs"]),
    ("t34", &["src/session/tests/fetching.rs", "tests/threats/t34_batches.rs"]),
    ("t35", &["tests/threats/t35_left_out.rs"]),
    ("t36", &["tests/threats/t36_producers.rs"]),
    ("t37", &["src/session/tests/fetching.rs", "tests/threats/t37_tails.rs"]),
    ("t38", &["tests/threats/t38_other_roads.rs"]),
    ("t51", &["src/session/tests/surface.rs", "tests/threats/t51_policies.rs"]),
    ("t52", &["src/io/metrics/tests.rs", "tests/threats/t52_crowds.rs"]),
];

#[test]
fn every_row_has_a_test_where_the_table_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (id, files) in ROWS {
        for file in *files {
            let text = std::fs::read_to_string(root.join(file)).expect(file);
            assert!(text.contains(&format!("fn {id}_")), "{file} has no test of {id}");
        }
    }
}
