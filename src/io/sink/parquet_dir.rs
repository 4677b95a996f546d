//! The sink `parquet-dir`: one Parquet file for each cluster and hour of a segment.
//!
//! Names follow from the rows, so storing a segment again writes the same files. A file appears
//! under its name only when all of it is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::fault::SinkError;
use super::home::{create_dir, path_part, private, sync_dir, tree};
use super::rows::{RowStep, Rows, Start};
use super::{Place, Sink};
use crate::audit::calendar::{Moment, hour_of};
use crate::audit::{Entry, RowBatch, SCHEMA_VERSION, row};

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows that are turned into columns at once.
const BATCH_ROWS: usize = 8192;

/// The size at which a page ends, in bytes.
const PAGE_BYTES: usize = 1024 * 1024;

/// The most policy revisions that a file's metadata names.
const REVISIONS_MAX: usize = 64;

/// Writes below `<dir>/audit/v1`.
pub struct ParquetDir {
    place: Place,
}

impl ParquetDir {
    /// Touches no file yet.
    pub fn new(place: &Place) -> Self {
        ParquetDir { place: place.clone() }
    }
}

impl Sink for ParquetDir {
    fn name(&self) -> &'static str {
        "parquet-dir"
    }

    fn store(&self, segment: &Path) -> Result<u64, SinkError> {
        let mut parts: BTreeMap<Part, Span> = BTreeMap::new();
        each_row(segment, |entry| {
            let part = Part::of(entry);
            let seq = entry.seq;
            let span = parts.entry(part).or_insert(Span { first: seq, last: seq, rows: 0 });
            span.last = seq;
            span.rows = span.rows.saturating_add(1);
            Ok(())
        })?;
        for (part, span) in &parts {
            self.write_part(segment, part, *span)?;
        }
        Ok(parts.values().map(|span| span.rows).sum())
    }
}

/// What shares a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    cluster: String,
    /// Hours since 1970.
    hour: i64,
}

impl Part {
    fn of(entry: &Entry<'_>) -> Self {
        Part { cluster: entry.cluster.to_owned(), hour: hour_of(entry.time_us) }
    }

    fn holds(&self, entry: &Entry<'_>) -> bool {
        self.hour == hour_of(entry.time_us) && self.cluster == entry.cluster
    }

    fn folder(&self, dir: &Path) -> PathBuf {
        let moment = Moment::from_micros(self.hour.saturating_mul(3_600_000_000));
        tree(dir)
            .join(format!("cluster={}", path_part(&self.cluster)))
            .join(format!("date={}", moment.date()))
            .join(format!("hour={:02}", moment.hour))
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    last: u64,
    rows: u64,
}

impl ParquetDir {
    fn write_part(&self, segment: &Path, part: &Part, span: Span) -> Result<(), SinkError> {
        let folder = part.folder(&self.place.dir);
        create_dir_synced(&folder)?;
        let node = path_part(&self.place.node_id);
        let path = folder.join(format!("{node}-{:012}-{:012}.parquet", span.first, span.last));
        let draft = path.with_extension("parquet.tmp");
        let file = private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(&draft)
            .map_err(SinkError::file("create it", &draft))?;
        let mut writer = ArrowWriter::try_new(file, row::schema(), Some(self.properties(span)?))?;
        let mut batch = RowBatch::default();
        let mut revisions = BTreeSet::new();
        each_row(segment, |entry| {
            if !part.holds(entry) {
                return Ok(());
            }
            if let Some(revision) = entry.policy_revision
                && revisions.len() < REVISIONS_MAX
                && !revisions.contains(revision)
            {
                revisions.insert(revision.to_owned());
            }
            batch.push(entry)?;
            if batch.rows() == BATCH_ROWS {
                writer.write(&batch.finish()?)?;
            }
            Ok(())
        })?;
        if batch.rows() > 0 {
            writer.write(&batch.finish()?)?;
        }
        let revisions = revisions.into_iter().collect::<Vec<_>>().join(" ");
        writer.append_key_value_metadata(key_value("lockgate.policy_revisions", revisions));
        let file = writer.into_inner()?;
        file.sync_all().map_err(SinkError::file("sync it", &draft))?;
        fs::rename(&draft, &path).map_err(SinkError::file("rename it", &draft))?;
        sync_dir(&folder).map_err(SinkError::file("sync it", &folder))
    }

    fn properties(&self, span: Span) -> Result<WriterProperties, SinkError> {
        let distinct = span.rows.min(ROW_GROUP_ROWS as u64);
        let column = |name: &str| ColumnPath::from(name);
        let by_seq = SortingColumn { column_idx: 0, descending: false, nulls_first: false };
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("lockgate ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_sorting_columns(Some(vec![by_seq]))
            .set_key_value_metadata(Some(vec![
                key_value("lockgate.schema", SCHEMA_VERSION),
                key_value("lockgate.node", &*self.place.node_id),
                key_value("lockgate.first_seq", span.first.to_string()),
                key_value("lockgate.last_seq", span.last.to_string()),
                key_value("lockgate.writer", concat!("lockgate ", env!("CARGO_PKG_VERSION"))),
            ]));
        for name in ["seq", "time"] {
            properties = properties
                .set_column_dictionary_enabled(column(name), false)
                .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
        }
        for name in ["session_id", "decision_id"] {
            properties = properties.set_column_bloom_filter_max_ndv(column(name), distinct);
        }
        properties = properties.set_column_dictionary_enabled(column("decision_id"), false);
        Ok(properties.build())
    }
}

fn key_value(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue::new(key.to_owned(), value.into())
}

/// Hands every row of a closed segment to `each`.
fn each_row(
    segment: &Path,
    mut each: impl FnMut(&Entry<'_>) -> Result<(), SinkError>,
) -> Result<(), SinkError> {
    let read = |error| SinkError::file("read it", segment)(error);
    let fault = |offset| SinkError::Segment { path: segment.to_owned(), offset };
    let first_seq =
        segment.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).ok_or_else(|| fault(0))?;
    let file = File::open(segment).map_err(read)?;
    let mut rows = match Rows::start(file, first_seq).map_err(read)? {
        Start::Rows(rows) => rows,
        Start::Cut => return Ok(()),
        Start::Foreign { .. } | Start::Garbage => return Err(fault(0)),
    };
    loop {
        match rows.step().map_err(read)? {
            RowStep::Row(entry) => each(&entry)?,
            RowStep::End => return Ok(()),
            RowStep::Fault { offset } => return Err(fault(offset)),
        }
    }
}

/// Creates a folder below others so that its name survives a power cut.
fn create_dir_synced(folder: &Path) -> Result<(), SinkError> {
    if folder.is_dir() {
        return Ok(());
    }
    create_dir(folder).map_err(SinkError::file("create it", folder))?;
    // The date, the cluster, the version, and what holds them.
    for above in folder.ancestors().skip(1).take(4) {
        sync_dir(above).map_err(SinkError::file("sync it", above))?;
    }
    Ok(())
}

/// A stored file, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// The node that wrote it, as it stands in the name.
    pub node: String,
    /// The `seq` of its first row.
    pub first: u64,
    /// Of its last one.
    pub last: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// Every stored file of a directory; an empty list where nothing was stored yet.
pub fn stored_files(dir: &Path) -> io::Result<Vec<Stored>> {
    let mut files = Vec::new();
    let mut folders = vec![(tree(dir), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match ["cluster=", "date=", "hour="].get(depth) {
                Some(prefix) if name.starts_with(prefix) => folders.push((path, depth + 1)),
                Some(_) => {}
                None => files.extend(parse_name(name).map(|(node, first, last)| Stored {
                    node: node.to_owned(),
                    first,
                    last,
                    path: path.clone(),
                })),
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn parse_name(name: &str) -> Option<(&str, u64, u64)> {
    let mut parts = name.strip_suffix(".parquet")?.rsplitn(3, '-');
    let last = parts.next()?.parse().ok()?;
    let first = parts.next()?.parse().ok()?;
    Some((parts.next()?, first, last))
}

/// The largest `seq` that a node has stored; 0 for none.
pub fn last_stored_seq(dir: &Path, node_id: &Arc<str>) -> io::Result<u64> {
    let node = path_part(node_id);
    let files = stored_files(dir)?;
    Ok(files.iter().filter(|file| file.node == node).map(|file| file.last).max().unwrap_or(0))
}
