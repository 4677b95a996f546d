//! Where things lie in a response that carries records to a reader: Fetch and ShareFetch.

use std::ops::Range;

use bytes::Bytes;

use crate::enforce::spans::{TopicSpan, int16, int32};
use crate::wire::ApiKey;
use crate::wire::shape::{self, Direction, Event, Field, Limits, ShapeError};

/// A response's parts, as ranges of its body.
#[derive(Default)]
pub(in crate::enforce) struct Found {
    pub top_level_error: i16,
    pub session_id: i32,
    /// The count of topics.
    pub count: Range<usize>,
    pub topics: Vec<FoundTopic>,
    /// Where the last topic ends.
    pub topics_end: usize,
    /// The array of new leaders' addresses (KIP-951).
    pub endpoints: Option<Endpoints>,
}

#[derive(Default)]
pub(in crate::enforce) struct FoundTopic {
    pub named: TopicSpan,
    pub partitions: Vec<FoundPartition>,
}

#[derive(Default)]
pub(in crate::enforce) struct FoundPartition {
    pub element: Range<usize>,
    pub index: i32,
    pub error_code: i16,
    /// Where the error of acknowledgements stands (ShareFetch).
    pub acknowledge_error: usize,
    pub prefix_start: usize,
    pub records: Range<usize>,
}

#[derive(Default)]
pub(in crate::enforce) struct Endpoints {
    /// Where the size of the tagged field stands that the array is in, if it is in one.
    pub tag_size: Option<Range<usize>>,
    /// The array with its count.
    pub array: Range<usize>,
}

/// # Errors
/// The first [`ShapeError`]; a body whose shape was proved has none.
pub(in crate::enforce) fn found(
    (key, version): (ApiKey, i16),
    body: &Bytes,
    limits: &Limits,
) -> Result<Found, ShapeError> {
    let mut found = Found::default();
    shape::check(Direction::Response, key.0, version, body, limits, &mut |event| {
        take_found(&mut found, body, event);
    })?;
    Ok(found)
}

fn last_partition(found: &mut Found) -> Option<&mut FoundPartition> {
    found.topics.last_mut().and_then(|topic| topic.partitions.last_mut())
}

fn take_found(found: &mut Found, body: &Bytes, event: Event) {
    match event {
        Event::ArrayStart { field: Field::Topics, start, body, .. } => {
            found.count = start as usize..body as usize;
        }
        Event::ArrayEnd { field: Field::Topics, at } => found.topics_end = at as usize,
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
            let tag_size = Some(size_at as usize..body as usize);
            found.endpoints = Some(Endpoints { tag_size, ..Endpoints::default() });
        }
        Event::ArrayStart { field: Field::NodeEndpoints, start, .. } => {
            let start = start as usize;
            found.endpoints.get_or_insert_default().array = start..start;
        }
        Event::ArrayEnd { field: Field::NodeEndpoints, at } => {
            if let Some(endpoints) = &mut found.endpoints {
                endpoints.array.end = at as usize;
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
        Field::AcknowledgeError => {
            if let Some(partition) = last_partition(found) {
                partition.acknowledge_error = range.start;
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
