//! What was taken out of a request because it is refused, until it is put into the answer.

use std::collections::HashMap;

use kafka_protocol::messages::TopicName;

use super::exchange::{Course, Touch};

/// How a request goes on without `refused`, whose results Kafka puts beside the broker's; answered
/// here if nothing else is left.
pub fn course<T, R>(
    refused: Vec<T>,
    nothing_left: bool,
    answer: impl FnOnce(Vec<T>) -> R,
) -> Course<Vec<T>, R> {
    match (refused.is_empty(), nothing_left) {
        (true, _) => Course::Pass,
        (false, false) => Course::Amend(refused),
        (false, true) => Course::Answer(answer(refused)),
    }
}

/// Results of refused topics, and the order of the request in which they are told with the others.
pub struct InOrder<T> {
    order: Vec<TopicName>,
    refused: Vec<T>,
}

impl<T: Clone> InOrder<T> {
    pub const fn new(order: Vec<TopicName>, refused: Vec<T>) -> Self {
        Self { order, refused }
    }

    /// As [`course`], for a request whose answer is looked at in any case.
    pub fn course<R>(
        self,
        nothing_left: bool,
        answer: impl FnOnce(Vec<T>) -> R,
    ) -> Course<Self, R> {
        match (self.refused.is_empty(), nothing_left) {
            (true, _) => Course::Watch(self),
            (false, false) => Course::Amend(self),
            (false, true) => Course::Answer(answer(self.refused)),
        }
    }

    /// Puts the refused among the broker's `results`. What the request did not name comes first.
    pub fn put_back(&self, results: &mut Vec<T>, name: impl Fn(&T) -> &TopicName) -> Touch {
        if self.refused.is_empty() {
            return Touch::Unchanged;
        }
        let mut places: HashMap<&TopicName, usize> = HashMap::with_capacity(self.order.len());
        for (place, asked) in self.order.iter().enumerate() {
            places.entry(asked).or_insert(place);
        }
        results.extend(self.refused.iter().cloned());
        results.sort_by_key(|result| places.get(name(result)).copied());
        Touch::Changed
    }
}
