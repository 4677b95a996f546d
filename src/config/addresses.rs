//! Checks every address and port: where clients connect, what they are told, and the brokers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::checker::Checker;
use super::config::Cluster;
use super::document::{AddressesDocument, AddressesForms, ClusterDocument, PortsForms};
use super::listeners::Listener;
use super::upstream::Upstream;
use crate::enforce::{Addresses, NameLayout, PortLayout};
use crate::yaml::{At, nearest};

/// The most ports that one cluster opens for its brokers.
const BROKER_PORTS_MAX: u16 = 1_024;

/// `address:port` of a listener, as written at `here`.
pub(super) fn socket_address<T>(
    checker: &mut Checker<'_>,
    here: &At<T>,
    written: &str,
) -> Option<SocketAddr> {
    let text = checker.expand(here, written)?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let help = match written.rsplit_once(':') {
        Some(("" | "*", port)) => format!("for every interface write `0.0.0.0:{port}`"),
        Some(_) | None => "write an IP address and a port, as `0.0.0.0:9092`".to_owned(),
    };
    checker.refuse_with(here, format!("`{written}` is not `address:port`"), help);
    None
}

pub(super) fn addresses(
    checker: &mut Checker<'_>,
    written: Option<&At<AddressesForms>>,
) -> Option<Addresses> {
    let Some(at) = written else {
        checker.refuse_file(
            "the key `addresses` is missing: it has no default, because a wrong guess would lead \
             clients past Lockgate",
            "write `addresses: keep` if the brokers advertise Lockgate's own addresses, or \
             `addresses: {ports: 9093-9099, host: NAME}` to give each broker a port of this host",
        );
        return None;
    };
    match &at.value {
        AddressesForms::Text(written) => {
            if checker.expand(at, written)? == "keep" {
                return Some(Addresses::Keep);
            }
            let help = match nearest(written, ["keep"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `keep` or `{ports: 9093-9099, host: NAME}`".to_owned(),
            };
            checker.refuse_with(at, format!("unknown value `{written}`"), help);
            None
        }
        AddressesForms::Map(map) => match &map.sni {
            Some(sni) => by_name(checker, sni, map),
            None => by_port(checker, at, map),
        },
    }
}

fn by_name(
    checker: &mut Checker<'_>,
    sni: &At<String>,
    map: &AddressesDocument,
) -> Option<Addresses> {
    const FORM: &str =
        "write `{sni: \"b{node}.kafka.acme.example:9092\", bootstrap: kafka.acme.example}`";
    if let Some(ports) = &map.ports {
        checker.refuse_with(ports, "`ports` has no meaning beside `sni`", FORM);
    }
    if let Some(host) = &map.host {
        checker.refuse_with(host, "`host` has no meaning beside `sni`", FORM);
    }
    let Some(bootstrap) = &map.bootstrap else {
        let message = "`addresses` has no `bootstrap`: clients must begin somewhere";
        checker.refuse_with(sni, message, FORM);
        return None;
    };
    let pattern = checker.text(sni, "`sni`")?;
    let bootstrap = checker.text(bootstrap, "`bootstrap`")?;
    match NameLayout::parse(&pattern, &bootstrap) {
        Ok(names) => Some(Addresses::Names(names)),
        Err(fault) => {
            checker.refuse_with(sni, format!("`{}` names no brokers: {fault}", sni.value), FORM);
            None
        }
    }
}

fn by_port(
    checker: &mut Checker<'_>,
    at: &At<AddressesForms>,
    map: &AddressesDocument,
) -> Option<Addresses> {
    const FORM: &str = "write `{ports: 9093-9099, host: NAME}`";
    if let Some(bootstrap) = &map.bootstrap {
        checker.refuse(bootstrap, "`bootstrap` has no meaning without `sni`");
    }
    let layout = match &map.ports {
        Some(ports) => layout(checker, ports),
        None => {
            checker.refuse_with(at, "`addresses` has no `ports`", FORM);
            None
        }
    };
    let host = match &map.host {
        Some(host) => self::host(checker, host),
        None => {
            checker.refuse_with(at, "`addresses` has no `host`: clients must be told one", FORM);
            None
        }
    };
    Some(Addresses::Ports { host: host?.into(), layout: layout? })
}

fn host(checker: &mut Checker<'_>, at: &At<String>) -> Option<String> {
    let host = checker.text(at, "the host")?;
    if is_host(&host) {
        return Some(host);
    }
    let help = "write a name or an IP address, without scheme and port";
    checker.refuse_with(at, format!("`{}` is not a host", at.value), help);
    None
}

pub(super) fn is_host(host: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let named = host.len() <= 253 && !host.is_empty() && host.bytes().all(name);
    named || host.parse::<IpAddr>().is_ok()
}

fn layout(checker: &mut Checker<'_>, at: &At<PortsForms>) -> Option<PortLayout> {
    match &at.value {
        PortsForms::Text(written) => {
            let text = checker.expand(at, written)?;
            let ends = text.split_once('-').and_then(|(first, last)| {
                Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
            });
            let Some((first, last)) = ends else {
                let help = "write the first and the last port, as `9093-9099`";
                checker.refuse_with(at, format!("`{written}` is not a range of ports"), help);
                return None;
            };
            if first == 0 || last < first {
                checker.refuse(at, format!("`{written}` is an empty range of ports"));
                return None;
            }
            if last.saturating_sub(first) >= BROKER_PORTS_MAX {
                checker.refuse(at, format!("more than {BROKER_PORTS_MAX} ports"));
                return None;
            }
            Some(PortLayout::Range { first, last })
        }
        PortsForms::Map(map) => port_table(checker, at, map),
    }
}

fn port_table(
    checker: &mut Checker<'_>,
    at: &At<PortsForms>,
    map: &BTreeMap<i32, At<u16>>,
) -> Option<PortLayout> {
    let mut table = BTreeMap::new();
    let mut taken: BTreeMap<u16, i32> = BTreeMap::new();
    for (node_id, port) in map {
        if *node_id < 0 {
            checker.refuse(port, format!("{node_id} is not a node id: they start at 0"));
        }
        if port.value == 0 {
            checker.refuse(port, "port 0 is not a port that clients can be told");
        }
        if let Some(other) = taken.insert(port.value, *node_id) {
            let message =
                format!("brokers {other} and {node_id} have the same port {}", port.value);
            checker.refuse_with(port, message, "give every broker its own port");
        }
        table.insert(*node_id, port.value);
    }
    if table.is_empty() {
        checker.refuse(at, "`ports` names no broker");
        return None;
    }
    if table.len() > usize::from(BROKER_PORTS_MAX) {
        checker.refuse(at, format!("more than {BROKER_PORTS_MAX} ports"));
        return None;
    }
    Some(PortLayout::Listed(table))
}

/// A broker that is one of our own listeners would have Lockgate call itself for ever.
pub(super) fn check_loop(
    checker: &mut Checker<'_>,
    written: &ClusterDocument,
    listeners: &[Listener],
    upstream: &Upstream,
) {
    for broker in &upstream.bootstrap {
        let host = if &*broker.host == "localhost" { "127.0.0.1" } else { &*broker.host };
        let Ok(ip) = host.parse::<IpAddr>() else { continue };
        let ours = |listener: &SocketAddr| {
            let same = listener.ip() == ip || (listener.ip().is_unspecified() && ip.is_loopback());
            same && listener.port() == broker.port
        };
        if let (Some(listener), Some(at)) =
            (listeners.iter().map(|listener| listener.address).find(ours), &written.upstream)
        {
            let message = format!("the broker {broker} is Lockgate's own listener {listener}");
            checker.refuse(at, message);
        }
    }
}

/// What the way to the brokers asks of the listeners.
pub(super) fn check_entrances(
    checker: &mut Checker<'_>,
    written: &ClusterDocument,
    listeners: &[Listener],
    addresses: &Addresses,
) {
    let Some(at) = &written.addresses else { return };
    match addresses {
        Addresses::Keep => {}
        Addresses::Names(_) => {
            let plain = |listener: &&Listener| listener.entrance.tls.is_none();
            if let Some(listener) = listeners.iter().find(plain) {
                checker.refuse_with(
                    at,
                    format!("`sni` needs TLS, and {} speaks plaintext", listener.address),
                    "write `listen: {address: …, tls: {cert: …, key: …}}`",
                );
            }
        }
        Addresses::Ports { .. } => {
            let differs = |listener: &&Listener| {
                let same_host = |other: &&Listener| other.address.ip() == listener.address.ip();
                listeners.iter().find(same_host).is_some_and(|o| o.entrance != listener.entrance)
            };
            if let Some(listener) = listeners.iter().find(differs) {
                checker.refuse_with(
                    at,
                    format!(
                        "the listeners on {} differ in `tls` or `proxy_protocol`, so the ports of \
                         brokers there could be either",
                        listener.address.ip()
                    ),
                    "give them the same, or listen on different addresses",
                );
            }
        }
    }
}

/// No port is opened twice: the listeners', the brokers' and the admin listener's.
pub(super) fn check_overlaps(checker: &mut Checker<'_>, cluster: &Cluster, admin: SocketAddr) {
    let ports = match &cluster.addresses {
        Addresses::Keep | Addresses::Names(_) => Vec::new(),
        Addresses::Ports { layout, .. } => layout.ports(),
    };
    for listener in &cluster.listeners {
        let listener = listener.address;
        if ports.contains(&listener.port()) {
            let message = format!(
                "port {} of `listen` is also the port of a broker: clients that bootstrap would \
                 reach that broker only",
                listener.port()
            );
            checker.refuse_file(message, "take the port of `listen` out of `addresses.ports`");
        }
        if admin.port() != 0 && listener == admin {
            checker.refuse_file(
                format!("`listen` and `admin.listen` are both {admin}"),
                "give them different ports",
            );
        }
    }
    let shared =
        |host: &IpAddr| host.is_unspecified() || admin.ip().is_unspecified() || *host == admin.ip();
    if ports.contains(&admin.port()) && cluster.broker_hosts().iter().any(shared) {
        checker.refuse_file(
            format!("port {} of `admin.listen` is also the port of a broker", admin.port()),
            "take the port of `admin.listen` out of `addresses.ports`",
        );
    }
}
