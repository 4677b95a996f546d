//! The PROXY protocol, version 2, binary: who a load balancer says that the client is.
//!
//! Source: HAProxy's "The PROXY protocol", section 2.2. Version 1, a line of text, is refused: it
//! has no length in front, and nothing that speaks Kafka needs it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// What every header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const HEAD_BYTES: usize = 16;
/// The most bytes of addresses and extensions; load balancers that pass a client's certificate on
/// send a few KiB.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// The extension that holds a checksum of the whole header.
const CHECKSUM: u8 = 0x03;

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyFault {
    #[error("no PROXY protocol header (version 2) came first")]
    Missing,
    #[error("the PROXY protocol header is of version {0}, only 2 is read")]
    Version(u8),
    #[error("the PROXY protocol header has the command {0}, which nobody knows")]
    Command(u8),
    #[error("the PROXY protocol header is of a kind of connection ({0:#04x}) that Kafka has not")]
    Kind(u8),
    #[error("the PROXY protocol header is {0} bytes long, the limit is {BODY_BYTES_MAX}")]
    TooLong(usize),
    #[error("the PROXY protocol header is shorter than what it holds")]
    Short,
    #[error("the checksum of the PROXY protocol header does not match")]
    Checksum,
    #[error("the connection ended in the PROXY protocol header: {0}")]
    Ended(String),
}

/// Reads one header from the start of a connection, and not a byte more. Gives the client's
/// address; none where the load balancer speaks for itself (a health check) or does not know.
///
/// # Errors
/// [`ProxyFault`]: then nothing of the connection can be trusted.
pub async fn read(tcp: &mut TcpStream) -> Result<Option<SocketAddr>, ProxyFault> {
    let ended = |error: std::io::Error| ProxyFault::Ended(error.to_string());
    let mut head = [0; HEAD_BYTES];
    // What is no header may be shorter than one, and its sender may wait for an answer.
    for byte in 0..SIGNATURE.len() {
        let Some(place) = head.get_mut(byte..=byte) else { break };
        tcp.read_exact(place).await.map_err(ended)?;
        if head.get(byte) != SIGNATURE.get(byte) {
            return Err(ProxyFault::Missing);
        }
    }
    if let Some(rest) = head.get_mut(SIGNATURE.len()..) {
        tcp.read_exact(rest).await.map_err(ended)?;
    }
    let mut body = vec![0; body_bytes(head)?];
    tcp.read_exact(&mut body).await.map_err(ended)?;
    source(head, &body)
}

/// How many bytes come behind the head.
fn body_bytes(head: [u8; HEAD_BYTES]) -> Result<usize, ProxyFault> {
    let [.., high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > BODY_BYTES_MAX { Err(ProxyFault::TooLong(length)) } else { Ok(length) }
}

/// The client's address in a header that is whole.
fn source(head: [u8; HEAD_BYTES], body: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    let [.., version_and_command, kind, _, _] = head;
    if version_and_command >> 4 != 2 {
        return Err(ProxyFault::Version(version_and_command >> 4));
    }
    let address_bytes = match kind {
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        other => return Err(ProxyFault::Kind(other)),
    };
    let (addresses, extensions) = body.split_at_checked(address_bytes).ok_or(ProxyFault::Short)?;
    check_extensions(&head, body, extensions)?;
    match version_and_command & 0x0f {
        0 => Ok(None),
        1 => Ok(client(kind, addresses)),
        other => Err(ProxyFault::Command(other)),
    }
}

fn client(kind: u8, addresses: &[u8]) -> Option<SocketAddr> {
    let (ip, ports) = match kind {
        0x11 => {
            let (ip, rest) = addresses.split_first_chunk::<4>()?;
            (IpAddr::V4(Ipv4Addr::from(*ip)), rest.get(4..)?)
        }
        0x21 => {
            let (ip, rest) = addresses.split_first_chunk::<16>()?;
            (IpAddr::V6(Ipv6Addr::from(*ip)), rest.get(16..)?)
        }
        _ => return None,
    };
    let port = u16::from_be_bytes(*ports.first_chunk::<2>()?);
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// Walks the extensions: each fits, and a checksum among them is right.
fn check_extensions(
    head: &[u8; HEAD_BYTES],
    body: &[u8],
    mut rest: &[u8],
) -> Result<(), ProxyFault> {
    while let Some((start, behind)) = rest.split_first_chunk::<3>() {
        let [kind, high, low] = *start;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, next) = behind.split_at_checked(length).ok_or(ProxyFault::Short)?;
        if kind == CHECKSUM {
            let sent = u32::from_be_bytes(*value.first_chunk::<4>().ok_or(ProxyFault::Short)?);
            let at = body.len().saturating_sub(behind.len());
            let before = body.get(..at).unwrap_or_default();
            // The checksum is made with zeros in its own place.
            let zeros = vec![0; value.len()];
            let parts = [head.as_slice(), before, zeros.as_slice(), next];
            let sum = parts.iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part));
            if value.len() != 4 || sum != sent {
                return Err(ProxyFault::Checksum);
            }
        }
        rest = next;
    }
    if rest.is_empty() { Ok(()) } else { Err(ProxyFault::Short) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version_and_command: u8, kind: u8, length: usize) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..12].copy_from_slice(&SIGNATURE);
        head[12] = version_and_command;
        head[13] = kind;
        head[14..].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        head
    }

    fn judged(
        version_and_command: u8,
        kind: u8,
        body: &[u8],
    ) -> Result<Option<String>, ProxyFault> {
        let source = source(head(version_and_command, kind, body.len()), body);
        source.map(|source| source.map(|address| address.to_string()))
    }

    const FOUR: [u8; 12] = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x34, 0x23, 0x84];

    #[test]
    fn t29_the_source_is_what_the_header_says() {
        assert_eq!(judged(0x21, 0x11, &FOUR), Ok(Some("203.0.113.7:4660".to_owned())));
        let mut six = [0; 36];
        six[..2].copy_from_slice(&[0x20, 0x01]);
        six[15] = 9;
        six[32..34].copy_from_slice(&[0, 80]);
        assert_eq!(judged(0x21, 0x21, &six), Ok(Some("[2001::9]:80".to_owned())));
        assert_eq!(judged(0x20, 0x00, &[]), Ok(None));
        assert_eq!(judged(0x20, 0x11, &FOUR), Ok(None), "LOCAL speaks for itself");
        assert_eq!(judged(0x21, 0x00, &[4, 0, 1, 0]), Ok(None), "unknown, with an extension");
    }

    #[test]
    fn t29_what_is_not_version_2_over_tcp_is_refused() {
        assert_eq!(judged(0x11, 0x11, &FOUR), Err(ProxyFault::Version(1)));
        assert_eq!(judged(0x22, 0x11, &FOUR), Err(ProxyFault::Command(2)));
        assert_eq!(judged(0x21, 0x12, &FOUR), Err(ProxyFault::Kind(0x12)));
        assert_eq!(judged(0x21, 0x11, &FOUR[..11]), Err(ProxyFault::Short));
        assert_eq!(judged(0x21, 0x21, &FOUR), Err(ProxyFault::Short));
        for cut in [&[4][..], &[4, 0], &[4, 0, 2, 1], &[3, 0, 0]] {
            assert_eq!(judged(0x21, 0x11, &[&FOUR[..], cut].concat()), Err(ProxyFault::Short));
        }
        let length = body_bytes(head(0x21, 0x11, 65_535));
        assert_eq!(length, Err(ProxyFault::TooLong(65_535)));
    }

    #[test]
    fn t29_a_checksum_is_checked() {
        let mut body = [&FOUR[..], &[CHECKSUM, 0, 4, 0, 0, 0, 0, 4, 0, 1, 7]].concat();
        let whole = [&head(0x21, 0x11, body.len())[..], &body].concat();
        body[15..19].copy_from_slice(&crc32c::crc32c(&whole).to_be_bytes());
        assert!(judged(0x21, 0x11, &body).is_ok());
        body[0] ^= 1;
        assert_eq!(judged(0x21, 0x11, &body), Err(ProxyFault::Checksum));
    }
}
