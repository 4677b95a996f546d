//! Delegation tokens (T26): nobody mints one where the broker would take Lockgate for the user.

use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::*;

use super::{CLOSED, Talk, permitting, refused_whole, request, response, versions};
use crate::session::tests::talk::{hello, knowing};
use crate::wire::ApiKey;

const KEYS: [ApiKey; 4] = [
    ApiKey::CREATE_DELEGATION_TOKEN,
    ApiKey::RENEW_DELEGATION_TOKEN,
    ApiKey::EXPIRE_DELEGATION_TOKEN,
    ApiKey::DESCRIBE_DELEGATION_TOKEN,
];
const ALL: &str = "CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken, \
                   DescribeDelegationToken";
const NOT_ALLOWED: i16 = 64;
const UNAUTHORIZED: i16 = 65;

/// The keys of tokens that a client is offered.
fn offered(mut talk: Talk) -> Vec<i16> {
    let range = |key: ApiKey| {
        ApiVersion::default().with_api_key(key.0).with_min_version(1).with_max_version(3)
    };
    talk.client(&hello(1, 3));
    let theirs = ApiVersionsResponse::default().with_api_keys(KEYS.map(range).to_vec());
    talk.broker(&response(ApiKey::API_VERSIONS, 3, 1, &theirs));
    let answer: ApiVersionsResponse = talk.answer(ApiKey::API_VERSIONS, 3);
    let keys = answer.api_keys.iter().map(|range| range.api_key);
    keys.filter(|key| KEYS.contains(&ApiKey(*key))).collect()
}

#[test]
fn t26_tokens_are_offered_where_the_broker_knows_the_user_and_a_permit_names_them() {
    assert!(offered(Talk::under("")).is_empty());
    assert!(offered(Talk::under(&permitting(ALL))).is_empty(), "a permit is not enough");
    assert!(offered(knowing(CLOSED)).is_empty(), "nor is a broker that knows the user");
    assert_eq!(offered(knowing(&permitting(ALL))), [38, 39, 40, 41]);
    assert_eq!(offered(knowing(&permitting("DescribeDelegationToken"))), [41]);
}

#[test]
fn t26_no_token_is_minted_or_shown_where_the_identity_ends_here() {
    let minted = CreateDelegationTokenRequest::default();
    refused_whole(KEYS[0], &minted, &[NOT_ALLOWED], |_, a: &CreateDelegationTokenResponse| {
        vec![a.error_code]
    });
    let renewed = RenewDelegationTokenRequest::default();
    refused_whole(KEYS[1], &renewed, &[NOT_ALLOWED], |_, a: &RenewDelegationTokenResponse| {
        vec![a.error_code]
    });
    let expired = ExpireDelegationTokenRequest::default();
    refused_whole(KEYS[2], &expired, &[NOT_ALLOWED], |_, a: &ExpireDelegationTokenResponse| {
        vec![a.error_code]
    });
    let shown = DescribeDelegationTokenRequest::default();
    refused_whole(KEYS[3], &shown, &[NOT_ALLOWED], |_, a: &DescribeDelegationTokenResponse| {
        vec![a.error_code]
    });
}

#[test]
fn t26_a_permit_mints_no_token_of_lockgates_own_principal() {
    for version in versions(KEYS[0]) {
        let mut talk = Talk::begun(&permitting(ALL));
        let message = CreateDelegationTokenRequest::default();
        talk.client(&request(KEYS[0], version, 1, &message));
        assert!(talk.to_broker().is_empty());
        let answer: CreateDelegationTokenResponse = talk.answer(KEYS[0], version);
        assert_eq!((answer.error_code, answer.hmac.len()), (NOT_ALLOWED, 0));
        assert_eq!(talk.rows().len(), 1, "{:?}", talk.done);
    }
}

#[test]
fn t26_with_the_broker_knowing_the_user_a_permit_decides() {
    let message = CreateDelegationTokenRequest::default();
    let mut talk = knowing(CLOSED);
    talk.client(&request(KEYS[0], 3, 1, &message));
    assert!(talk.to_broker().is_empty());
    let answer: CreateDelegationTokenResponse = talk.answer(KEYS[0], 3);
    assert_eq!(answer.error_code, UNAUTHORIZED);
    let mut talk = knowing(&permitting(ALL));
    talk.client(&request(KEYS[0], 3, 1, &message));
    assert_eq!(talk.to_broker().len(), 1);
    let answer = CreateDelegationTokenResponse::default();
    talk.broker(&response(KEYS[0], 3, 1, &answer));
    assert_eq!(super::codes(&talk), [0]);
}
