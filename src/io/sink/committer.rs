//! Group commit: one fdatasync for all rows that were written meanwhile.
//!
//! A failed sync is final for its rows: the kernel may drop the pages and report success on the
//! next try. So these rows are reported as not durable, the segment is left as soon as it can
//! be, and rows of the next segment are judged by their own sync.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::converter::Command;
use super::home;
use super::log::{Name, Phase, Position, Shared, State};

/// The most ranges of failed rows that are told apart.
const FAILED_RANGES_MAX: usize = 64;

/// How far the disk has confirmed the rows.
#[derive(Clone, Debug, Default)]
pub struct Synced {
    /// Frames up to there are settled: durable, or in one of the failed ranges.
    position: Position,
    failed: Vec<(u64, u64)>,
}

impl Synced {
    /// Everything up to `position` is durable.
    pub fn through(position: Position) -> Self {
        Synced { position, failed: Vec::new() }
    }

    /// The last row that is settled.
    pub fn seq(&self) -> u64 {
        self.position.seq
    }

    /// Whether everything up to `position` is settled.
    pub fn covers(&self, position: Position) -> bool {
        self.position.mark >= position.mark
    }

    /// Whether the disk refused the frame at `position`.
    pub fn failed(&self, position: Position) -> bool {
        self.failed.iter().any(|(from, to)| (*from..=*to).contains(&position.mark))
    }

    fn settle(&mut self, position: Position, outcome: Outcome) {
        let last = position.mark;
        let from = self.position.mark.saturating_add(1);
        if last < from {
            return;
        }
        if outcome == Outcome::Failed {
            let full = self.failed.len() >= FAILED_RANGES_MAX;
            match self.failed.last_mut() {
                // When there are too many ranges, the last one grows over good rows as well.
                Some((_, to)) if full || to.saturating_add(1) == from => *to = last,
                _ => self.failed.push((from, last)),
            }
        }
        self.position = position;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Durable,
    Failed,
}

/// What one round syncs.
struct Round {
    /// Closed segments that got answers.
    touched: Vec<(u64, Arc<File>)>,
    closed: Vec<(Arc<File>, Position)>,
    open: Arc<File>,
    open_first: u64,
    last: Position,
    name: Name,
}

/// Runs until the log is closed and everything accepted is settled.
pub fn run(shared: &Shared, commands: &Sender<Command>) {
    // The first `seq` of a segment whose sync failed; nothing of it is trusted any more.
    let mut distrusted = None;
    while let Some(round) = next_round(shared) {
        let mut failed_answers = None;
        for (first_seq, file) in &round.touched {
            if let Err(error) = file.sync_data() {
                shared.state.lock().distrust(*first_seq);
                failed_answers = Some(error);
            }
        }
        for (file, last) in &round.closed {
            let failure = file.sync_data().err();
            settle(shared, *last, failure.as_ref().or(failed_answers.as_ref()));
        }
        let named = match round.name {
            Name::Synced => Ok(()),
            Name::Unsynced => home::sync_dir(&shared.home.wal_dir()),
        };
        let failure = named.and_then(|()| round.open.sync_data()).err();
        if failure.is_some() {
            distrusted = Some(round.open_first);
            shared.state.lock().distrust(round.open_first);
        }
        if distrusted == Some(round.open_first) {
            let _ = commands.send(Command::Rotate);
            let failure = failure.unwrap_or_else(|| io::Error::other("an earlier sync failed"));
            settle(shared, round.last, Some(&failure));
        } else {
            settle(shared, round.last, failed_answers.as_ref());
        }
    }
}

/// Tells the waiting callers and the status how the sync of the rows up to `last` ended.
fn settle(shared: &Shared, last: Position, failure: Option<&io::Error>) {
    let outcome = if failure.is_some() { Outcome::Failed } else { Outcome::Durable };
    let failure = failure.map(|error| {
        let error = format!("the audit log could not be synced to disk: {error}");
        tracing::error!(error);
        error
    });
    shared.state.lock().sync_error = failure;
    shared.synced.send_modify(|synced| synced.settle(last, outcome));
}

/// Waits for rows that are not settled.
fn next_round(shared: &Shared) -> Option<Round> {
    let mut state = shared.state.lock();
    loop {
        let last = state.position();
        if !shared.synced.borrow().covers(last) || !state.closed.is_empty() {
            return Some(state.round(last));
        }
        if state.phase == Phase::Closed {
            return None;
        }
        shared.unsynced.wait(&mut state);
    }
}

impl State {
    /// A sync of the segment that starts with `first_seq` has failed.
    fn distrust(&mut self, first_seq: u64) {
        let closed = self.unfinished.iter_mut();
        let mut all = closed.chain(std::iter::once(&mut self.segment));
        if let Some(segment) = all.find(|segment| segment.first_seq() == first_seq) {
            segment.distrust();
        }
    }

    fn round(&mut self, last: Position) -> Round {
        Round {
            touched: std::mem::take(&mut self.touched),
            closed: std::mem::take(&mut self.closed),
            open: Arc::clone(self.segment.medium()),
            open_first: self.segment.first_seq(),
            last,
            name: std::mem::replace(&mut self.name, Name::Synced),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mark: u64) -> Position {
        Position { seq: mark, mark }
    }

    #[test]
    fn a_failed_range_stays_failed() {
        let mut synced = Synced::through(at(4));
        synced.settle(at(6), Outcome::Durable);
        synced.settle(at(9), Outcome::Failed);
        synced.settle(at(10), Outcome::Failed);
        synced.settle(at(12), Outcome::Durable);
        let failed: Vec<u64> = (1..=12).filter(|mark| synced.failed(at(*mark))).collect();
        assert_eq!((synced.seq(), failed), (12, vec![7, 8, 9, 10]));
    }

    #[test]
    fn many_ranges_never_make_a_failed_row_look_good() {
        let mut synced = Synced::default();
        let last = 4 * FAILED_RANGES_MAX as u64;
        for seq in 1..=last {
            let bad = seq % 2 == 0;
            synced.settle(at(seq), if bad { Outcome::Failed } else { Outcome::Durable });
        }
        assert!((1..=last).filter(|seq| seq % 2 == 0).all(|seq| synced.failed(at(seq))));
        assert_eq!(synced.failed.len(), FAILED_RANGES_MAX);
    }
}
