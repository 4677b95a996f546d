//! Evidence in two steps: a row is reserved before a request leaves, and completed when the
//! broker's answer is known.

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::event::AuditEvent;

/// What a row says whose answer is not known: the connection, the process or the broker ended
/// before it came, or it is still awaited.
pub const UNANSWERED: &str = "no answer of the broker is on record";

/// Stands for one reserved row until it is completed. Unique within a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// How a reserved row ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The broker answered.
    Answered {
        /// Kafka's code; 0 is success.
        error_code: i16,
        /// Offset of the first record, where the broker wrote any.
        first_offset: Option<i64>,
        /// Kafka's id of the topic, where the answer is the first to tell it.
        topic_id: Option<[u8; 16]>,
    },
    /// No answer will come.
    Unanswered,
}

/// What must be accepted before any later byte leaves.
#[derive(Debug, Default)]
pub struct Posting {
    /// Rows that are whole.
    pub rows: Vec<AuditEvent>,
    /// Rows of requests that are about to leave.
    pub reserved: Vec<(Ticket, AuditEvent)>,
    /// What became of rows that were reserved earlier.
    pub completed: Vec<(Ticket, Completion)>,
}

impl Posting {
    /// Rows that are whole, and nothing else.
    pub fn of(rows: Vec<AuditEvent>) -> Self {
        Posting { rows, ..Posting::default() }
    }

    /// Whether there is nothing to accept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.reserved.is_empty() && self.completed.is_empty()
    }

    /// Whether `later` may be accepted together with this. Whole rows come before reserved ones,
    /// so a whole row must not have to pass a reserved one.
    pub fn goes_with(&self, later: &Self) -> bool {
        self.reserved.is_empty() || later.rows.is_empty()
    }

    /// Adds what came later; see [`Self::goes_with`].
    pub fn append(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.reserved.extend(later.reserved);
        self.completed.extend(later.completed);
    }

    /// Every new row, whole or reserved.
    pub fn events(&self) -> impl Iterator<Item = &AuditEvent> {
        self.rows.iter().chain(self.reserved.iter().map(|(_, row)| row))
    }

    /// The same, to be changed.
    pub fn events_mut(&mut self) -> impl Iterator<Item = &mut AuditEvent> {
        self.rows.iter_mut().chain(self.reserved.iter_mut().map(|(_, row)| row))
    }
}

/// The broker's answer to a reserved row, as the log keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The row.
    pub seq: u64,
    /// See [`Completion::Answered`].
    pub error_code: i16,
    /// See [`Completion::Answered`].
    pub first_offset: Option<i64>,
    /// See [`Completion::Answered`].
    pub topic_id: Option<[u8; 16]>,
}

/// One frame of the log's segments.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Line<'a> {
    /// A whole row.
    #[serde(borrow)]
    Row(Entry<'a>),
    /// A row that a later [`Line::Answered`] of the same segment may complete.
    #[serde(borrow)]
    Reserved(Entry<'a>),
    /// What the broker answered to an earlier row of the same segment.
    Answered(Answered),
}

impl Entry<'_> {
    /// Puts the broker's answer into a row that was reserved, or says that there is none.
    pub fn complete(&mut self, answer: Option<&Answered>) {
        let Some(answer) = answer else {
            self.message = self.message.or(Some(UNANSWERED));
            return;
        };
        self.error_code = Some(answer.error_code);
        self.topic_id = self.topic_id.or(answer.topic_id);
        if let Some(first) = answer.first_offset {
            let records = i64::from(self.records.unwrap_or(0));
            self.first_offset = Some(first);
            self.last_offset = Some(first.saturating_add(records).saturating_sub(1));
        }
    }
}
