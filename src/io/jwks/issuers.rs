//! All configured issuers: which of them a token names, and what that one's rules and keys say of
//! it.

use std::sync::Arc;

use crate::auth::{self, BearerToken, IssuerRules, Rejection};
use crate::identity::Subject;
use crate::io::directory::{Directory, groups_of};

use super::{KeySource, KeySourceStatus};

/// The issuers whose tokens are accepted; each is checked by its own rules and keys only.
pub struct Issuers {
    list: Vec<(IssuerRules, KeySource)>,
    directories: Vec<Arc<dyn Directory>>,
}

/// A login that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who, with the groups of the token and of the directories.
    pub subject: Subject,
    /// When the session must end, as [`auth::Verified::expires_at_seconds`].
    pub expires_at_seconds: i64,
    /// For the log and the audit, as [`auth::Verified::token_id_hash`].
    pub token_id_hash: String,
}

impl Issuers {
    /// No two of them have the same `issuer`: the configuration sees to that.
    pub const fn new(
        list: Vec<(IssuerRules, KeySource)>,
        directories: Vec<Arc<dyn Directory>>,
    ) -> Self {
        Self { list, directories }
    }

    /// Checks a token by the rules and keys of the issuer that it names.
    ///
    /// `now_seconds` is the wall clock's, since the epoch. Returns within `wait_max`.
    ///
    /// # Errors
    /// As [`KeySource::verify`], and [`Rejection::UnknownIssuer`].
    pub async fn authenticate(
        &self,
        token: &BearerToken<'_>,
        now_seconds: i64,
    ) -> Result<Authenticated, Rejection> {
        let issuer = auth::issuer_of(token)?;
        let (rules, keys) = self
            .list
            .iter()
            .find(|(rules, _)| rules.issuer == issuer)
            .ok_or(Rejection::UnknownIssuer)?;
        let verified = keys.verify(token, rules, now_seconds).await?;
        let elsewhere = groups_of(&self.directories, &verified.principal(rules));
        Ok(Authenticated {
            subject: verified.subject(rules, elsewhere),
            expires_at_seconds: verified.expires_at_seconds,
            token_id_hash: verified.token_id_hash,
        })
    }

    /// For `/status` and the metrics.
    pub fn statuses(&self) -> Vec<KeySourceStatus> {
        self.list.iter().map(|(_, keys)| keys.status()).collect()
    }
}
