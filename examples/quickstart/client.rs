//! A Kafka client as any application has one: librdkafka, and a token to log in with.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockgate::io::clock;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::Result;
use crate::people::Person;
use crate::testcontainers::TokenIssuer;

const TOKEN_SECONDS: i64 = 3_600;
/// How long a step may take before it counts as failed.
const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);
/// The topics of the story have one partition.
const PARTITION: i32 = 0;

/// What a client needs: where Lockgate is, and how to log in there.
pub struct Client<'a> {
    pub person: &'a Person,
    pub bootstrap: String,
    pub issuer: &'a TokenIssuer,
}

/// What became of one record: its offset, or the broker's error.
pub type Delivery = std::result::Result<i64, RDKafkaErrorCode>;

impl Client<'_> {
    /// Sends the records in one go and waits for what became of each.
    pub fn write(&self, topic: &str, records: &[&str]) -> Result<Vec<Delivery>> {
        let producer: BaseProducer<Session> =
            self.settings().set("linger.ms", "50").create_with_context(self.session())?;
        for record in records {
            let message = BaseRecord::<(), str>::to(topic).partition(PARTITION).payload(*record);
            producer.send(message).map_err(|(error, _)| error)?;
        }
        producer.flush(LIMIT)?;
        let delivered = producer.context().delivered.lock();
        Ok(delivered.unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Reads the topic from its beginning to its present end.
    pub fn read(&self, topic: &str) -> Result<Vec<String>> {
        let mut settings = self.settings();
        // Partitions are assigned by hand; the group is a formality.
        settings.set("group.id", "unused").set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Session> = settings.create_with_context(self.session())?;
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(topic, PARTITION, Offset::Beginning)?;
        consumer.assign(&partitions)?;
        let deadline = Instant::now() + LIMIT;
        let mut records = Vec::new();
        let mut end = None;
        while end.is_none_or(|end| records.len() < end) {
            match consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let text = message.payload_view::<str>().transpose()?.unwrap_or_default();
                    records.push(text.to_owned());
                }
                Some(Err(error)) if is_final(&error) => return Err(error.into()),
                Some(Err(_)) | None => {}
            }
            if end.is_none() && !records.is_empty() {
                let (_, high) = consumer.fetch_watermarks(topic, PARTITION, LIMIT)?;
                end = Some(usize::try_from(high)?);
            }
            if Instant::now() > deadline {
                return Err(format!("{} cannot read {topic}", self.person.name).into());
            }
        }
        Ok(records)
    }

    fn settings(&self) -> ClientConfig {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", format!("{}-app", self.person.name))
            .set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", "OAUTHBEARER");
        settings
    }

    fn session(&self) -> Session {
        Session {
            principal: self.person.name.to_owned(),
            token: self.issuer.token(self.person.name, self.person.groups, TOKEN_SECONDS),
            expires_ms: clock::now_ms() + TOKEN_SECONDS * 1_000,
            delivered: Mutex::default(),
        }
    }
}

/// Errors that waiting does not heal: a login or an access that is refused.
fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
        )
    )
}

/// What librdkafka asks back for: a token to log in with, and who wants to know of deliveries.
struct Session {
    principal: String,
    token: String,
    expires_ms: i64,
    delivered: Mutex<Vec<Delivery>>,
}

impl ClientContext for Session {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(
        &self,
        _config: Option<&str>,
    ) -> std::result::Result<OAuthToken, Box<dyn Error>> {
        Ok(OAuthToken {
            token: self.token.clone(),
            principal_name: self.principal.clone(),
            lifetime_ms: self.expires_ms,
        })
    }
}

impl ConsumerContext for Session {}

impl ProducerContext for Session {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let delivery = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)),
        };
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
    }
}
