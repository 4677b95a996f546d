//! Who is asking: the principal, its groups, and how it logged in.
//!
//! These are plain values. How a token becomes a `Subject` is `auth/`'s business; where groups that
//! a token does not carry come from is `io/directory/`'s.

use std::fmt;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The kind that Kafka itself gives to every authenticated user (`KafkaPrincipal.USER_TYPE`).
pub const USER: &str = "User";

/// The name that Kafka gives to a connection nobody logged in on (`KafkaPrincipal.ANONYMOUS`).
pub const ANONYMOUS_NAME: &str = "ANONYMOUS";

/// What stands between an issuer's name and a user's name wherever a principal is written as text.
pub const ISSUER_SEPARATOR: char = '|';

/// Somebody, as (issuer, name): the same name from two issuers is two people.
///
/// `issuer` is the issuer's configured name and is `None` where there is one issuer only; then the
/// text is the bare name, else `issuer|name`. The order is that of the parts, not that of the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// `User` today; Kafka's word for what sort of thing was authenticated.
    pub kind: Arc<str>,
    /// The configured name of the issuer, where there are several.
    pub issuer: Option<Arc<str>>,
    /// The user's name as the issuer gave it, compared byte for byte.
    pub name: Arc<str>,
}

/// What is known about a subject's groups.
///
/// `Unknown` is not "none": no group source said anything, and a rule that asks about groups cannot
/// be decided in the subject's favour.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Groups {
    /// Exactly these, compared byte for byte; may be empty.
    Known(Arc<[Arc<str>]>),
    /// No token claim and no directory named any.
    Unknown,
}

/// How a subject proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    /// It did not; the configuration allows that on this listener.
    Anonymous,
    /// A bearer token (RFC 7628, KIP-255).
    OauthBearer,
    /// A client certificate, in the TLS handshake.
    Ssl,
    /// A password, sent as it is (RFC 4616).
    Plain,
    /// A password, proven with SHA-256 and never sent (RFC 7677).
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

/// One authenticated party: what every policy query is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Who.
    pub principal: Principal,
    /// In which groups.
    pub groups: Groups,
    /// Proven how.
    pub mechanism: Mechanism,
}

impl Principal {
    /// A user of the issuer with that configured name, or of the only issuer.
    pub fn user(issuer: Option<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind: USER.into(), issuer, name: name.into() }
    }

    /// The principal of a connection that need not log in.
    pub fn anonymous() -> Self {
        Self::user(None, ANONYMOUS_NAME)
    }

    /// Whether `text`, as written in a policy or a group file, is this principal: the bare name
    /// without an issuer, `issuer|name` with one. Byte for byte, without allocating.
    ///
    /// With an issuer a bare name never matches, so that a second issuer cannot mint somebody
    /// else's `jane`; without one, a name that itself holds a `|` is only ever the whole text.
    pub fn matches(&self, text: &str) -> bool {
        match &self.issuer {
            None => text == &*self.name,
            Some(issuer) => text
                .strip_prefix(&**issuer)
                .and_then(|rest| rest.strip_prefix(ISSUER_SEPARATOR))
                .is_some_and(|name| name == &*self.name),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            None => out.write_str(&self.name),
            Some(issuer) => write!(out, "{issuer}{ISSUER_SEPARATOR}{}", self.name),
        }
    }
}

impl Groups {
    /// These groups, sorted and without doubles, so that equal memberships are equal values.
    pub fn known<T: Into<Arc<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self::Known(names.into())
    }

    /// The names, or nothing where none are known.
    pub fn names(&self) -> &[Arc<str>] {
        match self {
            Self::Known(names) => names,
            Self::Unknown => &[],
        }
    }

    /// Whether `name` is known to be one of them.
    pub fn contains(&self, name: &str) -> bool {
        self.names().iter().any(|group| &**group == name)
    }

    /// What two sources say together: known as soon as one of them knows.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, other) => other,
            (known @ Self::Known(_), Self::Unknown) => known,
            (Self::Known(left), Self::Known(right)) => {
                Self::known(left.iter().chain(right.iter()).cloned())
            }
        }
    }
}

impl Mechanism {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::OauthBearer,
        Self::Ssl,
        Self::Plain,
        Self::ScramSha256,
        Self::ScramSha512,
    ];

    /// The one that Kafka calls so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str() == name)
    }

    /// Kafka's name of the mechanism, as in `SaslHandshake` and in audit rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Ssl => "SSL",
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
