//! ConsumerGroupHeartbeat (key 68, KIP-848): no regular expression while topics are restricted.
//!
//! A regular expression in the subscription is resolved in the broker, over every topic of the
//! cluster. While an access rule on topics is live, v1 is not offered; a client that sends one all
//! the same, or was offered it before the rule came, is refused in Kafka's own form.

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::Enforcement;
use super::evidence::Evidence;
use super::facts::Facts;
use super::outcome::{CloseReason, Forward, Outcome, Request};
use crate::audit::AuditDecision;
use crate::wire::{ErrorCode, codec};

const MESSAGE: &str = "a regular expression cannot be used while topics are restricted here";

pub struct ConsumerGroupHeartbeat;

impl Enforcement for ConsumerGroupHeartbeat {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let subject = facts.connection.subject.as_ref();
    if subject.is_some_and(|subject| !facts.policy.restricts_topics(subject)) {
        return Ok(Outcome::Forward(Forward::unchanged(request)));
    }
    let (key, version) = (request.header.key, request.header.version);
    let message: ConsumerGroupHeartbeatRequest = codec::decode(key, version, &request.body())?;
    if message.subscribed_topic_regex.as_ref().is_none_or(|regex| regex.is_empty()) {
        return Ok(Outcome::Forward(Forward::unchanged(request)));
    }
    let mut row = Evidence::of(facts, request).row(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::INVALID_REQUEST.0);
    row.message = Some(MESSAGE.into());
    facts.effects.evidence.rows.push(row);
    let mut answer = ConsumerGroupHeartbeatResponse::default();
    answer.error_code = ErrorCode::INVALID_REQUEST.0;
    answer.error_message = Some(codec::text(MESSAGE));
    Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
}
