//! From the file as written to the configuration as meant: collects every problem, not the first.

use std::path::{Path, PathBuf};

use super::config::{Admin, Audit, Cluster, Config, Evidence};
use super::document::{AdminDocument, AuditDocument, ClusterDocument, Document, PoliciesForms};
use super::{addresses, environment, identity, limits, listeners, unbuilt, upstream};
use crate::yaml::{At, Diagnostic};

const ADMIN_ADDRESS: &str = "127.0.0.1:9644";

/// The file being checked and what was found wrong with it.
pub(super) struct Checker<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) directory: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// Checks the whole document. `None` only where a problem was noted.
    pub(super) fn check(&mut self, mut document: Document) -> Option<Config> {
        let limits = limits::check(self, &document.limits.take().unwrap_or_default());
        let audit = self.audit(&document.audit.take().unwrap_or_default());
        let admin = self.admin(&document.admin.take().unwrap_or_default());
        let policies_directory = self.policies(document.policies.as_ref());
        let cluster = self.only_cluster(document).and_then(|written| self.cluster(&written));
        let (cluster, admin) = (cluster?, admin?);
        addresses::check_overlaps(self, &cluster, admin.address);
        Some(Config {
            clusters: vec![cluster],
            policies_directory: policies_directory?,
            audit: audit?,
            admin,
            limits,
        })
    }

    /// The cluster of the short form, or the one of the long form.
    fn only_cluster(&mut self, document: Document) -> Option<ClusterDocument> {
        let Document { name, listen, addresses, upstream, identity, clusters, .. } = document;
        let Some(clusters) = clusters else {
            return Some(ClusterDocument { name, listen, addresses, upstream, identity });
        };
        let short = [
            name.as_ref().map(|at| (at.referenced, "name")),
            listen.as_ref().map(|at| (at.referenced, "listen")),
            addresses.as_ref().map(|at| (at.referenced, "addresses")),
            upstream.as_ref().map(|at| (at.referenced, "upstream")),
            identity.as_ref().map(|at| (at.referenced, "identity")),
        ];
        for (place, key) in short.into_iter().flatten() {
            let message = format!("`{key}` stands beside `clusters`");
            let help = format!("move `{key}` into the entry of `clusters` that it belongs to");
            self.refuse_with(&At::new((), place, place), message, help);
        }
        let mut entries = clusters.value.into_iter();
        let Some(first) = entries.next() else {
            self.refuse(&At::new((), clusters.referenced, clusters.defined), "`clusters` is empty");
            return None;
        };
        if let Some(second) = entries.next() {
            let message = format!("a second cluster: {}", unbuilt::message("clusters"));
            self.refuse_with(&second, message, "run one Lockgate for each cluster");
        }
        Some(first.value)
    }

    fn cluster(&mut self, written: &ClusterDocument) -> Option<Cluster> {
        let name = match &written.name {
            Some(at) => self.word(at, "the cluster's name"),
            None => Some("default".to_owned()),
        };
        let listeners = listeners::listeners(self, written.listen.as_ref());
        let addresses = addresses::addresses(self, written.addresses.as_ref());
        let upstream = upstream::upstream(self, written.upstream.as_ref());
        let identity = identity::identity(self, written.identity.as_ref());
        let (listeners, upstream, identity) = (listeners?, upstream?, identity?);
        let addresses = addresses?;
        addresses::check_entrances(self, written, &listeners, &addresses);
        identity::check_together(self, written, &listeners, &upstream, &identity);
        addresses::check_loop(self, written, &listeners, &upstream);
        Some(Cluster { name: name?.into(), listeners, addresses, upstream, identity })
    }

    fn audit(&mut self, written: &AuditDocument) -> Option<Audit> {
        let directory = match &written.dir {
            Some(at) => self.path(at),
            None => Some(self.directory.join("audit")),
        };
        let rotate_seconds = self.number(written.rotate_seconds.as_ref(), 300, (1, 86_400));
        let rotate_rows = self.number(written.rotate_rows.as_ref(), 1_048_576, (1, 16_777_216));
        Some(Audit {
            directory: directory?,
            evidence: match written.required {
                Some(false) => Evidence::BestEffort,
                Some(true) | None => Evidence::Required,
            },
            durability: written.durability.unwrap_or(super::document::Durability::Process),
            rotate_seconds: rotate_seconds?,
            rotate_rows: rotate_rows?,
        })
    }

    fn admin(&mut self, written: &AdminDocument) -> Option<Admin> {
        let Some(at) = &written.listen else {
            return ADMIN_ADDRESS.parse().ok().map(|address| Admin { address });
        };
        let address = addresses::socket_address(self, at, &at.value)?;
        if !address.ip().is_loopback() && !written.allow_remote {
            self.refuse_with(
                at,
                format!(
                    "the admin listener {address} is not loopback: anybody who reaches it can ask"
                ),
                "write 127.0.0.1, or add `allow_remote: true` (then it serves /livez, /readyz and \
                 /metrics only)",
            );
        }
        Some(Admin { address })
    }

    fn policies(&mut self, written: Option<&At<PoliciesForms>>) -> Option<PathBuf> {
        let path = match written {
            None => self.directory.join("policies"),
            Some(at) => {
                let (place, written) = match &at.value {
                    PoliciesForms::Text(text) => (At::new((), at.referenced, at.defined), text),
                    PoliciesForms::Map(map) => {
                        (At::new((), map.dir.referenced, map.dir.defined), &map.dir.value)
                    }
                };
                let text = self.expand(&place, written)?;
                if let Some((scheme, _)) = written.split_once("://") {
                    self.refuse(&place, unbuilt::message(scheme));
                    return None;
                }
                let path = self.directory.join(text);
                if !path.is_dir() {
                    let message = format!("the policy directory {} does not exist", path.display());
                    self.refuse(&place, message);
                    return None;
                }
                return Some(path);
            }
        };
        if !path.is_dir() {
            let message = format!("the policy directory {} does not exist", path.display());
            let help = "make it, or name another with `policies: DIRECTORY`";
            self.problems.push(Diagnostic::of_file(self.file, message).with_suggestion(help));
            return None;
        }
        Some(path)
    }

    /// Notes a problem at a value.
    pub(super) fn refuse<T>(&mut self, place: &At<T>, message: impl Into<String>) {
        self.problems.push(Diagnostic::at(self.file, self.text, place, message));
    }

    /// Notes a problem at a value, with what to do.
    pub(super) fn refuse_with<T>(
        &mut self,
        place: &At<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::at(self.file, self.text, place, message);
        self.problems.push(diagnostic.with_suggestion(help));
    }

    /// Notes a problem at the first of several values that is written, or of the file.
    pub(super) fn refuse_at_first<'p, T: 'p>(
        &mut self,
        places: impl IntoIterator<Item = &'p Option<At<T>>>,
        message: String,
        help: String,
    ) {
        match places.into_iter().flatten().next() {
            Some(place) => self.refuse_with(place, message, help),
            None => self.refuse_file(message, help),
        }
    }

    /// Notes a problem that has no place, such as a missing key.
    pub(super) fn refuse_file(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Diagnostic::of_file(self.file, message).with_suggestion(help));
    }

    /// The text with its `${NAME}`s replaced. What a variable holds may be a secret: problems show
    /// the text as it was written.
    pub(super) fn expand<T>(&mut self, place: &At<T>, text: &str) -> Option<String> {
        match environment::expand(text, self.environment) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                self.refuse(place, error.to_string());
                None
            }
        }
    }

    /// A text that is not empty, expanded.
    pub(super) fn text(&mut self, at: &At<String>, what: &str) -> Option<String> {
        let text = self.expand(at, &at.value)?;
        if text.trim().is_empty() {
            self.refuse(at, format!("{what} is empty"));
            return None;
        }
        Some(text)
    }

    /// A name that is safe in audit rows, paths and policies.
    pub(super) fn word(&mut self, at: &At<String>, what: &str) -> Option<String> {
        let word = self.text(at, what)?;
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if word.len() > 64 || !word.bytes().all(safe) || word.starts_with('.') {
            self.refuse(at, format!("{what} may hold letters, digits, `.`, `_`, `-`; at most 64"));
            return None;
        }
        Some(word)
    }

    /// A path; a relative one starts at the directory of the configuration file.
    pub(super) fn path(&mut self, at: &At<String>) -> Option<PathBuf> {
        self.text(at, "the path").map(|path| self.directory.join(path))
    }

    /// The path of a file that exists.
    pub(super) fn existing_file(&mut self, at: &At<String>, what: &str) -> Option<PathBuf> {
        let path = self.path(at)?;
        if !path.is_file() {
            self.refuse(at, format!("{what} {} does not exist", path.display()));
            return None;
        }
        Some(path)
    }

    /// A number in a range, or its default.
    pub(super) fn number(
        &mut self,
        written: Option<&At<u64>>,
        default: u64,
        (least, most): (u64, u64),
    ) -> Option<u64> {
        let Some(at) = written else { return Some(default) };
        if (least..=most).contains(&at.value) {
            return Some(at.value);
        }
        self.refuse(at, format!("{} is out of range: from {least} to {most}", at.value));
        None
    }
}
