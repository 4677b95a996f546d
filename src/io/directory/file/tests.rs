//! Group files: read, changed, broken and gone, while somebody asks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::identity::Principal;

const POLL_INTERVAL: Duration = Duration::from_secs(2);

const SAMPLE: &str =
    "groups:\n  pii-readers: [jane, \"partner|max\", jane]\n  humans: [jane]\n  none: []\n";

fn read(path: &Path) -> Result<MembersFile, DirectoryError> {
    MembersFile::open("file", &DirectorySettings { path: path.to_owned() }, parse)
}

struct Fixture {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn fixture(text: &str) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("groups.yaml");
    std::fs::write(&path, text).unwrap();
    Fixture { _directory: directory, path }
}

fn names(directory: &dyn Directory, principal: &Principal) -> Option<Vec<String>> {
    directory.groups(principal).map(|list| list.iter().map(ToString::to_string).collect())
}

#[test]
fn members_are_found_by_the_text_of_the_principal() {
    let fixture = fixture(SAMPLE);
    let directory = read(&fixture.path).unwrap();
    let jane = Principal::user(None, "jane");
    assert_eq!(names(&directory, &jane).unwrap(), ["humans", "pii-readers"]);
    let max = Principal::user(Some("partner".into()), "max");
    assert_eq!(names(&directory, &max).unwrap(), ["pii-readers"]);
    // The same names from elsewhere are other people, and nothing is known of them.
    for stranger in [
        Principal::user(None, "max"),
        Principal::user(None, "Jane"),
        Principal::user(Some("corp".into()), "jane"),
    ] {
        assert_eq!(names(&directory, &stranger), None, "{stranger}");
    }
    let status = directory.status();
    assert_eq!((status.name, status.groups, status.principals), ("file", 3, 2));
}

#[test]
fn a_bad_file_refuses_the_start_and_says_where() {
    for (text, expected) in [
        ("groups: [jane]\n", "groups.yaml"),
        ("groups:\n  a: jane\n", "groups.yaml"),
        ("group:\n  a: [jane]\n", "groups"),
        ("groups:\n  a: [jane]\n  a: [max]\n", "groups.yaml:3"),
        ("groups:\n  a: [\"\"]\n", "is empty"),
        ("groups:\n  a: [\"x\\ny\"]\n", "control characters"),
        ("groups:\n  \"\": [x]\n", "is empty"),
        ("", "groups"),
    ] {
        let fixture = fixture(text);
        let error = read(&fixture.path).err().expect(text);
        assert!(matches!(error, DirectoryError::Content(_)), "{error}");
        assert!(error.to_string().contains(expected), "{text:?}: {error}");
    }
    let gone = read(Path::new("/nonexistent/groups.yaml")).err().unwrap();
    assert!(matches!(gone, DirectoryError::Unreadable { .. }));
}

#[test]
fn a_bad_change_keeps_the_last_good_groups() {
    let fixture = fixture(SAMPLE);
    let directory = read(&fixture.path).unwrap();
    let jane = Principal::user(None, "jane");
    let max = Principal::user(None, "max");
    let becomes = |text: &str| {
        std::fs::write(&fixture.path, text).unwrap();
        directory.watched.look();
        directory.status().last_error
    };
    assert_eq!(becomes("groups:\n  ops: [max]\n"), None);
    assert_eq!(names(&directory, &jane), None);
    assert_eq!(names(&directory, &max).unwrap(), ["ops"]);

    assert!(becomes("groups: {").is_some());
    assert_eq!(names(&directory, &max).unwrap(), ["ops"]);

    std::fs::remove_file(&fixture.path).unwrap();
    directory.watched.look();
    assert!(directory.status().last_error.unwrap().contains("cannot read"));
    assert_eq!(names(&directory, &max).unwrap(), ["ops"]);

    // Back, and still bad.
    assert!(becomes("groups: {").unwrap().contains("groups.yaml"));
    assert_eq!(becomes(SAMPLE), None);
    assert_eq!(names(&directory, &max), None);
    assert_eq!(names(&directory, &jane).unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_by_itself() {
    let fixture = fixture(SAMPLE);
    let settings = DirectorySettings { path: fixture.path.clone() };
    let directory = crate::io::directory::open(&settings).unwrap();
    assert_eq!(directory.name(), "file");
    // A swap of a symbolic link or a rename is a change like any other.
    let next = fixture.path.with_extension("next");
    std::fs::write(&next, "groups:\n  ops: [max]\n").unwrap();
    std::fs::rename(&next, &fixture.path).unwrap();
    let max = Principal::user(None, "max");
    tokio::time::timeout(POLL_INTERVAL * 10, async {
        while directory.groups(&max).is_none() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(names(&*directory, &max).unwrap(), ["ops"]);
}
