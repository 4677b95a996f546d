//! Metadata (key 3): brokers by Lockgate's addresses, and no topic created that may not be.
//!
//! A Metadata request creates the topics it names where the broker's `auto.create.topics.enable` is
//! on and the request allows it. Up to v3 it always allows it; such a request goes up as v4, which
//! can say no. Topics that the subject may create are created in a request of Lockgate's own, so
//! that one name that may not be created does not stop the others.

use kafka_protocol::messages::{MetadataRequest, MetadataResponse};
use kafka_protocol::protocol::StrBytes;
use smallvec::smallvec;

use super::access::Access;
use super::facts::{Effects, Facts, Node, Notice};
use super::outcome::{Answer, Forward, Judge, Need, Outcome, Request, Response, ResponseOutcome};
use super::outcome::{CloseReason, Slices};
use super::topics::TopicNames;
use super::{Enforcement, Judged, endpoints, settled};
use crate::policy::{Operation, Resource};
use crate::wire::{ApiKey, ErrorCode, TopicId, codec};

/// The first version whose request can forbid creation.
const CREATION_CHOICE_VERSION: i16 = 4;
/// `LEADER_NOT_AVAILABLE`: what a broker answers for a topic that it has just created.
const LEADER_NOT_AVAILABLE: i16 = 5;

pub struct Metadata;

impl Enforcement for Metadata {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge_creation(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge_creation(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let mut message: MetadataRequest = codec::decode(key, version, &request.body())?;
    let has_choice = version >= CREATION_CHOICE_VERSION;
    if has_choice && !message.allow_auto_topic_creation {
        return Ok(Outcome::Forward(Forward::judged(request, Answered::as_asked(version))));
    }
    let names: Vec<StrBytes> = message
        .topics
        .iter()
        .flatten()
        .filter_map(|topic| topic.name.clone())
        .map(|n| n.0)
        .collect();
    let creatable: Vec<StrBytes> =
        names.iter().filter(|name| may_create(facts, request, name)).cloned().collect();
    if creatable.len() == names.len() {
        return Ok(Outcome::Forward(Forward::judged(request, Answered::as_asked(version))));
    }
    if version == 0 && names.is_empty() {
        // v0 asks for all topics by naming none.
        message.topics = None;
    }
    message.allow_auto_topic_creation = false;
    let upstream_version = version.max(CREATION_CHOICE_VERSION);
    let body = codec::encode(key, upstream_version, &message)?;
    let mut head = bytes::BytesMut::new();
    request.header.put(upstream_version, &mut head);
    let judge = Answered { client_version: version, upstream_version, creatable };
    Ok(Outcome::Forward(Forward {
        slices: Slices::from_iter([head.freeze(), body]),
        answer: Answer::Judged(Box::new(judge)),
        version: Some(upstream_version),
        then_close: None,
    }))
}

fn may_create(facts: &mut Facts<'_>, request: &Request, topic: &str) -> bool {
    let mut access = Access::as_api(facts, request, ApiKey::CREATE_TOPICS);
    access.may(Operation::Create, Resource::Topic(topic))
}

/// The judge of a Metadata response.
struct Answered {
    client_version: i16,
    upstream_version: i16,
    /// Topics to create where the broker does not know them.
    creatable: Vec<StrBytes>,
}

impl Answered {
    fn as_asked(version: i16) -> Self {
        Self { client_version: version, upstream_version: version, creatable: Vec::new() }
    }
}

impl Judge for Answered {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.rewrite(facts, response))
    }
}

impl Answered {
    fn rewrite(&self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version) = (response.key, self.upstream_version);
        let mut message: MetadataResponse = codec::decode(key, version, &response.body())?;
        learn(&facts.cluster.topics, facts.effects, &message);
        let missing: Vec<StrBytes> = message
            .topics
            .iter()
            .filter(|topic| topic.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0)
            .filter_map(|topic| topic.name.as_ref())
            .filter(|name| self.creatable.contains(&name.0))
            .map(|name| name.0.clone())
            .collect();
        if !missing.is_empty() && facts.answers.created.is_empty() {
            return Ok(ResponseOutcome::Wait(smallvec![Need::AutoCreation(missing)]));
        }
        for topic in &mut message.topics {
            let created = topic.name.as_ref().is_some_and(|n| facts.answers.created.contains(&n.0));
            if created && topic.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0 {
                topic.error_code = LEADER_NOT_AVAILABLE;
            }
        }
        note_collisions(facts, &message);
        endpoints::rewrite_all(facts, &mut message.brokers, |broker| {
            (broker.node_id.0, &mut broker.host, &mut broker.port)
        });
        let body = codec::encode(key, self.client_version, &message)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }
}

/// Keeps what a Metadata response says of topics and brokers.
pub(super) fn learn(topics: &TopicNames, effects: &mut Effects, message: &MetadataResponse) {
    for topic in &message.topics {
        if let Some(name) = &topic.name
            && topic.error_code == ErrorCode::NONE.0
        {
            topics.learn(TopicId(*topic.topic_id.as_bytes()), name);
        }
    }
    effects.nodes.extend(message.brokers.iter().map(|broker| Node {
        id: broker.node_id.0,
        host: broker.host.clone(),
        port: broker.port,
    }));
}

fn note_collisions(facts: &mut Facts<'_>, message: &MetadataResponse) {
    if let super::addresses::Addresses::Ports { layout, .. } = &facts.cluster.addresses
        && let Some((first, second, port)) =
            layout.collision(message.brokers.iter().map(|broker| broker.node_id.0))
    {
        facts.effects.notices.push(Notice::NodeCollision { first, second, port });
    }
}
