//! The broker connection that belongs to a client connection.

use bytes::Bytes;

use super::Gateway;
use crate::config::HostPort;
use crate::enforce::facts::Checker;
use crate::io::cluster::{ClusterFault, Seat};
use crate::io::dial::DialFault;
use crate::io::metrics::UpstreamFailure;
use crate::io::transport::Transport;

/// Which broker a client means, by the port or the name that it came in on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Any of the bootstrap servers.
    Bootstrap,
    /// One broker.
    Broker(Seat),
}

/// Why there is no broker connection.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    #[error(transparent)]
    Cluster(#[from] ClusterFault),
    #[error("{address}: {reason}")]
    Connect { address: HostPort, reason: DialFault },
}

impl UpstreamFault {
    /// The counter of it.
    pub(super) const fn label(&self) -> UpstreamFailure {
        match self {
            Self::Cluster(ClusterFault::LoginRefused(_) | ClusterFault::Service(_)) => {
                UpstreamFailure::Login
            }
            Self::Cluster(ClusterFault::NoBroker(_) | ClusterFault::Collision { .. }) => {
                UpstreamFailure::UnknownNode
            }
            Self::Cluster(ClusterFault::Unreachable(_)) => UpstreamFailure::Connect,
            Self::Connect { reason, .. } => match reason {
                DialFault::Connect(_) => UpstreamFailure::Connect,
                DialFault::Tls(_) => UpstreamFailure::Tls,
                DialFault::Timeout(_) => UpstreamFailure::Timeout,
            },
        }
    }
}

/// Which broker a session's upstream connection goes to.
pub(super) struct Route {
    target: Target,
    address: HostPort,
    /// It goes to some broker, because nobody could say which one is meant, and the client's login
    /// is not Lockgate's to ask with (`inspect`).
    provisional: bool,
}

impl Route {
    /// Connects for a client that has said nothing yet. Where only a login can tell which broker is
    /// behind a port, this is a bootstrap server until then: good for ApiVersions, and nothing
    /// else.
    pub async fn open(
        gateway: &Gateway,
        target: Target,
    ) -> Result<(Self, Transport), UpstreamFault> {
        if let Target::Broker(seat) = target {
            let known = if gateway.map.can_ask() {
                Some(gateway.map.find(seat, None).await?)
            } else {
                gateway.map.behind(seat)?
            };
            if let Some(address) = known {
                match open_or_find(gateway, seat, address, None).await {
                    Ok((stream, address)) => {
                        return Ok((Self { target, address, provisional: false }, stream));
                    }
                    Err(fault) if gateway.map.can_ask() => return Err(fault),
                    // It may have moved; the client's login will tell where.
                    Err(_) => {}
                }
            }
        }
        let provisional = matches!(target, Target::Broker(_))
            && gateway.cluster.identity.checker == Checker::Broker;
        let mut last = ClusterFault::Unreachable("none is configured".into()).into();
        for address in gateway.map.servers() {
            match open(gateway, &address).await {
                Ok(stream) => return Ok((Self { target, address, provisional }, stream)),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Whether it has come out meanwhile that another broker is meant: then the client has to
    /// connect again, and gets there.
    pub fn is_misplaced(&mut self, gateway: &Gateway) -> bool {
        let Target::Broker(seat) = self.target else { return false };
        if !self.provisional {
            return false;
        }
        match gateway.map.behind(seat) {
            Ok(Some(meant)) => {
                self.provisional = meant != self.address;
                self.provisional
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// The connection to go on with, where the one at hand does not go to the broker that the port
    /// stands for.
    pub async fn correct(
        &mut self,
        gateway: &Gateway,
        login: &Bytes,
    ) -> Result<Option<Transport>, UpstreamFault> {
        let Target::Broker(seat) = self.target else { return Ok(None) };
        let address = gateway.map.find(seat, Some(login)).await?;
        if address == self.address {
            return Ok(None);
        }
        let (stream, address) = open_or_find(gateway, seat, address, Some(login)).await?;
        self.address = address;
        Ok(Some(stream))
    }
}

/// Connects to a broker; one that does not answer may have moved, so the cluster is asked once
/// more, where somebody can ask.
async fn open_or_find(
    gateway: &Gateway,
    seat: Seat,
    address: HostPort,
    login: Option<&Bytes>,
) -> Result<(Transport, HostPort), UpstreamFault> {
    let fault = match open(gateway, &address).await {
        Ok(stream) => return Ok((stream, address)),
        Err(fault) => fault,
    };
    let can_ask = gateway.map.can_ask() || login.is_some();
    if !can_ask || gateway.map.ask(login).await.is_err() {
        return Err(fault);
    }
    match gateway.map.behind(seat)? {
        Some(moved) if moved != address => Ok((open(gateway, &moved).await?, moved)),
        Some(_) | None => Err(fault),
    }
}

async fn open(gateway: &Gateway, address: &HostPort) -> Result<Transport, UpstreamFault> {
    let fault = |reason| UpstreamFault::Connect { address: address.clone(), reason };
    gateway.map.open(address).await.map_err(fault)
}
