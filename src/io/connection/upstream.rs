//! The broker connection that belongs to a client connection.

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Gateway;
use crate::config::HostPort;
use crate::io::cluster::ClusterFault;

/// Which broker a client that came in on some port is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Any of the bootstrap servers.
    Bootstrap,
    /// The broker whose node id belongs to this port.
    BrokerPort(u16),
}

/// Why there is no broker connection.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    #[error(transparent)]
    Cluster(#[from] ClusterFault),
    #[error("{address}: {reason}")]
    Connect { address: HostPort, reason: String },
}

/// The broker's side of a session.
pub(super) struct Broker {
    pub stream: TcpStream,
    target: Target,
    address: HostPort,
}

impl Broker {
    /// Connects for a client that has said nothing yet. Where only a login can tell which broker is
    /// behind a port, this is a bootstrap server until then: good for ApiVersions, and nothing
    /// else.
    pub async fn connect(gateway: &Gateway, target: Target) -> Result<Self, UpstreamFault> {
        if let Target::BrokerPort(port) = target {
            let known = if gateway.cluster.broker_knows_user {
                gateway.map.behind(port)?
            } else {
                Some(gateway.map.find(port, None).await?)
            };
            if let Some(address) = known {
                let (stream, address) = open_or_find(gateway, port, address).await?;
                return Ok(Self { stream, target, address });
            }
        }
        let mut last = ClusterFault::Unreachable("none is configured".into()).into();
        for address in gateway.map.bootstrap() {
            match open(gateway, address).await {
                Ok(stream) => return Ok(Self { stream, target, address: address.clone() }),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Sees to it that the connection goes to the broker that the port stands for.
    pub async fn route(&mut self, gateway: &Gateway, login: &Bytes) -> Result<(), UpstreamFault> {
        let Target::BrokerPort(port) = self.target else { return Ok(()) };
        let address = gateway.map.find(port, Some(login)).await?;
        if address != self.address {
            self.stream = open(gateway, &address).await?;
            self.address = address;
        }
        Ok(())
    }
}

/// Connects to a broker; one that does not answer may have moved, so the cluster is asked once
/// more.
async fn open_or_find(
    gateway: &Gateway,
    port: u16,
    address: HostPort,
) -> Result<(TcpStream, HostPort), UpstreamFault> {
    let fault = match open(gateway, &address).await {
        Ok(stream) => return Ok((stream, address)),
        Err(fault) => fault,
    };
    if gateway.cluster.broker_knows_user || gateway.map.ask(None).await.is_err() {
        return Err(fault);
    }
    match gateway.map.behind(port)? {
        Some(moved) if moved != address => Ok((open(gateway, &moved).await?, moved)),
        Some(_) | None => Err(fault),
    }
}

async fn open(gateway: &Gateway, address: &HostPort) -> Result<TcpStream, UpstreamFault> {
    let opened = connect(gateway, address).await;
    gateway.map.note(address, opened.as_ref().map(|_| ()).map_err(ToString::to_string));
    opened
}

async fn connect(gateway: &Gateway, address: &HostPort) -> Result<TcpStream, UpstreamFault> {
    let fault = |reason: String| UpstreamFault::Connect { address: address.clone(), reason };
    let connecting = TcpStream::connect((&*address.host, address.port));
    let stream = timeout(gateway.connect_time, connecting)
        .await
        .map_err(|_| fault(format!("no connection in {:?}", gateway.connect_time)))?
        .map_err(|error| fault(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| fault(error.to_string()))?;
    Ok(stream)
}
