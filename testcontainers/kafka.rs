//! Apache Kafka for a test: one node or three, `KRaft`, each node broker and controller.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::installed::install_once;
use super::jars::{KAFKA_VERSION, KafkaJars};
use super::node::{Node, NodePorts, StartFault};
use super::ports;
use super::probe;
use super::process::{Program, until};
use super::scratch::Scratch;
use super::secured::{self, CertificateFiles};

/// Small heaps and a quick start: a test cluster lives for seconds and shares two cores.
const JVM_FLAGS: &[&str] = &[
    "-Xms256m",
    "-Xmx640m",
    "-XX:+UseSerialGC",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
];
const START_ATTEMPTS: usize = 3;
const FORMAT_LIMIT: Duration = Duration::from_mins(1);
const LEADER_LIMIT: Duration = Duration::from_mins(1);
const SASL: &str = "org.apache.kafka.common.security.oauthbearer";

const BROKER_LOG: &str = "\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n
rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
logger.authorizer.name=kafka.authorizer.logger
logger.authorizer.level=DEBUG
";

/// `SASL_PLAINTEXT` with OAUTHBEARER on every node, for an upstream that gets the client's token.
#[derive(Clone, Debug)]
pub struct OauthListener {
    /// Must answer before the broker starts, or the broker dies.
    pub jwks_url: String,
    pub issuer: String,
    pub audience: String,
}

/// Whether ACLs are judged (`StandardAuthorizer`; clients without a login are super users).
#[derive(Clone, Copy, Debug, Default)]
pub enum Authorizer {
    #[default]
    None,
    /// What no ACL mentions is allowed.
    OpenByDefault,
    ClosedByDefault,
}

/// What a cluster is to be.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    nodes: u16,
    first_id: i32,
    version: String,
    properties: BTreeMap<String, String>,
    jvm_flags: Vec<String>,
    advertised: Vec<String>,
    advertised_host: String,
    advertised_sasl: Vec<String>,
    oauth: Option<OauthListener>,
    secured: Option<CertificateFiles>,
    authorizer: Authorizer,
}

impl KafkaSettings {
    pub fn one_node() -> Self {
        Self {
            nodes: 1,
            first_id: 1,
            version: KAFKA_VERSION.to_owned(),
            properties: BTreeMap::new(),
            jvm_flags: Vec::new(),
            advertised: Vec::new(),
            advertised_host: "127.0.0.1".to_owned(),
            advertised_sasl: Vec::new(),
            oauth: None,
            secured: None,
            authorizer: Authorizer::None,
        }
    }

    /// Replication factor 3, two of them in sync, racks `r1` to `r3` with followers that serve.
    pub fn three_nodes() -> Self {
        Self { nodes: 3, ..Self::one_node() }
    }

    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The id of the first node, where it is not to be 1.
    pub fn first_id(mut self, id: i32) -> Self {
        self.first_id = id;
        self
    }

    /// A broker property of every node; it wins over this launcher's own.
    pub fn property(mut self, name: &str, value: impl ToString) -> Self {
        self.properties.insert(name.to_owned(), value.to_string());
        self
    }

    pub fn jvm_flag(mut self, flag: &str) -> Self {
        self.jvm_flags.push(flag.to_owned());
        self
    }

    /// What the client listener of each node advertises instead of itself: where a sidecar or a
    /// relay listens (`127.0.0.1:port`, by node).
    pub fn advertised<I>(mut self, addresses: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.advertised = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// The same for the `SASL_PLAINTEXT` listener.
    pub fn advertised_sasl<I>(mut self, addresses: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.advertised_sasl = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// The host name under which the client listener of each node advertises itself.
    pub fn advertised_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.advertised_host);
        self
    }

    pub fn oauth(mut self, listener: OauthListener) -> Self {
        self.oauth = Some(listener);
        self
    }

    /// Listeners with TLS, and PLAIN and SCRAM on the SASL ones (OAUTHBEARER too after
    /// [`Self::oauth`]); the brokers show the `server` certificate of these files.
    pub fn secured(mut self, files: &CertificateFiles) -> Self {
        self.secured = Some(files.clone());
        self
    }

    pub fn authorizer(mut self, authorizer: Authorizer) -> Self {
        self.authorizer = authorizer;
        self
    }
}

/// A running cluster; it ends with this value, on a panic with the tail of its logs.
pub struct Kafka {
    // Declared first, dropped first: the processes end before their files go.
    nodes: Vec<Node>,
    jars: KafkaJars,
    _scratch: Scratch,
}

impl Kafka {
    /// Starts it and waits until every node serves and knows the others.
    ///
    /// # Panics
    /// When it does not come up, with the tail of the log.
    pub fn start(settings: &KafkaSettings) -> Self {
        let jars = KafkaJars::of_version(&settings.version);
        for _ in 0..START_ATTEMPTS {
            let kafka = Self::prepare(settings, jars.clone());
            for node in &kafka.nodes {
                node.launch();
            }
            let ready = kafka.nodes.iter().try_for_each(|node| node.until_ready(kafka.nodes.len()));
            match ready {
                Ok(()) => return kafka,
                Err(StartFault::PortTaken) => {}
                Err(StartFault::Died(log)) => panic!("Kafka died while it started\n{log}"),
            }
        }
        panic!("Kafka found its ports taken {START_ATTEMPTS} times");
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this id (1, 2, 3 unless the settings say otherwise).
    pub fn node(&self, id: i32) -> &Node {
        self.nodes.iter().find(|node| node.id() == id).expect("a node of this id")
    }

    pub fn jars(&self) -> &KafkaJars {
        &self.jars
    }

    /// The client listeners, for `bootstrap.servers` and for Lockgate's `upstream`.
    pub fn bootstrap(&self) -> String {
        self.joined(Node::address)
    }

    /// The listeners that are advertised as themselves whatever the settings override.
    pub fn direct_bootstrap(&self) -> String {
        self.joined(Node::direct_address)
    }

    /// The `SASL_PLAINTEXT` listeners.
    pub fn sasl_bootstrap(&self) -> String {
        self.joined(Node::sasl_address)
    }

    /// Waits until every partition of the topic has a leader, and names the leaders.
    pub fn leaders(&self, topic: &str) -> Vec<i32> {
        until("a topic with leaders", LEADER_LIMIT, || {
            let running = self.nodes.iter().find(|node| node.is_running());
            let node = running.ok_or("no node runs")?;
            let leaders = probe::leaders(&node.address(), topic).map_err(|e| e.to_string())?;
            if leaders.is_empty() || leaders.contains(&-1) {
                return Err(format!("{topic} is led by {leaders:?}"));
            }
            Ok(leaders)
        })
    }

    fn joined(&self, address: impl Fn(&Node) -> String) -> String {
        self.nodes.iter().map(address).collect::<Vec<_>>().join(",")
    }

    fn prepare(settings: &KafkaSettings, jars: KafkaJars) -> Self {
        let scratch = Scratch::new("kafka");
        let template = formatted(&jars);
        let cluster_id = uuid();
        let log_path = scratch.write("log4j2.properties", BROKER_LOG);
        let all_ports: Vec<NodePorts> = (0..settings.nodes).map(|_| node_ports()).collect();
        let mut nodes = Vec::new();
        for (index, ports) in all_ports.iter().enumerate() {
            let id = i32::try_from(index).expect("three nodes at most") + settings.first_id;
            let directory = scratch.path().join(format!("node-{id}"));
            format_node(&template, &directory, &cluster_id, id);
            let text = properties(settings, &all_ports, index, &directory);
            let name = format!("node-{id}.properties");
            let program = program(settings, &jars, &log_path)
                .arguments(["kafka.Kafka", &scratch.write(&name, &text).to_string_lossy()]);
            let log_path = scratch.path().join(format!("node-{id}.log"));
            nodes.push(Node::new(id, *ports, program, log_path));
        }
        Self { nodes, jars, _scratch: scratch }
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                eprintln!("{}", node.log_tail());
            }
        }
    }
}

fn node_ports() -> NodePorts {
    NodePorts {
        client: ports::free(),
        direct: ports::free(),
        controller: ports::free(),
        sasl: ports::free(),
        ssl: ports::free(),
        mtls: ports::free(),
        sasl_ssl: ports::free(),
    }
}

fn program(settings: &KafkaSettings, jars: &KafkaJars, log_path: &Path) -> Program {
    // Without it the broker refuses the URL ("cannot be accessed due to restrictions").
    let allowed = settings.oauth.iter().map(|listener| {
        format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={}", listener.jwks_url)
    });
    jars.java()
        .arguments(JVM_FLAGS)
        .argument(format!("-Dlog4j2.configurationFile={}", log_path.display()))
        .arguments(allowed)
        .arguments(&settings.jvm_flags)
}

/// The properties of the node at `index`, one `name=value` a line.
fn properties(
    settings: &KafkaSettings,
    all_ports: &[NodePorts],
    index: usize,
    directory: &Path,
) -> String {
    let id = i32::try_from(index).expect("three nodes at most") + settings.first_id;
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: String| lines.insert(name.to_owned(), value);
    let voters = all_ports.iter().zip(settings.first_id..);
    let voters = voters.map(|(ports, id)| format!("{id}@127.0.0.1:{}", ports.controller));
    set("process.roles", "broker,controller".to_owned());
    set("node.id", id.to_string());
    set("broker.rack", format!("r{id}"));
    set("log.dirs", directory.display().to_string());
    set("controller.quorum.voters", voters.collect::<Vec<_>>().join(","));
    set("controller.listener.names", "CONTROLLER".to_owned());
    set("inter.broker.listener.name", "DIRECT".to_owned());
    for (name, value) in listeners(settings, all_ports[index], index) {
        set(&name, value);
    }
    let copies = settings.nodes.min(3);
    let in_sync = copies.min(2);
    for (name, partitions) in
        [("offsets.topic", 4), ("transaction.state.log", 4), ("share.coordinator.state.topic", 2)]
    {
        set(&format!("{name}.num.partitions"), partitions.to_string());
        set(&format!("{name}.replication.factor"), copies.to_string());
        if name != "offsets.topic" {
            set(&format!("{name}.min.isr"), in_sync.to_string());
        }
    }
    set("default.replication.factor", copies.to_string());
    set("min.insync.replicas", in_sync.to_string());
    for (name, value) in SMALL_AND_QUICK {
        set(name, (*value).to_owned());
    }
    match settings.authorizer {
        Authorizer::None => {}
        Authorizer::OpenByDefault => authorize(&mut set, true),
        Authorizer::ClosedByDefault => authorize(&mut set, false),
    }
    lines.extend(settings.properties.clone());
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

/// Limits for two cores, and timeouts that let a lost node be noticed within seconds.
const SMALL_AND_QUICK: &[(&str, &str)] = &[
    ("num.partitions", "3"),
    ("num.network.threads", "2"),
    ("num.io.threads", "2"),
    ("log.cleaner.dedupe.buffer.size", "4194304"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("broker.session.timeout.ms", "6000"),
    ("broker.heartbeat.interval.ms", "1000"),
    ("controller.quorum.election.timeout.ms", "1000"),
    ("controller.quorum.fetch.timeout.ms", "2000"),
    ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"),
];

fn listeners(settings: &KafkaSettings, ports: NodePorts, index: usize) -> Vec<(String, String)> {
    let own = |port: u16| format!("127.0.0.1:{port}");
    let chosen = |addresses: &[String], port: u16| {
        let named = || format!("{}:{port}", settings.advertised_host);
        addresses.get(index).cloned().unwrap_or_else(named)
    };
    let mut bound = vec![
        format!("PLAINTEXT://{}", own(ports.client)),
        format!("DIRECT://{}", own(ports.direct)),
        format!("CONTROLLER://{}", own(ports.controller)),
    ];
    let mut advertised = vec![
        format!("PLAINTEXT://{}", chosen(&settings.advertised, ports.client)),
        format!("DIRECT://{}", own(ports.direct)),
    ];
    let mut lines = Vec::new();
    if settings.oauth.is_some() || settings.secured.is_some() {
        bound.push(format!("SASL_PLAINTEXT://{}", own(ports.sasl)));
        let address = chosen(&settings.advertised_sasl, ports.sasl);
        advertised.push(format!("SASL_PLAINTEXT://{address}"));
    }
    if let Some(oauth) = &settings.oauth {
        lines.extend([
            ("sasl.enabled.mechanisms".to_owned(), "OAUTHBEARER".to_owned()),
            ("sasl.oauthbearer.jwks.endpoint.url".to_owned(), oauth.jwks_url.clone()),
            ("sasl.oauthbearer.expected.issuer".to_owned(), oauth.issuer.clone()),
            ("sasl.oauthbearer.expected.audience".to_owned(), oauth.audience.clone()),
        ]);
        lines.extend(secured::bearer_properties("listener.name.sasl_plaintext"));
    }
    if let Some(files) = &settings.secured {
        for (name, port, host) in secured::listeners(ports) {
            bound.push(format!("{name}://{}", own(port)));
            advertised.push(format!("{name}://{host}:{port}"));
        }
        lines.extend(secured::properties(files, settings.oauth.as_ref()));
    }
    let protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DIRECT:PLAINTEXT,\
                     SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,MTLS:SSL,SASL_SSL:SASL_SSL";
    lines.push(("listeners".to_owned(), bound.join(",")));
    lines.push(("advertised.listeners".to_owned(), advertised.join(",")));
    lines.push(("listener.security.protocol.map".to_owned(), protocols.to_owned()));
    lines
}

fn authorize(set: &mut impl FnMut(&str, String) -> Option<String>, open: bool) {
    let class = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    set("authorizer.class.name", class.to_owned());
    set("super.users", "User:ANONYMOUS".to_owned());
    set("allow.everyone.if.no.acl.found", open.to_string());
}

/// A data directory as Kafka's own `StorageTool` formats it, made once for each version: starting
/// the tool for every node of every test would cost more than the brokers.
fn formatted(jars: &KafkaJars) -> PathBuf {
    let name = format!("kafka-{}-formatted", jars.version());
    install_once(&name, &format!("{} {SASL}", jars.version()), |directory| {
        let data = directory.join("data");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\nlog.dirs={}\n\
             controller.quorum.voters=1@127.0.0.1:9093\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n",
            data.display()
        );
        let properties = directory.join("format.properties");
        fs::write(&properties, text).expect("the target directory must be writable");
        let tool =
            jars.java().arguments(["kafka.tools.StorageTool", "format", "-t", &uuid(), "-c"]);
        tool.argument(&properties).run(FORMAT_LIMIT).expect_success();
    })
    .join("data")
}

/// The formatted directory under another cluster and node id.
fn format_node(template: &Path, directory: &Path, cluster_id: &str, id: i32) {
    let writable = "the scratch directory is writable";
    fs::create_dir(directory).expect(writable);
    let checkpoint = "bootstrap.checkpoint";
    fs::copy(template.join(checkpoint), directory.join(checkpoint)).expect(writable);
    let identity =
        format!("version=1\nnode.id={id}\ncluster.id={cluster_id}\ndirectory.id={}\n", uuid());
    fs::write(directory.join("meta.properties"), identity).expect(writable);
}

/// A random id as Kafka writes them: 16 bytes in URL-safe base64 without padding, and not with a
/// dash in front, which a command line would take for an option.
fn uuid() -> String {
    use base64::Engine as _;
    loop {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        if !text.starts_with('-') {
            return text;
        }
    }
}
