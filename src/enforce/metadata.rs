//! Metadata (key 3): brokers by Lockgate's addresses, the topics that may be seen, and none created
//! that may not be.
//!
//! A topic that may not be described is left out of a list of all, and answered as Kafka does where
//! it is named: error 29, whether or not it is there (`KafkaApis.handleTopicMetadataRequest`).
//!
//! A Metadata request creates the topics it names where the broker's `auto.create.topics.enable` is
//! on and the request allows it. Up to v3 it always allows it; such a request goes up as v4, which
//! can say no. Topics that the subject may create are created in a request of Lockgate's own, so
//! that one name that may not be created does not stop the others.

use std::collections::HashSet;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use smallvec::smallvec;

use super::access::Access;
use super::facts::{Effects, Facts, Node, Notice};
use super::outcome::{Answer, Forward, Judge, Need, Outcome, Request, Response, ResponseOutcome};
use super::outcome::{CloseReason, Slices};
use super::topics::TopicNames;
use super::{Enforcement, Judged, endpoints, operations, settled};
use crate::policy::{Operation, Resource};
use crate::wire::{ApiKey, ErrorCode, RequestHeader, TopicId, codec};

/// The first version whose request can forbid creation.
const CREATION_CHOICE_VERSION: i16 = 4;
/// `LEADER_NOT_AVAILABLE`: what a broker answers for a topic that it has just created.
const LEADER_NOT_AVAILABLE: i16 = 5;

pub struct Metadata;

impl Enforcement for Metadata {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge_request(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge_request(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let mut message: MetadataRequest = codec::decode(key, version, &request.body())?;
    let naming = Naming::of(version, &message);
    let mut refused = Vec::new();
    if naming == Naming::Names {
        let mut access = Access::of(facts, request);
        if let Some(topics) = &mut message.topics {
            let mut told = HashSet::new();
            topics.retain(|topic| may_see(&mut access, topic, (&mut refused, &mut told)));
        }
    }
    let creates = version < CREATION_CHOICE_VERSION || message.allow_auto_topic_creation;
    let names: Vec<StrBytes> = message
        .topics
        .iter()
        .flatten()
        .filter_map(|topic| topic.name.clone())
        .map(|n| n.0)
        .filter(|_| creates)
        .collect();
    let creatable: Vec<StrBytes> =
        names.iter().filter(|name| may_create(facts, request, name)).cloned().collect();
    let header = request.header.clone();
    let as_asked = creatable.len() == names.len();
    if as_asked && refused.is_empty() {
        let answered =
            Answered { header, naming, upstream_version: version, creatable: Vec::new(), refused };
        return Ok(Outcome::Forward(Forward::judged(request, answered)));
    }
    if version == 0 && naming == Naming::All {
        // v0 asks for all topics by naming none.
        message.topics = None;
    }
    message.allow_auto_topic_creation = creates && as_asked;
    let upstream_version = version.max(CREATION_CHOICE_VERSION);
    let body = codec::encode(key, upstream_version, &message)?;
    let mut head = bytes::BytesMut::new();
    request.header.put(upstream_version, &mut head);
    let creatable = if as_asked { Vec::new() } else { creatable };
    let judge = Answered { header, naming, upstream_version, creatable, refused };
    Ok(Outcome::Forward(Forward {
        slices: Slices::from_iter([head.freeze(), body]),
        answer: Answer::Judged(Box::new(judge)),
        version: Some(upstream_version),
        then_close: None,
    }))
}

/// How a request says which topics it wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    All,
    Names,
    /// Where there is one id a broker looks at ids alone.
    Ids,
}

impl Naming {
    fn of(version: i16, message: &MetadataRequest) -> Self {
        match &message.topics {
            None => Self::All,
            Some(topics) if version == 0 && topics.is_empty() => Self::All,
            Some(topics) if topics.iter().any(|topic| !topic.topic_id.is_nil()) => Self::Ids,
            Some(_) => Self::Names,
        }
    }
}

/// Whether a named topic may be seen; its refusal says nothing of whether it is there.
fn may_see(
    access: &mut Access<'_, '_>,
    topic: &MetadataRequestTopic,
    (refused, told): (&mut Vec<MetadataResponseTopic>, &mut HashSet<TopicName>),
) -> bool {
    let Some(name) = &topic.name else { return true };
    let Err(refusal) = access.check(Operation::Describe, Resource::Topic(name)) else {
        return true;
    };
    if told.insert(name.clone()) {
        let mut answer = MetadataResponseTopic::default();
        answer.name = Some(name.clone());
        answer.error_code = refusal.code.0;
        refused.push(answer);
    }
    false
}

fn may_create(facts: &mut Facts<'_>, request: &Request, topic: &str) -> bool {
    let mut access = Access::as_api(facts, request, ApiKey::CREATE_TOPICS);
    access.may(Operation::Create, Resource::Topic(topic))
}

/// The judge of a Metadata response.
struct Answered {
    /// The client's own; its version is the one that the answer is written in.
    header: RequestHeader,
    naming: Naming,
    upstream_version: i16,
    /// Topics to create where the broker does not know them.
    creatable: Vec<StrBytes>,
    /// Named topics that may not be seen.
    refused: Vec<MetadataResponseTopic>,
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
        self.restrict(&mut Access::of_header(facts, &self.header), &mut message);
        let body = codec::encode(key, self.header.version, &message)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }

    /// Leaves out or empties what the subject may not see, and says what it may do with the rest.
    fn restrict(&self, access: &mut Access<'_, '_>, message: &mut MetadataResponse) {
        message.topics.retain_mut(|topic| {
            let Some(name) = topic.name.clone() else { return true };
            if access.may(Operation::Describe, Resource::Topic(&name)) {
                let field = &mut topic.topic_authorized_operations;
                operations::narrow_topic(access, field, &name);
                return true;
            }
            let hidden = MetadataResponseTopic::default()
                .with_error_code(ErrorCode::TOPIC_AUTHORIZATION_FAILED.0);
            *topic = match self.naming {
                Naming::All => return false,
                // The id is the client's own word; the name is not for it.
                Naming::Ids => hidden.with_name(None).with_topic_id(topic.topic_id),
                Naming::Names => hidden.with_name(Some(name)),
            };
            true
        });
        message.topics.extend(self.refused.iter().cloned());
        operations::narrow_cluster(access, &mut message.cluster_authorized_operations);
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
