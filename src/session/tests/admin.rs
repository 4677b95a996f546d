//! Requests that change or show the cluster, at every version that is offered: allowed, refused,
//! and refused in part.

use kafka_protocol::messages::{TopicName, create_topics_request::CreatableTopic};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::frames::{self, request, response};
use super::talk::Talk;
use crate::audit::{AuditDecision, Completion};
use crate::enforce::row;
use crate::wire::{ApiKey, codec};

mod changes;
mod discovery;
mod mixed;
mod tokens;

/// Nobody may read or write what is secret, and changes need permits.
const CLOSED: &str = "    - id: closed-to-readers
      match: {direction: consume, topics: [\"secret.**\"]}
      action: {deny: {}}
    - id: closed-to-writers
      match: {direction: produce, topics: [\"secret.**\"]}
      action: {deny: {}}
";

/// The same with a permit for these APIs.
fn permitting(apis: &str) -> String {
    format!(
        "{CLOSED}  permits:\n    - {{id: keeper, principals: {{users: [jane]}}, apis: [{apis}]}}\n"
    )
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic(name: &'static str) -> TopicName {
    TopicName(text(name))
}

fn creatable(name: &'static str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

/// Every version of an API that is offered.
fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    row(key).unwrap().versions()
}

/// At every version the request is answered here with these codes, behind a row of the refusal.
#[track_caller]
fn refused_whole<Q: Encodable, A: Decodable>(
    key: ApiKey,
    message: &Q,
    expected: &[i16],
    codes: impl Fn(i16, &A) -> Vec<i16>,
) {
    for version in versions(key) {
        let mut talk = Talk::begun(CLOSED);
        talk.client(&request(key, version, 1, message));
        assert!(talk.to_broker().is_empty(), "{key} v{version} is not forwarded");
        let answer: A = talk.answer(key, version);
        assert_eq!(codes(version, &answer), expected, "{key} v{version}");
        let rows = talk.rows();
        assert!(!rows.is_empty(), "{key} v{version} leaves a row");
        assert!(
            rows.iter().all(|row| row.decision == Some(AuditDecision::Deny)
                && row.error_code.is_some()
                && row.message.is_some()),
            "{key} v{version}: {rows:?}"
        );
        assert!(talk.closed().is_none(), "{key} v{version}: the connection goes on");
    }
}

/// At every version the request goes on as it is, behind rows about `about`, which are completed
/// with the codes of the broker's answer; that goes on as it is too.
#[track_caller]
fn goes_on<Q: Encodable, A: Encodable>(
    key: ApiKey,
    (message, about): (&Q, &[&str]),
    (answer, completed): (&A, &[i16]),
) {
    for version in versions(key) {
        let mut talk = Talk::begun(&permitting(key.name()));
        let frame = request(key, version, 1, message);
        talk.client(&frame);
        assert_eq!(talk.to_broker(), [frame.slice(4..)], "{key} v{version} is forwarded");
        let rows = talk.rows();
        let told: Vec<String> = rows
            .iter()
            .map(|row| {
                assert_eq!(row.decision, Some(AuditDecision::Allow), "{key} v{version}");
                row.topic.as_deref().or(row.message.as_deref()).unwrap_or("").to_owned()
            })
            .collect();
        assert_eq!(told, about, "{key} v{version}");
        assert!(talk.completed.is_empty(), "{key} v{version} waits for its answer");
        talk.done.clear();
        let frame = response(key, version, 1, answer);
        talk.broker(&frame);
        assert_eq!(talk.to_client(), [frame.slice(4..)], "{key} v{version} is answered");
        assert_eq!(codes(&talk), completed, "{key} v{version}");
    }
}

/// What the reserved rows were completed with.
fn codes(talk: &Talk) -> Vec<i16> {
    let code = |completion: &Completion| match completion {
        Completion::Answered { error_code, .. } => *error_code,
        Completion::Unanswered => i16::MIN,
    };
    talk.completed.iter().map(code).collect()
}

/// What the broker was asked, decoded.
#[track_caller]
fn asked<M: Decodable>(talk: &Talk) -> M {
    let frames = talk.to_broker();
    assert_eq!(frames.len(), 1, "one request went on");
    frames::decoded_request(&frames[0])
}

#[test]
fn a_change_that_is_never_answered_is_completed_as_unanswered() {
    use crate::session::{Input, Side};
    use kafka_protocol::messages::CreateTopicsRequest;
    let mut talk = Talk::begun(&permitting("CreateTopics"));
    let message = CreateTopicsRequest::default().with_topics(vec![creatable("a"), creatable("b")]);
    talk.client(&request(ApiKey::CREATE_TOPICS, 7, 1, &message));
    talk.input(&Input::Ended(Side::Upstream));
    assert_eq!(talk.completed, [Completion::Unanswered, Completion::Unanswered]);
}

#[test]
fn a_change_whose_answer_cannot_be_read_is_completed_as_unanswered() {
    use kafka_protocol::messages::UnregisterBrokerRequest;
    let mut talk = Talk::begun(&permitting("UnregisterBroker"));
    talk.client(&request(ApiKey::UNREGISTER_BROKER, 0, 1, &UnregisterBrokerRequest::default()));
    talk.broker(&frames::raw_response(ApiKey::UNREGISTER_BROKER, 0, 1, &[0, 0, 0, 0, 0, 0, 9, 1]));
    assert_eq!(talk.completed, [Completion::Unanswered]);
    assert!(talk.closed().is_some());
}

#[test]
fn t05_apis_of_brokers_and_controllers_end_the_connection() {
    use crate::enforce::CloseReason;
    for key in [4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82, 83, 84, 85, 86, 87]
    {
        let mut talk = Talk::begun(&permitting("CreateTopics"));
        talk.client(&frames::raw_request(key, 0, 1, &[0; 64]));
        assert_eq!(talk.refused(), CloseReason::HiddenApi(ApiKey(key)));
    }
}

#[test]
fn t39_telemetry_is_not_there() {
    use crate::enforce::CloseReason;
    for key in [71, 72] {
        let mut talk = Talk::begun("");
        talk.client(&frames::raw_request(key, 0, 1, &[0; 64]));
        assert_eq!(talk.refused(), CloseReason::HiddenApi(ApiKey(key)));
    }
}

#[test]
fn a_change_without_a_login_is_refused_as_nobody() {
    // Every row of the table that changes something asks `Access`, which knows no subject then;
    // the session lets no such request in, so that is all there is to see.
    let mut talk = Talk::with(crate::enforce::facts::Identity::default(), CLOSED);
    let message = codec::encode(
        ApiKey::CREATE_TOPICS,
        7,
        &kafka_protocol::messages::CreateTopicsRequest::default(),
    );
    talk.client(&frames::raw_request(19, 7, 1, &message.unwrap()));
    talk.refused();
}
