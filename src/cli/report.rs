//! How commands answer: exit codes, and problems for people or for programs.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use crate::config::ConfigError;
use crate::yaml::Diagnostic;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing found: 0.
    Success,
    /// Done, and something found: 1.
    Findings,
    /// Not done: wrong usage, or something that cannot be loaded: 2.
    Failure,
}

/// How a check is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Text for people.
    Human,
    /// One JSON object: `ok`, `problems`, and what was found.
    Json,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Failure => Self::from(2),
        }
    }
}

/// The JSON answer of a check.
#[derive(Serialize)]
struct Report<'a, S> {
    ok: bool,
    problems: &'a [Diagnostic],
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a S>,
}

/// Prints the problems that a check found; the exit code says that there are some.
pub(super) fn problems(
    format: ReportFormat,
    problems: &[Diagnostic],
    total: usize,
    output: &mut impl Write,
) -> Exit {
    let printed = match format {
        ReportFormat::Human => human(problems, total, output),
        ReportFormat::Json => json(&Report::<()> { ok: false, problems, summary: None }, output),
    };
    ended(printed, Exit::Findings)
}

/// Prints that a check found nothing: a line for people, the summary for programs.
pub(super) fn success<S: Serialize>(
    format: ReportFormat,
    line: &str,
    summary: &S,
    output: &mut impl Write,
) -> Exit {
    let printed = match format {
        ReportFormat::Human => writeln!(output, "{line}"),
        ReportFormat::Json => {
            json(&Report { ok: true, problems: &[], summary: Some(summary) }, output)
        }
    };
    ended(printed, Exit::Success)
}

/// Prints an error and its causes to standard error.
pub(super) fn fail(error: &dyn Error) -> Exit {
    let mut message = format!("lockgate: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{message}");
    Exit::Failure
}

/// Prints why there is no configuration to standard error.
pub(super) fn fail_to_load(error: &ConfigError) -> Exit {
    let _ = writeln!(io::stderr(), "{error}");
    Exit::Failure
}

/// `1 rule`, `2 rules`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn human(problems: &[Diagnostic], total: usize, output: &mut impl Write) -> io::Result<()> {
    for problem in problems {
        writeln!(output, "{problem}\n")?;
    }
    writeln!(output, "{}", counted(total, "problem", "problems"))
}

fn json(report: &impl Serialize, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, report)?;
    writeln!(output)
}

/// A reader that goes away, such as `head`, is no failure.
fn ended(printed: io::Result<()>, exit: Exit) -> Exit {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error),
        Ok(()) | Err(_) => exit,
    }
}
