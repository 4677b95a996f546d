//! What can be told on this machine: policies, ports, open files, the groups file.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use rustix::process::{Resource, getrlimit};

use super::Patient;
use super::finding::Findings;
use crate::cli::report::counted;
use crate::enforce::Addresses;
use crate::enforce::facts::UserSource as _;
use crate::io::directory::{self, DirectorySettings};
use crate::io::policies::PolicyDirectory;
use crate::io::users::UsersFile;

/// Files that a process holds beside its connections.
const OTHER_FILES: u64 = 256;

/// They load, as they would at a start.
pub(super) async fn policies(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let ground = patient.cluster.identity.ground();
    let directory = &patient.config.policies_directory;
    match PolicyDirectory::open(directory, ground) {
        Ok(opened) => {
            let set = opened.current().load_full();
            let (rules, revision) = (set.rules().len(), set.revision());
            if rules == 0 {
                into.warn(
                    format!("{} has no rule, revision {revision}", directory.display()),
                    "nothing is restricted or masked: write rules, or start from `policies/`",
                );
            } else {
                into.ok(format!("{}: {rules} rules, revision {revision}", directory.display()));
            }
        }
        Err(problems) => into.fail(
            problems.to_string().trim(),
            "mend the files; `lockgate policy check` shows the same until they load",
        ),
    }
    into
}

/// Each port can be had, or is held already.
pub(super) async fn listeners(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let mut wanted: Vec<SocketAddr> = patient.cluster.listener_addresses();
    if let Addresses::Ports { layout, .. } = &patient.cluster.addresses {
        for host in patient.cluster.broker_hosts() {
            wanted.extend(layout.ports().into_iter().map(|port| SocketAddr::new(host, port)));
        }
    }
    wanted.push(patient.config.admin.address);
    for address in wanted {
        match TcpListener::bind(address) {
            Ok(_) => into.ok(format!("{address} is free")),
            Err(error) if error.kind() == ErrorKind::AddrInUse => into.warn(
                format!("{address} is in use"),
                "as it should be while this Lockgate runs; else find the other program",
            ),
            Err(error) => into.fail(
                format!("{address} cannot be listened on: {error}"),
                "name an address of this machine, and a port that this user may open",
            ),
        }
    }
    into
}

/// Two sockets for each connection that the limits allow.
pub(super) async fn open_files(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let connections = u64::try_from(patient.config.limits.connections_max).unwrap_or(u64::MAX);
    let needed = connections.saturating_mul(2).saturating_add(OTHER_FILES);
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if allowed < needed => into.warn(
            format!("{allowed} open files are allowed; {connections} connections need {needed}"),
            "raise the limit (LimitNOFILE= in the unit, ulimit -n), or lower connections_max",
        ),
        Some(allowed) => into.ok(format!("{allowed} open files are allowed, {needed} are needed")),
        None => into.ok("any number of open files is allowed"),
    }
    into
}

/// The file that maps principals to groups can be read.
pub(super) async fn groups(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let Some(path) = &patient.cluster.identity.groups_file else {
        into.skip("no file of groups is configured");
        return into;
    };
    match directory::open(&DirectorySettings { path: path.clone() }) {
        Ok(directory) => {
            let status = directory.status();
            let (groups, principals) = (status.groups, status.principals);
            into.ok(format!("{}: {groups} groups of {principals} principals", path.display()));
        }
        Err(error) => into.fail(error.to_string().trim(), "mend the file: a start refuses it"),
    }
    into
}

/// The files of users who log in by password can be read.
pub(super) async fn users(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let identity = &patient.cluster.identity;
    let plain = identity.plain.iter();
    let mut files: Vec<_> = plain.chain(identity.scram.as_ref().map(|(file, _)| file)).collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        into.skip("no file of users is configured");
    }
    for file in files {
        match UsersFile::open(file) {
            Ok(users) => {
                let count = users.current().names().count();
                into.ok(format!("{}: {}", file.display(), counted(count, "user", "users")));
            }
            Err(error) => into
                .fail(error.to_string().trim(), "mend the file; `lockgate config user` writes it"),
        }
    }
    into
}
