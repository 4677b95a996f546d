//! Which resources a rule or a permit is about.

use crate::field::{Glob, TopicGlobs};

use super::query::Resource;

/// The resources of a rule. A group or a transactional id is matched as a topic's name is: `*` is
/// one part between dots.
#[derive(Debug, PartialEq)]
pub(crate) enum Reach {
    Topics(TopicGlobs),
    ConsumerGroups(TopicGlobs),
    TransactionalIds(TopicGlobs),
    /// An admin rule that names no resource, or every topic.
    Everything,
}

impl Reach {
    pub(crate) fn topic(&self, topic: &str) -> bool {
        self.covers(Resource::Topic(topic))
    }

    pub(crate) fn covers(&self, resource: Resource<'_>) -> bool {
        match (self, resource) {
            (Self::Everything, _) => true,
            (Self::Topics(globs), Resource::Topic(name))
            | (Self::ConsumerGroups(globs), Resource::ConsumerGroup(name))
            | (Self::TransactionalIds(globs), Resource::TransactionalId(name)) => {
                globs.matches(name)
            }
            (Self::Topics(_) | Self::ConsumerGroups(_) | Self::TransactionalIds(_), _) => false,
        }
    }

    /// Whether it is about topics, among others or not.
    pub(crate) fn has_topics(&self) -> bool {
        match self {
            Self::Topics(_) | Self::Everything => true,
            Self::ConsumerGroups(_) | Self::TransactionalIds(_) => false,
        }
    }
}

/// Globs over the keys of settings: `*` is any number of characters, dots too.
#[derive(Debug, PartialEq)]
pub(crate) struct ConfigGlobs {
    pub(crate) included: Vec<Glob>,
    pub(crate) excluded: Vec<Glob>,
}

impl ConfigGlobs {
    pub(crate) fn matches(&self, key: &str) -> bool {
        self.included.iter().any(|glob| glob.matches(key))
            && !self.excluded.iter().any(|glob| glob.matches(key))
    }
}
