//! Things that are fetched once and then shared by every test process: jars, Python packages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::scratch::target_directory;

const MARKER: &str = ".complete";

/// `<target>/<name>`, made by `make` unless it is there already.
///
/// `recipe` is all that decides the content: it is written as the marker of completeness when
/// `make` has returned, so an interrupted installation or a changed recipe starts afresh. A file
/// lock lets one test process install while the others wait.
pub fn install_once(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let directory = target_directory().join(name);
    let is_complete =
        || fs::read_to_string(directory.join(MARKER)).is_ok_and(|marker| marker == recipe);
    if is_complete() {
        return directory;
    }
    let lock_path = directory.with_added_extension("lock");
    let lock =
        File::create(&lock_path).unwrap_or_else(|error| panic!("{}: {error}", lock_path.display()));
    lock.lock().unwrap_or_else(|error| panic!("{}: {error}", lock_path.display()));
    if !is_complete() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("the target directory must be writable");
        make(&directory);
        fs::write(directory.join(MARKER), recipe).expect("the target directory must be writable");
    }
    directory
}
