//! The audit log itself: accepts events, numbers them, and has them written before it returns.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::committer::{self, Synced};
use super::converter::{self, Command, Progress};
use super::fault::AuditError;
use super::groups::{self, GroupLists, Listing};
use super::home::{self, Home};
use super::recovery::{Gap, Recovered, recover};
use super::reservations::Reserved;
use super::segment::{Segment, new_segment};
use super::wal::{self, PAYLOAD_BYTES_MAX};
use super::{AuditSettings, Clock, Durability, Place, Required, SINKS};
use crate::audit::{AuditEvent, Entry, EventKind, Line, SessionFacts, Stamp};

/// The frame up to which a caller waits: the last one that it wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub(super) seq: u64,
    /// Frames that this process has written, rows and answers.
    pub(super) mark: u64,
}

impl Position {
    /// The `seq` of the last row up to there; 0 where nothing was ever written.
    pub fn seq(self) -> u64 {
        self.seq
    }
}

/// The log. One for each process; shared by reference.
pub struct AuditLog {
    shared: Arc<Shared>,
    commands: Sender<Command>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// How the log is, for `/status` and the metrics.
#[derive(Clone, Debug)]
pub struct AuditStatus {
    /// Whether the last thing that was tried worked.
    pub health: Health,
    /// Rows accepted since the start of the process.
    pub rows: u64,
    /// Rows lost since the start of the process; only with `required: false`.
    pub rows_lost: u64,
    /// Rows in the write-ahead log that are in no Parquet file yet.
    pub lag_rows: u64,
    /// The size of the segment that is written to, in bytes.
    pub segment_bytes: u64,
    /// Closed segments that wait for conversion.
    pub segments_waiting: u64,
    /// The `seq` of the next row.
    pub next_seq: u64,
    /// The last row that a power cut cannot take; only with `durability: disk`.
    pub durable_seq: Option<u64>,
    /// When rows were last stored, in microseconds since 1970.
    pub last_conversion_us: Option<i64>,
    /// The last failure that was not followed by a success of the same kind.
    pub last_error: Option<String>,
}

/// Whether the log can be relied on right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Rows are accepted.
    Good,
    /// The last write or sync failed; with `required: true` requests are refused.
    Failing,
}

/// What the log's threads share.
pub(super) struct Shared {
    pub settings: AuditSettings,
    pub home: Home,
    pub clock: Clock,
    pub state: Mutex<State>,
    /// Tells the committer that there is something to sync.
    pub unsynced: Condvar,
    pub synced: watch::Sender<Synced>,
    pub progress: Mutex<Progress>,
    pub groups: Mutex<GroupLists>,
    facts: Arc<SessionFacts>,
}

/// What an append changes.
pub(super) struct State {
    pub segment: Segment<Arc<File>>,
    pub next_seq: u64,
    pub phase: Phase,
    /// Frames written by this process.
    pub mark: u64,
    /// Closed segments that the committer has not synced, with where they end.
    pub closed: Vec<(Arc<File>, Position)>,
    /// Closed segments with rows that may still be completed, oldest first.
    pub unfinished: Vec<Segment<Arc<File>>>,
    /// Those of them that got an answer since the last sync, by their first `seq`.
    pub touched: Vec<(u64, Arc<File>)>,
    /// Whether the name of the segment could be lost in a power cut.
    pub name: Name,
    /// The error of the last write, until one works.
    pub write_error: Option<String>,
    /// The error of the last sync, until one works.
    pub sync_error: Option<String>,
    pub rows: u64,
    pub rows_lost: u64,
    rotation: Rotation,
    pub(super) buffer: Vec<u8>,
    /// Rows that could not be written since the last one that was.
    missed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Synced,
    Unsynced,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotation {
    Idle,
    Asked,
}

impl AuditLog {
    /// Takes the directory, repairs what an earlier process left, and starts to accept rows.
    ///
    /// # Errors
    /// Where the directory cannot be used, belongs to another process, or holds segments of a
    /// newer version. Rows that cannot be read are no error: an `audit_gap` row names them.
    pub fn open(settings: AuditSettings, clock: Clock) -> Result<Self, AuditError> {
        let home = Home::open(&settings.dir)?;
        let recovered = recover(&home)?;
        let waiting = home::segments(home.dir())
            .map_err(AuditError::directory("list the segments", home.dir()))?;
        let waiting = waiting.into_iter().filter(|(first, _)| *first != recovered.next_seq);
        let segment = new_segment(&home, recovered.next_seq)
            .map_err(AuditError::directory("start a segment", &home.wal_dir()))?;
        let lists_path = groups::path(&home::groups_dir(home.dir()), home.node_id());
        let lists = GroupLists::open(&lists_path)
            .map_err(AuditError::directory("open the lists of groups", &lists_path))?;
        let place = Place { dir: home.dir().to_owned(), node_id: Arc::clone(home.node_id()) };
        let progress = Progress::new(waiting.map(|(_, path)| path), recovered.rows);
        let position = Position { seq: recovered.next_seq.saturating_sub(1), mark: 0 };
        let durable = Synced::through(position);
        let shared = Arc::new(Shared {
            facts: Arc::new(SessionFacts::gateway(Arc::clone(&settings.cluster))),
            settings,
            home,
            clock,
            state: Mutex::new(State::new(segment, recovered.next_seq)),
            unsynced: Condvar::new(),
            synced: watch::Sender::new(durable),
            progress: Mutex::new(progress),
            groups: Mutex::new(lists),
        });
        let (commands, inbox) = channel();
        let log = AuditLog { shared, commands, threads: Mutex::new(Vec::new()) };
        log.record_gaps(&recovered)?;
        log.start_threads(inbox, &place)?;
        Ok(log)
    }

    fn start_threads(&self, inbox: Receiver<Command>, place: &Place) -> Result<(), AuditError> {
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            let builder = std::thread::Builder::new().name(name.to_owned());
            let start = AuditError::directory("start a thread for it", self.shared.home.dir());
            builder.spawn(body).map_err(start)
        };
        let mut threads = self.threads.lock();
        let sinks = SINKS.iter().map(|sink| (sink.build)(place)).collect();
        let shared = Arc::clone(&self.shared);
        let convert = Box::new(move || converter::run(&shared, &inbox, sinks));
        threads.push(spawn("audit-convert", convert)?);
        if self.shared.settings.durability == Durability::Disk {
            let shared = Arc::clone(&self.shared);
            let commands = self.commands.clone();
            let commit = Box::new(move || committer::run(&shared, &commands));
            threads.push(spawn("audit-commit", commit)?);
        }
        Ok(())
    }

    fn record_gaps(&self, recovered: &Recovered) -> Result<(), AuditError> {
        let gap_event = |gap: &Gap| {
            let to = gap.to.map_or("an unknown one".to_owned(), |to| to.to_string());
            let message = format!("rows {} to {to} are missing: {}", gap.from, gap.reason);
            let facts = Arc::clone(&self.shared.facts);
            let mut event = AuditEvent::new(EventKind::AuditGap, facts);
            event.message = Some(message.into());
            event
        };
        let events: Vec<AuditEvent> = recovered.gaps.iter().map(gap_event).collect();
        self.append(&events).map(|_| ())
    }

    /// Writes the events as rows with the next `seq`s. When this returns, they are in the
    /// kernel and survive the end of the process. All of them are accepted or none.
    ///
    /// # Errors
    /// [`AuditError::Write`] where the disk refuses, unless the log is not `required`: then the
    /// rows are counted as lost and the call succeeds. No `seq` is used up by a failure.
    pub fn append(&self, events: &[AuditEvent]) -> Result<Position, AuditError> {
        self.accept(events, std::iter::empty()).map(|accepted| accepted.position)
    }

    pub(super) fn accept<'e>(
        &self,
        whole: &[AuditEvent],
        reserved: impl ExactSizeIterator<Item = &'e AuditEvent> + Clone,
    ) -> Result<Reserved, AuditError> {
        let shared = &*self.shared;
        let mut state = shared.state.lock();
        let outcome = state.accept(whole, reserved, shared);
        let full = state.segment.rows() >= shared.settings.rotate_rows;
        if full && state.rotation == Rotation::Idle {
            state.rotation = Rotation::Asked;
            let _ = self.commands.send(Command::Rotate);
        }
        drop(state);
        if shared.settings.durability == Durability::Disk {
            shared.unsynced.notify_one();
        }
        outcome
    }

    /// Returns at once under `process`; under `disk`, when the row is on the disk.
    ///
    /// # Errors
    /// [`AuditError::Sync`] where the disk did not confirm the row, [`AuditError::Closed`] where
    /// the log ended first. With `required: false` there are none.
    pub async fn durable(&self, position: Position) -> Result<(), AuditError> {
        if self.shared.settings.durability == Durability::Process {
            return Ok(());
        }
        let mut synced = self.shared.synced.subscribe();
        let outcome = match synced.wait_for(|synced| synced.covers(position)).await {
            Ok(synced) if synced.failed(position) => Err(AuditError::Sync),
            Ok(_) => Ok(()),
            Err(_) => Err(AuditError::Closed),
        };
        match self.shared.settings.required {
            Required::Refuse => outcome,
            Required::CountLost => Ok(()),
        }
    }

    /// The id of a list of groups, for [`SessionFacts::groups_id`]; a new list is written to
    /// the side file first.
    ///
    /// # Errors
    /// [`AuditError::Write`] where that fails and the log is `required`.
    pub fn groups_id(&self, list: &[Arc<str>]) -> Result<Arc<str>, AuditError> {
        let shared = &*self.shared;
        let mut lists = shared.groups.lock();
        let outcome = lists.id(list).and_then(|(id, listing)| {
            if listing == Listing::Written && shared.settings.durability == Durability::Disk {
                lists.sync()?;
            }
            Ok(id)
        });
        match (outcome, shared.settings.required) {
            (Ok(id), _) => Ok(id),
            (Err(error), Required::Refuse) => Err(AuditError::Write(error)),
            (Err(error), Required::CountLost) => {
                tracing::error!(%error, "a list of groups could not be written");
                Ok(crate::audit::groups_id(list).into())
            }
        }
    }

    /// Closes the segment and converts everything; returns when every row accepted before the
    /// call is in a Parquet file. Blocks: from async code by `spawn_blocking`.
    ///
    /// # Errors
    /// [`AuditError::Store`] where files cannot be written; the rows stay in the log and are
    /// tried again.
    pub fn flush(&self) -> Result<(), AuditError> {
        let (reply, answer) = sync_channel(1);
        self.commands.send(Command::Flush(reply)).map_err(|_| AuditError::Closed)?;
        answer.recv().map_err(|_| AuditError::Closed)?
    }

    /// Refuses further rows, then does what `flush` does, and ends the threads.
    ///
    /// # Errors
    /// Those of `flush`; what could not be converted is converted at the next start.
    pub fn close(&self) -> Result<(), AuditError> {
        self.shared.state.lock().phase = Phase::Closed;
        let outcome = self.flush();
        self.stop();
        outcome
    }

    /// A snapshot for people and metrics.
    pub fn status(&self) -> AuditStatus {
        let shared = &*self.shared;
        // In the order of a rotation, so that its rows are seen in one of the two places.
        let state = shared.state.lock();
        let progress = shared.progress.lock().clone();
        let error = state.write_error.as_ref().or(state.sync_error.as_ref());
        let disk = shared.settings.durability == Durability::Disk;
        AuditStatus {
            health: if error.is_some() { Health::Failing } else { Health::Good },
            rows: state.rows,
            rows_lost: state.rows_lost,
            lag_rows: progress.rows.saturating_add(state.segment.rows()),
            segment_bytes: state.segment.bytes(),
            segments_waiting: progress.waiting.len() as u64,
            next_seq: state.next_seq,
            durable_seq: disk.then(|| shared.synced.borrow().seq()),
            last_conversion_us: progress.last_us,
            last_error: error.cloned().or(progress.error),
        }
    }

    /// The node's id, as in the rows.
    pub fn node_id(&self) -> &Arc<str> {
        self.shared.home.node_id()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn stop(&self) {
        self.shared.state.lock().phase = Phase::Closed;
        let _ = self.commands.send(Command::Stop);
        self.shared.unsynced.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Drop for AuditLog {
    /// Ends the threads without converting: what is in the log is converted at the next start.
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    fn new(segment: Segment<Arc<File>>, next_seq: u64) -> Self {
        State {
            segment,
            next_seq,
            phase: Phase::Open,
            mark: 0,
            closed: Vec::new(),
            unfinished: Vec::new(),
            touched: Vec::new(),
            name: Name::Synced,
            write_error: None,
            sync_error: None,
            rows: 0,
            rows_lost: 0,
            rotation: Rotation::Idle,
            buffer: Vec::new(),
            missed: 0,
        }
    }

    fn accept<'e>(
        &mut self,
        whole: &[AuditEvent],
        reserved: impl ExactSizeIterator<Item = &'e AuditEvent> + Clone,
        shared: &Shared,
    ) -> Result<Reserved, AuditError> {
        if self.phase == Phase::Closed {
            return Err(AuditError::Closed);
        }
        let (waiting, rows) = (reserved.len() as u64, (whole.len() + reserved.len()) as u64);
        if rows == 0 {
            return Ok(Reserved { position: self.position(), seqs: 0..0 });
        }
        match self.write(whole, reserved, shared) {
            Ok(rows) => {
                self.rows = self.rows.saturating_add(rows);
                self.mark = self.mark.saturating_add(rows);
                self.next_seq = self.next_seq.saturating_add(rows);
                self.segment.reserve(waiting);
                self.missed = 0;
                self.write_error = None;
                let seqs = self.next_seq.saturating_sub(waiting)..self.next_seq;
                Ok(Reserved { position: self.position(), seqs })
            }
            Err(error) => {
                self.missed = self.missed.saturating_add(rows);
                self.write_error = Some(chain(&error));
                match shared.settings.required {
                    Required::Refuse => Err(error),
                    Required::CountLost => {
                        self.rows_lost = self.rows_lost.saturating_add(rows);
                        Ok(Reserved { position: self.position(), seqs: 0..0 })
                    }
                }
            }
        }
    }

    /// Encodes and writes; gives the number of rows, one more where a gap had to be named.
    fn write<'e>(
        &mut self,
        whole: &[AuditEvent],
        reserved: impl Iterator<Item = &'e AuditEvent>,
        shared: &Shared,
    ) -> Result<u64, AuditError> {
        let time_us = (shared.clock)();
        let gap = (self.missed > 0).then(|| missed_event(self.missed, shared));
        let mut seq = self.next_seq;
        let mut stamp = || {
            let stamp = Stamp { seq, time_us, node_id: shared.home.node_id() };
            seq = seq.saturating_add(1);
            stamp
        };
        self.buffer.clear();
        let large = |large: wal::TooLarge| AuditError::RowTooLarge {
            bytes: large.bytes,
            bytes_max: PAYLOAD_BYTES_MAX,
        };
        for event in gap.iter().chain(whole) {
            let row = Line::Row(Entry::new(stamp(), event));
            wal::encode(&row, &mut self.buffer).map_err(large)?;
        }
        for event in reserved {
            let row = Line::Reserved(Entry::new(stamp(), event));
            wal::encode(&row, &mut self.buffer).map_err(large)?;
        }
        let rows = seq.saturating_sub(self.next_seq);
        let outcome = self.segment.append(&self.buffer, rows, time_us);
        // One huge batch must not hold its memory for ever.
        self.buffer.shrink_to(PAYLOAD_BYTES_MAX);
        outcome.map(|()| rows).map_err(AuditError::Write)
    }

    /// Where the log is.
    pub fn position(&self) -> Position {
        Position { seq: self.next_seq.saturating_sub(1), mark: self.mark }
    }

    /// Puts a new segment in the place of the one that is written to; gives the old one.
    pub fn replace(&mut self, segment: Segment<Arc<File>>) -> Segment<Arc<File>> {
        self.name = Name::Unsynced;
        self.rotation = Rotation::Idle;
        std::mem::replace(&mut self.segment, segment)
    }
}

fn missed_event(missed: u64, shared: &Shared) -> AuditEvent {
    let what = match shared.settings.required {
        Required::Refuse => "were refused because their rows could not be written",
        Required::CountLost => "went on without a row because none could be written",
    };
    let mut event = AuditEvent::new(EventKind::AuditGap, Arc::clone(&shared.facts));
    event.suppressed = u32::try_from(missed).unwrap_or(u32::MAX);
    event.message = Some(format!("{missed} events {what}").into());
    event
}

/// An error and its reasons in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        source = reason.source();
    }
    text
}
