//! DescribeConfigs (key 32): read-only, and without the settings that say where brokers listen.
//!
//! A broker's own configuration holds its listeners; told to a client they would be a way around
//! Lockgate. Such a setting is there, as the broker describes it, and its value is null.

use bytes::Bytes;
use kafka_protocol::messages::DescribeConfigsResponse;

use super::facts::Facts;
use super::outcome::{Forward, Judge, Outcome, Request, Response, ResponseOutcome};
use super::{Enforcement, Judged, settled};
use crate::wire::ApiKey;
use crate::wire::codec::{self, CodecFault};

/// Settings whose values name hosts and ports of brokers or controllers.
const ADDRESS_SETTINGS: &[&str] = &[
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "zookeeper.connect",
    "host.name",
    "advertised.host.name",
];

pub struct DescribeConfigs;

impl Enforcement for DescribeConfigs {
    fn request(&self, _facts: &mut Facts<'_>, request: &Request) -> Outcome {
        Outcome::Forward(Forward::judged(request, Settings))
    }
}

struct Settings;

impl Judge for Settings {
    fn judge(&mut self, _facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(conceal(response))
    }
}

fn names_an_address(setting: &str) -> bool {
    ADDRESS_SETTINGS.contains(&setting)
}

fn conceal(response: &Response) -> Judged {
    let (key, version) = (response.key, response.version);
    Ok(match without_addresses(key, version, &response.body())? {
        None => ResponseOutcome::unchanged(response),
        Some(body) => ResponseOutcome::Forward(response.with_body(body)),
    })
}

/// The body without the values of settings that hold addresses; `None` when it has none.
fn without_addresses(key: ApiKey, version: i16, body: &Bytes) -> Result<Option<Bytes>, CodecFault> {
    let mut message: DescribeConfigsResponse = codec::decode(key, version, body)?;
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
    if !concealed {
        return Ok(None);
    }
    codec::encode(key, version, &message).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use kafka_protocol::messages::describe_configs_response::{
        DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    };
    use kafka_protocol::protocol::StrBytes;

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
        let message = DescribeConfigsResponse::default().with_results(vec![result]);
        let key = ApiKey::named("DescribeConfigs").unwrap();
        let body = codec::encode(key, 4, &message).unwrap();
        let shown = without_addresses(key, 4, &body).unwrap().unwrap();
        let shown: DescribeConfigsResponse = codec::decode(key, 4, &shown).unwrap();
        let [listeners, node] = shown.results[0].configs.as_slice() else { panic!("{shown:?}") };
        assert_eq!((&listeners.value, listeners.is_sensitive), (&None, false));
        assert!(listeners.read_only && listeners.synonyms.is_empty());
        assert_eq!(node, &setting("node.id"));
    }
}
