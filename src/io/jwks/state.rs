//! What is known about one issuer's keys, and who may cause a fetch. Time is an argument here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{KeyId, KeySet};

use super::KeyTiming;
use super::transport::{FetchError, Fetched};

/// Most key ids that are remembered as absent (Kafka's `RefreshingHttpsJwks` keeps as many).
const ABSENT_KEYS_MAX: usize = 16;

/// A failure that goes on is logged again after this long, not each time.
const REPEAT_WARNING: Duration = Duration::from_mins(1);

pub(super) struct State {
    timing: KeyTiming,
    keys: Option<(Arc<KeySet>, Instant)>,
    /// A fetch is running, or asked for and about to.
    under_way: bool,
    last_started: Option<Instant>,
    absent: VecDeque<(KeyId, Instant)>,
    last_error: Option<FetchError>,
    last_warning: Option<Instant>,
    fetches: u64,
    failures: u64,
}

/// What became of a wish for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Wake the task.
    Fetch,
    /// One is under way; wait for that.
    Join,
    /// Not now.
    No,
}

/// Whether the keys may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// No fetch has succeeded yet.
    Missing,
    /// The last fetch succeeded.
    Fresh,
    /// The last fetch failed; the keys from before are still used.
    Stale,
    /// They are too old to be believed: nobody can log in.
    Expired,
}

impl Freshness {
    /// As `/status` shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

/// What an operator sees of one issuer's keys.
#[derive(Clone, Debug)]
pub struct KeySourceStatus {
    /// Whose keys.
    pub issuer: String,
    /// Whether they may be used.
    pub freshness: Freshness,
    /// How many there are, usable or expired.
    pub keys: usize,
    /// Since the last fetch that succeeded.
    pub age: Option<Duration>,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
    /// Fetches since the start, with those that failed.
    pub fetches: u64,
    /// Fetches that failed.
    pub failures: u64,
}

impl State {
    pub(super) fn new(timing: KeyTiming) -> Self {
        Self {
            timing,
            keys: None,
            // The task's first act is a fetch.
            under_way: true,
            last_started: None,
            absent: VecDeque::new(),
            last_error: None,
            last_warning: None,
            fetches: 0,
            failures: 0,
        }
    }

    pub(super) fn current(&self, now: Instant) -> Option<Arc<KeySet>> {
        let (keys, fetched) = self.keys.as_ref()?;
        let age = now.saturating_duration_since(*fetched);
        (age <= self.timing.stale_max).then(|| Arc::clone(keys))
    }

    pub(super) const fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether a fetch that somebody asked for may start.
    pub(super) fn may_start(&self, now: Instant) -> bool {
        self.last_started.is_none_or(|started| {
            now.saturating_duration_since(started) >= self.timing.unknown_key_interval
        })
    }

    pub(super) fn ask(&mut self, key_id: Option<&KeyId>, now: Instant) -> Answer {
        if self.under_way {
            return Answer::Join;
        }
        let absent_for = self.timing.absent_key_for;
        self.absent.retain(|(_, since)| now.saturating_duration_since(*since) < absent_for);
        let known_absent =
            key_id.is_some_and(|key_id| self.absent.iter().any(|(absent, _)| absent == key_id));
        if known_absent || !self.may_start(now) {
            return Answer::No;
        }
        self.under_way = true;
        Answer::Fetch
    }

    /// After a fetch: remembers a key id that a good answer did not hold. A failed fetch says
    /// nothing.
    pub(super) fn note_if_absent(&mut self, key_id: &KeyId, now: Instant) {
        let answered = self.last_error.is_none();
        let held = self.keys.as_ref().is_some_and(|(keys, _)| keys.contains(key_id));
        if !answered || held || self.absent.iter().any(|(absent, _)| absent == key_id) {
            return;
        }
        if self.absent.len() >= ABSENT_KEYS_MAX {
            self.absent.pop_front();
        }
        self.absent.push_back((key_id.clone(), now));
    }

    pub(super) const fn begin(&mut self, now: Instant) {
        self.under_way = true;
        self.last_started = Some(now);
    }

    pub(super) fn finish(
        &mut self,
        outcome: Result<Fetched, FetchError>,
        issuer: &str,
        now: Instant,
    ) {
        self.under_way = false;
        self.fetches = self.fetches.saturating_add(1);
        match outcome {
            Ok(fetched) => self.succeed(fetched, issuer, now),
            Err(error) => self.fail(error, issuer, now),
        }
    }

    fn succeed(&mut self, fetched: Fetched, issuer: &str, now: Instant) {
        if self.last_error.take().is_some() {
            tracing::info!(issuer, "the issuer's keys can be read again");
        }
        match (fetched, self.keys.as_mut()) {
            (Fetched::Unchanged, Some((_, at))) => *at = now,
            // The transport says so only of what it has handed over before.
            (Fetched::Unchanged, None) => {}
            (Fetched::Keys(keys), _) => {
                tracing::info!(issuer, keys = keys.len(), "read the issuer's keys");
                for reason in keys.ignored() {
                    tracing::warn!(issuer, %reason, "left out one of the issuer's keys");
                }
                self.absent.retain(|(absent, _)| !keys.contains(absent));
                self.keys = Some((Arc::new(keys), now));
            }
        }
    }

    fn fail(&mut self, error: FetchError, issuer: &str, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let known = self.last_error.as_ref() == Some(&error);
        let recent = self
            .last_warning
            .is_some_and(|last| now.saturating_duration_since(last) < REPEAT_WARNING);
        if !(known && recent) {
            self.last_warning = Some(now);
            let usable = self.current(now).is_some();
            tracing::warn!(issuer, %error, usable, "cannot read the issuer's keys");
        }
        self.last_error = Some(error);
    }

    pub(super) fn status(&self, issuer: &str, now: Instant) -> KeySourceStatus {
        let freshness = match (&self.keys, &self.last_error) {
            (None, _) => Freshness::Missing,
            (Some(_), _) if self.current(now).is_none() => Freshness::Expired,
            (Some(_), None) => Freshness::Fresh,
            (Some(_), Some(_)) => Freshness::Stale,
        };
        KeySourceStatus {
            issuer: issuer.to_owned(),
            freshness,
            keys: self.keys.as_ref().map_or(0, |(keys, _)| keys.len()),
            age: self.keys.as_ref().map(|(_, at)| now.saturating_duration_since(*at)),
            last_error: self.last_error.as_ref().map(ToString::to_string),
            fetches: self.fetches,
            failures: self.failures,
        }
    }
}
