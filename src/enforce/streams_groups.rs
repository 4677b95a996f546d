//! StreamsGroupHeartbeat and StreamsGroupDescribe (keys 88 and 89, KIP-1071).
//!
//! Kafka asks for `Read` on the group and for `Describe` on every topic of the topology. The topics
//! between and behind its steps are created by the broker where they are missing, so whoever may
//! not create them may not bring them; regular expressions are resolved in the broker, over every
//! topic of the cluster, and are refused while topics are restricted. A group is described to
//! whoever may see it and all its topics. The protocol crate knows neither message.

use bytes::{BufMut, Bytes, BytesMut};

use super::access::{Access, Refusal};
use super::authorized::narrow;
use super::facts::Facts;
use super::group_heartbeat::{refuse_regex, topics_are_restricted};
use super::group_spans::{self, Group, put_text, text};
use super::outcome::ResponseOutcome;
use super::outcome::{Answer, CloseReason, Forward, Judge, Outcome, Request, Response};
use super::splice::{Edits, length_prefix};
use super::whole::check_subscription;
use super::{Enforcement, Judged, settled};
use crate::audit::AuditDecision;
use crate::policy::{Operation, Resource};
use crate::wire::shape::{self, Direction, Event, Field};
use crate::wire::{ApiKey, ErrorCode, RequestHeader};

/// Kafka's own words.
const HIDDEN_TOPIC: &str =
    "The described group uses topics that the client is not authorized to describe.";
/// What a broker sends for operations that nobody asked for.
const OPERATIONS_OMITTED: i32 = i32::MIN;
/// How a flexible version writes a struct that is not there.
const NULL_STRUCT: i8 = -1;

pub struct StreamsGroupHeartbeat;

impl Enforcement for StreamsGroupHeartbeat {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        match Subscription::read(facts, request) {
            Ok(subscription) => match subscription.judge(facts, request) {
                Ok(()) => Outcome::Forward(Forward::unchanged(request)),
                Err(refusal) => Outcome::Respond(refused_heartbeat(&refusal)),
            },
            Err(reason) => Outcome::Close(reason),
        }
    }
}

/// What a heartbeat says of its group and its topology.
#[derive(Default)]
struct Subscription {
    group: String,
    topics: Vec<String>,
    created: Vec<String>,
    has_regex: bool,
}

impl Subscription {
    fn read(facts: &Facts<'_>, request: &Request) -> Result<Self, CloseReason> {
        let (key, version, body) = (request.header.key, request.header.version, request.body());
        let limits = facts.cluster.limits.shape();
        let mut found = Self::default();
        shape::check(Direction::Request, key.0, version, &body, &limits, &mut |event| {
            if let Event::Field { field, start, end, .. } = event {
                found.take(field, || text(&body, &(start as usize..end as usize)));
            }
        })
        .map_err(|fault| CloseReason::RequestShape { api: key, fault })?;
        Ok(found)
    }

    #[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
    fn take(&mut self, field: Field, text: impl FnOnce() -> String) {
        match field {
            Field::GroupId => self.group = text(),
            Field::TopicName => self.topics.push(text()),
            Field::CreatedTopicName => self.created.push(text()),
            Field::SubscribedTopicRegex => self.has_regex = true,
            _ => {}
        }
    }

    fn judge(&self, facts: &mut Facts<'_>, request: &Request) -> Result<(), Refusal> {
        let mut access = Access::of(facts, request);
        access.check(Operation::Read, Resource::ConsumerGroup(&self.group))?;
        let topics = self.topics.iter().chain(&self.created);
        check_subscription(&mut access, topics.map(String::as_str))?;
        if self.has_regex && topics_are_restricted(&access) {
            return Err(refuse_regex(&mut access, &self.group));
        }
        let mut access = Access::as_api(access.facts, request, ApiKey::CREATE_TOPICS);
        let mut outcome = Ok(());
        for topic in &self.created {
            outcome = outcome.and(access.check(Operation::Create, Resource::Topic(topic)));
        }
        outcome
    }
}

fn refused_heartbeat(refusal: &Refusal) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i32(0); // throttle time
    out.put_i16(refusal.code.0);
    put_text(&mut out, &refusal.message);
    put_text(&mut out, ""); // member id
    // Member epoch, heartbeat interval, acceptable lag, offset interval.
    out.put_bytes(0, 16);
    // No status, no active, standby or warm-up tasks.
    out.put_bytes(0, 4);
    out.put_i32(0); // endpoint epoch
    out.put_u8(0); // no partitions by endpoint
    out.put_u8(0); // no tags
    out.freeze()
}

pub struct StreamsGroupDescribe;

impl Enforcement for StreamsGroupDescribe {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge_describe(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge_describe(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version, body) = (request.header.key, request.header.version, request.body());
    let limits = facts.cluster.limits.shape();
    let asked = group_spans::walk((Direction::Request, key, version), &body, &limits)
        .map_err(|fault| CloseReason::RequestShape { api: key, fault })?;
    let mut access = Access::of(facts, request);
    let base = request.header.body_at;
    let at = |range: &std::ops::Range<usize>| {
        range.start.saturating_add(base)..range.end.saturating_add(base)
    };
    let mut refused = Vec::new();
    let mut edits = Edits::default();
    let mut removed = Vec::new();
    for group in &asked.groups {
        let id = text(&body, &group.id);
        if let Err(refusal) = access.check(Operation::Describe, Resource::ConsumerGroup(&id)) {
            refused.push(refused_group(&id, refusal.code, &refusal.message));
            removed.push(at(&group.element));
        }
    }
    let left = asked.groups.len().saturating_sub(refused.len());
    if left == 0 && !refused.is_empty() {
        let mut out = BytesMut::new();
        out.put_i32(0);
        out.extend_from_slice(&length_prefix(true, refused.len()));
        refused.iter().for_each(|group| out.extend_from_slice(group));
        out.put_u8(0);
        return Ok(Outcome::Respond(out.freeze()));
    }
    let row = access.row(AuditDecision::Allow, &Resource::Cluster);
    access.facts.effects.evidence.rows.push(row);
    if !removed.is_empty() {
        edits.replace(at(&asked.count), [length_prefix(true, left)]);
    }
    removed.into_iter().for_each(|range| edits.remove(range));
    let slices = edits.apply(&request.frame);
    let judge = Described { header: request.header.clone(), refused };
    let answer = Answer::Judged(Box::new(judge));
    Ok(Outcome::Forward(Forward { slices, answer, version: None, then_close: None }))
}

fn refused_group(id: &str, code: ErrorCode, message: &str) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(code.0);
    put_text(&mut out, message);
    put_text(&mut out, id);
    put_text(&mut out, ""); // state
    out.put_i32(0); // group epoch
    out.put_i32(0); // assignment epoch
    out.put_i8(NULL_STRUCT); // topology
    out.extend_from_slice(&length_prefix(true, 0)); // members
    out.put_i32(OPERATIONS_OMITTED);
    out.put_u8(0); // no tags
    out.freeze()
}

/// The judge of a StreamsGroupDescribe response.
struct Described {
    header: RequestHeader,
    refused: Vec<Bytes>,
}

impl Judge for Described {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.merge(facts, response))
    }
}

impl Described {
    fn merge(&self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version, body) = (response.key, response.version, response.body());
        let limits = facts.cluster.limits.shape();
        let found = group_spans::walk((Direction::Response, key, version), &body, &limits)
            .map_err(|fault| CloseReason::ResponseShape { api: key, fault })?;
        let mut access = Access::of_header(facts, &self.header);
        let mut edits = Edits::default();
        let count = found.groups.len().saturating_add(self.refused.len());
        let refused = self.refused.iter().cloned();
        let prefix = std::iter::once(length_prefix(true, count));
        edits.replace(found.count.clone(), prefix.chain(refused));
        for group in &found.groups {
            edit_group(&mut access, (group, &body), &mut edits);
        }
        Ok(ResponseOutcome::Forward(response.with_body(edits.apply(&body).concat().into())))
    }
}

fn edit_group(access: &mut Access<'_, '_>, (group, body): (&Group, &Bytes), edits: &mut Edits) {
    let id = text(body, &group.id);
    let hides = group
        .topics
        .iter()
        .any(|topic| !access.may(Operation::Describe, Resource::Topic(&text(body, &topic.name))));
    if hides {
        let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
        edits.replace(group.element.clone(), [refused_group(&id, code, HIDDEN_TOPIC)]);
        return;
    }
    let told = body.get(group.operations.clone()).and_then(<[u8]>::first_chunk);
    if let Some(told) = told.map(|bytes| i32::from_be_bytes(*bytes)) {
        let narrowed = narrow(access, Resource::ConsumerGroup(&id), told);
        edits.replace(group.operations.clone(), [Bytes::copy_from_slice(&narrowed.to_be_bytes())]);
    }
}
