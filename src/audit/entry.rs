//! An event with its stamp, in the form that is written to and read from the log's segments.
//!
//! The bytes are postcard: fields in the order of [`Entry`], inside a [`super::Line`], so a change
//! of fields or of their order is a new version of the segment format.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::event::{AuditDecision, AuditEvent, EventKind, MaskCount, Mode};

/// The longest name or id that a row keeps, in bytes; the rest is cut off. A client chooses some
/// of them, and one row must not be able to fill a disk.
pub const TEXT_BYTES_MAX: usize = 1024;

/// The longest message that a row keeps, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// What the log adds to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Counts the rows of this node without a gap, from 1.
    pub seq: u64,
    /// Microseconds since 1970, UTC.
    pub time_us: i64,
    /// The node that wrote the row.
    pub node_id: &'a str,
}

/// One row with all columns of `audit.v1`, borrowed from an event or from the bytes of a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "every field is the column of the same name, see AuditEvent")]
pub struct Entry<'a> {
    pub seq: u64,
    pub time_us: i64,
    #[serde(borrow)]
    pub node_id: &'a str,
    pub event: EventKind,
    pub decision_id: Option<[u8; 16]>,
    pub session_id: Option<[u8; 16]>,
    pub principal: Option<&'a str>,
    pub principal_type: Option<&'a str>,
    pub groups_id: Option<&'a str>,
    pub auth_mech: Option<&'a str>,
    pub token_jti_hash: Option<&'a str>,
    pub client_id: Option<&'a str>,
    pub client_software: Option<&'a str>,
    pub src_ip: Option<IpAddr>,
    pub src_port: Option<u16>,
    pub cluster: &'a str,
    pub api: Option<&'a str>,
    pub api_version: Option<i16>,
    pub topic: Option<&'a str>,
    pub topic_id: Option<[u8; 16]>,
    pub partition: Option<i32>,
    pub first_offset: Option<i64>,
    pub last_offset: Option<i64>,
    pub records: Option<u32>,
    pub bytes: Option<u64>,
    pub schema_ids: Cow<'a, [i32]>,
    pub decision: Option<AuditDecision>,
    pub mode: Option<Mode>,
    pub rule_ids: Texts<'a>,
    pub policy_revision: Option<&'a str>,
    pub mask_summary: Masks<'a>,
    pub masked_values: u32,
    pub masked_records: u32,
    pub error_code: Option<i16>,
    pub message: Option<&'a str>,
    pub hold_id: Option<&'a str>,
    pub grant_id: Option<&'a str>,
    pub exception_id: Option<&'a str>,
    pub eval_us: Option<u32>,
    pub added_latency_us: Option<u32>,
    pub suppressed: u32,
}

impl<'a> Entry<'a> {
    /// Borrows everything; texts above their limit are cut.
    pub fn new(stamp: Stamp<'a>, event: &'a AuditEvent) -> Self {
        let session = &*event.session;
        Entry {
            seq: stamp.seq,
            time_us: stamp.time_us,
            node_id: stamp.node_id,
            event: event.event,
            decision_id: event.decision_id.map(|id| id.0),
            session_id: session.session_id,
            principal: cut(session.principal.as_ref()),
            principal_type: cut(session.principal_type.as_ref()),
            groups_id: cut(session.groups_id.as_ref()),
            auth_mech: session.auth_mech,
            token_jti_hash: cut(session.token_jti_hash.as_ref()),
            client_id: cut(session.client_id.as_ref()),
            client_software: cut(session.client_software.as_ref()),
            src_ip: session.src_ip,
            src_port: session.src_port,
            cluster: prefix(&session.cluster, TEXT_BYTES_MAX),
            api: event.api,
            api_version: event.api_version,
            topic: cut(event.topic.as_ref()),
            topic_id: event.topic_id,
            partition: event.partition,
            first_offset: event.first_offset,
            last_offset: event.last_offset,
            records: event.records,
            bytes: event.bytes,
            schema_ids: Cow::Borrowed(&event.schema_ids),
            decision: event.decision,
            mode: event.mode,
            rule_ids: Texts::Shared(&event.rule_ids),
            policy_revision: cut(event.policy_revision.as_ref()),
            mask_summary: Masks::Shared(&event.mask_summary),
            masked_values: event.masked_values,
            masked_records: event.masked_records,
            error_code: event.error_code,
            message: event.message.as_deref().map(|text| prefix(text, MESSAGE_BYTES_MAX)),
            hold_id: cut(event.hold_id.as_ref()),
            grant_id: cut(event.grant_id.as_ref()),
            exception_id: cut(event.exception_id.as_ref()),
            eval_us: event.eval_us,
            added_latency_us: event.added_latency_us,
            suppressed: event.suppressed,
        }
    }
}

fn cut(text: Option<&Arc<str>>) -> Option<&str> {
    text.map(|text| prefix(text, TEXT_BYTES_MAX))
}

/// The longest prefix of at most `bytes_max` bytes that ends between two characters.
fn prefix(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

/// A list of texts, from an event or from bytes; the two are the same on disk.
#[derive(Clone, Debug)]
pub enum Texts<'a> {
    /// As an event holds them.
    Shared(&'a [Arc<str>]),
    /// As they were read.
    Read(Vec<&'a str>),
}

impl Texts<'_> {
    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (shared, read): (&[Arc<str>], &[&str]) = match self {
            Texts::Shared(shared) => (shared, &[]),
            Texts::Read(read) => (&[], read),
        };
        let shared = shared.iter().map(|text| prefix(text, TEXT_BYTES_MAX));
        shared.chain(read.iter().copied())
    }
}

/// A mask's part in a row as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "every field is that of MaskCount")]
pub struct MaskRead<'a> {
    pub selector: &'a str,
    pub method: &'a str,
    pub count: u32,
}

/// The masks of a row, from an event or from bytes; the two are the same on disk.
#[derive(Clone, Debug)]
pub enum Masks<'a> {
    /// As an event holds them.
    Shared(&'a [MaskCount]),
    /// As they were read.
    Read(Vec<MaskRead<'a>>),
}

impl Masks<'_> {
    /// The masks in order.
    pub fn iter(&self) -> impl Iterator<Item = MaskRead<'_>> {
        let (shared, read): (&[MaskCount], &[MaskRead<'_>]) = match self {
            Masks::Shared(shared) => (shared, &[]),
            Masks::Read(read) => (&[], read),
        };
        let shared = shared.iter().map(|mask| MaskRead {
            selector: prefix(&mask.selector, TEXT_BYTES_MAX),
            method: mask.method,
            count: mask.count,
        });
        shared.chain(read.iter().copied())
    }
}

impl PartialEq for Texts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Masks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Masks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<&'a str>::deserialize(deserializer).map(Texts::Read)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Masks<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<MaskRead<'a>>::deserialize(deserializer).map(Masks::Read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says so by failing")]
    use super::*;
    use crate::audit::SessionFacts;
    use smallvec::smallvec;

    #[test]
    fn what_is_written_is_what_is_read() {
        let session = Arc::new(SessionFacts {
            session_id: Some([7; 16]),
            principal: Some("jane".into()),
            src_ip: Some(IpAddr::from([10, 0, 0, 1])),
            ..SessionFacts::gateway("prod-eu".into())
        });
        let event = AuditEvent {
            rule_ids: smallvec!["one".into(), "two".into(), "three".into()],
            mask_summary: vec![MaskCount { selector: "$.a".into(), method: "hmac", count: 4 }],
            schema_ids: vec![-1, 2],
            first_offset: Some(i64::MAX),
            message: Some("é".repeat(MESSAGE_BYTES_MAX).into()),
            ..AuditEvent::new(EventKind::RecordDecision, session)
        };
        let written = Entry::new(Stamp { seq: 3, time_us: -4, node_id: "edge-1" }, &event);
        assert_eq!(written.message.map(str::len), Some(MESSAGE_BYTES_MAX));
        let bytes = postcard::to_stdvec(&written).unwrap();
        let read: Entry<'_> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read, written);
    }
}
