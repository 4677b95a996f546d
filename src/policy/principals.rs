//! Whom a rule, an exception or a permit is about.

use std::sync::Arc;

use crate::field::Glob;
use crate::identity::{Groups, Mechanism, Subject};

/// A checked `principals`: every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Principals {
    pub(crate) any_of: Vec<Arc<str>>,
    pub(crate) all_of: Vec<Arc<str>>,
    pub(crate) none_of: Vec<Arc<str>>,
    pub(crate) users: Vec<Arc<str>>,
    pub(crate) clients: Vec<Glob>,
    pub(crate) auth: Vec<Mechanism>,
}

impl Principals {
    /// For a rule: groups that are not known satisfy every group condition.
    pub(crate) fn restrict(&self, subject: &Subject, client_id: &str) -> bool {
        self.restrict_with_some_client(subject) && self.client(client_id)
    }

    /// As [`Self::restrict`] while the client id is not known, or could be any.
    pub(crate) fn restrict_with_some_client(&self, subject: &Subject) -> bool {
        let groups = match &subject.groups {
            Groups::Unknown => true,
            Groups::Known(_) => self.groups(&subject.groups),
        };
        groups && self.login(subject)
    }

    /// For an exception or a permit: groups that are not known satisfy no group condition.
    pub(crate) fn relieve(&self, subject: &Subject, client_id: &str) -> bool {
        let groups = match &subject.groups {
            Groups::Unknown => !self.ask_for_groups(),
            Groups::Known(_) => self.groups(&subject.groups),
        };
        groups && self.login(subject) && self.client(client_id)
    }

    pub(crate) fn ask_for_groups(&self) -> bool {
        !(self.any_of.is_empty() && self.all_of.is_empty() && self.none_of.is_empty())
    }

    fn groups(&self, groups: &Groups) -> bool {
        let member = |name: &Arc<str>| groups.contains(name);
        (self.any_of.is_empty() || self.any_of.iter().any(member))
            && self.all_of.iter().all(member)
            && !self.none_of.iter().any(member)
    }

    fn login(&self, subject: &Subject) -> bool {
        let user = |text: &Arc<str>| subject.principal.matches(text);
        (self.users.is_empty() || self.users.iter().any(user))
            && (self.auth.is_empty() || self.auth.contains(&subject.mechanism))
    }

    fn client(&self, client_id: &str) -> bool {
        self.clients.is_empty() || self.clients.iter().any(|glob| glob.matches(client_id))
    }
}
