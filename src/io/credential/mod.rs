//! What Lockgate itself logs in with at brokers, found anew for every login: a file is read again,
//! a token is fetched when the last one ends.

mod token;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::auth::scram::ScramHash;
use crate::config::{OwnCredential, Secret};
use crate::enforce::broker_login::Credential;
use token::TokenSource;
pub use token::{TokenFault, TokenTiming};

/// A file that is larger holds no password.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
const NONCE_BYTES: usize = 24;

/// Why there is nothing to log in with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialFault {
    #[error("cannot read {}: {reason}", .path.display())]
    File { path: PathBuf, reason: String },
    #[error("{} holds no secret", .0.display())]
    Empty(PathBuf),
    #[error("{0}")]
    Token(#[from] TokenFault),
    #[error("no random bytes can be had")]
    Random,
}

/// Where one credential comes from.
pub struct CredentialSource {
    kind: Kind,
}

enum Kind {
    Plain { username: Secret, password: Secret },
    Scram { hash: ScramHash, username: Secret, password: Secret },
    OauthBearer(TokenSource),
}

impl CredentialSource {
    /// # Errors
    /// [`TokenFault::Client`] where no HTTP client can be made.
    pub fn new(credential: &OwnCredential) -> Result<Self, TokenFault> {
        Self::with_timing(credential, TokenTiming::default())
    }

    /// # Errors
    /// [`TokenFault::Client`] where no HTTP client can be made.
    pub fn with_timing(
        credential: &OwnCredential,
        timing: TokenTiming,
    ) -> Result<Self, TokenFault> {
        let kind = match credential.clone() {
            OwnCredential::Plain { username, password } => Kind::Plain { username, password },
            OwnCredential::Scram { hash, username, password } => {
                Kind::Scram { hash, username, password }
            }
            OwnCredential::OauthBearer { token_url, client_id, client_secret, scope } => {
                let source = TokenSource::new(&token_url, client_id, client_secret, scope, timing);
                Kind::OauthBearer(source?)
            }
        };
        Ok(Self { kind })
    }

    /// What to log in with now.
    ///
    /// # Errors
    /// [`CredentialFault`]: no login can be tried.
    pub async fn credential(&self) -> Result<Credential, CredentialFault> {
        match &self.kind {
            Kind::Plain { username, password } => Ok(Credential::Plain {
                username: reveal(username).await?,
                password: reveal(password).await?,
            }),
            Kind::Scram { hash, username, password } => Ok(Credential::Scram {
                hash: *hash,
                username: reveal(username).await?,
                password: reveal(password).await?,
                nonce: nonce()?,
            }),
            Kind::OauthBearer(source) => {
                Ok(Credential::OauthBearer { token: source.token().await?.to_string() })
            }
        }
    }
}

fn nonce() -> Result<String, CredentialFault> {
    let mut bytes = [0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CredentialFault::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The secret as it is now; a line break at the end of a file is not part of it.
async fn reveal(secret: &Secret) -> Result<String, CredentialFault> {
    let path = match secret {
        Secret::Text(text) => return Ok(text.clone()),
        Secret::File(path) => path.clone(),
    };
    let fault = |reason: String| CredentialFault::File { path: path.clone(), reason };
    let read = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || read_capped(&path)).await
    };
    let text = read.map_err(|error| fault(error.to_string()))?;
    let text = text.map_err(|error| fault(error.to_string()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.contains('\0') {
        return Err(CredentialFault::Empty(path));
    }
    Ok(text.to_owned())
}

fn read_capped(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(SECRET_BYTES_MAX.saturating_add(1));
    let length = std::io::BufReader::new(read).read_to_string(&mut text)?;
    if u64::try_from(length).unwrap_or(u64::MAX) > SECRET_BYTES_MAX {
        let reason = format!("it is larger than {SECRET_BYTES_MAX} bytes");
        return Err(std::io::Error::other(reason));
    }
    Ok(text)
}
