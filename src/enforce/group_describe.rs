//! ConsumerGroupDescribe (key 69, KIP-848) and ShareGroupDescribe (key 77, KIP-932).
//!
//! Kafka asks for `Describe` on each group and puts its refusals before the broker's answers. A
//! group with a topic in its assignments that may not be described is answered with error 29 and
//! nothing of its members (`KafkaApis.handleConsumerGroupDescribe`).

use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ShareGroupDescribeRequest,
    ShareGroupDescribeResponse, consumer_group_describe_response as consumer,
    share_group_describe_response as share,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::Access;
use super::authorized::narrow;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// Kafka's own words.
const HIDDEN_TOPIC: &str =
    "The group has described topic(s) that the client is not authorized to describe.";

pub struct ConsumerGroupDescribe;
pub struct ShareGroupDescribe;

/// The topics in what a member is to read.
trait Reader {
    fn topics(&self) -> impl Iterator<Item = &str>;
}

impl Reader for consumer::Member {
    fn topics(&self) -> impl Iterator<Item = &str> {
        let assignments = [&self.assignment, &self.target_assignment].into_iter();
        let partitions = assignments.flat_map(|assignment| &assignment.topic_partitions);
        partitions.map(|partitions| &**partitions.topic_name)
    }
}

impl Reader for share::Member {
    fn topics(&self) -> impl Iterator<Item = &str> {
        self.assignment.topic_partitions.iter().map(|partitions| &**partitions.topic_name)
    }
}

/// The two APIs differ in the types of their messages only.
macro_rules! describe {
    ($api:ident, $request:ident, $response:ident, $group:path) => {
        impl Exchange for $api {
            type Request = $request;
            type Response = $response;
            type Kept = Vec<$group>;

            const EVIDENT: Evident = Evident::Row;
            const LIGHT: bool = true;

            fn request(
                access: &mut Access<'_, '_>,
                message: &mut $request,
            ) -> Course<Vec<$group>, $response> {
                let mut refused = Vec::new();
                message.group_ids.retain(|group| {
                    let resource = Resource::ConsumerGroup(group);
                    let Err(refusal) = access.check(Operation::Describe, resource) else {
                        return true;
                    };
                    let mut described = <$group>::default();
                    described.group_id = group.clone();
                    described.error_code = refusal.code.0;
                    described.error_message = Some(refusal.message);
                    refused.push(described);
                    false
                });
                if refused.is_empty() {
                    Course::Watch(refused)
                } else if message.group_ids.is_empty() {
                    Course::Answer($response::default().with_groups(refused))
                } else {
                    Course::Amend(refused)
                }
            }

            fn response(
                access: &mut Access<'_, '_>,
                refused: &mut Vec<$group>,
                message: &mut $response,
            ) -> Touch {
                for group in &mut message.groups {
                    if shows_hidden_topic(access, &group.members) {
                        let mut hidden = <$group>::default();
                        hidden.group_id = group.group_id.clone();
                        hidden.error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
                        hidden.error_message = Some(StrBytes::from_static_str(HIDDEN_TOPIC));
                        *group = hidden;
                    }
                    let resource = Resource::ConsumerGroup(&group.group_id);
                    let told = group.authorized_operations;
                    group.authorized_operations = narrow(access, resource, told);
                }
                message.groups.splice(..0, refused.iter().cloned());
                Touch::Changed
            }
        }
    };
}

describe!(
    ConsumerGroupDescribe,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    consumer::DescribedGroup
);
describe!(
    ShareGroupDescribe,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
    share::DescribedGroup
);

fn shows_hidden_topic(access: &mut Access<'_, '_>, members: &[impl Reader]) -> bool {
    members
        .iter()
        .flat_map(Reader::topics)
        .any(|topic| !access.may(Operation::Describe, Resource::Topic(topic)))
}
