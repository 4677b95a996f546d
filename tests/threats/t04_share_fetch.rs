//! T04: records by the road of share groups.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::frames::raw_request;
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t04_share_groups_are_not_offered_and_not_served() {
    let stage = stage();
    let offer: ApiVersionsResponse =
        stage.client().ask(ApiKey::API_VERSIONS, 0, &ApiVersionsRequest::default());
    for key in [76, 77, 78, 79, 90, 91, 92] {
        assert!(!offer.api_keys.iter().any(|range| range.api_key == key), "key {key}");
        for version in [0, 1] {
            let mut client = stage.client();
            client.brokers();
            client.refused(&raw_request(key, version, 1, &[0; 40]));
        }
    }
    stage.unharmed();
}
