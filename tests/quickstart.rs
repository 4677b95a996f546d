//! The quickstart does what it says, over the mock cluster and over a real Apache Kafka.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testcontainers::process::{text_of, until};
use testcontainers::{Finished, KafkaJars, Program, Python, Scratch, Signal};

const LIMIT: Duration = Duration::from_mins(2);

/// `cargo test` builds examples too, and puts them beside the directory of the test binaries; with
/// `--test quickstart` alone it does not.
fn quickstart() -> Program {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let example: PathBuf = profile.join("examples").join("quickstart");
    assert!(example.is_file(), "{}: cargo build --example quickstart", example.display());
    Program::new(example)
}

fn told_once(arguments: &[&str]) -> Finished {
    quickstart().argument("--once").arguments(arguments).run(LIMIT).expect_success()
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
    let finished = told_once(&[]);
    tells_the_story(&finished.stdout);
}

#[test]
fn the_quickstart_checks_itself_on_apache_kafka() {
    // Had first, so that the limit is for the quickstart alone.
    let jars = KafkaJars::of_version(testcontainers::jars::KAFKA_VERSION);
    let finished = told_once(&["--kafka"]);
    tells_the_story(&finished.stdout);
    assert!(finished.stdout.contains(jars.version()));
}

#[test]
fn the_commands_that_it_prints_work_as_printed() {
    let scratch = Scratch::new("quickstart");
    let python = Python::environment();
    let (page, errors) = (scratch.path().join("page"), scratch.path().join("errors"));
    let mut running =
        quickstart().spawn(File::create(&page).unwrap(), File::create(&errors).unwrap());
    let text = until("the end of the page", LIMIT, || {
        let text = text_of(&page);
        if text.contains("Ctrl-C") { Ok(text) } else { Err(text + &text_of(&errors)) }
    });
    let commands = text.split("confluent-kafka`:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let earlier = std::env::var("PATH").unwrap_or_default();
    let printed = Program::new("/bin/sh")
        .arguments(["-ec", commands])
        .environment("PATH", format!("{}:{earlier}", python.programs_directory().display()))
        .directory(env!("CARGO_MANIFEST_DIR"))
        .run(LIMIT)
        .expect_success();
    let lines = printed.lines();
    let [lena, ana, refused] = [&lines[..3], &lines[3..6], &lines[6..]];
    assert!(lena.iter().all(|record| record.contains("@example.com")), "{lena:?}");
    assert!(ana.iter().all(|record| record.contains("tok_")), "{ana:?}");
    assert!(refused.join("").contains("INVALID_RECORD"), "{refused:?}");

    let policies = text.split("The rules are in ").nth(1).unwrap().split(':').next().unwrap();
    assert!(Path::new(policies).is_dir());
    running.signal(Signal::Terminate);
    assert!(running.wait(LIMIT).is_some_and(|status| status.success()));
    assert!(!Path::new(policies).exists(), "its directory is left behind");
}
