//! A policy file as its author wrote it: shapes and places only, nothing checked against anything.
//!
//! Every mapping refuses unknown keys. Keys that the language has and this version has not are in
//! [`not_built`], so that they are refused by name instead of being taken for a typo.

use serde::{Deserialize, Deserializer};

use crate::yaml::{At, UnknownKey, text_or_map};

/// The first look at a file: what kind it is. Whatever else stands there is read later, or not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    #[serde(default)]
    pub(crate) api_version: Option<At<String>>,
    #[serde(default)]
    pub(crate) kind: Option<At<String>>,
}

/// A whole file of the kind `Policy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    /// Checked in the `Head`; here so that it is known, and required.
    #[serde(rename = "apiVersion")]
    _api_version: At<String>,
    #[serde(rename = "kind")]
    _kind: At<String>,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metadata {
    pub(crate) name: At<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) owner: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) controls: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(default)]
    pub(crate) mode: ModeWord,
    #[serde(default)]
    pub(crate) rules: Vec<At<RuleDocument>>,
    #[serde(default)]
    pub(crate) exceptions: Vec<At<ExceptionDocument>>,
    #[serde(default)]
    pub(crate) permits: Vec<At<PermitDocument>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeWord {
    #[default]
    Enforce,
    Shadow,
    Disabled,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDocument {
    pub(crate) id: At<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) severity: Option<Severity>,
    #[serde(default)]
    pub(crate) mode: Option<ModeWord>,
    pub(crate) r#match: At<MatchDocument>,
    #[serde(default)]
    pub(crate) when: Option<At<String>>,
    #[serde(default)]
    pub(crate) select: Option<At<Vec<At<SelectorDocument>>>>,
    #[serde(default)]
    pub(crate) except: Option<At<Vec<At<SelectorDocument>>>>,
    pub(crate) action: At<ActionDocument>,
    #[serde(default)]
    pub(crate) on_undecodable: Option<At<UndecodableDocument>>,
}

/// How grave it is that a rule matched: for people and reports, it changes no decision.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Low,
    /// Worth a ticket.
    Medium,
    /// Worth a call.
    High,
    /// Worth waking somebody.
    Critical,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionWord {
    Produce,
    Consume,
    Admin,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchDocument {
    pub(crate) direction: At<DirectionWord>,
    #[serde(default)]
    pub(crate) topics: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) consumer_groups: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) transactional_ids: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) configs: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) apis: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) principals: Option<At<PrincipalsDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrincipalsDocument {
    #[serde(default)]
    pub(crate) groups: Option<At<GroupsDocument>>,
    #[serde(default)]
    pub(crate) users: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) clients: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) auth: Option<At<Vec<At<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupsDocument {
    #[serde(default)]
    pub(crate) any_of: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) all_of: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) none_of: Option<At<Vec<At<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectorDocument {
    #[serde(default)]
    pub(crate) path: Option<At<String>>,
    #[serde(default)]
    pub(crate) name: Option<At<String>>,
    #[serde(default)]
    pub(crate) r#in: Option<At<Vec<At<ScopeWord>>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeWord {
    Value,
    Key,
    Headers,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionDocument {
    #[serde(default)]
    pub(crate) mask: Option<At<MaskDocument>>,
    #[serde(default)]
    pub(crate) deny: Option<At<DenyDocument>>,
}

/// One mask with the parameters of all of them; which belong to which is checked later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskDocument {
    pub(crate) with: At<String>,
    #[serde(default)]
    pub(crate) label: Option<At<String>>,
    #[serde(default)]
    pub(crate) value: Option<At<FixedDocument>>,
    #[serde(default)]
    pub(crate) keep_first: Option<At<u32>>,
    #[serde(default)]
    pub(crate) keep_last: Option<At<u32>>,
    #[serde(default)]
    #[serde(alias = "character")]
    pub(crate) char: Option<At<String>>,
    #[serde(default)]
    pub(crate) key_ref: Option<At<String>>,
    #[serde(default)]
    pub(crate) prefix: Option<At<String>>,
    #[serde(default)]
    pub(crate) size: Option<At<f64>>,
    #[serde(default)]
    pub(crate) edges: Option<At<Vec<f64>>>,
}

/// A text or a number, kept as it was written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum FixedDocument {
    Whole(i64),
    Fraction(f64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenyDocument {
    #[serde(default)]
    pub(crate) code: Option<At<String>>,
    #[serde(default)]
    pub(crate) message: Option<At<String>>,
}

/// `drop`, `deny`, `redact_value`, or `{pass: {acknowledge: true}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UndecodableDocument {
    pub(crate) word: UndecodableWord,
    pub(crate) acknowledged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UndecodableWord {
    Drop,
    Deny,
    RedactValue,
    Pass,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PassDocument {
    pass: AcknowledgedDocument,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcknowledgedDocument {
    #[serde(default)]
    acknowledge: bool,
}

impl<'de> Deserialize<'de> for UndecodableDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const WORDS: [&str; 4] = ["drop", "deny", "redact_value", "pass"];
        text_or_map(
            deserializer,
            "drop, deny, redact_value or {pass: {acknowledge: true}}",
            |text| {
                let word = match text.as_str() {
                    "drop" => UndecodableWord::Drop,
                    "deny" => UndecodableWord::Deny,
                    "redact_value" => UndecodableWord::RedactValue,
                    "pass" => UndecodableWord::Pass,
                    unknown => {
                        let help = match crate::yaml::nearest(unknown, WORDS) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("the values are {}", WORDS.join(", ")),
                        };
                        return Err(format!("unknown value `{unknown}`; {help}"));
                    }
                };
                Ok(Self { word, acknowledged: false })
            },
            |map: PassDocument| Self {
                word: UndecodableWord::Pass,
                acknowledged: map.pass.acknowledge,
            },
        )
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionDocument {
    pub(crate) id: At<String>,
    /// For the reader of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    pub(crate) rules: At<Vec<At<String>>>,
    pub(crate) principals: At<PrincipalsDocument>,
    pub(crate) expires: At<String>,
    pub(crate) ticket: At<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermitDocument {
    pub(crate) id: At<String>,
    /// For the reader of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    pub(crate) principals: At<PrincipalsDocument>,
    pub(crate) apis: At<Vec<At<String>>>,
    #[serde(default)]
    pub(crate) topics: Option<At<Vec<At<String>>>>,
    #[serde(default)]
    pub(crate) configs: Option<At<Vec<At<String>>>>,
}

/// Where a key that is not built yet may stand, told by a key that stands beside it.
const NOT_BUILT: &[(&str, &[&str])] = &[
    ("direction", &["labels", "window"]),
    ("path", &["tag", "detect", "validated_only"]),
    ("deny", &["hold", "drop", "tag", "audit"]),
    ("on_undecodable", &["on_schema_drift", "rollout", "nested"]),
    ("permits", &["vars", "rollout"]),
    ("with", &["algorithm", "min", "max", "days", "granularity"]),
];

/// What to say about a key that the language has and this version does not build.
pub(crate) fn not_built(unknown: &UnknownKey<'_>) -> Option<String> {
    let here = NOT_BUILT.iter().filter(|(beside, _)| unknown.known.contains(beside));
    let listed = here.flat_map(|(_, keys)| keys.iter()).any(|key| *key == unknown.key);
    listed.then(|| format!("`{}` is not built yet", unknown.key))
}
