//! Topics as a decoded message names them: by name, or by an id that stands in the place of one.

use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;
use smallvec::{SmallVec, smallvec};

use super::access::{Access, Refusal};
use super::beyond::topic_id;
use super::facts::TopicName;
use super::outcome::Need;
use crate::audit::AuditDecision;
use crate::policy::{Operation, Resource};
use crate::wire::{ErrorCode, TopicId};

const NOBODY: &str = "no topic has this id";

/// The ids that must be asked first, where topics are named by id.
pub fn unnamed<'n>(
    access: &Access<'_, '_>,
    by_id: bool,
    topics: impl Iterator<Item = &'n str>,
) -> Option<SmallVec<[Need; 2]>> {
    if !by_id {
        return None;
    }
    let ids: Vec<TopicId> = topics
        .filter_map(topic_id)
        .filter(|id| matches!(access.facts.topic_name(*id), TopicName::Ask))
        .collect();
    (!ids.is_empty()).then(|| smallvec![Need::TopicNames(ids)])
}

/// What a topic is called, if anybody can say it.
pub fn named(access: &mut Access<'_, '_>, by_id: bool, topic: &str) -> Option<Arc<str>> {
    if !by_id {
        return Some(access.facts.connection.names.intern(topic));
    }
    match access.facts.topic_name(topic_id(topic)?) {
        TopicName::Known(name) => Some(name),
        TopicName::Nobody | TopicName::Ask => None,
    }
}

/// As [`Access::check`] for a topic; an id that nobody can name is `UNKNOWN_TOPIC_ID`.
///
/// # Errors
/// The [`Refusal`] that the client is told.
pub fn check_named(
    access: &mut Access<'_, '_>,
    by_id: bool,
    topic: &str,
    operation: Operation,
) -> Result<(), Refusal> {
    if let Some(name) = named(access, by_id, topic) {
        return access.check(operation, Resource::Topic(&name));
    }
    let mut row = access.row(AuditDecision::Deny, &Resource::Cluster);
    row.topic_id = topic_id(topic).map(|id| id.0);
    row.error_code = Some(ErrorCode::UNKNOWN_TOPIC_ID.0);
    row.message = Some(NOBODY.into());
    access.facts.effects.evidence.rows.push(row);
    let message = StrBytes::from_static_str(NOBODY);
    Err(Refusal { code: ErrorCode::UNKNOWN_TOPIC_ID, message })
}
