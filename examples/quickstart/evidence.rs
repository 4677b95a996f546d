//! Audit rows as an auditor reads them: from the Parquet files alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lockgate::io::sink::{ReadRow, read_rows};
use serde_json::Value;

use crate::page::{Cell, Tone, cell};
use crate::{Result, waiting};

/// How long a row may take into its file.
const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// The columns of one row that the quickstart shows.
#[derive(Clone, Debug)]
pub struct Row {
    pub event: String,
    pub principal: String,
    pub api: String,
    pub topic: String,
    pub decision: String,
    pub mode: String,
    pub masked_values: u64,
    pub rules: Vec<String>,
    pub message: String,
}

impl Row {
    fn of(row: &ReadRow) -> Self {
        let text = |column| row.text(column).unwrap_or_default();
        let rules = row.value("rule_ids");
        let rules = rules.as_array().into_iter().flatten().filter_map(Value::as_str);
        Self {
            event: text("event"),
            principal: text("principal"),
            api: text("api"),
            topic: text("topic"),
            decision: text("decision"),
            mode: text("mode"),
            masked_values: row.number("masked_values").unwrap_or_default(),
            rules: rules.map(str::to_owned).collect(),
            message: text("message"),
        }
    }

    /// Decided for real, by a rule that is not on trial.
    pub fn is_enforced(&self) -> bool {
        self.mode != "shadow"
    }

    /// Who, API, topic, decision, values masked, rules.
    pub fn cells(&self) -> Vec<Cell> {
        let decision = match self.is_enforced() {
            true => self.decision.clone(),
            false => format!("{} (shadow)", self.decision),
        };
        let tone = match self.decision.as_str() {
            _ if !self.is_enforced() => Tone::Faint,
            "deny" => Tone::Bad,
            "mask" => Tone::Masked,
            _ => Tone::Good,
        };
        let masked =
            if self.masked_values == 0 { "-".to_owned() } else { self.masked_values.to_string() };
        vec![
            cell(&self.principal, Tone::Plain),
            cell(&self.api, Tone::Plain),
            cell(&self.topic, Tone::Plain),
            cell(&decision, tone),
            cell(&masked, Tone::Plain),
            cell(&self.rules.join(", "), Tone::Plain),
        ]
    }
}

/// A decision that the story leads to.
#[derive(Debug)]
pub struct Expected {
    principal: &'static str,
    api: &'static str,
    topic: &'static str,
    decision: &'static str,
    rules: &'static [&'static str],
    masked_values: u64,
}

const fn expected(
    (principal, api, topic): (&'static str, &'static str, &'static str),
    (decision, masked_values): (&'static str, u64),
    rules: &'static [&'static str],
) -> Expected {
    Expected { principal, api, topic, decision, rules, masked_values }
}

const PAYMENTS: &str = "payments.eu.captured";
const TICKETS: &str = "support.tickets.opened";

/// Every decision that must have its row.
pub static EXPECTED: &[Expected] = &[
    expected(("shop", "Produce", PAYMENTS), ("allow", 0), &[]),
    expected(("shop", "Produce", TICKETS), ("allow", 0), &[]),
    expected(("lena", "Fetch", PAYMENTS), ("mask", 3), &["cvv-never"]),
    expected(
        ("ana", "Fetch", PAYMENTS),
        ("mask", 12),
        &["pan-last-four", "cvv-never", "customer-tokens"],
    ),
    expected(("lena", "Fetch", TICKETS), ("allow", 0), &[]),
    expected(("ana", "Fetch", TICKETS), ("mask", 6), &["ticket-customer", "ticket-note"]),
    expected(("shop", "Produce", TICKETS), ("deny", 0), &["no-card-number-in-ticket"]),
];

impl Expected {
    /// Values may have been masked in several fetches, so their rows are added up.
    pub fn is_in(&self, rows: &[Row]) -> bool {
        let alike = |row: &&Row| {
            row.event == "decision"
                && row.is_enforced()
                && (row.principal.as_str(), row.api.as_str()) == (self.principal, self.api)
                && (row.topic.as_str(), row.decision.as_str()) == (self.topic, self.decision)
        };
        let alike: Vec<&Row> = rows.iter().filter(alike).collect();
        let masked: u64 = alike.iter().map(|row| row.masked_values).sum();
        !alike.is_empty()
            && alike.iter().all(|row| row.rules == self.rules)
            && masked == self.masked_values
    }
}

/// The Parquet files of an audit directory, seen from a place that has no write-ahead log.
pub struct Files {
    copy: PathBuf,
}

impl Files {
    /// Looks at the files of `audit_directory` through a link beside it.
    pub fn of(audit_directory: &Path) -> Result<Self> {
        let copy = audit_directory.with_file_name("auditor");
        std::fs::create_dir(&copy)?;
        std::os::unix::fs::symlink(audit_directory.join("audit"), copy.join("audit"))?;
        Ok(Self { copy })
    }

    /// All rows, as soon as `complete` says that those which it waits for are there; after a while
    /// those that are.
    pub fn rows_when(&self, complete: impl Fn(&[Row]) -> bool) -> Result<Vec<Row>> {
        let clock = waiting()?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let rows = self.rows().unwrap_or_default();
            if complete(&rows) || Instant::now() > deadline {
                return Ok(rows);
            }
            clock.block_on(async { tokio::time::sleep(POLL).await });
        }
    }

    fn rows(&self) -> Result<Vec<Row>> {
        Ok(read_rows(&self.copy)?
            .map(|row| row.map(|row| Row::of(&row)))
            .collect::<std::result::Result<_, _>>()?)
    }
}
