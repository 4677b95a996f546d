//! The audit log: events become rows of a local write-ahead log before their bytes leave, and
//! files for auditors a little later.
//!
//! ```text
//! <dir>/lock                                    held by the process that writes
//! <dir>/node_id                                 made once
//! <dir>/wal/<first seq>.wal                     what was accepted and is not yet in a file
//! <dir>/wal/<first seq>.corrupt                 what recovery could not read, set aside
//! <dir>/audit/v1/cluster=<c>/date=YYYY-MM-DD/hour=HH/<node>-<first seq>-<last seq>.parquet
//! <dir>/audit/v1/groups/<node>.jsonl            the list of groups behind every `groups_id`
//! ```
//!
//! `dir` is the directory that contains `audit/v1`. What a peer or an operator chose is
//! percent-encoded where it becomes part of a path.

mod answers;
mod committer;
mod converter;
mod fault;
mod groups;
mod home;
mod log;
mod parquet_dir;
mod reader;
mod recovery;
mod reservations;
mod rows;
mod segment;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::fault::{AuditError, SinkError};
pub use self::log::{AuditLog, AuditStatus, Health, Position};
pub use self::reader::{ReadError, ReadRow, ReadRows, read_rows};
pub use self::recovery::fuzz_one;
pub use self::reservations::Reserved;

/// Where converted segments go; `tests/tables.rs` holds every row to [`Sink`]'s promises.
pub static SINKS: &[SinkRow] = &[SinkRow {
    name: "parquet-dir",
    doc: "Parquet files in a directory, one folder for each cluster, date and hour",
    build: |place| Box::new(parquet_dir::ParquetDir::new(place)),
}];

/// One kind of sink.
pub struct SinkRow {
    /// The name in the configuration.
    pub name: &'static str,
    /// One line for the reference.
    pub doc: &'static str,
    /// Makes the sink; touches no file yet.
    pub build: fn(&Place) -> Box<dyn Sink>,
}

/// Stores the rows of closed segments.
///
/// Storing is idempotent: after a crash the same segment comes again and ends in the same files.
/// When `store` has returned, the rows survive a power cut and the segment may be deleted.
pub trait Sink: Send {
    /// The name in [`SINKS`].
    fn name(&self) -> &'static str;

    /// Stores all rows of the segment at `segment`; gives how many.
    fn store(&self, segment: &Path) -> Result<u64, SinkError>;
}

/// What a sink may know about where it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The directory of the audit log.
    pub dir: PathBuf,
    /// The node whose rows are stored.
    pub node_id: Arc<str>,
}

/// Microseconds since 1970, UTC. The caller's clock, so that tests can set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How the audit log works; the keys of `audit` in the configuration.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// The directory; made when missing.
    pub dir: PathBuf,
    /// What happens when a row cannot be written.
    pub required: Required,
    /// What an accepted row survives.
    pub durability: Durability,
    /// The longest time that a row waits for its Parquet file, in seconds.
    pub rotate_seconds: u64,
    /// The most rows in one segment.
    pub rotate_rows: u64,
    /// The cluster's name in rows that the log itself writes.
    pub cluster: Arc<str>,
}

/// The default of `rotate_seconds`.
pub const ROTATE_SECONDS: u64 = 300;

/// The default of `rotate_rows`: eight row groups.
pub const ROTATE_ROWS: u64 = 8 * 128 * 1024;

impl AuditSettings {
    /// The defaults for a directory and a cluster.
    pub fn new(dir: impl Into<PathBuf>, cluster: impl Into<Arc<str>>) -> Self {
        AuditSettings {
            dir: dir.into(),
            required: Required::Refuse,
            durability: Durability::Process,
            rotate_seconds: ROTATE_SECONDS,
            rotate_rows: ROTATE_ROWS,
            cluster: cluster.into(),
        }
    }
}

/// What happens with a request whose row cannot be written: `audit.required`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// `true`: `append` fails, and the caller refuses the request.
    Refuse,
    /// `false`: `append` succeeds, the row is lost and counted; an `audit_gap` row says so as
    /// soon as the log can be written again.
    CountLost,
}

/// What an accepted row survives: `audit.durability`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, also by kill -9: the row is in the kernel when `append` returns.
    Process,
    /// A power cut: `durable` waits for the group-committed fdatasync.
    Disk,
}

#[cfg(test)]
mod tests;
