//! Small questions to the broker itself.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::KAFKA;
use crate::testcontainers::Wire;

/// A Metadata request for topics of these names.
pub fn metadata(topics: &[&str], creates: bool) -> MetadataRequest {
    let topics = topics.iter().map(|topic| {
        let name = TopicName(StrBytes::from_string((*topic).to_owned()));
        MetadataRequestTopic::default().with_name(Some(name))
    });
    MetadataRequest::default()
        .with_topics(Some(topics.collect()))
        .with_allow_auto_topic_creation(creates)
}

/// What the broker says of a topic, without creating it.
pub fn described(topic: &str) -> MetadataResponse {
    Wire::connect(&KAFKA.node(1).direct_address()).ask(12, &metadata(&[topic], false))
}

/// The id of a topic that exists.
pub fn topic_id(topic: &str) -> uuid::Uuid {
    described(topic).topics[0].topic_id
}

/// Whether the broker has the topic.
pub fn exists(topic: &str) -> bool {
    described(topic).topics[0].error_code != 3
}
