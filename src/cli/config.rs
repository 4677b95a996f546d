//! `lockgate config check`, `lockgate config schema` and `lockgate config user`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::report::{self, Exit, ReportFormat};
use super::user::ConfigUser;
use crate::config::{self, Config, ConfigError};
use crate::enforce::Addresses;

/// The commands about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file without starting anything.
    Check(ConfigCheck),
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Write who may log in by a password (PLAIN, SCRAM) into a users file.
    User(ConfigUser),
}

/// What `config check` takes.
#[derive(Args, Clone, Debug)]
pub struct ConfigCheck {
    /// The configuration file.
    #[arg(short = 'c', long = "config", value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    /// The configuration file, without `-c`.
    #[arg(value_name = "FILE", required_unless_present = "config")]
    file: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    format: ReportFormat,
}

impl ConfigCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> Exit {
        let mut output = io::stdout().lock();
        match self {
            Self::Check(check) => check.print(&mut output),
            Self::User(user) => user.run(&mut output),
            Self::Schema => {
                let schema = config::schema();
                match writeln!(output, "{schema:#}") {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => report::fail(&error),
                    Ok(()) | Err(_) => Exit::Success,
                }
            }
        }
    }
}

/// What `config check` says about a good file.
#[derive(Serialize)]
struct Summary {
    cluster: String,
    listen: Vec<String>,
    addresses: String,
    upstream: Vec<String>,
    upstream_auth: &'static str,
    issuers: Vec<String>,
    mtls: bool,
    anonymous: bool,
    policies: String,
    audit: String,
    admin: String,
}

impl ConfigCheck {
    pub(super) fn print(&self, output: &mut impl Write) -> Exit {
        let Some(path) = self.config.as_ref().or(self.file.as_ref()) else {
            return Exit::Failure;
        };
        match config::load(path) {
            Ok(config) => {
                let (line, summary) = summary(&config);
                report::success(self.format, &line, &summary, output)
            }
            Err(error @ ConfigError::Unreadable(_)) => report::fail_to_load(&error),
            Err(error @ ConfigError::Refused(_)) => {
                let problems = error.problems();
                report::problems(self.format, problems, problems.len(), output)
            }
        }
    }
}

fn summary(config: &Config) -> (String, Option<Summary>) {
    let Some(cluster) = config.clusters.first() else { return (String::new(), None) };
    let listen: Vec<String> =
        cluster.listeners.iter().map(|listener| listener.address.to_string()).collect();
    let upstream: Vec<String> =
        cluster.upstream.bootstrap.iter().map(ToString::to_string).collect();
    let addresses = match &cluster.addresses {
        Addresses::Keep => "keep".to_owned(),
        Addresses::Names(names) => names.to_string(),
        Addresses::Ports { host, layout } => {
            let ports = layout.ports();
            let ends = ports.first().zip(ports.last());
            ends.map_or_else(String::new, |(first, last)| format!("{host}:{first}-{last}"))
        }
    };
    let line = format!(
        "ok: cluster {}, listens on {}, brokers {}, addresses {addresses}",
        cluster.name,
        listen.join(", "),
        upstream.join(", ")
    );
    let issuers = &cluster.identity.issuers;
    let summary = Summary {
        cluster: cluster.name.to_string(),
        listen,
        addresses,
        upstream,
        upstream_auth: cluster.upstream.auth.as_str(),
        issuers: issuers.iter().map(|issuer| issuer.rules.issuer.clone()).collect(),
        mtls: cluster.identity.certificate_name.is_some(),
        anonymous: cluster.identity.anonymous.is_some(),
        policies: config.policies_directory.display().to_string(),
        audit: config.audit.directory.display().to_string(),
        admin: config.admin.address.to_string(),
    };
    (line, Some(summary))
}
