//! OffsetFetch (key 9): where groups have stopped reading.
//!
//! Kafka asks for `Describe` on each group, which answers that group, then for `Describe` on each
//! topic of it (`KafkaApis.fetchOffsetsForGroup`). Who asks for all topics of a group (null) is
//! told of those that may be seen. One group up to v7, several from v8 on; topics by id from v10
//! on.

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};

use super::Evident;
use super::access::Access;
use super::beyond::Beyond;
use super::exchange::{Course, Exchange, Touch};
use super::naming::{check_named, named, unnamed};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// First version with several groups (KIP-709).
const GROUPS_VERSION: i16 = 8;
/// First version whose answer has an error of its own, beside those of partitions.
const TOP_LEVEL_ERROR_VERSION: i16 = 2;

pub struct OffsetFetch;

/// A group as it was asked for.
pub struct Asked {
    id: GroupId,
    /// The error of the whole group, which the broker is not asked for.
    error: Option<ErrorCode>,
    refused: Vec<Refused>,
    /// All topics are wanted, and those that may be seen are told.
    all: bool,
}

struct Refused {
    name: TopicName,
    indexes: Vec<i32>,
    code: ErrorCode,
}

impl Asked {
    fn judge(access: &mut Access<'_, '_>, id: &GroupId) -> Self {
        let error = access.check(Operation::Describe, Resource::ConsumerGroup(id)).err();
        let error = error.map(|refusal| refusal.code);
        Self { id: id.clone(), error, refused: Vec::new(), all: false }
    }

    fn keep<'t>(
        &mut self,
        access: &mut Access<'_, '_>,
        ids: bool,
        (name, indexes): (&'t TopicName, &'t [i32]),
    ) -> bool {
        let Err(refusal) = check_named(access, ids, name, Operation::Describe) else { return true };
        let (name, indexes) = (name.clone(), indexes.to_vec());
        self.refused.push(Refused { name, indexes, code: refusal.code });
        false
    }

    fn is_plain(&self) -> bool {
        self.error.is_none() && self.refused.is_empty() && !self.all
    }
}

impl Exchange for OffsetFetch {
    type Request = OffsetFetchRequest;
    type Response = OffsetFetchResponse;
    type Kept = Vec<Asked>;

    const EVIDENT: Evident = Evident::Quiet;
    const BEYOND: Beyond = Beyond::Ids(9);

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut OffsetFetchRequest,
    ) -> Course<Vec<Asked>, OffsetFetchResponse> {
        if access.version() < GROUPS_VERSION {
            return one_group(access, message);
        }
        let ids = Self::BEYOND.names_ids(access.version());
        let topics = message.groups.iter().flat_map(|group| group.topics.iter().flatten());
        if let Some(needs) = unnamed(access, ids, topics.map(|topic| &**topic.name)) {
            return Course::Wait(needs);
        }
        let asked: Vec<Asked> =
            message.groups.iter_mut().map(|group| judge_group(access, ids, group)).collect();
        let mut errors = asked.iter().map(|group| group.error.is_some());
        message.groups.retain(|_| !errors.next().unwrap_or(false));
        if asked.iter().all(Asked::is_plain) {
            Course::Pass
        } else if message.groups.is_empty() {
            let mut answer = OffsetFetchResponse::default();
            answer.groups = asked.iter().map(group_error).collect();
            Course::Answer(answer)
        } else if asked.iter().all(|group| group.error.is_none() && group.refused.is_empty()) {
            Course::Watch(asked)
        } else {
            Course::Amend(asked)
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Vec<Asked>,
        message: &mut OffsetFetchResponse,
    ) -> Touch {
        if access.version() < GROUPS_VERSION {
            if let Some(asked) = asked.first()
                && message.error_code == ErrorCode::NONE.0
            {
                if asked.all {
                    message.topics.retain(|topic| may_see(access, false, &topic.name));
                }
                message.topics.extend(asked.refused.iter().map(refused_topic));
            }
            return Touch::Changed;
        }
        let ids = Self::BEYOND.names_ids(access.version());
        let topics = message.groups.iter().flat_map(|group| &group.topics);
        if let Some(needs) = unnamed(access, ids, topics.map(|topic| &**topic.name)) {
            return Touch::Wait(needs);
        }
        let mut answered = std::mem::take(&mut message.groups);
        for group in asked.iter() {
            if group.error.is_some() {
                message.groups.push(group_error(group));
                continue;
            }
            let place = answered.iter().position(|answered| answered.group_id == group.id);
            let Some(place) = place else { continue };
            let mut answer = answered.remove(place);
            if answer.error_code == ErrorCode::NONE.0 {
                if group.all {
                    answer.topics.retain(|topic| may_see(access, ids, &topic.name));
                }
                answer.topics.extend(group.refused.iter().map(refused_topics));
            }
            message.groups.push(answer);
        }
        Touch::Changed
    }
}

fn judge_group(
    access: &mut Access<'_, '_>,
    ids: bool,
    group: &mut OffsetFetchRequestGroup,
) -> Asked {
    let mut asked = Asked::judge(access, &group.group_id);
    match &mut group.topics {
        _ if asked.error.is_some() => {}
        None => asked.all = true,
        Some(topics) => {
            topics.retain(|topic| asked.keep(access, ids, (&topic.name, &topic.partition_indexes)));
        }
    }
    asked
}

/// The versions with one group.
fn one_group(
    access: &mut Access<'_, '_>,
    message: &mut OffsetFetchRequest,
) -> Course<Vec<Asked>, OffsetFetchResponse> {
    let mut asked = Asked::judge(access, &message.group_id);
    if let Some(code) = asked.error {
        let mut answer = OffsetFetchResponse::default();
        if access.version() >= TOP_LEVEL_ERROR_VERSION {
            answer.error_code = code.0;
        } else {
            let refused = message.topics.iter().flatten().map(|topic| Refused {
                name: topic.name.clone(),
                indexes: topic.partition_indexes.clone(),
                code,
            });
            answer.topics = refused.map(|refused| refused_topic(&refused)).collect();
        }
        return Course::Answer(answer);
    }
    match &mut message.topics {
        None => asked.all = true,
        Some(topics) => topics
            .retain(|topic| asked.keep(access, false, (&topic.name, &topic.partition_indexes))),
    }
    if asked.is_plain() {
        Course::Pass
    } else if asked.all {
        Course::Watch(vec![asked])
    } else {
        Course::Amend(vec![asked])
    }
}

/// Whether a topic that nobody asked for by name is told of.
fn may_see(access: &mut Access<'_, '_>, ids: bool, topic: &str) -> bool {
    named(access, ids, topic)
        .is_some_and(|name| access.may(Operation::Describe, Resource::Topic(&name)))
}

fn group_error(asked: &Asked) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup::default()
        .with_group_id(asked.id.clone())
        .with_error_code(asked.error.unwrap_or(ErrorCode::NONE).0)
}

fn refused_topic(refused: &Refused) -> OffsetFetchResponseTopic {
    let partition = |index: &i32| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(*index)
            .with_committed_offset(-1)
            .with_error_code(refused.code.0)
    };
    OffsetFetchResponseTopic::default()
        .with_name(refused.name.clone())
        .with_partitions(refused.indexes.iter().map(partition).collect())
}

fn refused_topics(refused: &Refused) -> OffsetFetchResponseTopics {
    let partition = |index: &i32| {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(*index)
            .with_committed_offset(-1)
            .with_error_code(refused.code.0)
    };
    OffsetFetchResponseTopics::default()
        .with_name(refused.name.clone())
        .with_partitions(refused.indexes.iter().map(partition).collect())
}
