//! The `upstream` of the file as written.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::config::document::FileDocument;
use crate::yaml::{At, OneOrMany, text_or_map};

/// The brokers: `host:port`, or a mapping.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Upstream")]
pub enum UpstreamForms {
    /// `host:port` of one broker.
    Text(String),
    /// Several brokers, and how Lockgate logs in there.
    Map(Box<UpstreamDocument>),
}

/// The brokers as a mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UpstreamBrokers")]
pub struct UpstreamDocument {
    /// `host:port` of one broker, or of several: they are tried in turn.
    #[schemars(with = "OneOrMany<String>")]
    pub bootstrap: At<OneOrMany<String>>,
    /// TLS to the brokers. Default: plain TCP.
    #[schemars(with = "Option<UpstreamTlsDocument>")]
    pub tls: Option<At<UpstreamTlsDocument>>,
    /// How a client's connection logs in at its broker. `none` (default): it does not. `forward`:
    /// with the client's own token. Or with one credential for all: `{plain}`, `{scram}`,
    /// `{oauthbearer}`; the brokers then cannot tell users apart.
    #[schemars(with = "Option<AuthForms>")]
    pub auth: Option<At<AuthForms>>,
    /// How Lockgate's own connections log in, which find out where the brokers are. Default: as
    /// `auth`; under `forward` the brokers are asked for with a client's token.
    #[schemars(with = "Option<AuthForms>")]
    pub service: Option<At<AuthForms>>,
}

/// TLS to the brokers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UpstreamTls")]
pub struct UpstreamTlsDocument {
    /// The authorities that brokers' certificates must come from: a PEM file. Default: the
    /// system's.
    #[schemars(with = "Option<String>")]
    pub ca: Option<At<String>>,
    /// Lockgate's own certificate chain, a PEM file, for brokers that ask for one (mTLS).
    #[schemars(with = "Option<String>")]
    pub cert: Option<At<String>>,
    /// The key of `cert`, a PEM file.
    #[schemars(with = "Option<String>")]
    pub key: Option<At<String>>,
    /// The name that every broker's certificate must have. Default: the host that was connected
    /// to.
    #[schemars(with = "Option<String>")]
    pub server_name: Option<At<String>>,
}

/// How a connection logs in at a broker: `none`, `forward`, or a mapping of one mechanism.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "UpstreamAuth")]
pub enum AuthForms {
    /// `none` or `forward`.
    Text(String),
    /// A credential.
    Map(Box<AuthDocument>),
}

/// A credential: exactly one of the three.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UpstreamCredential")]
pub struct AuthDocument {
    /// SASL/PLAIN. The password goes to the broker as it is, so use it with `tls`.
    #[schemars(with = "Option<PasswordDocument>")]
    pub plain: Option<At<PasswordDocument>>,
    /// SASL/SCRAM.
    #[schemars(with = "Option<ScramDocument>")]
    pub scram: Option<At<ScramDocument>>,
    /// SASL/OAUTHBEARER with tokens of the client-credentials grant (RFC 6749 §4.4).
    #[schemars(with = "Option<ClientCredentialsDocument>")]
    pub oauthbearer: Option<At<ClientCredentialsDocument>>,
}

/// A user name and a password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Password")]
pub struct PasswordDocument {
    /// The user.
    #[schemars(with = "SecretForms")]
    pub username: At<SecretForms>,
    /// The password.
    #[schemars(with = "SecretForms")]
    pub password: At<SecretForms>,
}

/// A user name and a password for SCRAM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scram")]
pub struct ScramDocument {
    /// The user.
    #[schemars(with = "SecretForms")]
    pub username: At<SecretForms>,
    /// The password.
    #[schemars(with = "SecretForms")]
    pub password: At<SecretForms>,
    /// `SCRAM-SHA-256` or `SCRAM-SHA-512` (default).
    #[schemars(with = "Option<String>")]
    pub mechanism: Option<At<String>>,
}

/// How tokens are fetched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClientCredentials")]
pub struct ClientCredentialsDocument {
    /// The issuer's token endpoint: an https URL (http only for loopback).
    #[schemars(with = "String")]
    pub token_url: At<String>,
    /// The client's id.
    #[schemars(with = "SecretForms")]
    pub client_id: At<SecretForms>,
    /// The client's secret.
    #[schemars(with = "SecretForms")]
    pub client_secret: At<SecretForms>,
    /// The scope that is asked for. Default: none is named.
    #[schemars(with = "Option<String>")]
    pub scope: Option<At<String>>,
}

/// A secret: text, in which `${NAME}` stands for an environment variable, or `{file: path}`, which
/// is read again for every login.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "Secret")]
pub enum SecretForms {
    /// The secret, or `${NAME}`.
    Text(String),
    /// The file that holds it; a line break at its end does not count.
    Map(FileDocument),
}

impl std::fmt::Debug for SecretForms {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(out, "Text({} bytes)", text.len()),
            Self::Map(file) => out.debug_tuple("Map").field(file).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for UpstreamForms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "`host:port` or `{bootstrap: [...]}`";
        text_or_map(deserializer, what, |text| Ok(Self::Text(text)), |map| Self::Map(Box::new(map)))
    }
}

impl<'de> Deserialize<'de> for AuthForms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "`none`, `forward`, `{plain: ...}`, `{scram: ...}` or `{oauthbearer: ...}`";
        text_or_map(deserializer, what, |text| Ok(Self::Text(text)), |map| Self::Map(Box::new(map)))
    }
}

impl<'de> Deserialize<'de> for SecretForms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "a text or `{file: ...}`";
        text_or_map(deserializer, what, |text| Ok(Self::Text(text)), Self::Map)
    }
}
