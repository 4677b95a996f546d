//! The thread that closes segments in time, hands them to the sinks, and deletes them after.

use std::collections::VecDeque;
use std::{fs, io};

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use super::fault::{AuditError, SinkError};
use super::home;
use super::log::{Phase, Shared, chain};
use super::segment::{draft_segment, name_segment};
use super::{Durability, Sink};

/// How often the age of the segment is looked at, and how long after a failure it is tried again.
const TICK: Duration = Duration::from_secs(1);

/// What the thread is asked to do.
pub enum Command {
    /// Close the segment now.
    Rotate,
    /// Close the segment, convert everything, and say how it went.
    Flush(SyncSender<Result<(), AuditError>>),
    /// End.
    Stop,
}

/// What waits and what was done.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Closed segments, oldest first.
    pub waiting: VecDeque<PathBuf>,
    /// Rows in them.
    pub rows: u64,
    /// When rows were last stored.
    pub last_us: Option<i64>,
    /// The last failure, until a success.
    pub error: Option<String>,
}

impl Progress {
    /// What an earlier process left.
    pub fn new(waiting: impl Iterator<Item = PathBuf>, rows: u64) -> Self {
        Progress { waiting: waiting.collect(), rows, last_us: None, error: None }
    }
}

/// Runs until it is stopped or the log is gone.
pub fn run(shared: &Shared, inbox: &Receiver<Command>, sinks: Vec<Box<dyn Sink>>) {
    let converter = Converter { shared, sinks };
    // What an earlier process left is stored at once.
    let _ = converter.convert();
    loop {
        let outcome = match inbox.recv_timeout(TICK) {
            Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Command::Rotate) => converter.rotate().and_then(|()| converter.convert()),
            Ok(Command::Flush(reply)) => {
                let outcome = converter.rotate().and_then(|()| converter.convert());
                let _ = reply.send(outcome);
                continue;
            }
            Err(RecvTimeoutError::Timeout) if converter.is_due() => {
                converter.rotate().and_then(|()| converter.convert())
            }
            Err(RecvTimeoutError::Timeout) => converter.convert(),
        };
        if let Err(error) = outcome {
            tracing::error!(error = chain(&error), "audit rows wait in the write-ahead log");
        }
    }
}

struct Converter<'s> {
    shared: &'s Shared,
    sinks: Vec<Box<dyn Sink>>,
}

impl Converter<'_> {
    /// Whether the oldest row has waited for long enough.
    fn is_due(&self) -> bool {
        let first_us = self.shared.state.lock().segment.first_time_us();
        let seconds = i64::try_from(self.shared.settings.rotate_seconds).unwrap_or(i64::MAX);
        let wait_us = seconds.saturating_mul(1_000_000);
        first_us.is_some_and(|first| {
            let waited = (self.shared.clock)().saturating_sub(first);
            // A clock that was set back must not keep rows waiting.
            waited >= wait_us || waited < 0
        })
    }

    /// Starts a new segment, unless the present one is empty.
    fn rotate(&self) -> Result<(), AuditError> {
        let home = &self.shared.home;
        if self.shared.state.lock().segment.rows() == 0 {
            return Ok(());
        }
        let start = || AuditError::directory("start a segment", home.dir());
        let draft = draft_segment(home).map_err(start())?;
        let mut state = self.shared.state.lock();
        let position = state.position();
        let next_seq = state.next_seq;
        let segment = name_segment(draft, home, next_seq).map_err(start())?;
        let old = state.replace(segment);
        let mut progress = self.shared.progress.lock();
        progress.waiting.push_back(home::segment_path(home.dir(), old.first_seq()));
        progress.rows = progress.rows.saturating_add(old.rows());
        drop(progress);
        if self.shared.settings.durability == Durability::Disk {
            state.closed.push((old.medium().clone(), position));
        }
        if old.open_rows() > 0 {
            state.unfinished.push(old);
        }
        drop(state);
        self.shared.unsynced.notify_one();
        home::sync_dir(&home.wal_dir()).map_err(start())
    }

    /// Stores and deletes every closed segment, oldest first; stops at the first that fails or has
    /// rows that may still be completed. At the end of the log nothing may.
    fn convert(&self) -> Result<(), AuditError> {
        loop {
            let next = self.shared.progress.lock().waiting.front().cloned();
            let Some(segment) = next else { return Ok(()) };
            if self.is_unfinished(&segment) {
                return Ok(());
            }
            let outcome = self.store(&segment);
            let mut progress = self.shared.progress.lock();
            match outcome {
                Ok(rows) => {
                    progress.waiting.pop_front();
                    progress.rows = progress.rows.saturating_sub(rows);
                    progress.last_us = Some((self.shared.clock)());
                    progress.error = None;
                }
                Err(error) => {
                    progress.error = Some(chain(&error));
                    return Err(AuditError::Store(error));
                }
            }
        }
    }

    fn is_unfinished(&self, segment: &Path) -> bool {
        let state = self.shared.state.lock();
        let path = |first_seq| home::segment_path(self.shared.home.dir(), first_seq);
        state.phase == Phase::Open
            && state.unfinished.iter().any(|open| path(open.first_seq()) == *segment)
    }

    fn store(&self, segment: &Path) -> Result<u64, SinkError> {
        let mut rows = 0;
        for sink in &self.sinks {
            rows = sink.store(segment)?;
        }
        match fs::remove_file(segment) {
            Ok(()) => Ok(rows),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(rows),
            Err(error) => Err(SinkError::file("delete it", segment)(error)),
        }
    }
}
