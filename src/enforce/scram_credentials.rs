//! DescribeUserScramCredentials (key 50) and AlterUserScramCredentials (key 51): the broker's own
//! users and their passwords.
//!
//! A user made here can log in at a broker without Lockgate (T26), so nobody does without a permit.
//! Kafka asks for `Describe` or `Alter` on the cluster. Source: KIP-554.

use std::collections::BTreeSet;

use kafka_protocol::messages::alter_user_scram_credentials_response as alter_response;
use kafka_protocol::messages::describe_user_scram_credentials_response as describe_response;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use kafka_protocol::protocol::StrBytes;

use alter_response::AlterUserScramCredentialsResult;
use describe_response::DescribeUserScramCredentialsResult;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

pub struct DescribeUserScramCredentials;

impl Exchange for DescribeUserScramCredentials {
    type Request = DescribeUserScramCredentialsRequest;
    type Response = DescribeUserScramCredentialsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeUserScramCredentialsRequest,
    ) -> Course<(), DescribeUserScramCredentialsResponse> {
        let Err(refusal) = access.check(Operation::Describe, Resource::Cluster) else {
            return Course::Pass;
        };
        let mut answer = DescribeUserScramCredentialsResponse::default();
        answer.error_code = refusal.code.0;
        answer.error_message = Some(refusal.message.clone());
        answer.results = message
            .users
            .iter()
            .flatten()
            .map(|_| {
                // Kafka leaves the user out here.
                let mut result = DescribeUserScramCredentialsResult::default();
                result.error_code = refusal.code.0;
                result.error_message = Some(refusal.message.clone());
                result
            })
            .collect();
        Course::Answer(answer)
    }

    fn response(
        _access: &mut Access<'_, '_>,
        (): &mut (),
        _message: &mut DescribeUserScramCredentialsResponse,
    ) -> Touch {
        Touch::Unchanged
    }
}

pub struct AlterUserScramCredentials;

impl Exchange for AlterUserScramCredentials {
    type Request = AlterUserScramCredentialsRequest;
    type Response = AlterUserScramCredentialsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AlterUserScramCredentialsRequest,
    ) -> Course<(), AlterUserScramCredentialsResponse> {
        let deleted = message.deletions.iter().map(|deletion| &deletion.name);
        let written = message.upsertions.iter().map(|upsertion| &upsertion.name);
        let users: BTreeSet<&StrBytes> = deleted.chain(written).collect();
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            let mut answer = AlterUserScramCredentialsResponse::default();
            answer.results = users
                .into_iter()
                .map(|user| {
                    let mut result = AlterUserScramCredentialsResult::default();
                    result.user = user.clone();
                    result.error_code = refusal.code.0;
                    result.error_message = Some(refusal.message.clone());
                    result
                })
                .collect();
            return Course::Answer(answer);
        }
        for user in users {
            let about = format!("SCRAM credentials of user {user}");
            access.reserve(user, &Resource::Cluster, Some(&about));
        }
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut AlterUserScramCredentialsResponse,
    ) -> Touch {
        for result in &message.results {
            access.settle(&result.user, result.error_code);
        }
        Touch::Unchanged
    }
}
