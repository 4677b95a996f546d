//! One listening port: who comes in, and how each of them ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::{build, until};
use crate::audit::{AuditDecision, EventKind, SessionFacts};
use crate::enforce::{CloseReason, session_row};
use crate::identity::Mechanism;
use crate::io::clock;
use crate::io::connection::{Gateway, Target, Visit, closure, serve};
use crate::io::listener::{Arrival, Entrance, EntranceFault, Refused};
use crate::io::metrics::{Closure, Refusal};

/// One listening port.
pub(super) struct Door {
    pub gateway: Arc<Gateway>,
    pub slots: Arc<Semaphore>,
    pub draining: watch::Receiver<bool>,
    pub target: Target,
    pub entrance: Arc<Entrance>,
}

/// After an accept that failed (no descriptors left, say), how long to leave the listener alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Door {
    /// Lets clients in until the drain, and ends when the last of them has left.
    pub async fn stand_open(self, listener: TcpListener) {
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
        let (gateway, entrance) = (Arc::clone(&self.gateway), Arc::clone(&self.entrance));
        let (target, mut draining) = (self.target, self.draining.clone());
        connections.spawn(async move {
            let _open = open;
            let accepted_at_ms = clock::now_ms();
            let arrival = tokio::select! {
                arrival = admit(&gateway, &entrance, client, peer) => arrival,
                _ = draining.wait_for(|draining| *draining) => Err(CloseReason::Drained),
            };
            let Arrival { transport, client, target: named, certified, place: _place } =
                match arrival {
                    Ok(arrival) => arrival,
                    Err(reason) => return reason,
                };
            let target = named.unwrap_or(target);
            let visit = Visit { transport, client, target, certified, seed, accepted_at_ms };
            let reason = serve(gateway, visit, draining).await;
            tracing::debug!(%client, %reason, "connection ended");
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
            crate::wire::FrameFault::ProxyHeader => refused.of(Refusal::ProxyHeader).inc(),
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

/// Lets a client in, in the time that a login may take; who is refused is counted and told of.
async fn admit(
    gateway: &Gateway,
    entrance: &Entrance,
    client: TcpStream,
    peer: SocketAddr,
) -> Result<Arrival, CloseReason> {
    let login_ms = u64::try_from(gateway.session_limits.login_ms_max).unwrap_or(0);
    let admitting = entrance.admit(client, peer);
    let refused = match tokio::time::timeout(Duration::from_millis(login_ms), admitting).await {
        Ok(Ok(arrival)) => return Ok(arrival),
        Ok(Err(refused)) => refused,
        Err(_) => return Err(CloseReason::LoginTime(login_ms)),
    };
    let Refused { client, fault } = refused;
    match fault.refusal() {
        Some(reason) => {
            gateway.metrics.connections_refused.of(reason).inc();
            tracing::warn!(%client, %fault, "a client was not let in");
        }
        None => tracing::debug!(%client, %fault, "a client was not let in"),
    }
    if let EntranceFault::Certificate(_) | EntranceFault::Handshake(_) = &fault {
        note_refused_login(gateway, client, &fault);
    }
    Err(CloseReason::NotAdmitted(fault.to_string()))
}

/// A certificate, or the want of one, is a login that failed.
fn note_refused_login(gateway: &Gateway, client: SocketAddr, fault: &EntranceFault) {
    let facts = SessionFacts {
        src_ip: Some(client.ip()),
        src_port: Some(client.port()),
        auth_mech: Some(Mechanism::Ssl.as_str()),
        cluster: Arc::clone(&gateway.cluster.name),
        ..SessionFacts::default()
    };
    let mut row = session_row(EventKind::Auth, &Arc::new(facts));
    row.decision = Some(AuditDecision::Deny);
    row.message = Some(fault.to_string().into());
    if let Err(error) = gateway.audit.append(&[row]) {
        tracing::error!(%error, "a refused login left no evidence");
    }
}
