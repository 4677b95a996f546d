//! What is done with the segments that an earlier process left behind.
//!
//! A process that was killed leaves at most a cut last frame, which was never accepted: it is
//! removed. Anything else that cannot be read is evidence of a fault below us (a disk, a file
//! system after a power cut, a hand): what is readable before it is kept, the rest is set aside
//! for people, and the rows that are missing are named in an `audit_gap` row.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use super::fault::AuditError;
use super::home::{self, Home};
use super::parquet_dir::last_stored_seq;
use super::rows::{RowStep, Rows, Start};
use super::wal::{FRAME_HEAD_BYTES, parse_head};
use crate::audit::{Entry, Line};

/// How far behind a fault readable rows are looked for.
const RESUME_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the log starts with.
pub struct Recovered {
    /// The `seq` of the next row.
    pub next_seq: u64,
    /// Rows that wait to be converted, over all segments.
    pub rows: u64,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
}

/// Rows that cannot be read any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first one.
    pub from: u64,
    /// The last one, where that is known.
    pub to: Option<u64>,
    /// What happened, for the row's message.
    pub reason: String,
}

/// What a segment holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Survey {
    /// Readable rows.
    pub rows: u64,
    /// The `seq` behind the last one.
    pub next_seq: u64,
    /// The size of the readable part.
    pub good_bytes: u64,
    /// What follows it.
    pub ending: Ending,
}

/// What follows the readable part of a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing.
    Clean,
    /// A last frame that was never finished.
    Torn,
    /// More than that; `last_seq` is of the last row that could be read behind the fault.
    Corrupt { last_seq: Option<u64> },
    /// The whole segment is of another version of the format.
    Foreign { version: u8 },
}

/// Repairs every segment, so that each one left is readable to its end.
pub fn recover(home: &Home) -> Result<Recovered, AuditError> {
    let wal_dir = home.wal_dir();
    let list = AuditError::directory("list the segments", &wal_dir);
    let segments = home::segments(home.dir()).map_err(list)?;
    let mut recovered = Recovered { next_seq: 1, rows: 0, gaps: Vec::new() };
    if segments.is_empty() {
        let last = last_stored_seq(home.dir(), home.node_id())
            .map_err(AuditError::directory("list the stored files", home.dir()))?;
        recovered.next_seq = last.saturating_add(1);
        return Ok(recovered);
    }
    let mut expected = None;
    for (first_seq, path) in segments {
        if let Some(from) = expected.filter(|expected| *expected < first_seq) {
            let reason = format!("a part of the log before {} is missing", path.display());
            recovered.gaps.push(Gap { from, to: first_seq.checked_sub(1), reason });
        }
        let survey = survey_file(&path, first_seq)
            .map_err(AuditError::directory("read the segment", &path))?;
        repair(&path, &survey, &mut recovered.gaps)?;
        let behind = match survey.ending {
            Ending::Corrupt { last_seq } => last_seq.unwrap_or(0).saturating_add(1),
            Ending::Clean | Ending::Torn | Ending::Foreign { .. } => 0,
        };
        let next_seq = survey.next_seq.max(behind);
        expected = Some(next_seq);
        recovered.next_seq = recovered.next_seq.max(next_seq);
        recovered.rows = recovered.rows.saturating_add(survey.rows);
    }
    Ok(recovered)
}

fn repair(path: &Path, survey: &Survey, gaps: &mut Vec<Gap>) -> Result<(), AuditError> {
    match survey.ending {
        Ending::Clean => Ok(()),
        Ending::Torn => {
            tracing::warn!(segment = %path.display(), "an unfinished last audit row was removed");
            cut(path, survey.good_bytes).map_err(AuditError::directory("repair", path))
        }
        Ending::Corrupt { last_seq } => {
            let aside = path.with_extension("corrupt");
            set_aside(path, &aside, survey.good_bytes)
                .map_err(AuditError::directory("set the unreadable part aside", path))?;
            let reason = format!(
                "{} was unreadable from byte {}; that part was set aside as {}",
                path.display(),
                survey.good_bytes,
                aside.display()
            );
            tracing::error!(from = survey.next_seq, to = last_seq, "audit rows lost: {reason}");
            gaps.push(Gap { from: survey.next_seq, to: last_seq, reason });
            Ok(())
        }
        Ending::Foreign { version } => Err(AuditError::Version { path: path.to_owned(), version }),
    }
}

fn cut(path: &Path, good_bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(good_bytes)?;
    file.sync_all()
}

/// Copies first, so that a crash in between loses nothing and the next start does it again.
fn set_aside(path: &Path, aside: &Path, good_bytes: u64) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(good_bytes))?;
    home::write_whole(aside, &mut file)?;
    if good_bytes == 0 { fs::remove_file(path) } else { cut(path, good_bytes) }
}

/// Reads a whole segment.
pub fn survey_file(path: &Path, first_seq: u64) -> io::Result<Survey> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    survey(&file, length, first_seq, |_| {})
}

/// Reads a segment of `length` bytes that starts with `first_seq`; every row is handed to `each`.
pub fn survey<R: Read + Seek>(
    mut source: R,
    length: u64,
    first_seq: u64,
    mut each: impl FnMut(&Entry<'_>),
) -> io::Result<Survey> {
    let mut survey = Survey { rows: 0, next_seq: first_seq, good_bytes: 0, ending: Ending::Clean };
    let mut rows = match Rows::start(&mut source, first_seq)? {
        Start::Rows(rows) => rows,
        Start::Foreign { version } => {
            survey.ending = Ending::Foreign { version };
            return Ok(survey);
        }
        Start::Cut | Start::Garbage => {
            survey.ending = ending(&mut source, 0, length, first_seq)?;
            return Ok(survey);
        }
    };
    let fault = loop {
        match rows.step()? {
            RowStep::Row(entry) => {
                each(&entry);
                survey.rows = survey.rows.saturating_add(1);
            }
            RowStep::End => break None,
            RowStep::Fault { offset } => break Some(offset),
        }
    };
    survey.next_seq = rows.next_seq();
    survey.good_bytes = fault.unwrap_or(length);
    if let Some(offset) = fault {
        survey.ending = ending(&mut source, offset, length, survey.next_seq)?;
    }
    Ok(survey)
}

/// Tells an unfinished last frame from a fault with rows behind it.
fn ending<R: Read + Seek>(
    source: &mut R,
    offset: u64,
    length: u64,
    next_seq: u64,
) -> io::Result<Ending> {
    source.seek(SeekFrom::Start(offset))?;
    let mut rest = Vec::new();
    source.take(RESUME_BYTES_MAX).read_to_end(&mut rest)?;
    if let Some(last_seq) = last_seq_behind(&rest, next_seq) {
        return Ok(Ending::Corrupt { last_seq: Some(last_seq) });
    }
    let left = length.saturating_sub(offset);
    let whole = rest.len() as u64 == left;
    let frame_end = rest
        .first_chunk::<FRAME_HEAD_BYTES>()
        .and_then(|head| parse_head(*head))
        .map(|(payload, _)| (FRAME_HEAD_BYTES + payload) as u64);
    let torn = match frame_end {
        // Not even a length, or a file that was made longer before its bytes came.
        None => left < FRAME_HEAD_BYTES as u64 || (whole && rest.iter().all(|byte| *byte == 0)),
        Some(frame_end) => frame_end >= left,
    };
    // The head of a segment is no row: without it, and with nothing behind it, none was lost.
    let head_only = offset == 0 && left <= HEAD_BYTES_MAX;
    if torn || head_only { Ok(Ending::Torn) } else { Ok(Ending::Corrupt { last_seq: None }) }
}

/// Above the size of any segment that holds no row: magic, frame head, node id, `seq`.
const HEAD_BYTES_MAX: u64 = 8 + 8 + 2 + 128 + 10;

/// The `seq` of the last readable row in bytes that start with a fault.
fn last_seq_behind(rest: &[u8], next_seq: u64) -> Option<u64> {
    let mut last = None;
    let mut place = 1;
    while let Some(at) = rest.get(place..).filter(|at| at.len() > FRAME_HEAD_BYTES) {
        match row_at(at).filter(|(seq, _)| *seq >= next_seq) {
            Some((seq, bytes)) => {
                last = last.max(Some(seq));
                place = place.saturating_add(bytes);
            }
            None => place = place.saturating_add(1),
        }
    }
    last
}

/// The `seq` and the size of the frame at the start of `bytes`, if there is a row.
fn row_at(bytes: &[u8]) -> Option<(u64, usize)> {
    let (head, behind) = bytes.split_first_chunk::<FRAME_HEAD_BYTES>()?;
    let (length, checksum) = parse_head(*head)?;
    let payload = behind.get(..length)?;
    if crc32c::crc32c(payload) != checksum {
        return None;
    }
    match postcard::from_bytes::<Line<'_>>(payload).ok()? {
        Line::Row(entry) | Line::Reserved(entry) => Some((entry.seq, FRAME_HEAD_BYTES + length)),
        Line::Answered(_) => None,
    }
}

/// The body of the fuzz target: no bytes of a segment make recovery panic, and what it keeps is
/// a clean segment with the same rows.
pub fn fuzz_one(data: &[u8]) {
    let read = |bytes: &[u8]| {
        let mut seqs = Vec::new();
        let length = bytes.len() as u64;
        let survey = survey(Cursor::new(bytes), length, 1, |entry| seqs.push(entry.seq));
        survey.ok().map(|survey| (survey, seqs))
    };
    let Some((first, seqs)) = read(data) else { return };
    assert!(seqs.iter().copied().eq(1..=first.rows), "rows are in order and gapless");
    let good = usize::try_from(first.good_bytes).ok().and_then(|bytes| data.get(..bytes));
    let again = good.filter(|good| !good.is_empty()).and_then(read);
    if let Some((again, seqs_again)) = again {
        assert_eq!(again.ending, Ending::Clean, "what is kept is clean");
        assert_eq!(seqs_again, seqs, "nothing readable is lost");
    }
}
