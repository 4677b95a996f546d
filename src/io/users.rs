//! The users file, watched: who may log in by PLAIN and SCRAM right now. And how it is written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::auth::users::Users;
use crate::enforce::facts::UserSource;
use crate::yaml;

use super::watched::{WatchedFault, WatchedFile};

/// Read and written by the owner, and by nobody else.
const MODE: u32 = 0o600;

/// A users file and its last good content.
pub struct UsersFile {
    path: PathBuf,
    watched: WatchedFile<Users>,
}

impl UsersFile {
    /// Reads it, and watches it from now on.
    ///
    /// # Errors
    /// It cannot be read, or its content is wrong.
    pub fn open(path: &Path) -> Result<Arc<Self>, WatchedFault> {
        let reading = |file: &str, text: &str| {
            Users::parse(file, text).map_err(|problem| problem.to_string())
        };
        let watched = WatchedFile::open("users file", path, yaml::FILE_BYTES_MAX, reading)?;
        Ok(Arc::new(Self { path: path.to_owned(), watched }))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the newest content is not in use, if it is not.
    #[must_use]
    pub fn fault(&self) -> Option<WatchedFault> {
        self.watched.fault()
    }
}

impl UserSource for UsersFile {
    fn current(&self) -> Arc<Users> {
        self.watched.current()
    }
}

/// Writes a users file whole or not at all; only its owner can read it.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, users: &Users) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written =
        write_new(&beside, users.text().as_bytes()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_private_and_its_last_good_content_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.yaml");
        write(&path, &Users::new([1; 32])).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let file = UsersFile::open(&path).unwrap();
        assert_eq!(file.current().names().count(), 0);
        let salts = [vec![1; 16], vec![2; 16]];
        let iterations = std::num::NonZeroU32::new(4096).unwrap();
        let mut users = Users::new([1; 32]);
        users.put("alice", crate::auth::users::User::with_password("pw", salts, iterations));
        write(&path, &users).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
        file.watched.look();
        assert!(file.current().user("alice").is_some() && file.fault().is_none());
        fs::write(&path, "users: [").unwrap();
        file.watched.look();
        assert!(file.current().user("alice").is_some());
        assert!(file.fault().unwrap().to_string().contains("users.yaml"));
        fs::remove_file(&path).unwrap();
        file.watched.look();
        assert!(matches!(file.fault(), Some(WatchedFault::Unreadable { .. })));
        assert!(file.current().user("alice").is_some());
        fs::write(&path, users.text()).unwrap();
        file.watched.look();
        assert_eq!(file.fault(), None);
    }
}
