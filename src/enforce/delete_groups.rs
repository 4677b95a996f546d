//! DeleteGroups (key 42): each consumer group of a request judged by itself.
//!
//! Kafka asks for `Delete` on each group and appends those it refuses to the results of the others
//! (`KafkaApis.handleDeleteGroupsRequest`).

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

pub struct DeleteGroups;

impl Exchange for DeleteGroups {
    type Request = DeleteGroupsRequest;
    type Response = DeleteGroupsResponse;
    type Kept = Vec<DeletableGroupResult>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteGroupsRequest,
    ) -> Course<Self::Kept, DeleteGroupsResponse> {
        let mut refused = Vec::new();
        message.groups_names.retain(|group| {
            let resource = Resource::ConsumerGroup(group);
            let Err(refusal) = access.check(Operation::Delete, resource) else {
                access.reserve(group, &resource, None);
                return true;
            };
            let mut result = DeletableGroupResult::default();
            result.group_id = group.clone();
            result.error_code = refusal.code.0;
            refused.push(result);
            false
        });
        if refused.is_empty() {
            return Course::Watch(refused);
        }
        if message.groups_names.is_empty() {
            let mut answer = DeleteGroupsResponse::default();
            answer.results = refused;
            return Course::Answer(answer);
        }
        Course::Amend(refused)
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut DeleteGroupsResponse,
    ) -> Touch {
        for result in &message.results {
            access.settle(&result.group_id, result.error_code);
        }
        if refused.is_empty() {
            return Touch::Unchanged;
        }
        message.results.extend(refused.iter().cloned());
        Touch::Changed
    }
}
