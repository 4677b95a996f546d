//! Wires the edges to sessions: listeners, policies, evidence, the admin listener, and the end.
//!
//! Everything is opened before the first client is let in, and a start that cannot keep its
//! promises is refused. On shutdown no new request is taken, answers that are owed leave, and the
//! evidence is stored.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::{self, Config};
use crate::enforce::{Addresses, CloseReason};
use crate::io::admin;
use crate::io::cluster::{ClusterFault, ClusterMap};
use crate::io::connection::{Gateway, Target, closure, serve};
use crate::io::metrics::{Closure, Metrics, Refusal};
use crate::io::policies::PolicyDirectory;
use crate::io::signals::Shutdown;
use crate::io::sink::AuditError;
use crate::io::transport::Transport;
use crate::policy::Problems;

mod build;
mod state;

use state::State;

/// Why Lockgate does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("the policies do not load\n{0}")]
    Policies(Problems),
    #[error("the audit log cannot be used: {0}")]
    Audit(#[from] AuditError),
    #[error("{0}")]
    File(#[from] crate::io::watched::WatchedFault),
    #[error("the keys of issuer {issuer} cannot be fetched from there: {reason}")]
    Keys { issuer: String, reason: String },
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: SocketAddr, reason: std::io::Error },
    #[error("the credential for the brokers cannot be used: {0}")]
    Credential(#[from] crate::io::credential::TokenFault),
    #[error("`upstream.tls` cannot be used: {0}")]
    UpstreamTls(#[from] crate::io::tls::TlsError),
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
    let state = Arc::new(State::new(Arc::clone(&gateway), directory.status(), config));
    let listeners = listen(cluster, &gateway.cluster.addresses).await?;
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
    let slots = Arc::new(Semaphore::new(config.limits.connections_max));
    let mut accepting = JoinSet::new();
    let mut addresses = Vec::new();
    for (listener, target) in listeners {
        addresses.push(listener.local_addr().map_err(|_| ServerError::Random)?);
        let door = Door {
            gateway: Arc::clone(&gateway),
            slots: Arc::clone(&slots),
            draining: draining.clone(),
            target,
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
    edges.shutdown().await;
    store_evidence(&gateway).await;
    tracing::info!("stopped");
    Ok(())
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
    let Addresses::Ports { layout, .. } = &gateway.cluster.addresses else { return Ok(()) };
    if !gateway.map.can_ask() {
        return Ok(());
    }
    match tokio::time::timeout(BROKERS_TIME, gateway.map.ask(None)).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::warn!(%fault, "the brokers are not known yet"),
        Err(_) => tracing::warn!("the brokers are not known yet: no answer"),
    }
    match layout.collision(gateway.map.nodes().into_keys()) {
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
) -> Result<Vec<(TcpListener, Target)>, ServerError> {
    let mut listeners = Vec::new();
    for address in &cluster.listeners {
        listeners.push((bind(*address).await?, Target::Bootstrap));
    }
    if let Addresses::Ports { layout, .. } = addresses {
        let hosts: Vec<IpAddr> = cluster.broker_hosts();
        for port in layout.ports() {
            for host in &hosts {
                let listener = bind(SocketAddr::new(*host, port)).await?;
                listeners.push((listener, Target::BrokerPort(port)));
            }
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

/// One listening port.
struct Door {
    gateway: Arc<Gateway>,
    slots: Arc<Semaphore>,
    draining: watch::Receiver<bool>,
    target: Target,
}

/// After an accept that failed (no descriptors left, say), how long to leave the listener alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Door {
    /// Lets clients in until the drain, and ends when the last of them has left.
    async fn stand_open(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let draining = self.draining.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, peer)) => self.let_in(&mut connections, client, peer),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = connections.join_next() => self.note_end(ended),
                () = until(draining.clone()) => break,
            }
        }
        drop(listener);
        while let Some(ended) = connections.join_next().await {
            self.note_end(ended);
        }
    }

    fn let_in(&self, connections: &mut JoinSet<CloseReason>, client: TcpStream, peer: SocketAddr) {
        let metrics = &self.gateway.metrics;
        metrics.connections_accepted.inc();
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            metrics.connections_refused.of(Refusal::ConnectionsMax).inc();
            return;
        };
        let Ok(seed) = build::random_words() else {
            tracing::error!("no random bytes can be had; a client is turned away");
            return;
        };
        if let Err(error) = build::tune(&client) {
            tracing::debug!(%error, "a socket option could not be set");
        }
        metrics.connections_open.inc();
        let open = Open { slot, gateway: Arc::clone(&self.gateway) };
        let gateway = Arc::clone(&self.gateway);
        let (target, draining) = (self.target, self.draining.clone());
        connections.spawn(async move {
            let _open = open;
            let client = Transport::Plain(client);
            let reason = serve(gateway, client, peer, target, seed, draining).await;
            tracing::debug!(client = %peer, %reason, "connection ended");
            reason
        });
    }

    fn note_end(&self, ended: Result<CloseReason, tokio::task::JoinError>) {
        let metrics = &self.gateway.metrics;
        match ended {
            Ok(reason) => {
                if let CloseReason::Frame(fault) = &reason {
                    self.note_stranger(*fault);
                }
                metrics.connections_closed.of(closure(&reason)).inc();
            }
            Err(error) if error.is_panic() => {
                // The task is gone and its sockets with it; nobody else is disturbed.
                metrics.panics.inc();
                metrics.connections_closed.of(Closure::Panic).inc();
                tracing::error!("a connection ended by a bug");
            }
            Err(_) => {}
        }
    }

    fn note_stranger(&self, fault: crate::wire::FrameFault) {
        let refused = &self.gateway.metrics.connections_refused;
        match fault {
            crate::wire::FrameFault::Tls => refused.of(Refusal::TlsOnPlain).inc(),
            crate::wire::FrameFault::Http => refused.of(Refusal::HttpOnPlain).inc(),
            crate::wire::FrameFault::Malformed { .. }
            | crate::wire::FrameFault::TooLarge { .. } => 0,
        };
        tracing::warn!(%fault, "a client was disconnected");
    }
}

/// A connection that counts as open for as long as this lives.
struct Open {
    #[allow(dead_code)] // Held for its drop.
    slot: OwnedSemaphorePermit,
    gateway: Arc<Gateway>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.gateway.metrics.connections_open.dec();
    }
}
