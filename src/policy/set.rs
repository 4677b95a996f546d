//! A whole set of policies: immutable, named by its content, swapped as one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::Subject;

use super::load::Gathered;
use super::operations::PERMITTED_APIS;
use super::plan::Plan;
use super::planning::Planner;
use super::query::{Action, Query};
use super::rule::{Direction, Exception, Mode, Permit, PolicyName, Rule};

/// The API whose built-in denial a permit can lift.
pub const CREATE_TOPICS: &str = "CreateTopics";

/// Every rule, exception and permit that is in force.
#[derive(Debug)]
pub struct PolicySet {
    revision: Arc<str>,
    digest: Arc<str>,
    /// In the order of their ids, so that the order of files and lines never decides anything.
    rules: Vec<Arc<Rule>>,
    produce: Vec<usize>,
    consume: Vec<usize>,
    admin: Vec<usize>,
    exceptions: Vec<Exception>,
    /// Rule id → its exceptions, by number.
    lifted: HashMap<Arc<str>, Vec<usize>>,
    permits: Vec<Permit>,
    files: Vec<FileSummary>,
}

/// What one file holds, for people who check their policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSummary {
    /// The file as its source named it.
    pub file: Arc<str>,
    /// The policy in it.
    pub policy: Arc<PolicyName>,
    /// All rules.
    pub rules: usize,
    /// Those of them in shadow mode.
    pub shadow: usize,
    /// Those of them that are disabled.
    pub disabled: usize,
    /// Exceptions.
    pub exceptions: usize,
    /// Permits.
    pub permits: usize,
}

impl PolicySet {
    pub(super) fn new(revision: Arc<str>, digest: Arc<str>, gathered: Gathered) -> Self {
        let Gathered { mut rules, exceptions, permits, files, .. } = gathered;
        rules.sort_by(|left, right| left.id.cmp(&right.id));
        let of = |direction: Direction| {
            let numbered = rules.iter().enumerate();
            numbered.filter(|(_, rule)| rule.direction == direction).map(|(n, _)| n).collect()
        };
        let (produce, consume, admin) = (
            of(Direction::Data(Action::Produce)),
            of(Direction::Data(Action::Consume)),
            of(Direction::Admin),
        );
        let mut lifted: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (number, exception) in exceptions.iter().enumerate() {
            for rule in &exception.rules {
                lifted.entry(Arc::clone(rule)).or_default().push(number);
            }
        }
        Self {
            revision,
            digest,
            rules,
            produce,
            consume,
            admin,
            exceptions,
            lifted,
            permits,
            files,
        }
    }

    /// A set without a single rule: data passes, and changes of the cluster are denied.
    #[must_use]
    pub fn empty() -> Self {
        let none: &[&super::Source] = &[];
        let revision = super::revision::of_sources(none);
        let digest = super::revision::with_keys(none, &[]);
        Self::new(revision, digest, Gathered::default())
    }

    /// `dir:` and 12 hex digits of a hash over the files: what rows and `/status` call this set.
    #[must_use]
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    /// A hash over the files and the keys of their masks, 64 hex digits: equal sets mask alike.
    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// Every rule that is not disabled, in the order of the ids.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// What each file holds.
    #[must_use]
    pub fn files(&self) -> &[FileSummary] {
        &self.files
    }

    /// Each exception: its id, its ticket, and when it expires, in seconds since 1970.
    pub fn exceptions(&self) -> impl Iterator<Item = (&Arc<str>, &str, i64)> {
        self.exceptions
            .iter()
            .map(|exception| (&exception.id, exception.ticket.as_str(), exception.expires_seconds))
    }

    /// What is left of the set for one subject, client, topic and action. It takes time in
    /// proportion to the rules of the direction; callers keep it.
    #[must_use]
    pub fn plan(&self, query: &Query<'_>) -> Arc<Plan> {
        Arc::new(Planner::new(self, query).plan())
    }

    /// Whether some topic may be denied to this subject, to read or to see, as a whole, whatever
    /// the client calls itself. Exceptions are not counted in its favour.
    #[must_use]
    pub fn restricts_topics(&self, subject: &Subject) -> bool {
        let restricts = |rule: &Rule| {
            rule.mode == Mode::Enforce
                && rule.reach.has_topics()
                && rule.may_deny_whole()
                && rule.principals.restrict_with_some_client(subject)
        };
        let hides = |rule: &Rule| rule.apis.iter().any(|api| !PERMITTED_APIS.contains(api));
        self.data_rules(Action::Consume).any(|(rule, _)| restricts(rule))
            || self.admin_rules().any(|rule| hides(rule) && restricts(rule))
    }

    /// Whether some rule may deny this subject a whole topic, group, transaction or the cluster,
    /// whatever the client calls itself. Exceptions are not counted in its favour.
    #[must_use]
    pub fn restricts_access(&self, subject: &Subject) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.may_deny_whole() && rule.principals.restrict_with_some_client(subject))
    }

    /// Whether any rule in force or on trial looks at records at all.
    #[must_use]
    pub fn reads_records(&self) -> bool {
        self.rules.iter().any(|rule| !rule.is_access())
    }

    /// Whether some permit names this API, whoever it is for.
    #[must_use]
    pub fn permits_somebody(&self, api: &str) -> bool {
        self.permits().iter().any(|permit| permit.apis.contains(&api))
    }

    pub(super) fn permits(&self) -> &[Permit] {
        &self.permits
    }

    pub(super) fn admin_rules(&self) -> impl Iterator<Item = &Rule> {
        self.admin.iter().filter_map(|number| self.rules.get(*number)).map(AsRef::as_ref)
    }

    pub(super) fn data_rules(&self, action: Action) -> impl Iterator<Item = (&Rule, usize)> {
        let numbers = match action {
            Action::Produce => &self.produce,
            Action::Consume => &self.consume,
        };
        numbers.iter().filter_map(|number| Some((self.rules.get(*number)?.as_ref(), *number)))
    }

    /// The exception that takes a rule away from somebody now, and when it ends. Of several the one
    /// that lasts longest.
    pub(super) fn exception(
        &self,
        rule: &Rule,
        subject: &Subject,
        client_id: &str,
        now_seconds: i64,
    ) -> Option<(&Arc<str>, i64)> {
        let numbers = self.lifted.get(&rule.id)?;
        numbers
            .iter()
            .filter_map(|number| self.exceptions.get(*number))
            .filter(|exception| exception.expires_seconds > now_seconds)
            .filter(|exception| exception.principals.relieve(subject, client_id))
            .max_by_key(|exception| exception.expires_seconds)
            .map(|exception| (&exception.id, exception.expires_seconds))
    }
}
