//! Opens connections to brokers: one address, one time limit, plain or with TLS.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::TlsClient;
use super::transport::Transport;
use crate::config::HostPort;

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
    /// What went wrong, in words without the address.
    pub async fn open(&self, address: &HostPort) -> Result<Transport, String> {
        let opening = async {
            let tcp = TcpStream::connect((&*address.host, address.port)).await;
            let tcp = tcp.map_err(|error| error.to_string())?;
            tcp.set_nodelay(true).map_err(|error| error.to_string())?;
            match &self.tls {
                None => Ok(Transport::Plain(tcp)),
                Some(tls) => {
                    let opened = tls.connect(tcp, &address.host).await;
                    opened.map_err(|error| format!("TLS: {error}"))
                }
            }
        };
        let opened = timeout(self.connect_time, opening).await;
        opened.unwrap_or_else(|_| Err(format!("no connection in {:?}", self.connect_time)))
    }
}
