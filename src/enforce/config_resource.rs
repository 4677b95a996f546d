//! What settings belong to: Kafka's `ConfigResource.Type`, and what the policy is asked about it.

use crate::policy::Resource;

/// One resource of a request or an answer about settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigResource<'n> {
    Topic(&'n str),
    Group(&'n str),
    /// A broker, its loggers, client metrics, and what a newer Kafka may add.
    Other {
        kind: i8,
        name: &'n str,
    },
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

impl<'n> ConfigResource<'n> {
    #[must_use]
    pub fn of(kind: i8, name: &'n str) -> Self {
        match kind {
            TOPIC => Self::Topic(name),
            GROUP => Self::Group(name),
            kind => Self::Other { kind, name },
        }
    }

    /// What the policy is asked about.
    #[must_use]
    pub fn judged(self) -> Resource<'n> {
        match self {
            Self::Topic(name) => Resource::Topic(name),
            Self::Group(name) => Resource::ConsumerGroup(name),
            Self::Other { .. } => Resource::Cluster,
        }
    }

    /// What a row's message calls it; nothing where the row has the topic.
    #[must_use]
    pub fn told(self) -> Option<String> {
        match self {
            Self::Topic(_) => None,
            Self::Group(name) => Some(format!("consumer group {name}")),
            Self::Other { kind: BROKER, name: "" } => Some("all brokers".to_owned()),
            Self::Other { kind: BROKER, name } => Some(format!("broker {name}")),
            Self::Other { kind: BROKER_LOGGER, name } => Some(format!("loggers of broker {name}")),
            Self::Other { kind: CLIENT_METRICS, name } => Some(format!("client metrics {name}")),
            Self::Other { kind, name } => Some(format!("resource {name} of type {kind}")),
        }
    }
}
