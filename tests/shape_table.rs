//! The committed table of Kafka's messages is what Kafka's own definitions say.
//!
//! The definitions are the resources `common/message/*.json` of the kafka-clients jar (JSON with
//! `//` comments). `LOCKGATE_UPDATE=1 cargo test --test shape_table` writes the table anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a definition that is not as expected must fail the test"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use testcontainers::jars::{KAFKA_VERSION, KafkaJars};

/// Only what fetches the jars: the rest of the tree would need an async runtime.
#[path = "../testcontainers"]
#[allow(dead_code, clippy::unwrap_used, reason = "this test uses its part of the tree")]
mod testcontainers {
    pub mod installed;
    pub mod jars;
    pub mod process;
    pub mod scratch;
}

/// Adding a message, a version or a field is done by Kafka, never by hand.
#[test]
fn the_committed_table_is_what_the_jar_says() {
    let generated = table(&definitions());
    let path = committed();
    if std::env::var_os("LOCKGATE_UPDATE").is_some() {
        std::fs::write(&path, &generated).expect("the table can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let first_difference = generated
        .lines()
        .zip(committed.lines())
        .position(|(left, right)| left != right)
        .map_or(committed.lines().count(), |line| line + 1);
    assert!(
        generated == committed,
        "{} is stale at line {first_difference}: run \
         `LOCKGATE_UPDATE=1 cargo test --test shape_table` and read the difference",
        path.display()
    );
}

#[test]
fn comments_are_taken_out_but_not_from_strings() {
    let text = "// a\n{ \"about\": \"see https://kafka.apache.org \\\" // x\", // b\n \"n\": 1 }";
    let value: Value = serde_json::from_str(&without_comments(text)).expect("valid JSON");
    assert_eq!(value["about"], "see https://kafka.apache.org \" // x");
    assert_eq!(value["n"], 1);
}

fn committed() -> PathBuf {
    let file = format!("src/wire/shape/kafka-{KAFKA_VERSION}.txt");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Every definition of a request or response, by API key: the request first.
fn definitions() -> BTreeMap<i64, [Option<Value>; 2]> {
    let directory = resources();
    let mut definitions: BTreeMap<i64, [Option<Value>; 2]> = BTreeMap::new();
    for entry in std::fs::read_dir(&directory).expect("the resources are a directory") {
        let path = entry.expect("a directory entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable definition");
        let value: Value = serde_json::from_str(&without_comments(&text))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let place = match value["type"].as_str() {
            Some("request") => 0,
            Some("response") => 1,
            _ => continue,
        };
        let key = value["apiKey"].as_i64().expect("a request or response has an apiKey");
        definitions.entry(key).or_default()[place] = Some(value);
    }
    definitions
}

/// Unpacks the definitions out of the jar, which Maven fetches (or has), with the JDK's own tool.
fn resources() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("messages-{KAFKA_VERSION}"));
    std::fs::create_dir_all(&target).expect("the test directory can be made");
    let jar = KafkaJars::resolve().jar("kafka-clients");
    run(Command::new("jar").arg("xf").arg(&jar).arg("common/message").current_dir(&target));
    target.join("common/message")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The text without its `//` comments; a `//` inside a string stays.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.lines() {
        let (mut in_string, mut escaped, mut end) = (false, false, line.len());
        for (at, character) in line.char_indices() {
            if !in_string && line[at..].starts_with("//") {
                end = at;
                break;
            }
            match character {
                '"' if !escaped => in_string = !in_string,
                _ => {}
            }
            escaped = in_string && character == '\\' && !escaped;
        }
        plain.push_str(&line[..end]);
        plain.push('\n');
    }
    plain
}

fn table(definitions: &BTreeMap<i64, [Option<Value>; 2]>) -> String {
    let mut table = format!(
        "# Kafka {KAFKA_VERSION}: the shape of every request and response, one field a line.\n\
         # Generated from common/message/*.json of the kafka-clients jar by tests/shape_table.rs;\n\
         # do not edit. `api` <key> <name> <valid versions> flexible <versions> [unstable]\n\
         # [listeners]; `request`, `response`; `struct` <name>; then fields: <name> <type>\n\
         # <versions> [null <versions>] [tag <n>] [of <what it names>], indented by depth.\n"
    );
    for (key, [request, response]) in definitions {
        let request = request.as_ref().unwrap_or_else(|| panic!("API {key} has no request"));
        let response = response.as_ref().unwrap_or_else(|| panic!("API {key} has no response"));
        api(&mut table, *key, request, response);
    }
    table
}

fn api(table: &mut String, key: i64, request: &Value, response: &Value) {
    for shared in ["validVersions", "flexibleVersions"] {
        assert_eq!(request[shared], response[shared], "{shared} of API {key}");
    }
    let name = text(request, "name");
    let name = name.strip_suffix("Request").unwrap_or_else(|| panic!("{name} is no request"));
    let flexible = request["flexibleVersions"].as_str().unwrap_or("none");
    let _ =
        write!(table, "api {key} {name} {} flexible {flexible}", text(request, "validVersions"));
    if request["latestVersionUnstable"] == true {
        table.push_str(" unstable");
    }
    for listener in request["listeners"].as_array().into_iter().flatten() {
        let _ = write!(table, " {}", listener.as_str().expect("a listener is a string"));
    }
    table.push('\n');
    for message in [request, response] {
        let _ = writeln!(table, "{}", text(message, "type"));
        for common in message["commonStructs"].as_array().into_iter().flatten() {
            let _ = writeln!(table, " struct {}", text(common, "name"));
            fields(table, common, 2);
        }
        fields(table, message, 1);
    }
}

fn fields(table: &mut String, parent: &Value, depth: usize) {
    for field in parent["fields"].as_array().into_iter().flatten() {
        assert!(field["flexibleVersions"].is_null(), "{field}: only headers may do this");
        let (name, kind, versions) =
            (text(field, "name"), text(field, "type"), text(field, "versions"));
        let _ = write!(table, "{:depth$}{name} {kind} {versions}", "");
        if let Some(nullable) = field["nullableVersions"].as_str() {
            let _ = write!(table, " null {nullable}");
        }
        if let Some(tag) = field["tag"].as_u64() {
            assert_eq!(field["taggedVersions"], versions, "{name} is tagged in some versions only");
            let _ = write!(table, " tag {tag}");
        }
        if let Some(entity) = field["entityType"].as_str() {
            let _ = write!(table, " of {entity}");
        }
        table.push('\n');
        fields(table, field, depth + 1);
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is missing in {value}"))
}
