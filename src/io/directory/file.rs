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
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::identity::Principal;
use crate::yaml;

use super::{Directory, DirectoryError, DirectorySettings, DirectoryStatus};

#[cfg(test)]
mod tests;

/// How soon a change is seen. The content is compared, not its time or its inode: that holds on
/// network file systems and through Kubernetes' swaps of symbolic links.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Longest group or principal name, as for names out of tokens.
const NAME_BYTES_MAX: usize = crate::auth::NAME_BYTES_MAX;

/// A group file and the task that watches it; the task ends when this is dropped.
pub struct FileDirectory {
    watched: Arc<Watched>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Watched {
    path: PathBuf,
    members: ArcSwap<Members>,
    last: Mutex<Last>,
}

/// The newest content, which may be worse than the one in use.
struct Last {
    text: String,
    content_error: Option<DirectoryError>,
    read_error: Option<DirectoryError>,
}

#[derive(Default)]
struct Members {
    groups: usize,
    /// Principal as text → its groups, sorted.
    by_principal: BTreeMap<Box<str>, Arc<[Arc<str>]>>,
}

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
    let directory = FileDirectory::read(&settings.path)?;
    if tokio::runtime::Handle::try_current().is_ok() {
        let task = tokio::spawn(watch(Arc::clone(&directory.watched)));
        *directory.task.lock() = Some(task);
    }
    Ok(Arc::new(directory))
}

impl FileDirectory {
    /// Reads the file once.
    ///
    /// # Errors
    /// It cannot be read, or its content is not a group file.
    pub fn read(path: &Path) -> Result<Self, DirectoryError> {
        let text = read_text(path)?;
        let members = parse(path, &text)?;
        let watched = Watched {
            path: path.to_owned(),
            members: ArcSwap::from_pointee(members),
            last: Mutex::new(Last { text, content_error: None, read_error: None }),
        };
        Ok(Self { watched: Arc::new(watched), task: Mutex::new(None) })
    }
}

impl Directory for FileDirectory {
    fn name(&self) -> &'static str {
        "file"
    }

    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>> {
        let members = self.watched.members.load();
        match &principal.issuer {
            None => members.by_principal.get(&*principal.name).cloned(),
            Some(_) => members.by_principal.get(principal.to_string().as_str()).cloned(),
        }
    }

    fn status(&self) -> DirectoryStatus {
        let members = self.watched.members.load();
        DirectoryStatus {
            name: self.name(),
            groups: members.groups,
            principals: members.by_principal.len(),
            last_error: self.watched.last.lock().error().map(ToString::to_string),
        }
    }
}

impl Drop for FileDirectory {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

async fn watch(watched: Arc<Watched>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let again = Arc::clone(&watched);
        // A reader that panics would end in this error; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || again.look()).await;
    }
}

impl Watched {
    /// Reads the file, and swaps the members if it changed for the good.
    fn look(&self) {
        let outcome = read_text(&self.path);
        let mut last = self.last.lock();
        let path = self.path.display();
        let text = match outcome {
            Ok(text) => text,
            Err(error) => {
                if last.read_error.as_ref() != Some(&error) {
                    tracing::warn!(%path, %error, "the last good groups stay in use");
                    last.read_error = Some(error);
                }
                return;
            }
        };
        if last.read_error.take().is_some() {
            tracing::info!(%path, "the group file can be read again");
        }
        if text == last.text {
            return;
        }
        let parsed = parse(&self.path, &text);
        last.text = text;
        last.content_error = match parsed {
            Ok(members) => {
                let principals = members.by_principal.len();
                tracing::info!(%path, groups = members.groups, principals, "read the group file");
                self.members.store(Arc::new(members));
                None
            }
            Err(error) => {
                tracing::warn!(%path, %error, "the last good groups stay in use");
                Some(error)
            }
        };
    }
}

impl Last {
    const fn error(&self) -> Option<&DirectoryError> {
        match &self.read_error {
            Some(error) => Some(error),
            None => self.content_error.as_ref(),
        }
    }
}

fn read_text(path: &Path) -> Result<String, DirectoryError> {
    let unreadable =
        |reason: String| DirectoryError::Unreadable { path: path.display().to_string(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    // One byte over the cap is enough for the parser to refuse the whole.
    file.take(yaml::FILE_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Members, DirectoryError> {
    let file = path.display().to_string();
    let content = |diagnostic: yaml::Diagnostic| DirectoryError::Content(diagnostic.to_string());
    let document: Document = yaml::read(&file, text).map_err(content)?;
    let mut by_principal: BTreeMap<Box<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (group, principals) in &document.groups {
        if let Some(fault) = name_fault(group) {
            let message = format!("a group's name {fault}");
            return Err(content(yaml::Diagnostic::of_file(&file, message)));
        }
        let group: Arc<str> = group.as_str().into();
        for principal in principals {
            if let Some(fault) = name_fault(&principal.value) {
                let message = format!("a principal's name {fault}");
                return Err(content(yaml::Diagnostic::at(&file, text, principal, message)));
            }
            let groups = by_principal.entry(principal.value.as_str().into()).or_default();
            // Groups come in order, so a double is always the last one.
            if groups.last() != Some(&group) {
                groups.push(Arc::clone(&group));
            }
        }
    }
    Ok(Members {
        groups: document.groups.len(),
        by_principal: by_principal.into_iter().map(|(name, list)| (name, list.into())).collect(),
    })
}

fn name_fault(name: &str) -> Option<&'static str> {
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
