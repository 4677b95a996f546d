//! The configuration: `lockgate.yaml` as written (`document`), and as meant ([`Config`]).
//!
//! [`load`] reads a file, [`parse`] a text. Both refuse the whole file if anything in it is wrong,
//! and name every problem that can be found at once, each with its line and column. What the
//! design knows and this version does not is refused as "not built yet" (`unbuilt`). Nothing below
//! this layer sees these types.

mod addresses;
pub mod certificates;
mod checker;
#[allow(clippy::module_inception)]
mod config;
mod document;
mod environment;
mod identity;
mod limits;
mod listeners;
mod passwords;
mod unbuilt;
mod upstream;

use std::fmt;
use std::path::Path;

use crate::yaml::{self, Diagnostic};

pub use certificates::{TlsError, chain as certificate_chain};
pub use config::{
    Admin, AdminScope, Anonymous, Audit, Cluster, Config, Durability, Evidence, HostPort, Identity,
    IdentityMode, Issuer, KeySource,
};
pub use limits::{LIMITS, LimitRow, Limits};
pub use listeners::{ClientCertificates, Entrance, Listener, ListenerTls, Network, Presence};
pub use upstream::{OwnCredential, Secret, Upstream, UpstreamAuth, UpstreamTls};

#[cfg(test)]
mod tests;

/// Why there is no configuration: the operator's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable(Box<Diagnostic>),
    /// The file is wrong: every problem that was found, in file order. Never empty.
    Refused(Vec<Diagnostic>),
}

/// Reads and checks a configuration file, with the environment of this process.
///
/// # Errors
/// A file that cannot be read, and every problem in it.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the configuration cannot be read: {error}");
        ConfigError::Unreadable(Box::new(Diagnostic::of_file(&file, message)))
    })?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    parse(&file, &text, directory, &|name| std::env::var(name).ok())
}

/// Checks a configuration that was read already. `file` names it in errors, relative paths start at
/// `directory`, and `environment` answers for `${NAME}`.
///
/// # Errors
/// Every problem in it.
pub fn parse(
    file: &str,
    text: &str,
    directory: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let document: document::Document = yaml::read_with(file, text, &unbuilt::explain)
        .map_err(|problem| ConfigError::Refused(vec![problem]))?;
    let mut checker = checker::Checker { file, text, directory, environment, problems: Vec::new() };
    let config = checker.check(document);
    let mut problems = checker.problems;
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => {
            problems.sort_by_key(|problem| (problem.line, problem.column));
            Err(ConfigError::Refused(problems))
        }
    }
}

/// The JSON Schema (draft 2020-12) of the file, for editors and for checks in CI.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(document::Document).to_value()
}

impl ConfigError {
    /// Each problem with its place.
    #[must_use]
    pub fn problems(&self) -> &[Diagnostic] {
        match self {
            Self::Unreadable(problem) => std::slice::from_ref(problem),
            Self::Refused(problems) => problems,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems().iter().enumerate() {
            if index > 0 {
                out.write_str("\n\n")?;
            }
            problem.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
