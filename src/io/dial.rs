//! Opens connections to brokers: one address, one time limit, plain or with TLS.

use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::TlsClient;
use super::transport::Transport;
use crate::config::HostPort;

/// Why there is no connection to an address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DialFault {
    #[error("{0}")]
    Connect(String),
    /// The handshake failed: what rustls says.
    #[error("TLS: {0}")]
    Tls(String),
    #[error("no connection in {0:?}")]
    Timeout(Duration),
}

/// How brokers are connected to.
pub struct Dialer {
    connect_time: Duration,
    tls: Option<TlsClient>,
}

impl Dialer {
    #[must_use]
    pub const fn new(connect_time: Duration, tls: Option<TlsClient>) -> Self {
        Self { connect_time, tls }
    }

    /// How long one connection may take, its handshake included.
    #[must_use]
    pub const fn connect_time(&self) -> Duration {
        self.connect_time
    }

    /// Connects to a broker; with TLS, its certificate is checked against the host of `address`
    /// unless another name is configured.
    ///
    /// # Errors
    /// [`DialFault`], which does not name the address.
    pub async fn open(&self, address: &HostPort) -> Result<Transport, DialFault> {
        let opening = async {
            let socket = |error: std::io::Error| DialFault::Connect(error.to_string());
            let tcp = TcpStream::connect((&*address.host, address.port)).await.map_err(socket)?;
            tcp.set_nodelay(true).map_err(socket)?;
            match &self.tls {
                None => Ok(Transport::Plain(tcp)),
                Some(tls) => {
                    let opened = tls.connect(tcp, &address.host).await;
                    opened.map_err(|error| DialFault::Tls(error.to_string()))
                }
            }
        };
        let opened = timeout(self.connect_time, opening).await;
        opened.unwrap_or_else(|_| Err(DialFault::Timeout(self.connect_time)))
    }
}
