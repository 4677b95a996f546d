//! Where groups come from when a token does not carry them: one file for each kind of source, one
//! row of [`DIRECTORIES`] for each file.

pub mod file;

use std::path::PathBuf;
use std::sync::Arc;

use crate::identity::Principal;

/// Every kind of directory, by the name it has in the configuration (`identity.groups`).
pub static DIRECTORIES: &[DirectoryRow] = &[DirectoryRow {
    name: "file",
    doc: "a YAML file that lists the members of each group; read again when it changes",
    open: file::open,
}];

/// Answers who is in which groups. Answers come from memory: this is asked on the way of a login.
pub trait Directory: Send + Sync {
    /// The row's name.
    fn name(&self) -> &'static str;

    /// The groups of a principal, sorted; `None` where this directory does not know it, which is
    /// not the same as being in no group: rules that restrict apply to the unknown.
    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>>;

    /// For `/status` and the metrics.
    fn status(&self) -> DirectoryStatus;
}

/// One kind of directory.
pub struct DirectoryRow {
    /// Its key in the configuration.
    pub name: &'static str,
    /// One line for the reference.
    pub doc: &'static str,
    /// Opens it; a directory that cannot be read at the start refuses the start.
    pub open: fn(&DirectorySettings) -> Result<Arc<dyn Directory>, DirectoryError>,
}

/// What the rows are opened with.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// The file, for `file`.
    pub path: PathBuf,
}

/// Why a directory cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The system's fault, or the path's.
    #[error("cannot read the group file {path}: {reason}")]
    Unreadable {
        /// As configured.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The content's: a whole diagnostic, with file, line and column.
    #[error("{0}")]
    Content(String),
}

/// What an operator sees of a directory.
#[derive(Clone, Debug)]
pub struct DirectoryStatus {
    /// The row's name.
    pub name: &'static str,
    /// Groups in the content that is in use.
    pub groups: usize,
    /// Principals in it.
    pub principals: usize,
    /// Why the newest content is not in use, if it is not.
    pub last_error: Option<String>,
}
