//! What the process says about itself, and the seam by which the admin listener asks for it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::io::metrics::Metrics;
use crate::io::tls::CertificateState;

/// Answers for the process. The server implements it; calls are quick and never wait.
pub trait StatusSource: Send + Sync + 'static {
    /// Whether clients should be sent here.
    fn readiness(&self) -> Readiness;

    /// Everything that an operator asks first.
    fn status(&self) -> Status;

    /// Sets the gauges that are read from elsewhere (audit lag, budgets) before they are shown.
    fn refresh(&self, metrics: &Metrics);
}

/// Whether clients should be sent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They should.
    Ready,
    /// They should not, because of each of these.
    NotReady {
        /// Short sentences, such as `no broker can be reached`.
        reasons: Vec<String>,
    },
}

/// The body of `/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The version of Lockgate.
    pub version: &'static str,
    /// The time since the start, in seconds.
    pub uptime_seconds: u64,
    /// The cluster's name.
    pub cluster: String,
    /// The policies in force.
    pub policy: PolicyState,
    /// Where clients bootstrap.
    pub listeners: Vec<ListenerState>,
    /// The brokers.
    pub upstream: UpstreamState,
    /// How clients are told apart.
    pub identity: IdentityState,
    /// The audit log.
    pub audit: AuditState,
    /// The clients.
    pub connections: ConnectionState,
}

/// The policies in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyState {
    /// The revision, as in audit rows.
    pub revision: String,
    /// The number of rules.
    pub rules: usize,
    /// When the revision was loaded, in seconds since 1970.
    pub loaded_at_seconds: i64,
    /// Why the newest files are not in force; none if they are.
    pub last_error: Option<LoadFault>,
}

/// Why the newest policy files are not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadFault {
    /// When they were refused, in seconds since 1970.
    pub at_seconds: i64,
    /// The problems, as the log shows them.
    pub message: String,
}

/// Where clients bootstrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListenerState {
    /// The address of the configuration.
    pub address: String,
    /// The certificates; none where clients speak plaintext.
    pub tls: Option<CertificateState>,
}

/// The brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpstreamState {
    /// The brokers that are asked for the others.
    pub bootstrap: Vec<String>,
    /// Why the last connection failed; none if it was made.
    pub last_error: Option<String>,
    /// Node id to the broker's own address, as far as known.
    pub nodes: BTreeMap<i32, String>,
    /// Node id to the address that clients are told, where addresses are rewritten.
    pub advertised: BTreeMap<i32, String>,
}

/// How clients are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityState {
    /// The issuers whose tokens are taken.
    pub issuers: Vec<IssuerState>,
    /// The file of groups, where one is configured.
    pub groups: Option<GroupsState>,
    /// The files of users who log in by password.
    pub users: Vec<UsersState>,
}

/// One file of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsersState {
    /// Its path.
    pub file: String,
    /// Users in the content that is in use.
    pub users: usize,
    /// Why the newest content is not in use; none if it is.
    pub last_error: Option<String>,
}

/// One issuer's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssuerState {
    /// As in `iss`.
    pub issuer: String,
    /// Whether the keys may be used: `missing`, `fresh`, `stale` or `expired`.
    pub freshness: &'static str,
    /// How many there are, usable or not.
    pub keys: usize,
    /// The time since they were last read, in seconds.
    pub age_seconds: Option<u64>,
    /// Why they could not be read the last time; none if they were.
    pub last_error: Option<String>,
}

/// The groups from elsewhere than tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupsState {
    /// Groups in the content that is in use.
    pub groups: usize,
    /// Principals in it.
    pub principals: usize,
    /// Why the newest content is not in use; none if it is.
    pub last_error: Option<String>,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditState {
    /// Rows accepted since the start.
    pub rows: u64,
    /// Rows in the write-ahead log that are not yet in Parquet.
    pub lag_rows: u64,
    /// Why rows are not accepted or not converted; none if they are.
    pub last_error: Option<String>,
}

/// The clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionState {
    /// Connections that are open.
    pub open: u64,
    /// The most that may be open.
    pub max: u64,
}
