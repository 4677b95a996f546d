//! From an accepted socket to a client: the load balancer's header, TLS, the server name, and the
//! certificate, in this order and within the time that a login has.

mod crowd;
mod proxy_header;

pub use crowd::{Crowd, Place};
pub use proxy_header::ProxyFault;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{Accepted, Acceptor};
use thiserror::Error;
use tokio::net::TcpStream;

use super::clock;
use super::cluster::Seat;
use super::connection::Target;
use super::metrics::Refusal;
use super::tls::{TlsServer, TlsStream};
use super::transport::Transport;
use crate::auth::certificate::{self, CertificateFault, CertificateName};
use crate::config::Network;
use crate::enforce::{NameLayout, Named};

/// The first byte of every TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// A fatal alert, `unrecognized_name` (RFC 6066 §3), before any key is agreed.
const UNKNOWN_NAME_ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 112];

/// What a client goes through at one listener.
pub struct Entrance {
    /// None on a plaintext listener.
    pub tls: Option<Arc<TlsServer>>,
    /// From where a PROXY header comes first.
    pub proxy_networks: Vec<Network>,
    /// Where the server name says which broker is meant.
    pub names: Option<NameLayout>,
    /// Which name of a client's certificate is its principal, where it is one at all.
    pub certificate_name: Option<CertificateName>,
    /// How many connections each address may have.
    pub crowd: Arc<Crowd>,
}

/// A client that has come in.
pub struct Arrival {
    pub transport: Transport,
    /// The client's own address, also behind a load balancer.
    pub client: SocketAddr,
    /// Which broker its server name meant; none where that is the port's business.
    pub target: Option<Target>,
    /// Whom its certificate names.
    pub certified: Option<Arc<str>>,
    /// Held as long as the connection.
    pub place: Place,
}

/// Why a client does not come in.
#[derive(Debug, Error)]
#[error("{fault}")]
pub struct Refused {
    /// As far as it is known.
    pub client: SocketAddr,
    pub fault: EntranceFault,
}

/// What is wrong with it.
#[derive(Debug, Error)]
pub enum EntranceFault {
    #[error("{0}")]
    ProxyHeader(#[from] ProxyFault),
    #[error("its address has {0} connections open, `limits.connections_per_address_max`")]
    AddressMax(usize),
    #[error("a client speaks {0} to a TLS listener")]
    PlainOnTls(&'static str),
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
    #[error("the client left in the TLS handshake: {0}")]
    Left(String),
    #[error("the server name {0:?} belongs to no broker")]
    UnknownName(String),
    #[error("the client names no server, and the server name says which broker is meant")]
    NoName,
    #[error("{0}")]
    Certificate(#[from] CertificateFault),
}

impl EntranceFault {
    /// The counter that it moves; none for a client that just went away.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::ProxyHeader(_) => Refusal::ProxyHeader,
            Self::AddressMax(_) => Refusal::AddressMax,
            Self::PlainOnTls(_) => Refusal::PlainOnTls,
            Self::Handshake(_) => Refusal::Handshake,
            Self::UnknownName(_) | Self::NoName => Refusal::ServerName,
            Self::Certificate(_) => Refusal::Certificate,
            Self::Left(_) => return None,
        })
    }
}

impl Entrance {
    /// Whether the address belongs to a load balancer that speaks for others.
    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxy_networks.iter().any(|network| network.contains(address))
    }

    /// Lets a client in. The caller limits the time.
    ///
    /// # Errors
    /// [`Refused`]; a client that can be told was told.
    pub async fn admit(&self, mut tcp: TcpStream, peer: SocketAddr) -> Result<Arrival, Refused> {
        let mut client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if self.is_proxy(client.ip()) {
            match proxy_header::read(&mut tcp).await {
                Ok(Some(source)) => client = source,
                Ok(None) => {}
                Err(fault) => return Err(Refused { client, fault: fault.into() }),
            }
        }
        let refused = |fault| Refused { client, fault };
        let place = self.crowd.join(client.ip());
        let place =
            place.ok_or_else(|| refused(EntranceFault::AddressMax(self.crowd.each_max())))?;
        let Some(server) = &self.tls else {
            let transport = Transport::Plain(tcp);
            return Ok(Arrival { transport, client, target: None, certified: None, place });
        };
        let (stream, target) = self.shake_hands(tcp, server).await.map_err(refused)?;
        let certified = self.certified(&stream).map_err(|fault| refused(fault.into()))?;
        let transport = Transport::Tls(Box::new(stream));
        Ok(Arrival { transport, client, target, certified, place })
    }

    async fn shake_hands(
        &self,
        tcp: TcpStream,
        server: &TlsServer,
    ) -> Result<(TlsStream, Option<Target>), EntranceFault> {
        let accepted = hello(&tcp).await?;
        let target = match &self.names {
            None => None,
            Some(names) => match meant(names, &accepted) {
                Ok(target) => Some(target),
                Err(fault) => {
                    // One that does not go out now is not worth waiting for.
                    let _ = tcp.try_write(&UNKNOWN_NAME_ALERT);
                    return Err(fault);
                }
            },
        };
        let connection = match accepted.into_connection(server.config()) {
            Ok(connection) => connection,
            Err((error, mut alert)) => {
                let _ = alert.write_all(&mut Now(&tcp));
                return Err(EntranceFault::Handshake(error.to_string()));
            }
        };
        let stream = TlsStream::open(tcp, connection.into()).await.map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData {
                EntranceFault::Handshake(error.to_string())
            } else {
                EntranceFault::Left(error.to_string())
            }
        })?;
        Ok((stream, target))
    }

    /// Whom the client's certificate names, where it showed one and that is asked for.
    fn certified(&self, stream: &TlsStream) -> Result<Option<Arc<str>>, CertificateFault> {
        let leaf: Option<&CertificateDer<'_>> =
            stream.connection().peer_certificates().and_then(<[_]>::first);
        let (Some(name), Some(leaf)) = (self.certificate_name, leaf) else { return Ok(None) };
        let now_seconds = clock::now_ms().div_euclid(1000);
        certificate::parse(leaf)?.principal(name, now_seconds).map(Some)
    }
}

/// Waits for a ClientHello.
async fn hello(tcp: &TcpStream) -> Result<Accepted, EntranceFault> {
    let left = |error: io::Error| EntranceFault::Left(error.to_string());
    let mut start = [0; 4];
    match tcp.peek(&mut start).await.map_err(left)? {
        0 => return Err(EntranceFault::Left("it said nothing".to_owned())),
        _ if start.first() == Some(&HANDSHAKE) => {}
        _ => return Err(EntranceFault::PlainOnTls(spoken(start))),
    }
    let mut acceptor = Acceptor::default();
    loop {
        tcp.readable().await.map_err(left)?;
        match acceptor.read_tls(&mut Now(tcp)) {
            Ok(0) => return Err(EntranceFault::Left("it ended".to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(left(error)),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) => {}
            Err((error, mut alert)) => {
                let _ = alert.write_all(&mut Now(tcp));
                return Err(EntranceFault::Handshake(error.to_string()));
            }
        }
    }
}

/// What a client speaks whose first bytes are not TLS.
fn spoken(start: [u8; 4]) -> &'static str {
    match &start {
        b"GET " | b"POST" | b"HEAD" | b"PUT " | b"PRI " => "HTTP",
        [0, ..] => "plaintext Kafka",
        b"\r\n\r\n" => "the PROXY protocol, from an address outside of `proxy_protocol`,",
        _ => "something else than TLS",
    }
}

/// Which broker the client's server name means.
fn meant(names: &NameLayout, accepted: &Accepted) -> Result<Target, EntranceFault> {
    let hello = accepted.client_hello();
    let name = hello.server_name().ok_or(EntranceFault::NoName)?;
    match names.meant(name) {
        Some(Named::Bootstrap) => Ok(Target::Bootstrap),
        Some(Named::Node(id)) => Ok(Target::Broker(Seat::Node(id))),
        None => Err(EntranceFault::UnknownName(name.to_owned())),
    }
}

/// A socket that is read and written without waiting.
struct Now<'s>(&'s TcpStream);

impl io::Read for Now<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
