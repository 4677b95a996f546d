//! Rows read back from a directory: the Parquet files and the segments that are not converted.
//!
//! Works beside a running Lockgate and needs no lock. Segments are opened before the files are
//! listed, so a row that moves from the one to the other meanwhile is seen at least once; a row
//! that is seen twice is given out once.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::{Map, Value};

use super::home;
use super::parquet_dir::{Stored, stored_files};
use super::rows::{RowStep, Rows, Start};
use crate::audit::calendar::Moment;
use crate::audit::groups::hex;
use crate::audit::{RowBatch, Ulid};

/// Rows read at once from each source.
const BATCH_ROWS: usize = 1024;

/// A directory that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No audit log is there, or it may not be read.
    #[error("{}: cannot be read; is it the audit.dir of a Lockgate?", path.display())]
    Directory {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A segment or a file that cannot be opened or read.
    #[error("{}: cannot be read", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ReadError {
    fn file<E>(path: &Path) -> impl FnOnce(E) -> ReadError + '_
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| ReadError::File { path: path.to_owned(), source: source.into() }
    }
}

/// One row, with all columns of `audit.v1`.
#[derive(Clone, Debug)]
pub struct ReadRow {
    batch: Arc<RecordBatch>,
    row: usize,
}

/// Every row of a directory, ordered by `seq` and then by node, each once.
///
/// # Errors
/// Where `dir` holds no audit log. An error among the rows is that of one file; the rows of the
/// others go on.
pub fn read_rows(dir: &Path) -> Result<ReadRows, ReadError> {
    let unreadable = |source| ReadError::Directory { path: dir.to_owned(), source };
    let mut closed = Vec::new();
    let segments = match home::segments(dir) {
        Ok(segments) => segments,
        // A copy for an auditor has the files and no log.
        Err(error) if error.kind() == io::ErrorKind::NotFound && home::tree(dir).is_dir() => {
            Vec::new()
        }
        Err(error) => return Err(unreadable(error)),
    };
    for (first, path) in segments {
        match File::open(&path) {
            Ok(file) => closed.push(Unread { first, path, segment: Some(file) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ReadError::file(&path)(error)),
        }
    }
    for Stored { first, path, .. } in stored_files(dir).map_err(unreadable)? {
        closed.push(Unread { first, path, segment: None });
    }
    closed.sort_by_key(|unread| unread.first);
    Ok(ReadRows { unread: closed.into(), open: Vec::new(), last: None })
}

/// The iterator behind [`read_rows`]. It holds a batch of each source that overlaps the place
/// it is at, so its memory does not grow with the directory.
pub struct ReadRows {
    /// Sources that start behind the present row, in order.
    unread: VecDeque<Unread>,
    open: Vec<Source>,
    last: Option<ReadRow>,
}

struct Unread {
    first: u64,
    path: PathBuf,
    /// Segments are open already; files are opened when their turn comes.
    segment: Option<File>,
}

struct Source {
    path: PathBuf,
    batches: Batches,
    head: ReadRow,
}

enum Batches {
    Segment(Rows<File>),
    Parquet(Box<ParquetRecordBatchReader>),
}

impl Iterator for ReadRows {
    type Item = Result<ReadRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Err(error) = self.open_due() {
                return Some(Err(error));
            }
            let row = match self.take_first()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let repeated = self.last.as_ref().is_some_and(|last| last.order(&row).is_eq());
            if !repeated {
                self.last = Some(row.clone());
                return Some(Ok(row));
            }
        }
    }
}

impl ReadRows {
    /// Opens every source that may hold the next row.
    fn open_due(&mut self) -> Result<(), ReadError> {
        loop {
            let next = self.open.iter().map(|source| source.head.seq()).min();
            let due = self.unread.pop_front_if(|unread| next.is_none_or(|seq| unread.first <= seq));
            let Some(unread) = due else { return Ok(()) };
            self.open.extend(unread.open()?);
        }
    }

    /// Takes the first row of all sources.
    fn take_first(&mut self) -> Option<Result<ReadRow, ReadError>> {
        let heads = self.open.iter().enumerate();
        let (place, _) = heads.min_by(|(_, one), (_, other)| one.head.order(&other.head))?;
        let source = self.open.get_mut(place)?;
        let row = source.head.clone();
        let next = match row.following() {
            Some(next) => Ok(Some(next)),
            None => source.batches.next_row(&source.path),
        };
        match next {
            Ok(Some(next)) => source.head = next,
            Ok(None) => drop(self.open.swap_remove(place)),
            Err(error) => {
                self.open.swap_remove(place);
                return Some(Err(error));
            }
        }
        Some(Ok(row))
    }
}

impl Unread {
    fn open(self) -> Result<Option<Source>, ReadError> {
        let path = self.path;
        let mut batches = if let Some(file) = self.segment {
            match Rows::start(file, self.first).map_err(ReadError::file(&path))? {
                Start::Rows(rows) => Batches::Segment(rows),
                Start::Cut => return Ok(None),
                Start::Foreign { .. } | Start::Garbage => {
                    return Err(ReadError::file(&path)("not a segment that this version reads"));
                }
            }
        } else {
            let file = File::open(&path).map_err(ReadError::file(&path))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
                .map_err(ReadError::file(&path))?;
            Batches::Parquet(Box::new(reader))
        };
        let head = batches.next_row(&path)?;
        Ok(head.map(|head| Source { path, batches, head }))
    }
}

impl Batches {
    /// The first row of the next batch.
    fn next_row(&mut self, path: &Path) -> Result<Option<ReadRow>, ReadError> {
        let batch = match self {
            Batches::Segment(rows) => segment_batch(rows).map_err(ReadError::file(path))?,
            Batches::Parquet(reader) => reader.next().transpose().map_err(ReadError::file(path))?,
        };
        let batch = batch.filter(|batch| batch.num_rows() > 0).map(Arc::new);
        Ok(batch.map(|batch| ReadRow { batch, row: 0 }))
    }
}

/// The next rows of a segment. A fault is its end: the frame behind is being written, or the
/// next start of Lockgate will deal with it.
fn segment_batch(
    rows: &mut Rows<File>,
) -> Result<Option<RecordBatch>, Box<dyn std::error::Error + Send + Sync>> {
    let mut batch = RowBatch::default();
    while batch.rows() < BATCH_ROWS {
        match rows.step()? {
            RowStep::Row(entry) => batch.push(&entry)?,
            RowStep::End | RowStep::Fault { .. } => break,
        }
    }
    if batch.rows() == 0 { Ok(None) } else { Ok(Some(batch.finish()?)) }
}

impl ReadRow {
    /// The row's number on its node.
    pub fn seq(&self) -> u64 {
        self.number("seq").unwrap_or(0)
    }

    /// The text of a column; ids as they are shown to people. `None` where the row leaves the
    /// column empty and for columns that hold no text.
    pub fn text(&self, column: &str) -> Option<String> {
        match self.value(column) {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        }
    }

    /// The number in a column that holds numbers of at least 0.
    pub fn number(&self, column: &str) -> Option<u64> {
        self.value(column).as_u64()
    }

    /// The value of a column: times as RFC 3339, `decision_id` as a ULID, other ids in hex.
    /// `Null` where the row leaves it empty, and for names that are no column.
    pub fn value(&self, column: &str) -> Value {
        let array = self.batch.column_by_name(column);
        array.map_or(Value::Null, |array| cell(column, array.as_ref(), self.row))
    }

    /// All columns in the order of the schema.
    pub fn columns(&self) -> impl Iterator<Item = (String, Value)> {
        let schema = self.batch.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        names.into_iter().map(|name| {
            let value = self.value(&name);
            (name, value)
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let by_seq = self.seq().cmp(&other.seq());
        by_seq.then_with(|| self.text("node_id").cmp(&other.text("node_id")))
    }

    /// The next row of the same batch.
    fn following(&self) -> Option<Self> {
        let row = self.row.saturating_add(1);
        let batch = Arc::clone(&self.batch);
        (row < batch.num_rows()).then_some(ReadRow { batch, row })
    }
}

/// A value of one of the kinds that the schema has.
#[expect(clippy::wildcard_enum_match_arm, reason = "Arrow has many kinds, the schema these")]
fn cell(column: &str, array: &dyn Array, row: usize) -> Value {
    if row >= array.len() || array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            Moment::from_micros(micros).rfc3339().into()
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let key = dictionary.key(row).unwrap_or(usize::MAX);
            cell(column, dictionary.values().as_ref(), key)
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(row);
            match <[u8; 16]>::try_from(bytes) {
                Ok(id) if column == "decision_id" => Ulid(id).text().into(),
                _ => hex(bytes).into(),
            }
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell(column, items.as_ref(), item)).collect()
        }
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let part = |name: &String| {
                let array = parts.column_by_name(name);
                array.map_or(Value::Null, |array| cell(name, array.as_ref(), row))
            };
            let names = fields.iter().map(|field| field.name());
            Value::Object(names.map(|name| (name.clone(), part(name))).collect::<Map<_, _>>())
        }
        other => format!("a {other} of another version").into(),
    }
}
