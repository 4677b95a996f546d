//! Streams groups and the offsets of share groups, whose messages the protocol crate does not know.

use bytes::{BufMut, BytesMut};

use super::access::RULES;
use super::frames::{raw_request, raw_response};
use super::streams_messages::{heartbeat, put, put_all};
use super::talk::Talk;
use crate::wire::ApiKey;

const PERMIT: &str = "  permits:
    - id: streams-topics
      principals: {users: [jane]}
      apis: [CreateTopics]
      topics: [\"app-*\"]
";

/// The error of the answer; nothing if the heartbeat goes on.
fn beat(rules: &str, body: &[u8]) -> Option<i16> {
    let mut talk = Talk::begun(rules);
    let frame = raw_request(ApiKey::STREAMS_GROUP_HEARTBEAT.0, 0, 1, body);
    talk.client(&frame);
    if talk.to_client().is_empty() {
        assert_eq!(talk.to_broker(), [frame.slice(4..)], "{:?}", talk.done);
        return None;
    }
    assert!(talk.to_broker().is_empty());
    let answer = &talk.to_client()[0];
    // The answer has its shape: correlation id and tags, throttle time, error.
    let checked = crate::wire::shape::check(
        crate::wire::shape::Direction::Response,
        88,
        0,
        &answer[5..],
        &crate::wire::shape::Limits { elements_max: 100 },
        &mut |_| {},
    );
    checked.unwrap();
    Some(i16::from_be_bytes([answer[9], answer[10]]))
}

#[test]
fn t41_a_streams_group_needs_the_group_and_its_topics() {
    assert_eq!(beat(RULES, &heartbeat("open", &["a"], &[], &[])), None);
    assert_eq!(beat(RULES, &heartbeat("closed", &["a"], &[], &[])), Some(30));
    assert_eq!(beat(RULES, &heartbeat("open", &["a", "closed"], &[], &[])), Some(29));
}

#[test]
fn t42_a_streams_topology_brings_no_regular_expression_while_topics_are_restricted() {
    let body = heartbeat("open", &[], &[".*"], &[]);
    assert_eq!(beat(RULES, &body), Some(42));
    assert_eq!(beat("", &body), None);
}

#[test]
fn t40_topics_that_a_topology_brings_need_a_permit_to_be_created() {
    let body = heartbeat("open", &["a"], &[], &["app-store-changelog"]);
    assert_eq!(beat("", &body), Some(29));
    let permitted = format!("{RULES}{PERMIT}");
    assert_eq!(beat(&permitted, &body), None);
    let body = heartbeat("open", &["a"], &[], &["other-changelog"]);
    assert_eq!(beat(&permitted, &body), Some(29));
}

/// An answer of StreamsGroupDescribe: group, its source topics, its operations.
fn described(groups: &[(&str, &[&str], i32)]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_i32(0);
    out.put_u8(u8::try_from(groups.len()).unwrap() + 1);
    for (group, sources, operations) in groups {
        out.put_i16(0);
        out.put_u8(0); // message
        put(&mut out, group);
        put(&mut out, "Stable");
        out.put_bytes(0, 8);
        out.put_u8(1);
        out.put_i32(0);
        out.put_u8(2);
        put(&mut out, "0");
        put_all(&mut out, sources);
        put_all(&mut out, &[]);
        out.put_u8(1);
        out.put_u8(1);
        out.put_bytes(0, 2);
        out.put_u8(1); // members
        out.put_i32(*operations);
        out.put_u8(0);
    }
    out.put_u8(0);
    out
}

fn put_refused(out: &mut BytesMut, group: &str, code: i16, message: &str) {
    out.put_i16(code);
    put(out, message);
    put(out, group);
    put(out, "");
    out.put_bytes(0, 8);
    out.put_i8(-1);
    out.put_u8(1);
    out.put_i32(i32::MIN);
    out.put_u8(0);
}

#[test]
fn t41_streams_groups_are_described_where_they_and_their_topics_may_be_seen() {
    let key = ApiKey::STREAMS_GROUP_DESCRIBE;
    let ask = |groups: &[&str]| {
        let mut out = BytesMut::new();
        put_all(&mut out, groups);
        out.put_bytes(0, 2);
        out
    };
    let mut talk = Talk::begun(RULES);
    talk.client(&raw_request(key.0, 0, 1, &ask(&["a", "closed", "b"])));
    assert_eq!(talk.to_broker(), [raw_request(key.0, 0, 1, &ask(&["a", "b"])).slice(4..)]);
    let allowed = 1 << 3 | 1 << 6 | 1 << 8;
    let answer = described(&[("a", &["x"], allowed | 1 << 4), ("b", &["closed"], i32::MIN)]);
    talk.broker(&raw_response(key, 0, 1, &answer));
    let mut expected = BytesMut::new();
    expected.put_i32(0);
    expected.put_u8(4);
    put_refused(&mut expected, "closed", 30, "no-group: refused by policy");
    let a = described(&[("a", &["x"], allowed)]);
    expected.extend_from_slice(&a[5..a.len() - 1]);
    let words = "The described group uses topics that the client is not authorized to describe.";
    put_refused(&mut expected, "b", 29, words);
    expected.put_u8(0);
    let got = talk.to_client().pop().unwrap();
    assert_eq!(got, raw_response(key, 0, 1, &expected).slice(4..));
    let mut talk = Talk::begun(RULES);
    talk.client(&raw_request(key.0, 0, 1, &ask(&["closed"])));
    assert_eq!((talk.to_broker().len(), talk.answered()), (0, vec![1]));
    // An empty id does not lend its place to the one behind it.
    let mut talk = Talk::begun(RULES);
    talk.client(&raw_request(key.0, 0, 1, &ask(&["", "closed", "a"])));
    assert_eq!(talk.to_broker(), [raw_request(key.0, 0, 1, &ask(&["", "a"])).slice(4..)]);
}

/// A question for share groups' offsets: a group, and its topics or all.
fn ask_offsets(groups: &[(&str, Option<&[&str]>)]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u8(u8::try_from(groups.len()).unwrap() + 1);
    for (group, topics) in groups {
        put(&mut out, group);
        out.put_u8(topics.map_or(0, |topics| u8::try_from(topics.len()).unwrap() + 1));
        for name in topics.unwrap_or_default() {
            put(&mut out, name);
            out.put_u8(2);
            out.put_i32(7);
            out.put_u8(0);
        }
        out.put_u8(0);
    }
    out.put_u8(0);
    out
}

/// Code and message.
type Error = (i16, &'static str);
/// A group or a topic, its error, and what is in it.
type Told<'t, T> = (&'t str, Error, &'t [T]);

/// An answer with these groups: error, topics with the error of their only partition.
fn offsets(version: i16, groups: &[Told<'_, (&str, Error)>]) -> BytesMut {
    let put_error = |out: &mut BytesMut, (code, message): Error| {
        out.put_i16(code);
        if code == 0 {
            out.put_u8(0)
        } else {
            put(out, message)
        }
        out.put_u8(0);
    };
    let mut out = BytesMut::new();
    out.put_i32(0);
    out.put_u8(u8::try_from(groups.len()).unwrap() + 1);
    for (group, error, topics) in groups {
        put(&mut out, group);
        out.put_u8(u8::try_from(topics.len()).unwrap() + 1);
        for (name, error) in *topics {
            put(&mut out, name);
            out.put_bytes(0, 16);
            out.put_u8(2);
            out.put_i32(7);
            out.put_i64(-1);
            out.put_i32(0);
            if version > 0 {
                out.put_i64(-1);
            }
            put_error(&mut out, *error);
            out.put_u8(0);
        }
        put_error(&mut out, *error);
    }
    out.put_u8(0);
    out
}

#[test]
fn t41_offsets_of_share_groups_are_told_as_those_of_others() {
    let key = ApiKey::DESCRIBE_SHARE_GROUP_OFFSETS;
    let none = (0, "");
    let no_group = (30, "no-group: refused by policy");
    for version in 0..=1 {
        let mut talk = Talk::begun(RULES);
        let ask = ask_offsets(&[("a", Some(&["closed", "x"])), ("closed", None), ("all", None)]);
        talk.client(&raw_request(key.0, version, 1, &ask));
        let left = ask_offsets(&[("a", Some(&["x"])), ("all", None)]);
        assert_eq!(talk.to_broker(), [raw_request(key.0, version, 1, &left).slice(4..)]);
        let from_broker = offsets(
            version,
            &[("a", none, &[("x", none)]), ("all", none, &[("closed", none), ("y", none)])],
        );
        talk.broker(&raw_response(key, version, 1, &from_broker));
        let got = talk.to_client().pop().unwrap();
        let denial = (29, "no-read: refused by policy");
        let expected = offsets(
            version,
            &[
                ("a", none, &[("x", none), ("closed", denial)]),
                ("closed", no_group, &[]),
                ("all", none, &[("y", none)]),
            ],
        );
        assert_eq!(got, raw_response(key, version, 1, &expected).slice(4..), "v{version}");
        let mut talk = Talk::begun(RULES);
        talk.client(&raw_request(key.0, version, 1, &ask_offsets(&[("closed", None)])));
        let got = talk.to_client().pop().unwrap();
        let expected = offsets(version, &[("closed", no_group, &[])]);
        assert_eq!(got, raw_response(key, version, 1, &expected).slice(4..));
        assert!(talk.to_broker().is_empty());
    }
}
