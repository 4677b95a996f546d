//! Checks the listeners: addresses, certificates, and the networks of load balancers.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::addresses::socket_address;
use super::certificates::{self, TlsError};
use super::checker::Checker;
use super::document::{ClientAuth, ListenDocument, ListenForms, ListenerTlsDocument};
use crate::yaml::{At, OneOrMany};

/// One address where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Port 0 asks the system for a free one.
    pub address: SocketAddr,
    /// What clients find there.
    pub entrance: Entrance,
}

/// What a client goes through before its first request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// TLS; none on a plaintext listener.
    pub tls: Option<ListenerTls>,
    /// From where a PROXY protocol header comes first.
    pub proxy_networks: Vec<Network>,
}

/// Certificates of a listener. The files were good when the configuration was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// Lockgate's own chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Which client certificates are accepted; none where clients are not asked.
    pub clients: Option<ClientCertificates>,
}

/// Client certificates on a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The authorities.
    pub authorities: PathBuf,
    /// Whether a client without one is let in.
    pub presence: Presence,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may.
    Optional,
    /// It must.
    Required,
}

/// A range of addresses, as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Reads `address/bits`, or one address. An IPv6 address that stands for an IPv4 one is that.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let form = || format!("`{text}` is not a network; write one as `10.0.0.0/8`");
        let address: IpAddr = address.parse().map_err(|_| form())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            Some(bits) => bits.parse::<u8>().ok().filter(|bits| *bits <= width).ok_or_else(form)?,
            None => width,
        };
        let network = Self { address, prefix_bits };
        if network.masked(address) != bits_of(address) {
            return Err(format!("`{text}` names an address inside of the network, not its start"));
        }
        Ok(network)
    }

    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && self.masked(address) == bits_of(self.address)
    }

    fn masked(&self, address: IpAddr) -> u128 {
        let cut = u32::from(128_u8.saturating_sub(self.prefix_bits));
        let mask = u128::MAX.checked_shl(cut).unwrap_or(0);
        bits_of(address) & mask
    }
}

/// The address from the highest bit on.
fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

pub(super) fn listeners(
    checker: &mut Checker<'_>,
    written: Option<&At<OneOrMany<ListenForms>>>,
) -> Option<Vec<Listener>> {
    let Some(at) = written else {
        checker.refuse_file(
            "the key `listen` is missing",
            "say where clients connect, as `listen: 0.0.0.0:9092`",
        );
        return None;
    };
    let mut listeners: Vec<Listener> = Vec::new();
    for entry in &at.value.0 {
        let listener = match &entry.value {
            ListenForms::Text(text) => socket_address(checker, entry, text)
                .map(|address| Listener { address, entrance: Entrance::default() }),
            ListenForms::Map(map) => listener(checker, map),
        };
        let listener = listener?;
        let address = listener.address;
        if address.port() != 0 && listeners.iter().any(|other| other.address == address) {
            checker.refuse(entry, format!("{address} is listed twice"));
        }
        listeners.push(listener);
    }
    if listeners.is_empty() {
        checker.refuse(at, "`listen` is empty");
        return None;
    }
    Some(listeners)
}

fn listener(checker: &mut Checker<'_>, written: &ListenDocument) -> Option<Listener> {
    let address = socket_address(checker, &written.address, &written.address.value);
    let tls = match &written.tls {
        Some(at) => tls(checker, &at.value).map(Some),
        None => Some(None),
    };
    let mut proxy_networks = Vec::new();
    for at in written.proxy_protocol.iter().flat_map(|list| &list.value.0) {
        match Network::parse(&checker.expand(at, &at.value)?) {
            Ok(network) => proxy_networks.push(network),
            Err(message) => checker.refuse(at, message),
        }
    }
    let entrance = Entrance { tls: tls?, proxy_networks };
    Some(Listener { address: address?, entrance })
}

fn tls(checker: &mut Checker<'_>, written: &ListenerTlsDocument) -> Option<ListenerTls> {
    let cert = checker.path(&written.cert);
    let key = checker.path(&written.key);
    let clients = client_certificates(checker, written);
    let (cert, key) = (cert?, key?);
    let provider = certificates::provider();
    if let Err(error) = certificates::chain(&cert) {
        refuse(checker, &written.cert, &error);
    } else if let Err(error) = certificates::certified_key(&cert, &key, &provider) {
        refuse(checker, &written.key, &error);
    }
    Some(ListenerTls { cert, key, clients: clients? })
}

/// What is asked of clients; the outer `None` where that was refused.
#[allow(clippy::option_option)] // Refused, and not asked for, are different things.
fn client_certificates(
    checker: &mut Checker<'_>,
    written: &ListenerTlsDocument,
) -> Option<Option<ClientCertificates>> {
    let default = if written.client_ca.is_some() { ClientAuth::Require } else { ClientAuth::None };
    let presence = match written.client_auth.as_ref().map_or(default, |at| at.value) {
        ClientAuth::None => {
            if let Some(ca) = &written.client_ca {
                checker.refuse_with(
                    ca,
                    "`client_ca` is of no use where `client_auth` is `none`",
                    "write `client_auth: request` or `require`, or take `client_ca` out",
                );
            }
            return Some(None);
        }
        ClientAuth::Request => Presence::Optional,
        ClientAuth::Require => Presence::Required,
    };
    let Some(ca) = &written.client_ca else {
        checker.refuse_at_first(
            [&written.client_auth],
            "client certificates are asked for, and `client_ca` does not say whose".to_owned(),
            "name a PEM file: `client_ca: clients-ca.pem`".to_owned(),
        );
        return None;
    };
    let authorities = checker.path(ca)?;
    if let Err(error) = authority_file(&authorities) {
        refuse(checker, ca, &error);
    }
    Some(Some(ClientCertificates { authorities, presence }))
}

fn authority_file(path: &Path) -> Result<(), TlsError> {
    certificates::authorities("`client_ca`", path).map(|_| ())
}

fn refuse(checker: &mut Checker<'_>, at: &At<String>, error: &TlsError) {
    checker.refuse(at, error.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t29_a_network_holds_its_addresses_and_no_other() {
        let network = Network::parse("10.1.0.0/16").unwrap();
        let holds = |address: &str| network.contains(address.parse().unwrap());
        assert!(holds("10.1.0.0") && holds("10.1.255.255") && holds("::ffff:10.1.2.3"));
        assert!(!holds("10.2.0.0") && !holds("::1") && !holds("::"));
        let one = Network::parse("127.0.0.1").unwrap();
        assert!(one.contains("127.0.0.1".parse().unwrap()));
        assert!(!one.contains("127.0.0.2".parse().unwrap()));
        let six = Network::parse("fd00::/8").unwrap();
        assert!(six.contains("fdff::1".parse().unwrap()));
        assert!(!six.contains("fe00::1".parse().unwrap()));
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("9.9.9.9".parse().unwrap()));
        for wrong in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "host/8", "", "::/129"] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }
}
