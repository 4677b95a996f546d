//! Wires the edges to sessions: listeners, policies, evidence, the admin listener, and the end.
//!
//! Everything is opened before the first client is let in, and a start that cannot keep its
//! promises is refused. On shutdown no new request is taken, answers that are owed leave, and the
//! evidence is stored.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::{self, Config};
use crate::enforce::Addresses;
use crate::io::admin;
use crate::io::cluster::{ClusterFault, ClusterMap, Seat};
use crate::io::connection::{Gateway, Target};
use crate::io::listener::Entrance;
use crate::io::metrics::Metrics;
use crate::io::policies::PolicyDirectory;
use crate::io::signals::Shutdown;
use crate::io::sink::AuditError;
use crate::io::tls::{self, TlsError};
use crate::policy::Problems;

mod build;
mod door;
mod state;

use door::Door;
use state::State;

/// Why Lockgate does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("the policies do not load\n{0}")]
    Policies(Problems),
    #[error("the audit log cannot be used: {0}")]
    Audit(#[from] AuditError),
    #[error("the group file cannot be used: {0}")]
    Groups(#[from] crate::io::directory::DirectoryError),
    #[error("the users file cannot be used: {0}")]
    Users(#[from] crate::io::watched::WatchedFault),
    #[error("the keys of issuer {issuer} cannot be fetched from there: {reason}")]
    Keys { issuer: String, reason: String },
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: SocketAddr, reason: std::io::Error },
    #[error("the credential for the brokers cannot be used: {0}")]
    Credential(#[from] crate::io::credential::TokenFault),
    #[error("`upstream.tls` cannot be used: {0}")]
    UpstreamTls(#[from] crate::io::tls::TlsError),
    #[error("the certificates of {address} cannot be used: {reason}")]
    Certificates { address: SocketAddr, reason: TlsError },
    #[error("no random bytes can be had")]
    Random,
    #[error("{0}")]
    Cluster(#[from] ClusterFault),
}

/// What is known once clients can connect.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The cluster's name in the configuration.
    pub cluster: Arc<str>,
    /// Every port for clients: the bootstrap ones first.
    pub listeners: Vec<SocketAddr>,
    pub admin: SocketAddr,
    pub policy_revision: Arc<str>,
}

impl fmt::Display for Ready {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listening: Vec<String> = self.listeners.iter().map(ToString::to_string).collect();
        let (cluster, admin, policy) = (&self.cluster, self.admin, &self.policy_revision);
        write!(
            out,
            "ready cluster={cluster} listen={} admin={admin} policy={policy}",
            listening.join(",")
        )
    }
}

/// Runs until it is told to end, then drains. `on_ready` is called once, when clients can connect.
///
/// # Errors
/// [`ServerError`]: the start is refused.
pub async fn run(
    config: Config,
    shutdown: watch::Receiver<Shutdown>,
    on_ready: impl FnOnce(Ready) + Send,
) -> Result<(), ServerError> {
    match config.clusters.first() {
        Some(cluster) => run_cluster(&config, cluster, shutdown, on_ready).await,
        // A checked configuration has one.
        None => Ok(()),
    }
}

/// Lockgate's own way to the brokers of a cluster.
///
/// # Errors
/// [`ServerError`] where certificates or credentials cannot be read.
pub fn cluster_map(config: &Config, cluster: &config::Cluster) -> Result<ClusterMap, ServerError> {
    Ok(build::cluster_map(config, cluster)?.0)
}

async fn run_cluster(
    config: &Config,
    cluster: &config::Cluster,
    mut shutdown: watch::Receiver<Shutdown>,
    on_ready: impl FnOnce(Ready) + Send,
) -> Result<(), ServerError> {
    let directory = PolicyDirectory::open(&config.policies_directory, cluster.identity.ground())
        .map_err(ServerError::Policies)?;
    let metrics = Arc::new(Metrics::new());
    let gateway = Arc::new(build::gateway(config, cluster, &directory, &metrics)?);
    let entrances = build::entrances(config, cluster)?;
    let state = State::new(Arc::clone(&gateway), directory.status(), config, &entrances);
    let state = Arc::new(state);
    let listeners = listen(cluster, &gateway.cluster.addresses, &entrances).await?;
    let admin = bind(config.admin.address).await?;
    let admin_address = admin.local_addr().unwrap_or(config.admin.address);
    let (drain, draining) = watch::channel(false);
    let mut edges = JoinSet::new();
    edges.spawn({
        let (source, metrics) = (Arc::clone(&state), Arc::clone(&metrics));
        let scope = config.admin.scope();
        let end = until(draining.clone());
        async move {
            if let Err(error) = admin::serve(admin, scope, source, metrics, end).await {
                tracing::error!(%error, "the admin listener ended");
            }
        }
    });
    edges.spawn({
        let gateway = Arc::clone(&gateway);
        let state = Arc::clone(&state);
        let end = until(draining.clone());
        directory.run(move |change| state.policy_changed(&gateway, change), end)
    });
    know_brokers(&gateway).await?;
    edges.spawn(watch_brokers(Arc::clone(&gateway)));
    let servers = entrances.iter().filter_map(|(_, entrance)| entrance.tls.clone()).collect();
    edges.spawn(tls::watch(servers, Arc::clone(&metrics)));
    let slots = Arc::new(Semaphore::new(config.limits.connections_max));
    let mut accepting = JoinSet::new();
    let mut addresses = Vec::new();
    for (listener, target, entrance) in listeners {
        addresses.push(listener.local_addr().map_err(|_| ServerError::Random)?);
        let door = Door {
            gateway: Arc::clone(&gateway),
            slots: Arc::clone(&slots),
            draining: draining.clone(),
            target,
            entrance,
        };
        accepting.spawn(door.stand_open(listener));
    }
    state.listening();
    on_ready(Ready {
        cluster: Arc::clone(&gateway.cluster.name),
        listeners: addresses,
        admin: admin_address,
        policy_revision: Arc::clone(gateway.policy.load().revision()),
    });
    reached(&mut shutdown, Shutdown::Drain).await;
    tracing::info!("draining");
    let _ = drain.send(true);
    let limit = Duration::from_millis(config.limits.drain_ms_max);
    wait_out(accepting, limit, shutdown).await;
    edges.shutdown().await;
    store_evidence(&gateway).await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits until every connection has ended, as long as that may take; cuts what is left.
async fn wait_out(
    mut accepting: JoinSet<()>,
    limit: Duration,
    mut shutdown: watch::Receiver<Shutdown>,
) {
    let all_ended = async { while accepting.join_next().await.is_some() {} };
    let drained = tokio::select! {
        () = all_ended => true,
        () = tokio::time::sleep(limit) => false,
        () = reached(&mut shutdown, Shutdown::Stop) => false,
    };
    if !drained {
        tracing::warn!(?limit, "connections that had not ended in the drain time are cut");
        accepting.shutdown().await;
    }
}

/// Every row into its file, as the last thing.
async fn store_evidence(gateway: &Gateway) {
    let audit = Arc::clone(&gateway.audit);
    match tokio::task::spawn_blocking(move || audit.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the audit log is converted at the next start"),
        Err(error) => tracing::error!(%error, "the audit log did not close"),
    }
}

/// How long the start waits for the cluster to name its brokers; later they are asked for as
/// needed.
const BROKERS_TIME: Duration = Duration::from_secs(2);

/// Learns the brokers where no client is needed for that, so that a layout in which two of them
/// would share a port is refused before anybody relies on it.
async fn know_brokers(gateway: &Gateway) -> Result<(), ServerError> {
    let layout = match &gateway.cluster.addresses {
        Addresses::Keep => return Ok(()),
        Addresses::Names(_) => None,
        Addresses::Ports { layout, .. } => Some(layout),
    };
    if !gateway.map.can_ask() {
        return Ok(());
    }
    match tokio::time::timeout(BROKERS_TIME, gateway.map.ask(None)).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::warn!(%fault, "the brokers are not known yet"),
        Err(_) => tracing::warn!("the brokers are not known yet: no answer"),
    }
    match layout.and_then(|layout| layout.collision(gateway.map.nodes().into_keys())) {
        Some((first, second, port)) => Err(ClusterFault::Collision { first, second, port }.into()),
        None => Ok(()),
    }
}

/// How often `/readyz` finds out whether a broker can be reached, clients or not.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// After so many probes the brokers are asked for anew: one that has moved is then known before a
/// client is sent to its old place.
const PROBES_BETWEEN_QUESTIONS: u32 = 6;

async fn watch_brokers(gateway: Arc<Gateway>) {
    let mut probes = 0_u32;
    loop {
        let asks = probes.is_multiple_of(PROBES_BETWEEN_QUESTIONS) && gateway.map.can_ask();
        if !asks {
            gateway.map.probe().await;
        } else if let Err(fault) = gateway.map.ask(None).await {
            tracing::warn!(%fault, "the brokers cannot be asked for");
        }
        probes = probes.wrapping_add(1);
        let again = Arc::clone(&gateway);
        // A reader that panics would end in this error; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || again.map.look()).await;
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|reason| ServerError::Listen { address, reason })
}

/// Opens every port: the bootstrap ones, and one for each broker that there may be.
async fn listen(
    cluster: &config::Cluster,
    addresses: &Addresses,
    entrances: &[(SocketAddr, Arc<Entrance>)],
) -> Result<Vec<(TcpListener, Target, Arc<Entrance>)>, ServerError> {
    let mut listeners = Vec::new();
    for (address, entrance) in entrances {
        listeners.push((bind(*address).await?, Target::Bootstrap, Arc::clone(entrance)));
    }
    let Addresses::Ports { layout, .. } = addresses else { return Ok(listeners) };
    for port in layout.ports() {
        for host in cluster.broker_hosts() {
            // The listeners of one host have one way in, as the configuration was checked to say.
            let same = entrances.iter().find(|(address, _)| address.ip() == host);
            let Some((_, entrance)) = same else { continue };
            let listener = bind(SocketAddr::new(host, port)).await?;
            let target = Target::Broker(Seat::Port(port));
            listeners.push((listener, target, Arc::clone(entrance)));
        }
    }
    Ok(listeners)
}

/// Waits for an order at least as strong as `order`; forever where nobody can give it any more.
async fn reached(shutdown: &mut watch::Receiver<Shutdown>, order: Shutdown) {
    if shutdown.wait_for(|given| *given >= order).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until(mut draining: watch::Receiver<bool>) {
    // Either it is said, or nobody is left to say it.
    let _ = draining.wait_for(|draining| *draining).await;
}
