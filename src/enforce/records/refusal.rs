//! A partition that is refused: Kafka's code, what the client reads, and which records are to
//! blame.

use std::sync::Arc;

use crate::audit::{AuditDecision, AuditEvent};
use crate::policy::Denial;
use crate::wire::ErrorCode;

/// Records named in one answer; a batch may hold many thousands.
pub(super) const RECORD_ERRORS_MAX: usize = 100;

/// Why a partition of a produce is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
    pub rules: Vec<Arc<str>>,
    /// Index in the batch and text of each refused record (KIP-467).
    pub records: Vec<(i32, String)>,
}

impl Refusal {
    /// A refusal by no rule: the bytes themselves are at fault.
    pub fn plain(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.to_owned(), rules: Vec::new(), records: Vec::new() }
    }

    /// A refusal by a rule.
    pub fn of(denial: &Denial, topic: &str, record: Option<usize>, code: ErrorCode) -> Self {
        Self {
            code,
            message: denial.message.render(topic, record),
            rules: denial.rules.to_vec(),
            records: Vec::new(),
        }
    }

    /// Puts the refusal into the partition's row.
    pub fn put(&self, row: &mut AuditEvent) {
        row.decision = Some(AuditDecision::Deny);
        row.error_code = Some(self.code.0);
        row.message = Some(Arc::from(self.message.as_str()));
        for rule in &self.rules {
            if !row.rule_ids.contains(rule) {
                row.rule_ids.push(Arc::clone(rule));
            }
        }
    }
}
