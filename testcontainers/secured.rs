//! The listeners of a broker that asks who is there: `SASL_PLAINTEXT`, `SSL`, `MTLS`, `SASL_SSL`,
//! with the four mechanisms, beside the open ones.
//!
//! ```text
//! let files = CertificateFiles::make();
//! let settings = KafkaSettings::one_node().oauth(listener).secured(&files);
//! let kafka = Kafka::start(&settings);
//! add_scram_user(&kafka, "carol", "carol-secret");
//! ```

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::AlterUserScramCredentialsRequest;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::protocol::StrBytes;
use lockgate::auth::scram::{ScramHash, salted_password};

use super::kafka::{Kafka, OauthListener};
use super::node::NodePorts;
use super::process::{Program, until};
use super::raw::RawClient;
use super::scratch::Scratch;

/// Users of PLAIN on the SASL listeners.
pub const PLAIN_USERS: &[(&str, &str)] = &[("alice", "alice-secret"), ("bob", "bob-secret")];
const SECURITY: &str = "org.apache.kafka.common.security";
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
const SCRAM_LIMIT: Duration = Duration::from_secs(60);
const SCRAM_ITERATIONS: u32 = 4096;

/// PEM files for one cluster and its clients, made by `openssl`; they end with the last clone.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    directory: Arc<PathBuf>,
    _scratch: Arc<Kept>,
}

struct Kept(#[allow(dead_code, reason = "held for its drop")] Scratch);

impl std::fmt::Debug for Kept {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Kept")
    }
}

impl CertificateFiles {
    /// An authority, a server certificate of it for `localhost` and `127.0.0.1`, a client
    /// certificate of it (`CN=client`), and an authority that signed none of them.
    pub fn make() -> Self {
        let scratch = Scratch::new("certificates");
        let directory = scratch.path().to_path_buf();
        let files = Self { directory: Arc::new(directory), _scratch: Arc::new(Kept(scratch)) };
        files.authority("ca");
        files.authority("other-ca");
        files.leaf("server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        files.leaf("client", "extendedKeyUsage=clientAuth");
        let read = |name: &str| std::fs::read_to_string(files.file(name)).expect("it was made");
        let store = read("server.key") + &read("server.pem");
        std::fs::write(files.file("server-store.pem"), store).expect("a scratch file");
        files
    }

    /// `ca.pem`, `other-ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Another certificate of the authority: `NAME.pem`, `NAME.key` (PKCS 8), with this extension.
    pub fn leaf(&self, name: &str, extension: &str) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        std::fs::write(self.file(&format!("{name}.ext")), extension).expect("a scratch file");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
             -out {name}.pem -extfile {name}.ext"
        ));
    }

    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
             -keyout {name}.key -out {name}.pem -subj /CN={name}"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let advice = "install OpenSSL's command line";
        Program::found("openssl", advice)
            .arguments(arguments.split_whitespace())
            .directory(self.directory.as_path())
            .run(COMMAND_LIMIT)
            .expect_success();
    }
}

/// `(name, bound, advertised)` of the listeners with TLS; `SASL_PLAINTEXT` is the launcher's own.
pub(super) fn listeners(ports: NodePorts) -> Vec<(&'static str, u16, &'static str)> {
    // Verified by name, so they are advertised under one.
    vec![
        ("SSL", ports.ssl, "localhost"),
        ("MTLS", ports.mtls, "localhost"),
        ("SASL_SSL", ports.sasl_ssl, "localhost"),
    ]
}

/// The properties beside `listeners` and `advertised.listeners`.
pub(super) fn properties(
    files: &CertificateFiles,
    oauth: Option<&OauthListener>,
) -> Vec<(String, String)> {
    let path = |name: &str| files.file(name).display().to_string();
    let mut lines = vec![
        ("ssl.keystore.type".to_owned(), "PEM".to_owned()),
        ("ssl.keystore.location".to_owned(), path("server-store.pem")),
        ("ssl.truststore.type".to_owned(), "PEM".to_owned()),
        ("ssl.truststore.location".to_owned(), path("ca.pem")),
        ("listener.name.mtls.ssl.client.auth".to_owned(), "required".to_owned()),
    ];
    let bearer = if oauth.is_some() { "OAUTHBEARER," } else { "" };
    let mechanisms = format!("{bearer}PLAIN,SCRAM-SHA-256,SCRAM-SHA-512");
    lines.push(("sasl.enabled.mechanisms".to_owned(), mechanisms));
    let users = PLAIN_USERS.iter().map(|(name, password)| format!(" user_{name}=\"{password}\""));
    let users: String = users.collect();
    for listener in ["sasl_plaintext", "sasl_ssl"] {
        let prefix = format!("listener.name.{listener}");
        let mut jaas = |mechanism: &str, module: String| {
            lines.push((format!("{prefix}.{mechanism}.sasl.jaas.config"), module));
        };
        jaas("plain", format!("{SECURITY}.plain.PlainLoginModule required{users};"));
        for mechanism in ["scram-sha-256", "scram-sha-512"] {
            jaas(mechanism, format!("{SECURITY}.scram.ScramLoginModule required;"));
        }
        if oauth.is_some() {
            lines.extend(bearer_properties(&prefix));
        }
    }
    lines
}

/// OAUTHBEARER of one listener.
pub(super) fn bearer_properties(prefix: &str) -> [(String, String); 2] {
    let package = format!("{SECURITY}.oauthbearer");
    [
        (
            format!("{prefix}.oauthbearer.sasl.server.callback.handler.class"),
            format!("{package}.OAuthBearerValidatorCallbackHandler"),
        ),
        (
            format!("{prefix}.oauthbearer.sasl.jaas.config"),
            format!("{package}.OAuthBearerLoginModule required;"),
        ),
    ]
}

/// Makes a user of both SCRAM mechanisms, or gives it another password.
pub fn add_scram_user(kafka: &Kafka, name: &str, password: &str) {
    let salt = b"a salt for a test";
    let iterations = NonZeroU32::new(SCRAM_ITERATIONS).expect("not zero");
    let upsertion = |hash: ScramHash, mechanism: i8| {
        let salted = salted_password(hash, password, salt, iterations);
        ScramCredentialUpsertion::default()
            .with_name(StrBytes::from_string(name.to_owned()))
            .with_mechanism(mechanism)
            .with_iterations(4096)
            .with_salt(Bytes::from_static(salt))
            .with_salted_password(Bytes::copy_from_slice(salted.bytes()))
    };
    // The broker does not take two of one user in one request.
    for credential in [upsertion(ScramHash::Sha256, 1), upsertion(ScramHash::Sha512, 2)] {
        let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![credential]);
        until("a SCRAM user", SCRAM_LIMIT, || {
            let mut client = RawClient::connect(&kafka.nodes()[0].direct_address());
            let answer = client.call(0, &request).map_err(|error| error.to_string())?;
            match answer.results.iter().find(|result| result.error_code != 0) {
                None => Ok(()),
                Some(result) => Err(format!("{result:?}")),
            }
        });
    }
}
