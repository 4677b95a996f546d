//! Requests that wait for their answers, in the order in which the client sent them.
//!
//! Answers are matched by position, never by correlation id (T18, T19): the broker answers in
//! order, and the client is answered in order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::asking::Errand;
use crate::audit::Ticket;
use crate::enforce::facts::Answers;
use crate::enforce::{CloseReason, Judge, Response, Slices};
use crate::policy::PolicySet;
use crate::wire::ApiKey;

/// The queue.
#[derive(Default)]
pub(super) struct Inflight {
    entries: VecDeque<Entry>,
}

/// One place in it.
pub(super) enum Entry {
    /// The broker owes an answer to the client's request.
    Sent(Exchange),
    /// The answer is here and is not judged yet, or waits for something.
    Arrived(Exchange, Response),
    /// An answer that only waits for its turn.
    Ready(Slices, Option<CloseReason>),
    /// The broker owes an answer to a question of Lockgate's own.
    Errand(Errand),
}

/// A client's request that went to the broker.
pub(super) struct Exchange {
    pub key: ApiKey,
    /// The version that the broker was asked with.
    pub version: i16,
    pub correlation_id: i32,
    pub judge: Option<Box<dyn Judge>>,
    pub answers: Answers,
    /// Needs that are not answered yet.
    pub open_needs: usize,
    pub runs: u32,
    /// Pinned when the answer is first judged.
    pub policy: Option<Arc<PolicySet>>,
}

impl Inflight {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    pub fn front(&mut self) -> Option<&mut Entry> {
        self.entries.front_mut()
    }

    pub fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    pub fn put_back(&mut self, entry: Entry) {
        self.entries.push_front(entry);
    }

    /// The place of the entry that the broker answers next.
    pub fn next_answered(&self) -> Option<usize> {
        self.entries.iter().position(|entry| match entry {
            Entry::Sent(_) | Entry::Errand(_) => true,
            Entry::Arrived(..) | Entry::Ready(..) => false,
        })
    }

    /// Whether an answer of the broker waits for something.
    pub fn holds_response(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Arrived(..)))
    }

    pub fn at(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place)
    }

    /// Ends every exchange; gives the reserved rows of what was sent and not answered.
    pub fn abandon(&mut self) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        for entry in self.entries.drain(..) {
            match entry {
                Entry::Sent(mut exchange) | Entry::Arrived(mut exchange, _) => {
                    tickets.extend(exchange.judge.iter_mut().flat_map(|judge| judge.unanswered()));
                }
                Entry::Ready(..) | Entry::Errand(_) => {}
            }
        }
        tickets
    }

    /// The questions that the broker has not answered yet.
    pub fn errands(&self) -> impl Iterator<Item = &Errand> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Errand(errand) => Some(errand),
            Entry::Sent(_) | Entry::Arrived(..) | Entry::Ready(..) => None,
        })
    }

    pub fn take(&mut self, place: usize) -> Option<Entry> {
        self.entries.remove(place)
    }

    pub fn insert(&mut self, place: usize, entry: Entry) {
        self.entries.insert(place.min(self.entries.len()), entry);
    }
}
