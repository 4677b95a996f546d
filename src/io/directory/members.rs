//! Who is in which groups, out of a file that is watched: what every kind of group file becomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Directory, DirectoryError, DirectorySettings, DirectoryStatus};
use crate::identity::Principal;
use crate::io::watched::{Reading, WatchedFault, WatchedFile};

/// The largest group file that is read: what an identity provider exports can be long.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest group or principal name, as for names out of tokens.
const NAME_BYTES_MAX: usize = crate::auth::NAME_BYTES_MAX;

/// The content of a group file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members {
    groups: usize,
    /// Principal as text → its groups, sorted.
    by_principal: BTreeMap<Box<str>, Arc<[Arc<str>]>>,
}

impl Members {
    /// Of groups by principal, in any order and with doubles, and the number of groups in all.
    pub(super) fn new(groups: usize, by_principal: BTreeMap<Box<str>, Vec<Arc<str>>>) -> Self {
        let settled = |mut names: Vec<Arc<str>>| {
            names.sort_unstable();
            names.dedup();
            names.into()
        };
        let by_principal =
            by_principal.into_iter().map(|(name, list)| (name, settled(list))).collect();
        Self { groups, by_principal }
    }

    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>> {
        match &principal.issuer {
            None => self.by_principal.get(&*principal.name).cloned(),
            Some(_) => self.by_principal.get(principal.to_string().as_str()).cloned(),
        }
    }
}

/// A group file and the task that watches it; the task ends when this is dropped.
pub(super) struct MembersFile {
    name: &'static str,
    pub(super) watched: WatchedFile<Members>,
}

impl MembersFile {
    pub fn open(
        name: &'static str,
        settings: &DirectorySettings,
        reading: Reading<Members>,
    ) -> Result<Self, DirectoryError> {
        let watched = WatchedFile::open("group file", &settings.path, FILE_BYTES_MAX, reading)?;
        Ok(Self { name, watched })
    }
}

impl Directory for MembersFile {
    fn name(&self) -> &'static str {
        self.name
    }

    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>> {
        self.watched.current().groups(principal)
    }

    fn status(&self) -> DirectoryStatus {
        let members = self.watched.current();
        DirectoryStatus {
            name: self.name,
            groups: members.groups,
            principals: members.by_principal.len(),
            last_error: self.watched.fault().as_ref().map(WatchedFault::to_string),
        }
    }
}

/// What is wrong with a group's or a principal's name, if anything is.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > NAME_BYTES_MAX {
        Some("is longer than 256 bytes")
    } else if name.chars().any(char::is_control) {
        Some("has control characters")
    } else {
        None
    }
}
