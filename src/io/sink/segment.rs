//! The segment that is written to: whole frames or nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::home::{self, Home};
use super::wal::{self, MAGIC, SegmentHead};

/// What a segment is written to. Files in the product; the tests bring one that fails.
pub trait Medium {
    /// Writes all of it at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts everything behind `bytes`.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Medium for Arc<File> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // The file is in append mode. A batch goes to the kernel in one call; a short write
        // leads to a second one, whose error is the true reason.
        (&**self).write_all(bytes)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// A segment and how far it is good.
pub struct Segment<M> {
    medium: M,
    first_seq: u64,
    rows: u64,
    bytes: u64,
    first_time_us: Option<i64>,
    end: End,
    /// Rows in it that may still be completed.
    open_rows: u64,
    trust: Trust,
}

/// Whether what was written to a segment can be believed to reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// So far.
    Good,
    /// A sync has failed; the kernel may have dropped pages.
    Lost,
}

/// Whether something that was not accepted may stand behind the last good frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Good,
    Ragged,
}

impl<M: Medium> Segment<M> {
    /// Writes the head of an empty segment.
    pub fn start(mut medium: M, node_id: &str, first_seq: u64) -> io::Result<Self> {
        let mut head = MAGIC.to_vec();
        wal::encode(&SegmentHead { node_id, first_seq }, &mut head)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        medium.append(&head)?;
        let bytes = head.len() as u64;
        Ok(Segment {
            medium,
            first_seq,
            rows: 0,
            bytes,
            first_time_us: None,
            end: End::Good,
            open_rows: 0,
            trust: Trust::Good,
        })
    }

    /// Appends whole frames. On an error nothing of them is left, and if even that cannot be
    /// had, the next call tries again before it writes.
    pub fn append(&mut self, frames: &[u8], rows: u64, time_us: i64) -> io::Result<()> {
        if self.end == End::Ragged {
            self.medium.cut(self.bytes)?;
            self.end = End::Good;
        }
        if let Err(error) = self.medium.append(frames) {
            if self.medium.cut(self.bytes).is_err() {
                self.end = End::Ragged;
            }
            return Err(error);
        }
        self.bytes = self.bytes.saturating_add(frames.len() as u64);
        self.rows = self.rows.saturating_add(rows);
        self.first_time_us.get_or_insert(time_us);
        Ok(())
    }
}

impl<M> Segment<M> {
    /// Puts another medium in the place of the present one, to see what its failures do.
    #[cfg(test)]
    pub fn swap(&mut self, medium: M) -> M {
        std::mem::replace(&mut self.medium, medium)
    }

    /// What it is written to.
    pub fn medium(&self) -> &M {
        &self.medium
    }

    /// The `seq` of its first row.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Rows in it.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows in it that may still be completed.
    pub fn open_rows(&self) -> u64 {
        self.open_rows
    }

    /// So many of its rows may be completed later.
    pub fn reserve(&mut self, rows: u64) {
        self.open_rows = self.open_rows.saturating_add(rows);
    }

    /// One of them is complete, or will never be.
    pub fn settle(&mut self) {
        self.open_rows = self.open_rows.saturating_sub(1);
    }

    /// Whether it can be believed to reach the disk.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// A sync has failed.
    pub fn distrust(&mut self) {
        self.trust = Trust::Lost;
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When its first row was written.
    pub fn first_time_us(&self) -> Option<i64> {
        self.first_time_us
    }
}

/// Creates the segment that starts with `first_seq`, over an empty one of the same name. Its
/// name survives a power cut when this returns.
pub fn new_segment(home: &Home, first_seq: u64) -> io::Result<Segment<Arc<File>>> {
    let segment = name_segment(draft_segment(home)?, home, first_seq)?;
    segment.medium().sync_all()?;
    home::sync_dir(&home.wal_dir())?;
    Ok(segment)
}

/// An empty file that is no segment yet. The slow part of a rotation, done without the lock.
pub fn draft_segment(home: &Home) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = home::private(options.append(true).create(true)).open(draft_path(home))?;
    file.set_len(0)?;
    Ok(file)
}

/// Makes the draft a segment. The caller has the folder synced.
pub fn name_segment(draft: File, home: &Home, first_seq: u64) -> io::Result<Segment<Arc<File>>> {
    let segment = Segment::start(Arc::new(draft), home.node_id(), first_seq)?;
    std::fs::rename(draft_path(home), home::segment_path(home.dir(), first_seq))?;
    Ok(segment)
}

fn draft_path(home: &Home) -> PathBuf {
    home.wal_dir().join("next.draft")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says so by failing")]
    use super::*;

    /// A disk with room for `room` bytes, whose cuts may fail too.
    struct Small {
        held: Vec<u8>,
        room: usize,
        cuts_fail: bool,
    }

    impl Medium for Small {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let fits = bytes.len().min(self.room.saturating_sub(self.held.len()));
            self.held.extend(bytes.iter().take(fits));
            if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn cut(&mut self, bytes: u64) -> io::Result<()> {
            if self.cuts_fail {
                return Err(io::ErrorKind::Other.into());
            }
            self.held.truncate(usize::try_from(bytes).unwrap());
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_leaves_whole_frames_only() {
        let disk = Small { held: Vec::new(), room: 50, cuts_fail: false };
        let mut segment = Segment::start(disk, "n", 1).unwrap();
        let head = segment.medium().held.len();
        segment.append(&[1; 20], 1, 0).unwrap();
        assert!(segment.append(&[2; 20], 1, 0).is_err());
        assert_eq!((segment.rows(), segment.medium().held.len()), (1, head + 20));
        segment.medium.room = 100;
        segment.append(&[3; 20], 1, 0).unwrap();
        assert_eq!(segment.medium().held.get(head + 20..), Some([3; 20].as_slice()));
    }

    #[test]
    fn what_could_not_be_cut_is_cut_before_the_next_row() {
        let disk = Small { held: Vec::new(), room: 50, cuts_fail: true };
        let mut segment = Segment::start(disk, "n", 1).unwrap();
        let head = segment.medium().held.len();
        assert!(segment.append(&[2; 40], 1, 0).is_err());
        assert_eq!(segment.medium().held.len(), 50);
        assert!(segment.append(&[3; 4], 1, 0).is_err(), "still cannot be cut");
        segment.medium.cuts_fail = false;
        segment.append(&[3; 4], 1, 0).unwrap();
        assert_eq!(segment.medium().held.len(), head + 4);
        assert_eq!(segment.bytes(), head as u64 + 4);
    }
}
