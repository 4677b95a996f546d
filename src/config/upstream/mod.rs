//! Checks the way to the brokers: addresses, TLS, and what Lockgate logs in with.

pub(super) mod document;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::addresses::is_host;
use super::checker::Checker;
use super::config::HostPort;
use super::identity::is_safe_url;
use crate::auth::scram::ScramHash;
use crate::yaml::{At, nearest};
use document::{
    AuthDocument, AuthForms, ClientCredentialsDocument, ScramDocument, SecretForms, UpstreamForms,
    UpstreamTlsDocument,
};

const CREDENTIALS: &str = "write `{plain: {username, password}}`, `{scram: {username, password}}` \
                           or `{oauthbearer: {token_url, client_id, client_secret}}`";

/// The brokers of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Brokers to ask for the others, tried in turn. Never empty.
    pub bootstrap: Vec<HostPort>,
    /// TLS to every broker; plain TCP without.
    pub tls: Option<UpstreamTls>,
    /// How a client's connection logs in there.
    pub auth: UpstreamAuth,
    /// What Lockgate's own connections log in with, if they do.
    pub service: Option<Arc<OwnCredential>>,
}

/// TLS to brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// The authorities that are trusted; the system's own where none are named.
    pub ca: Option<PathBuf>,
    /// Certificate chain and key, for brokers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that certificates must have, where it is not the host that is connected to.
    pub server_name: Option<String>,
}

/// How a client's connection logs in at its broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAuth {
    /// It does not: the broker's listener asks for no login.
    None,
    /// With the token that the client sent to Lockgate.
    Forward,
    /// With one credential for all.
    Own(Arc<OwnCredential>),
}

/// A credential of Lockgate's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnCredential {
    Plain {
        username: Secret,
        password: Secret,
    },
    Scram {
        hash: ScramHash,
        username: Secret,
        password: Secret,
    },
    OauthBearer {
        token_url: String,
        client_id: Secret,
        client_secret: Secret,
        scope: Option<String>,
    },
}

/// A secret, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Not empty.
    Text(String),
    /// Read again for every login.
    File(PathBuf),
}

impl UpstreamAuth {
    /// The word for it in summaries.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Forward => "forward",
            Self::Own(credential) => match &**credential {
                OwnCredential::Plain { .. } => "plain",
                OwnCredential::Scram { .. } => "scram",
                OwnCredential::OauthBearer { .. } => "oauthbearer",
            },
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "Text({} bytes)", text.len()),
            Self::File(path) => write!(out, "File({})", path.display()),
        }
    }
}

/// A place without its value.
fn place<T>(at: &At<T>) -> At<()> {
    At::new((), at.referenced, at.defined)
}

pub(super) fn upstream(
    checker: &mut Checker<'_>,
    written: Option<&At<UpstreamForms>>,
) -> Option<Upstream> {
    let Some(at) = written else {
        let help = "name a broker, as `upstream: kafka-0.internal:9092`";
        checker.refuse_file("the key `upstream` is missing", help);
        return None;
    };
    let map = match &at.value {
        UpstreamForms::Text(text) => {
            let bootstrap = vec![host_port(checker, &place(at), text)?];
            let auth = UpstreamAuth::None;
            return Some(Upstream { bootstrap, tls: None, auth, service: None });
        }
        UpstreamForms::Map(map) => map,
    };
    let servers: Vec<Option<HostPort>> = map
        .bootstrap
        .value
        .0
        .iter()
        .map(|entry| host_port(checker, &place(entry), &entry.value))
        .collect();
    if servers.is_empty() {
        checker.refuse(&map.bootstrap, "`bootstrap` names no broker");
        return None;
    }
    let tls = match &map.tls {
        Some(at) => tls(checker, at).map(Some),
        None => Some(None),
    };
    let auth = match &map.auth {
        Some(at) => auth(checker, at),
        None => Some(UpstreamAuth::None),
    };
    let service = match &map.service {
        Some(at) => service(checker, at),
        None => match &auth {
            Some(UpstreamAuth::Own(credential)) => Some(Some(Arc::clone(credential))),
            Some(UpstreamAuth::None | UpstreamAuth::Forward) | None => Some(None),
        },
    };
    let bootstrap: Option<Vec<HostPort>> = servers.into_iter().collect();
    Some(Upstream { bootstrap: bootstrap?, tls: tls?, auth: auth?, service: service? })
}

fn tls(checker: &mut Checker<'_>, at: &At<UpstreamTlsDocument>) -> Option<UpstreamTls> {
    let written = &at.value;
    let mut file = |path: Option<&At<String>>, what: &str| match path {
        Some(path) => checker.existing_file(path, what).map(Some),
        None => Some(None),
    };
    let ca = file(written.ca.as_ref(), "the file of authorities");
    let cert = file(written.cert.as_ref(), "the certificate");
    let key = file(written.key.as_ref(), "the key");
    let server_name = match &written.server_name {
        Some(name) => checker.text(name, "`server_name`").map(Some),
        None => Some(None),
    };
    let identity = match (cert?, key?) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => {
            checker.refuse(at, "`cert` has no `key`");
            return None;
        }
        (None, Some(_)) => {
            checker.refuse(at, "`key` has no `cert`");
            return None;
        }
    };
    Some(UpstreamTls { ca: ca?, identity, server_name: server_name? })
}

fn auth(checker: &mut Checker<'_>, at: &At<AuthForms>) -> Option<UpstreamAuth> {
    match &at.value {
        AuthForms::Text(written) => match checker.expand(at, written)?.as_str() {
            "none" => Some(UpstreamAuth::None),
            "forward" => Some(UpstreamAuth::Forward),
            _ => {
                refuse_word(checker, at, written, &["none", "forward"]);
                None
            }
        },
        AuthForms::Map(map) => {
            credential(checker, at, map).map(|own| UpstreamAuth::Own(Arc::new(own)))
        }
    }
}

#[allow(clippy::option_option, reason = "refused, or nothing, or a credential")]
fn service(checker: &mut Checker<'_>, at: &At<AuthForms>) -> Option<Option<Arc<OwnCredential>>> {
    match &at.value {
        AuthForms::Text(written) => match checker.expand(at, written)?.as_str() {
            "none" => Some(None),
            "forward" => {
                let message = "`service` has no client whose token it could forward";
                checker.refuse_with(at, message, CREDENTIALS);
                None
            }
            _ => {
                refuse_word(checker, at, written, &["none"]);
                None
            }
        },
        AuthForms::Map(map) => credential(checker, at, map).map(|own| Some(Arc::new(own))),
    }
}

fn refuse_word(checker: &mut Checker<'_>, at: &At<AuthForms>, written: &str, words: &[&str]) {
    let help = match written {
        "plain" | "scram" | "oauthbearer" => CREDENTIALS.to_owned(),
        "mtls" => "with mTLS write `tls: {ca, cert, key}` and no `auth`".to_owned(),
        _ => match nearest(written, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write `{}`, or {CREDENTIALS}", words.join("`, `")),
        },
    };
    checker.refuse_with(at, format!("unknown value `{written}`"), help);
}

fn credential(
    checker: &mut Checker<'_>,
    at: &At<AuthForms>,
    map: &AuthDocument,
) -> Option<OwnCredential> {
    match (&map.plain, &map.scram, &map.oauthbearer) {
        (Some(plain), None, None) => {
            let username = secret(checker, &plain.value.username, "`username`");
            let password = secret(checker, &plain.value.password, "`password`");
            Some(OwnCredential::Plain { username: username?, password: password? })
        }
        (None, Some(scram), None) => self::scram(checker, &scram.value),
        (None, None, Some(bearer)) => client_credentials(checker, &bearer.value),
        _ => {
            checker.refuse_with(at, "a credential is exactly one of the three", CREDENTIALS);
            None
        }
    }
}

fn scram(checker: &mut Checker<'_>, written: &ScramDocument) -> Option<OwnCredential> {
    let username = secret(checker, &written.username, "`username`");
    let password = secret(checker, &written.password, "`password`");
    let hash = match &written.mechanism {
        None => Some(ScramHash::Sha512),
        Some(at) => {
            let text = checker.expand(at, &at.value)?;
            let known = ScramHash::of_mechanism(&text);
            if known.is_none() {
                let message = format!("`{}` is not a mechanism of SCRAM", at.value);
                checker.refuse_with(at, message, "write `SCRAM-SHA-256` or `SCRAM-SHA-512`");
            }
            known
        }
    };
    Some(OwnCredential::Scram { hash: hash?, username: username?, password: password? })
}

fn client_credentials(
    checker: &mut Checker<'_>,
    written: &ClientCredentialsDocument,
) -> Option<OwnCredential> {
    let at = &written.token_url;
    let token_url = checker.text(at, "`token_url`");
    let client_id = secret(checker, &written.client_id, "`client_id`");
    let client_secret = secret(checker, &written.client_secret, "`client_secret`");
    let scope = match &written.scope {
        Some(at) => checker.text(at, "`scope`").map(Some),
        None => Some(None),
    };
    let token_url = token_url?;
    if !is_safe_url(&token_url) {
        let help = "the secret is sent there: it must be https (http is for loopback)";
        checker.refuse_with(at, format!("`{}` is not an https URL", at.value), help);
        return None;
    }
    Some(OwnCredential::OauthBearer {
        token_url,
        client_id: client_id?,
        client_secret: client_secret?,
        scope: scope?,
    })
}

fn secret(checker: &mut Checker<'_>, at: &At<SecretForms>, what: &str) -> Option<Secret> {
    match &at.value {
        SecretForms::Map(map) => checker.existing_file(&map.file, what).map(Secret::File),
        SecretForms::Text(text) => {
            let text = checker.expand(at, text)?;
            if text.is_empty() || text.contains('\0') {
                checker.refuse(at, format!("{what} is empty or holds a zero byte"));
                return None;
            }
            Some(Secret::Text(text))
        }
    }
}

pub(super) fn host_port(
    checker: &mut Checker<'_>,
    here: &At<()>,
    written: &str,
) -> Option<HostPort> {
    let text = checker.expand(here, written)?;
    let parsed = text.rsplit_once(':').and_then(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let port = port.parse::<u16>().ok().filter(|port| *port != 0)?;
        let host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().ok().map(|_| address)?,
            None => Some(host).filter(|host| is_host(host) && !host.contains(':'))?,
        };
        Some(HostPort { host: host.into(), port })
    });
    if parsed.is_none() {
        let help = match written.split_once("://") {
            Some((_, behind)) => format!("leave the scheme out: `{behind}`"),
            None if written.contains(',') => "write a list: `{bootstrap: [a:9092, b:9092]}`".into(),
            None => "write a host and a port, as `kafka-0.internal:9092`".to_owned(),
        };
        checker.refuse_with(here, format!("`{written}` is not `host:port`"), help);
    }
    parsed
}
