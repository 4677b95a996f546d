//! The command line: what each command takes, prints and returns.
//!
//! Data goes to standard output, logs and complaints to standard error. The exit code is 0 for
//! "done, and nothing found", 1 for findings (a bad policy, a bad configuration that was to be
//! checked), 2 for a command that could not do its work.

pub mod audit;
pub mod config;
pub mod doctor;
mod logging;
pub mod policy;
mod report;
pub mod serve;
mod user;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use logging::LogFormat;
pub use report::{Exit, ReportFormat};

#[cfg(test)]
mod tests;

/// A Kafka wire-protocol proxy that enforces policy as code on the data path.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, arg_required_else_help = true)]
pub struct CommandLine {
    /// How logs are written to standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, also by module
    /// (`info,lockgate::io=debug`).
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    log_level: String,
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy until SIGTERM or SIGINT.
    Serve(serve::Serve),
    /// Check the configuration, print its schema, or write its users.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check policies.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Check a deployment: brokers, issuers, certificates, policies, disk, ports.
    Doctor(doctor::Doctor),
    /// Read the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// The commands about the audit log.
#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Print rows.
    Show(audit::AuditShow),
}

/// Runs the command line and says how the process ends. `arguments` start with the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            // `--help` and `--version` are no errors, and go to standard output.
            let exit = if error.use_stderr() { Exit::Failure } else { Exit::Success };
            return if error.print().is_ok() { exit.into() } else { Exit::Failure.into() };
        }
    };
    if let Err(error) = logging::start(line.log_format, &line.log_level) {
        return report::fail(&error).into();
    }
    let exit = match line.command {
        Command::Serve(serve) => serve.run(),
        Command::Config(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Audit(AuditCommand::Show(show)) => match show.run() {
            Ok(()) => Exit::Success,
            Err(error @ audit::ShowError::Incomplete { .. }) => {
                report::fail(&error);
                Exit::Findings
            }
            Err(error) => report::fail(&error),
        },
    };
    exit.into()
}
