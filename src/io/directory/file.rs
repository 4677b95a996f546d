//! Groups from a YAML file:
//!
//! ```yaml
//! groups:
//!   pii-readers: [jane, "partner|max"]
//!   pci-ops: []
//! ```
//!
//! A principal is written as everywhere: the bare name with one issuer, `issuer|name` with several.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::members::{Members, MembersFile, name_fault};
use super::{Directory, DirectoryError, DirectorySettings};
use crate::yaml;

#[cfg(test)]
mod tests;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    groups: BTreeMap<String, Vec<yaml::At<String>>>,
}

/// Opens the file and watches it, if a tokio runtime is running.
///
/// # Errors
/// The first content must be good; later bad content is logged and the last good stays.
pub fn open(settings: &DirectorySettings) -> Result<Arc<dyn Directory>, DirectoryError> {
    Ok(Arc::new(MembersFile::open("file", settings, parse)?))
}

/// Everything that is not of another kind.
pub(super) fn recognises(_text: &str) -> bool {
    true
}

fn parse(file: &str, text: &str) -> Result<Members, String> {
    let document: Document = yaml::read(file, text).map_err(|problem| problem.to_string())?;
    let mut by_principal: BTreeMap<Box<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (group, principals) in &document.groups {
        if let Some(fault) = name_fault(group) {
            let message = format!("a group's name {fault}");
            return Err(yaml::Diagnostic::of_file(file, message).to_string());
        }
        let group: Arc<str> = group.as_str().into();
        for principal in principals {
            if let Some(fault) = name_fault(&principal.value) {
                let message = format!("a principal's name {fault}");
                return Err(yaml::Diagnostic::at(file, text, principal, message).to_string());
            }
            let groups = by_principal.entry(principal.value.as_str().into()).or_default();
            groups.push(Arc::clone(&group));
        }
    }
    Ok(Members::new(document.groups.len(), by_principal))
}
