//! TLS on both sides: rustls over tokio's TCP, with certificates and keys from PEM files.

mod client;
mod material;
mod stream;

pub use client::{TlsClient, UpstreamTls, client};
pub use material::TlsError;
pub use stream::TlsStream;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one provider of this process, named rather than found: nothing depends on what other crates
/// have installed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
