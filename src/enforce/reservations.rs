//! Rows of what a request changes: reserved before it leaves, completed with the broker's answer.
//!
//! A reservation is found again by its key, which is what the answer calls the changed thing by.

use kafka_protocol::protocol::StrBytes;

use super::access::Access;
use super::facts::Effects;
use crate::audit::{AuditDecision, Completion, Ticket};
use crate::policy::Resource;
use crate::wire::{ErrorCode, TopicId};

/// Names that one row's message lists at the most.
const NAMES_TOLD_MAX: usize = 16;

/// The rows of one request that wait for the broker's answer.
#[derive(Clone, Default)]
pub struct Reservations {
    open: Vec<(StrBytes, Ticket)>,
}

impl Reservations {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives up the tickets.
    pub fn release(&mut self) -> Vec<Ticket> {
        self.open.drain(..).map(|(_, ticket)| ticket).collect()
    }

    /// Takes the rows back: the request does not leave.
    pub fn withdraw(&mut self, effects: &mut Effects) {
        let tickets = self.release();
        effects.evidence.reserved.retain(|(ticket, _)| !tickets.contains(ticket));
    }
}

impl Access<'_, '_> {
    /// Reserves the row of something that the broker is asked to change. `about` is what the row's
    /// message says; a topic's name needs none.
    pub fn reserve(&mut self, key: &StrBytes, resource: &Resource<'_>, about: Option<&str>) {
        let mut row = self.row(AuditDecision::Allow, resource);
        if let Some(about) = about {
            row.message = Some(about.into());
        }
        let ticket = self.facts.reserve(row);
        self.reserved.open.push((key.clone(), ticket));
    }

    /// Completes what was reserved under `key` with what the broker said of it.
    pub fn settle(&mut self, key: &str, error_code: i16) {
        self.settle_topic(key, error_code, TopicId::ZERO);
    }

    /// As [`Self::settle`], where the answer tells the topic's id, or a zero id.
    pub fn settle_topic(&mut self, key: &str, error_code: i16, id: TopicId) {
        let topic_id = (!id.is_zero()).then_some(id.0);
        let completion = Completion::Answered { error_code, first_offset: None, topic_id };
        let completed = &mut self.facts.effects.evidence.completed;
        self.reserved.open.retain(|(reserved, ticket)| {
            let settled = **reserved == *key;
            if settled {
                completed.push((*ticket, completion));
            }
            !settled
        });
    }

    /// Completes whatever is still open with one answer to all of it.
    pub fn settle_all(&mut self, error_code: i16) {
        let completion = Completion::Answered { error_code, first_offset: None, topic_id: None };
        let tickets = self.reserved.release();
        let completed = tickets.into_iter().map(|ticket| (ticket, completion));
        self.facts.effects.evidence.completed.extend(completed);
    }

    /// Completes what the broker's answer said nothing of.
    pub fn leave_unanswered(&mut self) {
        let tickets = self.reserved.release();
        let completed = tickets.into_iter().map(|ticket| (ticket, Completion::Unanswered));
        self.facts.effects.evidence.completed.extend(completed);
    }
}

/// The error of a thing of several parts: that of the first part which has one.
pub fn first_error(codes: impl IntoIterator<Item = i16>) -> i16 {
    codes.into_iter().find(|code| *code != ErrorCode::NONE.0).unwrap_or(ErrorCode::NONE.0)
}

/// Names for a row's message: a few of them, and how many more there are.
pub fn listed<'n>(what: &str, names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(NAMES_TOLD_MAX);
    let told: Vec<&str> = names.take(NAMES_TOLD_MAX).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{what} {}{rest}", told.join(", "))
}
