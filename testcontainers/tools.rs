//! Kafka's own Java tools, and small Java programs of `tests/java`, as clients.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::jars::KafkaJars;
use super::process::{Finished, Program};
use super::scratch::Scratch;

/// How long a tool may take unless it is told otherwise.
pub const TOOL_LIMIT: Duration = Duration::from_mins(2);

const JVM_FLAGS: &[&str] = &["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const TOOLS: &str = "org.apache.kafka.tools";

/// Warnings to standard error, so that standard output holds data only.
const TOOL_LOG: &str = "\
status=error
appender.stderr.type=Console
appender.stderr.name=stderr
appender.stderr.target=SYSTEM_ERR
appender.stderr.layout.type=PatternLayout
appender.stderr.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n
rootLogger.level=WARN
rootLogger.appenderRef.stderr.ref=stderr
";

/// The properties of a Java client.
#[derive(Clone, Debug, Default)]
pub struct ClientProperties {
    properties: Vec<(String, String)>,
    jvm_flags: Vec<String>,
}

impl ClientProperties {
    /// No login, nothing but the client's defaults.
    pub fn plain() -> Self {
        Self::default()
    }

    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.properties.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn jvm_flag(mut self, flag: &str) -> Self {
        self.jvm_flags.push(flag.to_owned());
        self
    }

    /// OAUTHBEARER with the token in this file, read again at every login.
    pub fn token_file(self, path: &Path) -> Self {
        self.oauth(&format!("file://{}", path.display()))
    }

    /// OAUTHBEARER by the client-credentials grant.
    pub fn client_credentials(self, token_url: &str, client: &str, secret: &str) -> Self {
        self.oauth(token_url)
            .set("sasl.oauthbearer.client.credentials.client.id", client)
            .set("sasl.oauthbearer.client.credentials.client.secret", secret)
    }

    /// PLAIN or SCRAM.
    pub fn password(self, mechanism: &str, user: &str, password: &str) -> Self {
        let package = "org.apache.kafka.common.security";
        let module = if mechanism == "PLAIN" { "plain.Plain" } else { "scram.Scram" };
        let login = format!(
            "{package}.{module}LoginModule required username=\"{user}\" password=\"{password}\";"
        );
        self.set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", mechanism)
            .set("sasl.jaas.config", login)
    }

    fn oauth(mut self, url: &str) -> Self {
        let package = "org.apache.kafka.common.security.oauthbearer";
        // Kafka refuses to open any URL that its JVM was not told of.
        self.jvm_flags.push(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}"));
        self.set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", "OAUTHBEARER")
            .set("sasl.jaas.config", format!("{package}.OAuthBearerLoginModule required;"))
            .set(
                "sasl.login.callback.handler.class",
                format!("{package}.OAuthBearerLoginCallbackHandler"),
            )
            .set("sasl.oauthbearer.token.endpoint.url", url)
    }

    /// As a properties file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.properties {
            let _ = writeln!(text, "{name}={value}");
        }
        text
    }
}

/// Runs tools against one bootstrap address with one set of client properties.
pub struct JavaTools {
    jars: KafkaJars,
    bootstrap: String,
    properties: ClientProperties,
    properties_path: PathBuf,
    log_path: PathBuf,
    limit: Duration,
    scratch: Scratch,
}

impl JavaTools {
    pub fn new(jars: &KafkaJars, bootstrap: &str, properties: ClientProperties) -> Self {
        let scratch = Scratch::new("tools");
        let properties_path = scratch.write("client.properties", &properties.text());
        let log_path = scratch.write("log4j2.properties", TOOL_LOG);
        Self {
            jars: jars.clone(),
            bootstrap: bootstrap.to_owned(),
            properties,
            properties_path,
            log_path,
            limit: TOOL_LIMIT,
            scratch,
        }
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The file with the client properties, for tools that are run by their class.
    pub fn properties_path(&self) -> String {
        self.properties_path.to_string_lossy().into_owned()
    }

    /// Any main class of Kafka's jars, with exactly these arguments.
    pub fn run<A: AsRef<str>>(&self, class: &str, arguments: &[A]) -> Finished {
        self.class(class, arguments).run(self.limit)
    }

    /// The program for a main class, for a tool that is to run beside the test.
    pub fn class<A: AsRef<str>>(&self, class: &str, arguments: &[A]) -> Program {
        self.java().argument(class).arguments(arguments.iter().map(AsRef::as_ref))
    }

    /// `java source arguments…` for a single-file program of `tests/java`: its arguments are
    /// the bootstrap address, the properties file, then these.
    pub fn java_program<A: AsRef<str>>(&self, source: &str, arguments: &[A]) -> Finished {
        self.program(source, arguments).run(self.limit)
    }

    /// The same, to run beside the test.
    pub fn program<A: AsRef<str>>(&self, source: &str, arguments: &[A]) -> Program {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java").join(source);
        self.java()
            .argument(source)
            .arguments([self.bootstrap.as_str(), &self.properties_path()])
            .arguments(arguments.iter().map(AsRef::as_ref))
    }

    /// Creates a topic; `settings` are `name=value`.
    pub fn create_topic(
        &self,
        topic: &str,
        partitions: u32,
        replicas: u16,
        settings: &[&str],
    ) -> Finished {
        let (partitions, replicas) = (partitions.to_string(), replicas.to_string());
        let mut arguments = self.server("--command-config");
        arguments.extend(["--create", "--topic", topic].map(str::to_owned));
        arguments.extend(["--partitions".to_owned(), partitions]);
        arguments.extend(["--replication-factor".to_owned(), replicas]);
        arguments.extend(settings.iter().flat_map(|s| ["--config".to_owned(), (*s).to_owned()]));
        self.run(&format!("{TOOLS}.TopicCommand"), &arguments)
    }

    /// One record a line; `key:value` lines with `options` as `--reader-property` wants them.
    pub fn console_produce(&self, topic: &str, lines: &[&str], options: &[&str]) -> Finished {
        let input = self.scratch.write("input", &(lines.join("\n") + "\n"));
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic].map(str::to_owned));
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        self.class(&format!("{TOOLS}.ConsoleProducer"), &arguments).input(input).run(self.limit)
    }

    /// Reads `count` records from the beginning; standard output has one a line.
    pub fn console_consume(&self, topic: &str, count: usize, options: &[&str]) -> Finished {
        let (count, patience) = (count.to_string(), self.limit.as_millis().to_string());
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic, "--from-beginning"].map(str::to_owned));
        arguments.extend(["--max-messages", &count, "--timeout-ms", &patience].map(str::to_owned));
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        self.run(&format!("{TOOLS}.consumer.ConsoleConsumer"), &arguments)
    }

    /// Reads `count` records as a share group, whose start must have been set to the earliest.
    pub fn share_consume(&self, topic: &str, group: &str, count: usize) -> Finished {
        let (count, patience) = (count.to_string(), self.limit.as_millis().to_string());
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic, "--group", group].map(str::to_owned));
        arguments.extend(["--max-messages", &count, "--timeout-ms", &patience].map(str::to_owned));
        self.run(&format!("{TOOLS}.consumer.ConsoleShareConsumer"), &arguments)
    }

    /// Sets a share group to start at the earliest offset.
    pub fn share_from_earliest(&self, group: &str) -> Finished {
        let mut arguments = self.server("--command-config");
        arguments.extend(["--alter", "--entity-type", "groups"].map(str::to_owned));
        arguments.extend(["--entity-name", group].map(str::to_owned));
        arguments.extend(["--add-config", "share.auto.offset.reset=earliest"].map(str::to_owned));
        self.run("kafka.admin.ConfigCommand", &arguments)
    }

    /// `ProducerPerformance` as fast as it goes; `properties` are `name=value`.
    pub fn producer_performance(
        &self,
        topic: &str,
        records: u64,
        record_bytes: u32,
        properties: &[&str],
    ) -> Finished {
        let (records, size) = (records.to_string(), record_bytes.to_string());
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic, "--num-records", &records].map(str::to_owned));
        arguments.extend(["--record-size", &size, "--throughput", "-1"].map(str::to_owned));
        if !properties.is_empty() {
            arguments.push("--command-property".to_owned());
            arguments.extend(properties.iter().map(|property| (*property).to_owned()));
        }
        self.run(&format!("{TOOLS}.ProducerPerformance"), &arguments)
    }

    pub fn consumer_performance(&self, topic: &str, records: u64) -> Finished {
        let records = records.to_string();
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic, "--num-records", &records].map(str::to_owned));
        arguments.extend(["--timeout", "30000"].map(str::to_owned));
        self.run(&format!("{TOOLS}.ConsumerPerformance"), &arguments)
    }

    /// `VerifiableProducer`: standard output has one JSON object for each acknowledged record.
    pub fn verifiable_producer(&self, topic: &str, records: u64) -> Finished {
        let records = records.to_string();
        let mut arguments = self.server("--command-config");
        arguments.extend(["--topic", topic, "--max-messages", &records].map(str::to_owned));
        arguments.extend(["--acks", "-1"].map(str::to_owned));
        self.run(&format!("{TOOLS}.VerifiableProducer"), &arguments)
    }

    /// `TransactionalMessageCopier`: copies `records` of partition 0 in transactions of `size`.
    /// It takes no properties file: without a login only.
    pub fn transactional_copy(&self, from: &str, to: &str, records: u64, size: u64) -> Finished {
        let (records, size) = (records.to_string(), size.to_string());
        let identity = format!("copier-{from}-{to}");
        let arguments = [
            ["--broker-list", &self.bootstrap],
            ["--transactional-id", &identity],
            ["--consumer-group", &identity],
            ["--input-topic", from],
            ["--input-partition", "0"],
            ["--output-topic", to],
            ["--transaction-size", &size],
            ["--max-messages", &records],
        ];
        self.run(&format!("{TOOLS}.TransactionalMessageCopier"), arguments.as_flattened())
    }

    fn server(&self, properties_option: &str) -> Vec<String> {
        let server = ["--bootstrap-server", &self.bootstrap];
        let properties = [properties_option, &self.properties_path()].map(str::to_owned);
        server.map(str::to_owned).into_iter().chain(properties).collect()
    }

    fn java(&self) -> Program {
        self.jars
            .java()
            .arguments(JVM_FLAGS)
            .argument(format!("-Dlog4j2.configurationFile={}", self.log_path.display()))
            .arguments(&self.properties.jvm_flags)
    }
}
