//! T26: nobody mints a credential of the broker's through Lockgate.

use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    CreateDelegationTokenRequest, CreateDelegationTokenResponse,
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};

use crate::frames::{self, request};
use crate::stage::stage;
use crate::wire::{ApiKey, codec};

const RESOURCE_NOT_FOUND: i16 = 91;

#[test]
fn t26_no_client_mints_a_user_or_a_token_of_the_brokers() {
    let stage = stage();
    let mut client = stage.client();
    let user = codec::text("t26");
    let upsertion = ScramCredentialUpsertion::default()
        .with_name(user.clone())
        .with_mechanism(1)
        .with_iterations(4096)
        .with_salt(bytes::Bytes::from_static(b"salt"))
        .with_salted_password(bytes::Bytes::from_static(&[7; 32]));
    let message = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
    let key = ApiKey::ALTER_USER_SCRAM_CREDENTIALS;
    client.send(&request(key, 0, 1, &message));
    let answer: AlterUserScramCredentialsResponse =
        frames::decoded(key, 0, &client.receive().expect("an answer"));
    assert_eq!(answer.results[0].error_code, 31);
    let key = ApiKey::CREATE_DELEGATION_TOKEN;
    for version in 1..=3 {
        client.send(&request(key, version, 1, &CreateDelegationTokenRequest::default()));
        let answer: CreateDelegationTokenResponse =
            frames::decoded(key, version, &client.receive().expect("an answer"));
        assert_eq!((answer.error_code, answer.hmac.len()), (64, 0));
    }
    // The broker knows nothing of the user.
    let key = ApiKey::DESCRIBE_USER_SCRAM_CREDENTIALS;
    let asked = DescribeUserScramCredentialsRequest::default()
        .with_users(Some(vec![UserName::default().with_name(user)]));
    let mut broker = stage.broker();
    broker.send(&request(key, 0, 1, &asked));
    let answer: DescribeUserScramCredentialsResponse =
        frames::decoded(key, 0, &broker.receive().expect("an answer"));
    assert_eq!(answer.results[0].error_code, RESOURCE_NOT_FOUND);
    stage.unharmed();
}
