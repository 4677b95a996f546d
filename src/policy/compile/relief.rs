//! Exceptions and permits: the only ways in which anything is ever allowed again.

use crate::policy::document::{ExceptionDocument, PermitDocument, PrincipalsDocument};
use crate::policy::instant;
use crate::policy::load::Gathered;
use crate::policy::principals::Principals;
use crate::policy::rule::{Exception, Permit};
use crate::policy::set::CREATE_TOPICS;
use crate::yaml::{At, nearest};

use super::{Checked, Compiler, Refused};

/// Kafka's other APIs that change the cluster.
const NOT_BUILT: [&str; 16] = [
    "DeleteTopics",
    "CreatePartitions",
    "AlterConfigs",
    "IncrementalAlterConfigs",
    "DeleteRecords",
    "CreateAcls",
    "DeleteAcls",
    "AlterClientQuotas",
    "AlterUserScramCredentials",
    "AlterPartitionReassignments",
    "ElectLeaders",
    "AlterReplicaLogDirs",
    "UpdateFeatures",
    "AddRaftVoter",
    "RemoveRaftVoter",
    "UnregisterBroker",
];

impl Compiler<'_> {
    pub(super) fn exception(&mut self, written: &At<ExceptionDocument>, gathered: &mut Gathered) {
        if let Ok(exception) = self.checked_exception(written, gathered) {
            gathered.exceptions.push(exception);
        }
    }

    fn checked_exception(
        &mut self,
        written: &At<ExceptionDocument>,
        gathered: &mut Gathered,
    ) -> Checked<Exception> {
        let ExceptionDocument { id, rules, principals, expires, ticket, .. } = &written.value;
        let id = self.id(id, &mut gathered.ids)?;
        if rules.value.is_empty() {
            return Err(self.refuse(rules, "an exception names the rules that it lifts"));
        }
        if ticket.value.trim().is_empty() {
            return Err(self.refuse(ticket, "an exception names the ticket that granted it"));
        }
        let expires_seconds = match instant::parse(&expires.value) {
            Ok(seconds) => seconds,
            Err(message) => return Err(self.refuse(expires, message)),
        };
        let principals = self.relieved(principals)?;
        let names = rules.value.iter().map(|rule| rule.value.as_str().into()).collect();
        for rule in &rules.value {
            gathered.references.push((self.place(rule), rule.value.as_str().into()));
        }
        let ticket = ticket.value.clone();
        Ok(Exception { id, rules: names, principals, expires_seconds, ticket })
    }

    pub(super) fn permit(&mut self, written: &At<PermitDocument>, gathered: &mut Gathered) {
        if let Ok(permit) = self.checked_permit(written, gathered) {
            gathered.permits.push(permit);
        }
    }

    fn checked_permit(
        &mut self,
        written: &At<PermitDocument>,
        gathered: &mut Gathered,
    ) -> Checked<Permit> {
        let PermitDocument { id, principals, apis, topics, .. } = &written.value;
        let id = self.id(id, &mut gathered.ids)?;
        let principals = self.relieved(principals)?;
        let apis = self.apis(apis)?;
        let (topics, _) = self.topics(topics)?;
        Ok(Permit { id, principals, apis, topics })
    }

    /// Whom a relief is for. A client id is whatever the client says, so it cannot be all that is
    /// asked for.
    fn relieved(&mut self, written: &At<PrincipalsDocument>) -> Checked<Principals> {
        let principals = self.principals(written)?;
        let identified = principals.ask_for_groups()
            || !principals.users.is_empty()
            || !principals.auth.is_empty();
        if identified {
            return Ok(principals);
        }
        let message = "a client id alone lifts nothing: any client can send any id";
        Err(self.refuse_with(written, message, "add groups or users"))
    }

    /// The APIs of an admin rule or a permit.
    pub(super) fn apis(&mut self, list: &At<Vec<At<String>>>) -> Checked<Vec<String>> {
        if list.value.is_empty() {
            let help = format!("write apis: [{CREATE_TOPICS}]");
            return Err(self.refuse_with(list, "an empty list of APIs matches nothing", help));
        }
        list.value.iter().map(|api| self.api(api)).collect()
    }

    fn api(&mut self, api: &At<String>) -> Result<String, Refused> {
        let text = api.value.as_str();
        if text == CREATE_TOPICS {
            return Ok(text.to_owned());
        }
        if NOT_BUILT.contains(&text) {
            let message =
                format!("{text} is denied whole; rules and permits for it are not built yet");
            return Err(self.refuse(api, message));
        }
        let help = match nearest(text, NOT_BUILT.into_iter().chain([CREATE_TOPICS])) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the API that is judged is {CREATE_TOPICS}"),
        };
        Err(self.refuse_with(api, format!("`{text}` is no API that changes the cluster"), help))
    }
}
