//! People with tokens, as librdkafka's clients: what they may write, and what they see.

use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

/// Longer than any exchange takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The year 2100.
const FAR_FUTURE_MS: i64 = 4_102_444_800_000;

/// Logs in with one token, and collects what became of records.
pub struct Login {
    token: String,
    reports: Mutex<Vec<Result<(), String>>>,
    errors: Mutex<Vec<String>>,
}

impl Login {
    fn new(token: &str) -> Self {
        Self { token: token.to_owned(), reports: Mutex::default(), errors: Mutex::default() }
    }
}

impl ClientContext for Login {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _settings: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Ok(OAuthToken {
            token: self.token.clone(),
            principal_name: "whoever the token names".to_owned(),
            // librdkafka sends no token that it believes to be at its end; judging is the server's.
            lifetime_ms: FAR_FUTURE_MS,
        })
    }

    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.errors.lock().unwrap().push(format!("{error}: {reason}"));
    }
}

impl ConsumerContext for Login {}

impl ProducerContext for Login {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let report = result.as_ref().map(|_| ()).map_err(|(error, _)| error.to_string());
        self.reports.lock().unwrap().push(report);
    }
}

fn client<C: FromClientConfigAndContext<Login>>(
    bootstrap: &str,
    token: &str,
    more: &[(&str, &str)],
) -> C {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", bootstrap)
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanisms", "OAUTHBEARER")
        .set("reconnect.backoff.max.ms", "500");
    for (name, value) in more {
        settings.set(*name, *value);
    }
    settings.create_with_context(Login::new(token)).unwrap()
}

/// Writes the values to partition 0; what became of each.
pub fn write(
    bootstrap: &str,
    token: &str,
    topic: &str,
    values: &[&str],
) -> Vec<Result<(), String>> {
    let producer: BaseProducer<Login> =
        client(bootstrap, token, &[("message.timeout.ms", "30000"), ("linger.ms", "5")]);
    for value in values {
        let record = BaseRecord::<(), str>::to(topic).partition(0).payload(value);
        producer.send(record).unwrap_or_else(|(error, _)| panic!("{error}"));
    }
    producer.flush(PATIENCE).unwrap();
    let reports = producer.context().reports.lock().unwrap();
    reports.clone()
}

/// One person's consumer, which stays connected.
pub struct Reader {
    consumer: BaseConsumer<Login>,
}

impl Reader {
    /// Reads partition 0 of the topic from its start.
    pub fn open(bootstrap: &str, token: &str, topic: &str) -> Self {
        let consumer: BaseConsumer<Login> = client(bootstrap, token, &[("group.id", "nobody")]);
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&place).unwrap();
        Self { consumer }
    }

    /// The next values.
    #[track_caller]
    pub fn next(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut values = Vec::new();
        while values.len() < count {
            let errors = self.consumer.context().errors.lock().unwrap().clone();
            assert!(Instant::now() < deadline, "{values:?} of {count} records; {errors:?}");
            // Errors are told of by `error`, and tried again by librdkafka itself.
            if let Some(Ok(message)) = self.consumer.poll(Duration::from_millis(200)) {
                let value = message.payload().unwrap_or_default();
                values.push(String::from_utf8_lossy(value).into_owned());
            }
        }
        values
    }
}

/// What somebody with this token sees of the topic.
#[track_caller]
pub fn read(bootstrap: &str, token: &str, topic: &str, count: usize) -> Vec<String> {
    Reader::open(bootstrap, token, topic).next(count)
}
