//! Lockgate in front of a [`Kafka`]: one port for each broker, clients without a login.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::kafka::Kafka;
use super::lockgate::{Lockgate, LockgateSettings};
use super::ports;
use super::tap::Tap;

const HTTP_PATIENCE: Duration = Duration::from_secs(10);

/// Where Lockgate listens when a relay stands on its ports.
const BEHIND_TAP: &str = "127.0.0.3";

/// A policy that lifts the denial of topic creation for the group `platform`, and nothing else: a
/// gateway with it alone changes no record.
pub const PERMITS_ONLY: &str = "\
apiVersion: policy/v1
kind: Policy
metadata: {name: permits-only, version: 1.0.0, owner: tests@acme.example}
spec:
  permits:
    - id: platform-creates-topics
      principals: {groups: {any_of: [platform]}}
      apis: [CreateTopics]
      topics: [\"**\"]
";

/// What a gateway is to be.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    upstream: String,
    broker_ports: u16,
    groups: Vec<String>,
    identity: Option<String>,
    policies: Vec<(String, String)>,
    shipped: bool,
    tapped: bool,
    extra: String,
    file_blocks_max: Option<u32>,
}

impl GatewaySettings {
    /// In front of every node of `kafka`, with [`PERMITS_ONLY`] unless it gets policies.
    pub fn before(kafka: &Kafka) -> Self {
        Self {
            upstream: kafka.bootstrap(),
            broker_ports: u16::try_from(kafka.nodes().len()).expect("a few nodes"),
            groups: Vec::new(),
            identity: None,
            policies: Vec::new(),
            shipped: false,
            tapped: false,
            extra: String::new(),
            file_blocks_max: None,
        }
    }

    /// Other bootstrap servers than the client listeners of the nodes.
    pub fn upstream(mut self, servers: impl Into<String>) -> Self {
        self.upstream = servers.into();
        self
    }

    /// The groups of the clients, who are all the principal `tester`.
    pub fn groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self
    }

    /// The `identity` of the configuration, in place of clients without a login.
    pub fn identity(mut self, yaml: impl Into<String>) -> Self {
        self.identity = Some(yaml.into());
        self
    }

    /// The policies that the project ships.
    pub fn shipped_policies(mut self) -> Self {
        self.shipped = true;
        self
    }

    /// A policy file of this name.
    pub fn policy(mut self, name: &str, text: impl Into<String>) -> Self {
        self.policies.push((format!("policies/{name}"), text.into()));
        self
    }

    /// Clients reach it through a recording relay.
    pub fn tapped(mut self) -> Self {
        self.tapped = true;
        self
    }

    /// More lines of the configuration.
    pub fn configuration(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// No file of it may grow above so many blocks of 512 bytes.
    pub fn file_blocks_max(mut self, blocks: u32) -> Self {
        self.file_blocks_max = Some(blocks);
        self
    }

    /// Starts it and waits until clients can connect.
    pub fn start(self) -> Gateway {
        let listen = ports::free();
        let admin = ports::free();
        let brokers = ports::consecutive(self.broker_ports);
        let host = if self.tapped { BEHIND_TAP } else { "127.0.0.1" };
        let anonymous = || {
            format!("{{anonymous: {{principal: tester, groups: [{}]}}}}", self.groups.join(", "))
        };
        let identity = self.identity.clone().unwrap_or_else(anonymous);
        let mut config = String::new();
        let _ = write!(
            config,
            "listen: {host}:{listen}\n\
             addresses: {{ports: {}-{}, host: 127.0.0.1}}\n\
             upstream: {{bootstrap: [{}]}}\n\
             admin: {{listen: \"127.0.0.1:{admin}\"}}\n\
             identity: {identity}\n{}",
            brokers.start(),
            brokers.end(),
            self.upstream.replace(',', ", "),
            self.extra,
        );
        let mut settings = LockgateSettings::new(config);
        if self.shipped {
            let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
            settings = settings
                .directory("policies", &shipped)
                .directory("policies/keys", &shipped.join("keys"));
        } else if self.policies.is_empty() {
            settings = settings.file("policies/permits.yaml", PERMITS_ONLY);
        }
        for (name, text) in &self.policies {
            settings = settings.file(name, text);
        }
        if let Some(blocks) = self.file_blocks_max {
            settings = settings.file_blocks_max(blocks);
        }
        let tap = self.tapped.then(|| {
            let ports = std::iter::once(listen).chain(brokers.clone());
            Tap::between("127.0.0.1", BEHIND_TAP, ports)
        });
        let lockgate = Lockgate::start(settings);
        Gateway { lockgate, listen, admin, brokers, tap }
    }
}

/// A running gateway.
pub struct Gateway {
    lockgate: Lockgate,
    listen: u16,
    admin: u16,
    brokers: RangeInclusive<u16>,
    tap: Option<Tap>,
}

impl Gateway {
    pub fn lockgate(&self) -> &Lockgate {
        &self.lockgate
    }

    /// `bootstrap.servers` of its clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.listen)
    }

    /// Where clients find the broker with this node id.
    pub fn broker(&self, node_id: i32) -> String {
        let count = i32::from(self.brokers.end() - self.brokers.start()) + 1;
        let step = u16::try_from(node_id % count).expect("node ids are not negative");
        format!("127.0.0.1:{}", self.brokers.start() + step)
    }

    /// What has been sent to its clients, when it was started `tapped`.
    pub fn tap(&self) -> &Tap {
        self.tap.as_ref().expect("a gateway that was started tapped")
    }

    /// A page of the admin listener: status code and body.
    pub fn page(&self, path: &str) -> (u16, String) {
        let answer = (|| {
            let mut socket = TcpStream::connect(("127.0.0.1", self.admin))?;
            socket.set_read_timeout(Some(HTTP_PATIENCE))?;
            write!(socket, "GET {path} HTTP/1.1\r\nHost: lockgate\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).map(|_bytes| answer)
        })()
        .unwrap_or_else(|error| panic!("{path} of the admin listener: {error}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (code.unwrap_or_else(|| panic!("not HTTP: {head}")), body.to_owned())
    }

    /// `/status`, read.
    pub fn status(&self) -> serde_json::Value {
        let (_code, body) = self.page("/status");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// The sum of a metric over its labels; 0 where it has no sample.
    pub fn metric(&self, name: &str) -> f64 {
        let (_code, body) = self.page("/metrics");
        let samples = body.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_whole = rest.starts_with(' ') || rest.starts_with('{');
            is_whole.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
        });
        samples.sum()
    }
}
