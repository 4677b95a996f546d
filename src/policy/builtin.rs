//! The denials that no file has to write: Lockgate's own topics, and APIs that change the cluster.

use std::sync::Arc;

use smallvec::smallvec;

use super::decision::{Denial, DenyCode};
use super::message::{Message, Template};
use super::query::Resource;

/// What the names of Lockgate's own topics start with.
pub const INTERNAL_TOPIC_PREFIX: &str = "__lockgate_";
/// The rule that keeps clients out of them.
pub const INTERNAL_TOPIC: &str = "builtin:internal-topic";
/// The rule that keeps clients from changing the cluster without a permit.
pub const CLUSTER_CHANGE: &str = "builtin:cluster-change";
/// The rule that denies a topic whose rules select more patterns than one scan can look for.
pub const TOO_MANY_PATTERNS: &str = "builtin:too-many-patterns";

/// The rule that refuses whoever has not logged in.
pub const NOBODY: &str = "builtin:nobody";

pub(super) fn nobody() -> Denial {
    let text = "nobody has logged in on this connection";
    denial(NOBODY, DenyCode::TopicAuthorizationFailed, text, &Arc::from(""))
}

pub(super) fn is_internal(topic: &str) -> bool {
    topic.starts_with(INTERNAL_TOPIC_PREFIX)
}

pub(super) fn internal_topic(principal: &Arc<str>) -> Denial {
    let text = "this topic belongs to Lockgate";
    denial(INTERNAL_TOPIC, DenyCode::TopicAuthorizationFailed, text, principal)
}

pub(super) fn too_many_patterns(principal: &Arc<str>) -> Denial {
    let text = "the policies select more fields of this topic than can be looked for at once";
    denial(TOO_MANY_PATTERNS, DenyCode::TopicAuthorizationFailed, text, principal)
}

pub(super) fn cluster_change(api: &str, resource: Resource<'_>, principal: &Arc<str>) -> Denial {
    let of = match resource {
        Resource::Topic(name) => format!(" of topic {name}"),
        Resource::ConsumerGroup(name) => format!(" of consumer group {name}"),
        Resource::TransactionalId(name) => format!(" of transactional id {name}"),
        Resource::Cluster => String::new(),
    };
    let text = format!("{api}{of} needs an entry in `permits` for {principal} with apis: [{api}]");
    denial(CLUSTER_CHANGE, DenyCode::TopicAuthorizationFailed, &text, principal)
}

fn denial(rule: &str, code: DenyCode, text: &str, principal: &Arc<str>) -> Denial {
    let rule: Arc<str> = rule.into();
    let template = Arc::new(Template::fixed(text));
    let message = Message { template, rule: Arc::clone(&rule), principal: Arc::clone(principal) };
    Denial { rules: smallvec![Arc::clone(&rule)], rule, code, message, eval_errors: 0 }
}
