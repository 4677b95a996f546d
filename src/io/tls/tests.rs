//! TLS over real sockets, against rustls itself at the other end.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::certificates;
use crate::io::transport::Transport;

/// Files of an authority and of a server that it vouches for.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new(server_name: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([server_name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap();
        let files = Self { directory };
        for (name, text) in
            [("ca.pem", ca.pem()), ("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())]
        {
            std::fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn trusted(&self) -> UpstreamTls {
        UpstreamTls { ca: Some(self.path("ca.pem")), ..UpstreamTls::default() }
    }

    fn server(&self) -> ServerConnection {
        let provider = certificates::provider();
        let certified =
            certificates::certified_key(&self.path("cert.pem"), &self.path("key.pem"), &provider);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified.unwrap())));
        ServerConnection::new(Arc::new(config)).unwrap()
    }
}

/// A client's end and a server's end.
async fn pair(files: &Files, host: &str) -> (std::io::Result<Transport>, Option<TlsStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = client(&files.trusted()).unwrap();
    let connecting = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        client.connect(tcp, host).await
    };
    let accepting = async {
        let (tcp, _) = listener.accept().await.unwrap();
        TlsStream::open(tcp, files.server().into()).await.ok()
    };
    tokio::join!(connecting, accepting)
}

#[tokio::test]
async fn bytes_come_out_as_they_went_in_whatever_the_pieces() {
    let (client, server) = pair(&Files::new("broker.test"), "broker.test").await;
    let (mut client, mut server) = (client.unwrap(), Transport::Tls(Box::new(server.unwrap())));
    let sent: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let expected = sent.clone();
    let writing = async {
        for piece in sent.chunks(70_001) {
            client.write_all(piece).await.unwrap();
        }
        client.shutdown().await.unwrap();
        client
    };
    let reading = async {
        let mut received = Vec::new();
        // Small reads leave more behind than they take.
        let mut piece = [0; 777];
        while received.len() < 200_000 {
            let bytes = server.read(&mut piece).await.unwrap();
            received.extend_from_slice(&piece[..bytes]);
        }
        server.read_to_end(&mut received).await.unwrap();
        received
    };
    let (_client, received) = tokio::join!(writing, reading);
    assert!(received == expected);
}

#[tokio::test]
async fn what_is_not_sent_is_known_and_goes_later() {
    let (client, server) = pair(&Files::new("broker.test"), "broker.test").await;
    let (mut client, mut server) = (client.unwrap(), Transport::Tls(Box::new(server.unwrap())));
    let piece = vec![7; 64 * 1024];
    let mut taken = 0;
    while let Ok(bytes) = client.try_write_vectored(&[std::io::IoSlice::new(&piece)]) {
        taken += bytes;
    }
    assert!(client.holds_unsent());
    let sending = client.flush();
    let mut received = vec![0; taken];
    let (sent, read) = tokio::join!(sending, server.read_exact(&mut received));
    sent.unwrap();
    read.unwrap();
    assert!(!client.holds_unsent());
}

#[tokio::test]
async fn another_name_or_authority_is_refused() {
    let files = Files::new("broker.test");
    let (client, server) = pair(&files, "other.test").await;
    let error = client.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("other.test"), "{error}");
    assert!(server.is_none());
    std::fs::copy(Files::new("broker.test").path("ca.pem"), files.path("ca.pem")).unwrap();
    let (client, _) = pair(&files, "broker.test").await;
    assert!(client.err().unwrap().to_string().contains("invalid peer certificate"));
}

#[tokio::test]
async fn t28_a_goodbye_within_the_handshake_ends_it() {
    let files = Files::new("broker.test");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    // A close_notify in clear, and more behind it.
    client.write_all(&[0x15, 3, 3, 0, 2, 1, 0, 0x16, 3, 1, 0, 1]).await.unwrap();
    client.write_all(&[0; 8192]).await.unwrap();
    let opening = TlsStream::open(tcp, files.server().into());
    let opened = tokio::time::timeout(std::time::Duration::from_secs(60), opening).await;
    assert!(opened.unwrap().is_err());
}

#[test]
fn files_that_do_not_fit_are_named() {
    let (files, other) = (Files::new("a.test"), Files::new("a.test"));
    let fault = |cert: PathBuf, key: PathBuf| {
        let settings = UpstreamTls { identity: Some((cert, key)), ..files.trusted() };
        client(&settings).err().unwrap().to_string()
    };
    let key = files.path("key.pem");
    assert!(fault(files.path("cert.pem"), other.path("key.pem")).contains("is not that of"));
    assert!(fault(key.clone(), key.clone()).contains("holds no certificate"));
    assert!(fault(files.path("no.pem"), key).contains("cannot be read"));
    assert!(fault(files.path("cert.pem"), files.path("ca.pem")).contains("holds no private key"));
    let broken = files.path("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(fault(broken, files.path("key.pem")).contains("is not PEM"));
}
