//! ListConfigResources (key 74): the names of what has settings.
//!
//! Kafka asks for `DescribeConfigs` on the cluster. Topics and groups that the subject may not see
//! are left out beyond that. Source: KIP-1142; v0 lists client metrics alone (KIP-1000).

use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::Evident;
use super::access::Access;
use super::config_resource::ConfigResource;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

pub struct ListConfigResources;

impl Exchange for ListConfigResources {
    type Request = ListConfigResourcesRequest;
    type Response = ListConfigResourcesResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        _message: &mut ListConfigResourcesRequest,
    ) -> Course<(), ListConfigResourcesResponse> {
        let Err(refusal) = access.check(Operation::DescribeConfigs, Resource::Cluster) else {
            return Course::Watch(());
        };
        let mut answer = ListConfigResourcesResponse::default();
        answer.error_code = refusal.code.0;
        Course::Answer(answer)
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut ListConfigResourcesResponse,
    ) -> Touch {
        let before = message.config_resources.len();
        message.config_resources.retain(|listed| {
            match ConfigResource::of(listed.resource_type, &listed.resource_name) {
                named @ (ConfigResource::Topic(_) | ConfigResource::Group(_)) => {
                    access.may(Operation::Describe, named.judged())
                }
                ConfigResource::Other { .. } => true,
            }
        });
        if message.config_resources.len() == before { Touch::Unchanged } else { Touch::Changed }
    }
}
