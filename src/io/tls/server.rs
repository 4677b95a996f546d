//! TLS for clients: one listener's certificates, read again when their files change.
//!
//! The contents are compared, not times or inodes: that holds on network file systems and through
//! Kubernetes' swaps of symbolic links. What does not load leaves the old certificates in use;
//! connections that are open keep theirs in any case. Tickets for resumed sessions are of the
//! certificates they were given under and end with them, so that nobody comes back by an authority
//! that is no longer trusted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use serde::Serialize;

use super::TlsError;
use crate::auth::certificate;
use crate::config::{ListenerTls, Presence, certificates};
use crate::io::metrics::{Metrics, Outcome};

/// How soon a change is seen.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The certificates of one listener.
pub struct TlsServer {
    settings: ListenerTls,
    current: ArcSwap<InUse>,
    looked: Mutex<Looked>,
}

/// What connections are opened with.
struct InUse {
    config: Arc<ServerConfig>,
    leaf: CertificateDer<'static>,
    ends_at_seconds: Option<i64>,
}

/// What the last look found; it may be worse than what is in use.
struct Looked {
    contents: Contents,
    /// A fault that has been seen once: certificate and key are rarely replaced in one moment.
    doubt: Option<TlsError>,
    fault: Option<TlsError>,
}

type Contents = [u8; 32];

/// How a listener's certificates stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateState {
    /// When the certificate in use ends, in seconds since 1970.
    pub ends_at_seconds: Option<i64>,
    /// Why the newest files are not in use; none if they are.
    pub last_error: Option<String>,
}

impl TlsServer {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`TlsError`]: what is wrong with one of them.
    pub fn open(settings: &ListenerTls) -> Result<Self, TlsError> {
        let contents = contents(settings);
        let current = ArcSwap::from_pointee(load(settings)?);
        let looked = Mutex::new(Looked { contents, doubt: None, fault: None });
        Ok(Self { settings: settings.clone(), current, looked })
    }

    /// For the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// Those of `names` that the certificate in use is not made for.
    #[must_use]
    pub fn lacks<'n>(&self, names: &'n [String]) -> Vec<&'n str> {
        let current = self.current.load();
        let Ok(leaf) = ParsedCertificate::try_from(&current.leaf) else { return Vec::new() };
        let lacks = |name: &&'n str| {
            let name = ServerName::try_from(*name);
            !name.is_ok_and(|name| verify_server_name(&leaf, &name).is_ok())
        };
        names.iter().map(String::as_str).filter(lacks).collect()
    }

    #[must_use]
    pub fn state(&self) -> CertificateState {
        CertificateState {
            ends_at_seconds: self.current.load().ends_at_seconds,
            last_error: self.looked.lock().fault.as_ref().map(ToString::to_string),
        }
    }

    /// Reads the files, and puts them in use if they changed for the good.
    fn look(&self, metrics: &Metrics) {
        let contents = contents(&self.settings);
        let mut looked = self.looked.lock();
        if looked.contents == contents && looked.doubt.is_none() {
            return;
        }
        let loaded = load(&self.settings);
        let cert = self.settings.cert.display();
        match loaded {
            Ok(next) => {
                let ends_at_seconds = next.ends_at_seconds;
                self.current.store(Arc::new(next));
                *looked = Looked { contents, doubt: None, fault: None };
                metrics.certificate_loads.of(Outcome::Success).inc();
                tracing::info!(%cert, ends_at_seconds, "new certificates are in use");
            }
            Err(fault) if looked.contents == contents && looked.doubt.as_ref() == Some(&fault) => {
                metrics.certificate_loads.of(Outcome::Failure).inc();
                tracing::error!(%cert, %fault, "the new files are refused, the old ones in use");
                *looked = Looked { contents, doubt: None, fault: Some(fault) };
            }
            Err(fault) => {
                looked.contents = contents;
                looked.doubt = Some(fault);
            }
        }
    }
}

/// Looks after the certificates of all listeners, for ever.
pub async fn watch(servers: Vec<Arc<TlsServer>>, metrics: Arc<Metrics>) {
    if servers.is_empty() {
        return;
    }
    loop {
        note(&servers, &metrics);
        tokio::time::sleep(POLL_INTERVAL).await;
        let (again, counted) = (servers.clone(), Arc::clone(&metrics));
        // A reader that panics would end in this error; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || {
            for server in again {
                server.look(&counted);
            }
        })
        .await;
    }
}

/// Shows the worst of them.
fn note(servers: &[Arc<TlsServer>], metrics: &Metrics) {
    let states: Vec<CertificateState> = servers.iter().map(|server| server.state()).collect();
    let refused = states.iter().any(|state| state.last_error.is_some());
    metrics.certificate_load_failed.set(i64::from(refused));
    if let Some(first) = states.iter().filter_map(|state| state.ends_at_seconds).min() {
        metrics.certificate_ends_at_seconds.set(first);
    }
}

fn load(settings: &ListenerTls) -> Result<InUse, TlsError> {
    let provider = certificates::provider();
    let certified = certificates::certified_key(&settings.cert, &settings.key, &provider)?;
    let leaf = certified.end_entity_cert().map_err(|error| TlsError::Setup(error.to_string()))?;
    let leaf = leaf.clone().into_owned();
    let ends_at_seconds = certificate::parse(&leaf).ok().map(|leaf| leaf.ends_at_seconds());
    let setup = |error: String| TlsError::Setup(error);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?;
    let builder = match &settings.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = certificates::authorities("`client_ca`", &clients.authorities)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match clients.presence {
                Presence::Optional => verifier.allow_unauthenticated(),
                Presence::Required => verifier,
            };
            builder.with_client_cert_verifier(
                verifier.build().map_err(|error| setup(error.to_string()))?,
            )
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.ticketer =
        rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| setup(error.to_string()))?;
    Ok(InUse { config: Arc::new(config), leaf, ends_at_seconds })
}

/// A fingerprint of all the files; of one that cannot be read, that it cannot.
fn contents(settings: &ListenerTls) -> Contents {
    let mut context = Context::new(&SHA256);
    let clients = settings.clients.as_ref().map(|clients| clients.authorities.as_path());
    let files = [Some(settings.cert.as_path()), Some(settings.key.as_path()), clients];
    for path in files.into_iter().flatten() {
        let bytes = bytes_of(path);
        context.update(&bytes.as_ref().map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
        context.update(bytes.as_deref().unwrap_or_default());
    }
    context.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}
