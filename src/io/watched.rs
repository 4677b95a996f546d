//! A file that is read again when it changes: the last good content stays in use, and what is wrong
//! with the newest is said once and shown until it is better.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// How soon a change is seen. The content is compared, not its time or its inode: that holds on
/// network file systems and through Kubernetes' swaps of symbolic links.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How a file's text is read: the path for errors, the text; content, or a whole diagnostic.
pub type Reading<T> = fn(&str, &str) -> Result<T, String>;

/// Why a file's content is not in use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchedFault {
    /// The system's fault, or the path's.
    #[error("cannot read the {what} {path}: {reason}")]
    Unreadable { what: &'static str, path: String, reason: String },
    /// The content's: a whole diagnostic, with file, line and column.
    #[error("{0}")]
    Content(String),
}

/// A file, its last good content, and the task that watches it, which ends when this is dropped.
pub struct WatchedFile<T> {
    shared: Arc<Shared<T>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<T> {
    what: &'static str,
    path: PathBuf,
    bytes_max: u64,
    reading: Reading<T>,
    content: ArcSwap<T>,
    last: Mutex<Last>,
}

/// The newest content, which may be worse than the one in use.
struct Last {
    text: String,
    content_fault: Option<WatchedFault>,
    read_fault: Option<WatchedFault>,
}

impl<T: Send + Sync + 'static> WatchedFile<T> {
    /// Reads the file, and watches it if a tokio runtime is running. `what` names it in messages;
    /// of a longer file the first `bytes_max` and one more byte are read.
    ///
    /// # Errors
    /// The first content must be good; later bad content is logged and the last good stays.
    pub fn open(
        what: &'static str,
        path: &Path,
        bytes_max: usize,
        reading: Reading<T>,
    ) -> Result<Self, WatchedFault> {
        let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        let text = read_text(what, path, bytes_max)?;
        let content = reading(&path.display().to_string(), &text).map_err(WatchedFault::Content)?;
        let shared = Arc::new(Shared {
            what,
            path: path.to_owned(),
            bytes_max,
            reading,
            content: ArcSwap::from_pointee(content),
            last: Mutex::new(Last { text, content_fault: None, read_fault: None }),
        });
        let task = tokio::runtime::Handle::try_current()
            .is_ok()
            .then(|| tokio::spawn(watch(Arc::clone(&shared))));
        Ok(Self { shared, task: Mutex::new(task) })
    }

    /// The last good content.
    pub fn current(&self) -> Arc<T> {
        self.shared.content.load_full()
    }

    /// Why the newest content is not in use, if it is not.
    pub fn fault(&self) -> Option<WatchedFault> {
        let last = self.shared.last.lock();
        last.read_fault.as_ref().or(last.content_fault.as_ref()).cloned()
    }

    /// Looks at the file now.
    pub fn look(&self) {
        self.shared.look();
    }
}

impl<T> Drop for WatchedFile<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

async fn watch<T: Send + Sync + 'static>(shared: Arc<Shared<T>>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let again = Arc::clone(&shared);
        // A reader that panics would end in this error; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || again.look()).await;
    }
}

impl<T> Shared<T> {
    /// Reads the file, and swaps the content if it changed for the good.
    fn look(&self) {
        let outcome = read_text(self.what, &self.path, self.bytes_max);
        let mut last = self.last.lock();
        let (what, path) = (self.what, self.path.display());
        let text = match outcome {
            Ok(text) => text,
            Err(fault) => {
                if last.read_fault.as_ref() != Some(&fault) {
                    tracing::warn!(%path, %fault, "the last good {what} stays in use");
                    last.read_fault = Some(fault);
                }
                return;
            }
        };
        if last.read_fault.take().is_some() {
            tracing::info!(%path, "the {what} can be read again");
        }
        if text == last.text {
            return;
        }
        let read = (self.reading)(&path.to_string(), &text);
        last.text = text;
        last.content_fault = match read {
            Ok(content) => {
                tracing::info!(%path, "read the {what}, which had changed");
                self.content.store(Arc::new(content));
                None
            }
            Err(reason) => {
                let fault = WatchedFault::Content(reason);
                tracing::warn!(%path, %fault, "the last good {what} stays in use");
                Some(fault)
            }
        };
    }
}

fn read_text(what: &'static str, path: &Path, bytes_max: u64) -> Result<String, WatchedFault> {
    let unreadable = |reason: String| WatchedFault::Unreadable {
        what,
        path: path.display().to_string(),
        reason,
    };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    // One byte over the cap is enough for the parser to refuse the whole.
    file.take(bytes_max.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(text)
}
