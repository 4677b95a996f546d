//! Where things lie in a Fetch request and in a Fetch response.

use std::ops::Range;

use bytes::Bytes;

use crate::enforce::spans::{TopicSpan, int16, int32};
use crate::wire::ApiKey;
use crate::wire::shape::{self, Direction, Event, Field, Limits, ShapeError};

/// A request's parts, as ranges of its body.
pub(super) struct Asked {
    pub replica_id: i32,
    pub session_id: i32,
    pub session_epoch: i32,
    pub topics: Vec<AskedTopic>,
}

#[derive(Default)]
pub(super) struct AskedTopic {
    pub named: TopicSpan,
    pub partitions: Vec<i32>,
}

/// A response's parts, as ranges of its body.
#[derive(Default)]
pub(super) struct Found {
    pub top_level_error: i16,
    pub session_id: i32,
    pub topics: Vec<FoundTopic>,
    /// The contents of the `NodeEndpoints` tagged field, and where its size stands.
    pub endpoints: Option<Endpoints>,
}

#[derive(Default)]
pub(super) struct FoundTopic {
    pub named: TopicSpan,
    pub partitions: Vec<FoundPartition>,
}

#[derive(Default)]
pub(super) struct FoundPartition {
    pub element: Range<usize>,
    pub index: i32,
    pub error_code: i16,
    pub prefix_start: usize,
    pub records: Range<usize>,
}

#[derive(Default, Clone)]
pub(super) struct Endpoints {
    pub size: Range<usize>,
    pub value: Range<usize>,
}

pub(super) fn asked(version: i16, body: &Bytes, limits: &Limits) -> Result<Asked, ShapeError> {
    let mut asked = Asked { replica_id: -1, session_id: 0, session_epoch: -1, topics: Vec::new() };
    let key = ApiKey::FETCH.0;
    shape::check(Direction::Request, key, version, body, limits, &mut |event| match event {
        Event::ElementStart { field: Field::Topics, .. } => {
            asked.topics.push(AskedTopic::default());
        }
        Event::Field { field, start, end, .. } => {
            take_asked(&mut asked, body, field, start as usize..end as usize);
        }
        Event::ArrayStart { .. }
        | Event::ElementStart { .. }
        | Event::ElementEnd { .. }
        | Event::ArrayEnd { .. }
        | Event::TagStart { .. }
        | Event::TagEnd { .. }
        | Event::UnknownTag { .. } => {}
    })?;
    Ok(asked)
}

#[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
fn take_asked(asked: &mut Asked, body: &Bytes, field: Field, range: Range<usize>) {
    let bytes = body.get(range.clone()).unwrap_or_default();
    let topic = asked.topics.last_mut();
    match (field, topic) {
        // Up to v14 a field, from v15 on a tag: whichever names a replica counts.
        (Field::ReplicaId, _) => asked.replica_id = asked.replica_id.max(int32(bytes)),
        (Field::SessionId, _) => asked.session_id = int32(bytes),
        (Field::SessionEpoch, _) => asked.session_epoch = int32(bytes),
        (Field::TopicName | Field::TopicId, Some(topic)) => topic.named.take(field, range, bytes),
        (Field::PartitionIndex, Some(topic)) => topic.partitions.push(int32(bytes)),
        _ => {}
    }
}

pub(super) fn found(version: i16, body: &Bytes, limits: &Limits) -> Result<Found, ShapeError> {
    let mut found = Found::default();
    let key = ApiKey::FETCH.0;
    shape::check(Direction::Response, key, version, body, limits, &mut |event| {
        take_found(&mut found, body, event);
    })?;
    Ok(found)
}

fn last_partition(found: &mut Found) -> Option<&mut FoundPartition> {
    found.topics.last_mut().and_then(|topic| topic.partitions.last_mut())
}

fn take_found(found: &mut Found, body: &Bytes, event: Event) {
    match event {
        Event::ElementStart { field: Field::Topics, .. } => {
            found.topics.push(FoundTopic::default());
        }
        Event::ElementStart { field: Field::Partitions, at } => {
            if let Some(topic) = found.topics.last_mut() {
                let at = at as usize;
                topic.partitions.push(FoundPartition { element: at..at, ..Default::default() });
            }
        }
        Event::ElementEnd { field: Field::Partitions, at } => {
            if let Some(partition) = last_partition(found) {
                partition.element.end = at as usize;
            }
        }
        Event::TagStart { field: Field::NodeEndpoints, size_at, body, .. } => {
            let (size_at, body) = (size_at as usize, body as usize);
            found.endpoints = Some(Endpoints { size: size_at..body, value: body..body });
        }
        Event::TagEnd { field: Field::NodeEndpoints, end } => {
            if let Some(endpoints) = &mut found.endpoints {
                endpoints.value.end = end as usize;
            }
        }
        Event::Field { field, prefix_start, start, end, .. } => {
            let range = start as usize..end as usize;
            take_found_field(found, body, (field, prefix_start as usize, range));
        }
        Event::ArrayStart { .. }
        | Event::ElementStart { .. }
        | Event::ElementEnd { .. }
        | Event::ArrayEnd { .. }
        | Event::TagStart { .. }
        | Event::TagEnd { .. }
        | Event::UnknownTag { .. } => {}
    }
}

type FieldAt = (Field, usize, Range<usize>);

#[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
fn take_found_field(found: &mut Found, body: &Bytes, (field, prefix_start, range): FieldAt) {
    let bytes = body.get(range.clone()).unwrap_or_default();
    match field {
        Field::TopLevelError => found.top_level_error = int16(bytes),
        Field::SessionId => found.session_id = int32(bytes),
        Field::TopicName | Field::TopicId => {
            if let Some(topic) = found.topics.last_mut() {
                topic.named.take(field, range, bytes);
            }
        }
        Field::PartitionIndex => {
            if let Some(partition) = last_partition(found) {
                partition.index = int32(bytes);
            }
        }
        Field::ErrorCode => {
            if let Some(partition) = last_partition(found) {
                partition.error_code = int16(bytes);
            }
        }
        Field::Records => {
            if let Some(partition) = last_partition(found) {
                partition.prefix_start = prefix_start;
                partition.records = range;
            }
        }
        _ => {}
    }
}
