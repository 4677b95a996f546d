//! What the walks of record-carrying messages share: how a topic is named, and integers in place.

use std::ops::Range;

use bytes::Bytes;
use smallvec::smallvec;

use super::facts::{Facts, TopicName};
use super::outcome::Need;
use crate::wire::TopicId;
use crate::wire::shape::Field;

/// How a message names a topic: by name, or by id in newer versions.
#[derive(Default)]
pub(super) struct TopicSpan {
    pub name: Option<Range<usize>>,
    pub id: Option<TopicId>,
}

impl TopicSpan {
    /// Keeps the field of a message that names the topic: `bytes` at `range` of the body.
    pub fn take(&mut self, field: Field, range: Range<usize>, bytes: &[u8]) {
        if field == Field::TopicId {
            self.id = TopicId::from_slice(bytes);
        } else {
            self.name = Some(range);
        }
    }

    /// The topic's name, from the message or by its id.
    pub fn resolve(&self, facts: &mut Facts<'_>, body: &Bytes) -> TopicName {
        match (&self.name, self.id) {
            (Some(range), _) => {
                let bytes = body.get(range.clone()).unwrap_or_default();
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                TopicName::Known(facts.connection.names.intern(text))
            }
            (None, Some(id)) => facts.topic_name(id),
            (None, None) => TopicName::Nobody,
        }
    }
}

/// The ids among `topics` that must be asked first, if any must.
pub(super) fn unnamed<'t>(
    facts: &Facts<'_>,
    topics: impl Iterator<Item = &'t TopicSpan>,
) -> Option<smallvec::SmallVec<[Need; 2]>> {
    let ids: Vec<TopicId> = topics
        .filter_map(|topic| topic.id)
        .filter(|id| matches!(facts.topic_name(*id), TopicName::Ask))
        .collect();
    (!ids.is_empty()).then(|| smallvec![Need::TopicNames(ids)])
}

/// An INT32 whose shape was proved; −1, which names nothing, where it is not there.
pub(super) fn int32(bytes: &[u8]) -> i32 {
    bytes.first_chunk().map_or(-1, |bytes| i32::from_be_bytes(*bytes))
}

/// An INT16 whose shape was proved; 0 where it is not there.
pub(super) fn int16(bytes: &[u8]) -> i16 {
    bytes.first_chunk().map_or(0, |bytes| i16::from_be_bytes(*bytes))
}
