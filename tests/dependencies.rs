//! Every dependency has a licence, a source and a version that deny.toml allows.
//!
//! It asks cargo itself: the lock file is the truth, and no tool needs to be installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

struct Package {
    name: String,
    version: String,
    license: String,
    /// Where it is from, if it is not from the usual registry: a path or a URL.
    elsewhere: Option<String>,
}

/// What is built for this machine, tests included.
fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build,dev", "--no-dedupe"])
        .args(["--prefix", "none", "--format", "{p};{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: BTreeSet<&str> = text.lines().skip(1).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() > 100, "cargo tree lists {} packages", lines.len());
    lines.into_iter().map(package).collect()
}

/// `name v1.2.3 (proc-macro);MIT`, or with a path or a URL in parentheses.
fn package(line: &str) -> Package {
    let (package, license) = line.split_once(';').expect("a package and its licence");
    let mut words = package.splitn(3, ' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let rest = words.next().map(|rest| rest.replace("(proc-macro)", ""));
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        license: license.to_owned(),
        elsewhere: rest.filter(|rest| !rest.trim().is_empty()),
    }
}

/// The quoted words of one list of deny.toml; of a list of tables, the names of the crates.
fn listed(section: &str, key: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    let text = fs::read_to_string(path).unwrap();
    let inside = text.split(&format!("\n[{section}]\n")).nth(1).unwrap();
    let list = inside.split(&format!("\n{key} = [\n")).nth(1).unwrap();
    let lines = list.split("\n]").next().unwrap().lines();
    lines.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

/// Whether an SPDX expression can be met with `allowed` licences alone. `AND` binds tighter than
/// `OR`, as SPDX says; `/` is what `OR` was once.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    if let Some(open) = expression.find('(') {
        let close = open + expression[open..].find(')').expect("a closing parenthesis");
        let inner = if is_met(&expression[open + 1..close], allowed) { "MIT" } else { "NONE" };
        return is_met(&[&expression[..open], inner, &expression[close + 1..]].concat(), allowed);
    }
    let expression = expression.replace('/', " OR ");
    expression.split(" OR ").any(|part| part.split(" AND ").all(|one| allowed.contains(one.trim())))
}

#[test]
fn an_expression_is_met_or_not() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR ISC", "ISC AND (GPL-3.0 OR MIT)"] {
        assert!(is_met(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "GPL-3.0 OR (MIT AND LGPL-2.1)"] {
        assert!(!is_met(bad, &allowed), "{bad}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = listed("licenses", "allow");
    for Package { name, version, license, .. } in packages() {
        assert!(is_met(&license, &allowed), "{name} {version}: `{license}`");
    }
}

#[test]
fn everything_comes_from_one_registry_and_nothing_is_banned() {
    let banned = listed("bans", "deny");
    for Package { name, elsewhere, .. } in packages() {
        assert_eq!(elsewhere, None, "{name} is not from the registry");
        assert!(!banned.contains(&name), "{name} is banned by deny.toml");
    }
}

#[test]
fn one_version_of_each_but_for_those_with_a_reason() {
    let skipped = listed("bans", "skip");
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let several: BTreeSet<String> = versions
        .iter()
        .filter(|(_, found)| found.len() > 1)
        .map(|(name, _)| name.clone())
        .collect();
    let new: Vec<_> = several.difference(&skipped).map(|name| (name, &versions[name])).collect();
    assert!(new.is_empty(), "several versions without a reason in deny.toml: {new:?}");
    let gone: Vec<_> = skipped.difference(&several).collect();
    assert!(gone.is_empty(), "no longer there twice, so no longer in deny.toml: {gone:?}");
}
