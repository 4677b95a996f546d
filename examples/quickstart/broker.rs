//! The broker behind Lockgate: librdkafka's mock cluster, or a real Apache Kafka.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey;

use crate::testcontainers::{Kafka, KafkaSettings};
use crate::{Result, waiting};

const MOCK_BROKERS: i32 = 3;

/// The newest versions at which the mock answers as a broker does. Its newer Metadata has a byte
/// too many, which librdkafka overlooks and Lockgate refuses; topic ids (Fetch 13) come with that
/// Metadata; its newer `JoinGroup` sends null where the protocol has none.
const MOCK_VERSIONS_MAX: &[(RDKafkaApiKey, i16)] =
    &[(RDKafkaApiKey::Metadata, 8), (RDKafkaApiKey::Fetch, 11), (RDKafkaApiKey::JoinGroup, 3)];

/// A running cluster; it ends with this value.
pub enum Broker {
    Mock(MockCluster<'static, DefaultProducerContext>),
    Kafka(Box<Kafka>),
}

impl Broker {
    /// Brokers inside this process, written by librdkafka's authors for its tests.
    pub fn mock() -> Result<Self> {
        let cluster = MockCluster::new(MOCK_BROKERS)?;
        for (api, version_max) in MOCK_VERSIONS_MAX {
            cluster.apiversion(*api, Some(0), Some(*version_max))?;
        }
        Ok(Self::Mock(cluster))
    }

    /// Apache Kafka from Maven Central's jars, in a JVM of its own.
    pub fn kafka() -> Self {
        Self::Kafka(Box::new(Kafka::start(&KafkaSettings::one_node())))
    }

    pub fn name(&self) -> String {
        match self {
            Self::Mock(_) => format!("librdkafka's mock cluster, {MOCK_BROKERS} brokers"),
            Self::Kafka(kafka) => format!("Apache Kafka {}", kafka.jars().version()),
        }
    }

    /// `host:port` of every broker.
    pub fn addresses(&self) -> Vec<String> {
        let all = match self {
            Self::Mock(cluster) => cluster.bootstrap_servers(),
            Self::Kafka(kafka) => kafka.bootstrap(),
        };
        all.split(',').map(str::to_owned).collect()
    }

    /// Creates a topic of one partition, as the owner of the cluster does: not through Lockgate.
    pub fn create_topic(&self, name: &str) -> Result<()> {
        match self {
            Self::Mock(cluster) => cluster.create_topic(name, 1, MOCK_BROKERS)?,
            Self::Kafka(kafka) => {
                let mut settings = ClientConfig::new();
                settings.set("bootstrap.servers", kafka.bootstrap());
                let admin: AdminClient<DefaultClientContext> = settings.create()?;
                let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
                let results =
                    waiting()?.block_on(admin.create_topics([&topic], &AdminOptions::default()))?;
                for result in results {
                    result.map_err(|(topic, code)| format!("{topic} is not created: {code}"))?;
                }
                kafka.leaders(name);
            }
        }
        Ok(())
    }
}
