//! A certificate authority for one test: servers, clients, and the files they want.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SanType,
};

use super::scratch::Scratch;

/// An authority with its files; they go with this value.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    scratch: Scratch,
    made: AtomicUsize,
}

/// A certificate with its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Issued {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Issued {
    /// Key and certificate in one file, as Kafka's `ssl.keystore.location` of type PEM wants them.
    pub fn store(&self) -> PathBuf {
        let path = self.cert.with_extension("store.pem");
        let read = |path: &Path| std::fs::read_to_string(path).expect("the file was just made");
        std::fs::write(&path, read(&self.key) + &read(&self.cert)).expect("scratch is writable");
        path
    }

    /// Puts another certificate and its key in the place of these, as a renewal does.
    pub fn renew_from(&self, other: &Self) {
        for (from, to) in [(&other.key, &self.key), (&other.cert, &self.cert)] {
            let beside = to.with_extension("next");
            std::fs::copy(from, &beside).expect("scratch is writable");
            std::fs::rename(&beside, to).expect("scratch is writable");
        }
    }
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let mut name = DistinguishedName::new();
        let scratch = Scratch::new("certificates");
        // Each has a name of its own, so that none is taken for another.
        let own = scratch.path().file_name().expect("a scratch directory has a name");
        name.push(DnType::CommonName, own.to_string_lossy().into_owned());
        params.distinguished_name = name;
        let key = KeyPair::generate().expect("the system has randomness");
        let certificate = params.self_signed(&key).expect("an authority may sign itself");
        scratch.write("ca.pem", &certificate.pem());
        Self { issuer: Issuer::new(params, key), scratch, made: AtomicUsize::new(0) }
    }

    /// The authority's own certificate, for `ca`, `client_ca`, `ssl.ca.location`.
    pub fn ca_path(&self) -> PathBuf {
        self.scratch.path().join("ca.pem")
    }

    /// A directory for other files of the test.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// A server under these names, each a host name (also `*.name`) or an IP address.
    pub fn server(&self, names: &[&str]) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// A client whose subject is just `CN=common_name`.
    pub fn client(&self, common_name: &str) -> Issued {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, common_name);
        self.client_of(subject, Vec::new())
    }

    /// A client with this subject and these alternative names.
    pub fn client_of(&self, subject: DistinguishedName, names: Vec<SanType>) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// Any certificate.
    pub fn issue(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("the system has randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Issued {
            cert: self.scratch.write(&format!("{number}.cert.pem"), &certificate.pem()),
            key: self.scratch.write(&format!("{number}.key.pem"), &key.serialize_pem()),
        }
    }
}

fn san(name: &str) -> SanType {
    match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.to_owned().try_into().expect("a name is ASCII")),
    }
}
