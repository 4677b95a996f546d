//! What tests of refusals share: one set of rules, a request that is refused, one that goes on.

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::frames::request;
use super::talk::Talk;
use crate::audit::AuditDecision;
use crate::enforce::row;
use crate::wire::{ApiKey, codec};

/// Nobody may use what is called `closed`.
pub const RULES: &str = "    - id: no-group
      match: {direction: consume, consumer_groups: [closed]}
      action: {deny: {}}
    - id: no-read
      match: {direction: consume, topics: [closed]}
      action: {deny: {}}
    - id: no-write
      match: {direction: produce, topics: [closed]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
    - id: no-transaction
      match: {direction: produce, transactional_ids: [closed]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
";

pub fn topic(name: &str) -> TopicName {
    TopicName(codec::text(name))
}

/// Every version that is offered.
pub fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    row(key).unwrap().versions()
}

/// The answer to a request of which nothing goes on.
#[track_caller]
pub fn refused<A: Decodable>(key: ApiKey, version: i16, ask: &impl Encodable) -> A {
    let mut talk = Talk::begun(RULES);
    talk.client(&request(key, version, 1, ask));
    assert!(talk.to_broker().is_empty(), "{key} v{version} goes nowhere");
    let rows = talk.rows();
    let denied = |row: &crate::audit::AuditEvent| {
        row.decision == Some(AuditDecision::Deny) && row.error_code.is_some_and(|code| code != 0)
    };
    assert!(!rows.is_empty() && rows.iter().all(denied), "{key} v{version}: {rows:?}");
    talk.answer(key, version)
}

/// The request goes on byte for byte.
#[track_caller]
pub fn passed(key: ApiKey, version: i16, ask: &impl Encodable) {
    for rules in [RULES, ""] {
        let mut talk = Talk::begun(rules);
        let frame = request(key, version, 1, ask);
        talk.client(&frame);
        assert_eq!(talk.to_broker(), [frame.slice(4..)], "{key} v{version}");
        assert!(talk.to_client().is_empty());
    }
}
