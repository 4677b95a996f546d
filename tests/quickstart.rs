//! The quickstart does what it says, over the mock cluster and over a real Apache Kafka.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use std::path::PathBuf;
use std::time::Duration;

use testcontainers::{Finished, KafkaJars, Program};

const LIMIT: Duration = Duration::from_mins(2);

/// Cargo builds examples with the tests, and puts them beside the directory of the test binaries.
fn quickstart(arguments: &[&str]) -> Finished {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let example: PathBuf = profile.join("examples").join("quickstart");
    assert!(example.is_file(), "{} is not built", example.display());
    Program::new(example).arguments(arguments).run(LIMIT)
}

/// What a stranger must find on the page.
fn tells_the_story(page: &str) {
    for text in [
        "4111111111111111",
        "************1111",
        "(removed)",
        "tok_",
        "[customer]",
        "InvalidRecord",
        "no-card-number-in-ticket",
        "deny (shadow)",
        "checks of what you see above passed",
    ] {
        assert!(page.contains(text), "{text} is missing\n{page}");
    }
    let too_wide = page.lines().find(|line| line.chars().count() > 100);
    assert_eq!(too_wide, None, "wider than 100 columns");
}

#[test]
fn the_quickstart_checks_itself_on_the_mock_cluster() {
    let finished = quickstart(&["--once"]).expect_success();
    tells_the_story(&finished.stdout);
}

#[test]
fn the_quickstart_checks_itself_on_apache_kafka() {
    // Had first, so that the limit is for the quickstart alone.
    let jars = KafkaJars::of_version(testcontainers::jars::KAFKA_VERSION);
    let finished = quickstart(&["--once", "--kafka"]).expect_success();
    tells_the_story(&finished.stdout);
    assert!(finished.stdout.contains(jars.version()));
}
