//! CreatePartitions (key 37): each topic that is to have more partitions judged by itself.
//!
//! Source: KIP-195; Kafka asks for `Alter` on each topic (`ControllerApis.createPartitions`).

use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource, Wanted};

pub struct CreatePartitions;

/// What the answer is completed with.
pub struct Asked {
    order: Vec<TopicName>,
    refused: Vec<CreatePartitionsTopicResult>,
}

impl Exchange for CreatePartitions {
    type Request = CreatePartitionsRequest;
    type Response = CreatePartitionsResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut CreatePartitionsRequest,
    ) -> Course<Asked, CreatePartitionsResponse> {
        let order = message.topics.iter().map(|topic| topic.name.clone()).collect();
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let wanted = Wanted { partitions: Some(topic.count), ..Wanted::default() };
            let resource = Resource::Topic(&topic.name);
            let Err(refusal) = access.check_wanted(Operation::Alter, resource, wanted) else {
                access.reserve(&topic.name, &resource, None);
                return true;
            };
            let mut result = CreatePartitionsTopicResult::default();
            result.name = topic.name.clone();
            result.error_code = refusal.code.0;
            result.error_message = Some(refusal.message);
            refused.push(result);
            false
        });
        let asked = Asked { order, refused };
        match (asked.refused.is_empty(), message.topics.is_empty()) {
            (true, _) => Course::Watch(asked),
            (false, false) => Course::Amend(asked),
            (false, true) => {
                let mut answer = CreatePartitionsResponse::default();
                answer.results = asked.refused;
                Course::Answer(answer)
            }
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut CreatePartitionsResponse,
    ) -> Touch {
        for result in &message.results {
            access.settle(&result.name, result.error_code);
        }
        if asked.refused.is_empty() {
            return Touch::Unchanged;
        }
        let place = |name: &TopicName| asked.order.iter().position(|asked| asked == name);
        message.results.extend(asked.refused.iter().cloned());
        message.results.sort_by_key(|result| place(&result.name));
        Touch::Changed
    }
}
