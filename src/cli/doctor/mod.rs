//! `lockgate doctor`: a deployment checked as an operator would, each line with what to do.
//!
//! Every check only reads, but for a probe file in the audit directory and connections that are
//! closed again. The exit code is 1 where a check fails, 0 where none does.

mod audit;
mod brokers;
mod certificates;
mod finding;
mod issuers;
mod local;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use clap::Args;
use serde::Serialize;

use self::finding::{Finding, Findings, Level};
use super::report::{self, Exit, ReportFormat};
use crate::config::{self, Cluster, Config, ConfigError, HostPort};
use crate::io::cluster::ClusterMap;
use crate::server;

/// What `doctor` takes.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// The configuration file.
    #[arg(short = 'c', long = "config", value_name = "FILE", required_unless_present = "around")]
    config: Option<PathBuf>,
    /// Brokers (`host:port`) that must not be reached from this machine: to be run where clients
    /// run.
    #[arg(long, value_name = "BROKER", value_delimiter = ',', value_parser = host_port)]
    around: Vec<HostPort>,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    format: ReportFormat,
}

/// What every check may look at.
struct Patient<'c> {
    config: &'c Config,
    cluster: &'c Cluster,
    /// The way to the brokers, or why there is none.
    map: Option<ClusterMap>,
    map_fault: Option<String>,
}

type Examining<'p> = Pin<Box<dyn Future<Output = Findings> + 'p>>;

/// One check: its name in the report, what it is about, and how it is done.
struct Check {
    name: &'static str,
    run: for<'p> fn(Findings, &'p Patient<'p>) -> Examining<'p>,
}

/// The checks, in the order of the report.
static CHECKS: &[Check] = &[
    Check { name: "policies", run: |into, patient| Box::pin(local::policies(into, patient)) },
    Check { name: "listeners", run: |into, patient| Box::pin(local::listeners(into, patient)) },
    Check { name: "files", run: |into, patient| Box::pin(local::open_files(into, patient)) },
    Check { name: "audit", run: |into, patient| Box::pin(audit::space(into, patient)) },
    Check { name: "issuers", run: |into, patient| Box::pin(issuers::keys(into, patient)) },
    Check { name: "versions", run: |into, patient| Box::pin(brokers::versions(into, patient)) },
    Check { name: "brokers", run: |into, patient| Box::pin(brokers::members(into, patient)) },
    Check { name: "around", run: |into, patient| Box::pin(brokers::around(into, patient)) },
    Check { name: "certificates", run: |into, it| Box::pin(certificates::expiry(into, it)) },
    Check { name: "users", run: |into, patient| Box::pin(local::users(into, patient)) },
    Check { name: "groups", run: |into, patient| Box::pin(local::groups(into, patient)) },
];

/// The JSON report.
#[derive(Serialize)]
struct Report<'r> {
    ok: bool,
    findings: &'r [Finding],
}

impl Doctor {
    /// Runs every check and prints what it found.
    #[must_use]
    pub fn run(&self) -> Exit {
        let findings = match self.examine() {
            Ok(findings) => findings,
            Err(error) => return report::fail(&error),
        };
        let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        match self.print(&findings, worst, &mut io::stdout().lock()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => report::fail(&error),
            Ok(()) | Err(_) if worst == Level::Failure => Exit::Findings,
            Ok(()) | Err(_) => Exit::Success,
        }
    }

    fn examine(&self) -> io::Result<Vec<Finding>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut findings = match &self.config {
            Some(file) => runtime.block_on(deployment(file)),
            None => Vec::new(),
        };
        let direct = brokers::direct(Findings::of("direct"), &self.around);
        findings.extend(runtime.block_on(direct).into_list());
        Ok(findings)
    }

    fn print(&self, findings: &[Finding], worst: Level, output: &mut impl Write) -> io::Result<()> {
        match self.format {
            ReportFormat::Human => {
                for finding in findings {
                    writeln!(output, "{finding}")?;
                }
                let failed = findings.iter().filter(|it| it.level == Level::Failure).count();
                let warned = findings.iter().filter(|it| it.level == Level::Warning).count();
                let failures = report::counted(failed, "failure", "failures");
                writeln!(output, "{failures}, {}", report::counted(warned, "warning", "warnings"))
            }
            ReportFormat::Json => {
                let report = Report { ok: worst < Level::Failure, findings };
                serde_json::to_writer_pretty(&mut *output, &report)?;
                writeln!(output)
            }
        }
    }
}

/// Every check of every cluster in a configuration.
async fn deployment(file: &Path) -> Vec<Finding> {
    let mut first = Findings::of("config");
    let config = match config::load(file) {
        Ok(config) => config,
        Err(error) => {
            let advice = match &error {
                ConfigError::Unreadable(_) => "give the file's path with -c",
                ConfigError::Refused(_) => "mend the file; `lockgate config check` reads it",
            };
            first.fail(error.to_string().trim(), advice);
            return first.into_list();
        }
    };
    let mut findings = Vec::new();
    for cluster in &config.clusters {
        first.ok(format!("{}: cluster {}", file.display(), cluster.name));
        let (map, map_fault) = match server::cluster_map(&config, cluster) {
            Ok(map) => (Some(map), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let patient = Patient { config: &config, cluster, map, map_fault };
        for check in CHECKS {
            let into = Findings::of(check.name);
            findings.extend((check.run)(into, &patient).await.into_list());
        }
    }
    let mut all = first.into_list();
    all.extend(findings);
    all
}

fn host_port(text: &str) -> Result<HostPort, String> {
    let (host, port) = text.rsplit_once(':').ok_or("write host:port")?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok(HostPort { host: host.into(), port })
}
