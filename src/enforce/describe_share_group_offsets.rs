//! DescribeShareGroupOffsets (key 90): where share groups go on reading (KIP-932).
//!
//! Kafka asks for `Describe` on each group, which answers that group, then for `Describe` on each
//! topic of it, whose partitions it answers behind the broker's; who asks for all topics (null) is
//! told of those that may be seen. The protocol crate does not know v1, whose partitions have a lag
//! too, so the answer is edited in place.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::describe_share_group_offsets_request as request;
use kafka_protocol::messages::{DescribeShareGroupOffsetsRequest, GroupId, TopicName};
use smallvec::SmallVec;

use super::access::{Access, Refusal};
use super::facts::Facts;
use super::group_spans::{self, Group, put_text, text};
use super::outcome::{Answer, CloseReason, Forward, Judge, Outcome, Request, Response};
use super::outcome::{ResponseOutcome, Slices};
use super::splice::{Edits, length_prefix};
use super::{Enforcement, Judged, settled};
use crate::audit::AuditDecision;
use crate::policy::{Operation, Resource};
use crate::wire::shape::Direction;
use crate::wire::{ErrorCode, RequestHeader, codec};

/// The version that the protocol crate knows; v1 asks with the same bytes.
const KNOWN_VERSION: i16 = 0;
/// First version with a lag.
const LAG_VERSION: i16 = 1;

pub struct DescribeShareGroupOffsets;

impl Enforcement for DescribeShareGroupOffsets {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

/// A group as it was asked for.
struct Asked {
    id: GroupId,
    refused: Option<Refusal>,
    topics: Vec<(TopicName, Vec<i32>, Refusal)>,
    /// All topics are wanted, and those that may be seen are told.
    all: bool,
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let mut message: DescribeShareGroupOffsetsRequest =
        codec::decode(key, KNOWN_VERSION, &request.body())?;
    let mut access = Access::of(facts, request);
    let mut asked = Vec::new();
    message.groups.retain_mut(|group| {
        let judged = judge_group(&mut access, group);
        let stays = judged.refused.is_none();
        asked.push(judged);
        stays
    });
    let is_refused = asked.iter().any(|group| group.refused.is_some() || !group.topics.is_empty());
    if message.groups.is_empty() && is_refused {
        let mut body = BytesMut::new();
        body.put_i32(0);
        body.extend_from_slice(&length_prefix(true, asked.len()));
        for group in &asked {
            body.extend_from_slice(&refused_group(group));
        }
        body.put_u8(0);
        return Ok(Outcome::Respond(body.freeze()));
    }
    let row = access.row(AuditDecision::Allow, &Resource::Cluster);
    access.facts.effects.evidence.rows.push(row);
    if asked.iter().all(|group| group.topics.is_empty() && !group.all) && !is_refused {
        return Ok(Outcome::Forward(Forward::unchanged(request)));
    }
    let judge = Described { header: request.header.clone(), asked };
    if !is_refused {
        return Ok(Outcome::Forward(Forward::judged(request, judge)));
    }
    let mut head = BytesMut::new();
    request.header.put(version, &mut head);
    let body = codec::encode(key, KNOWN_VERSION, &message)?;
    let slices = Slices::from_iter([head.freeze(), body]);
    let answer = Answer::Judged(Box::new(judge));
    Ok(Outcome::Forward(Forward { slices, answer, version: None, then_close: None }))
}

fn judge_group(
    access: &mut Access<'_, '_>,
    group: &mut request::DescribeShareGroupOffsetsRequestGroup,
) -> Asked {
    let checked = access.check(Operation::Describe, Resource::ConsumerGroup(&group.group_id));
    let mut asked = Asked {
        id: group.group_id.clone(),
        refused: checked.err(),
        topics: Vec::new(),
        all: group.topics.is_none(),
    };
    if let Some(topics) = group.topics.as_mut().filter(|_| asked.refused.is_none()) {
        topics.retain(|topic| {
            let checked = access.check(Operation::Describe, Resource::Topic(&topic.topic_name));
            let Err(refusal) = checked else { return true };
            asked.topics.push((topic.topic_name.clone(), topic.partitions.clone(), refusal));
            false
        });
    }
    asked
}

/// The judge of the broker's answer.
struct Described {
    header: RequestHeader,
    asked: Vec<Asked>,
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
        edits.replace(found.count.clone(), [length_prefix(true, self.count(found.groups.len()))]);
        let mut answered = found.groups.iter();
        let mut at = found.count.end;
        for asked in &self.asked {
            if asked.refused.is_some() {
                edits.replace(at..at, [refused_group(asked)]);
                continue;
            }
            let Some(group) = answered.next() else { continue };
            if text(&body, &group.id) != **asked.id {
                return Err(CloseReason::Codec(
                    "the groups of an answer are not those asked".into(),
                ));
            }
            edit_group(&mut access, asked, (group, &body, version), &mut edits);
            at = group.element.end;
        }
        Ok(ResponseOutcome::Forward(response.with_body(edits.apply(&body).concat().into())))
    }

    fn count(&self, answered: usize) -> usize {
        let refused = self.asked.iter().filter(|group| group.refused.is_some()).count();
        answered.saturating_add(refused)
    }
}

fn edit_group(
    access: &mut Access<'_, '_>,
    asked: &Asked,
    (group, body, version): (&Group, &Bytes, i16),
    edits: &mut Edits,
) {
    if group.error_code != ErrorCode::NONE.0 {
        return;
    }
    let hidden: SmallVec<[_; 4]> = group
        .topics
        .iter()
        .filter(|topic| {
            let name = text(body, &topic.name);
            asked.all && !access.may(Operation::Describe, Resource::Topic(&name))
        })
        .collect();
    let count = group.topics.len().saturating_sub(hidden.len()).saturating_add(asked.topics.len());
    edits.replace(group.topics_count.clone(), [length_prefix(true, count)]);
    for topic in hidden {
        edits.remove(topic.element.clone());
    }
    let refused = asked.topics.iter().map(|topic| refused_topic(version, topic));
    edits.replace(group.topics_end..group.topics_end, refused);
}

fn refused_group(asked: &Asked) -> Bytes {
    let mut out = BytesMut::new();
    put_text(&mut out, &asked.id);
    out.extend_from_slice(&length_prefix(true, 0));
    if let Some(refusal) = &asked.refused {
        out.put_i16(refusal.code.0);
        put_text(&mut out, &refusal.message);
    }
    out.put_u8(0);
    out.freeze()
}

fn refused_topic(
    version: i16,
    (name, partitions, refusal): &(TopicName, Vec<i32>, Refusal),
) -> Bytes {
    let mut out = BytesMut::new();
    put_text(&mut out, name);
    out.put_slice(&[0; 16]);
    out.extend_from_slice(&length_prefix(true, partitions.len()));
    for index in partitions {
        out.put_i32(*index);
        out.put_i64(-1);
        out.put_i32(0);
        if version >= LAG_VERSION {
            out.put_i64(-1);
        }
        out.put_i16(refusal.code.0);
        put_text(&mut out, &refusal.message);
        out.put_u8(0);
    }
    out.put_u8(0);
    out.freeze()
}
