//! Opens connections to brokers: one address, one time limit, plain or with TLS.

use std::path::PathBuf;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::{self, TlsClient, TlsError, UpstreamTls};
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
    tls: Option<Tls>,
}

/// TLS whose files are read again when they change.
struct Tls {
    settings: UpstreamTls,
    /// What the files held when they were last looked at.
    seen: Mutex<Vec<Option<Vec<u8>>>>,
    client: ArcSwap<TlsClient>,
}

impl Dialer {
    /// Connections in clear, or with TLS.
    ///
    /// # Errors
    /// [`TlsError`]: what is wrong with one of the files.
    pub fn new(connect_time: Duration, tls: Option<UpstreamTls>) -> Result<Self, TlsError> {
        let tls = tls.map(Tls::open).transpose()?;
        Ok(Self { connect_time, tls })
    }

    /// Connections in clear.
    #[must_use]
    pub const fn plain(connect_time: Duration) -> Self {
        Self { connect_time, tls: None }
    }

    /// Looks whether the files of TLS have changed; it reads them, so it blocks.
    pub fn look(&self) {
        if let Some(tls) = &self.tls {
            tls.look();
        }
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
                    let client = tls.client.load_full();
                    let opened = client.connect(tcp, &address.host).await;
                    opened.map_err(|error| DialFault::Tls(error.to_string()))
                }
            }
        };
        let opened = timeout(self.connect_time, opening).await;
        opened.unwrap_or_else(|_| Err(DialFault::Timeout(self.connect_time)))
    }
}

impl Tls {
    fn open(settings: UpstreamTls) -> Result<Self, TlsError> {
        let seen = contents(&settings);
        let client = tls::client(&settings)?;
        Ok(Self { settings, seen: Mutex::new(seen), client: ArcSwap::from_pointee(client) })
    }

    /// A file that is renewed is seen half way now and then: what does not fit together is told,
    /// and the old stays in use.
    fn look(&self) {
        let contents = contents(&self.settings);
        let mut seen = self.seen.lock();
        if *seen == contents {
            return;
        }
        match tls::client(&self.settings) {
            Ok(client) => {
                self.client.store(client.into());
                tracing::info!("the new files of `upstream.tls` are in use");
            }
            Err(fault) => {
                tracing::warn!(%fault, "the new files of `upstream.tls` are refused, the old in use");
            }
        }
        *seen = contents;
    }
}

fn contents(settings: &UpstreamTls) -> Vec<Option<Vec<u8>>> {
    let (cert, key) = settings.identity.clone().unzip();
    let paths: [Option<PathBuf>; 3] = [settings.ca.clone(), cert, key];
    paths.iter().flatten().map(|path| std::fs::read(path).ok()).collect()
}
