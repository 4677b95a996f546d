//! Fetch (key 1): the request goes up unchanged; the response is judged, topic by topic.
//!
//! Deciding on the response means that incremental fetch sessions (KIP-227), which name only what
//! has changed, need no map here. A denied topic is shown as Kafka's own authorizer shows it: error
//! 29 and no bytes. A full fetch of which every topic is denied is answered here. An epoch above 0
//! for a session that this connection was not given is refused (70), which the broker itself does
//! not do.

mod answer;
mod walk;

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::FetchableTopicResponse;
use kafka_protocol::protocol::StrBytes;

use super::evidence::Evidence;
use super::facts::{Facts, Notice, TopicName};
use super::outcome::{CloseReason, Forward, Outcome, Request, Slices};
use super::splice::Edits;
use super::{Enforcement, spans};
use crate::audit::AuditDecision;
use crate::policy::{Action, Decision, Denial};
use crate::wire::{ErrorCode, codec};

use walk::{Asked, AskedTopic};

/// Session epochs (KIP-227): a full fetch that begins a session, and one that uses none.
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

pub struct Fetch;

impl Enforcement for Fetch {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let body = request.body();
    let version = request.header.version;
    let asked = walk::asked(version, &body, &facts.cluster.limits.shape())
        .map_err(|fault| CloseReason::RequestShape { api: request.header.key, fault })?;
    if asked.replica_id >= 0 {
        return Err(CloseReason::ReplicaFetch);
    }
    if asked.session_epoch > INITIAL_EPOCH
        && !facts.connection.fetch_sessions.contains(asked.session_id)
    {
        return refuse_session(facts, request);
    }
    let topics = asked.topics.iter().map(|topic| &topic.named);
    if let Some(needs) = spans::unnamed(facts, topics) {
        return Ok(Outcome::Wait(needs));
    }
    let is_full = matches!(asked.session_epoch, INITIAL_EPOCH | FINAL_EPOCH);
    if is_full && !asked.topics.is_empty() {
        let denials = denials(facts, request, &asked);
        if denials.iter().all(|denied| !matches!(denied, Access::Open)) {
            return refuse_whole(facts, request, &asked, &denials);
        }
    }
    let evidence = Evidence::of(facts, request);
    let client_id: Arc<str> = facts.connection.names.intern(request.header.client_id());
    let mut forward = Forward::judged(request, answer::Fetched { version, client_id, evidence });
    if let Some(shortened) = shortened(facts, request) {
        forward.slices = shortened;
    }
    Ok(Outcome::Forward(forward))
}

/// The request with a wait that ends with the login (T22); none where it does so anyway.
fn shortened(facts: &Facts<'_>, request: &Request) -> Option<Slices> {
    // Behind the replica id, which went to the tagged fields in v15.
    let at = request.header.body_at.checked_add(if request.header.version < 15 { 4 } else { 0 })?;
    let wait_ms = request.frame.get(at..)?.first_chunk().map(|wait| i32::from_be_bytes(*wait))?;
    let most = facts.wait_ms_max();
    if wait_ms <= most {
        return None;
    }
    let mut edits = Edits::default();
    edits.replace(at..at.checked_add(4)?, [Bytes::copy_from_slice(&most.to_be_bytes())]);
    Some(edits.apply(&request.frame))
}

enum Access {
    Open,
    /// Nobody can name the id.
    Unnamed,
    Denied(Arc<str>, Denial),
}

fn denials(facts: &mut Facts<'_>, request: &Request, asked: &Asked) -> Vec<Access> {
    let body = request.body();
    let mut denials = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let TopicName::Known(name) = topic.named.resolve(facts, &body) else {
            denials.push(Access::Unnamed);
            continue;
        };
        let plan = facts.plan(Action::Consume, &name, request.header.client_id());
        denials.push(match plan.as_deref().map(|plan| plan.access()) {
            Some(Decision::Deny(denial)) => Access::Denied(name, denial.clone()),
            Some(Decision::Allow) => Access::Open,
            None => Access::Unnamed,
        });
    }
    denials
}

fn refuse_session(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let mut row = Evidence::of(facts, request).row(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0);
    row.message = Some("the fetch session is not this connection's".into());
    facts.effects.evidence.rows.push(row);
    facts.effects.notices.push(Notice::Refused { api: request.header.key });
    let mut answer = FetchResponse::default();
    answer.error_code = ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0;
    let body = codec::encode(request.header.key, request.header.version, &answer)?;
    Ok(Outcome::Respond(body))
}

/// Answers a full fetch of which nothing may be read, in the order of the request.
fn refuse_whole(
    facts: &mut Facts<'_>,
    request: &Request,
    asked: &Asked,
    denials: &[Access],
) -> Result<Outcome, CloseReason> {
    let body = request.body();
    let version = request.header.version;
    let evidence = Evidence::of(facts, request);
    let mut answer = FetchResponse::default();
    for (topic, denied) in asked.topics.iter().zip(denials) {
        let code = match denied {
            Access::Open | Access::Unnamed => ErrorCode::UNKNOWN_TOPIC_ID,
            Access::Denied(..) => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        };
        let mut entry = FetchableTopicResponse::default();
        name_entry(&mut entry, topic, &body);
        for index in &topic.partitions {
            let mut row = evidence.topic_row(AuditDecision::Deny, None, topic.named.id);
            row.partition = Some(*index);
            row.error_code = Some(code.0);
            if let Access::Denied(name, denial) = denied {
                row.topic = Some(Arc::clone(name));
                Evidence::refuse(&mut row, denial, code, &denial.message.render(name, None));
            }
            facts.effects.evidence.rows.push(row);
            entry.partitions.push(answer::refused_partition(*index, code));
        }
        answer.responses.push(entry);
    }
    facts.effects.notices.push(Notice::Refused { api: request.header.key });
    Ok(Outcome::Respond(codec::encode(request.header.key, version, &answer)?))
}

fn name_entry(entry: &mut FetchableTopicResponse, topic: &AskedTopic, body: &bytes::Bytes) {
    if let Some(range) = &topic.named.name {
        entry.topic = StrBytes::from_utf8(body.slice(range.clone())).unwrap_or_default().into();
    }
    if let Some(id) = topic.named.id {
        entry.topic_id = codec::uuid(id);
    }
}
