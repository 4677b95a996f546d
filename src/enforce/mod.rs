//! The policy enforcement point: one file for each Kafka API that is judged.
//!
//! An enforcement is a pure function: a frame and what is known go in, an [`Outcome`] comes out.
//! What is missing is asked for with [`Outcome::Wait`], and the same function runs again from the
//! start.
//!
//! [`ENFORCEMENTS`] has a row for every API key of Kafka's message definitions; `tests/tables.rs`
//! holds it to that. What has no row is never forwarded.

use std::ops::RangeInclusive;

pub mod access;
pub mod addresses;
mod api_versions;
mod consume;
mod consumer_group_heartbeat;
mod create_topics;
mod delete_groups;
mod describe_cluster;
mod describe_configs;
mod endpoints;
pub mod errand;
mod evidence;
mod exchange;
pub mod facts;
mod fetch;
mod find_coordinator;
mod metadata;
pub mod outcome;
pub mod passthrough;
mod plans;
mod produce;
mod records;
mod sasl;
mod spans;
mod splice;
mod topics;

pub use access::{Access, Decisions, Refusal};
pub use addresses::{Address, Addresses, PortLayout};
pub use api_versions::unknown_version_answer;
pub use evidence::{Evidence, session_row};
pub use facts::{Cluster, Connection, Effects, Facts, Issuer, Login, Notice};
pub use outcome::{Answer, CloseReason, Forward, Judge, Need, Outcome, Request, Response};
pub use outcome::{ResponseOutcome, Slices};
pub use plans::Plans;
pub use records::{ToolPool, Workshop};
pub use sasl::enter;
pub use topics::{NameCache, TopicNames};

use self::exchange::Of;
use crate::policy::DenyCode;
use crate::wire::{ApiKey, ErrorCode, shape};

/// One Kafka API, judged.
pub trait Enforcement: Sync {
    /// Judges one request. Pure; runs again from the start after an [`Outcome::Wait`].
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome;
}

/// What Lockgate does with one API key.
pub struct Row {
    pub key: ApiKey,
    pub treatment: Treatment,
    /// The versions that are judged; `None`: those that Kafka's own definitions call stable.
    pub versions: Option<RangeInclusive<i16>>,
}

/// Whether an API is judged, passed by name, or not there.
pub enum Treatment {
    Enforced(&'static dyn Enforcement),
    /// Carries no record bytes and no broker address, and changes nothing of the cluster.
    Passed {
        evidence: Evident,
        why: &'static str,
    },
    /// Not offered; a request closes the connection.
    Hidden {
        why: &'static str,
    },
}

/// Whether a passed request leaves a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evident {
    Row,
    /// Sent every few seconds by every client to stay alive or to find its way.
    Quiet,
}

/// The range of an API that no message definition has.
#[allow(clippy::reversed_empty_ranges)] // It is meant to be empty.
const NO_VERSIONS: RangeInclusive<i16> = 0..=-1;

impl Row {
    /// The versions that a client may use, before the broker's own range narrows them.
    #[must_use]
    pub fn versions(&self) -> RangeInclusive<i16> {
        match &self.versions {
            Some(versions) => versions.clone(),
            None => shape::api(self.key.0).map_or(NO_VERSIONS, |api| api.versions_stable.clone()),
        }
    }
}

const fn enforced(
    key: ApiKey,
    enforcement: &'static dyn Enforcement,
    versions: RangeInclusive<i16>,
) -> Row {
    Row { key, treatment: Treatment::Enforced(enforcement), versions: Some(versions) }
}

/// The judged APIs. Those that decode with the protocol crate stop at the crate's newest version.
pub static ENFORCEMENTS: &[Row] = &[
    enforced(ApiKey::PRODUCE, &produce::Produce, 3..=13),
    enforced(ApiKey::FETCH, &fetch::Fetch, 4..=18),
    enforced(ApiKey::METADATA, &metadata::Metadata, 0..=13),
    enforced(ApiKey::FIND_COORDINATOR, &find_coordinator::FindCoordinator, 0..=6),
    enforced(ApiKey::SASL_HANDSHAKE, &sasl::SaslHandshake, 1..=1),
    enforced(ApiKey::API_VERSIONS, &api_versions::ApiVersions, 0..=4),
    enforced(ApiKey::CREATE_TOPICS, &create_topics::CreateTopics, 2..=7),
    enforced(ApiKey::DESCRIBE_CONFIGS, &describe_configs::DescribeConfigs, 1..=4),
    enforced(ApiKey::SASL_AUTHENTICATE, &sasl::SaslAuthenticate, 0..=2),
    enforced(ApiKey::DESCRIBE_CLUSTER, &describe_cluster::DescribeCluster, 0..=2),
    enforced(ApiKey::DELETE_GROUPS, &Of::<delete_groups::DeleteGroups>::new(), 0..=2),
    enforced(
        ApiKey::CONSUMER_GROUP_HEARTBEAT,
        &consumer_group_heartbeat::ConsumerGroupHeartbeat,
        0..=1,
    ),
];

/// Every row: judged, passed, hidden.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ENFORCEMENTS.iter().chain(passthrough::PASSED).chain(passthrough::HIDDEN)
}

/// The row of one API key, if it has one.
#[must_use]
pub fn row(key: ApiKey) -> Option<&'static Row> {
    rows().find(|row| row.key == key)
}

/// The APIs of a login that ends here, offered whatever the broker offers.
pub(crate) fn login_keys() -> [ApiKey; 2] {
    [ApiKey::SASL_HANDSHAKE, ApiKey::SASL_AUTHENTICATE]
}

/// The APIs that a connection may use before its login.
#[must_use]
pub fn is_open_before_login(key: ApiKey) -> bool {
    key == ApiKey::API_VERSIONS || login_keys().contains(&key)
}

/// Kafka's code for a refusal.
#[must_use]
pub fn error_code(code: DenyCode) -> ErrorCode {
    match code {
        DenyCode::InvalidRecord => ErrorCode::INVALID_RECORD,
        DenyCode::PolicyViolation => ErrorCode::POLICY_VIOLATION,
        DenyCode::MessageTooLarge => ErrorCode::MESSAGE_TOO_LARGE,
        DenyCode::TopicAuthorizationFailed => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    }
}

/// A judge's work that may fail in the codec; then the connection ends.
type Judged = Result<ResponseOutcome, CloseReason>;

/// Ends the connection where judging failed.
fn settled(judged: Judged) -> ResponseOutcome {
    judged.unwrap_or_else(ResponseOutcome::Close)
}
