//! The house keeps itself: layers, purity, where crates may appear, and how a file looks.
//!
//! It reads text, not types: paths that are written `crate::…`, and words of code outside of
//! comments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// What the layers above the bar may not name, and why not.
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "a file"),
    ("std::thread", "a thread"),
    ("std::process", "a process"),
    ("std::env", "the environment"),
    ("TcpStream", "a socket"),
    ("TcpListener", "a socket"),
    ("UdpSocket", "a socket"),
    ("Instant::now", "a clock"),
    ("SystemTime", "a clock"),
    ("tokio::", "a runtime"),
    ("tracing::", "a log"),
    ("println!", "a log"),
    ("aws_lc_rs::rand", "randomness"),
    ("rand::", "randomness"),
];

/// Crates that only these files may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("kafka_protocol::", &["src/wire/", "src/enforce/", "src/io/cluster.rs"]),
    ("arrow_array::", &["src/audit/row.rs", "src/io/sink/"]),
    ("arrow_schema::", &["src/audit/row.rs", "src/io/sink/"]),
    ("parquet::", &["src/audit/row.rs", "src/io/sink/"]),
    ("reqwest::", &["src/io/"]),
    ("jsonwebtoken::", &["src/auth/"]),
];

/// Words that no line of this project has. Cut in two, so that this file has none of them.
const BANNED: &[&str] = &[
    concat!("dbg", "!("),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/lab"),
    concat!("/wo", "rk/"),
];

struct SourceFile {
    /// From the project's root, with forward slashes.
    path: String,
    text: String,
}

impl SourceFile {
    /// The lines with their numbers, without comment lines.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The same, without the unit tests at the end.
    fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let cut = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..cut].lines().count();
        self.code().take_while(move |(number, _)| *number <= lines)
    }

    /// Whether it is compiled for tests alone.
    fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.contains(&"tests") || parts.last() == Some(&"tests.rs")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "node_modules" | "venv") {
                collect(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// Every file of the project below `directory` with one of these endings.
fn files(directory: &str, endings: &[&str]) -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&root().join(directory), &mut found);
    found.sort();
    let wanted =
        |path: &Path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending));
    found
        .iter()
        .filter(|path| wanted(path))
        .map(|path| SourceFile {
            path: path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"),
            text: fs::read_to_string(path).unwrap(),
        })
        .collect()
}

fn rust_files() -> Vec<SourceFile> {
    ["src", "tests", "testcontainers", "benches", "examples", "build.rs"]
        .iter()
        .flat_map(|directory| files(directory, &[".rs"]))
        .collect()
}

/// The module of a file below `src`: its first folder, or the file itself.
fn module(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Module to the number of its line in the list of `src/lib.rs`, and the number of the bar.
fn layers() -> (BTreeMap<String, usize>, usize) {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut inside = false;
    let (mut layers, mut bar) = (BTreeMap::new(), None);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches("//!").trim();
        match line {
            "```text" => inside = true,
            "```" => inside = false,
            _ if inside && line.starts_with('═') => bar = Some(number),
            _ if inside => {
                let words = line.split_whitespace().skip(1);
                let mut expects_name = true;
                for word in words {
                    if word == "·" {
                        expects_name = true;
                    } else if expects_name {
                        layers.insert(word.to_owned(), number);
                        expects_name = false;
                    } else {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    (layers, bar.expect("the list of layers has a bar"))
}

fn complain(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// The modules that a line of code names by `crate::`.
fn named_modules(line: &str) -> Vec<&str> {
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with('$'))
        .map(|(at, found)| {
            let rest = &line[at + found.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

#[test]
fn every_module_has_its_layer() {
    let (layers, _) = layers();
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let listed: BTreeSet<&str> = layers.keys().map(String::as_str).collect();
    assert_eq!(modules, listed, "the list in src/lib.rs is not the list of modules");
}

#[test]
fn a_module_uses_earlier_layers_only() {
    let (layers, _) = layers();
    let mut problems = Vec::new();
    for file in files("src", &[".rs"]) {
        let Some(own) = layers.get(module(&file.path)) else { continue };
        for (number, line) in file.code() {
            for name in named_modules(line) {
                let Some(other) = layers.get(name) else {
                    problems.push(format!("{}:{number}: `crate::{name}`?", file.path));
                    continue;
                };
                if name != module(&file.path) && other >= own {
                    problems.push(format!("{}:{number}: uses `{name}`", file.path));
                }
            }
        }
    }
    complain(&problems);
}

#[test]
fn nothing_above_the_bar_knows_sockets_files_clocks_randomness_threads_or_logs() {
    let (layers, bar) = layers();
    let mut problems = Vec::new();
    for file in files("src", &[".rs"]) {
        let is_pure = layers.get(module(&file.path)).is_some_and(|layer| *layer < bar);
        if !is_pure || file.is_test() {
            continue;
        }
        for (number, line) in file.product_code() {
            for (word, what) in IMPURE.iter().filter(|(word, _)| names(line, word)) {
                problems.push(format!("{}:{number}: `{word}` is {what}", file.path));
            }
        }
    }
    complain(&problems);
}

/// Whether `line` has `word`, not as the end of a longer one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[test]
fn crates_stay_where_they_belong() {
    let mut problems = Vec::new();
    for file in files("src", &[".rs"]) {
        for (name, places) in CONFINED {
            // Tests speak with the product in messages of their own.
            if file.is_test() || places.iter().any(|place| file.path.starts_with(place)) {
                continue;
            }
            for (number, _) in file.product_code().filter(|(_, line)| names(line, name)) {
                problems.push(format!("{}:{number}: `{name}` belongs in {places:?}", file.path));
            }
        }
    }
    complain(&problems);
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut problems = Vec::new();
    for file in rust_files() {
        if !file.text.starts_with("//! ") {
            problems.push(format!("{}:1: no module doc", file.path));
        }
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            problems.push(format!("{}: {lines} lines, {LINES_MAX} at the most", file.path));
        }
        for (index, line) in file.text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX {
                problems.push(format!("{}:{}: over {COLUMNS_MAX} columns", file.path, index + 1));
            }
        }
    }
    complain(&problems);
}

/// A file that no `mod` line reaches is not compiled, and so not kept.
#[test]
fn no_file_is_dead() {
    let all = rust_files();
    let mut problems = Vec::new();
    for file in all.iter().filter(|file| file.path.starts_with("src/")) {
        let (folder, name) = file.path.rsplit_once('/').unwrap();
        let (folder, name) = match name {
            "lib.rs" | "main.rs" => continue,
            "mod.rs" => folder.rsplit_once('/').unwrap(),
            _ => (folder, name.trim_end_matches(".rs")),
        };
        let parents =
            [format!("{folder}/mod.rs"), format!("{folder}.rs"), format!("{folder}/lib.rs")];
        let declared = all.iter().filter(|other| parents.contains(&other.path)).any(|parent| {
            parent.code().any(|(_, line)| line.trim().ends_with(&format!("mod {name};")))
        });
        if !declared {
            problems.push(format!("{}: no `mod {name};`", file.path));
        }
    }
    complain(&problems);
}

#[test]
fn nothing_is_left_lying_about() {
    let mut all = rust_files();
    for directory in ["docs", "policies", "testcontainers", "tests", ".ci", ".config"] {
        all.extend(files(directory, &[".md", ".yaml", ".yml", ".py", ".java", ".toml", "run"]));
    }
    for name in ["README.md", "CHANGELOG.md", "SECURITY.md", "Cargo.toml", "deny.toml"] {
        all.extend(files_of_root(name));
    }
    let mut problems = Vec::new();
    for file in &all {
        for (index, line) in file.text.lines().enumerate() {
            for word in BANNED.iter().filter(|word| line.contains(**word)) {
                problems.push(format!("{}:{}: `{word}`", file.path, index + 1));
            }
        }
    }
    complain(&problems);
}

fn files_of_root(name: &str) -> Option<SourceFile> {
    let text = fs::read_to_string(root().join(name)).ok()?;
    Some(SourceFile { path: name.to_owned(), text })
}

#[test]
fn no_feature_flag_changes_what_lockgate_does() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("\n[features]"), "no feature flags for behaviour");
}
