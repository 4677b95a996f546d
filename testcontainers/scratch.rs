//! Directories for one test: removed with their value, or, when the process died before it could,
//! by the next test process that starts.
//!
//! `LOCKGATE_TEST_KEEP=1` leaves them in place for a look.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static SWEPT: Once = Once::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// One directory under `<target>/testcontainers/scratch`.
pub struct Scratch {
    path: PathBuf,
    owner_path: PathBuf,
    /// Locked as long as this process lives: what tells a live directory from a forgotten one.
    _owner: File,
}

impl Scratch {
    /// A new empty directory; `name` is for the reader of a listing.
    pub fn new(name: &str) -> Self {
        let parent = target_directory().join("testcontainers").join("scratch");
        fs::create_dir_all(&parent).expect("the target directory must be writable");
        SWEPT.call_once(|| sweep(&parent));
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{name}-{}-{unique}", std::process::id()));
        let owner_path = path.with_added_extension("owner");
        let owner = File::create(&owner_path).expect("the scratch directory must be writable");
        owner.lock().expect("a new file can be locked");
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("the scratch directory must be writable");
        Self { path, owner_path, _owner: owner }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `text` to `name` below this directory, with the directories between.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        let parent = path.parent().expect("a file inside a directory has a parent");
        fs::create_dir_all(parent).expect("the scratch directory must be writable");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("LOCKGATE_TEST_KEEP").is_some() {
            eprintln!("kept: {}", self.path.display());
            return;
        }
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.owner_path);
    }
}

/// Cargo's target directory, found from the running test or example.
pub fn target_directory() -> PathBuf {
    let executable = std::env::current_exe().expect("the path of the running test is known");
    let marked = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
    executable
        .ancestors()
        .find(marked)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), Path::to_path_buf)
}

/// Removes what killed test processes have left.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let owner_path = entry.path();
        if owner_path.extension().is_none_or(|extension| extension != "owner") {
            continue;
        }
        let forgotten = File::open(&owner_path).is_ok_and(|owner| owner.try_lock().is_ok());
        if forgotten {
            let _ = fs::remove_dir_all(owner_path.with_extension(""));
            let _ = fs::remove_file(&owner_path);
        }
    }
}
