//! One fetch of a key set, bounded in time and size, from a file or over HTTP.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest;
use reqwest::{Client, Url};

use crate::auth::{KEY_SET_BYTES_MAX, KeySet, KeySetError};
use crate::io::web::{self, WebFault};

use super::location::{self, KeyLocation, LocationError};

/// As large as the key set may be; real discovery documents have a few KiB.
const DISCOVERY_BYTES_MAX: usize = KEY_SET_BYTES_MAX;

/// What a successful fetch brought.
pub(super) enum Fetched {
    Keys(KeySet),
    /// The same bytes as last time.
    Unchanged,
}

/// Why there are no new keys; the issuer's or the network's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    File {
        /// Its path as configured.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// No answer: name, connection, TLS or time.
    #[error("no answer from {host}: {reason}")]
    NoAnswer {
        /// Who was asked.
        host: String,
        /// The HTTP client's words, without the address.
        reason: String,
    },
    /// An answer other than 200. Redirects count: following one lets the answer name any host.
    #[error("{host} answered {status}; only 200 is accepted, and redirects are not followed")]
    Status {
        /// Who was asked.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// More than the cap; the rest was not read.
    #[error("the answer of {host} is larger than {KEY_SET_BYTES_MAX} bytes")]
    TooLarge {
        /// Who was asked.
        host: String,
    },
    /// The discovery document is not one, or is another issuer's.
    #[error("the discovery document of {host} {reason}")]
    Discovery {
        /// Who was asked.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The discovery document sends us to an address that may not be used.
    #[error("the discovery document's `jwks_uri` is refused: {0}")]
    KeyAddress(LocationError),
    /// The key set itself.
    #[error("{0}")]
    KeySet(KeySetError),
}

pub(super) struct Transport {
    source: Source,
    /// Of the bytes that the last keys came from.
    last_digest: Option<digest::Digest>,
    /// The clock of whoever answered last, as its `Date` says.
    pub(super) date: Option<SystemTime>,
}

enum Source {
    File(PathBuf),
    Url { client: Client, url: Url },
    Discovery { client: Client, url: Url, issuer: String },
}

#[derive(serde::Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl Transport {
    pub(super) fn new(issuer: &str, location: KeyLocation) -> Result<Self, LocationError> {
        let source = match location {
            KeyLocation::File(path) => Source::File(path),
            KeyLocation::Url(text) => {
                let url = location::checked(&text)?;
                Source::Url { client: client(&url)?, url }
            }
            KeyLocation::Discovery => {
                let url = location::discovery(issuer)?;
                Source::Discovery { client: client(&url)?, url, issuer: issuer.to_owned() }
            }
        };
        Ok(Self { source, last_digest: None, date: None })
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    pub(super) async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let date = &mut self.date;
        let bytes = match &self.source {
            Source::File(path) => read_file(path.clone()).await?,
            Source::Url { client, url } => get(client, url, KEY_SET_BYTES_MAX, date).await?,
            Source::Discovery { client, url, issuer } => {
                let document = get(client, url, DISCOVERY_BYTES_MAX, date).await?;
                let keys_url = key_address(&document, url, issuer)?;
                get(client, &keys_url, KEY_SET_BYTES_MAX, date).await?
            }
        };
        let digest = digest::digest(&digest::SHA256, &bytes);
        if self.last_digest.as_ref().is_some_and(|last| last.as_ref() == digest.as_ref()) {
            return Ok(Fetched::Unchanged);
        }
        let keys = KeySet::parse(&bytes).map_err(FetchError::KeySet)?;
        self.last_digest = Some(digest);
        Ok(Fetched::Keys(keys))
    }
}

fn client(url: &Url) -> Result<Client, LocationError> {
    web::client(url).map_err(LocationError::Client)
}

pub(super) fn key_address(document: &[u8], from: &Url, issuer: &str) -> Result<Url, FetchError> {
    let fault = |reason| FetchError::Discovery { host: web::host(from), reason };
    let document: DiscoveryDocument =
        serde_json::from_slice(document).map_err(|_| fault("has no `issuer` and `jwks_uri`"))?;
    if document.issuer != issuer {
        return Err(fault("is another issuer's (its `issuer` is not the configured one)"));
    }
    let url = location::checked(&document.jwks_uri).map_err(FetchError::KeyAddress)?;
    if url.scheme() != "https" && !web::is_loopback(from) {
        // An issuer elsewhere must not make us ask a service on this machine.
        return Err(FetchError::KeyAddress(LocationError::NotEncrypted(document.jwks_uri)));
    }
    Ok(url)
}

async fn get(
    client: &Client,
    url: &Url,
    bytes_max: usize,
    date: &mut Option<SystemTime>,
) -> Result<Vec<u8>, FetchError> {
    let accept = "application/json, application/jwk-set+json";
    let request = client.get(url.clone()).header(reqwest::header::ACCEPT, accept);
    let answer = web::send(request, bytes_max).await.map_err(|fault| match fault {
        WebFault::NoAnswer(reason) => FetchError::NoAnswer { host: web::host(url), reason },
        WebFault::TooLarge => FetchError::TooLarge { host: web::host(url) },
    })?;
    *date = answer.date;
    match answer.status {
        200 => Ok(answer.body),
        status => Err(FetchError::Status { host: web::host(url), status }),
    }
}

async fn read_file(path: PathBuf) -> Result<Vec<u8>, FetchError> {
    let name = path.display().to_string();
    let outcome = tokio::task::spawn_blocking(move || read_capped(&path)).await;
    let reason = match outcome {
        Ok(Ok(bytes)) => return Ok(bytes),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(FetchError::File { path: name, reason })
}

/// One byte over the cap is enough for the parser to refuse the whole.
fn read_capped(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(KEY_SET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
