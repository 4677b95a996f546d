//! Certificates and keys from PEM files, and what is wrong with them in an operator's words.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;

/// Bundles of all public authorities have about 200 KiB.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is wrong with the files of one TLS configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsError {
    #[error("{what} {} cannot be read: {reason}", .path.display())]
    Unreadable { what: &'static str, path: PathBuf, reason: String },
    #[error("{what} {} is not PEM: {reason}", .path.display())]
    NotPem { what: &'static str, path: PathBuf, reason: String },
    #[error("{what} {} holds no {expected}", .path.display())]
    Empty { what: &'static str, path: PathBuf, expected: &'static str },
    #[error("{what} {} cannot be used: {reason}", .path.display())]
    Unusable { what: &'static str, path: PathBuf, reason: String },
    #[error("the key {} is not that of the certificate {}", .key.display(), .cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("the system's own certificate authorities cannot be used: {0}")]
    SystemRoots(String),
    #[error("`{0}` is not a name that a certificate can have")]
    ServerName(String),
    #[error("{0}")]
    Setup(String),
}

/// The one provider of this process, named rather than found: nothing depends on what other crates
/// have installed.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A certificate chain and its key, which belong together.
///
/// # Errors
/// [`TlsError`]: which file, and what is wrong with it.
pub fn certified_key(
    cert: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = chain(cert)?;
    let what = "the key";
    let bytes = read(what, key)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        if matches!(error, pem::Error::NoItemsFound) {
            let expected = "private key in clear";
            return TlsError::Empty { what, path: key.to_path_buf(), expected };
        }
        not_pem(what, key, &error)
    })?;
    let signer = provider.key_provider.load_private_key(secret).map_err(|error| {
        TlsError::Unusable { what, path: key.to_path_buf(), reason: error.to_string() }
    })?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        // A signer that cannot tell its public key is taken at its word.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(certified))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { cert: cert.to_path_buf(), key: key.to_path_buf() })
        }
        Err(error) => Err(TlsError::Unusable {
            what: "the certificate",
            path: cert.to_path_buf(),
            reason: error.to_string(),
        }),
    }
}

/// A certificate, and those behind it.
///
/// # Errors
/// [`TlsError`]: what is wrong with the file.
pub fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates("the certificate", path)
}

/// The authorities of one file.
///
/// # Errors
/// [`TlsError`]: what is wrong with it.
pub fn authorities(what: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, path)? {
        roots.add(certificate).map_err(|error| TlsError::Unusable {
            what,
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(what, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| not_pem(what, path, &error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty { what, path: path.to_path_buf(), expected: "certificate" });
    }
    Ok(chain)
}

fn not_pem(what: &'static str, path: &Path, error: &pem::Error) -> TlsError {
    TlsError::NotPem { what, path: path.to_path_buf(), reason: error.to_string() }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable =
        |reason: String| TlsError::Unreadable { what, path: path.to_path_buf(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(unreadable(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
