//! docs/threat-model.md names the tests that there are, and claims nothing without one.
//!
//! `LOCKGATE_UPDATE=1 cargo test --test threat_model` writes its columns of tests and status anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of the model.
const CASES: u32 = 52;
/// The cells of a row: id, attack, what happens, tests, status; the table has bars at both ends.
const CELLS: usize = 5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The ids that a test's name begins with: `t20_t21_bad_tokens` speaks of two rows.
fn ids(name: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        word.len() == 3 && word.starts_with('t') && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    name.split('_').take_while(is_id).map(str::to_uppercase).collect()
}

/// Row id to the names of its tests.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    rust_files(&root().join("tests"), &mut files);
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let Some(rest) = line.trim_start().trim_start_matches("async ").strip_prefix("fn ")
            else {
                continue;
            };
            let name = rest.split('(').next().unwrap();
            for id in ids(name) {
                tests.entry(id).or_default().insert(name.to_owned());
            }
        }
    }
    tests
}

fn model() -> (PathBuf, String) {
    let path = root().join("docs/threat-model.md");
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// A row's cells, if the line is a row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.strip_prefix("| T")?;
    let mut cells: Vec<&str> = inside.trim_end_matches('|').split('|').map(str::trim).collect();
    assert_eq!(cells.len(), CELLS, "not a row: {line}");
    cells[0] = &line[2..5];
    Some(cells)
}

fn update(path: &Path, text: &str, tests: &BTreeMap<String, BTreeSet<String>>) {
    let mut out = String::new();
    for line in text.lines() {
        if let Some(cells) = cells(line) {
            let names = tests.get(cells[0]).into_iter().flatten();
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            let [id, attack, answer, _, status] = cells[..] else { unreachable!() };
            let status = match status {
                "held" | "no test yet" if names.is_empty() => "no test yet",
                "no test yet" => "held",
                other => other,
            };
            let names = names.join("<br>");
            out.push_str(&format!("| {id} | {attack} | {answer} | {names} | {status} |\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    fs::write(path, out).unwrap();
}

#[test]
fn every_row_is_there_and_claims_what_its_tests_show() {
    let tests = tests();
    let (path, text) = model();
    if std::env::var_os("LOCKGATE_UPDATE").is_some() {
        update(&path, &text, &tests);
    }
    let (_, text) = model();
    let mut seen = Vec::new();
    let mut problems = Vec::new();
    for cells in text.lines().filter_map(cells) {
        let (id, named, status) = (cells[0], cells[3], cells[4]);
        seen.push(id.to_owned());
        let known = tests.get(id).cloned().unwrap_or_default();
        for name in named.split("<br>").filter(|name| !name.is_empty()) {
            if !known.contains(name.trim_matches('`')) {
                problems.push(format!("{id} names {name}, which is no test"));
            }
        }
        match status.split(':').next().unwrap() {
            "held" if named.is_empty() => problems.push(format!("{id} is held by no test")),
            "held" | "partly" | "not built" | "no test yet" => {}
            other => problems.push(format!("{id}: `{other}` is no status")),
        }
    }
    let all: Vec<String> = (1..=CASES).map(|id| format!("T{id:02}")).collect();
    assert_eq!(seen, all);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_test_speaks_of_a_row_that_is_not_there() {
    let (_, text) = model();
    let rows: BTreeSet<&str> = text.lines().filter_map(cells).map(|cells| cells[0]).collect();
    for (id, names) in tests() {
        assert!(rows.contains(id.as_str()), "no row {id} for {names:?}");
    }
}
