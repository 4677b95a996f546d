//! What can go wrong with the audit log, and what an operator does about it.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the audit log. Nothing here is ever the client's fault.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The directory cannot be used.
    #[error(
        "audit directory {}: cannot {action}; check that it exists and is writable",
        path.display()
    )]
    Directory {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process writes there.
    #[error(
        "audit directory {} is in use by another Lockgate process; give each its own audit.dir",
        dir.display()
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// `node_id` holds something else.
    #[error(
        "{} does not hold a node id; put the right one back or move the directory away",
        path.display()
    )]
    NodeId {
        /// The file.
        path: PathBuf,
    },
    /// A segment of a newer Lockgate.
    #[error(
        "{} is of version {version} of the log's format, which this Lockgate does not know; \
         start the newer Lockgate once to have it converted",
        path.display()
    )]
    Version {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u8,
    },
    /// The write-ahead log did not take the row; it has no `seq`, and nothing of it is on disk.
    #[error("the audit log cannot be written")]
    Write(#[source] io::Error),
    /// One event is larger than a frame may be.
    #[error("an audit row of {bytes} bytes is above the limit of {bytes_max}")]
    RowTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The row is written but the disk did not confirm it.
    #[error("the audit log could not be synced to disk")]
    Sync,
    /// The log was closed before.
    #[error("the audit log is closed")]
    Closed,
    /// Closed segments could not be converted; their rows are safe in the write-ahead log.
    #[error("audit rows could not be stored; they stay in the write-ahead log")]
    Store(#[source] SinkError),
}

impl AuditError {
    /// For `map_err`: what was tried on which path.
    pub(super) fn directory<'p>(
        action: &'static str,
        path: &'p Path,
    ) -> impl FnOnce(io::Error) -> AuditError + 'p {
        move |source| AuditError::Directory { action, path: path.to_owned(), source }
    }
}

/// A sink that could not store a segment. The segment is kept and tried again.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A file could not be read or written.
    #[error("{}: cannot {action}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The segment changed or broke after it was closed.
    #[error("{}: a row at byte {offset} cannot be read", path.display())]
    Segment {
        /// The segment.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// Rows could not be made a batch: a defect of Lockgate.
    #[error("rows could not be put into columns")]
    Columns(#[from] arrow_schema::ArrowError),
    /// The Parquet writer failed, mostly because the disk is full.
    #[error("the Parquet file could not be written")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl SinkError {
    /// For `map_err`: what was tried on which path.
    pub(super) fn file<'p>(
        action: &'static str,
        path: &'p Path,
    ) -> impl FnOnce(io::Error) -> SinkError + 'p {
        move |source| SinkError::File { action, path: path.to_owned(), source }
    }
}
