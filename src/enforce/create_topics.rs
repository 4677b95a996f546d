//! CreateTopics (key 19): each topic of a request judged by itself (permits, naming rules).
//!
//! What is refused is taken out of the request; its error is put back into the broker's answer, in
//! the order of the request. Source: `CreateTopicsRequest.json`, KIP-4.

use std::sync::Arc;

use bytes::BytesMut;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};

use super::evidence::Evidence;
use super::facts::{Facts, Notice};
use super::outcome::{Answer, CloseReason, Forward, Judge, Outcome, Request, Response};
use super::outcome::{ResponseOutcome, Slices};
use super::{Enforcement, Judged, error_code, settled};
use crate::audit::{AuditDecision, Completion, Mode, Ticket};
use crate::policy::{AccessQuery, Decision, Denial, Operation, Resource, Wanted};
use crate::wire::codec::{self, CodecFault};
use crate::wire::{ErrorCode, TopicId};

pub struct CreateTopics;

impl Enforcement for CreateTopics {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let mut message: CreateTopicsRequest = codec::decode(key, version, &request.body())?;
    let evidence = Evidence::of(facts, request);
    let order: Vec<TopicName> = message.topics.iter().map(|topic| topic.name.clone()).collect();
    let mut refused = Vec::new();
    for name in &order {
        if let Some(result) = refuse(facts, request, &evidence, name) {
            refused.push(result);
        }
    }
    let allowed = order.iter().filter(|name| refused.iter().all(|result| result.name != **name));
    let reserved = allowed.map(|name| reserve(facts, &evidence, name)).collect();
    let judge = Created { version, order, refused, reserved };
    if judge.refused.is_empty() {
        return Ok(Outcome::Forward(Forward::judged(request, judge)));
    }
    message.topics.retain(|topic| judge.refused.iter().all(|result| result.name != topic.name));
    if message.topics.is_empty() {
        let mut answer = CreateTopicsResponse::default();
        answer.topics = judge.refused;
        return Ok(Outcome::Respond(codec::encode(key, version, &answer)?));
    }
    let mut head = BytesMut::new();
    request.header.put(version, &mut head);
    let body = codec::encode(key, version, &message)?;
    Ok(Outcome::Forward(Forward {
        slices: Slices::from_iter([head.freeze(), body]),
        answer: Answer::Judged(Box::new(judge)),
        version: None,
        then_close: None,
    }))
}

/// The result entry for a topic that may not be created; its row goes into the evidence.
fn refuse(
    facts: &mut Facts<'_>,
    request: &Request,
    evidence: &Evidence,
    name: &TopicName,
) -> Option<CreatableTopicResult> {
    let subject = facts.connection.subject.clone()?;
    let topic: Arc<str> = facts.connection.names.intern(name);
    let query = AccessQuery {
        subject: &subject,
        client_id: request.header.client_id(),
        api: request.header.key.name(),
        operation: Operation::Create,
        resource: Resource::Topic(&topic),
        wanted: Wanted::default(),
        broker_knows_user: facts.cluster.broker_knows_user,
        now_seconds: facts.now_seconds(),
    };
    for denial in facts.policy.access_shadow(&query) {
        let mut row = evidence.topic_row(AuditDecision::Deny, Some(&topic), None);
        row.mode = Some(Mode::Shadow);
        row.rule_ids.push(Arc::clone(&denial.rule));
        facts.effects.evidence.rows.push(row);
    }
    let Decision::Deny(denial) = facts.policy.access(&query) else { return None };
    facts.effects.notices.push(Notice::Refused { api: request.header.key });
    Some(refusal(facts, evidence, name, &topic, &denial))
}

fn refusal(
    facts: &mut Facts<'_>,
    evidence: &Evidence,
    name: &TopicName,
    topic: &Arc<str>,
    denial: &Denial,
) -> CreatableTopicResult {
    let code = error_code(denial.code);
    let message = denial.message.render(topic, None);
    let mut row = evidence.topic_row(AuditDecision::Deny, Some(topic), None);
    Evidence::refuse(&mut row, denial, code, &message);
    facts.effects.evidence.rows.push(row);
    let mut result = CreatableTopicResult::default();
    result.name = name.clone();
    result.error_code = code.0;
    result.error_message = Some(codec::text(&message));
    result
}

fn reserve(facts: &mut Facts<'_>, evidence: &Evidence, name: &TopicName) -> (TopicName, Ticket) {
    let topic: Arc<str> = facts.connection.names.intern(name);
    let row = evidence.topic_row(AuditDecision::Allow, Some(&topic), None);
    (name.clone(), facts.reserve(row))
}

/// The judge of the answer: the refused topics are put back, and what the broker did is evidence.
struct Created {
    version: i16,
    order: Vec<TopicName>,
    refused: Vec<CreatableTopicResult>,
    /// The rows of the topics that the broker is asked for.
    reserved: Vec<(TopicName, Ticket)>,
}

impl Judge for Created {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.merge(facts, response))
    }

    fn unanswered(&mut self) -> Vec<Ticket> {
        self.reserved.drain(..).map(|(_, ticket)| ticket).collect()
    }
}

impl Created {
    fn merge(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let key = response.key;
        let mut answer: CreateTopicsResponse = codec::decode(key, self.version, &response.body())?;
        for result in &answer.topics {
            if result.error_code == ErrorCode::NONE.0 {
                let topic: Arc<str> = facts.connection.names.intern(&result.name);
                facts.cluster.topics.learn(TopicId(*result.topic_id.as_bytes()), &topic);
            }
        }
        for (name, ticket) in self.reserved.drain(..) {
            let result = answer.topics.iter().find(|result| result.name == name);
            let completion = result.map_or(Completion::Unanswered, completion);
            facts.effects.evidence.completed.push((ticket, completion));
        }
        if self.refused.is_empty() {
            return Ok(ResponseOutcome::unchanged(response));
        }
        answer.topics.extend(self.refused.iter().cloned());
        answer.topics.sort_by_key(|result| self.order.iter().position(|name| *name == result.name));
        let body = encode(self.version, response, &answer)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }
}

fn completion(result: &CreatableTopicResult) -> Completion {
    let id = TopicId(*result.topic_id.as_bytes());
    Completion::Answered {
        error_code: result.error_code,
        first_offset: None,
        topic_id: (!id.is_zero()).then_some(id.0),
    }
}

fn encode(
    version: i16,
    response: &Response,
    answer: &CreateTopicsResponse,
) -> Result<bytes::Bytes, CodecFault> {
    codec::encode(response.key, version, answer)
}
