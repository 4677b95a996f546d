//! Where topics, partitions and record sets lie in a Produce request.

use std::ops::Range;

use bytes::Bytes;

use crate::enforce::spans::{TopicSpan, int16, int32};
use crate::wire::ApiKey;
use crate::wire::shape::{self, Direction, Event, Field, Limits, ShapeError};

/// A request's parts, as ranges of its body.
#[derive(Default)]
pub(super) struct Walked {
    pub acks: i16,
    /// The `transactional.id`, where the request has one.
    pub transactional_id: Option<Range<usize>>,
    /// The count of topics.
    pub count: Range<usize>,
    pub topics: Vec<Topic>,
}

#[derive(Default)]
pub(super) struct Topic {
    pub element: Range<usize>,
    /// Named by name up to v12, by id from v13 on.
    pub named: TopicSpan,
    /// The count of partitions.
    pub count: Range<usize>,
    pub partitions: Vec<Partition>,
}

#[derive(Default)]
pub(super) struct Partition {
    pub element: Range<usize>,
    pub index: i32,
    /// Where the record set's length stands.
    pub prefix_start: usize,
    pub records: Range<usize>,
    pub is_null: bool,
}

pub(super) fn walk(version: i16, body: &Bytes, limits: &Limits) -> Result<Walked, ShapeError> {
    let mut walked = Walked::default();
    let key = ApiKey::PRODUCE.0;
    shape::check(Direction::Request, key, version, body, limits, &mut |event| {
        take(&mut walked, body, event);
    })?;
    Ok(walked)
}

fn take(walked: &mut Walked, body: &Bytes, event: Event) {
    match event {
        Event::Field { field, prefix_start, start, end, null } => {
            let range = start as usize..end as usize;
            take_field(walked, body, (field, prefix_start as usize, range, null));
        }
        Event::ArrayStart { field: Field::Topics, start, body, .. } => {
            walked.count = start as usize..body as usize;
        }
        Event::ArrayStart { field: Field::Partitions, start, body, .. } => {
            if let Some(topic) = walked.topics.last_mut() {
                topic.count = start as usize..body as usize;
            }
        }
        Event::ElementStart { field: Field::Topics, at } => {
            let at = at as usize;
            walked.topics.push(Topic { element: at..at, ..Topic::default() });
        }
        Event::ElementStart { field: Field::Partitions, at } => {
            if let Some(topic) = walked.topics.last_mut() {
                let at = at as usize;
                topic.partitions.push(Partition { element: at..at, ..Partition::default() });
            }
        }
        Event::ElementEnd { field: Field::Topics, at } => {
            if let Some(topic) = walked.topics.last_mut() {
                topic.element.end = at as usize;
            }
        }
        Event::ElementEnd { field: Field::Partitions, at } => {
            if let Some(partition) = last_partition(walked) {
                partition.element.end = at as usize;
            }
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

fn last_partition(walked: &mut Walked) -> Option<&mut Partition> {
    walked.topics.last_mut().and_then(|topic| topic.partitions.last_mut())
}

type FieldAt = (Field, usize, Range<usize>, bool);

#[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
fn take_field(walked: &mut Walked, body: &Bytes, (field, prefix_start, range, null): FieldAt) {
    let bytes = body.get(range.clone()).unwrap_or_default();
    match field {
        Field::TransactionalId => walked.transactional_id = (!null).then_some(range),
        Field::Acks => walked.acks = int16(bytes),
        Field::TopicName | Field::TopicId => {
            if let Some(topic) = walked.topics.last_mut() {
                topic.named.take(field, range, bytes);
            }
        }
        Field::PartitionIndex => {
            if let Some(partition) = last_partition(walked) {
                partition.index = int32(bytes);
            }
        }
        Field::Records => {
            if let Some(partition) = last_partition(walked) {
                partition.prefix_start = prefix_start;
                partition.records = range;
                partition.is_null = null;
            }
        }
        _ => {}
    }
}
