//! From a checked configuration to the parts that connections share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::ServerError;
use crate::auth::KeySet;
use crate::config::{self, Config};
use crate::enforce::facts::{
    Checker, Cluster, GroupSource, Identity, Issuer, KeyCache, Limits, ScramUsers, UserSource,
};
use crate::enforce::seats::Seats;
use crate::enforce::{Addresses, ToolPool, TopicNames};
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::io::clock;
use crate::io::cluster::{ClusterMap, Service};
use crate::io::connection::{Benches, Budgets, Gateway, Salter};
use crate::io::credential::CredentialSource;
use crate::io::dial::Dialer;
use crate::io::directory::{self, Directory, DirectorySettings};
use crate::io::jwks::{KeyLocation, KeySource, KeyTiming};
use crate::io::listener::{Crowd, Entrance};
use crate::io::metrics::Metrics;
use crate::io::policies::PolicyDirectory;
use crate::io::sink::{AuditLog, AuditSettings, Durability, Required};
use crate::io::tls::{TlsServer, UpstreamTls};
use crate::io::users::UsersFile;
use crate::session::SessionLimits;

/// Time without a byte after which the system asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Opens what connections share.
pub(super) fn gateway(
    config: &Config,
    cluster: &config::Cluster,
    policies: &PolicyDirectory,
    metrics: &Arc<Metrics>,
) -> Result<Gateway, ServerError> {
    let limits = &config.limits;
    let keys = key_sources(cluster)?;
    let groups = group_directory(cluster)?;
    let users = UsersFiles::open(cluster)?;
    let (map, credential) = cluster_map(config, cluster)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    metrics.policy_activated(policies.current().load().revision());
    Ok(Gateway {
        map,
        policy: policies.current(),
        audit: Arc::new(AuditLog::open(audit_settings(config, cluster), Arc::new(clock::now_us))?),
        metrics: Arc::clone(metrics),
        budgets: Budgets::new(limits.request_budget_bytes, limits.response_budget_bytes),
        session_limits: SessionLimits {
            request_bytes_max: limits.request_bytes_max,
            response_bytes_max: limits.response_bytes_max,
            control_frame_bytes_max: limits.control_frame_bytes_max,
            unauthenticated_frame_bytes_max: limits.unauthenticated_frame_bytes_max,
            inflight_requests_max: limits.inflight_requests_max,
            login_ms_max: i64::try_from(limits.login_ms_max).unwrap_or(i64::MAX),
        },
        credential,
        idle_time: Duration::from_millis(limits.idle_ms_max),
        frame_time: Duration::from_millis(limits.frame_ms_max),
        stall_time: Duration::from_millis(limits.stall_ms_max),
        cluster: Arc::new(Cluster {
            name: Arc::clone(&cluster.name),
            addresses: cluster.addresses.clone(),
            topics: TopicNames::default(),
            identity: Identity {
                secret: random_bytes()?,
                session_ms_max: i64::try_from(limits.session_ms_max).ok().filter(|ms| *ms > 0),
                seats: Arc::new(Seats::new(limits.connections_per_principal_max)),
                ..identity(cluster, &keys, groups.as_ref(), &users)
            },
            limits: Limits {
                request_bytes_max: limits.request_bytes_max,
                control_frame_bytes_max: limits.control_frame_bytes_max,
                inflated_batch_bytes_max: limits.inflated_batch_bytes_max,
                elements_max: limits.array_elements_max,
            },
            tools: ToolPool::with_workshop(Arc::new(Benches::new(cores))),
            broker_knows_user: cluster.identity.mode == config::IdentityMode::Inspect
                || cluster.upstream.auth == config::UpstreamAuth::Forward,
        }),
        keys,
        groups,
        users: users.each(),
        salter: Salter::new(cores / 2),
    })
}

/// Lockgate's own way to the brokers, and what clients' connections log in with there.
pub(super) fn cluster_map(
    config: &Config,
    cluster: &config::Cluster,
) -> Result<(ClusterMap, Option<Arc<CredentialSource>>), ServerError> {
    let layout = match &cluster.addresses {
        Addresses::Keep | Addresses::Names(_) => None,
        Addresses::Ports { layout, .. } => Some(layout.clone()),
    };
    let connect_time = Duration::from_millis(config.limits.upstream_connect_ms_max);
    let tls = cluster.upstream.tls.as_ref().map(upstream_tls);
    let dialer = Dialer::new(connect_time, tls)?;
    let (credential, service) = credentials(cluster)?;
    let bootstrap = cluster.upstream.bootstrap.clone();
    Ok((ClusterMap::new(bootstrap, layout, dialer, service), credential))
}

fn upstream_tls(written: &config::UpstreamTls) -> UpstreamTls {
    UpstreamTls {
        ca: written.ca.clone(),
        identity: written.identity.clone(),
        server_name: written.server_name.clone(),
    }
}

/// What connections log in with at brokers: those of clients, and Lockgate's own.
fn credentials(
    cluster: &config::Cluster,
) -> Result<(Option<Arc<CredentialSource>>, Service), ServerError> {
    let upstream = &cluster.upstream;
    let source = |own: &Arc<config::OwnCredential>| CredentialSource::new(own).map(Arc::new);
    let credential = match &upstream.auth {
        config::UpstreamAuth::Own(own) => Some(source(own)?),
        config::UpstreamAuth::None | config::UpstreamAuth::Forward => None,
    };
    let service = match (&upstream.service, &upstream.auth, &credential) {
        // One source, one token for both.
        (Some(service), config::UpstreamAuth::Own(own), Some(shared)) if service == own => {
            Service::Own(Arc::clone(shared))
        }
        (Some(service), ..) => Service::Own(source(service)?),
        (None, config::UpstreamAuth::Forward, _) => Service::ClientsOnly,
        // The brokers ask for a login, and the clients' own ones are not Lockgate's to ask with.
        (None, ..) if cluster.identity.mode == config::IdentityMode::Inspect => {
            Service::ClientsOnly
        }
        (None, ..) => Service::Open,
    };
    Ok((credential, service))
}

/// What clients go through at each listener, in the order of the configuration.
pub(super) fn entrances(
    config: &Config,
    cluster: &config::Cluster,
) -> Result<Vec<(SocketAddr, Arc<Entrance>)>, ServerError> {
    let crowd = Crowd::new(config.limits.connections_per_address_max);
    let names = match &cluster.addresses {
        Addresses::Keep | Addresses::Ports { .. } => None,
        Addresses::Names(names) => Some(names),
    };
    let host_names = cluster.addresses.host_names();
    let entrance = |listener: &config::Listener| {
        let address = listener.address;
        let tls = listener.entrance.tls.as_ref().map(TlsServer::open).transpose();
        let tls = tls.map_err(|reason| ServerError::Certificates { address, reason })?;
        for name in tls.iter().flat_map(|server: &TlsServer| server.lacks(&host_names)) {
            tracing::warn!(
                %address,
                name,
                "the certificate is not made for a name that clients are told: they will refuse it"
            );
        }
        let entrance = Entrance {
            tls: tls.map(Arc::new),
            proxy_networks: listener.entrance.proxy_networks.clone(),
            names: names.cloned(),
            certificate_name: cluster.identity.certificate_name,
            crowd: Arc::clone(&crowd),
        };
        Ok((address, Arc::new(entrance)))
    };
    cluster.listeners.iter().map(entrance).collect()
}

fn audit_settings(config: &Config, cluster: &config::Cluster) -> AuditSettings {
    let mut settings = AuditSettings::new(&config.audit.directory, Arc::clone(&cluster.name));
    settings.required = match config.audit.evidence {
        config::Evidence::Required => Required::Refuse,
        config::Evidence::BestEffort => Required::CountLost,
    };
    settings.durability = match config.audit.durability {
        config::Durability::Process => Durability::Process,
        config::Durability::Disk => Durability::Disk,
    };
    settings.rotate_seconds = config.audit.rotate_seconds;
    settings.rotate_rows = config.audit.rotate_rows;
    settings
}

fn key_sources(cluster: &config::Cluster) -> Result<Vec<Arc<KeySource>>, ServerError> {
    let start = |issuer: &config::Issuer| {
        let location = match &issuer.keys {
            config::KeySource::Discovery => KeyLocation::Discovery,
            config::KeySource::Url(url) => KeyLocation::Url(url.clone()),
            config::KeySource::File(path) => KeyLocation::File(path.clone()),
        };
        KeySource::start(&issuer.rules.issuer, location, KeyTiming::default())
            .map(Arc::new)
            .map_err(|error| ServerError::Keys {
                issuer: issuer.rules.issuer.clone(),
                reason: error.to_string(),
            })
    };
    cluster.identity.issuers.iter().map(start).collect()
}

fn group_directory(cluster: &config::Cluster) -> Result<Option<Arc<dyn Directory>>, ServerError> {
    let Some(path) = &cluster.identity.groups_file else { return Ok(None) };
    Ok(Some(directory::open(&DirectorySettings { path: path.clone() })?))
}

fn identity(
    cluster: &config::Cluster,
    keys: &[Arc<KeySource>],
    groups: Option<&Arc<dyn Directory>>,
    users: &UsersFiles,
) -> Identity {
    let directory: Option<Arc<dyn GroupSource>> = match groups {
        Some(groups) => Some(Arc::new(DirectoryGroups(Arc::clone(groups)))),
        None => None,
    };
    let issuers = cluster.identity.issuers.iter().zip(keys).map(|(issuer, keys)| Issuer {
        rules: issuer.rules.clone(),
        keys: Arc::new(Keys(Arc::clone(keys))),
    });
    let anonymous = cluster.identity.anonymous.as_ref().map(|anonymous| {
        Arc::new(Subject {
            principal: Principal::user(None, Arc::clone(&anonymous.principal)),
            groups: Groups::known(anonymous.groups.iter().map(Arc::clone)),
            mechanism: Mechanism::Anonymous,
        })
    });
    let (plain, scram) = users.sources(cluster);
    let checker = match cluster.identity.mode {
        config::IdentityMode::Terminate => Checker::Lockgate,
        config::IdentityMode::Inspect => Checker::Broker,
    };
    let issuers = issuers.collect();
    Identity { checker, issuers, plain, scram, anonymous, directory, ..Identity::default() }
}

/// The files of users, each opened once.
struct UsersFiles {
    plain: Option<Arc<UsersFile>>,
    scram: Option<Arc<UsersFile>>,
}

impl UsersFiles {
    fn open(cluster: &config::Cluster) -> Result<Self, ServerError> {
        let identity = &cluster.identity;
        let plain = identity.plain.as_deref().map(UsersFile::open).transpose()?;
        let scram = match (&identity.scram, &plain) {
            (None, _) => None,
            (Some((path, _)), Some(plain)) if path == plain.path() => Some(Arc::clone(plain)),
            (Some((path, _)), _) => Some(UsersFile::open(path)?),
        };
        Ok(Self { plain, scram })
    }

    fn each(&self) -> Vec<Arc<UsersFile>> {
        let mut files: Vec<_> = self.plain.iter().chain(&self.scram).map(Arc::clone).collect();
        files.dedup_by(|left, right| Arc::ptr_eq(left, right));
        files
    }

    fn sources(
        &self,
        cluster: &config::Cluster,
    ) -> (Option<Arc<dyn UserSource>>, Option<ScramUsers>) {
        let source = |file: &Arc<UsersFile>| Arc::clone(file) as Arc<dyn UserSource>;
        let hashes = cluster.identity.scram.as_ref().map(|(_, hashes)| hashes.clone());
        let scram = self.scram.as_ref().zip(hashes);
        let scram = scram.map(|(file, hashes)| ScramUsers { users: source(file), hashes });
        (self.plain.as_ref().map(source), scram)
    }
}

struct Keys(Arc<KeySource>);

impl KeyCache for Keys {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.0.current()
    }
}

struct DirectoryGroups(Arc<dyn Directory>);

impl GroupSource for DirectoryGroups {
    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>> {
        self.0.groups(principal)
    }
}

fn random_bytes<const N: usize>() -> Result<[u8; N], ServerError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ServerError::Random)?;
    Ok(bytes)
}

/// Three words of the system's randomness: a seed and a session id.
pub(super) fn random_words() -> Result<[u64; 3], ServerError> {
    let bytes: [u8; 24] = random_bytes()?;
    let mut words = [0_u64; 3];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_be_bytes(chunk.try_into().map_err(|_| ServerError::Random)?);
    }
    Ok(words)
}

/// Small answers leave at once, and a peer that is gone is found out.
pub(super) fn tune(client: &TcpStream) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    SockRef::from(client).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_inspect_nobody_but_a_client_asks_for_the_brokers() {
        for (mode, can_ask) in [("inspect", false), ("terminate", true)] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("lockgate.yaml");
            std::fs::create_dir(directory.path().join("policies")).unwrap();
            let identity = if can_ask { "anonymous: {}" } else { "mode: inspect" };
            let text = format!(
                "listen: 127.0.0.1:9092\nupstream: 127.0.0.1:9093\nidentity: {{{identity}}}\n\
                 policies: policies\naudit: {{dir: audit}}\naddresses: keep\n"
            );
            std::fs::write(&path, text).unwrap();
            let config = config::load(&path).unwrap_or_else(|error| panic!("{mode}: {error}"));
            let (map, _) = cluster_map(&config, &config.clusters[0]).unwrap();
            assert_eq!(map.can_ask(), can_ask, "{mode}");
        }
    }
}
