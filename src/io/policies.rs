//! Policies from a directory: read, watched, swapped as one.
//!
//! The *directory* is watched, not the files in it: a Kubernetes ConfigMap changes by one swap of
//! the link `..data`, after which a watch on a file hears nothing any more. What no watch hears
//! (network file systems, a directory that is itself a link) is found by reading again every 30
//! seconds.
//!
//! A change that does not load keeps the last good set. A directory without a single policy is such
//! a change too: an empty mount must not lift every rule.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context, SHA256};
use notify::{RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::policy::{FILES_MAX, Ground, PolicySet, Problems, Secrets, Source, load};

#[cfg(test)]
mod tests;

/// The largest policy file, in bytes.
pub const POLICY_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The largest key file, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// How deep directories are read.
const DIRECTORY_DEPTH_MAX: usize = 8;
/// A change is read this long after it was heard of, so that a file is not read half-written.
const SETTLE: Duration = Duration::from_millis(25);
/// How often the directory is read when nothing was heard of.
const READ_AGAIN: Duration = Duration::from_secs(30);
/// The same while the last change did not load.
const READ_AGAIN_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// A directory of policies and the set that was last loaded from it.
pub struct PolicyDirectory {
    directory: PathBuf,
    ground: Ground,
    current: Arc<ArcSwap<PolicySet>>,
    status: watch::Sender<PolicyStatus>,
    seen: Option<Seen>,
    failed: Option<Problems>,
}

/// How the policies stand, for `/status` and metrics. The counts only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// The set in force.
    pub revision: Arc<str>,
    /// How many sets were put in force, the first one too.
    pub activated: u64,
    /// How many changes did not load.
    pub load_failed: u64,
    /// What is wrong with the directory now, if the set in force is not what it holds.
    pub problems: Option<Arc<Problems>>,
}

/// One change of the directory, for the audit.
#[derive(Clone, Debug)]
pub enum PolicyChange {
    /// A new set is in force.
    Activated {
        /// The new set.
        set: Arc<PolicySet>,
        /// The revision it replaces.
        previous: Arc<str>,
    },
    /// The change did not load, and the set before it stays.
    LoadFailed {
        /// The revision that stays.
        kept: Arc<str>,
        /// Why.
        problems: Arc<Problems>,
    },
    /// A bad change was taken back: the directory holds the set that is in force.
    Recovered {
        /// The revision that has stayed.
        kept: Arc<str>,
    },
}

type Hash = [u8; 32];

/// What was there at the last attempt to load it, good or bad.
struct Seen {
    sources: Hash,
    keys: Vec<(String, Option<Hash>)>,
}

impl PolicyDirectory {
    /// Reads the directory for the first time.
    ///
    /// # Errors
    /// Everything that is wrong with it: a start with bad policies is refused.
    pub fn open(directory: impl Into<PathBuf>, ground: Ground) -> Result<Self, Problems> {
        let directory = directory.into();
        let sources = read_directory(&directory)?;
        let (set, seen) = attempt(&sources, &ground);
        let set = set?;
        let status = PolicyStatus {
            revision: Arc::clone(set.revision()),
            activated: 1,
            load_failed: 0,
            problems: None,
        };
        let current = Arc::new(ArcSwap::from_pointee(set));
        let (status, _) = watch::channel(status);
        Ok(Self { directory, ground, current, status, seen: Some(seen), failed: None })
    }

    /// Where the set in force is found; it stays the same over every change.
    #[must_use]
    pub fn current(&self) -> Arc<ArcSwap<PolicySet>> {
        Arc::clone(&self.current)
    }

    /// How the policies stand, now and after every change.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<PolicyStatus> {
        self.status.subscribe()
    }

    /// Watches until `shutdown` is ready. `on_change` is called once for each change, after a new
    /// set is in force.
    pub async fn run(
        mut self,
        mut on_change: impl FnMut(&PolicyChange) + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let (heard, mut changes) = mpsc::channel::<()>(1);
        let _watcher = watcher(&self.directory, heard.clone());
        // What happened between `open` and the watch was not heard.
        let _ = heard.try_send(());
        tokio::pin!(shutdown);
        loop {
            let pause = match self.failed {
                Some(_) => READ_AGAIN_AFTER_FAILURE,
                None => READ_AGAIN,
            };
            tokio::select! {
                () = &mut shutdown => return,
                _ = changes.recv() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(pause) => {}
            }
            // What is heard of from here on is read in the next round.
            let _ = changes.try_recv();
            let (returned, change) = match tokio::task::spawn_blocking(move || self.reload()).await
            {
                Ok(done) => done,
                Err(error) => {
                    tracing::error!(%error, "reading policies ended early; they stay as they are");
                    return;
                }
            };
            self = returned;
            if let Some(change) = change {
                on_change(&change);
            }
        }
    }

    /// Reads the directory again and puts what it holds in force, if it changed and is good.
    fn reload(mut self) -> (Self, Option<PolicyChange>) {
        let sources = match read_directory(&self.directory) {
            Ok(sources) => sources,
            Err(problems) => {
                self.seen = None;
                let change = self.keep(problems);
                return (self, change);
            }
        };
        if self.seen.as_ref().is_some_and(|seen| seen.is_current(&sources)) {
            return (self, None);
        }
        let (loaded, seen) = attempt(&sources, &self.ground);
        self.seen = Some(seen);
        let change = match loaded {
            Err(problems) => self.keep(problems),
            Ok(set) if set.digest() == self.current.load().digest() => self.recovered(),
            Ok(set) => Some(self.activate(set)),
        };
        (self, change)
    }

    fn activate(&mut self, set: PolicySet) -> PolicyChange {
        let set = Arc::new(set);
        let previous = Arc::clone(self.current.swap(Arc::clone(&set)).revision());
        self.failed = None;
        self.status.send_modify(|status| {
            status.revision = Arc::clone(set.revision());
            status.activated = status.activated.saturating_add(1);
            status.problems = None;
        });
        let rules = set.rules().len();
        tracing::info!(revision = %set.revision(), %previous, rules, "policies are in force");
        PolicyChange::Activated { set, previous }
    }

    fn keep(&mut self, problems: Problems) -> Option<PolicyChange> {
        // The same mistakes, read again, are no new event.
        if self.failed.as_ref() == Some(&problems) {
            return None;
        }
        let kept = Arc::clone(self.current.load().revision());
        tracing::error!(revision = %kept, "a bad change of policies is not in force:\n{problems}");
        let shared = Arc::new(problems.clone());
        self.failed = Some(problems);
        self.status.send_modify(|status| {
            status.load_failed = status.load_failed.saturating_add(1);
            status.problems = Some(Arc::clone(&shared));
        });
        Some(PolicyChange::LoadFailed { kept, problems: shared })
    }

    /// The directory holds what is in force: nothing to do, unless a bad change was put back.
    fn recovered(&mut self) -> Option<PolicyChange> {
        self.failed.take()?;
        self.status.send_modify(|status| status.problems = None);
        let kept = Arc::clone(self.current.load().revision());
        tracing::info!(revision = %kept, "the bad change is gone; what is there is in force");
        Some(PolicyChange::Recovered { kept })
    }
}

fn watcher(directory: &Path, heard: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let on_event = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too; answering it would never end.
        let only_read = event.is_ok_and(|event| event.kind.is_access());
        if !only_read {
            // A full channel already holds what there is to say.
            let _ = heard.try_send(());
        }
    };
    let watching = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        watcher.watch(directory, RecursiveMode::Recursive).map(|()| watcher)
    });
    match watching {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            let seconds = READ_AGAIN.as_secs();
            tracing::warn!(%error, seconds, "policies cannot be watched, only read again");
            None
        }
    }
}

fn attempt(sources: &[Source], ground: &Ground) -> (Result<PolicySet, Problems>, Seen) {
    let secrets = FileSecrets::default();
    let set = load(sources, &secrets, ground);
    (set, Seen { sources: hash_of_sources(sources), keys: secrets.read.into_inner() })
}

impl Seen {
    fn is_current(&self, sources: &[Source]) -> bool {
        let secrets = FileSecrets::default();
        self.sources == hash_of_sources(sources)
            && self.keys.iter().all(|(key_ref, hash)| {
                secrets.secret(key_ref).ok().map(|key| sha256([key.as_slice()])) == *hash
            })
    }
}

/// Keys from files: `file:<path>`.
#[derive(Default)]
pub struct FileSecrets {
    /// What was asked for, and the hash of what was found.
    read: Mutex<Vec<(String, Option<Hash>)>>,
}

impl Secrets for FileSecrets {
    fn secret(&self, key_ref: &str) -> Result<Vec<u8>, String> {
        let key = read_key(key_ref);
        let hash = key.as_ref().ok().map(|key| sha256([key.as_slice()]));
        self.read.lock().push((key_ref.to_owned(), hash));
        key
    }
}

/// One line break at the end is not part of a key: editors and `echo` put it there.
fn read_key(key_ref: &str) -> Result<Vec<u8>, String> {
    let Some(path) = key_ref.strip_prefix("file:") else {
        return Err("a key is in a file: write `file:` and its path".to_owned());
    };
    let read = read_bounded(Path::new(path), KEY_FILE_BYTES_MAX);
    let mut key = read.map_err(|error| format!("the key file {path} cannot be read: {error}"))?;
    if key.last() == Some(&b'\n') {
        key.pop();
        if key.last() == Some(&b'\r') {
            key.pop();
        }
    }
    if key.is_empty() { Err(format!("the key file {path} is empty")) } else { Ok(key) }
}

/// Every `*.yaml` and `*.yml` below the directory, sorted by name. Names that start with a dot are
/// left out, which is how Kubernetes hides the real directories of a ConfigMap.
///
/// # Errors
/// What cannot be read, or that there is nothing.
pub fn read_directory(directory: &Path) -> Result<Vec<Source>, Problems> {
    let mut files = Vec::new();
    list(directory, DIRECTORY_DEPTH_MAX, &mut files)
        .map_err(|(path, message)| Problems::of_file(&path.to_string_lossy(), message))?;
    files.sort();
    if files.is_empty() {
        let message = "there is no policy file (*.yaml, *.yml) in this directory";
        return Err(Problems::of_file(&directory.to_string_lossy(), message));
    }
    let read = |path: PathBuf| {
        let file = path.to_string_lossy().into_owned();
        let bytes = read_bounded(&path, POLICY_FILE_BYTES_MAX)
            .map_err(|error| Problems::of_file(&file, format!("cannot be read: {error}")))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { file, text }),
            Err(_) => Err(Problems::of_file(&file, "the file is not UTF-8")),
        }
    };
    files.into_iter().map(read).collect()
}

fn list(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), (PathBuf, String)> {
    let unreadable =
        |error: std::io::Error| (directory.to_path_buf(), format!("cannot be read: {error}"));
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let is_policy = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        // Links are followed: that is how a ConfigMap shows its files.
        let kind = std::fs::metadata(&path);
        match kind {
            Ok(kind) if kind.is_dir() => match depth.checked_sub(1) {
                Some(depth) => list(&path, depth, files)?,
                None => return Err((path, "is nested too deep".to_owned())),
            },
            Ok(kind) if is_policy && kind.is_file() => files.push(path),
            Ok(_) if is_policy => return Err((path, "is not a file".to_owned())),
            Ok(_) => {}
            Err(error) if is_policy => return Err((path, format!("cannot be read: {error}"))),
            Err(_) => {}
        }
        if files.len() > FILES_MAX {
            let message = format!("holds more than {FILES_MAX} policy files");
            return Err((directory.to_path_buf(), message));
        }
    }
    Ok(())
}

fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(std::io::Error::other(format!("it is larger than {bytes_max} bytes")));
    }
    Ok(bytes)
}

fn hash_of_sources(sources: &[Source]) -> Hash {
    sha256(sources.iter().flat_map(|source| [source.file.as_bytes(), source.text.as_bytes()]))
}

fn sha256<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().first_chunk::<32>().copied().unwrap_or([0; 32])
}
