//! Where groups come from when a token does not carry them: one file for each kind of source, one
//! row of [`DIRECTORIES`] for each file.

pub mod file;
mod members;
pub mod scim;

use std::path::PathBuf;
use std::sync::Arc;

use crate::identity::Principal;

/// Every kind of directory. Which one a file is (`identity.groups.file`), its content says: the
/// first that recognises it.
pub static DIRECTORIES: &[DirectoryRow] = &[
    DirectoryRow {
        name: "scim",
        doc: "a JSON file with the users and groups of a SCIM 2.0 service (RFC 7643); read again \
              when it changes",
        recognises: scim::recognises,
        open: scim::open,
    },
    DirectoryRow {
        name: "file",
        doc: "a YAML file that lists the members of each group; read again when it changes",
        recognises: file::recognises,
        open: file::open,
    },
];

/// Opens the directory in a file, of the kind that its content is.
///
/// # Errors
/// [`DirectoryError`]: it cannot be read, or its content is not what it seems to be.
pub fn open(settings: &DirectorySettings) -> Result<Arc<dyn Directory>, DirectoryError> {
    let text = std::fs::read_to_string(&settings.path).unwrap_or_default();
    let row = DIRECTORIES.iter().find(|row| (row.recognises)(&text));
    row.map_or_else(|| file::open(settings), |row| (row.open)(settings))
}

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
    /// Whether a text is of this kind.
    pub recognises: fn(&str) -> bool,
    /// Opens it; a directory that cannot be read at the start refuses the start.
    pub open: fn(&DirectorySettings) -> Result<Arc<dyn Directory>, DirectoryError>,
}

/// What the rows are opened with.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// The file.
    pub path: PathBuf,
}

/// Why a directory cannot be read.
pub type DirectoryError = crate::io::watched::WatchedFault;

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
