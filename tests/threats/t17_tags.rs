//! T17: tagged fields and varints that two readers would read differently.

use kafka_protocol::messages::MetadataResponse;

use crate::frames::{decoded, metadata_request, raw_request};
use crate::stage::stage;
use crate::wire::{ApiKey, codec};

fn fields() -> Vec<u8> {
    let body = codec::encode(ApiKey::METADATA, 12, &metadata_request()).unwrap();
    body.split_last().unwrap().1.to_vec()
}

#[test]
fn t17_an_unknown_tag_is_no_reason_to_refuse() {
    let mut client = stage().client();
    client.send(&raw_request(3, 12, 9, &[&fields()[..], &[1, 0x90, 0x4e, 2, 1, 2]].concat()));
    let answer: MetadataResponse = decoded(ApiKey::METADATA, 12, &client.receive().unwrap());
    assert_eq!(answer.brokers.len(), 1);
}

#[test]
fn t17_tags_out_of_order_and_over_long_varints_are_refused() {
    let stage = stage();
    let tricks: [&[u8]; 5] = [
        &[2, 9, 1, 0, 9, 1, 0],
        &[2, 9, 1, 0, 8, 1, 0],
        &[1, 9, 5, 0],
        &[1, 0x89, 0x00, 1, 0],
        &[0x80, 0x80, 0x80, 0x80, 0x00],
    ];
    for tags in tricks {
        stage.client().refused(&raw_request(3, 12, 1, &[&fields()[..], tags].concat()));
    }
    stage.client().refused(&raw_request(3, 12, 1, &[&fields()[..], &[0, 0]].concat()));
    stage.unharmed();
}
