//! T05: a client that says it is a replica.

use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::fetch_request::ReplicaState;

use crate::frames::{self, Named, raw_request};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t05_no_client_reads_as_a_replica() {
    let stage = stage();
    stage.topic("masked.t05", 1);
    let id = stage.broker().topic_id("masked.t05");
    let field = frames::fetch(&[(Named::Name("masked.t05"), &[0])], (0, -1));
    let field = field.with_replica_id(BrokerId(1));
    stage.client().refused(&frames::request(ApiKey::FETCH, 12, 1, &field));
    let state = ReplicaState::default().with_replica_id(BrokerId(1));
    let tagged = frames::fetch(&[(Named::Id(id), &[0])], (0, -1)).with_replica_state(state);
    for version in [15, 17] {
        stage.client().refused(&frames::request(ApiKey::FETCH, version, 1, &tagged));
    }
    stage.unharmed();
}

#[test]
fn t05_what_brokers_say_to_each_other_is_not_served() {
    let stage = stage();
    for key in [4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82, 87] {
        stage.client().refused(&raw_request(key, 0, 1, &[0; 24]));
    }
    stage.unharmed();
}
