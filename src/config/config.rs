//! The checked configuration: what was meant, with every default filled in.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

pub use super::document::{Durability, IdentityMode};
use super::limits::Limits;
use super::listeners::Listener;
use super::upstream::Upstream;
use crate::auth::IssuerRules;
use crate::auth::certificate::CertificateName;
use crate::auth::scram::ScramHash;
use crate::enforce::Addresses;
use crate::policy::Ground;

/// One whole configuration that may be started.
#[derive(Clone, Debug)]
pub struct Config {
    /// The clusters; the short form of the file is a list of one.
    pub clusters: Vec<Cluster>,
    /// The directory of policy files.
    pub policies_directory: PathBuf,
    /// The audit log.
    pub audit: Audit,
    /// The HTTP listener.
    pub admin: Admin,
    /// Every limit.
    pub limits: Limits,
}

/// One Kafka cluster and the way to it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name in audit rows.
    pub name: Arc<str>,
    /// Where clients bootstrap. Never empty. Port 0 asks the system for a free one.
    pub listeners: Vec<Listener>,
    /// How clients reach single brokers.
    pub addresses: Addresses,
    /// The brokers.
    pub upstream: Upstream,
    /// Who may connect.
    pub identity: Identity,
}

/// A host name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// A host name, or an IP address without brackets.
    pub host: Arc<str>,
    /// Not 0.
    pub port: u16,
}

/// Who may connect; at least one way is set.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who checks a login.
    pub mode: IdentityMode,
    /// The issuers whose tokens are accepted; empty where nobody can log in.
    pub issuers: Vec<Issuer>,
    /// Which name of a client's certificate is a principal, where one is.
    pub certificate_name: Option<CertificateName>,
    /// The file of the users of PLAIN.
    pub plain: Option<PathBuf>,
    /// The file of the users of SCRAM, and its hashes.
    pub scram: Option<(PathBuf, Vec<ScramHash>)>,
    /// Clients without a login.
    pub anonymous: Option<Anonymous>,
    /// The file that maps principals to groups.
    pub groups_file: Option<PathBuf>,
}

/// One issuer of tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// What a token must be. Its `name` is set only where there are several issuers: with one, a
    /// principal is written without it.
    pub rules: IssuerRules,
    /// Where its keys are.
    pub keys: KeySource,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In the document that `<issuer>/.well-known/openid-configuration` names.
    Discovery,
    /// At this URL: https, or http to loopback.
    Url(String),
    /// In this file.
    File(PathBuf),
}

/// What clients without a login are taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymous {
    /// The principal's name.
    pub principal: Arc<str>,
    /// The groups.
    pub groups: Vec<Arc<str>>,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The directory of the write-ahead log and the Parquet files.
    pub directory: PathBuf,
    /// What happens to traffic that cannot be evidenced.
    pub evidence: Evidence,
    /// What an accepted row has survived.
    pub durability: Durability,
    /// The age in seconds at which a Parquet file is finished.
    pub rotate_seconds: u64,
    /// The rows at which a Parquet file is finished.
    pub rotate_rows: u64,
}

/// What happens to traffic that cannot be evidenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It is refused (`audit.required: true`).
    Required,
    /// It passes, and the missing rows are counted.
    BestEffort,
}

/// The HTTP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub address: SocketAddr,
}

/// What the HTTP listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminScope {
    /// Everything: only this machine can ask.
    All,
    /// `/livez`, `/readyz` and `/metrics`: anybody can ask.
    Probes,
}

impl Cluster {
    /// Where clients bootstrap.
    #[must_use]
    pub fn listener_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.address).collect()
    }

    /// The addresses on which broker ports are opened: those of the listeners, each once.
    #[must_use]
    pub fn broker_hosts(&self) -> BTreeSet<IpAddr> {
        self.listeners.iter().map(|listener| listener.address.ip()).collect()
    }
}

impl Identity {
    /// Whether there are principals that no issuer's name stands before, beside those of tokens.
    #[must_use]
    pub fn has_local_principals(&self) -> bool {
        let local = self.plain.is_some()
            || self.scram.is_some()
            || self.certificate_name.is_some()
            || self.anonymous.is_some();
        local || self.mode == IdentityMode::Inspect
    }

    /// What policies may refer to.
    #[must_use]
    pub fn ground(&self) -> Ground {
        Ground { issuers: self.issuer_names(), local_users: self.has_local_principals() }
    }

    /// The issuers' names, for checking those in policies; empty where there is one issuer.
    #[must_use]
    pub fn issuer_names(&self) -> Vec<String> {
        self.issuers
            .iter()
            .filter_map(|issuer| issuer.rules.name.as_deref())
            .map(str::to_owned)
            .collect()
    }
}

impl Admin {
    /// What may be served at this address.
    #[must_use]
    pub fn scope(&self) -> AdminScope {
        if self.address.ip().is_loopback() { AdminScope::All } else { AdminScope::Probes }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}
