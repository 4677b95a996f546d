//! Versions that brokers speak and the protocol crate does not: read and written by its newest one.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::outcome::CloseReason;
use super::splice::{Edits, length_prefix};
use crate::wire::shape::{self, Direction, Event, Field, Limits};
use crate::wire::{ApiKey, TopicId, codec};

/// How versions above the protocol crate's newest differ from that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// There are none.
    Nothing,
    /// In what values mean; they are written alike.
    Alike(i16),
    /// In how topics are named: by id where that version has a name (OffsetCommit and OffsetFetch
    /// v10). Decoded, a topic's name is its id's 32 hexadecimal digits.
    Ids(i16),
    /// In a boolean that ends every directory of a response (DescribeLogDirs v5, KIP-1066).
    /// Decoded, it is a tagged field of the directory.
    Cordoned(i16),
}

/// The tag section that stands for the boolean and the empty section behind it: one field of two
/// bytes, the boolean and a zero. Kafka has no such tag.
const CORDON: [u8; 3] = [1, 0x7f, 2];

impl Beyond {
    /// Whether messages of `version` name topics by id.
    #[must_use]
    pub fn names_ids(self, version: i16) -> bool {
        matches!(self, Self::Ids(newest) if version > newest)
    }

    fn is_cordoned(self, (direction, _, version): (Direction, ApiKey, i16)) -> bool {
        direction == Direction::Response
            && matches!(self, Self::Cordoned(newest) if version > newest)
    }

    fn as_known(self, version: i16) -> i16 {
        match self {
            Self::Nothing => version,
            Self::Alike(newest) | Self::Ids(newest) | Self::Cordoned(newest) => version.min(newest),
        }
    }

    /// Decodes a body whose shape was checked already.
    ///
    /// # Errors
    /// [`CloseReason`] where the crate cannot read it.
    pub fn decode<M: Decodable>(
        self,
        place: (Direction, ApiKey, i16),
        body: &Bytes,
        limits: &Limits,
    ) -> Result<M, CloseReason> {
        let (_, key, version) = place;
        let known = self.as_known(version);
        if self.is_cordoned(place) {
            let tagged = replace(place, body, limits, Field::IsCordoned, |bytes, out| {
                out.extend_from_slice(&CORDON);
                out.extend_from_slice(bytes);
            })?;
            return Ok(codec::decode(key, known, &tagged)?);
        }
        if !self.names_ids(version) {
            return Ok(codec::decode(key, known, body)?);
        }
        let named = replace(place, body, limits, Field::TopicId, |bytes, out| {
            let id = TopicId::from_slice(bytes).unwrap_or(TopicId::ZERO);
            let digits = digits(id);
            out.extend_from_slice(&length_prefix(true, digits.len()));
            out.extend_from_slice(digits.as_bytes());
        })?;
        Ok(codec::decode(key, known, &named)?)
    }

    /// Encodes a message's body.
    ///
    /// # Errors
    /// [`CloseReason`] where a field that is set does not exist at `version`.
    pub fn encode<M: Encodable>(
        self,
        place: (Direction, ApiKey, i16),
        message: &M,
        limits: &Limits,
    ) -> Result<Bytes, CloseReason> {
        let (direction, key, version) = place;
        let known = self.as_known(version);
        let body = codec::encode(key, known, message)?;
        if self.is_cordoned(place) {
            return untagged((direction, key, known), &body, limits);
        }
        if !self.names_ids(version) {
            return Ok(body);
        }
        replace((direction, key, known), &body, limits, Field::TopicName, |bytes, out| {
            let id = std::str::from_utf8(bytes).ok().and_then(topic_id).unwrap_or(TopicId::ZERO);
            out.put_slice(&id.0);
        })
    }
}

/// The boolean of every directory where it belongs again, and false where there was none.
fn untagged(
    (direction, key, version): (Direction, ApiKey, i16),
    body: &Bytes,
    limits: &Limits,
) -> Result<Bytes, CloseReason> {
    let mut edits = Edits::default();
    shape::check(direction, key.0, version, body, limits, &mut |event| {
        if let Event::Field { field: Field::UsableBytes, end, .. } = event {
            let at = end as usize;
            match body.get(at..).and_then(|rest| rest.strip_prefix(&CORDON)) {
                Some(_) => edits.remove(at..at.saturating_add(CORDON.len())),
                None => edits.replace(at..at, [Bytes::from_static(&[0])]),
            }
        }
    })
    .map_err(|fault| CloseReason::ResponseShape { api: key, fault })?;
    Ok(edits.apply(body).concat().into())
}

fn digits(id: TopicId) -> String {
    let mut digits = String::with_capacity(32);
    for byte in id.0 {
        // Writing to a `String` cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The id that a decoded name stands for.
#[must_use]
pub fn topic_id(digits: &str) -> Option<TopicId> {
    let id = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(TopicId(id.to_be_bytes()))
}

/// Writes every `field` of a body anew, its length prefix included.
fn replace(
    (direction, key, version): (Direction, ApiKey, i16),
    body: &Bytes,
    limits: &Limits,
    field: Field,
    write: impl Fn(&[u8], &mut BytesMut),
) -> Result<Bytes, CloseReason> {
    let mut edits = Edits::default();
    shape::check(direction, key.0, version, body, limits, &mut |event| {
        if let Event::Field { field: found, prefix_start, start, end, .. } = event
            && found == field
        {
            let mut out = BytesMut::new();
            write(body.get(start as usize..end as usize).unwrap_or_default(), &mut out);
            edits.replace(prefix_start as usize..end as usize, [out.freeze()]);
        }
    })
    .map_err(|fault| match direction {
        Direction::Request => CloseReason::RequestShape { api: key, fault },
        Direction::Response => CloseReason::ResponseShape { api: key, fault },
    })?;
    Ok(edits.apply(body).concat().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use kafka_protocol::messages::DescribeLogDirsResponse;

    use super::*;

    #[test]
    fn a_cordoned_directory_stays_cordoned_when_topics_are_left_out() {
        let key = ApiKey::DESCRIBE_LOG_DIRS;
        let limits = Limits { elements_max: 1_000 };
        let place = (Direction::Response, key, 5);
        let directory = |cordoned: u8| {
            let name = [&[0, 0, 3][..], b"/d", &[2, 2, b't', 1, 0]].concat();
            [&name[..], &[0; 15], &[7, cordoned, 0]].concat()
        };
        let head = [0, 0, 0, 0, 0, 0, 3];
        let body = [&head[..], &directory(1), &directory(0), &[0]].concat();
        let body = Bytes::from(body);
        let beyond = Beyond::Cordoned(4);
        let message: DescribeLogDirsResponse = beyond.decode(place, &body, &limits).unwrap();
        assert_eq!(message.results.len(), 2);
        assert_eq!(beyond.encode(place, &message, &limits).unwrap(), body);
        let fewer = DescribeLogDirsResponse::default()
            .with_results(vec![message.results.first().unwrap().clone().with_topics(Vec::new())]);
        let written = beyond.encode(place, &fewer, &limits).unwrap();
        assert!(written.ends_with(&[7, 1, 0, 0]), "{written:?}");
        let made = DescribeLogDirsResponse::default().with_results(vec![Default::default()]);
        let written = beyond.encode(place, &made, &limits).unwrap();
        let whole = shape::check(place.0, key.0, 5, &written, &limits, &mut |_| {});
        assert!(whole.is_ok(), "{whole:?}");
    }
}
