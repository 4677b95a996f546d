//! The broker connection that belongs to a client connection.

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Gateway;
use crate::config::HostPort;
use crate::io::cluster::ClusterFault;
use crate::io::transport::Transport;

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

/// Which broker a session's upstream connection goes to.
pub(super) struct Route {
    target: Target,
    address: HostPort,
}

impl Route {
    /// Connects for a client that has said nothing yet. Where only a login can tell which broker is
    /// behind a port, this is a bootstrap server until then: good for ApiVersions, and nothing
    /// else.
    pub async fn open(
        gateway: &Gateway,
        target: Target,
    ) -> Result<(Self, Transport), UpstreamFault> {
        if let Target::BrokerPort(port) = target {
            let known = if gateway.cluster.broker_knows_user {
                gateway.map.behind(port)?
            } else {
                Some(gateway.map.find(port, None).await?)
            };
            if let Some(address) = known {
                let (stream, address) = open_or_find(gateway, port, address).await?;
                return Ok((Self { target, address }, stream));
            }
        }
        let mut last = ClusterFault::Unreachable("none is configured".into()).into();
        for address in gateway.map.bootstrap() {
            match open(gateway, address).await {
                Ok(stream) => return Ok((Self { target, address: address.clone() }, stream)),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// The connection to go on with, where the one at hand does not go to the broker that the port
    /// stands for.
    pub async fn correct(
        &mut self,
        gateway: &Gateway,
        login: &Bytes,
    ) -> Result<Option<Transport>, UpstreamFault> {
        let Target::BrokerPort(port) = self.target else { return Ok(None) };
        let address = gateway.map.find(port, Some(login)).await?;
        if address == self.address {
            return Ok(None);
        }
        let stream = open(gateway, &address).await?;
        self.address = address;
        Ok(Some(stream))
    }
}

/// Connects to a broker; one that does not answer may have moved, so the cluster is asked once
/// more.
async fn open_or_find(
    gateway: &Gateway,
    port: u16,
    address: HostPort,
) -> Result<(Transport, HostPort), UpstreamFault> {
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

async fn open(gateway: &Gateway, address: &HostPort) -> Result<Transport, UpstreamFault> {
    let opened = connect(gateway, address).await;
    gateway.map.note(address, opened.as_ref().map(|_| ()).map_err(ToString::to_string));
    opened
}

async fn connect(gateway: &Gateway, address: &HostPort) -> Result<Transport, UpstreamFault> {
    let fault = |reason: String| UpstreamFault::Connect { address: address.clone(), reason };
    let connecting = TcpStream::connect((&*address.host, address.port));
    let stream = timeout(gateway.connect_time, connecting)
        .await
        .map_err(|_| fault(format!("no connection in {:?}", gateway.connect_time)))?
        .map_err(|error| fault(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| fault(error.to_string()))?;
    Ok(Transport::Plain(stream))
}
