//! Two frames of a widespread client that have more bytes than their message, and read the same to
//! every broker.
//!
//! librdkafka (seen from 2.12.1 to 2.16.0) asks for all topics with a Metadata request in which a
//! null list takes four bytes in place of the one byte of a flexible version. A broker reads on
//! behind the first of them and leaves the rest unread: all topics, nothing created, no operations
//! asked for. Its AlterUserScramCredentials ends with its empty tags twice. Lockgate sends both
//! on, without the rest; everything else that has bytes behind its message stays refused.

use bytes::Bytes;

use crate::wire::ApiKey;
use crate::wire::shape::{self, Direction, Limits, ShapeError};

/// The first version with compact lists and tags.
const FLEXIBLE: i16 = 9;
/// The last version that asks for the operations of the cluster.
const CLUSTER_OPERATIONS: i16 = 10;
/// A null list of four bytes.
const NULL_LIST: [u8; 4] = [0; 4];

/// What a broker reads in those two requests; `None` for every other.
pub(super) fn without(key: ApiKey, version: i16, body: &Bytes, limits: &Limits) -> Option<Bytes> {
    if key == ApiKey::ALTER_USER_SCRAM_CREDENTIALS {
        return once_tagged(version, body, limits);
    }
    if key != ApiKey::METADATA || version < FLEXIBLE {
        return None;
    }
    // Behind the list: two or three booleans, and no tags.
    let choices = if version <= CLUSTER_OPERATIONS { 3 } else { 2 };
    let (&[creates, ..], true) = (body.strip_prefix(&NULL_LIST)?, body.len() == 5 + choices) else {
        return None;
    };
    let rest_is_zero = body.iter().skip(5).all(|byte| *byte == 0);
    let read: &[u8] = if choices == 3 { &[0; 5] } else { &[0; 4] };
    (creates <= 1 && rest_is_zero).then(|| Bytes::from_static(read))
}

/// AlterUserScramCredentials without its second tags.
fn once_tagged(version: i16, body: &Bytes, limits: &Limits) -> Option<Bytes> {
    let key = ApiKey::ALTER_USER_SCRAM_CREDENTIALS.0;
    let (0, message) = body.split_last()? else { return None };
    let fault = shape::check(Direction::Request, key, version, body, limits, &mut |_| {}).err()?;
    let ShapeError::TrailingBytes { at } = fault else { return None };
    (usize::try_from(at) == Ok(message.len())).then(|| body.slice(..message.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { elements_max: 100 };

    #[test]
    fn tags_that_librdkafka_writes_twice_are_read_once() {
        // No deletion; one upsertion: user `u`, mechanism 1, 4096 iterations, salt, password.
        let message = [1, 2, 2, b'u', 1, 0, 0, 16, 0, 2, b's', 2, b'p', 0, 0];
        let key = ApiKey::ALTER_USER_SCRAM_CREDENTIALS;
        let read = |bytes: &[u8]| without(key, 0, &Bytes::copy_from_slice(bytes), &LIMITS);
        assert_eq!(read(&message), None);
        assert_eq!(read(&[&message[..], &[0]].concat()).as_deref(), Some(&message[..]));
        for more in [&[7][..], &[0, 0], &[0, 7], &[7, 0]] {
            assert_eq!(read(&[&message[..], more].concat()), None, "{more:?}");
        }
    }

    #[test]
    fn all_topics_of_librdkafka_are_read_as_a_broker_reads_them() {
        let without = |version, body: &'static [u8]| {
            without(ApiKey::METADATA, version, &Bytes::from_static(body), &LIMITS)
        };
        assert_eq!(without(13, &[0, 0, 0, 0, 1, 0, 0]), Some(Bytes::from_static(&[0; 4])));
        assert_eq!(without(11, &[0, 0, 0, 0, 0, 0, 0]), Some(Bytes::from_static(&[0; 4])));
        assert_eq!(without(9, &[0, 0, 0, 0, 1, 0, 0, 0]), Some(Bytes::from_static(&[0; 5])));
    }

    #[test]
    fn nothing_else_loses_a_byte() {
        let without = |key, version, body: &'static [u8]| {
            without(key, version, &Bytes::from_static(body), &LIMITS)
        };
        for body in [
            &[0, 0, 0, 0][..],
            &[0, 1, 0, 0],
            &[0, 0, 0, 0, 7],
            &[0, 0, 0, 0, 2, 0, 0],
            &[0, 0, 0, 0, 1, 0, 1],
            &[0, 0, 0, 0, 1, 0, 0, 0],
            &[1, 0, 0, 0, 1, 0, 0],
        ] {
            assert_eq!(without(ApiKey::METADATA, 12, body), None, "{body:?}");
        }
        assert_eq!(without(ApiKey::METADATA, 8, &[0, 0, 0, 0, 1, 0, 0]), None);
        assert_eq!(without(ApiKey::FETCH, 13, &[0, 0, 0, 0, 1, 0, 0]), None);
    }
}
