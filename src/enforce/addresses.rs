//! Where clients find a broker: the one place that turns a node id into an address.

use std::collections::BTreeMap;
use std::sync::Arc;

/// How broker addresses in responses are written (DESIGN.md §9, key `addresses`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// As the broker advertises them: each broker's own sidecar.
    Keep,
    /// One port of this host for each broker.
    Ports { host: Arc<str>, layout: PortLayout },
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
pub enum Address<'a> {
    /// What the broker advertises.
    AsAdvertised,
    /// This host and port.
    At { host: &'a Arc<str>, port: u16 },
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
    /// What clients are told of `node_id`.
    #[must_use]
    pub fn of(&self, node_id: i32) -> Address<'_> {
        match self {
            Self::Keep => Address::AsAdvertised,
            Self::Ports { host, layout } => match layout.port(node_id) {
                Some(port) => Address::At { host, port },
                None => Address::Unmapped,
            },
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
    fn a_listed_layout_serves_no_other_id() {
        let layout = PortLayout::Listed(BTreeMap::from([(1, 9093), (2, 9094)]));
        assert_eq!(layout.port(2), Some(9094));
        assert_eq!(layout.port(3), None);
        assert_eq!(layout.port(-1), None);
    }
}
