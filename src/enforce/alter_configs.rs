//! AlterConfigs (key 33) and IncrementalAlterConfigs (key 44): each resource judged by itself, with
//! the settings that it is to have.
//!
//! Settings decide what a broker keeps and writes, so a permit or a rule may look at each key.
//! Kafka asks for `AlterConfigs` on the topic, on the group, or on the cluster for brokers, loggers
//! and client metrics (`ControllerApis.authorizeAlterResource`). Source: KIP-133, KIP-339.

use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, alter_configs_response, incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::{Access, Refusal};
use super::config_resource::ConfigResource;
use super::exchange::{Course, Exchange, Touch};
use super::reservations::listed;
use crate::policy::{Operation, Wanted};
use crate::wire::codec;

pub struct AlterConfigs;
pub struct IncrementalAlterConfigs;

/// The resources of a request in its order, and the refused ones.
pub struct Asked<R> {
    order: Vec<(i8, StrBytes)>,
    refused: Vec<R>,
}

/// `AlterConfigOp.OpType`: a value is set, or the default is; the others change a list.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// A setting as the policy is to see it. One that goes back to its default has no value, whatever
/// the request says beside it. What a list will be is not in the request: named twice, it cannot be
/// evaluated.
fn said<'c>(
    operation: i8,
    name: &'c str,
    value: Option<&'c str>,
) -> impl Iterator<Item = (&'c str, Option<&'c str>)> {
    let value = value.filter(|_| operation != DELETE);
    let times = if matches!(operation, SET | DELETE) { 1 } else { 2 };
    std::iter::repeat_n((name, value), times)
}

/// What the answer calls one resource.
fn key(kind: i8, name: &str) -> StrBytes {
    codec::text(&format!("{kind}/{name}"))
}

/// Judges one resource; reserves its row where the broker is asked to change it.
fn check(
    access: &mut Access<'_, '_>,
    (kind, name): (i8, &StrBytes),
    configs: &[(&str, Option<&str>)],
) -> Result<(), Refusal> {
    let resource = ConfigResource::of(kind, name);
    let wanted = Wanted { configs, ..Wanted::default() };
    access.check_wanted(Operation::AlterConfigs, resource.judged(), wanted)?;
    let mut names: Vec<&str> = configs.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let settings = listed("sets", names.into_iter());
    let about = match resource.told() {
        Some(told) => format!("{told}: {settings}"),
        None => settings,
    };
    access.reserve(&key(kind, name), &resource.judged(), Some(&about));
    Ok(())
}

macro_rules! exchange {
    ($exchange:ident, $request:ident, $response:ident, $messages:ident, $said:expr) => {
        impl Exchange for $exchange {
            type Request = $request;
            type Response = $response;
            type Kept = Asked<$messages::AlterConfigsResourceResponse>;

            const EVIDENT: Evident = Evident::Row;

            fn request(
                access: &mut Access<'_, '_>,
                message: &mut $request,
            ) -> Course<Self::Kept, $response> {
                let order = message
                    .resources
                    .iter()
                    .map(|resource| (resource.resource_type, resource.resource_name.clone()))
                    .collect();
                let mut refused = Vec::new();
                message.resources.retain(|resource| {
                    let configs: Vec<(&str, Option<&str>)> =
                        resource.configs.iter().flat_map($said).collect();
                    let asked = (resource.resource_type, &resource.resource_name);
                    let Err(refusal) = check(access, asked, &configs) else { return true };
                    let mut result = $messages::AlterConfigsResourceResponse::default();
                    result.resource_type = resource.resource_type;
                    result.resource_name = resource.resource_name.clone();
                    result.error_code = refusal.code.0;
                    result.error_message = Some(refusal.message);
                    refused.push(result);
                    false
                });
                let asked = Asked { order, refused };
                match (asked.refused.is_empty(), message.resources.is_empty()) {
                    (true, _) => Course::Watch(asked),
                    (false, false) => Course::Amend(asked),
                    (false, true) => {
                        let mut answer = $response::default();
                        answer.responses = asked.refused;
                        Course::Answer(answer)
                    }
                }
            }

            fn response(
                access: &mut Access<'_, '_>,
                asked: &mut Self::Kept,
                message: &mut $response,
            ) -> Touch {
                for result in &message.responses {
                    let key = key(result.resource_type, &result.resource_name);
                    access.settle(&key, result.error_code);
                }
                if asked.refused.is_empty() {
                    return Touch::Unchanged;
                }
                message.responses.extend(asked.refused.iter().cloned());
                message.responses.sort_by_key(|result| {
                    asked.order.iter().position(|(kind, name)| {
                        *kind == result.resource_type && *name == result.resource_name
                    })
                });
                Touch::Changed
            }
        }
    };
}

exchange!(
    AlterConfigs,
    AlterConfigsRequest,
    AlterConfigsResponse,
    alter_configs_response,
    |config| said(SET, &config.name, config.value.as_deref())
);
exchange!(
    IncrementalAlterConfigs,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
    incremental_alter_configs_response,
    |config| said(config.config_operation, &config.name, config.value.as_deref())
);
