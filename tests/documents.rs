//! What the pages say is true where a machine can tell: examples load, links lead somewhere, tests
//! and files that are named are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate::config;
use lockgate::policy::{Ground, Secrets, Source, load};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    collect(&root().join("docs"), "md", &mut paths);
    for name in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        paths.push(root().join(name));
    }
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|block| format!("{}\n", block.split("\n```").next().unwrap())).collect()
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _key_ref: &str) -> Result<Vec<u8>, String> {
        Ok(b"a key for examples, of 32 bytes.".to_vec())
    }
}

#[test]
fn every_example_of_a_file_loads() {
    let mut seen = 0;
    for (path, text) in pages() {
        let name = path.display().to_string();
        for block in blocks(&text, "yaml") {
            seen += 1;
            if block.contains("apiVersion:") {
                let source = Source { file: name.clone(), text: block };
                let ground = Ground::default();
                if let Err(problems) = load(&[source], &NoSecrets, &ground) {
                    panic!("{problems}");
                }
            } else {
                let scratch = tempfile::tempdir().unwrap();
                fs::create_dir(scratch.path().join("policies")).unwrap();
                config::parse(&name, &block, scratch.path(), &|_| None).unwrap();
            }
        }
    }
    assert!(seen >= 2, "the README shows a configuration and a policy");
}

#[test]
fn every_link_leads_to_a_file() {
    let mut dead = Vec::new();
    for (path, text) in pages() {
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            let outside = target.contains("://") || file.is_empty();
            if !outside && !path.parent().unwrap().join(file).exists() {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_architecture_names_is_there() {
    let mut paths = Vec::new();
    collect(&root().join("src"), "rs", &mut paths);
    collect(&root().join("tests"), "rs", &mut paths);
    let code: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let is_test = |word: &&str| {
        word.matches('_').count() >= 2
            && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let names: BTreeSet<&str> = quoted(&text).filter(is_test).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let there = code.iter().any(|text| text.contains(&format!("fn {name}(")));
        assert!(there, "docs/ARCHITECTURE.md names `{name}`, which is no test");
    }
}

#[test]
fn every_file_that_a_page_names_is_there() {
    for (path, text) in pages() {
        for word in quoted(&text) {
            let is_ours = ["src/", "tests/", "docs/", "policies/", "testcontainers/"]
                .iter()
                .any(|folder| word.starts_with(folder));
            let is_plain = !word.contains(['<', '*', ' ', '…']);
            if is_ours && is_plain {
                assert!(root().join(word).exists(), "{}: no `{word}`", path.display());
            }
        }
    }
}
