//! Where things lie in a ShareFetch or ShareAcknowledge request.

use std::ops::Range;

use bytes::Bytes;

use super::session::Partition;
use crate::enforce::spans::{TopicSpan, int32};
use crate::wire::shape::{self, Direction, Event, Field, Limits, ShapeError};
use crate::wire::{RequestHeader, TopicId};

/// A request's parts, as ranges of its body.
#[derive(Default)]
pub(super) struct Asked {
    group: Range<usize>,
    member: Range<usize>,
    pub epoch: i32,
    /// The count of topics.
    pub count: Range<usize>,
    pub topics: Vec<AskedTopic>,
    pub forgotten: Vec<Partition>,
    forgotten_topic: Option<TopicId>,
}

#[derive(Default)]
pub(super) struct AskedTopic {
    pub element: Range<usize>,
    pub named: TopicSpan,
    pub partitions: Vec<AskedPartition>,
}

#[derive(Default)]
pub(super) struct AskedPartition {
    pub index: i32,
    /// Whether it says what became of records.
    pub acknowledges: bool,
}

impl Asked {
    pub fn group<'b>(&self, body: &'b [u8]) -> &'b str {
        text(body, &self.group)
    }

    pub fn member<'b>(&self, body: &'b [u8]) -> &'b str {
        text(body, &self.member)
    }
}

fn text<'b>(body: &'b [u8], range: &Range<usize>) -> &'b str {
    std::str::from_utf8(body.get(range.clone()).unwrap_or_default()).unwrap_or_default()
}

/// # Errors
/// The first [`ShapeError`]; a body whose shape was proved has none.
pub(super) fn asked(
    header: &RequestHeader,
    body: &Bytes,
    limits: &Limits,
) -> Result<Asked, ShapeError> {
    let mut asked = Asked::default();
    let (key, version) = (header.key.0, header.version);
    shape::check(Direction::Request, key, version, body, limits, &mut |event| {
        take(&mut asked, body, event);
    })?;
    Ok(asked)
}

fn take(asked: &mut Asked, body: &Bytes, event: Event) {
    match event {
        Event::ArrayStart { field: Field::Topics, start, body, .. } => {
            asked.count = start as usize..body as usize;
        }
        Event::ElementStart { field: Field::Topics, at } => {
            let at = at as usize;
            asked.topics.push(AskedTopic { element: at..at, ..AskedTopic::default() });
        }
        Event::ElementEnd { field: Field::Topics, at } => {
            if let Some(topic) = asked.topics.last_mut() {
                topic.element.end = at as usize;
            }
        }
        Event::ElementStart { field: Field::Partitions, .. } => {
            if let Some(topic) = asked.topics.last_mut() {
                topic.partitions.push(AskedPartition::default());
            }
        }
        Event::ArrayStart { field: Field::Acknowledgements, count, .. } => {
            if let Some(partition) = last_partition(asked) {
                partition.acknowledges = count > 0;
            }
        }
        Event::Field { field, start, end, .. } => {
            take_field(asked, body, field, start as usize..end as usize);
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

fn last_partition(asked: &mut Asked) -> Option<&mut AskedPartition> {
    asked.topics.last_mut().and_then(|topic| topic.partitions.last_mut())
}

#[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
fn take_field(asked: &mut Asked, body: &Bytes, field: Field, range: Range<usize>) {
    let bytes = body.get(range.clone()).unwrap_or_default();
    match field {
        Field::GroupId => asked.group = range,
        Field::MemberId => asked.member = range,
        Field::SessionEpoch => asked.epoch = int32(bytes),
        Field::TopicId => {
            if let Some(topic) = asked.topics.last_mut() {
                topic.named.take(field, range, bytes);
            }
        }
        Field::PartitionIndex => {
            if let Some(partition) = last_partition(asked) {
                partition.index = int32(bytes);
            }
        }
        Field::ForgottenTopicId => asked.forgotten_topic = TopicId::from_slice(bytes),
        Field::ForgottenPartition => {
            if let Some(topic) = asked.forgotten_topic {
                asked.forgotten.push((topic, int32(bytes)));
            }
        }
        _ => {}
    }
}
