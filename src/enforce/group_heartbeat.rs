//! ConsumerGroupHeartbeat (key 68, KIP-848) and ShareGroupHeartbeat (key 76, KIP-932).
//!
//! Kafka asks for `Read` on the group and, where the subscription is named, for `Describe` on every
//! topic of it: one that may not be seen refuses the heartbeat. A regular expression is resolved in
//! the broker, over every topic of the cluster, so while topics are restricted it is refused in
//! Kafka's own form.

use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
};

use super::Evident;
use super::access::{Access, Refusal};
use super::whole::{Whole, check_subscription, refuse_plainly};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

const REGEX: &str = "a regular expression cannot be used while topics are restricted here";

/// Whether an access rule may hide a topic from the client, whatever it is called.
pub(super) fn topics_are_restricted(access: &Access<'_, '_>) -> bool {
    let subject = access.facts.connection.subject.as_ref();
    subject.is_none_or(|subject| access.facts.policy.restricts_topics(subject))
}

/// The refusal of a regular expression over topics.
pub(super) fn refuse_regex(access: &mut Access<'_, '_>, group: &str) -> Refusal {
    let resource = Resource::ConsumerGroup(group);
    refuse_plainly(access, &resource, ErrorCode::INVALID_REQUEST, REGEX)
}

impl Whole for ConsumerGroupHeartbeatRequest {
    type Answer = ConsumerGroupHeartbeatResponse;

    const EVIDENT: Evident = Evident::Quiet;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        access.check(Operation::Read, Resource::ConsumerGroup(&self.group_id))?;
        let names = self.subscribed_topic_names.iter().flatten();
        check_subscription(access, names.map(|name| &***name))?;
        let has_regex = self.subscribed_topic_regex.as_ref().is_some_and(|regex| !regex.is_empty());
        if has_regex && topics_are_restricted(access) {
            return Err(refuse_regex(access, &self.group_id));
        }
        Ok(())
    }

    fn refused(_version: i16, refusal: Refusal) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse::default()
            .with_error_code(refusal.code.0)
            .with_error_message(Some(refusal.message))
    }
}

impl Whole for ShareGroupHeartbeatRequest {
    type Answer = ShareGroupHeartbeatResponse;

    const EVIDENT: Evident = Evident::Quiet;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        access.check(Operation::Read, Resource::ConsumerGroup(&self.group_id))?;
        let names = self.subscribed_topic_names.iter().flatten();
        check_subscription(access, names.map(|name| &***name))
    }

    fn refused(_version: i16, refusal: Refusal) -> ShareGroupHeartbeatResponse {
        ShareGroupHeartbeatResponse::default()
            .with_error_code(refusal.code.0)
            .with_error_message(Some(refusal.message))
    }
}
