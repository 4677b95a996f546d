//! DescribeConfigs (key 32): each resource judged by itself, and without the settings that say
//! where brokers listen.
//!
//! A broker's own configuration holds its listeners; told to a client they would be a way around
//! Lockgate. Such a setting is there, as the broker describes it, and its value is null.
//!
//! Kafka asks for `DescribeConfigs` on the topic, the group or the cluster (`ConfigHelper`).

use std::collections::HashMap;

use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::Access;
use super::config_resource::ConfigResource;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::Operation;

/// Settings whose values name hosts and ports of brokers or controllers.
const ADDRESS_SETTINGS: &[&str] = &[
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "zookeeper.connect",
    "host.name",
    "advertised.host.name",
];

/// How such settings of the quorum and of plug-ins end.
const BOOTSTRAP_SERVERS: &str = "bootstrap.servers";

pub struct DescribeConfigs;

/// What the answer is completed with.
pub struct Asked {
    order: Vec<(i8, StrBytes)>,
    refused: Vec<DescribeConfigsResult>,
}

impl Exchange for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    type Response = DescribeConfigsResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeConfigsRequest,
    ) -> Course<Asked, DescribeConfigsResponse> {
        let order = message
            .resources
            .iter()
            .map(|resource| (resource.resource_type, resource.resource_name.clone()))
            .collect();
        let mut refused = Vec::new();
        message.resources.retain(|resource| {
            let judged = ConfigResource::of(resource.resource_type, &resource.resource_name);
            let checked = access.check(Operation::DescribeConfigs, judged.judged());
            let Err(refusal) = checked else { return true };
            let mut result = DescribeConfigsResult::default();
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
                let mut answer = DescribeConfigsResponse::default();
                answer.results = asked.refused;
                Course::Answer(answer)
            }
        }
    }

    fn response(
        _access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut DescribeConfigsResponse,
    ) -> Touch {
        let concealed = conceal(message);
        if asked.refused.is_empty() {
            return if concealed { Touch::Changed } else { Touch::Unchanged };
        }
        message.results.extend(asked.refused.iter().cloned());
        // The first place of each; anybody may ask for very many.
        let mut places: HashMap<&(i8, StrBytes), usize> = HashMap::new();
        for (place, named) in asked.order.iter().enumerate() {
            places.entry(named).or_insert(place);
        }
        message.results.sort_by_cached_key(|result| {
            places.get(&(result.resource_type, result.resource_name.clone())).copied()
        });
        Touch::Changed
    }
}

fn names_an_address(setting: &str) -> bool {
    ADDRESS_SETTINGS.contains(&setting) || setting.ends_with(BOOTSTRAP_SERVERS)
}

fn conceal(message: &mut DescribeConfigsResponse) -> bool {
    let mut concealed = false;
    for config in message.results.iter_mut().flat_map(|result| &mut result.configs) {
        if names_an_address(&config.name) {
            config.value = None;
            config.synonyms.clear();
            concealed = true;
        }
        for synonym in &mut config.synonyms {
            if names_an_address(&synonym.name) {
                synonym.value = None;
                concealed = true;
            }
        }
    }
    concealed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use kafka_protocol::messages::describe_configs_response::{
        DescribeConfigsResourceResult, DescribeConfigsSynonym,
    };

    use super::*;

    #[test]
    fn a_setting_with_addresses_is_described_without_its_value() {
        let setting = |name: &'static str| {
            let value = Some(StrBytes::from_static_str("PLAINTEXT://kafka-1:9092"));
            let synonym = DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(value.clone());
            DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(value)
                .with_read_only(true)
                .with_synonyms(vec![synonym])
        };
        let configs = vec![setting("advertised.listeners"), setting("node.id")];
        let result = DescribeConfigsResult::default().with_configs(configs);
        let mut shown = DescribeConfigsResponse::default().with_results(vec![result]);
        assert!(conceal(&mut shown));
        let [listeners, node] = shown.results[0].configs.as_slice() else { panic!("{shown:?}") };
        assert_eq!((&listeners.value, listeners.is_sensitive), (&None, false));
        assert!(listeners.read_only && listeners.synonyms.is_empty());
        assert_eq!(node, &setting("node.id"));
    }
}
