//! The directory: what is read, what a change does, and what a bad one does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{PolicyChange, PolicyDirectory, read_directory};
use crate::policy::Ground;

const WAIT: Duration = Duration::from_secs(20);

fn policy(id: &str) -> String {
    format!(
        "apiVersion: policy/v1\nkind: Policy\nmetadata: {{name: test}}\nspec:\n  rules:\n    \
         - id: {id}\n      match: {{direction: produce, topics: [\"**\"]}}\n      \
         when: \"record.size > 10\"\n      action: {{deny: {{}}}}\n"
    )
}

fn rule_ids(directory: &PolicyDirectory) -> Vec<String> {
    directory.current().load().rules().iter().map(|rule| rule.id().to_string()).collect()
}

/// Runs a directory and hands its changes out.
fn running(
    directory: PolicyDirectory,
) -> (mpsc::UnboundedReceiver<PolicyChange>, oneshot::Sender<()>) {
    let (changed, changes) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let on_change = move |change: &PolicyChange| drop(changed.send(change.clone()));
    tokio::spawn(directory.run(on_change, async {
        let _ = stopped.await;
    }));
    (changes, stop)
}

async fn next(changes: &mut mpsc::UnboundedReceiver<PolicyChange>) -> PolicyChange {
    tokio::time::timeout(WAIT, changes.recv()).await.expect("no change came").unwrap()
}

fn ids_of(change: &PolicyChange) -> Vec<String> {
    match change {
        PolicyChange::Activated { set, .. } => {
            set.rules().iter().map(|rule| rule.id().to_string()).collect()
        }
        PolicyChange::LoadFailed { problems, .. } => panic!("{problems}"),
        PolicyChange::Recovered { kept } => panic!("{kept} has stayed"),
    }
}

#[test]
fn reads_yaml_files_below_it_and_nothing_hidden() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("team/deep")).unwrap();
    fs::create_dir_all(directory.path().join("..2026_old")).unwrap();
    for (file, id) in [
        ("b.yaml", "b"),
        ("team/deep/a.yml", "a"),
        ("..2026_old/hidden.yaml", "hidden"),
        (".draft.yaml", "draft"),
        ("notes.txt", "notes"),
    ] {
        fs::write(directory.path().join(file), policy(id)).unwrap();
    }
    let directory = PolicyDirectory::open(directory.path(), Ground::default()).unwrap();
    assert_eq!(rule_ids(&directory), ["a", "b"]);
}

#[test]
fn a_bad_start_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: &Path| PolicyDirectory::open(path, Ground::default()).err().unwrap();
    assert!(open(directory.path()).to_string().contains("no policy file"));
    assert!(open(&directory.path().join("absent")).to_string().contains("cannot be read"));
    fs::write(directory.path().join("a.yaml"), "kind: Policy\n").unwrap();
    assert!(open(directory.path()).to_string().contains("apiVersion"));
    fs::write(directory.path().join("a.yaml"), [0xff, 0xfe]).unwrap();
    assert!(open(directory.path()).to_string().contains("not UTF-8"));
    fs::write(directory.path().join("a.yaml"), vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert!(open(directory.path()).to_string().contains("larger than"));
    fs::remove_file(directory.path().join("a.yaml")).unwrap();
    fs::create_dir(directory.path().join("b.yaml")).unwrap();
    assert!(read_directory(directory.path()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t51_a_good_change_is_in_force_and_a_bad_one_keeps_the_last_good_set() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    fs::write(&file, policy("first")).unwrap();
    let policies = PolicyDirectory::open(directory.path(), Ground::default()).unwrap();
    let current = policies.current();
    let status = policies.status();
    let (mut changes, _stop) = running(policies);

    fs::write(&file, policy("second")).unwrap();
    assert_eq!(ids_of(&next(&mut changes).await), ["second"]);

    fs::write(&file, "apiVersion: policy/v1\nkind: Polcy\n").unwrap();
    let failed = next(&mut changes).await;
    assert!(matches!(failed, PolicyChange::LoadFailed { .. }), "{failed:?}");
    assert_eq!(current.load().rules().first().unwrap().id().as_ref(), "second");
    assert_eq!(status.borrow().load_failed, 1);
    assert!(status.borrow().problems.is_some());

    fs::write(&file, policy("third")).unwrap();
    assert_eq!(ids_of(&next(&mut changes).await), ["third"]);
    assert!(status.borrow().problems.is_none());
    assert_eq!(status.borrow().activated, 3);
    assert_eq!(&status.borrow().revision, current.load().revision());

    // Every file gone is no order to lift every rule.
    fs::remove_file(&file).unwrap();
    assert!(matches!(next(&mut changes).await, PolicyChange::LoadFailed { .. }));
    assert_eq!(current.load().rules().len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sees_every_swap_of_a_kubernetes_config_map() {
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let swap = |version: &str| {
        let real = format!("..{version}");
        fs::create_dir(directory.path().join(&real)).unwrap();
        fs::write(directory.path().join(&real).join("a.yaml"), policy(version)).unwrap();
        symlink(&real, directory.path().join("..data_tmp")).unwrap();
        fs::rename(directory.path().join("..data_tmp"), directory.path().join("..data")).unwrap();
    };
    swap("v1");
    symlink("..data/a.yaml", directory.path().join("a.yaml")).unwrap();
    let policies = PolicyDirectory::open(directory.path(), Ground::default()).unwrap();
    assert_eq!(rule_ids(&policies), ["v1"]);
    let (mut changes, _stop) = running(policies);
    for version in ["v2", "v3", "v4"] {
        swap(version);
        assert_eq!(ids_of(&next(&mut changes).await), [version]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_a_new_set_and_its_path_counts_from_the_policy() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("team/keys")).unwrap();
    let key = directory.path().join("team/keys/mask.key");
    fs::write(&key, "0123456789abcdef0123456789abcdef\n").unwrap();
    let text = "apiVersion: policy/v1\nkind: Policy\nmetadata: {name: test}\nspec:\n  rules:\n    \
                - id: tokens\n      match: {direction: consume, topics: [\"**\"]}\n      \
                select: [{path: $.id}]\n      \
                action: {mask: {with: hmac, key_ref: \"file:keys/mask.key\"}}\n";
    fs::write(directory.path().join("team/a.yaml"), text).unwrap();
    let policies = PolicyDirectory::open(directory.path(), Ground::default()).unwrap();
    let revision = policies.current().load().revision().clone();
    let digest = policies.current().load().digest().clone();
    let (mut changes, _stop) = running(policies);
    fs::write(&key, "another 32 bytes of a key for it").unwrap();
    let PolicyChange::Activated { set, .. } = next(&mut changes).await else { panic!() };
    assert_eq!(set.revision(), &revision);
    assert_ne!(set.digest(), &digest);
    fs::remove_file(&key).unwrap();
    let PolicyChange::LoadFailed { problems, .. } = next(&mut changes).await else { panic!() };
    assert!(problems.to_string().contains("cannot be read"), "{problems}");
}
