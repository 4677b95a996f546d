//! Rows that are completed later: kept open in the segment that holds them.
//!
//! An answer is written behind its row, into the same segment, also when that segment was closed
//! meanwhile; so every segment can be read by itself. A segment is converted when none of its rows
//! is open, and segments are converted in order.

use std::ops::Range;

use super::fault::AuditError;
use super::log::{AuditLog, Phase, Position, Shared, State, chain};
use super::segment::Trust;
use super::wal::{self, PAYLOAD_BYTES_MAX};
use super::{Durability, Required};
use crate::audit::{Answered, AuditEvent, Line};

/// What [`AuditLog::reserve`] has accepted.
#[derive(Debug)]
pub struct Reserved {
    /// Up to where to wait.
    pub position: Position,
    /// The `seq`s of the reserved rows, in their order; empty where they were lost.
    pub seqs: Range<u64>,
}

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Current,
    /// In the closed segment at this index.
    Closed(usize),
}

impl AuditLog {
    /// Writes `whole` and then `reserved` as rows with the next `seq`s, as [`AuditLog::append`]
    /// does. The caller completes or abandons each reserved row exactly once; until then its
    /// segment is not converted.
    ///
    /// # Errors
    /// Those of [`AuditLog::append`].
    pub fn reserve<'e>(
        &self,
        whole: &[AuditEvent],
        reserved: impl ExactSizeIterator<Item = &'e AuditEvent> + Clone,
    ) -> Result<Reserved, AuditError> {
        self.accept(whole, reserved)
    }

    /// Writes the broker's answers to reserved rows.
    ///
    /// # Errors
    /// [`AuditError::Write`] and [`AuditError::Sync`] where the disk refuses and the log is
    /// `required`; [`AuditError::Closed`] where it has ended. The rows then stay open.
    pub fn complete(&self, answers: &[Answered]) -> Result<Position, AuditError> {
        let shared = self.shared();
        let mut state = shared.state.lock();
        let outcome = state.complete(answers, shared);
        drop(state);
        if shared.settings.durability == Durability::Disk {
            shared.unsynced.notify_one();
        }
        outcome
    }

    /// No answer to these reserved rows will come. Nothing is written: a row without an answer says
    /// so.
    pub fn abandon(&self, seqs: impl IntoIterator<Item = u64>) {
        let mut state = self.shared().state.lock();
        for seq in seqs {
            state.settle(seq);
        }
    }
}

impl State {
    fn complete(&mut self, answers: &[Answered], shared: &Shared) -> Result<Position, AuditError> {
        if self.phase == Phase::Closed {
            return Err(AuditError::Closed);
        }
        let required = shared.settings.required;
        let mut rest = answers;
        while let Some(first) = rest.first() {
            let place = self.place(first.seq).ok_or(AuditError::Closed)?;
            let length = rest.iter().take_while(|next| self.place(next.seq) == Some(place)).count();
            let (run, behind) = rest.split_at(length);
            rest = behind;
            match (self.write_answers(run, place, shared), required) {
                (Ok(()), _) | (Err(_), Required::CountLost) => {}
                (Err(error), Required::Refuse) => return Err(error),
            }
            run.iter().for_each(|answer| self.settle(answer.seq));
        }
        Ok(self.position())
    }

    fn write_answers(
        &mut self,
        answers: &[Answered],
        place: Place,
        shared: &Shared,
    ) -> Result<(), AuditError> {
        let durability = shared.settings.durability;
        self.buffer.clear();
        for answer in answers {
            wal::encode(&Line::Answered(*answer), &mut self.buffer).map_err(|large| {
                AuditError::RowTooLarge { bytes: large.bytes, bytes_max: PAYLOAD_BYTES_MAX }
            })?;
        }
        let segment = match place {
            Place::Current => Some(&mut self.segment),
            Place::Closed(index) => self.unfinished.get_mut(index),
        };
        let segment = segment.ok_or(AuditError::Closed)?;
        if durability == Durability::Disk && segment.trust() == Trust::Lost {
            return Err(AuditError::Sync);
        }
        let outcome = segment.append(&self.buffer, 0, (shared.clock)());
        let file = (segment.first_seq(), segment.medium().clone());
        let known = |(first_seq, _): &(u64, _)| *first_seq == file.0;
        if place != Place::Current
            && durability == Durability::Disk
            && !self.touched.iter().any(known)
        {
            self.touched.push(file);
        }
        match outcome {
            Ok(()) => {
                self.mark = self.mark.saturating_add(answers.len() as u64);
                self.write_error = None;
                Ok(())
            }
            Err(error) => {
                let error = AuditError::Write(error);
                self.write_error = Some(chain(&error));
                Err(error)
            }
        }
    }

    fn settle(&mut self, seq: u64) {
        match self.place(seq) {
            Some(Place::Current) => self.segment.settle(),
            Some(Place::Closed(index)) => {
                if let Some(segment) = self.unfinished.get_mut(index) {
                    segment.settle();
                    if segment.open_rows() == 0 {
                        self.unfinished.remove(index);
                    }
                }
            }
            None => {}
        }
    }

    fn place(&self, seq: u64) -> Option<Place> {
        if seq >= self.segment.first_seq() {
            return Some(Place::Current);
        }
        // The closed segments with open rows, oldest first.
        let index = self.unfinished.iter().rposition(|segment| segment.first_seq() <= seq)?;
        let holds = self
            .unfinished
            .get(index)
            .is_some_and(|segment| seq < segment.first_seq().saturating_add(segment.rows()));
        holds.then_some(Place::Closed(index))
    }
}
