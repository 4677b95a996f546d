//! Topic ids and the names they stand for, as the cluster's own answers gave them.

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;

use crate::wire::TopicId;

/// Ids kept at the most; beyond that new ones are asked anew each time.
const TOPIC_IDS_MAX: usize = 200_000;

/// What is known of a cluster's topic ids. An id never changes its name (KIP-516), so what was
/// learned once stays true; that an id is unknown is never kept.
#[derive(Default)]
pub struct TopicNames {
    names: DashMap<TopicId, Arc<str>>,
}

impl TopicNames {
    /// The name of the topic with this id, if an answer of this cluster ever gave it.
    #[must_use]
    pub fn name(&self, id: TopicId) -> Option<Arc<str>> {
        self.names.get(&id).map(|entry| Arc::clone(entry.value()))
    }

    /// Keeps what a Metadata response said.
    pub fn learn(&self, id: TopicId, name: &str) {
        if id.is_zero() || self.names.contains_key(&id) || self.names.len() >= TOPIC_IDS_MAX {
            return;
        }
        self.names.insert(id, Arc::from(name));
    }
}

/// Names kept for one connection; a client that uses more pays for a copy of each again.
const NAMES_MAX: usize = 4_096;

/// Topic names of one connection, each kept once.
#[derive(Default)]
pub struct NameCache {
    names: HashSet<Arc<str>>,
}

impl NameCache {
    /// The shared copy of `name`.
    pub fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        let shared: Arc<str> = Arc::from(name);
        self.names.insert(Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t08_an_id_keeps_its_name_and_zero_is_no_topic() {
        let names = TopicNames::default();
        let id = TopicId([7; 16]);
        assert_eq!(names.name(id), None);
        names.learn(id, "orders");
        names.learn(id, "other");
        names.learn(TopicId::ZERO, "nothing");
        assert_eq!(names.name(id).as_deref(), Some("orders"));
        assert_eq!(names.name(TopicId::ZERO), None);
    }
}
