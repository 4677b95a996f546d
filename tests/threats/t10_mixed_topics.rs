//! T10: allowed and denied topics in one request.

use kafka_protocol::messages::{FetchResponse, ProduceResponse};

use crate::frames::{self, Named, batch};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t10_each_topic_of_a_request_has_its_own_outcome_in_its_own_place() {
    let stage = stage();
    for topic in ["open.t10", "closed.t10", "checked.t10"] {
        stage.topic(topic, 2);
    }
    let (good, bad) = (batch(&["{\"bad\":false}"]), batch(&["{}", "{\"bad\":true}"]));
    let produce = frames::produce(
        -1,
        &[
            ("closed.t10", &[(1, good.clone()), (0, good.clone())]),
            ("open.t10", &[(1, good.clone()), (0, bad.clone())]),
            ("checked.t10", &[(0, bad), (1, good)]),
        ],
    );
    let mut client = stage.client();
    let answer: ProduceResponse = client.ask(ApiKey::PRODUCE, 9, &produce);
    let outcomes: Vec<(String, Vec<(i32, i16)>)> = answer
        .responses
        .iter()
        .map(|topic| {
            let partitions = topic.partition_responses.iter();
            (topic.name.to_string(), partitions.map(|p| (p.index, p.error_code)).collect())
        })
        .collect();
    let expected = [
        ("closed.t10", vec![(1, 29), (0, 29)]),
        ("open.t10", vec![(1, 0), (0, 0)]),
        ("checked.t10", vec![(0, 87), (1, 0)]),
    ];
    assert_eq!(outcomes, expected.map(|(topic, outcomes)| (topic.to_owned(), outcomes)));
    assert_eq!(stage.broker().end_offset("closed.t10"), 0);
    assert_eq!(stage.broker().end_offset("checked.t10"), 0);
    assert_eq!(stage.broker().end_offset("open.t10"), 2);
    let topics = [(Named::Name("closed.t10"), &[0, 1][..]), (Named::Name("open.t10"), &[1, 0])];
    let answer: FetchResponse = client.ask(ApiKey::FETCH, 12, &frames::fetch(&topics, (0, -1)));
    for topic in &answer.responses {
        let expected = if &**topic.topic == "closed.t10" { 29 } else { 0 };
        for partition in &topic.partitions {
            assert_eq!(partition.error_code, expected, "{}", &**topic.topic);
            let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
            assert_eq!(bytes == 0, expected == 29);
        }
    }
}
