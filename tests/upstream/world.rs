//! One secured broker, the issuer that it believes, and gateways before it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::testcontainers::secured::add_scram_user;
use crate::testcontainers::{
    CertificateFiles, Kafka, KafkaSettings, Lockgate, LockgateSettings, OauthListener, RawClient,
    TokenIssuer, ports,
};

/// Longer than any exchange takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The broker ends the session of a login after so long (KIP-368), in every test.
pub const SESSION_MS_MAX: u64 = 2_000;

pub struct World {
    pub issuer: TokenIssuer,
    pub files: CertificateFiles,
    pub kafka: Kafka,
    /// Taken for writing by the test that takes the broker down.
    whole: RwLock<()>,
}

/// Started by the first test that asks.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let issuer = TokenIssuer::start();
        let files = CertificateFiles::make();
        let settings =
            secured(&issuer, &files).property("connections.max.reauth.ms", SESSION_MS_MAX);
        let kafka = Kafka::start(&settings);
        add_scram_user(&kafka, "carol", "carol-secret");
        World { issuer, files, kafka, whole: RwLock::default() }
    });
    &WORLD
}

/// One node with every secured listener, which believes this issuer.
pub fn secured(issuer: &TokenIssuer, files: &CertificateFiles) -> KafkaSettings {
    KafkaSettings::one_node()
        .oauth(OauthListener {
            jwks_url: issuer.key_set_url(),
            issuer: issuer.url(),
            audience: "kafka".to_owned(),
        })
        .secured(files)
}

impl World {
    /// The broker stays up for as long as this is held.
    pub fn shared(&self) -> RwLockReadGuard<'_, ()> {
        self.whole.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the test that takes the broker down.
    pub fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.whole.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// `{oauthbearer: …}` of the issuer, with this secret.
    pub fn bearer(&self, secret: &str) -> String {
        let url = self.issuer.token_url();
        format!("{{oauthbearer: {{token_url: \"{url}\", client_id: gw, client_secret: {secret}}}}}")
    }

    /// `tls: {…}` with this authority and more keys.
    pub fn tls(&self, ca: &str, more: &str) -> String {
        format!("tls: {{ca: {}{more}}}", path(&self.files.file(ca)))
    }

    /// `tls: {…}` with the client's certificate.
    pub fn mtls(&self) -> String {
        let (cert, key) = (self.files.file("client.pem"), self.files.file("client.key"));
        self.tls("ca.pem", &format!(", cert: {}, key: {}", path(&cert), path(&key)))
    }
}

pub fn path(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// A gateway whose `upstream` is these keys; its clients need no login.
pub struct Through {
    pub lockgate: Lockgate,
    listen: u16,
    admin: u16,
}

impl Through {
    pub fn start(upstream: &str) -> Self {
        Self::with(upstream, |settings| settings)
    }

    /// For clients of another group than the one that may create topics.
    pub fn for_group(group: &str, upstream: &str) -> Self {
        Self::before(group, upstream, |settings| settings)
    }

    pub fn with(upstream: &str, more: impl FnOnce(LockgateSettings) -> LockgateSettings) -> Self {
        Self::before("platform", upstream, more)
    }

    fn before(
        group: &str,
        upstream: &str,
        more: impl FnOnce(LockgateSettings) -> LockgateSettings,
    ) -> Self {
        let ports = ports::consecutive(4);
        let admin = ports::free();
        let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
        let config = format!(
            "listen: 127.0.0.1:{listen}\n\
             addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
             upstream: {{{upstream}}}\n\
             admin: {{listen: \"127.0.0.1:{admin}\"}}\n\
             identity: {{anonymous: {{principal: tester, groups: [{group}]}}}}\n"
        );
        let settings = LockgateSettings::new(config)
            .file("policies/permits.yaml", crate::testcontainers::gateway::PERMITS_ONLY);
        Self { lockgate: Lockgate::start(more(settings)), listen: *listen, admin }
    }

    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.listen)
    }

    /// The sum of a metric over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        self.sum(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
    }

    /// One sample, as `name{label="value"}`.
    pub fn labelled(&self, sample: &str) -> f64 {
        self.sum(|line| line.starts_with(sample))
    }

    fn sum(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let mut socket = TcpStream::connect(("127.0.0.1", self.admin)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET /metrics HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let lines = answer.lines().filter(|line| wanted(line));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// A client's first words are not answered: its connection is closed, and the log says why.
    #[track_caller]
    pub fn refuses(&self, words: &str) {
        let mut client = RawClient::connect(&self.bootstrap());
        assert!(client.api_versions().is_err(), "the broker took the login");
        self.lockgate.wait_for_line(words, PATIENCE);
    }

    /// The next client is served.
    #[track_caller]
    pub fn serves(&self) {
        let mut client = RawClient::connect(&self.bootstrap());
        client.api_versions().unwrap();
    }

    /// Writes records through it and reads them again.
    #[track_caller]
    pub fn carries(&self, topic: &str, count: usize) {
        let producer = self.producer(&[]);
        produce(&producer, topic, 0..count);
        producer.flush(PATIENCE).unwrap();
        assert_eq!(self.read(topic, count), (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    pub fn producer(&self, more: &[(&str, &str)]) -> BaseProducer {
        let settings = [("enable.idempotence", "true"), ("message.timeout.ms", "80000")];
        self.client(&[&settings[..], more].concat())
    }

    /// The first records of partition 0.
    #[track_caller]
    pub fn read(&self, topic: &str, count: usize) -> Vec<String> {
        let consumer = self.reader(topic);
        let deadline = Instant::now() + PATIENCE;
        let mut values = Vec::new();
        while values.len() < count {
            assert!(Instant::now() < deadline, "{} of {count} records", values.len());
            values.extend(polled(&consumer));
        }
        values
    }

    /// A consumer of partition 0, from its start.
    pub fn reader(&self, topic: &str) -> BaseConsumer {
        let consumer: BaseConsumer = self.client(&[("group.id", "nobody")]);
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&place).unwrap();
        consumer
    }

    fn client<C: FromClientConfig>(&self, more: &[(&str, &str)]) -> C {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", self.bootstrap())
            .set("allow.auto.create.topics", "true")
            .set("reconnect.backoff.max.ms", "300");
        for (name, value) in more {
            settings.set(*name, *value);
        }
        settings.create().unwrap()
    }

    /// Audit rows that refuse something, oldest first.
    pub fn refusals(&self) -> Vec<Value> {
        let arguments = ["audit", "show", "--dir", "audit", "--format", "json"];
        let rows = self.lockgate.command(&arguments).expect_success().json_lines();
        rows.into_iter().filter(|row| row["decision"] == "deny").collect()
    }
}

/// The values that are there, waiting a little for the first.
pub fn polled(consumer: &BaseConsumer) -> Vec<String> {
    let mut values = Vec::new();
    let mut wait = Duration::from_millis(20);
    while let Some(polled) = consumer.poll(wait) {
        if let Ok(message) = polled {
            let value = message.payload().unwrap_or_default();
            values.push(String::from_utf8_lossy(value).into_owned());
        }
        wait = Duration::ZERO;
    }
    values
}

/// Queues these numbers for partition 0.
pub fn produce(producer: &BaseProducer, topic: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let value = number.to_string();
        let mut record = BaseRecord::<(), str>::to(topic).partition(0).payload(&value);
        while let Err((_error, back)) = producer.send(record) {
            producer.poll(Duration::from_millis(50));
            record = back;
        }
        producer.poll(Duration::ZERO);
    }
}
