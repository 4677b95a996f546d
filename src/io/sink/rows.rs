//! Rows read back from a segment, in order, with every check that tells a row from garbage.
//!
//! The segment is read twice: once for the broker's answers, which stand behind the rows that they
//! complete, and once for the rows. What is written meanwhile is not part of it.

use std::io::{self, BufReader, Read, Seek};

use super::answers::Answers;
use super::wal::{Frames, MAGIC, SegmentHead, Step};
use crate::audit::{Answered, Entry, Line};

/// A segment's rows.
pub struct Rows<R> {
    frames: Frames<BufReader<R>>,
    answers: Answers,
    end: End,
    first_seq: u64,
    next_seq: u64,
}

/// Where the first reading ended.
enum End {
    Clean { offset: u64 },
    Fault { offset: u64 },
}

/// How a segment begins.
pub enum Start<R> {
    /// With its magic bytes and a head, or with a good part of them and nothing more.
    Rows(Rows<R>),
    /// Cut before the end of its head, so it never held a row.
    Cut,
    /// A version of the format that this Lockgate does not know.
    Foreign { version: u8 },
    /// Something else.
    Garbage,
}

/// What stands at the reader's place.
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for every row")]
pub enum RowStep<'r> {
    /// A row.
    Row(Entry<'r>),
    /// The end, right after a whole row.
    End,
    /// Anything else, at this offset.
    Fault { offset: u64 },
}

impl<R: Read + Seek> Rows<R> {
    /// Reads the head of a segment whose first row has `first_seq`.
    pub fn start(source: R, first_seq: u64) -> io::Result<Start<R>> {
        let mut source = BufReader::with_capacity(64 * 1024, source);
        let mut magic = Vec::with_capacity(MAGIC.len());
        source.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic.len() < MAGIC.len() {
            return Ok(if MAGIC.starts_with(&magic) { Start::Cut } else { Start::Garbage });
        }
        if magic != MAGIC {
            return Ok(match (MAGIC.split_last(), magic.split_last()) {
                (Some((_, ours)), Some((version, theirs))) if ours == theirs => {
                    Start::Foreign { version: *version }
                }
                _ => Start::Garbage,
            });
        }
        let mut frames = Frames::new(source, MAGIC.len() as u64);
        match frames.step()? {
            Step::Frame { payload, .. } => match postcard::from_bytes::<SegmentHead<'_>>(payload) {
                Ok(head) if head.first_seq == first_seq => {}
                _ => return Ok(Start::Garbage),
            },
            Step::End | Step::Fault { .. } => return Ok(Start::Cut),
        }
        let start = frames.offset();
        let (answers, end) = collect_answers(&mut frames, first_seq)?;
        frames.rewind(start)?;
        Ok(Start::Rows(Rows { frames, answers, end, first_seq, next_seq: first_seq }))
    }

    /// The next step. After a fault the reader must not be used.
    pub fn step(&mut self) -> io::Result<RowStep<'_>> {
        let offset = loop {
            match self.end {
                End::Clean { offset } if self.frames.offset() >= offset => return Ok(RowStep::End),
                End::Fault { offset } if self.frames.offset() >= offset => {
                    return Ok(RowStep::Fault { offset });
                }
                End::Clean { .. } | End::Fault { .. } => {}
            }
            let (payload, offset) = match self.frames.step()? {
                Step::Frame { payload, offset } => (payload, offset),
                Step::End => return Ok(RowStep::End),
                Step::Fault { offset } => return Ok(RowStep::Fault { offset }),
            };
            match answer(payload) {
                Some(answer) if (self.first_seq..self.next_seq).contains(&answer.seq) => {}
                Some(_) => return Ok(RowStep::Fault { offset }),
                None => break offset,
            }
        };
        match postcard::from_bytes::<Line<'_>>(self.frames.payload()) {
            Ok(Line::Row(entry)) if entry.seq == self.next_seq => {
                self.next_seq = self.next_seq.saturating_add(1);
                Ok(RowStep::Row(entry))
            }
            Ok(Line::Reserved(mut entry)) if entry.seq == self.next_seq => {
                entry.complete(self.answers.of(entry.seq).as_ref());
                self.next_seq = self.next_seq.saturating_add(1);
                Ok(RowStep::Row(entry))
            }
            _ => Ok(RowStep::Fault { offset }),
        }
    }

    /// The `seq` that the next row must have.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }
}

fn collect_answers<R: Read>(frames: &mut Frames<R>, first_seq: u64) -> io::Result<(Answers, End)> {
    let mut answers = Answers::new(first_seq);
    let end = loop {
        match frames.step()? {
            Step::Frame { payload, .. } => {
                if let Some(answer) = answer(payload) {
                    answers.add(&answer);
                }
            }
            Step::End => break End::Clean { offset: frames.offset() },
            Step::Fault { offset } => break End::Fault { offset },
        }
    };
    answers.sort();
    Ok((answers, end))
}

/// The answer in a frame, if that is what it holds; a row is not decoded to find out.
fn answer(payload: &[u8]) -> Option<Answered> {
    if payload.first() != Some(&ANSWERED) {
        return None;
    }
    match postcard::from_bytes::<Line<'_>>(payload) {
        Ok(Line::Answered(answer)) => Some(answer),
        Ok(Line::Row(_) | Line::Reserved(_)) | Err(_) => None,
    }
}

/// How postcard begins a [`Line::Answered`]: with the place of the variant.
const ANSWERED: u8 = 2;
