//! What happened, as evidence: the events, the row that is written for each, and its published
//! columns (`audit.v1`).
//!
//! An event has one typed field for every column and no field that could hold a payload: a record
//! is named by topic, partition and offsets, a mask by its selector, method and count. This layer
//! is pure; `io::sink` stamps `seq`, `time` and `node_id`, and stores.

pub mod calendar;
pub mod entry;
pub mod event;
pub mod groups;
pub mod posting;
pub mod row;
pub mod ulid;

pub use entry::{Entry, Stamp};
pub use event::{AuditDecision, AuditEvent, EventKind, MaskCount, Mode, SessionFacts};
pub use groups::groups_id;
pub use posting::{Answered, Completion, Line, Posting, Ticket};
pub use row::{RowBatch, SCHEMA_VERSION};
pub use ulid::Ulid;
