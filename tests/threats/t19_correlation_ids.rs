//! T19: correlation ids that repeat, also those of Lockgate's own questions.

use kafka_protocol::messages::{FetchResponse, MetadataResponse};

use crate::frames::{self, Named, decoded};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t19_answers_are_matched_by_place_and_not_by_id() {
    let stage = stage();
    let mut client = stage.client();
    // Lockgate asks for the id's name with -1 on the same broker connection.
    let unknown = frames::fetch(&[(Named::Id([0xdd; 16]), &[0])], (0, -1));
    for id in [-1, -1, 5, 5] {
        client.send(&frames::request(ApiKey::METADATA, 12, id, &frames::metadata_request()));
        client.send(&frames::request(ApiKey::FETCH, 13, id, &unknown));
    }
    for id in [-1, -1, 5, 5] {
        let frame = client.receive().unwrap();
        assert_eq!(frames::correlation_id(&frame), id);
        let metadata: MetadataResponse = decoded(ApiKey::METADATA, 12, &frame);
        assert_eq!(metadata.brokers.len(), 1);
        let frame = client.receive().unwrap();
        assert_eq!(frames::correlation_id(&frame), id);
        let fetch: FetchResponse = decoded(ApiKey::FETCH, 13, &frame);
        assert_eq!(fetch.responses[0].partitions[0].error_code, 100);
    }
}
