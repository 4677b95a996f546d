//! A policy that passed every check: rules, exceptions and permits as they are meant.

use std::sync::Arc;

use crate::field::{PathPattern, Scope};
use crate::mask::{Mask, MaskSpec};

use super::condition::{Condition, Reads};
use super::decision::DenyCode;
use super::document::Severity;
use super::message::Template;
use super::principals::Principals;
use super::query::Action;
use super::reach::{ConfigGlobs, Reach};

/// One rule of a policy set.
#[derive(Debug)]
pub struct Rule {
    pub(crate) id: Arc<str>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Option<Severity>,
    pub(crate) policy: Arc<PolicyName>,
    pub(crate) place: Place,
    pub(crate) mode: Mode,
    pub(crate) direction: Direction,
    /// Of an admin rule: the APIs that it is about.
    pub(crate) apis: Vec<&'static str>,
    pub(crate) reach: Reach,
    pub(crate) reach_written: Vec<String>,
    pub(crate) configs: Option<ConfigGlobs>,
    pub(crate) principals: Principals,
    pub(crate) when: Option<Condition>,
    pub(crate) select: Vec<Selector>,
    pub(crate) except: Vec<Selector>,
    pub(crate) action: RuleAction,
    pub(crate) on_undecodable: Undecodable,
}

/// The policy file that a rule is from, as its metadata says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.version`.
    pub version: Option<String>,
    /// `metadata.owner`.
    pub owner: Option<String>,
    /// `metadata.description`.
    pub description: Option<String>,
    /// `metadata.controls`: what it helps to fulfil, as in `PCI-DSS:3.4.1`.
    pub controls: Vec<String>,
}

/// Where something is written; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as its source named it.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// Whether a rule changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does.
    Enforce,
    /// It is computed and reported, and changes nothing.
    Shadow,
}

/// Which requests a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Data requests.
    Data(Action),
    /// Requests that change the cluster.
    Admin,
}

/// The earliest point at which a rule is decided, and with it what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Once per request and topic, from subject, client and topic.
    S1,
    /// Per record, from its envelope: sizes, headers, timestamps, the key's bytes.
    S2,
    /// Per record, from the fields of its value or key.
    S3,
}

impl Stage {
    /// `S1`, `S2` or `S3`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) scope: Scope,
    pub(crate) pattern: PathPattern,
}

pub(crate) enum RuleAction {
    Mask {
        mask: Arc<dyn Mask>,
        spec: MaskSpec,
    },
    /// Without a code, an admin rule answers as Kafka's authorizer or as its topic policies do.
    Deny {
        code: Option<DenyCode>,
        message: Arc<Template>,
    },
}

impl std::fmt::Debug for RuleAction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mask { spec, .. } => write!(out, "Mask({spec:?})"),
            Self::Deny { code, .. } => write!(out, "Deny({:?})", code.map(DenyCode::as_str)),
        }
    }
}

/// What a matching rule does with a record that it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    Drop,
    Deny,
    Redact,
    Pass,
}

#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) id: Arc<str>,
    pub(crate) rules: Vec<Arc<str>>,
    pub(crate) principals: Principals,
    pub(crate) expires_seconds: i64,
    pub(crate) ticket: String,
}

#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) id: Arc<str>,
    pub(crate) principals: Principals,
    pub(crate) apis: Vec<&'static str>,
    pub(crate) reach: Reach,
    /// The keys of settings that it is for; without it every one.
    pub(crate) configs: Option<ConfigGlobs>,
}

impl Rule {
    /// Unique in the set; it stands in every audit row and every refusal.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What its author says it is for.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// How grave a match is, if its author says so.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.severity
    }

    /// The policy it belongs to.
    #[must_use]
    pub fn policy(&self) -> &PolicyName {
        &self.policy
    }

    /// Where it is written.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What it is about.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The globs of its resources as written; none for an admin rule about everything.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        &self.reach_written
    }

    /// When it is decided.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let reads = self.reads();
        let selects_inside = self.select.iter().any(|selector| match selector.scope {
            Scope::Value | Scope::Key => true,
            Scope::Headers => false,
        });
        if selects_inside || reads.value_fields || reads.key_fields {
            Stage::S3
        } else if !self.select.is_empty() || reads.records() {
            Stage::S2
        } else {
            Stage::S1
        }
    }

    pub(crate) fn reads(&self) -> Reads {
        self.when.as_ref().map(|condition| condition.reads).unwrap_or_default()
    }

    /// Whether it can deny a resource as a whole: also where its condition looks at records too,
    /// for what is known of the resource may settle it.
    pub(crate) fn may_deny_whole(&self) -> bool {
        match self.action {
            RuleAction::Deny { .. } => self.select.is_empty(),
            RuleAction::Mask { .. } => false,
        }
    }

    /// Whether it decides about a resource as a whole.
    pub(crate) fn is_access(&self) -> bool {
        let denies = match self.action {
            RuleAction::Deny { .. } => true,
            RuleAction::Mask { .. } => false,
        };
        denies && self.stage() == Stage::S1
    }
}
