//! What is left when keys cannot be read any more: the last good ones, for an hour, and not a
//! second longer. The source is a file here, because a paused clock and a socket do not go
//! together.

use std::path::PathBuf;

use super::*;

struct KeyFile {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn key_file(keys: &[&Signer]) -> KeyFile {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let file = KeyFile { _directory: directory, path };
    file.write(keys);
    file
}

impl KeyFile {
    fn write(&self, keys: &[&Signer]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        std::fs::write(&self.path, document(&keys)).unwrap();
    }

    async fn source(&self) -> KeySource {
        let location = KeyLocation::File(self.path.clone());
        fetched(location, KeyTiming::default()).await
    }
}

/// Lets the task look at the file at least once more.
async fn a_look(source: &KeySource) {
    let seen = source.status().fetches;
    tokio::time::timeout(PATIENCE, async {
        while source.status().fetches < seen + 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_read_again() {
    let (old, new) = (key("old"), key("new"));
    let file = key_file(&[&old]);
    let source = file.source().await;
    assert!(login(&source, &old).await.is_ok());
    file.write(&[&new]);
    a_look(&source).await;
    assert!(login(&source, &new).await.is_ok());
    assert!(matches!(login(&source, &old).await, Err(Rejection::UnknownKey { .. })));
}

#[tokio::test(start_paused = true)]
async fn t25_the_last_good_keys_live_for_an_hour() {
    let signer = key("k");
    let file = key_file(&[&signer]);
    let source = file.source().await;
    a_look(&source).await;
    std::fs::write(&file.path, "{").unwrap();
    a_look(&source).await;
    let status = source.status();
    assert_eq!(status.freshness, Freshness::Stale);
    assert!(status.last_error.unwrap().contains("not valid JSON"));
    assert!(login(&source, &signer).await.is_ok());

    let age = status.age.unwrap();
    let left = KeyTiming::default().stale_max.checked_sub(age).unwrap();
    tokio::time::sleep(left.saturating_sub(Duration::from_secs(1))).await;
    assert!(login(&source, &signer).await.is_ok());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(source.status().freshness, Freshness::Expired);
    assert_eq!(source.status().keys, 1);
    assert_eq!(login(&source, &signer).await, Err(Rejection::KeysUnavailable));

    // And the first good answer opens the door again.
    file.write(&[&signer]);
    a_look(&source).await;
    assert_eq!(source.status().freshness, Freshness::Fresh);
    assert!(login(&source, &signer).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_says_so_and_may_come_later() {
    let signer = key("k");
    let file = key_file(&[&signer]);
    std::fs::remove_file(&file.path).unwrap();
    let source = file.source().await;
    assert_eq!(source.status().freshness, Freshness::Missing);
    assert!(source.status().last_error.unwrap().contains("cannot read"));
    assert_eq!(login(&source, &signer).await, Err(Rejection::KeysUnavailable));
    file.write(&[&signer]);
    a_look(&source).await;
    assert!(login(&source, &signer).await.is_ok());
}

#[test]
fn pauses_double_and_stay_within_their_bounds() {
    let timing = KeyTiming::default();
    let seconds = |has_keys, failures| pause(&timing, false, has_keys, failures).as_secs();
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 40].map(|failures| seconds(false, failures))[1..],
        [1, 2, 4, 8, 10, 10]
    );
    assert_eq!(
        [0, 1, 2, 3, 6, 40].map(|failures| seconds(true, failures)),
        [300, 10, 20, 40, 300, 300]
    );
    assert_eq!(pause(&timing, true, true, 7), timing.file_interval);
}

#[test]
fn absent_keys_are_remembered_within_bounds() {
    let now = Instant::now();
    let mut state = State::new(KeyTiming::default());
    let keys = KeySet::parse(document(&[key("held").jwk()]).as_bytes()).unwrap();
    state.begin(now);
    state.finish(Ok(transport::Fetched::Keys(keys)), ISSUER, now);
    let id = |name: &str| KeyId::new(name).unwrap();
    let later = now + Duration::from_secs(10);
    state.note_if_absent(&id("held"), later);
    state.note_if_absent(&id("absent"), later);
    assert_eq!(state.ask(Some(&id("absent")), later), Answer::No);
    assert_eq!(state.ask(Some(&id("other")), later), Answer::Fetch);
    assert_eq!(state.ask(Some(&id("third")), later), Answer::Join);
    state.begin(later);
    state.finish(Ok(transport::Fetched::Unchanged), ISSUER, later);
    assert_eq!(state.ask(Some(&id("other")), later + Duration::from_secs(9)), Answer::No);
    // Sixty seconds after, it may be looked for again; seventeen others push it out sooner.
    assert_eq!(state.ask(Some(&id("absent")), later + Duration::from_mins(1)), Answer::Fetch);
    let mut state = State::new(KeyTiming::default());
    state.begin(now);
    state.finish(Ok(transport::Fetched::Unchanged), ISSUER, now);
    for index in 0..17 {
        state.note_if_absent(&id(&format!("k{index}")), later);
    }
    assert_eq!(state.ask(Some(&id("k16")), later), Answer::No);
    assert_eq!(state.ask(Some(&id("k1")), later), Answer::No);
    assert_eq!(state.ask(Some(&id("k0")), later), Answer::Fetch);
}

#[test]
fn only_a_good_answer_makes_a_key_absent() {
    let now = Instant::now();
    let later = now + Duration::from_secs(10);
    let id = |name: &str| KeyId::new(name).unwrap();
    let after = |outcome: Result<transport::Fetched, FetchError>| {
        let mut state = State::new(KeyTiming::default());
        state.begin(now);
        state.finish(outcome, ISSUER, now);
        state
    };
    let keys = KeySet::parse(document(&[key("held").jwk()]).as_bytes()).unwrap();
    let mut good = after(Ok(transport::Fetched::Keys(keys)));
    good.note_if_absent(&id("held"), now);
    assert_eq!(good.ask(Some(&id("held")), later), Answer::Fetch);

    let error = FetchError::Status { host: "id".to_owned(), status: 500 };
    let mut failed = after(Err(error));
    failed.note_if_absent(&id("new"), now);
    assert_eq!(failed.ask(Some(&id("new")), later), Answer::Fetch);
}
