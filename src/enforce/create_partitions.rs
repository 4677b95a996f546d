//! CreatePartitions (key 37): each topic that is to have more partitions judged by itself.
//!
//! Source: KIP-195; Kafka asks for `Alter` on each topic (`ControllerApis.createPartitions`).

use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::refused::InOrder;
use crate::policy::{Operation, Resource, Wanted};

pub struct CreatePartitions;

impl Exchange for CreatePartitions {
    type Request = CreatePartitionsRequest;
    type Response = CreatePartitionsResponse;
    type Kept = InOrder<CreatePartitionsTopicResult>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut CreatePartitionsRequest,
    ) -> Course<Self::Kept, CreatePartitionsResponse> {
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
        InOrder::new(order, refused).course(message.topics.is_empty(), |refused| {
            CreatePartitionsResponse::default().with_results(refused)
        })
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut CreatePartitionsResponse,
    ) -> Touch {
        for result in &message.results {
            access.settle(&result.name, result.error_code);
        }
        refused.put_back(&mut message.results, |result| &result.name)
    }
}
