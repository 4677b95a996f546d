//! The checked configuration: what was meant, with every default filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

pub use super::document::{Durability, UpstreamAuth};
use super::limits::Limits;
use crate::auth::IssuerRules;

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
    pub listeners: Vec<SocketAddr>,
    /// How clients reach single brokers.
    pub addresses: Addresses,
    /// The brokers.
    pub upstream: Upstream,
    /// Who may connect.
    pub identity: Identity,
}

/// How clients reach single brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Broker addresses pass unchanged: the brokers advertise Lockgate already.
    Keep,
    /// Every broker address becomes `host` with the port that follows from the node id.
    Ports {
        /// The host name that clients are told.
        host: Arc<str>,
        /// Node id to port.
        ports: Ports,
    },
}

/// The port of each broker, as a function of its node id: no state, so every replica and every
/// restart agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Node id n gets port `first + n mod (last - first + 1)`.
    Range {
        /// The first port.
        first: u16,
        /// The last port, not less than the first.
        last: u16,
    },
    /// Exactly these node ids.
    Table(BTreeMap<i32, u16>),
}

/// The brokers of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Brokers to ask for the others, tried in turn. Never empty.
    pub bootstrap: Vec<HostPort>,
    /// How a client's connection logs in there.
    pub auth: UpstreamAuth,
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
    /// The issuers whose tokens are accepted; empty where nobody can log in.
    pub issuers: Vec<Issuer>,
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

impl Ports {
    /// The port of a node id. `None`: a negative id, or one that the table does not list.
    #[must_use]
    pub fn port_of(&self, node_id: i32) -> Option<u16> {
        match self {
            Self::Range { first, last } => {
                let size = u32::from(*last).checked_sub(u32::from(*first))?.checked_add(1)?;
                let offset = u32::try_from(node_id).ok()?.checked_rem(size)?;
                u16::try_from(u32::from(*first).checked_add(offset)?).ok()
            }
            Self::Table(table) => table.get(&node_id).copied(),
        }
    }

    /// Every port that may be given to a broker, in ascending order.
    #[must_use]
    pub fn all(&self) -> Vec<u16> {
        match self {
            Self::Range { first, last } => (*first..=*last).collect(),
            Self::Table(table) => {
                let mut ports: Vec<u16> = table.values().copied().collect();
                ports.sort_unstable();
                ports
            }
        }
    }
}

impl Cluster {
    /// The addresses on which broker ports are opened: those of the listeners, each once.
    #[must_use]
    pub fn broker_hosts(&self) -> Vec<IpAddr> {
        let mut hosts: Vec<IpAddr> = self.listeners.iter().map(SocketAddr::ip).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}

impl Identity {
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
