//! TLS on both sides: rustls over tokio's TCP, with certificates and keys from PEM files.

mod client;
mod server;
mod stream;
#[cfg(test)]
mod tests;

pub use crate::config::TlsError;
pub use client::{TlsClient, UpstreamTls, client};
pub use server::{CertificateState, TlsServer, watch};
pub use stream::TlsStream;
