//! T38: other roads to what may not be read, and what errors say.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::frames::{batch, raw_request};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t38_telemetry_and_what_brokers_speak_is_not_served() {
    let stage = stage();
    let offer: ApiVersionsResponse =
        stage.client().ask(ApiKey::API_VERSIONS, 0, &ApiVersionsRequest::default());
    // Replica and controller traffic, markers of transactions, snapshots, envelopes, telemetry;
    // what changes the cluster is judged, and refused without a permit (t40).
    for key in [4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 71, 72, 73, 82] {
        assert!(!offer.api_keys.iter().any(|range| range.api_key == key), "key {key}");
        stage.client().refused(&raw_request(key, 1, 1, &[0; 24]));
    }
    stage.unharmed();
}

#[test]
fn t38_a_refusal_says_the_rules_words_and_nothing_of_the_record() {
    let stage = stage();
    stage.topic("checked.t38", 1);
    stage.topic("closed.t38", 1);
    let (code, message) =
        stage.client().produce("checked.t38", &batch(&["{\"bad\":true,\"x\":\"payload\"}"]));
    assert_eq!((code, message.as_deref()), (87, Some("checked: record 0 is bad")));
    let (code, message) = stage.client().produce("closed.t38", &batch(&["payload"]));
    assert_eq!((code, message.as_deref()), (29, Some("closed-write: closed here")));
}
