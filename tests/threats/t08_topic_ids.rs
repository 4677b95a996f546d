//! T08: topics by id, unknown ids, and names that get a new id.

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{
    DeleteTopicsRequest, DeleteTopicsResponse, FetchRequest, FetchResponse, ProduceResponse,
    TopicName,
};

use crate::frames::{self, Named, batch};
use crate::packing::shows;
use crate::raw::Raw;
use crate::stage::{CANARY, stage};
use crate::wire::{ApiKey, codec};

fn fetch(id: [u8; 16]) -> FetchRequest {
    frames::fetch(&[(Named::Id(id), &[0])], (0, -1))
}

fn error(answer: &FetchResponse) -> i16 {
    answer.responses[0].partitions[0].error_code
}

#[test]
fn t08_a_random_id_is_answered_100() {
    let stage = stage();
    let mut client = stage.client();
    let answer: FetchResponse = client.ask(ApiKey::FETCH, 17, &fetch([0xab; 16]));
    assert_eq!(error(&answer), 100);
    let mut produce = frames::produce(-1, &[("", &[(0, batch(&["{}"]))])]);
    produce.topic_data[0].topic_id = uuid::Uuid::from_bytes([0xab; 16]);
    let answer: ProduceResponse = client.ask(ApiKey::PRODUCE, 13, &produce);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 100);
    let answer: FetchResponse = client.ask(ApiKey::FETCH, 17, &fetch([0; 16]));
    assert_eq!(error(&answer), 100);
}

#[test]
fn t08_a_topic_by_id_is_masked_and_denied_like_one_by_name() {
    let stage = stage();
    for (topic, expected) in [("masked.t08", 0), ("closed.t08", 29)] {
        stage.topic(topic, 1);
        let record = batch(&[&format!("{{\"secret\":\"{CANARY}\"}}")]);
        assert_eq!(stage.broker().produce(topic, &record).0, 0);
        let id = stage.broker().topic_id(topic);
        let answer: FetchResponse = stage.client().ask(ApiKey::FETCH, 17, &fetch(id));
        assert_eq!(error(&answer), expected, "{topic}");
        let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
        assert!(!shows(&records, CANARY), "{topic}");
    }
    let id = stage.broker().topic_id("closed.t08");
    let mut produce = frames::produce(-1, &[("", &[(0, batch(&["{}"]))])]);
    produce.topic_data[0].topic_id = uuid::Uuid::from_bytes(id);
    let answer: ProduceResponse = stage.client().ask(ApiKey::PRODUCE, 13, &produce);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 29);
}

fn delete(broker: &mut Raw, topic: &str) {
    let state = DeleteTopicState::default().with_name(Some(TopicName(codec::text(topic))));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(30_000);
    let answer: DeleteTopicsResponse = broker.ask(ApiKey(20), 6, &request);
    assert_eq!(answer.responses[0].error_code, 0);
}

#[test]
fn t08_a_topic_that_is_made_again_is_judged_by_its_new_id() {
    let stage = stage();
    stage.topic("masked.t08again", 1);
    let old = stage.broker().topic_id("masked.t08again");
    let answer: FetchResponse = stage.client().ask(ApiKey::FETCH, 17, &fetch(old));
    assert_eq!(error(&answer), 0);
    delete(&mut stage.broker(), "masked.t08again");
    stage.topic("masked.t08again", 1);
    let new = stage.broker().topic_id("masked.t08again");
    assert_ne!(old, new);
    let record = batch(&[&format!("{{\"secret\":\"{CANARY}\"}}")]);
    assert_eq!(stage.broker().produce("masked.t08again", &record).0, 0);
    let answer: FetchResponse = stage.client().ask(ApiKey::FETCH, 17, &fetch(old));
    assert_eq!(error(&answer), 100);
    let answer: FetchResponse = stage.client().ask(ApiKey::FETCH, 17, &fetch(new));
    let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
    assert!(error(&answer) == 0 && !records.is_empty() && !shows(&records, CANARY));
}
