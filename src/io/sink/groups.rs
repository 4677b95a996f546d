//! The side file that says which groups stand behind each `groups_id`: one JSON object a line,
//! `{"groups_id": …, "groups": […]}`, written once for each list.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::home::private;
use crate::audit::groups::{groups_id, sorted};

/// The most ids that are remembered; above it the memory starts anew and a list may be written
/// a second time, which readers do not mind.
const IDS_MAX: usize = 65_536;

/// The open side file.
pub struct GroupLists {
    file: File,
    /// The size of the whole lines.
    bytes: u64,
    known: HashSet<Arc<str>>,
}

/// Whether a list was in the file before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It was.
    Known,
    /// It is new there.
    Written,
}

#[derive(Serialize)]
struct Line<'a> {
    groups_id: &'a str,
    groups: &'a [&'a str],
}

#[derive(Deserialize)]
struct LineId {
    groups_id: Arc<str>,
}

/// The side file of a node.
pub fn path(groups_dir: &Path, node_id: &str) -> PathBuf {
    groups_dir.join(format!("{node_id}.jsonl"))
}

impl GroupLists {
    /// Opens or creates the file and reads which lists it has. An unfinished last line is
    /// removed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = private(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
        let mut known = HashSet::new();
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        let mut bytes: u64 = 0;
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            bytes = bytes.saturating_add(line.len() as u64);
            if let Ok(read) = serde_json::from_slice::<LineId>(&line)
                && known.len() < IDS_MAX
            {
                known.insert(read.groups_id);
            }
            line.clear();
        }
        file.set_len(bytes)?;
        Ok(GroupLists { file, bytes, known })
    }

    /// The id of a list; the list is in the file when this returns.
    pub fn id(&mut self, groups: &[Arc<str>]) -> io::Result<(Arc<str>, Listing)> {
        let id = groups_id(groups);
        if let Some(known) = self.known.get(id.as_str()) {
            return Ok((Arc::clone(known), Listing::Known));
        }
        let mut line = serde_json::to_vec(&Line { groups_id: &id, groups: &sorted(groups) })?;
        line.push(b'\n');
        // A line that a full disk cut short on an earlier try goes first.
        self.file.set_len(self.bytes)?;
        self.file.write_all(&line)?;
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        if self.known.len() >= IDS_MAX {
            self.known.clear();
        }
        let id: Arc<str> = id.into();
        self.known.insert(Arc::clone(&id));
        Ok((id, Listing::Written))
    }

    /// Makes the lists survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
