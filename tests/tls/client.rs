//! A TLS client by hand: rustls over a blocking socket, Kafka frames over that.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use crate::testcontainers::{Authority, Issued, RawClient};

/// Longer than any handshake takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client trusts, and what it shows.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

/// A connection, and what its handshake agreed.
pub struct Connected {
    pub kafka: RawClient,
    pub kind: HandshakeKind,
    pub version: ProtocolVersion,
    /// The server's own certificate.
    pub certificate: CertificateDer<'static>,
}

impl TlsClient {
    pub fn new(authority: &Authority) -> Self {
        Self::of(authority, None, &[&TLS13, &TLS12])
    }

    pub fn showing(authority: &Authority, certificate: &Issued) -> Self {
        Self::of(authority, Some(certificate), &[&TLS13, &TLS12])
    }

    pub fn of(
        authority: &Authority,
        certificate: Option<&Issued>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for certificate in chain(&authority.ca_path()) {
            roots.add(certificate).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(issued) => {
                let key = PrivateKeyDer::from_pem_file(&issued.key).unwrap();
                builder.with_client_auth_cert(chain(&issued.cert), key).unwrap()
            }
        };
        config.resumption = Resumption::in_memory_sessions(16);
        Self { config: Arc::new(config) }
    }

    /// Without a server name in the ClientHello.
    pub fn anonymous_server(mut self) -> Self {
        Arc::make_mut(&mut self.config).enable_sni = false;
        self
    }

    /// The handshake with `address`, which is to be `name`.
    pub fn connect(&self, address: &str, name: &str) -> io::Result<Connected> {
        self.over(TcpStream::connect(address)?, name)
    }

    /// The same over a connection on which something was said already.
    pub fn over(&self, mut socket: TcpStream, name: &str) -> io::Result<Connected> {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Connected {
            kind: tls.handshake_kind().unwrap(),
            version: tls.protocol_version().unwrap(),
            certificate: tls.peer_certificates().unwrap()[0].clone().into_owned(),
            kafka: RawClient::over(StreamOwned::new(tls, socket)),
        })
    }
}

fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect()
}

/// The certificate in a PEM file.
pub fn certificate(issued: &Issued) -> CertificateDer<'static> {
    chain(&issued.cert).remove(0)
}
