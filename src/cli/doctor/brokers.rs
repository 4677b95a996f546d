//! Whether the brokers can be reached as they should be, and in no other way.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use super::Patient;
use super::finding::Findings;
use crate::config::HostPort;
use crate::enforce::{self, Address, Addresses, Treatment};
use crate::io::cluster::{ClusterFault, lets_anybody_in};
use crate::wire::ApiKey;

/// Without these no client gets far.
const NEEDED: [ApiKey; 5] = [
    ApiKey::PRODUCE,
    ApiKey::FETCH,
    ApiKey::METADATA,
    ApiKey::FIND_COORDINATOR,
    ApiKey::API_VERSIONS,
];

/// Each bootstrap server answers, and speaks what clients need.
pub(super) async fn versions(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let Some(map) = &patient.map else {
        into.skip("the way to the brokers is not ready (see `brokers`)");
        return into;
    };
    for server in map.bootstrap() {
        let offered = match map.versions(server).await {
            Ok(offered) => offered,
            Err(reason) => {
                into.fail(
                    format!("{server}: {reason}"),
                    "start the broker, or correct upstream.bootstrap and upstream.tls",
                );
                continue;
            }
        };
        let common = |key: ApiKey| {
            let ours = enforce::row(key)?.versions();
            let (least, most) = *offered.get(&key.0)?;
            let range = (least.max(*ours.start()), most.min(*ours.end()));
            (range.0 <= range.1).then_some(range)
        };
        let missing = NEEDED.iter().filter(|key| common(**key).is_none());
        let missing: Vec<&str> = missing.map(|key| key.name()).collect();
        if !missing.is_empty() {
            into.fail(
                format!("{server}: no common version of {}", missing.join(", ")),
                "upgrade the broker: Lockgate speaks with Kafka 2.1 and later",
            );
            continue;
        }
        let judged = enforce::rows().filter(|row| match row.treatment {
            Treatment::Enforced(_) => true,
            Treatment::Hidden { .. } => false,
        });
        let both = judged.filter(|row| common(row.key).is_some()).count();
        into.ok(format!("{server}: answers; {both} APIs for clients"));
    }
    into
}

/// Lockgate's own login is taken, and each broker has an address here and can be reached.
pub(super) async fn members(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let map = match (&patient.map, &patient.map_fault) {
        (Some(map), _) => map,
        (None, fault) => {
            into.fail(
                fault.clone().unwrap_or_default(),
                "correct the files and secrets that upstream names",
            );
            return into;
        }
    };
    if !map.can_ask() {
        into.skip("with auth: forward and no service only clients can ask which brokers there are");
        return into;
    }
    match map.ask(None).await {
        Ok(()) => {}
        Err(fault @ ClusterFault::Service(_)) => {
            into.fail(fault.to_string(), "correct upstream.service or upstream.auth");
            return into;
        }
        Err(fault) => {
            into.fail(fault.to_string(), "start a broker of upstream.bootstrap");
            return into;
        }
    }
    for (id, address) in map.nodes() {
        let told = match patient.cluster.addresses.of(id) {
            Address::AsAdvertised => format!("{address} (kept)"),
            Address::At { host, port } => format!("{host}:{port}"),
            Address::Unmapped => {
                into.fail(
                    format!("broker {id} at {address} has no address for clients"),
                    "widen the ports of `addresses`, or name this id in them",
                );
                continue;
            }
        };
        match map.open(&address).await {
            Ok(_) => into.ok(format!("broker {id} at {address}; clients are told {told}")),
            Err(reason) => into.fail(
                format!("broker {id} at {address}: {reason}"),
                "start it, or let this machine reach the address that it advertises",
            ),
        }
    }
    if let Addresses::Ports { layout, .. } = &patient.cluster.addresses
        && let Some((first, second, port)) = layout.collision(map.nodes().keys().copied())
    {
        let fault = ClusterFault::Collision { first, second, port };
        into.fail(fault.to_string(), "write the ports out");
    }
    into
}

/// No broker lets somebody in who comes from elsewhere and around Lockgate.
pub(super) async fn around(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let limit = Duration::from_millis(patient.config.limits.upstream_connect_ms_max);
    let mut addresses: Vec<HostPort> = patient.cluster.upstream.bootstrap.clone();
    if let (Some(map), Addresses::Ports { .. }) = (&patient.map, &patient.cluster.addresses) {
        addresses.extend(map.nodes().into_values());
    }
    addresses.sort();
    addresses.dedup();
    for address in addresses {
        if is_local(&address) {
            into.ok(format!("{address} is for this machine only"));
        } else if lets_anybody_in(&address, limit).await {
            into.fail(
                format!("{address} lets anybody in who reaches it, around Lockgate"),
                "ask for a certificate or a login there that only Lockgate has, or bind it to \
                 loopback beside a sidecar",
            );
        } else {
            into.ok(format!("{address} lets nobody in without TLS and login"));
        }
    }
    into
}

/// As [`around`], for addresses named by hand on a machine where clients run: none may answer.
pub(super) async fn direct(mut into: Findings, addresses: &[HostPort]) -> Findings {
    let limit = Duration::from_secs(5);
    for address in addresses {
        let connecting = tokio::net::TcpStream::connect((&*address.host, address.port));
        match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(_)) if lets_anybody_in(address, limit).await => into.fail(
                format!("{address} lets anybody in from here, around Lockgate"),
                "close the network between clients and brokers, and ask for a login there",
            ),
            Ok(Ok(_)) => into.warn(
                format!("{address} can be reached from here; it asks for TLS or a login"),
                "close the network between clients and brokers",
            ),
            Ok(Err(_)) | Err(_) => into.ok(format!("{address} cannot be reached from here")),
        }
    }
    into
}

fn is_local(address: &HostPort) -> bool {
    let found = (&*address.host, address.port).to_socket_addrs();
    found.is_ok_and(|found| {
        let addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
        !addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback)
    })
}
