//! Delegation tokens (keys 38 to 41): credentials that a broker mints for whoever asks.
//!
//! Where a client's identity ends at Lockgate, the broker would mint a token for Lockgate's own
//! principal, which outlives every login here (T26). So these APIs are there only where the broker
//! itself knows the user and a permit names them; anywhere else they are not offered, and whoever
//! asks nevertheless is answered as by a listener that does not take such requests. Source: KIP-48,
//! KIP-373.

use kafka_protocol::messages::{
    CreateDelegationTokenRequest, CreateDelegationTokenResponse, DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::facts::Cluster;
use crate::audit::AuditDecision;
use crate::policy::{Operation, PolicySet, Resource};
use crate::wire::{ApiKey, ErrorCode};

/// `DelegationTokenManager.ErrorTimestamp`.
const NO_TIME: i64 = -1;
/// Why a permit is not enough.
const NOT_THE_USER: &str = "the broker would mint or show tokens of Lockgate's own principal";
/// What a token's row is called by: a token has no name that may be written down.
const TOKEN: &str = "delegation token";

/// Whether clients are told of `key`.
pub(super) fn is_offered(key: ApiKey, cluster: &Cluster, policy: &PolicySet) -> bool {
    const KEYS: [ApiKey; 4] = [
        ApiKey::CREATE_DELEGATION_TOKEN,
        ApiKey::RENEW_DELEGATION_TOKEN,
        ApiKey::EXPIRE_DELEGATION_TOKEN,
        ApiKey::DESCRIBE_DELEGATION_TOKEN,
    ];
    !KEYS.contains(&key) || (cluster.broker_knows_user && policy.permits_somebody(key.name()))
}

/// The error of a request that may not go on.
fn refusal(access: &mut Access<'_, '_>, operation: Operation) -> Option<ErrorCode> {
    let allowed = access.check(operation, Resource::Cluster).is_ok();
    if !access.facts.cluster.broker_knows_user {
        if allowed {
            let mut row = access.row(AuditDecision::Deny, &Resource::Cluster);
            row.error_code = Some(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0);
            row.message = Some(NOT_THE_USER.into());
            access.facts.effects.evidence.rows.push(row);
        }
        return Some(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    }
    (!allowed).then_some(ErrorCode::DELEGATION_TOKEN_AUTHORIZATION_FAILED)
}

fn reserve(access: &mut Access<'_, '_>) {
    access.reserve(&StrBytes::from_static_str(TOKEN), &Resource::Cluster, Some(TOKEN));
}

macro_rules! exchange {
    ($exchange:ident, $request:ident, $response:ident, $operation:expr, $refuse:expr) => {
        pub struct $exchange;

        impl Exchange for $exchange {
            type Request = $request;
            type Response = $response;
            type Kept = ();

            const EVIDENT: Evident = Evident::Row;

            fn request(
                access: &mut Access<'_, '_>,
                message: &mut $request,
            ) -> Course<(), $response> {
                if let Some(code) = refusal(access, $operation) {
                    let mut answer = $response::default();
                    answer.error_code = code.0;
                    let fill: fn(&$request, &mut $response) = $refuse;
                    fill(message, &mut answer);
                    return Course::Answer(answer);
                }
                reserve(access);
                Course::Watch(())
            }

            fn response(
                access: &mut Access<'_, '_>,
                (): &mut (),
                message: &mut $response,
            ) -> Touch {
                access.settle_all(message.error_code);
                Touch::Unchanged
            }
        }
    };
}

exchange!(
    CreateDelegationToken,
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
    Operation::Alter,
    |_, answer| {
        answer.issue_timestamp_ms = NO_TIME;
        answer.expiry_timestamp_ms = NO_TIME;
        answer.max_timestamp_ms = NO_TIME;
    }
);
exchange!(
    RenewDelegationToken,
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
    Operation::Alter,
    |_, answer| answer.expiry_timestamp_ms = NO_TIME
);
exchange!(
    ExpireDelegationToken,
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
    Operation::Alter,
    |_, answer| answer.expiry_timestamp_ms = NO_TIME
);
exchange!(
    DescribeDelegationToken,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
    Operation::Describe,
    |_, _| {}
);
