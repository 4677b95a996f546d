//! `lockgate policy check`: what the proxy would load, without a proxy.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::report::{self, Exit, ReportFormat, counted};
use crate::config;
use crate::io::policies::PolicyDirectory;
use crate::policy::{Ground, PolicySet, Stage};

/// The commands about policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a directory of policies.
    Check(PolicyCheck),
}

/// What `policy check` takes.
#[derive(Args, Clone, Debug)]
pub struct PolicyCheck {
    /// The directory of policy files. Default: the one of the configuration, or `./policies`.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The configuration that the policies are for: its directory, and the names of its issuers.
    #[arg(short = 'c', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    format: ReportFormat,
}

impl PolicyCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> Exit {
        match self {
            Self::Check(check) => check.print(&mut io::stdout().lock()),
        }
    }
}

/// What `policy check` says about a good directory.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Summary {
    revision: String,
    policies: usize,
    rules: usize,
    rules_by_stage: [(&'static str, usize); 3],
    shadow: usize,
    disabled: usize,
    exceptions: usize,
    permits: usize,
}

impl PolicyCheck {
    pub(super) fn print(&self, output: &mut impl Write) -> Exit {
        let (mut directory, mut ground) = (PathBuf::from("./policies"), Ground::default());
        if let Some(file) = &self.config {
            match config::load(file) {
                Ok(config) => {
                    directory.clone_from(&config.policies_directory);
                    let identities = || config.clusters.iter().map(|cluster| &cluster.identity);
                    ground.issuers =
                        identities().flat_map(config::Identity::issuer_names).collect();
                    ground.local_users = identities().any(config::Identity::has_local_principals);
                }
                Err(error) => return report::fail_to_load(&error),
            }
        }
        let directory = self.directory.as_deref().unwrap_or(&directory);
        self.print_directory(directory, ground, output)
    }

    fn print_directory(&self, directory: &Path, ground: Ground, output: &mut impl Write) -> Exit {
        if !directory.is_dir() {
            let message = format!("the policy directory {} does not exist", directory.display());
            return report::fail(&io::Error::new(io::ErrorKind::NotFound, message));
        }
        match PolicyDirectory::open(directory, ground) {
            Ok(opened) => {
                let summary = summary(&opened.current().load());
                report::success(self.format, &line(&summary), &summary, output)
            }
            Err(problems) => {
                let listed = problems.diagnostics();
                report::problems(self.format, listed, problems.count(), output)
            }
        }
    }
}

fn summary(set: &PolicySet) -> Summary {
    let of = |stage: Stage| set.rules().iter().filter(|rule| rule.stage() == stage).count();
    let files = set.files();
    Summary {
        revision: set.revision().to_string(),
        policies: files.len(),
        rules: set.rules().len(),
        rules_by_stage: [Stage::S1, Stage::S2, Stage::S3].map(|stage| (stage.as_str(), of(stage))),
        shadow: files.iter().map(|file| file.shadow).sum(),
        disabled: files.iter().map(|file| file.disabled).sum(),
        exceptions: files.iter().map(|file| file.exceptions).sum(),
        permits: files.iter().map(|file| file.permits).sum(),
    }
}

/// `ok: 5 policies, 9 rules (S1 2, S2 3, S3 4), 1 permit, revision dir:0123456789ab`
fn line(summary: &Summary) -> String {
    let stages: Vec<String> =
        summary.rules_by_stage.iter().map(|(stage, count)| format!("{stage} {count}")).collect();
    let mut parts = vec![
        counted(summary.policies, "policy", "policies"),
        format!("{} ({})", counted(summary.rules, "rule", "rules"), stages.join(", ")),
    ];
    let more = [
        (summary.shadow, "in shadow", "in shadow"),
        (summary.disabled, "disabled", "disabled"),
        (summary.exceptions, "exception", "exceptions"),
        (summary.permits, "permit", "permits"),
    ];
    let some = more.iter().filter(|(count, ..)| *count > 0);
    parts.extend(some.map(|(count, one, many)| counted(*count, one, many)));
    parts.push(format!("revision {}", summary.revision));
    format!("ok: {}", parts.join(", "))
}
