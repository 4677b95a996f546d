//! Exceptions and permits: the only ways in which anything is ever allowed again.

use crate::policy::document::{ExceptionDocument, PermitDocument, PrincipalsDocument};
use crate::policy::instant;
use crate::policy::load::Gathered;
use crate::policy::principals::Principals;
use crate::policy::rule::{Exception, Permit};
use crate::yaml::At;

use super::{Checked, Compiler};

/// Sets every key back that it does not name.
const REPLACES_CONFIGS: &str = "AlterConfigs";

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
        let PermitDocument { id, principals, apis, topics, configs, .. } = &written.value;
        let id = self.id(id, &mut gathered.ids)?;
        let principals = self.relieved(principals)?;
        let permitted = self.permitted_apis(apis)?;
        let reach = self.permitted_reach(topics.as_ref())?;
        self.touched(apis, &permitted, &reach)?;
        let configs = match configs {
            None => None,
            Some(written) => {
                let message = "AlterConfigs also resets every key that a request leaves out, so a \
                               permit cannot bound it by `configs`";
                if permitted.contains(&REPLACES_CONFIGS) {
                    let help = "write IncrementalAlterConfigs";
                    return Err(self.refuse_with(written, message, help));
                }
                Some(self.configs(written)?)
            }
        };
        Ok(Permit { id, principals, apis: permitted, reach, configs })
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
}
