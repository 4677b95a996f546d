//! `principals`: groups, users, clients, logins.

use std::sync::Arc;

use crate::field::{Case, Glob};
use crate::identity::{ISSUER_SEPARATOR, Mechanism};
use crate::policy::document::{GroupsDocument, PrincipalsDocument};
use crate::policy::principals::Principals;
use crate::yaml::{At, nearest};

use super::{Checked, Compiler};

impl Compiler<'_> {
    pub(super) fn principals(&mut self, written: &At<PrincipalsDocument>) -> Checked<Principals> {
        let PrincipalsDocument { groups, users, clients, auth } = &written.value;
        if groups.is_none() && users.is_none() && clients.is_none() && auth.is_none() {
            let help = "name groups, users, clients or auth";
            return Err(self.refuse_with(written, "`principals` names nobody", help));
        }
        let mut principals = Principals::default();
        if let Some(groups) = groups {
            self.groups(groups, &mut principals)?;
        }
        if let Some(users) = users {
            principals.users = self.each(users, Self::user)?;
        }
        if let Some(clients) = clients {
            principals.clients = self.each(clients, Self::client)?;
        }
        if let Some(auth) = auth {
            principals.auth = self.each(auth, Self::mechanism)?;
        }
        Ok(principals)
    }

    fn groups(&mut self, written: &At<GroupsDocument>, principals: &mut Principals) -> Checked<()> {
        let GroupsDocument { any_of, all_of, none_of } = &written.value;
        if any_of.is_none() && all_of.is_none() && none_of.is_none() {
            let help = "write any_of, all_of or none_of with a list of groups";
            return Err(self.refuse_with(written, "`groups` names no group", help));
        }
        let mut list = |names: &Option<At<Vec<At<String>>>>| match names {
            None => Ok(Vec::new()),
            Some(names) => self.each(names, Self::group),
        };
        principals.any_of = list(any_of)?;
        principals.all_of = list(all_of)?;
        principals.none_of = list(none_of)?;
        Ok(())
    }

    /// Checks each element; an empty list would match nobody or everybody, depending on the reader.
    fn each<T>(
        &mut self,
        list: &At<Vec<At<String>>>,
        check: fn(&mut Self, &At<String>) -> Checked<T>,
    ) -> Checked<Vec<T>> {
        if list.value.is_empty() {
            return Err(self.refuse(list, "an empty list here names nobody; leave the key out"));
        }
        list.value.iter().map(|element| check(self, element)).collect()
    }

    fn group(&mut self, group: &At<String>) -> Checked<Arc<str>> {
        if group.value.is_empty() {
            return Err(self.refuse(group, "a group has a name"));
        }
        if group.value.contains('*') {
            let help = "name each group";
            return Err(self.refuse_with(group, "groups are names, not globs", help));
        }
        Ok(group.value.as_str().into())
    }

    fn user(&mut self, user: &At<String>) -> Checked<Arc<str>> {
        let text = user.value.as_str();
        if text.is_empty() {
            return Err(self.refuse(user, "a user has a name"));
        }
        if text.contains('*') {
            let help = "name each user, or use groups";
            return Err(self.refuse_with(user, "users are names, not globs", help));
        }
        if let Some(name) = text.strip_prefix("User:") {
            let help = format!("write {name}");
            return Err(self.refuse_with(user, "users are written without `User:`", help));
        }
        let issuers = &self.ground.issuers;
        if issuers.len() < 2 {
            return Ok(text.into());
        }
        let known = issuers.iter().map(String::as_str);
        match text.split_once(ISSUER_SEPARATOR) {
            Some((issuer, _)) if issuers.iter().any(|known| known == issuer) => Ok(text.into()),
            Some((issuer, name)) => {
                let help = match nearest(issuer, known) {
                    Some(near) => format!("did you mean `{near}|{name}`?"),
                    None => format!("the issuers are {}", issuers.join(", ")),
                };
                let message = format!("there is no issuer called `{issuer}`");
                Err(self.refuse_with(user, message, help))
            }
            None if self.ground.local_users => Ok(text.into()),
            None => {
                let first = issuers.first().map_or("issuer", String::as_str);
                let message = "with several issuers a user is written with the issuer's name";
                Err(self.refuse_with(user, message, format!("write {first}|{text}")))
            }
        }
    }

    fn client(&mut self, client: &At<String>) -> Checked<Glob> {
        let glob = Glob::new(&client.value, Case::Sensitive);
        glob.map_err(|error| self.refuse(client, error.to_string()))
    }

    fn mechanism(&mut self, auth: &At<String>) -> Checked<Mechanism> {
        let text = auth.value.as_str();
        if let Some(found) = Mechanism::named(text) {
            return Ok(found);
        }
        let help = match nearest(text, Mechanism::ALL.map(Mechanism::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the values are {}", Mechanism::ALL.map(Mechanism::as_str).join(", ")),
        };
        Err(self.refuse_with(auth, format!("`{text}` is no way to log in"), help))
    }
}
