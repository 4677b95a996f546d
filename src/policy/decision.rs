//! The answers of a policy.

use std::sync::Arc;

use smallvec::SmallVec;

use super::message::Message;

/// Whether a request may go on. A refusal carries the rule that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing denies it.
    Allow,
    /// A rule, or the built-in default, does.
    Deny(Denial),
}

/// A refusal. Where several rules refuse, this is the one whose id sorts first; `rules` has all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The rule that is named to the client.
    pub rule: Arc<str>,
    /// Which of Kafka's errors the client gets.
    pub code: DenyCode,
    /// What it reads.
    pub message: Message,
    /// The ids of every rule that refuses, sorted; the first is `rule`.
    pub rules: SmallVec<[Arc<str>; 1]>,
    /// How many of them refuse because their condition could not be evaluated.
    pub eval_errors: u32,
}

impl Denial {
    /// The refusal of a request that nobody stands behind.
    #[must_use]
    pub fn nobody() -> Self {
        super::builtin::nobody()
    }
}

/// The errors that a rule can choose, by Kafka's numbers (`Errors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenyCode {
    /// 87: the record is refused, and the producer goes on with the next batch.
    InvalidRecord,
    /// 44: the request is refused, and the producer goes on.
    PolicyViolation,
    /// 10: only about the size of a record; the Java client splits the batch and tries again.
    MessageTooLarge,
    /// 29: what Kafka's own authorizer answers.
    TopicAuthorizationFailed,
}

impl DenyCode {
    pub(crate) const ALL: [Self; 4] = [
        Self::InvalidRecord,
        Self::PolicyViolation,
        Self::MessageTooLarge,
        Self::TopicAuthorizationFailed,
    ];

    /// Kafka's name, as policies and audit rows write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRecord => "INVALID_RECORD",
            Self::PolicyViolation => "POLICY_VIOLATION",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::TopicAuthorizationFailed => "TOPIC_AUTHORIZATION_FAILED",
        }
    }

    /// Kafka's number.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::InvalidRecord => 87,
            Self::PolicyViolation => 44,
            Self::MessageTooLarge => 10,
            Self::TopicAuthorizationFailed => 29,
        }
    }
}

/// What happens to one record, weakest first. Several rules: the strongest wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It goes on as it is.
    #[default]
    Allow,
    /// Mask rules are in force: what they select is to be masked, if it is there.
    Mask,
    /// The whole value is replaced, because it could not be read. A null value stays null.
    Redact,
    /// The record is left out of what the reader gets.
    Drop,
    /// The record is refused, and its batch with it.
    Deny,
}
