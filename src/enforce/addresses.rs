//! Where clients find a broker: the one place that turns a node id into an address.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How broker addresses in responses are written (DESIGN.md §9, key `addresses`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// As the broker advertises them: each broker's own sidecar.
    Keep,
    /// One port of this host for each broker.
    Ports { host: Arc<str>, layout: PortLayout },
    /// One host name for each broker, all on one TLS port.
    Names(NameLayout),
}

/// Which host name belongs to which node id: `prefix`, the node id, `suffix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameLayout {
    prefix: String,
    suffix: String,
    port: u16,
    bootstrap: String,
}

/// What a client means by a server name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Any broker, to begin with.
    Bootstrap,
    /// The broker of this node id.
    Node(i32),
}

/// What stands for the node id in a pattern.
const NODE: &str = "{node}";

impl NameLayout {
    /// A layout from `b{node}.host:port` and the name that clients bootstrap to. DNS knows no case.
    ///
    /// # Errors
    /// What is wrong with the two.
    pub fn parse(pattern: &str, bootstrap: &str) -> Result<Self, &'static str> {
        let (host, port) = pattern.rsplit_once(':').ok_or("it has no port")?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or("its port is not one")?;
        let (prefix, suffix) = host.split_once(NODE).ok_or("it has no `{node}` in its host")?;
        if suffix.contains(NODE) {
            return Err("it has `{node}` more than once");
        }
        // Else 1 and 11 of `{node}1` would be one name.
        let digit = |text: Option<char>| text.is_some_and(|c| c.is_ascii_digit());
        if digit(prefix.chars().last()) || digit(suffix.chars().next()) {
            return Err("a digit beside `{node}` could be read as one of it");
        }
        let layout = Self {
            prefix: prefix.to_ascii_lowercase(),
            suffix: suffix.to_ascii_lowercase(),
            port,
            bootstrap: bootstrap.to_ascii_lowercase(),
        };
        if !is_dns_name(&layout.host(i32::MAX)) {
            return Err("its host is not a DNS name");
        }
        if !is_dns_name(&layout.bootstrap) {
            return Err("`bootstrap` is not a DNS name");
        }
        if layout.node(&layout.bootstrap).is_some() {
            return Err("`bootstrap` is also the name of a broker");
        }
        Ok(layout)
    }

    /// The host name of a node.
    fn host(&self, node_id: i32) -> String {
        format!("{}{node_id}{}", self.prefix, self.suffix)
    }

    /// Whom a server name means; nobody, where it is neither a broker's nor the bootstrap's.
    #[must_use]
    pub fn meant(&self, server_name: &str) -> Option<Named> {
        let name = server_name.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if name == self.bootstrap {
            return Some(Named::Bootstrap);
        }
        self.node(name).map(Named::Node)
    }

    /// The node id in a name: digits as they are printed, so that each broker has one name.
    fn node(&self, name: &str) -> Option<i32> {
        let digits = name.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        let node_id = digits.parse::<i32>().ok().filter(|id| *id >= 0)?;
        (node_id.to_string() == digits).then_some(node_id)
    }
}

impl fmt::Display for NameLayout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{NODE}{}:{}", self.prefix, self.suffix, self.port)
    }
}

/// Letters, digits, dashes and underscores between dots; not an IP address, which TLS clients do
/// not send as a server name.
fn is_dns_name(name: &str) -> bool {
    let fits = |label: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(good)
    };
    name.len() <= 253
        && name.split('.').all(fits)
        && name.split('.').next_back().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()))
}

/// Which port belongs to which node id. A pure function, so that every replica and every restart
/// agrees, whichever brokers are up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortLayout {
    /// Node id *n* has port `first + n mod (last − first + 1)`.
    Range { first: u16, last: u16 },
    /// As listed, and no other.
    Listed(BTreeMap<i32, u16>),
}

/// What clients are told of one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// What the broker advertises.
    AsAdvertised,
    /// This host and port.
    At { host: Arc<str>, port: u16 },
    /// No port is left for this node id; clients are not told of the broker.
    Unmapped,
}

impl PortLayout {
    /// The port of `node_id`; none for a negative id (no broker) or one that is not listed.
    #[must_use]
    pub fn port(&self, node_id: i32) -> Option<u16> {
        match self {
            Self::Range { first, last } => {
                let count = u32::from(last.saturating_sub(*first)).saturating_add(1);
                let step = u32::try_from(node_id).ok()? % count;
                first.checked_add(u16::try_from(step).ok()?)
            }
            Self::Listed(ports) => ports.get(&node_id).copied(),
        }
    }

    /// Every port, in order.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        match self {
            Self::Range { first, last } => (*first..=*last).collect(),
            Self::Listed(ports) => ports.values().copied().collect(),
        }
    }

    /// The first two of `node_ids` that would share a port, if any do.
    #[must_use]
    pub fn collision(&self, node_ids: impl IntoIterator<Item = i32>) -> Option<(i32, i32, u16)> {
        let mut taken = BTreeMap::new();
        for node_id in node_ids {
            let Some(port) = self.port(node_id) else { continue };
            match taken.insert(port, node_id) {
                Some(other) if other != node_id => return Some((other, node_id, port)),
                Some(_) | None => {}
            }
        }
        None
    }
}

impl Addresses {
    /// Host names that clients are told, or one of each kind: what a certificate must be made for.
    #[must_use]
    pub fn host_names(&self) -> Vec<String> {
        match self {
            Self::Keep => Vec::new(),
            Self::Ports { host, .. } => vec![host.to_string()],
            Self::Names(names) => vec![names.bootstrap.clone(), names.host(1)],
        }
    }

    /// What clients are told of `node_id`.
    #[must_use]
    pub fn of(&self, node_id: i32) -> Address {
        match self {
            Self::Keep => Address::AsAdvertised,
            Self::Ports { host, layout } => match layout.port(node_id) {
                Some(port) => Address::At { host: Arc::clone(host), port },
                None => Address::Unmapped,
            },
            Self::Names(_) if node_id < 0 => Address::Unmapped,
            Self::Names(names) => {
                Address::At { host: names.host(node_id).into(), port: names.port }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_follows_from_the_node_id_alone() {
        let layout = PortLayout::Range { first: 9093, last: 9099 };
        assert_eq!(layout.port(0), Some(9093));
        assert_eq!(layout.port(6), Some(9099));
        assert_eq!(layout.port(7), Some(9093));
        assert_eq!(layout.port(1001), Some(9093));
        assert_eq!(layout.port(-1), None);
        assert_eq!(layout.ports().len(), 7);
        let widest = PortLayout::Range { first: 0, last: u16::MAX };
        assert_eq!(widest.port(i32::MAX), Some(u16::MAX));
    }

    #[test]
    fn two_ids_on_one_port_are_found() {
        let layout = PortLayout::Range { first: 9093, last: 9095 };
        assert_eq!(layout.collision([1, 2, 3]), None);
        assert_eq!(layout.collision([1, 2, 4]), Some((1, 4, 9094)));
    }

    #[test]
    fn t28_a_server_name_means_one_broker_or_nobody() {
        let names = NameLayout::parse("b{node}.Kafka.test:9092", "kafka.test").unwrap();
        assert_eq!(names.meant("KAFKA.test"), Some(Named::Bootstrap));
        assert_eq!(names.meant("b12.kafka.test"), Some(Named::Node(12)));
        assert_eq!(names.meant("B0.kafka.TEST."), Some(Named::Node(0)));
        for other in [
            "b.kafka.test",
            "b01.kafka.test",
            "b-1.kafka.test",
            "b+1.kafka.test",
            "b1.kafka.test.x",
            "x.b1.kafka.test",
            "b1.b2.kafka.test",
            "b99999999999.kafka.test",
            "other.test",
            "",
            "b\u{661}.kafka.test",
            "b1 .kafka.test",
        ] {
            assert_eq!(names.meant(other), None, "{other}");
        }
        let host = "b7.kafka.test".into();
        assert_eq!(Addresses::Names(names.clone()).of(7), Address::At { host, port: 9092 });
        assert_eq!(Addresses::Names(names).of(-1), Address::Unmapped);
    }

    #[test]
    fn a_pattern_of_names_has_its_node_once() {
        for (pattern, bootstrap) in [
            ("b{node}.test", "a.test"),
            ("b.test:9092", "a.test"),
            ("b{node}.{node}.test:9092", "a.test"),
            ("b1{node}.test:9092", "a.test"),
            ("b{node}.test:0", "a.test"),
            ("b{node}.test:9092", "b1.test"),
            ("b{node}.test:9092", "a b"),
            ("10.0.0.{node}:9092", "a.test"),
        ] {
            assert!(NameLayout::parse(pattern, bootstrap).is_err(), "{pattern} {bootstrap}");
        }
        let names = NameLayout::parse("{node}.test:9092", "a.test").unwrap();
        assert_eq!(names.to_string(), "{node}.test:9092");
    }

    #[test]
    fn a_listed_layout_serves_no_other_id() {
        let layout = PortLayout::Listed(BTreeMap::from([(1, 9093), (2, 9094)]));
        assert_eq!(layout.port(2), Some(9094));
        assert_eq!(layout.port(3), None);
        assert_eq!(layout.port(-1), None);
    }
}
