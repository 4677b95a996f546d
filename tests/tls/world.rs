//! What the tests share: three brokers, an authority, and a gateway for each test.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kafka_protocol::messages::{MetadataRequest, MetadataResponse};
use serde_json::Value;

use crate::testcontainers::{
    Authority, Issued, Kafka, KafkaSettings, Lockgate, LockgateSettings, RawClient, ports,
};

static KAFKA: LazyLock<Kafka> = LazyLock::new(|| Kafka::start(&KafkaSettings::three_nodes()));

/// What a test waits for comes sooner than this.
pub const LIMIT: Duration = Duration::from_secs(60);

const POLICY: &str = "\
apiVersion: policy/v1
kind: Policy
metadata: {name: tls, version: 1.0.0, owner: tests@acme.example}
spec:
  permits:
    - id: platform-creates-topics
      principals: {groups: {any_of: [platform]}}
      apis: [CreateTopics]
      topics: [\"**\"]
";

pub fn kafka() -> &'static Kafka {
    &KAFKA
}

/// A gateway, and the files that it was started with.
pub struct World {
    pub lockgate: Lockgate,
    pub authority: Authority,
    /// Lockgate's own certificate.
    pub server: Issued,
    pub port: u16,
    admin: u16,
}

/// What a gateway is to be, beside its certificates.
pub struct Plan {
    /// More keys of `tls`, each with a comma in front.
    pub tls: String,
    /// More keys of the listener, in the same way.
    pub listener: String,
    pub addresses: String,
    pub identity: String,
    /// More lines.
    pub more: String,
    pub files: Vec<(String, String)>,
    /// The names of Lockgate's certificate.
    pub names: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tls: String::new(),
            listener: String::new(),
            addresses: "keep".to_owned(),
            identity: "{anonymous: {principal: tester, groups: [platform]}}".to_owned(),
            more: String::new(),
            files: Vec::new(),
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        }
    }
}

impl Plan {
    /// Starts it. In the plan `PORT` stands for the port, `FIRST-LAST` for the ports of brokers,
    /// `CA` for the authority's file.
    pub fn start(self) -> World {
        let authority = Authority::new();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let server = authority.server(&names);
        let (port, admin, brokers) = (ports::free(), ports::free(), ports::consecutive(3));
        let config = format!(
            "listen: {{address: 127.0.0.1:PORT, tls: {{cert: \"{}\", key: \"{}\"{}}}{}}}\n\
             addresses: {}\n\
             upstream: {{bootstrap: [{}]}}\n\
             identity: {}\n\
             audit: {{dir: ./audit}}\n\
             admin: {{listen: \"127.0.0.1:{admin}\"}}\n{}\n",
            server.cert.display(),
            server.key.display(),
            self.tls,
            self.listener,
            self.addresses,
            kafka().bootstrap().replace(',', ", "),
            self.identity,
            self.more,
        )
        .replace("FIRST-LAST", &format!("{}-{}", brokers.start(), brokers.end()))
        .replace("PORT", &port.to_string())
        .replace("CA", &authority.ca_path().display().to_string());
        let mut settings = LockgateSettings::new(config).file("policies/tls.yaml", POLICY);
        for (name, text) in &self.files {
            settings = settings.file(name, text.clone());
        }
        let lockgate = Lockgate::start(settings);
        World { lockgate, authority, server, port, admin }
    }
}

impl World {
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A page of the admin listener.
    pub fn page(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.admin)).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&self.page("/status")).unwrap()
    }

    /// Whether a line of the metrics is exactly this.
    pub fn shows(&self, sample: &str) -> bool {
        self.page("/metrics").lines().any(|line| line == sample)
    }

    /// The rows of logins, oldest first; waits until `wanted` holds of one.
    pub fn login(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LIMIT;
        loop {
            let command = ["audit", "show", "--dir", "audit", "--format", "json"];
            let shown = self.lockgate.command(&command);
            let rows = shown.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
            let found = rows.filter(|row: &Value| row["event"] == "auth").find(&wanted);
            if let Some(row) = found {
                return row;
            }
            assert!(Instant::now() < until, "no such row\n{}", shown.explain());
        }
    }
}

/// The brokers, as the client is told of them: node id, host, port.
pub fn brokers(kafka: &mut RawClient) -> std::io::Result<Vec<(i32, String, i32)>> {
    let answer: MetadataResponse = kafka.call(9, &MetadataRequest::default().with_topics(None))?;
    let broker = |broker: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
        (broker.node_id.0, broker.host.to_string(), broker.port)
    };
    let mut brokers: Vec<_> = answer.brokers.iter().map(broker).collect();
    brokers.sort();
    Ok(brokers)
}
