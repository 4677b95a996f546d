//! The policy decision point: files in the language `policy/v1` in, decisions out.
//!
//! [`load()`] turns files into a [`PolicySet`] or into [`Problems`] with file, line, column and a
//! suggestion. A set answers three questions: what is left to do for this subject on this topic
//! ([`PolicySet::plan`]), may it do this to that resource ([`PolicySet::access`]), and, of a
//! plan, what happens to this record ([`Plan::judge`], [`Plan::mask_for`]).
//!
//! The semantics, short enough to memorise:
//! 1. All rules are evaluated; their order does not matter. Deny > drop > redact > mask > allow.
//! 2. On one field the stronger mask wins. Equally strong ones that certainly meet are refused at
//!    load; where that cannot be told, the rule whose id sorts first wins.
//! 3. Rules only restrict. Relief is an exception with an expiry and a ticket, or, for the built-in
//!    denial of changes to the cluster, a permit.
//! 4. A condition that cannot be evaluated makes a rule match, and an exception not.
//! 5. Groups that are not known satisfy every condition of a rule and none of an exception.
//! 6. Shadow rules are computed and reported, and change nothing.
//!
//! What the language has and this version has not (labels, tags, detectors, holds, …) is refused by
//! name when a file is loaded. This module knows nothing of the wire, of batches, or of formats.

mod access;
mod builtin;
mod compile;
mod condition;
mod decision;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod instant;
mod lint;
mod load;
mod message;
mod operations;
mod plan;
mod planning;
mod position;
mod principals;
mod problems;
mod query;
mod reach;
mod revision;
mod rule;
mod set;
mod verdict;

#[cfg(test)]
mod tests;

pub use builtin::{CLUSTER_CHANGE, INTERNAL_TOPIC, INTERNAL_TOPIC_PREFIX, TOO_MANY_PATTERNS};
pub use decision::{Decision, Denial, DenyCode, Effect};
pub use document::Severity;
#[doc(hidden)]
pub use fuzzing::fuzz_one;
pub use load::{FILES_MAX, Ground, RULES_MAX, Secrets, Source, load};
pub use message::{MESSAGE_CHARACTERS_MAX, Message};
pub use operations::{ACCESS, AccessRow, PERMITTED_APIS, ResourceKind};
pub use plan::{MaskRule, Needs, Plan};
pub use problems::Problems;
pub use query::{AccessQuery, Action, Operation, Query, RecordView, Resource, Wanted};
pub use rule::{Direction, Mode, Place, PolicyName, Rule, Stage};
pub use set::{CREATE_TOPICS, FileSummary, PolicySet};
pub use verdict::{RuleIndex, Verdict};
