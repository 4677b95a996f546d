//! The published schema `audit.v1`, and rows turned into Arrow batches.
//!
//! Text that repeats is a dictionary; lists hold plain text, which Parquet stores as a dictionary
//! all the same and which every reader understands.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    ArrayBuilder, FixedSizeBinaryBuilder, Int16Builder, Int32Builder, Int64Builder, ListBuilder,
    StringBuilder, StringDictionaryBuilder, StructBuilder, TimestampMicrosecondBuilder,
    UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::entry::{Entry, Masks, Texts};
use super::event::{AuditDecision, Mode};

/// The version that stands in every file's metadata; its last part is a folder of the layout.
pub const SCHEMA_VERSION: &str = "audit.v1";

/// One column: its name, whether a row may leave it empty, and where its value comes from. The
/// value's kind is the column's type.
struct Column {
    name: &'static str,
    presence: Presence,
    kind: Kind,
    cell: for<'e> fn(&'e Entry<'e>) -> Cell<'e>,
}

/// Every column, in the order of the files.
#[rustfmt::skip]
static COLUMNS: &[Column] = &[
    always("seq", Kind::U64, |e| Cell::U64(Some(e.seq))),
    always("time", Kind::Time, |e| Cell::I64(Some(e.time_us))),
    always("node_id", Kind::Word, |e| text(Some(e.node_id))),
    always("event", Kind::Word, |e| text(Some(e.event.as_str()))),
    maybe("decision_id", Kind::Id, |e| Cell::Id(e.decision_id)),
    maybe("session_id", Kind::Id, |e| Cell::Id(e.session_id)),
    maybe("principal", Kind::Word, |e| text(e.principal)),
    maybe("principal_type", Kind::Word, |e| text(e.principal_type)),
    maybe("groups_id", Kind::Word, |e| text(e.groups_id)),
    maybe("auth_mech", Kind::Word, |e| text(e.auth_mech)),
    maybe("token_jti_hash", Kind::Word, |e| text(e.token_jti_hash)),
    maybe("client_id", Kind::Word, |e| text(e.client_id)),
    maybe("client_software", Kind::Word, |e| text(e.client_software)),
    maybe("src_ip", Kind::Word, |e| made(e.src_ip.map(|ip| ip.to_canonical().to_string()))),
    maybe("src_port", Kind::U16, |e| Cell::U16(e.src_port)),
    always("cluster", Kind::Word, |e| text(Some(e.cluster))),
    maybe("api", Kind::Word, |e| text(e.api)),
    maybe("api_version", Kind::I16, |e| Cell::I16(e.api_version)),
    maybe("topic", Kind::Word, |e| text(e.topic)),
    maybe("topic_id", Kind::Word, |e| made(e.topic_id.map(topic_id_text))),
    maybe("partition", Kind::I32, |e| Cell::I32(e.partition)),
    maybe("first_offset", Kind::I64, |e| Cell::I64(e.first_offset)),
    maybe("last_offset", Kind::I64, |e| Cell::I64(e.last_offset)),
    maybe("records", Kind::U32, |e| Cell::U32(e.records)),
    maybe("bytes", Kind::U64, |e| Cell::U64(e.bytes)),
    always("schema_ids", Kind::Numbers, |e| Cell::Numbers(&e.schema_ids)),
    maybe("decision", Kind::Word, |e| text(e.decision.map(AuditDecision::as_str))),
    maybe("mode", Kind::Word, |e| text(e.mode.map(Mode::as_str))),
    always("rule_ids", Kind::Texts, |e| Cell::Texts(&e.rule_ids)),
    maybe("policy_revision", Kind::Word, |e| text(e.policy_revision)),
    always("mask_summary", Kind::Masks, |e| Cell::Masks(&e.mask_summary)),
    always("masked_values", Kind::U32, |e| Cell::U32(Some(e.masked_values))),
    always("masked_records", Kind::U32, |e| Cell::U32(Some(e.masked_records))),
    maybe("error_code", Kind::I16, |e| Cell::I16(e.error_code)),
    maybe("message", Kind::Text, |e| text(e.message)),
    maybe("hold_id", Kind::Text, |e| text(e.hold_id)),
    maybe("grant_id", Kind::Text, |e| text(e.grant_id)),
    maybe("exception_id", Kind::Text, |e| text(e.exception_id)),
    maybe("eval_us", Kind::U32, |e| Cell::U32(e.eval_us)),
    maybe("added_latency_us", Kind::U32, |e| Cell::U32(e.added_latency_us)),
    always("suppressed", Kind::U32, |e| Cell::U32(Some(e.suppressed))),
];

type CellOf = for<'e> fn(&'e Entry<'e>) -> Cell<'e>;

const fn always(name: &'static str, kind: Kind, cell: CellOf) -> Column {
    Column { name, presence: Presence::Always, kind, cell }
}

const fn maybe(name: &'static str, kind: Kind, cell: CellOf) -> Column {
    Column { name, presence: Presence::Maybe, kind, cell }
}

fn text(text: Option<&str>) -> Cell<'_> {
    Cell::Text(text.map(Cow::Borrowed))
}

fn made<'e>(text: Option<String>) -> Cell<'e> {
    Cell::Text(text.map(Cow::Owned))
}

/// Topic ids as Kafka's own tools write them: URL-safe base 64 without padding.
fn topic_id_text(id: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

#[derive(Clone, Copy, PartialEq)]
enum Presence {
    Always,
    Maybe,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    U16,
    U32,
    U64,
    I16,
    I32,
    I64,
    /// Microseconds since 1970, UTC.
    Time,
    /// 16 bytes.
    Id,
    /// Text that repeats: a dictionary.
    Word,
    Text,
    Numbers,
    Texts,
    Masks,
}

enum Cell<'e> {
    U16(Option<u16>),
    U32(Option<u32>),
    U64(Option<u64>),
    I16(Option<i16>),
    I32(Option<i32>),
    I64(Option<i64>),
    Id(Option<[u8; 16]>),
    Text(Option<Cow<'e, str>>),
    Numbers(&'e [i32]),
    Texts(&'e Texts<'e>),
    Masks(&'e Masks<'e>),
}

/// The schema of every file and batch.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let field = |column: &Column| {
            let nullable = column.presence == Presence::Maybe;
            Field::new(column.name, column.kind.data_type(), nullable)
        };
        Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::U16 => DataType::UInt16,
            Kind::U32 => DataType::UInt32,
            Kind::U64 => DataType::UInt64,
            Kind::I16 => DataType::Int16,
            Kind::I32 => DataType::Int32,
            Kind::I64 => DataType::Int64,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Id => DataType::FixedSizeBinary(16),
            Kind::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Kind::Text => DataType::Utf8,
            Kind::Numbers => DataType::List(item(DataType::Int32)),
            Kind::Texts => DataType::List(item(DataType::Utf8)),
            Kind::Masks => DataType::List(item(DataType::Struct(mask_fields()))),
        }
    }

    fn builder(self) -> Builder {
        match self {
            Kind::U16 => Builder::U16(UInt16Builder::new()),
            Kind::U32 => Builder::U32(UInt32Builder::new()),
            Kind::U64 => Builder::U64(UInt64Builder::new()),
            Kind::I16 => Builder::I16(Int16Builder::new()),
            Kind::I32 => Builder::I32(Int32Builder::new()),
            Kind::I64 => Builder::I64(Int64Builder::new()),
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Id => Builder::Id(FixedSizeBinaryBuilder::new(16)),
            Kind::Word => Builder::Word(StringDictionaryBuilder::new()),
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Numbers => Builder::Numbers(
                ListBuilder::new(Int32Builder::new()).with_field(item(DataType::Int32)),
            ),
            Kind::Texts => Builder::Texts(
                ListBuilder::new(StringBuilder::new()).with_field(item(DataType::Utf8)),
            ),
            Kind::Masks => Builder::Masks(
                ListBuilder::new(StructBuilder::from_fields(mask_fields(), 0))
                    .with_field(item(DataType::Struct(mask_fields()))),
            ),
        }
    }
}

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", kind, false))
}

fn mask_fields() -> Fields {
    Fields::from(vec![
        Field::new("selector", DataType::Utf8, false),
        Field::new("method", DataType::Utf8, false),
        Field::new("count", DataType::UInt32, false),
    ])
}

enum Builder {
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    I16(Int16Builder),
    I32(Int32Builder),
    I64(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Id(FixedSizeBinaryBuilder),
    Word(StringDictionaryBuilder<Int32Type>),
    Text(StringBuilder),
    Numbers(ListBuilder<Int32Builder>),
    Texts(ListBuilder<StringBuilder>),
    Masks(ListBuilder<StructBuilder>),
}

impl Builder {
    /// Appends a cell of the builder's own kind; `COLUMNS` pairs the two, and its test holds it.
    fn append(&mut self, cell: Cell<'_>) -> Result<(), ArrowError> {
        match (self, cell) {
            (Builder::U16(to), Cell::U16(value)) => to.append_option(value),
            (Builder::U32(to), Cell::U32(value)) => to.append_option(value),
            (Builder::U64(to), Cell::U64(value)) => to.append_option(value),
            (Builder::I16(to), Cell::I16(value)) => to.append_option(value),
            (Builder::I32(to), Cell::I32(value)) => to.append_option(value),
            (Builder::I64(to), Cell::I64(value)) => to.append_option(value),
            (Builder::Time(to), Cell::I64(value)) => to.append_option(value),
            (Builder::Id(to), Cell::Id(Some(id))) => to.append_value(id)?,
            (Builder::Id(to), Cell::Id(None)) => to.append_null(),
            (Builder::Word(to), Cell::Text(Some(word))) => drop(to.append(word)?),
            (Builder::Word(to), Cell::Text(None)) => to.append_null(),
            (Builder::Text(to), Cell::Text(text)) => to.append_option(text),
            (Builder::Numbers(to), Cell::Numbers(numbers)) => {
                to.values().append_slice(numbers);
                to.append(true);
            }
            (Builder::Texts(to), Cell::Texts(texts)) => {
                texts.iter().for_each(|text| to.values().append_value(text));
                to.append(true);
            }
            (Builder::Masks(to), Cell::Masks(masks)) => return append_masks(to, masks),
            _ => return Err(mismatch()),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::U16(from) => ArrayBuilder::finish(from),
            Builder::U32(from) => ArrayBuilder::finish(from),
            Builder::U64(from) => ArrayBuilder::finish(from),
            Builder::I16(from) => ArrayBuilder::finish(from),
            Builder::I32(from) => ArrayBuilder::finish(from),
            Builder::I64(from) => ArrayBuilder::finish(from),
            Builder::Time(from) => ArrayBuilder::finish(from),
            Builder::Id(from) => ArrayBuilder::finish(from),
            Builder::Word(from) => ArrayBuilder::finish(from),
            Builder::Text(from) => ArrayBuilder::finish(from),
            Builder::Numbers(from) => ArrayBuilder::finish(from),
            Builder::Texts(from) => ArrayBuilder::finish(from),
            Builder::Masks(from) => ArrayBuilder::finish(from),
        }
    }
}

fn append_masks(to: &mut ListBuilder<StructBuilder>, masks: &Masks<'_>) -> Result<(), ArrowError> {
    for mask in masks.iter() {
        let entry = to.values();
        entry.field_builder::<StringBuilder>(0).ok_or_else(mismatch)?.append_value(mask.selector);
        entry.field_builder::<StringBuilder>(1).ok_or_else(mismatch)?.append_value(mask.method);
        entry.field_builder::<UInt32Builder>(2).ok_or_else(mismatch)?.append_value(mask.count);
        entry.append(true);
    }
    to.append(true);
    Ok(())
}

fn mismatch() -> ArrowError {
    ArrowError::SchemaError("a column's value is not of the column's kind".to_owned())
}

/// Collects rows and gives them out as one Arrow batch.
pub struct RowBatch {
    rows: usize,
    builders: Vec<Builder>,
}

impl Default for RowBatch {
    fn default() -> Self {
        let builders = COLUMNS.iter().map(|column| column.kind.builder()).collect();
        RowBatch { rows: 0, builders }
    }
}

impl RowBatch {
    /// How many rows wait to be given out.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row. An error leaves the batch unusable; none is possible while the table of
    /// columns is consistent.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), ArrowError> {
        for (column, builder) in COLUMNS.iter().zip(&mut self.builders) {
            builder.append((column.cell)(entry))?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far as one batch of [`schema`]; the next one starts empty.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        self.rows = 0;
        RecordBatch::try_new(schema(), columns)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says so by failing")]
    use super::*;
    use crate::audit::{AuditEvent, EventKind, MaskCount, SessionFacts, Stamp};

    #[test]
    fn every_column_takes_a_full_and_an_empty_row() {
        let facts = SessionFacts {
            session_id: Some([1; 16]),
            src_ip: Some([127, 0, 0, 1].into()),
            ..SessionFacts::gateway("default".into())
        };
        let full = AuditEvent {
            topic_id: Some([0; 16]),
            schema_ids: vec![1, 2],
            rule_ids: smallvec::smallvec!["a".into()],
            mask_summary: vec![MaskCount { selector: "$".into(), method: "null", count: 1 }],
            ..AuditEvent::new(EventKind::Decision, Arc::new(facts))
        };
        let empty = AuditEvent::new(EventKind::Heartbeat, Arc::default());
        let mut batch = RowBatch::default();
        for (seq, event) in [(1, &full), (2, &empty)] {
            let stamp = Stamp { seq, time_us: 0, node_id: "n" };
            batch.push(&Entry::new(stamp, event)).unwrap();
        }
        let rows = batch.finish().unwrap();
        assert_eq!((rows.num_rows(), rows.num_columns(), batch.rows()), (2, 41, 0));
        assert_eq!(topic_id_text([0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
    }
}
