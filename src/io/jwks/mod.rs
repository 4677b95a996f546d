//! The keys of one issuer, kept fresh: from a file, from a URL, or by the issuer's discovery
//! document.
//!
//! One background task fetches; everybody else reads the last good set. A set is used for at most
//! `stale_max` after the last fetch that succeeded, then nobody is let in until one does: a key
//! that its issuer took back must not live on here because the issuer cannot be reached. A failure
//! is never kept as a key set, and a token with a `kid` nobody knows costs at most one fetch in ten
//! seconds, however many come. Sessions that are already open do not depend on any of this. Tokens
//! are judged elsewhere, by [`crate::auth::verify`].

mod location;
mod state;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::auth::{KeyId, KeySet};

pub use location::{KeyLocation, LocationError};
pub use state::{Freshness, KeySourceStatus};
pub use transport::FetchError;

use state::{Answer, State};
use transport::Transport;

/// How often, how long, how many.
#[derive(Clone, Copy, Debug)]
pub struct KeyTiming {
    /// Between fetches that succeed.
    pub refresh_interval: Duration,
    /// Between looks at a file.
    pub file_interval: Duration,
    /// Keys are used for this long after the last fetch that succeeded.
    pub stale_max: Duration,
    /// Between fetches that unknown key ids ask for.
    pub unknown_key_interval: Duration,
    /// A key id that a fetch did not bring asks for no other fetch for this long.
    pub absent_key_for: Duration,
    /// A login waits no longer than this for keys.
    pub wait_max: Duration,
}

impl Default for KeyTiming {
    fn default() -> Self {
        Self {
            refresh_interval: Duration::from_mins(5),
            file_interval: Duration::from_secs(2),
            stale_max: Duration::from_hours(1),
            unknown_key_interval: Duration::from_secs(10),
            absent_key_for: Duration::from_mins(1),
            wait_max: Duration::from_secs(2),
        }
    }
}

/// What one look at an issuer's keys found.
#[derive(Debug)]
pub struct Examination {
    /// How many keys there are.
    pub keys: Result<usize, FetchError>,
    /// The issuer's clock in milliseconds since the Unix epoch, where it was said.
    pub issuer_ms: Option<i64>,
}

/// Fetches the keys once, for somebody who wants to know whether that works.
///
/// # Errors
/// [`LocationError`]: the address may not be used, whatever answers there.
pub async fn examine(issuer: &str, location: KeyLocation) -> Result<Examination, LocationError> {
    let mut transport = Transport::new(issuer, location)?;
    let keys = transport.fetch().await.map(|fetched| match fetched {
        transport::Fetched::Keys(keys) => keys.len(),
        transport::Fetched::Unchanged => 0,
    });
    let since = transport.date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    let issuer_ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    Ok(Examination { keys, issuer_ms })
}

/// First pause after a failure while there are no keys at all; it doubles up to
/// [`RETRY_WITH_KEYS`], so that a gateway that starts before its issuer is soon ready.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(1);
/// First pause after a failure while there are keys; it doubles up to `refresh_interval`.
const RETRY_WITH_KEYS: Duration = Duration::from_secs(10);

/// One issuer's keys and the task that fetches them; the task ends when this is dropped.
pub struct KeySource {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    issuer: String,
    timing: KeyTiming,
    state: parking_lot::Mutex<State>,
    /// Wakes the task before its time.
    wanted: Notify,
    /// Counts the fetches that have ended, well or not.
    fetches: watch::Sender<u64>,
}

impl KeySource {
    /// Checks the location and starts fetching. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`LocationError`]: the address may not be used, whatever answers there.
    pub fn start(
        issuer: &str,
        location: KeyLocation,
        timing: KeyTiming,
    ) -> Result<Self, LocationError> {
        let transport = Transport::new(issuer, location)?;
        let shared = Arc::new(Shared {
            issuer: issuer.to_owned(),
            timing,
            state: parking_lot::Mutex::new(State::new(timing)),
            wanted: Notify::new(),
            fetches: watch::Sender::new(0),
        });
        let task = tokio::spawn(keep_fresh(Arc::clone(&shared), transport));
        Ok(Self { shared, task })
    }

    /// The last good keys; `None` before the first, and when they are too old to be believed.
    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.shared.state.lock().current(Instant::now())
    }

    /// Asks for a fetch, or joins the one under way, and waits for its end, but no longer than
    /// [`KeyTiming::wait_max`]. Returns at once if this key has been looked for in vain lately, or
    /// if it is too soon for another fetch. What came of it is in [`Self::current`].
    pub async fn refresh(&self, key_id: Option<&KeyId>) {
        let deadline = Instant::now() + self.shared.timing.wait_max;
        // Subscribed before asking, so that an end between the two is not missed.
        let mut fetches = self.shared.fetches.subscribe();
        let answer = self.shared.state.lock().ask(key_id, Instant::now());
        match answer {
            Answer::No => return,
            Answer::Fetch => self.shared.wanted.notify_one(),
            Answer::Join => {}
        }
        if matches!(timeout_at(deadline, fetches.changed()).await, Ok(Ok(())))
            && let Some(key_id) = key_id
        {
            self.shared.state.lock().note_if_absent(key_id, Instant::now());
        }
    }

    /// For `/status` and the metrics.
    pub fn status(&self) -> KeySourceStatus {
        self.shared.state.lock().status(&self.shared.issuer, Instant::now())
    }
}

impl Drop for KeySource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_fresh(shared: Arc<Shared>, mut transport: Transport) {
    let mut failures_in_a_row: u32 = 0;
    loop {
        let started = Instant::now();
        shared.state.lock().begin(started);
        let outcome = transport.fetch().await;
        failures_in_a_row = match &outcome {
            Ok(_) => 0,
            Err(_) => failures_in_a_row.saturating_add(1),
        };
        let pause = {
            let mut state = shared.state.lock();
            state.finish(outcome, &shared.issuer, Instant::now());
            pause(&shared.timing, transport.is_file(), state.has_keys(), failures_in_a_row)
        };
        shared.fetches.send_modify(|count| *count = count.wrapping_add(1));
        let next = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(next) => break,
                () = shared.wanted.notified() => {
                    // A wish that a scheduled fetch has just fulfilled is no reason for another
                    // one.
                    if shared.state.lock().may_start(Instant::now()) {
                        break;
                    }
                }
            }
        }
    }
}

fn pause(timing: &KeyTiming, is_file: bool, has_keys: bool, failures_in_a_row: u32) -> Duration {
    if is_file {
        return timing.file_interval;
    }
    let Some(doublings) = failures_in_a_row.checked_sub(1) else {
        return timing.refresh_interval;
    };
    let factor = 2_u32.saturating_pow(doublings);
    if has_keys {
        RETRY_WITH_KEYS.saturating_mul(factor).min(timing.refresh_interval)
    } else {
        RETRY_WITHOUT_KEYS.saturating_mul(factor).min(RETRY_WITH_KEYS)
    }
}
