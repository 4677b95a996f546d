//! Where keys may come from. Addresses come from the configuration and from an issuer's discovery
//! document, never from a token.

use std::path::PathBuf;

use reqwest::Url;

use crate::io::web;

/// Where one issuer publishes its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// A JWKS file, read again when its content changes.
    File(PathBuf),
    /// The address of the JWKS document itself.
    Url(String),
    /// `{issuer}/.well-known/openid-configuration` says (OIDC Discovery §4).
    Discovery,
}

/// An address that is refused before anything is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Not an absolute `http(s)` URL with a host.
    #[error("`{0}` is not an absolute https URL")]
    NotAnAddress(String),
    /// Plain HTTP to another machine: anybody between could hand us keys.
    #[error("`{0}` is not https; plain http is for loopback addresses only")]
    NotEncrypted(String),
    /// `user:password@`: a credential in an address ends up in logs.
    #[error("the address of the keys holds a user name or password")]
    Credential,
    /// The HTTP client could not be made (no TLS trust roots, say).
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// A URL that may be fetched: https, or http on this machine.
pub(super) fn checked(text: &str) -> Result<Url, LocationError> {
    let url = Url::parse(text).map_err(|_| LocationError::NotAnAddress(text.to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LocationError::Credential);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(LocationError::NotAnAddress(text.to_owned()));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if web::is_loopback(&url) => Ok(url),
        "http" => Err(LocationError::NotEncrypted(text.to_owned())),
        _ => Err(LocationError::NotAnAddress(text.to_owned())),
    }
}

pub(super) fn discovery(issuer: &str) -> Result<Url, LocationError> {
    let issuer_url = checked(issuer)?;
    // OIDC Core §2: an issuer has no query and no fragment.
    if issuer_url.query().is_some() || issuer_url.fragment().is_some() {
        return Err(LocationError::NotAnAddress(issuer.to_owned()));
    }
    checked(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
}
