//! DescribeConfigs (key 32): read-only, and without the settings that say where brokers listen.
//!
//! A broker's own configuration holds its listeners; told to a client they would be a way around
//! Lockgate. Such a value is shown as Kafka shows a password: there, sensitive, and null.

use kafka_protocol::messages::DescribeConfigsResponse;

use super::facts::Facts;
use super::outcome::{Forward, Judge, Outcome, Request, Response, ResponseOutcome};
use super::{Enforcement, Judged, settled};
use crate::wire::codec;

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
    let mut message: DescribeConfigsResponse = codec::decode(key, version, &response.body())?;
    let mut concealed = false;
    for config in message.results.iter_mut().flat_map(|result| &mut result.configs) {
        if names_an_address(&config.name) {
            config.value = None;
            config.is_sensitive = true;
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
        return Ok(ResponseOutcome::unchanged(response));
    }
    Ok(ResponseOutcome::Forward(response.with_body(codec::encode(key, version, &message)?)))
}
