//! Where things lie in a Fetch request.

use std::ops::Range;

use bytes::Bytes;

use crate::enforce::spans::{TopicSpan, int32};
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
