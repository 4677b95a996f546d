//! `lockgate audit show`: rows as a table for people, or as JSON lines for programs.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde::Serializer as _;

use crate::audit::{AuditDecision, EventKind};
use crate::io::sink::{ReadError, ReadRow, read_rows};

/// Shows the rows of an audit directory, also while a Lockgate writes to it.
#[derive(Args, Clone, Debug)]
pub struct AuditShow {
    /// The directory: `audit.dir` of the configuration, or a copy of it.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// How rows are printed.
    #[arg(long, value_enum, default_value_t = ShowFormat::Table)]
    pub format: ShowFormat,
    /// Only these events.
    #[arg(long, value_name = "EVENT", value_parser = event_names())]
    pub event: Vec<String>,
    /// Only rows of these topics.
    #[arg(long, value_name = "TOPIC")]
    pub topic: Vec<String>,
    /// Only rows of these principals.
    #[arg(long, value_name = "NAME")]
    pub principal: Vec<String>,
    /// Only rows with these decisions.
    #[arg(long, value_name = "DECISION", value_parser = decision_names())]
    pub decision: Vec<String>,
    /// Only the newest rows, this many.
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// One line a row, the columns that people ask for first.
    Table,
    /// One JSON object a line, with every column.
    Json,
}

/// Why rows could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Some files could not be read; the rows of the others were shown.
    #[error("{files} files could not be read; the rows shown are not all")]
    Incomplete {
        /// How many.
        files: usize,
    },
    /// The output ended.
    #[error("rows cannot be printed")]
    Output(#[source] io::Error),
}

fn event_names() -> PossibleValuesParser {
    PossibleValuesParser::new(EventKind::ALL.iter().map(|event| event.as_str()))
}

fn decision_names() -> PossibleValuesParser {
    PossibleValuesParser::new(AuditDecision::ALL.iter().map(|decision| decision.as_str()))
}

impl AuditShow {
    /// Prints to standard output; unreadable files are named on standard error.
    ///
    /// # Errors
    /// See [`ShowError`]. A reader that goes away, such as `head`, is none.
    pub fn run(&self) -> Result<(), ShowError> {
        let mut output = BufWriter::new(io::stdout().lock());
        self.print(&mut output, &mut io::stderr().lock())
    }

    /// Prints rows to `output` and the names of unreadable files to `errors`.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn print(&self, output: &mut impl Write, errors: &mut impl Write) -> Result<(), ShowError> {
        let mut unreadable = 0;
        let rows = read_rows(&self.dir)?.filter_map(|row| match row {
            Ok(row) => self.selects(&row).then_some(row),
            Err(error) => {
                unreadable += 1;
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                let _ = writeln!(errors, "{error}: {}", reason.unwrap_or_default());
                None
            }
        });
        let printed = match self.limit {
            Some(limit) => self.print_rows(newest(rows, limit).into_iter(), output),
            None => self.print_rows(rows, output),
        };
        match printed.and_then(|()| output.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => return Err(ShowError::Output(error)),
        }
        if unreadable == 0 { Ok(()) } else { Err(ShowError::Incomplete { files: unreadable }) }
    }

    fn selects(&self, row: &ReadRow) -> bool {
        let wanted = [
            ("event", &self.event),
            ("topic", &self.topic),
            ("principal", &self.principal),
            ("decision", &self.decision),
        ];
        wanted.iter().all(|(column, words)| {
            words.is_empty() || row.text(column).is_some_and(|text| words.contains(&text))
        })
    }

    fn print_rows(
        &self,
        rows: impl Iterator<Item = ReadRow>,
        output: &mut impl Write,
    ) -> io::Result<()> {
        match self.format {
            ShowFormat::Json => print_json(rows, output),
            ShowFormat::Table => print_table(rows, output),
        }
    }
}

fn newest(rows: impl Iterator<Item = ReadRow>, limit: usize) -> VecDeque<ReadRow> {
    let mut kept = VecDeque::new();
    for row in rows {
        kept.push_back(row);
        if kept.len() > limit {
            kept.pop_front();
        }
    }
    kept
}

fn print_json(rows: impl Iterator<Item = ReadRow>, output: &mut impl Write) -> io::Result<()> {
    for row in rows {
        serde_json::Serializer::new(&mut *output).collect_map(row.columns())?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

/// A column of the table.
struct Column {
    title: &'static str,
    cell: fn(&ReadRow) -> String,
}

static TABLE: &[Column] = &[
    Column { title: "SEQ", cell: |row| row.seq().to_string() },
    Column { title: "TIME", cell: |row| text(row, "time") },
    Column { title: "EVENT", cell: |row| text(row, "event") },
    Column { title: "PRINCIPAL", cell: |row| text(row, "principal") },
    Column { title: "API", cell: |row| text(row, "api") },
    Column { title: "TOPIC", cell: topic },
    Column { title: "OFFSETS", cell: offsets },
    Column { title: "RECORDS", cell: |row| any(row, "records") },
    Column { title: "DECISION", cell: decision },
    Column { title: "MASKED", cell: |row| any(row, "masked_values") },
    Column { title: "RULES", cell: rules },
    Column { title: "ERROR", cell: |row| any(row, "error_code") },
    Column { title: "MESSAGE", cell: |row| text(row, "message") },
];

/// The width of a column is that of the widest cell among this many first rows.
const SIZED_ROWS: usize = 256;

fn print_table(mut rows: impl Iterator<Item = ReadRow>, output: &mut impl Write) -> io::Result<()> {
    let cells = |row: ReadRow| TABLE.iter().map(|column| (column.cell)(&row)).collect();
    let first: Vec<Vec<String>> = rows.by_ref().take(SIZED_ROWS).map(cells).collect();
    let titles: Vec<String> = TABLE.iter().map(|column| column.title.to_owned()).collect();
    let mut widths = vec![0; TABLE.len()];
    for line in first.iter().chain([&titles]) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in [titles].into_iter().chain(first).chain(rows.map(cells)) {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(output, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Clients choose some of these texts; none may steer a terminal.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    if shown.is_empty() { "-".to_owned() } else { shown }
}

fn text(row: &ReadRow, column: &str) -> String {
    shown(&row.text(column).unwrap_or_default())
}

fn any(row: &ReadRow, column: &str) -> String {
    let value = row.value(column);
    if value.is_null() { "-".to_owned() } else { shown(&value.to_string()) }
}

fn topic(row: &ReadRow) -> String {
    let name = text(row, "topic");
    if row.value("partition").is_null() {
        return name;
    }
    format!("{name}[{}]", any(row, "partition"))
}

fn offsets(row: &ReadRow) -> String {
    if row.value("first_offset").is_null() {
        return "-".to_owned();
    }
    format!("{}..{}", any(row, "first_offset"), any(row, "last_offset"))
}

fn decision(row: &ReadRow) -> String {
    let decision = text(row, "decision");
    let shadow = row.text("mode").is_some_and(|mode| mode == "shadow");
    if shadow { format!("{decision} (shadow)") } else { decision }
}

fn rules(row: &ReadRow) -> String {
    let value = row.value("rule_ids");
    let names = value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    shown(&names.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says so by failing")]
    use std::path::Path;
    use std::sync::Arc;

    use clap::Parser;

    use super::*;
    use crate::audit::{AuditEvent, Mode, SessionFacts};
    use crate::io::sink::{AuditLog, AuditSettings};

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        show: AuditShow,
    }

    fn show(dir: &Path, arguments: &[&str]) -> String {
        let dir = ["show", "--dir", dir.to_str().unwrap()];
        let parsed = Arguments::try_parse_from(dir.iter().chain(arguments)).unwrap();
        let mut output = Vec::new();
        parsed.show.print(&mut output, &mut Vec::new()).unwrap();
        String::from_utf8(output).unwrap()
    }

    fn filled() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let settings = AuditSettings::new(dir.path(), "default");
        let log = AuditLog::open(settings, Arc::new(|| 1_795_355_999_000_000)).unwrap();
        let facts = |name: &str| {
            let principal = Some(name.into());
            Arc::new(SessionFacts { principal, ..SessionFacts::gateway("default".into()) })
        };
        let decided = |name: &str, decision| AuditEvent {
            topic: Some("payments".into()),
            partition: Some(0),
            decision: Some(decision),
            ..AuditEvent::new(EventKind::Decision, facts(name))
        };
        let shadow =
            AuditEvent { mode: Some(Mode::Shadow), ..decided("eve\u{1b}[2J", AuditDecision::Deny) };
        log.append(&[decided("jane", AuditDecision::Mask), shadow]).unwrap();
        log.flush().unwrap();
        log.append(&[AuditEvent::new(EventKind::Heartbeat, facts("jane"))]).unwrap();
        dir
    }

    #[test]
    fn a_table_for_people() {
        let dir = filled();
        let table = show(dir.path(), &[]);
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("deny (shadow)"), "{table}");
        assert!(table.contains("payments[0]"), "{table}");
        assert!(table.contains("eve\\u{1b}[2J") && !table.contains('\u{1b}'), "{table}");
    }

    #[test]
    fn filters_and_json() {
        let dir = filled();
        let lines = show(dir.path(), &["--format", "json", "--principal", "jane"]);
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let rows: Vec<_> = lines.lines().map(parse).collect();
        let seqs: Vec<_> = rows.iter().filter_map(|row| row.get("seq")?.as_u64()).collect();
        assert_eq!(seqs, [1, 3]);
        assert_eq!(rows.first().and_then(|row| row.as_object()).map(|row| row.len()), Some(41));
        assert!(lines.starts_with("{\"seq\":1,\"time\":\"2026-11-22T13:59:59.000000Z\""));
        assert_eq!(show(dir.path(), &["--decision", "deny"]).lines().count(), 2);
        assert_eq!(show(dir.path(), &["--event", "heartbeat"]).lines().count(), 2);
        assert!(show(dir.path(), &["--limit", "1"]).contains("heartbeat"));
    }

    #[test]
    fn no_directory_is_a_clear_error() {
        let error = read_rows(Path::new("/nonexistent")).err().unwrap();
        assert!(error.to_string().contains("is it the audit.dir of a Lockgate?"));
    }
}
