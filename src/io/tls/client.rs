//! TLS to brokers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;

use super::{TlsError, TlsStream};
use crate::config::certificates;
use crate::io::transport::Transport;

/// What is asked of a broker's certificate, and what it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// The authorities that are trusted; the system's own where none are named.
    pub ca: Option<PathBuf>,
    /// Lockgate's own certificate and key, for brokers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that a broker's certificate must have; the host that was connected to where none is
    /// named.
    pub server_name: Option<String>,
}

/// A checked [`UpstreamTls`], ready for connections.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// Reads the files.
///
/// # Errors
/// [`TlsError`]: what is wrong with one of them.
pub fn client(settings: &UpstreamTls) -> Result<TlsClient, TlsError> {
    let provider = certificates::provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    let builder = match &settings.ca {
        Some(path) => {
            let roots = certificates::authorities("the authorities", path)?;
            builder.with_root_certificates(roots)
        }
        None => builder
            .with_platform_verifier()
            .map_err(|error| TlsError::SystemRoots(error.to_string()))?,
    };
    let config = match &settings.identity {
        Some((cert, key)) => {
            let identity = certificates::certified_key(cert, key, &provider)?;
            let resolver = rustls::sign::SingleCertAndKey::from(identity);
            builder.with_client_cert_resolver(Arc::new(resolver))
        }
        None => builder.with_no_client_auth(),
    };
    let server_name = settings.server_name.as_deref().map(server_name).transpose()?;
    Ok(TlsClient { config: Arc::new(config), server_name })
}

fn server_name(text: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(text.to_owned()).map_err(|_| TlsError::ServerName(text.to_owned()))
}

impl TlsClient {
    /// Does the handshake with a broker that was connected to as `host`.
    ///
    /// # Errors
    /// The socket's, and as `InvalidData` what rustls does not accept.
    pub async fn connect(&self, tcp: TcpStream, host: &str) -> io::Result<Transport> {
        let invalid = |error: Box<dyn std::error::Error + Send + Sync>| {
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host).map_err(|error| invalid(error.into()))?,
        };
        let connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| invalid(error.into()))?;
        let stream = TlsStream::open(tcp, connection.into()).await?;
        Ok(Transport::Tls(Box::new(stream)))
    }
}
