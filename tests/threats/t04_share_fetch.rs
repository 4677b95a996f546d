//! T04: records by the road of share groups.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::frames::raw_request;
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t04_share_groups_are_served_at_the_judged_versions_alone() {
    let stage = stage();
    let offer: ApiVersionsResponse =
        stage.client().ask(ApiKey::API_VERSIONS, 0, &ApiVersionsRequest::default());
    for key in [78, 79] {
        let offered = offer.api_keys.iter().find(|range| range.api_key == key).unwrap();
        assert_eq!((offered.min_version, offered.max_version), (1, 2), "key {key}");
        for version in [0, 3] {
            let mut client = stage.client();
            client.brokers();
            client.refused(&raw_request(key, version, 1, &[0; 40]));
        }
    }
    stage.unharmed();
}
