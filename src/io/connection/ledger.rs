//! The rows that a connection has reserved, from its requests' leaving to their answers.

use std::collections::HashMap;

use crate::audit::{Answered, Completion, Posting, Ticket};
use crate::io::sink::{AuditError, AuditLog};

/// As many entries as partitions are in flight; what is left at the end is given up.
pub(super) struct Ledger<'g> {
    log: &'g AuditLog,
    seqs: HashMap<Ticket, u64>,
}

impl<'g> Ledger<'g> {
    pub fn new(log: &'g AuditLog) -> Self {
        Self { log, seqs: HashMap::new() }
    }

    /// Hands evidence to the log, and returns when it is as durable as it must be.
    pub async fn post(&mut self, posting: &Posting) -> Result<(), AuditError> {
        let mut position = None;
        if !posting.rows.is_empty() || !posting.reserved.is_empty() {
            let reserved = posting.reserved.iter().map(|(_, row)| row);
            let accepted = self.log.reserve(&posting.rows, reserved)?;
            let tickets = posting.reserved.iter().map(|(ticket, _)| *ticket);
            self.seqs.extend(tickets.zip(accepted.seqs));
            position = Some(accepted.position);
        }
        let answers: Vec<Answered> = posting
            .completed
            .iter()
            .filter_map(|(ticket, end)| self.answer(*ticket, *end))
            .collect();
        if !answers.is_empty() {
            position = Some(self.log.complete(&answers)?);
        }
        for (ticket, _) in &posting.completed {
            if let Some(seq) = self.seqs.remove(ticket)
                && answers.iter().all(|answer| answer.seq != seq)
            {
                self.log.abandon([seq]);
            }
        }
        match position {
            Some(position) => self.log.durable(position).await,
            None => Ok(()),
        }
    }

    fn answer(&self, ticket: Ticket, completion: Completion) -> Option<Answered> {
        match completion {
            Completion::Answered { error_code, first_offset, topic_id } => {
                let seq = *self.seqs.get(&ticket)?;
                Some(Answered { seq, error_code, first_offset, topic_id })
            }
            Completion::Unanswered => None,
        }
    }
}

impl Drop for Ledger<'_> {
    /// A connection that was cut, or ended by a bug, leaves no row open.
    fn drop(&mut self) {
        if !self.seqs.is_empty() {
            self.log.abandon(self.seqs.drain().map(|(_, seq)| seq));
        }
    }
}
