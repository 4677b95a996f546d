//! The closed grid (T01): every API key and version, well formed and not, before and after login,
//! is judged, refused in Kafka's own form, or ends the connection; nothing else goes on.

use super::bodies::request_body;
use super::frames::raw_request;
use super::talk::{Talk, limits};
use crate::enforce::facts::Identity;
use crate::enforce::{Treatment, is_open_before_login, row, rows};
use crate::wire::shape::{self, Direction};
use crate::wire::{ApiKey, RequestHeader};

const KEYS: std::ops::RangeInclusive<i16> = 0..=127;
const VERSIONS: std::ops::RangeInclusive<i16> = 0..=32;

/// Keys from 128 on, the same ones each time: an xorshift from a fixed seed.
fn sample() -> Vec<i16> {
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        i16::try_from(128 + noise % (32_767 - 127)).unwrap()
    };
    let drawn = std::iter::repeat_with(&mut draw).take(500);
    drawn.chain([128, 255, 256, i16::MAX, -1, i16::MIN]).collect()
}

fn is_judged(key: i16, version: i16) -> bool {
    row(ApiKey(key)).is_some_and(|row| {
        !matches!(row.treatment, Treatment::Hidden { .. }) && row.versions().contains(&version)
    })
}

/// What became of one frame on a new connection.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Forwarded,
    Answered,
    Closed,
    /// It waits for an answer of the broker to a question of Lockgate's own.
    Asked,
}

fn end(mut talk: Talk, key: i16, version: i16, body: &[u8]) -> End {
    talk.client(&raw_request(key, version, 1, body));
    let place = format!("key {key} v{version}: {:?}", talk.done);
    let mut asked = false;
    for frame in talk.to_broker() {
        let (to, at, id) = RequestHeader::peek(&frame).unwrap();
        assert!(is_judged(to.0, at), "unjudged: {to} v{at} for {place}");
        if (to.0, id) == (key, 1) {
            return End::Forwarded;
        }
        asked = true;
    }
    match (talk.to_client().is_empty(), talk.closed().is_some()) {
        (false, _) => End::Answered,
        (true, true) => End::Closed,
        (true, false) if asked || talk.asks() => End::Asked,
        (true, false) => panic!("neither judged nor ended: {place}"),
    }
}

#[test]
fn t01_bodies_of_the_grid_are_well_formed() {
    let limits = shape::Limits { elements_max: 1_000 };
    for api in shape::apis() {
        for version in api.versions.clone() {
            let body = request_body(api.key, version);
            shape::check(Direction::Request, api.key, version, &body, &limits, &mut |_| {})
                .unwrap_or_else(|fault| panic!("{} v{version}: {fault}", api.name));
        }
    }
}

#[test]
fn t01_the_grid_is_closed_after_login() {
    let mut forwarded = 0;
    for key in KEYS {
        for version in VERSIONS {
            let end = end(Talk::begun(""), key, version, &request_body(key, version));
            let apart = key == ApiKey::API_VERSIONS.0 && !is_judged(key, version);
            match end {
                End::Closed => {}
                End::Answered if apart => {}
                End::Forwarded | End::Answered | End::Asked => {
                    assert!(is_judged(key, version), "key {key} v{version}: {end:?}");
                }
            }
            forwarded += usize::from(end == End::Forwarded);
        }
    }
    let judged: usize = rows()
        .filter(|row| !matches!(row.treatment, Treatment::Hidden { .. }))
        .map(|row| row.versions().count())
        .sum();
    assert!(forwarded * 4 > judged, "{forwarded} of {judged}: the bodies do not reach the judges");
}

#[test]
fn t01_the_grid_is_closed_before_login() {
    for key in KEYS {
        for version in VERSIONS {
            let talk = Talk::with(Identity::default(), "");
            let end = end(talk, key, version, &request_body(key, version));
            let open = is_open_before_login(ApiKey(key));
            assert!(open || end == End::Closed, "key {key} v{version}: {end:?}");
            assert!(end != End::Forwarded || key == ApiKey::API_VERSIONS.0, "key {key} v{version}");
        }
    }
}

#[test]
fn t01_large_keys_end_the_connection_before_and_after_login() {
    for key in sample() {
        for version in [0, 1, 12, 32, i16::MAX, -1] {
            for talk in [Talk::begun(""), Talk::with(Identity::default(), "")] {
                let body = vec![0; limits().unauthenticated_frame_bytes_max / 64];
                assert_eq!(end(talk, key, version, &body), End::Closed, "key {key} v{version}");
            }
        }
    }
}
