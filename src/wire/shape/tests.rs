//! Every fault is found where it is, and every span is the one of its bytes.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test says so by failing"
)]

use super::*;

const LIMITS: Limits = Limits { elements_max: 10_000 };
const FETCH: i16 = 1;
const METADATA: i16 = 3;
const DELETE_TOPICS: i16 = 20;

fn events(
    direction: Direction,
    key: i16,
    version: i16,
    body: &[u8],
) -> Result<Vec<Event>, ShapeError> {
    let mut events = Vec::new();
    check(direction, key, version, body, &LIMITS, &mut |event| events.push(event))?;
    Ok(events)
}

fn fault(key: i16, version: i16, body: &[u8]) -> ShapeError {
    events(Direction::Request, key, version, body).expect_err("the body is wrong")
}

/// Metadata v12 request: one topic by name, no creation, no tags.
const METADATA_V12: &[u8] = &[
    2, // one topic
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // id
    3, b'a', b'b', 0, // name, tags
    1, 0, 0, // creation, operations, tags
];

#[test]
fn spans_are_those_of_the_bytes() {
    let events = events(Direction::Request, METADATA, 12, METADATA_V12).expect("it is right");
    let array = Field::Topics;
    let expected = [
        Event::ArrayStart { field: array, start: 0, count: 1, null: false, body: 1 },
        Event::ElementStart { field: array, at: 1 },
        Event::Field { field: Field::TopicId, prefix_start: 1, start: 1, end: 17, null: false },
        Event::Field { field: Field::TopicName, prefix_start: 17, start: 18, end: 20, null: false },
        Event::ElementEnd { field: array, at: 21 },
        Event::ArrayEnd { field: array, at: 21 },
        Event::Field {
            field: Field::AllowAutoTopicCreation,
            prefix_start: 21,
            start: 21,
            end: 22,
            null: false,
        },
    ];
    assert_eq!(events, expected);
}

#[test]
fn null_is_told_from_empty() {
    let null = events(Direction::Request, METADATA, 12, &[0, 0, 0, 0]).expect("null is allowed");
    let all = Event::ArrayStart { field: Field::Topics, start: 0, count: 0, null: true, body: 1 };
    assert_eq!(null.first(), Some(&all));
    let none = events(Direction::Request, METADATA, 12, &[1, 0, 0, 0]).expect("so is empty");
    let empty =
        Event::ArrayStart { field: Field::Topics, start: 0, count: 0, null: false, body: 1 };
    assert_eq!(none.first(), Some(&empty));
    assert_eq!(fault(METADATA, 0, &[0xff; 4]), ShapeError::NullNotAllowed { at: 0 });
}

/// Each of these was a way into some reader.
#[test]
fn every_fault_is_found_where_it_is() {
    use ShapeError as E;
    let with = |at: usize, byte: u8| {
        let mut body = METADATA_V12.to_vec();
        body[at] = byte;
        fault(METADATA, 12, &body)
    };
    // The four bytes that abort a process which reserves by the count on the wire.
    assert_eq!(fault(METADATA, 1, &[0x7f, 0xff, 0xff, 0xff]), E::CountTooLarge { at: 0 });
    assert_eq!(fault(METADATA, 1, &[0xff, 0xff, 0xff, 0xfe]), E::NegativeLength { at: 0 });
    assert_eq!(fault(METADATA, 1, &[0, 0, 0, 1, 0xff, 0xfe]), E::NegativeLength { at: 4 });
    assert_eq!(fault(METADATA, 1, &[0, 0, 0, 1, 0, 9, b'a']), E::CountTooLarge { at: 4 });
    assert_eq!(fault(METADATA, 1, &[0, 0]), E::Truncated { at: 0 });
    assert_eq!(fault(METADATA, 1, &[0, 0, 0, 0, 7]), E::TrailingBytes { at: 4 });
    assert_eq!(fault(METADATA, 99, &[]), E::UnknownVersion { key: METADATA, version: 99 });
    assert_eq!(fault(METADATA, -1, &[]), E::UnknownVersion { key: METADATA, version: -1 });
    assert_eq!(fault(7, 0, &[]), E::UnknownVersion { key: 7, version: 0 });
    assert_eq!(fault(500, 0, &[]), E::UnknownApi { key: 500 });
    assert_eq!(with(18, 0xff), E::NotUtf8 { at: 18 });
    assert_eq!(with(21, 2), E::BadBool { at: 21 });
    assert_eq!(with(0, 0xfe), E::OverlongVarint { at: 0 });
    for overlong in [&[0x80, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x1f], &[0x80; 6]] {
        assert_eq!(fault(METADATA, 12, overlong), E::OverlongVarint { at: 0 }, "{overlong:?}");
    }
    let long = [&[2][..], &[0; 16], &[0x81, 0x80, 2], &[b'a'; 0x8000], &[0, 0, 0, 0]].concat();
    assert_eq!(fault(METADATA, 12, &long), E::CountTooLarge { at: 17 }, "0x8000 bytes of name");
    let few = Limits { elements_max: 0 };
    let error = check(Direction::Request, METADATA, 12, METADATA_V12, &few, &mut |_| {});
    assert_eq!(error, Err(E::TooManyElements { at: 0 }));
}

#[test]
fn tags_are_in_order_and_as_long_as_they_say() {
    use ShapeError as E;
    // DescribeTopicPartitions would do too; the tags of Metadata v12 are all unknown.
    let tagged = |tags: &[u8]| [&[1, 0, 0][..], tags].concat();
    let fault = |tags: &[u8]| fault(METADATA, 12, &tagged(tags));
    assert_eq!(fault(&[2, 5, 0, 5, 0]), E::TagOrder { at: 6 });
    assert_eq!(fault(&[2, 5, 0, 4, 0]), E::TagOrder { at: 6 });
    assert_eq!(fault(&[1, 5, 1]), E::CountTooLarge { at: 5 });
    assert_eq!(fault(&[2, 5, 0]), E::CountTooLarge { at: 3 });
    let seen = events(Direction::Request, METADATA, 12, &tagged(&[2, 5, 1, 9, 7, 0]));
    let unknown = [Event::UnknownTag { start: 4, end: 7 }, Event::UnknownTag { start: 7, end: 9 }];
    assert_eq!(seen.expect("tags are no reason to refuse")[3..], unknown);
    // ApiVersions v3 response: tag 1 is an int64.
    let epoch = |size: u8, bytes: usize| {
        let body = [&[0, 0, 1, 0, 0, 0, 0, 1, 1, size][..], &vec![0; bytes]].concat();
        check(Direction::Response, 18, 3, &body, &LIMITS, &mut |_| {})
    };
    assert_eq!(epoch(8, 8), Ok(Checked { unknown_tags: 0 }));
    assert_eq!(epoch(9, 9), Err(E::TagSize { at: 8 }));
    assert_eq!(epoch(7, 7), Err(E::Truncated { at: 10 }));
}

#[test]
fn a_nullable_struct_has_one_marker_only() {
    // DescribeTopicPartitions v0 request: no topics, limit, cursor.
    let with = |cursor: &[u8]| {
        let body = [&[1, 0, 0, 0, 9][..], cursor, &[0]].concat();
        check(Direction::Request, 75, 0, &body, &LIMITS, &mut |_| {})
    };
    assert!(with(&[0xff]).is_ok());
    assert!(with(&[1, 2, b't', 0, 0, 0, 0, 0]).is_ok());
    // Java takes 0 for a struct, others for null.
    assert_eq!(with(&[0]), Err(ShapeError::BadBool { at: 5 }));
    assert_eq!(with(&[0xfe]), Err(ShapeError::BadBool { at: 5 }));
}

/// NodeEndpoints (tag 0) of a Fetch v16 response with an unknown tag inside and one beside it.
#[test]
fn unknown_tags_are_spliced_out_of_known_ones_too() {
    let head = [&[0; 10][..], &[1]].concat(); // throttle, error, session, no topics
    let node = |tags: &[u8]| [&[0, 0, 0, 7, 2, b'h', 0, 0, 0, 9, 0][..], tags].concat();
    let body = |tags: u8, size: &[u8], node: &[u8], more: &[u8]| {
        [&head[..], &[tags, 0], size, &[2], node, more].concat()
    };
    let filler = [0x55; 200];
    let unknown = [&[1, 3, 0xc8, 1][..], &filler].concat();
    let dirty_node = node(&unknown);
    let size = dirty_node.len() + 1;
    let size = [(size & 0x7f | 0x80) as u8, (size >> 7) as u8];
    let dirty = body(2, &size, &dirty_node, &[1, 1, 0xaa]);
    let clean_node = node(&[0]);
    let clean = body(1, &[clean_node.len() as u8 + 1], &clean_node, &[]);

    let count = check(Direction::Response, FETCH, 16, &dirty, &LIMITS, &mut |_| {});
    assert_eq!(count, Ok(Checked { unknown_tags: 2 }));
    let spliced = without_unknown_tags(Direction::Response, FETCH, 16, &dirty, &LIMITS);
    assert_eq!(spliced.as_deref(), Ok(&clean[..]));
    let unchanged = without_unknown_tags(Direction::Response, FETCH, 16, &clean, &LIMITS);
    assert_eq!(unchanged.as_deref(), Ok(&clean[..]));

    let seen = events(Direction::Response, FETCH, 16, &clean).expect("it is right");
    let field = Field::NodeEndpoints;
    let (start, size_at, body) = (12, 13, 14);
    assert!(seen.contains(&Event::TagStart { field, tag: 0, start, size_at, body }));
    let port =
        Event::Field { field: Field::Port, prefix_start: 21, start: 21, end: 25, null: false };
    assert!(seen.contains(&port), "{seen:?}");
    assert_eq!(seen.last(), Some(&Event::TagEnd { field, end: 27 }));
}

#[test]
fn header_tags_end_where_the_body_starts() {
    let tags = |bytes: &[u8]| header_tags(bytes, &LIMITS);
    assert_eq!(tags(&[0, 9, 9]), Ok(HeaderTags { bytes: 1, unknown_tags: 0 }));
    assert_eq!(tags(&[1, 0, 2, 7, 7, 9]), Ok(HeaderTags { bytes: 5, unknown_tags: 1 }));
    assert_eq!(tags(&[]), Err(ShapeError::Truncated { at: 0 }));
    assert_eq!(tags(&[0x80, 0]), Err(ShapeError::OverlongVarint { at: 0 }));
}

#[test]
fn lists_of_names_emit_their_elements() {
    let body = [0, 0, 0, 2, 0, 1, b'a', 0, 1, b'b', 0, 0, 0, 1];
    let seen = events(Direction::Request, DELETE_TOPICS, 1, &body).expect("it is right");
    let name = |start: u32| Event::Field {
        field: Field::TopicName,
        prefix_start: start - 2,
        start,
        end: start + 1,
        null: false,
    };
    assert!(seen.contains(&name(6)) && seen.contains(&name(9)), "{seen:?}");
}

/// Whatever the bytes: no panic, and the promises of `fuzz_one` hold.
#[test]
fn arbitrary_bytes_do_no_harm() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut data = [0_u8; 48];
    for _ in 0..20_000 {
        for byte in &mut data {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = if state & 3 == 0 { (state >> 8) as u8 } else { (state >> 8) as u8 & 3 };
        }
        data[0] = (state >> 32) as u8;
        fuzz_one(&data[..(state >> 40) as usize % data.len()]);
    }
}
