//! DescribeGroups (key 15): classic groups, their members and what may be done with them.
//!
//! Kafka asks for `Describe` on each group and puts its refusals before the broker's answers. What
//! members said of their subscriptions stays opaque, as Kafka leaves it.

use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use super::Evident;
use super::access::Access;
use super::authorized::narrow;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

/// First version whose answer has an error message (KIP-1043).
const ERROR_MESSAGE_VERSION: i16 = 6;

pub struct DescribeGroups;

/// What goes into the answer.
pub struct Kept {
    refused: Vec<DescribedGroup>,
    operations: bool,
}

impl Exchange for DescribeGroups {
    type Request = DescribeGroupsRequest;
    type Response = DescribeGroupsResponse;
    type Kept = Kept;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeGroupsRequest,
    ) -> Course<Kept, DescribeGroupsResponse> {
        let mut answer = DescribeGroupsResponse::default();
        let has_message = access.version() >= ERROR_MESSAGE_VERSION;
        message.groups.retain(|group| {
            let checked = access.check(Operation::Describe, Resource::ConsumerGroup(group));
            let Err(refusal) = checked else { return true };
            let described = DescribedGroup::default()
                .with_group_id(group.clone())
                .with_error_code(refusal.code.0)
                .with_error_message(has_message.then_some(refusal.message));
            answer.groups.push(described);
            false
        });
        let (refused, operations) = (answer.groups, message.include_authorized_operations);
        if refused.is_empty() && !operations {
            Course::Pass
        } else if refused.is_empty() {
            Course::Watch(Kept { refused, operations })
        } else if message.groups.is_empty() {
            Course::Answer(DescribeGroupsResponse::default().with_groups(refused))
        } else {
            Course::Amend(Kept { refused, operations })
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        kept: &mut Kept,
        message: &mut DescribeGroupsResponse,
    ) -> Touch {
        if kept.operations {
            for group in &mut message.groups {
                let resource = Resource::ConsumerGroup(&group.group_id);
                group.authorized_operations = narrow(access, resource, group.authorized_operations);
            }
        }
        message.groups.splice(..0, kept.refused.iter().cloned());
        Touch::Changed
    }
}
