//! What is not offered, not well formed or not allowed yet ends the connection and is never
//! forwarded.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, SaslHandshakeRequest,
};

use super::frames::{self, raw_request, request, response};
use super::talk::{Did, Talk, hello, policies};
use crate::enforce::facts::Identity;
use crate::enforce::{CloseReason, rows};
use crate::wire::{ApiKey, FrameFault, codec};

#[test]
fn t01_a_key_that_no_table_has_ends_the_connection() {
    for key in [93, 94, 999, 10_000, 20_000, i16::MAX, -1, i16::MIN] {
        let mut talk = Talk::begun("");
        talk.client(&raw_request(key, 0, 1, &[]));
        assert_eq!(talk.refused(), CloseReason::UnknownApi(key), "key {key}");
    }
}

#[test]
fn t01_every_key_and_version_is_handled_or_closed_and_never_forwarded_unjudged() {
    for key in 0..=127_i16 {
        for version in 0..=32_i16 {
            let mut talk = Talk::begun("");
            talk.client(&raw_request(key, version, 1, &[0xff; 3]));
            let offered =
                rows().filter(|row| row.key.0 == key).any(|row| row.versions().contains(&version));
            if key == ApiKey::API_VERSIONS.0 && !offered {
                assert_eq!(talk.answered(), [1], "ApiVersions v{version}");
            } else {
                talk.refused();
            }
        }
    }
}

#[test]
fn t01_a_hidden_api_ends_the_connection() {
    // LeaderAndIsr, FetchSnapshot, PushTelemetry, …
    for key in [4, 27, 52, 58, 59, 67, 71, 72] {
        let mut talk = Talk::begun("");
        talk.client(&raw_request(key, 0, 1, &[0; 64]));
        assert_eq!(talk.refused(), CloseReason::HiddenApi(ApiKey(key)));
    }
}

#[test]
fn t02_a_version_outside_the_table_ends_the_connection() {
    for (key, version) in [(0, 2), (0, 14), (1, 3), (1, 19), (3, 14), (36, 3), (3, -1)] {
        let mut talk = Talk::begun("");
        talk.client(&raw_request(key, version, 1, &[0; 64]));
        assert_eq!(talk.refused(), CloseReason::Version { api: ApiKey(key), version });
    }
}

/// A broker's answer to ApiVersions.
fn offer(ranges: &[(i16, i16, i16)]) -> ApiVersionsResponse {
    let range = |(key, min, max): &(i16, i16, i16)| {
        ApiVersion::default().with_api_key(*key).with_min_version(*min).with_max_version(*max)
    };
    ApiVersionsResponse::default().with_api_keys(ranges.iter().map(range).collect())
}

fn offered(talk: &Talk, version: i16) -> Vec<(i16, i16, i16)> {
    let answer: ApiVersionsResponse = talk.answer(ApiKey::API_VERSIONS, version);
    answer.api_keys.iter().map(|r| (r.api_key, r.min_version, r.max_version)).collect()
}

#[test]
fn t02_a_version_that_this_connection_was_not_offered_ends_it() {
    let mut talk = Talk::under("");
    talk.client(&hello(1, 3));
    let theirs = offer(&[(0, 0, 9), (3, 0, 8), (18, 0, 3)]);
    talk.broker(&response(ApiKey::API_VERSIONS, 3, 1, &theirs));
    talk.done.clear();
    let newer = MetadataRequest::default().with_topics(None);
    talk.client(&request(ApiKey::METADATA, 9, 2, &newer));
    assert_eq!(talk.refused(), CloseReason::Version { api: ApiKey::METADATA, version: 9 });
}

#[test]
fn t03_the_offer_is_ours_and_theirs_and_nothing_else() {
    let mut talk = Talk::under("");
    talk.client(&hello(1, 3));
    let theirs = offer(&[
        (0, 0, 99),
        (1, 4, 12),
        (2, 5, 4),
        (72, 0, 0),
        (78, 0, 1),
        (93, 0, 0),
        (18, 0, 9),
        (10_000, 0, 1),
    ]);
    talk.broker(&response(ApiKey::API_VERSIONS, 3, 1, &theirs));
    let login = [(17, 1, 1), (36, 0, 2)];
    let expected = [(0, 0, 13), (1, 4, 12), login[0], (18, 0, 4), login[1], (78, 1, 1)];
    assert_eq!(offered(&talk, 3), expected);
}

#[test]
fn t03_features_that_nobody_here_knows_are_left_out() {
    use kafka_protocol::messages::api_versions_response::{
        FinalizedFeatureKey, SupportedFeatureKey,
    };
    let mut talk = Talk::under("");
    talk.client(&hello(1, 3));
    let mut theirs = offer(&[(18, 0, 4)]);
    for name in ["unheard.version", "share.version", "metadata.version"] {
        let supported = SupportedFeatureKey::default().with_name(codec::text(name));
        theirs.supported_features.push(supported.with_max_version(1));
        let finalized = FinalizedFeatureKey::default().with_name(codec::text(name));
        theirs.finalized_features.push(finalized.with_max_version_level(1));
    }
    talk.broker(&response(ApiKey::API_VERSIONS, 3, 1, &theirs));
    let answer: ApiVersionsResponse = talk.answer(ApiKey::API_VERSIONS, 3);
    let supported: Vec<&str> = answer.supported_features.iter().map(|f| &*f.name).collect();
    let finalized: Vec<&str> = answer.finalized_features.iter().map(|f| &*f.name).collect();
    assert_eq!(supported, ["share.version", "metadata.version"]);
    assert_eq!(finalized, ["share.version", "metadata.version"]);
}

#[test]
fn t03_an_unknown_version_of_api_versions_is_answered_with_v0_and_error_35() {
    for version in [5_i16, 6, 99, i16::MAX] {
        let mut talk = Talk::under("");
        talk.client(&raw_request(18, version, 77, b"\x02a\x02b\x05weird"));
        assert!(talk.to_broker().is_empty());
        let frames = talk.to_client();
        let answer: ApiVersionsResponse = frames::decoded(ApiKey::API_VERSIONS, 0, &frames[0]);
        assert_eq!(frames::correlation_id(&frames[0]), 77);
        assert_eq!(answer.error_code, 35);
        assert_eq!(answer.api_keys.len(), 1);
        assert_eq!((answer.api_keys[0].api_key, answer.api_keys[0].max_version), (18, 4));
        // The client asks again with what it has learned.
        talk.client(&hello(78, 3));
        assert_eq!(talk.to_broker().len(), 1);
    }
}

#[test]
fn t03_a_broker_that_refuses_the_version_is_passed_on_as_v0() {
    let mut talk = Talk::under("");
    talk.client(&hello(1, 4));
    let refusal = offer(&[(18, 0, 3)]).with_error_code(35);
    let body = codec::encode(ApiKey::API_VERSIONS, 0, &refusal).unwrap();
    talk.broker(&frames::raw_response(ApiKey::API_VERSIONS, 4, 1, &body));
    let answer: ApiVersionsResponse = talk.answer(ApiKey::API_VERSIONS, 0);
    assert_eq!((answer.error_code, answer.api_keys.len()), (35, 1));
    talk.done.clear();
    talk.client(&hello(2, 3));
    assert_eq!(talk.to_broker().len(), 1, "the client may try again");
}

#[test]
fn t03_a_refusal_in_a_shape_of_its_own_is_replaced_and_never_passed_on() {
    // As librdkafka's mock cluster refuses v3: error 35, a count of one byte, an entry, the
    // throttle time.
    let odd = [0, 35, 1, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0];
    let mut talk = Talk::under("");
    talk.client(&hello(1, 3));
    talk.broker(&frames::raw_response(ApiKey::API_VERSIONS, 3, 1, &odd));
    let answer: ApiVersionsResponse = talk.answer(ApiKey::API_VERSIONS, 0);
    assert_eq!(answer.error_code, 35);
    assert_eq!(offered(&talk, 0), [(18, 0, 0)]);
    talk.done.clear();
    talk.client(&hello(2, 0));
    talk.broker(&response(ApiKey::API_VERSIONS, 0, 2, &offer(&[(3, 0, 8), (18, 0, 2)])));
    assert_eq!(offered(&talk, 0), [(3, 0, 8), (17, 1, 1), (18, 0, 2), (36, 0, 2)]);
}

#[test]
fn t16_a_length_over_the_limit_is_refused_before_its_body() {
    let mut talk = Talk::with(Identity::default(), "");
    talk.client(&65_536_i32.to_be_bytes());
    let CloseReason::Frame(FrameFault::TooLarge { limit_bytes, .. }) = talk.refused() else {
        panic!("{:?}", talk.done)
    };
    assert_eq!(limit_bytes, 1 << 14, "before login");
    let mut talk = Talk::begun("");
    talk.client(&[&200_000_i32.to_be_bytes()[..], &[0, 3]].concat());
    assert!(matches!(talk.refused(), CloseReason::Frame(FrameFault::TooLarge { .. })));
    let mut talk = Talk::begun("");
    talk.client(&[&200_000_i32.to_be_bytes()[..], &[0, 0]].concat());
    assert!(talk.closed().is_none(), "a produce may be that large: {:?}", talk.done);
    for length in [-1_i32, 0, 3, i32::MIN, i32::MAX] {
        let mut talk = Talk::begun("");
        talk.client(&length.to_be_bytes());
        assert!(matches!(talk.refused(), CloseReason::Frame(_)), "{length}");
    }
}

#[test]
fn t16_a_count_that_cannot_be_true_is_refused() {
    // Metadata v1 with 2^31 - 1 topics, and with a count below null.
    for count in [i32::MAX, 1_000_000, -2, i32::MIN] {
        let mut talk = Talk::begun("");
        talk.client(&raw_request(3, 1, 1, &count.to_be_bytes()));
        assert!(matches!(talk.refused(), CloseReason::RequestShape { .. }), "{count}");
    }
    // More elements than one frame may have, though their bytes are there.
    let many = MetadataRequest::default().with_topics(Some(vec![
        kafka_protocol::messages::metadata_request::MetadataRequestTopic::default();
        10_001
    ]));
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::METADATA, 4, 1, &many));
    assert!(matches!(talk.refused(), CloseReason::RequestShape { .. }));
}

/// Metadata v12 with an unknown tag 99 in the body and another in the header.
fn tagged_metadata(correlation_id: i32) -> Bytes {
    let message = frames::metadata_request();
    let body = codec::encode(ApiKey::METADATA, 12, &message).unwrap();
    let (tags, fields) = body.split_last().unwrap();
    assert_eq!(*tags, 0, "no tags yet");
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&[0, 3, 0, 12]);
    frame.extend_from_slice(&correlation_id.to_be_bytes());
    frame.extend_from_slice(b"\x00\x03app");
    frame.extend_from_slice(&[1, 77, 2, 0xaa, 0xbb]);
    frame.extend_from_slice(fields);
    frame.extend_from_slice(&[1, 99, 3, 1, 2, 3]);
    frames::prefixed(&frame)
}

#[test]
fn t17_unknown_tags_are_spliced_out_and_the_request_goes_on() {
    let mut talk = Talk::begun("");
    talk.client(&tagged_metadata(5));
    let clean = request(ApiKey::METADATA, 12, 5, &frames::metadata_request());
    assert_eq!(talk.to_broker(), [clean.slice(4..)]);
    // The broker's own unknown tags do not reach the client either.
    let body = codec::encode(ApiKey::METADATA, 12, &frames::metadata(&[])).unwrap();
    let (_, fields) = body.split_last().unwrap();
    let tagged = [fields, &[1, 99, 3, 1, 2, 3]].concat();
    talk.broker(&frames::raw_response(ApiKey::METADATA, 12, 5, &tagged));
    let clean = frames::raw_response(ApiKey::METADATA, 12, 5, &body);
    assert_eq!(talk.to_client(), [clean.slice(4..)]);
}

#[test]
fn t17_tags_that_two_readers_would_read_differently_are_refused() {
    let body = codec::encode(ApiKey::METADATA, 12, &frames::metadata_request()).unwrap();
    let (_, fields) = body.split_last().unwrap();
    let tricks: [&[u8]; 6] = [
        &[2, 9, 1, 0, 9, 1, 0],
        &[2, 9, 1, 0, 8, 1, 0],
        &[1, 9, 5, 0],
        &[1, 0x89, 0x00, 1, 0],
        &[0x80, 0x00],
        &[0xff, 0xff, 0xff, 0xff, 0x7f],
    ];
    for tags in tricks {
        let mut talk = Talk::begun("");
        talk.client(&raw_request(3, 12, 1, &[fields, tags].concat()));
        assert!(matches!(talk.refused(), CloseReason::RequestShape { .. }), "{tags:?}");
    }
}

#[test]
fn t17_bytes_behind_the_body_are_refused() {
    for version in [4, 12] {
        let body = codec::encode(ApiKey::METADATA, version, &frames::metadata_request()).unwrap();
        let mut talk = Talk::begun("");
        talk.client(&raw_request(3, version, 1, &[&body[..], b"x"].concat()));
        assert!(matches!(talk.refused(), CloseReason::RequestShape { .. }));
    }
}

#[test]
fn librdkafka_asks_for_all_topics_and_what_it_leaves_behind_its_request_stays_here() {
    let mut talk = Talk::begun("");
    talk.client(&raw_request(3, 12, 1, &[0, 0, 0, 0, 1, 0, 0]));
    assert_eq!(talk.to_broker(), [raw_request(3, 12, 1, &[0; 4]).slice(4..)]);
}

#[test]
fn t24_before_the_login_only_the_login_is_open() {
    let mut talk = Talk::with(Identity::default(), "");
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    assert_eq!(talk.refused(), CloseReason::NotLoggedIn(ApiKey::METADATA));
    let mut talk = Talk::with(Identity::default(), "");
    let mechanism = SaslHandshakeRequest::default().with_mechanism(codec::text("PLAIN"));
    talk.client(&hello(1, 3));
    talk.client(&request(ApiKey::SASL_HANDSHAKE, 1, 2, &mechanism));
    assert_eq!(talk.to_broker().len(), 1, "the handshake is answered here");
    assert!(talk.to_client().is_empty(), "but not before ApiVersions");
    talk.broker(&response(ApiKey::API_VERSIONS, 3, 1, &offer(&[(18, 0, 4)])));
    assert_eq!(talk.answered(), [1, 2]);
}

#[test]
fn t51_a_frame_is_judged_under_one_set_and_the_next_under_the_new_one() {
    let deny = "    - id: closed
      match: {direction: consume, topics: [t]}
      action: {deny: {}}
";
    let mut talk = Talk::begun("");
    let ask = frames::fetch(&[(frames::Named::Name("t"), &[0])], (0, -1));
    talk.client(&request(ApiKey::FETCH, 12, 1, &ask));
    assert_eq!(talk.to_broker().len(), 1);
    talk.policy = policies(deny);
    // The answer is judged when it comes: what is no longer allowed does not leave.
    let records = frames::batch(&["{}"]);
    let answer = frames::fetched(0, &[(frames::Named::Name("t"), &[(0, records)])]);
    talk.broker(&response(ApiKey::FETCH, 12, 1, &answer));
    let got: kafka_protocol::messages::FetchResponse = talk.answer(ApiKey::FETCH, 12);
    assert_eq!(got.responses[0].partitions[0].error_code, 29);
    talk.done.clear();
    talk.client(&request(ApiKey::FETCH, 12, 2, &ask));
    assert!(talk.to_broker().is_empty());
    assert_eq!(talk.answered(), [2]);
    assert!(!talk.done.iter().any(|did| matches!(did, Did::Close(_))));
}

#[test]
fn the_software_of_a_client_is_in_its_rows() {
    let mut talk = Talk::under("");
    let message = ApiVersionsRequest::default()
        .with_client_software_name(codec::text("evil\nname"))
        .with_client_software_version(codec::text("1"));
    talk.client(&request(ApiKey::API_VERSIONS, 3, 1, &message));
    assert_eq!(talk.to_broker().len(), 1);
}
