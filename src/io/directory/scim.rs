//! Groups from a SCIM 2.0 export (RFC 7643, RFC 7644): a ListResponse of Group and User resources,
//! a list of such responses, or a single resource, as identity providers hand them out.
//!
//! ```json
//! {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "Resources": [
//!   {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "7", "userName": "jane"},
//!   {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "1",
//!    "displayName": "pii-readers", "members": [{"value": "7", "display": "Jane Doe"}]}
//! ]}
//! ```
//!
//! A member is the user whose `id` is its `value`, by `userName`; where the users are not there,
//! its `display` is the name, or else its `value`. A group in a group brings its members along. A
//! user may also name its groups itself. One who is not active is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::members::{Members, MembersFile, name_fault};
use super::{Directory, DirectoryError, DirectorySettings};

/// What every schema of SCIM begins with.
const SCHEMA: &str = "urn:ietf:params:scim:";
/// Groups in groups are followed so far.
const DEPTH_MAX: usize = 32;

type Resource = Map<String, Value>;

/// Opens the file and watches it, if a tokio runtime is running.
///
/// # Errors
/// The first content must be good; later bad content is logged and the last good stays.
pub fn open(settings: &DirectorySettings) -> Result<Arc<dyn Directory>, DirectoryError> {
    Ok(Arc::new(MembersFile::open("scim", settings, parse)?))
}

/// JSON that names a schema of SCIM.
pub(super) fn recognises(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && text.contains(SCHEMA)
}

fn parse(file: &str, text: &str) -> Result<Members, String> {
    let fault = |message: String| format!("error: {message}\n  --> {file}");
    let value: Value = serde_json::from_str(text)
        .map_err(|error| fault(format!("this is no SCIM export: {error}")))?;
    let mut directory = Scim::default();
    directory.take(&value).map_err(fault)?;
    directory.members().map_err(fault)
}

/// What an export says, before names are put in the place of ids.
#[derive(Default)]
struct Scim<'v> {
    /// Users by id.
    users: BTreeMap<&'v str, User<'v>>,
    groups: Vec<Group<'v>>,
}

struct User<'v> {
    name: &'v str,
    active: bool,
    groups: Vec<Reference<'v>>,
}

struct Group<'v> {
    id: &'v str,
    name: &'v str,
    members: Vec<Reference<'v>>,
}

/// An entry of `members`, or of a user's `groups`.
#[derive(Clone, Copy)]
struct Reference<'v> {
    value: &'v str,
    display: Option<&'v str>,
}

impl<'v> Scim<'v> {
    fn take(&mut self, value: &'v Value) -> Result<(), String> {
        let (Value::Array(_) | Value::Object(_)) = value else {
            return Err("this is no SCIM export: neither a response nor a resource".to_owned());
        };
        // A list of responses, a response, and its resources: no deeper.
        let mut waiting = vec![(value, 0_usize)];
        while let Some((value, depth)) = waiting.pop() {
            match value {
                Value::Array(list) if depth < 3 => {
                    waiting.extend(list.iter().rev().map(|inner| (inner, depth.saturating_add(1))));
                }
                Value::Object(object) => match attribute(object, "Resources") {
                    Some(resources) => waiting.push((resources, depth.saturating_add(1))),
                    None => self.resource(object)?,
                },
                Value::Array(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_) => return Err("a resource is not an object".to_owned()),
            }
        }
        Ok(())
    }

    fn resource(&mut self, object: &'v Resource) -> Result<(), String> {
        let id = text(object, "id").unwrap_or_default();
        if let Some(name) = text(object, "userName") {
            check("a user's `userName`", name)?;
            let active = attribute(object, "active") != Some(&Value::Bool(false));
            let groups = references(object, "groups")?;
            // One without an id is known by its name alone.
            let id = if id.is_empty() { name } else { id };
            self.users.insert(id, User { name, active, groups });
            return Ok(());
        }
        if let Some(name) = text(object, "displayName") {
            check("a group's `displayName`", name)?;
            self.groups.push(Group { id, name, members: references(object, "members")? });
            return Ok(());
        }
        if attribute(object, "totalResults").is_some() {
            // A response without resources.
            return Ok(());
        }
        Err("a resource has neither `userName` nor `displayName`".to_owned())
    }

    fn members(&self) -> Result<Members, String> {
        let by_id: BTreeMap<&str, &Group<'v>> =
            self.groups.iter().filter(|group| !group.id.is_empty()).map(|g| (g.id, g)).collect();
        let mut found: BTreeMap<Box<str>, Vec<Arc<str>>> = BTreeMap::new();
        for user in self.users.values().filter(|user| user.active) {
            let own = found.entry(user.name.into()).or_default();
            for group in &user.groups {
                let named = by_id.get(group.value).map(|group| group.name).or(group.display);
                let name = named.unwrap_or(group.value);
                check("a group", name)?;
                own.push(name.into());
            }
        }
        for group in &self.groups {
            let name: Arc<str> = group.name.into();
            for member in self.closure(group, &by_id)? {
                let principal = match self.users.get(member.value) {
                    Some(user) if user.active => user.name,
                    Some(_) => continue,
                    None => member.display.unwrap_or(member.value),
                };
                check("a member", principal)?;
                found.entry(principal.into()).or_default().push(Arc::clone(&name));
            }
        }
        Ok(Members::new(self.groups.len(), found))
    }

    /// The members of a group that are no groups, and those of the groups in it.
    fn closure(
        &self,
        group: &Group<'v>,
        by_id: &BTreeMap<&str, &Group<'v>>,
    ) -> Result<Vec<Reference<'v>>, String> {
        let mut members = Vec::new();
        let mut seen = BTreeSet::from([group.id]);
        let mut waiting: Vec<(Reference<'v>, usize)> =
            group.members.iter().map(|member| (*member, 0)).collect();
        while let Some((member, depth)) = waiting.pop() {
            match by_id.get(member.value) {
                None => members.push(member),
                Some(_) if depth >= DEPTH_MAX => {
                    return Err(format!("groups of `{}` are nested too deeply", group.name));
                }
                Some(inner) if seen.insert(inner.id) => {
                    let deeper = depth.saturating_add(1);
                    waiting.extend(inner.members.iter().map(|member| (*member, deeper)));
                }
                Some(_) => {}
            }
        }
        Ok(members)
    }
}

/// An attribute; its name is compared without case (RFC 7643 §2.1).
fn attribute<'v>(object: &'v Resource, name: &str) -> Option<&'v Value> {
    let exact = object.get(name);
    exact.or_else(|| {
        let mut all = object.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn text<'v>(object: &'v Resource, name: &str) -> Option<&'v str> {
    attribute(object, name).and_then(Value::as_str)
}

fn references<'v>(object: &'v Resource, name: &str) -> Result<Vec<Reference<'v>>, String> {
    let list = match attribute(object, name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_array().ok_or_else(|| format!("`{name}` is not a list"))?,
    };
    let reference = |entry: &'v Value| {
        let object = entry.as_object();
        let value = object.and_then(|object| text(object, "value"));
        let display = object.and_then(|object| text(object, "display"));
        let value = value.or(display).ok_or_else(|| format!("an entry of `{name}` has no `value`"));
        value.map(|value| Reference { value, display })
    };
    list.iter().map(reference).collect()
}

fn check(what: &str, name: &str) -> Result<(), String> {
    match name_fault(name) {
        None => Ok(()),
        Some(fault) => Err(format!("{what} {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Principal;

    const EXPORT: &str = r#"{
      "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 6,
      "Resources": [
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "7",
         "userName": "jane", "active": true, "groups": [{"value": "3"}]},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "8",
         "userName": "gone", "active": false},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "9", "username": "loner"},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "1",
         "displayName": "pii-readers",
         "members": [{"value": "7", "display": "Jane Doe"}, {"value": "8"}, {"value": "2"}]},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "2",
         "displayName": "ops", "members": [{"value": "42", "display": "max"}, {"value": "1"}]},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "3",
         "displayName": "humans"}
      ]}"#;

    struct Fixture {
        _directory: tempfile::TempDir,
        settings: DirectorySettings,
    }

    fn fixture(text: &str) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("groups.json");
        std::fs::write(&path, text).unwrap();
        Fixture { _directory: directory, settings: DirectorySettings { path } }
    }

    fn groups(directory: &dyn Directory, name: &str) -> Option<Vec<String>> {
        let groups = directory.groups(&Principal::user(None, name))?;
        Some(groups.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn members_are_users_by_name_also_through_groups_in_groups() {
        let fixture = fixture(EXPORT);
        let directory = crate::io::directory::open(&fixture.settings).unwrap();
        assert_eq!(directory.name(), "scim");
        let of = |name| groups(&*directory, name);
        assert_eq!(of("jane").unwrap(), ["humans", "ops", "pii-readers"]);
        assert_eq!(of("max").unwrap(), ["ops", "pii-readers"]);
        assert_eq!(of("loner").unwrap(), [""; 0], "known, and in no group");
        assert_eq!(of("gone"), None, "not active");
        for stranger in ["Jane Doe", "7", "2", "Jane"] {
            assert_eq!(of(stranger), None, "{stranger}");
        }
        let status = directory.status();
        assert_eq!((status.groups, status.principals), (3, 3));
    }

    #[test]
    fn several_responses_and_single_resources_are_read() {
        let group = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "g", "members": [{"value": "jane"}]}"#;
        for text in [group.to_owned(), format!("[{group}]"), format!("[[{group}], {EXPORT}]")] {
            let fixture = fixture(&text);
            let directory = crate::io::directory::open(&fixture.settings).unwrap();
            assert!(groups(&*directory, "jane").unwrap().contains(&"g".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_export_is_refused_with_its_file() {
        let schemas = r#""schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]"#;
        for (text, expected) in [
            (format!("{{{schemas}"), "no SCIM export"),
            (format!("{{{schemas}}}"), "neither `userName` nor `displayName`"),
            (format!("{{{schemas}, \"displayName\": \"\"}}"), "is empty"),
            (format!("{{{schemas}, \"displayName\": \"a\", \"members\": 1}}"), "is not a list"),
            (format!("{{{schemas}, \"displayName\": \"a\", \"members\": [1]}}"), "no `value`"),
            (format!("[1, {{{schemas}}}]"), "is not an object"),
        ] {
            let fixture = fixture(&text);
            let error = crate::io::directory::open(&fixture.settings).err().unwrap().to_string();
            assert!(error.contains(expected) && error.contains("groups.json"), "{text}: {error}");
        }
    }
}
