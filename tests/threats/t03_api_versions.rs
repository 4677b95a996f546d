//! T03: what ApiVersions offers.

use std::collections::BTreeMap;

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::frames::{decoded, raw_request};
use crate::raw::Raw;
use crate::stage::stage;
use crate::wire::{ApiKey, codec};

fn offer(client: &mut Raw) -> ApiVersionsResponse {
    let request = ApiVersionsRequest::default()
        .with_client_software_name(codec::text("test"))
        .with_client_software_version(codec::text("1"));
    client.ask(ApiKey::API_VERSIONS, 3, &request)
}

fn ranges(offer: &ApiVersionsResponse) -> BTreeMap<i16, (i16, i16)> {
    offer.api_keys.iter().map(|r| (r.api_key, (r.min_version, r.max_version))).collect()
}

#[test]
fn t03_nothing_is_offered_that_the_broker_or_the_table_does_not_have() {
    let stage = stage();
    let ours = offer(&mut stage.client());
    let theirs = ranges(&offer(&mut stage.broker()));
    for (key, (min, max)) in ranges(&ours) {
        if [17, 36].contains(&key) {
            continue; // The login ends here.
        }
        let (their_min, their_max) = theirs[&key];
        assert!(their_min <= min && max <= their_max, "key {key}: {min}..={max}");
    }
    for hidden in [4, 52, 59, 71, 72, 83] {
        assert!(!ranges(&ours).contains_key(&hidden), "key {hidden}");
    }
}

#[test]
fn t03_an_unknown_version_gets_v0_and_error_35() {
    let mut client = stage().client();
    client.send(&raw_request(18, 99, 4, b"\x00\x00"));
    let frame = client.receive().unwrap();
    let answer: ApiVersionsResponse = decoded(ApiKey::API_VERSIONS, 0, &frame);
    assert_eq!((answer.error_code, answer.api_keys.len()), (35, 1));
    offer(&mut client);
}
