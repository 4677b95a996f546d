//! The directory of the audit log: its lock, the node's id, its paths.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::fault::AuditError;
use crate::audit::groups::hex;

/// A lock that ends with this value, also where a child process that is just being started still
/// shares the file (it holds what its parent has open until it becomes another program).
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The file closes in any case, and the lock with it.
        let _ = self.0.unlock();
    }
}

/// The directory, locked for as long as this lives.
pub struct Home {
    dir: PathBuf,
    node_id: Arc<str>,
    _lock: Lock,
}

impl Home {
    /// Makes what is missing, takes the lock, reads or makes the node's id.
    pub fn open(dir: &Path) -> Result<Self, AuditError> {
        for folder in [dir.to_owned(), wal_dir(dir), groups_dir(dir)] {
            create_dir(&folder).map_err(AuditError::directory("create it", &folder))?;
        }
        let lock_path = dir.join("lock");
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&lock_path)
            .map_err(AuditError::directory("open the lock file", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(AuditError::Locked { dir: dir.to_owned() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(AuditError::directory("lock it", &lock_path)(error));
            }
        }
        let node_id = node_id(&dir.join("node_id"))?.into();
        Ok(Home { dir: dir.to_owned(), node_id, _lock: Lock(lock) })
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The node's id, stable over restarts.
    pub fn node_id(&self) -> &Arc<str> {
        &self.node_id
    }

    /// Where segments are.
    pub fn wal_dir(&self) -> PathBuf {
        wal_dir(&self.dir)
    }
}

/// Where segments are.
pub fn wal_dir(dir: &Path) -> PathBuf {
    dir.join("wal")
}

/// Where the files for auditors are: the folder of the schema's version.
pub fn tree(dir: &Path) -> PathBuf {
    dir.join("audit").join("v1")
}

/// Where the lists of groups are.
pub fn groups_dir(dir: &Path) -> PathBuf {
    tree(dir).join("groups")
}

/// The path of a segment; the name is the `seq` of its first row.
pub fn segment_path(dir: &Path, first_seq: u64) -> PathBuf {
    wal_dir(dir).join(format!("{first_seq:012}.wal"))
}

/// The segments in order of their first `seq`. What is not named like one is not one.
pub fn segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(wal_dir(dir))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "wal") {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let Some(first_seq) = stem.and_then(|stem| stem.parse().ok()) {
            found.push((first_seq, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A text as one part of a path: letters, digits, `-`, `_` and inner dots stand for themselves,
/// every other byte is `%XX`. Never empty, `.` or `..`.
pub fn path_part(text: &str) -> String {
    use std::fmt::Write as _;
    let mut part = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if plain || (byte == b'.' && place > 0) {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    if part.is_empty() { "%00".to_owned() } else { part }
}

/// Creates a folder and those above it, readable for the owner and the group only.
pub fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder.create(path)
}

/// Options for files that only the owner and the group may read.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o640);
    options
}

/// Makes a rename or a deletion in a folder survive a power cut.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Puts `bytes` into a file so that it is there whole or not at all, also after a power cut.
pub fn write_whole(path: &Path, bytes: &mut impl Read) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    let mut file =
        private(OpenOptions::new().write(true).create(true).truncate(true)).open(&draft)?;
    io::copy(bytes, &mut file)?;
    file.flush()?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

const NODE_ID_BYTES_MAX: usize = 128;

fn node_id(path: &Path) -> Result<String, AuditError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let id = text.trim().to_owned();
            if id.is_empty() || id.len() > NODE_ID_BYTES_MAX || path_part(&id) != id {
                return Err(AuditError::NodeId { path: path.to_owned() });
            }
            Ok(id)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = new_node_id();
            write_whole(path, &mut id.as_bytes())
                .map_err(AuditError::directory("write the node id", path))?;
            Ok(id)
        }
        Err(error) => Err(AuditError::directory("read the node id", path)(error)),
    }
}

/// The host's name and four random hexadecimal digits, so that two nodes that were cloned from
/// one image do not write under one name.
fn new_node_id() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(io::Error::other))
        .unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .take(63)
        .collect();
    let mut random = [0; 2];
    if SystemRandom::new().fill(&mut random).is_err() {
        // Without a source of randomness the process id has to tell clones apart.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        random = [high, low];
    }
    let host = if host.is_empty() { "lockgate" } else { &host };
    format!("{host}-{}", hex(&random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t48_no_name_leaves_its_folder() {
        assert_eq!(path_part("prod-eu"), "prod-eu");
        assert_eq!(path_part(".."), "%2E.");
        assert_eq!(path_part("../etc/passwd"), "%2E.%2Fetc%2Fpasswd");
        assert_eq!(path_part(""), "%00");
        assert_eq!(path_part("a=b\0é"), "a%3Db%00%C3%A9");
        assert_ne!(path_part("a_b"), path_part("a.b"));
    }

    #[test]
    fn a_node_id_is_one_path_part() {
        let id = new_node_id();
        assert_eq!(path_part(&id), id);
    }
}
