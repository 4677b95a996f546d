//! Policy files → one checked set, or everything that is wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::yaml::{self, Diagnostic};

use super::compile::{Compiler, Ids};
use super::document::{Head, PolicyDocument, not_built};
use super::lint;
use super::problems::Problems;
use super::revision;
use super::rule::{Exception, Permit, Place, Rule};
use super::set::{FileSummary, PolicySet};

/// The only version of the language that is known.
const API_VERSION: &str = "policy/v1";
/// The most rules in one set.
pub const RULES_MAX: usize = 10_000;
/// The most files in one set.
pub const FILES_MAX: usize = 1_000;
/// The most regexes in one set; each may take half a megabyte once compiled.
const REGEXES_MAX: usize = 500;

/// One policy file. Equal names are an error of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as diagnostics name it; a `key_ref` is relative to the directory in this name.
    pub file: String,
    /// Its content.
    pub text: String,
}

/// Where the keys of masks come from.
pub trait Secrets {
    /// The bytes that `key_ref` names: `file:<path>`, its path already relative to nothing but the
    /// directory in which the policy file was found.
    ///
    /// # Errors
    /// A sentence for the policy's author; never the content.
    fn secret(&self, key_ref: &str) -> Result<Vec<u8>, String>;
}

/// What a policy may refer to outside of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The names of the configured issuers; with more than one, users are written `issuer|user`.
    pub issuers: Vec<String>,
    /// Whether there are users without an issuer beside those of several issuers.
    pub local_users: bool,
}

/// Everything that was gathered from the files so far.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) ids: Ids,
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) permits: Vec<Permit>,
    pub(super) files: Vec<FileSummary>,
    /// SHA-256 of every key, in the order of the rules: a new key is a new set.
    pub(super) keys: Vec<[u8; 32]>,
    pub(super) regexes: usize,
    /// The rules that exceptions name, and where.
    pub(super) references: Vec<(Place, Arc<str>)>,
    /// How many rules were written, compiled or not.
    pub(super) written: usize,
}

/// Loads a whole set. No file is half-loaded: one mistake refuses all of it.
///
/// # Errors
/// Every mistake that was found.
pub fn load(
    sources: &[Source],
    secrets: &dyn Secrets,
    ground: &Ground,
) -> Result<PolicySet, Problems> {
    let mut problems = Problems::default();
    if sources.len() > FILES_MAX {
        let message = format!("there are {} policy files; at most {FILES_MAX}", sources.len());
        return Err(Problems::of_file(
            sources.first().map_or("", |source| source.file.as_str()),
            message,
        ));
    }
    let mut sorted: Vec<&Source> = sources.iter().collect();
    sorted.sort_by(|left, right| left.file.cmp(&right.file));
    let mut gathered = Gathered::default();
    for source in &sorted {
        match document(source) {
            Err(diagnostic) => problems.add(*diagnostic),
            Ok(document) => {
                let compiler = Compiler { source, secrets, ground, problems: &mut problems };
                compiler.file(&document, &mut gathered);
            }
        }
        if gathered.written > RULES_MAX {
            let message = format!("more than {RULES_MAX} rules in the whole set");
            problems.add(Diagnostic::of_file(&source.file, message));
            return Err(problems);
        }
        if gathered.regexes > REGEXES_MAX {
            let message =
                format!("more than {REGEXES_MAX} patterns for `matches` in the whole set");
            problems.add(Diagnostic::of_file(&source.file, message));
            return Err(problems);
        }
    }
    let texts: HashMap<&str, &str> =
        sorted.iter().map(|source| (source.file.as_str(), source.text.as_str())).collect();
    lint::references(&gathered, &texts, &mut problems);
    lint::mask_conflicts(&gathered.rules, &texts, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let revision = revision::of_sources(&sorted);
    let digest = revision::with_keys(&sorted, &gathered.keys);
    Ok(PolicySet::new(revision, digest, gathered))
}

fn document(source: &Source) -> Result<PolicyDocument, Box<Diagnostic>> {
    let Source { file, text } = source;
    let head: Head = yaml::read(file, text)?;
    match &head.api_version {
        Some(version) if version.value == API_VERSION => {}
        Some(version) => {
            let message = format!("`{}` is not a known version of the language", version.value);
            return Err(Diagnostic::at(file, text, version, message)
                .with_suggestion(format!("write apiVersion: {API_VERSION}"))
                .into());
        }
        None => {
            return Err(Diagnostic::of_file(file, "the key `apiVersion` is missing")
                .with_suggestion(format!("write apiVersion: {API_VERSION}"))
                .into());
        }
    }
    if let Some(kind) = &head.kind {
        match kind.value.as_str() {
            "Policy" => {}
            unbuilt @ ("PolicyTest" | "Vocabulary" | "Bundle") => {
                let message = format!("files of the kind `{unbuilt}` are not built yet");
                return Err(Diagnostic::at(file, text, kind, message).into());
            }
            unknown => {
                let message = format!("`{unknown}` is not a known kind");
                return Err(Diagnostic::at(file, text, kind, message)
                    .with_suggestion("write kind: Policy")
                    .into());
            }
        }
    }
    Ok(yaml::read_with(file, text, &not_built)?)
}
