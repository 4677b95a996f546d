//! The configuration file as written: every key, its type, its unit and its default.
//!
//! The JSON Schema is generated from these types, so the comments on the keys are what editors
//! show. Values keep their place in the file until `checker` has judged them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::limits::LimitsDocument;
use super::upstream::document::UpstreamForms;
use crate::auth::certificate::CertificateName;
use crate::yaml::{At, OneOrMany, text_or_map};

/// Lockgate's configuration file. Relative paths start at the directory of this file; `${NAME}` in
/// a text stands for an environment variable.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lockgate.yaml", rename = "Config")]
pub struct Document {
    /// The cluster's name in audit rows and policies: letters, digits, `.`, `_`, `-`; at most 64.
    /// Default `default`.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// Where clients connect: `address:port`, or a list of `{address, tls, proxy_protocol}`.
    /// Required.
    #[schemars(with = "Option<OneOrMany<ListenForms>>")]
    pub listen: Option<At<OneOrMany<ListenForms>>>,
    /// How clients reach the brokers behind Lockgate. Required: `keep` (the brokers already
    /// advertise Lockgate's addresses), `{ports, host}` (one port for each broker), or
    /// `{sni, bootstrap}` (one TLS port, one host name for each broker).
    #[schemars(with = "Option<AddressesForms>")]
    pub addresses: Option<At<AddressesForms>>,
    /// The brokers: `host:port`, or `{bootstrap, tls, auth, service}`. Required.
    #[schemars(with = "Option<UpstreamForms>")]
    pub upstream: Option<At<UpstreamForms>>,
    /// Who may connect and how that is proven. Required.
    #[schemars(with = "Option<IdentityDocument>")]
    pub identity: Option<At<IdentityDocument>>,
    /// The long form: a list of clusters, each with the five keys above. One cluster is built.
    #[schemars(with = "Option<Vec<ClusterDocument>>")]
    pub clusters: Option<At<Vec<At<ClusterDocument>>>>,
    /// The directory of policy files, or `{dir}`; it is watched. Default `./policies`.
    #[schemars(with = "Option<PoliciesForms>")]
    pub policies: Option<At<PoliciesForms>>,
    /// The audit log.
    pub audit: Option<AuditDocument>,
    /// The HTTP listener for probes, metrics and status.
    pub admin: Option<AdminDocument>,
    /// Limits on size, number and time; each has a default.
    pub limits: Option<LimitsDocument>,
}

/// One cluster of the long form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cluster")]
pub struct ClusterDocument {
    /// The cluster's name in audit rows and policies.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// As the key of the short form.
    #[schemars(with = "Option<OneOrMany<ListenForms>>")]
    pub listen: Option<At<OneOrMany<ListenForms>>>,
    /// As the key of the short form.
    #[schemars(with = "Option<AddressesForms>")]
    pub addresses: Option<At<AddressesForms>>,
    /// As the key of the short form.
    #[schemars(with = "Option<UpstreamForms>")]
    pub upstream: Option<At<UpstreamForms>>,
    /// As the key of the short form.
    #[schemars(with = "Option<IdentityDocument>")]
    pub identity: Option<At<IdentityDocument>>,
}

/// A listener: `address:port` or a mapping.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Listen")]
pub enum ListenForms {
    /// `address:port`: an IP address and a port.
    Text(String),
    /// The address as a key of its own.
    Map(Box<ListenDocument>),
}

/// A listener as a mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listener")]
pub struct ListenDocument {
    /// `address:port`: an IP address and a port.
    #[schemars(with = "String")]
    pub address: At<String>,
    /// Clients speak TLS here (1.2 or 1.3). Default: they speak plaintext.
    #[schemars(with = "Option<ListenerTlsDocument>")]
    pub tls: Option<At<ListenerTlsDocument>>,
    /// The networks of load balancers that send a PROXY protocol header (version 2) in front of
    /// every connection, as `10.0.0.0/8`; who the client is, is then what the header says. From
    /// these networks the header is required, from any other it is refused. Default none.
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub proxy_protocol: Option<At<OneOrMany<String>>>,
}

/// TLS for clients. The files are read again when they change; connections go on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListenerTls")]
pub struct ListenerTlsDocument {
    /// The PEM file of Lockgate's certificate, with the intermediate ones behind it.
    #[schemars(with = "String")]
    pub cert: At<String>,
    /// The PEM file of its private key, not encrypted.
    #[schemars(with = "String")]
    pub key: At<String>,
    /// The PEM file of the authorities whose client certificates are accepted.
    #[schemars(with = "Option<String>")]
    pub client_ca: Option<At<String>>,
    /// Whether clients show a certificate: `none`, `request` (one that is shown must be good) or
    /// `require`. Default `require` where `client_ca` is written, else `none`.
    #[schemars(with = "Option<ClientAuth>")]
    pub client_auth: Option<At<ClientAuth>>,
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// They are not asked.
    None,
    /// They may; a certificate that is not good ends the connection.
    Request,
    /// They must.
    Require,
}

/// How clients reach the brokers: `keep`, or a mapping.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Addresses")]
pub enum AddressesForms {
    /// `keep`: broker addresses pass as they are.
    Text(String),
    /// One port, or one host name, for each broker.
    Map(Box<AddressesDocument>),
}

/// One port for each broker (`ports` and `host`), or one host name (`sni` and `bootstrap`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddressesOfBrokers")]
pub struct AddressesDocument {
    /// `a-b`: node id n gets port a + n mod (b - a + 1), so every replica agrees without state. Or
    /// a mapping of node id to port.
    #[schemars(with = "Option<PortsForms>")]
    pub ports: Option<At<PortsForms>>,
    /// The host name that clients are told, for every broker.
    #[schemars(with = "Option<String>")]
    pub host: Option<At<String>>,
    /// `b{node}.host:port`: the host name and port that clients are told, with the node id in the
    /// place of `{node}`. All of them lead to `listen`, which speaks TLS; the server name that a
    /// client asks for says which broker it means. Any other name is refused.
    #[schemars(with = "Option<String>")]
    pub sni: Option<At<String>>,
    /// The host name, without a port, that clients bootstrap to where `sni` is written.
    #[schemars(with = "Option<String>")]
    pub bootstrap: Option<At<String>>,
}

/// The ports of brokers: `a-b`, or a mapping of node id to port.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Ports")]
pub enum PortsForms {
    /// The first and the last port, as `9093-9099`.
    Text(String),
    /// Node id to port.
    Map(#[schemars(with = "BTreeMap<i32, u16>")] BTreeMap<i32, At<u16>>),
}

/// Who may connect and how that is proven: at least one of `oauthbearer`, `plain`, `scram`, `mtls`
/// and `anonymous`, or `mode: inspect`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Identity")]
pub struct IdentityDocument {
    /// `terminate` (default): Lockgate itself checks every login. `inspect`: SASL frames go to the
    /// broker, which checks them, and Lockgate learns who it was.
    pub mode: Option<IdentityMode>,
    /// The issuer whose tokens are accepted (SASL/OAUTHBEARER), or a list of issuers.
    #[schemars(with = "Option<OneOrMany<IssuerDocument>>")]
    pub oauthbearer: Option<At<OneOrMany<IssuerDocument>>>,
    /// A client certificate is a login: its holder is the principal that the certificate names. It
    /// needs a listener with `tls.client_ca`. A client that logs in by SASL all the same is who
    /// that login says.
    #[schemars(with = "Option<MtlsDocument>")]
    pub mtls: Option<At<MtlsDocument>>,
    /// Users who log in by SASL/PLAIN: their passwords cross the network as they are.
    #[schemars(with = "Option<PlainDocument>")]
    pub plain: Option<At<PlainDocument>>,
    /// Users who log in by SASL/SCRAM.
    #[schemars(with = "Option<ScramDocument>")]
    pub scram: Option<At<ScramDocument>>,
    /// Lets clients in without a login. For a laptop: refused on a listener that is not loopback.
    #[schemars(with = "Option<AnonymousDocument>")]
    pub anonymous: Option<At<AnonymousDocument>>,
    /// Groups from a file, beside those of the token.
    pub groups: Option<GroupsDocument>,
}

/// Who checks a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdentityMode {
    /// Lockgate.
    Terminate,
    /// The broker.
    Inspect,
}

/// Users who log in by SASL/PLAIN.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Plain")]
pub struct PlainDocument {
    /// The users file, as a path or as `{file: path}`: `lockgate config user` writes it. It is
    /// watched.
    #[schemars(with = "UsersForms")]
    pub users: At<UsersForms>,
    /// Allows passwords to cross a network in clear: listeners that are neither TLS nor loopback.
    /// Default false.
    #[serde(default)]
    pub allow_cleartext: bool,
}

/// Users who log in by SASL/SCRAM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scram")]
pub struct ScramDocument {
    /// The users file, as a path or as `{file: path}`: `lockgate config user` writes it. It is
    /// watched, and may be the one of `plain`.
    #[schemars(with = "UsersForms")]
    pub users: At<UsersForms>,
    /// The mechanisms that are offered. Default `[SCRAM-SHA-256, SCRAM-SHA-512]`.
    #[schemars(with = "Option<Vec<String>>")]
    pub mechanisms: Option<At<Vec<At<String>>>>,
}

/// A users file: its path, or a mapping.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Users")]
pub enum UsersForms {
    /// The path; a relative one starts at the directory of this file.
    Text(String),
    /// The path as a key of its own.
    Map(FileDocument),
}

/// One issuer of tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Issuer")]
pub struct IssuerDocument {
    /// The issuer's name in policies, as in `name|jane`. Required where there are several issuers.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// The `iss` claim, compared exactly.
    #[schemars(with = "String")]
    pub issuer: At<String>,
    /// The `aud` claim, or a list of which one must be in it. Never optional.
    #[schemars(with = "OneOrMany<String>")]
    pub audience: At<OneOrMany<String>>,
    /// Where the keys are: an https URL, or `{file: path}`. Default: the issuer's discovery
    /// document says.
    #[schemars(with = "Option<JwksForms>")]
    pub jwks: Option<At<JwksForms>>,
    /// The claim that names the principal, as a dotted path. Default `sub`.
    #[schemars(with = "Option<String>")]
    pub principal_claim: Option<At<String>>,
    /// The claim that lists the groups, as a dotted path. Default: tokens name no groups.
    #[schemars(with = "Option<String>")]
    pub groups_claim: Option<At<String>>,
    /// The signature algorithms that are accepted. Default `[RS256, PS256, ES256, EdDSA]`.
    #[schemars(with = "Option<Vec<String>>")]
    pub algorithms: Option<At<Vec<At<String>>>>,
    /// How far the clocks may differ, in seconds, 0 to 30. Default 30.
    #[schemars(with = "Option<u64>", range(max = 30))]
    pub clock_skew_seconds: Option<At<u64>>,
    /// The longest lifetime of a token that is accepted, in seconds. Default 86400 (a day).
    #[schemars(with = "Option<u64>", range(min = 60, max = 2_592_000))]
    pub token_lifetime_seconds_max: Option<At<u64>>,
}

/// Where an issuer's keys are: a URL, or a file.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Jwks")]
pub enum JwksForms {
    /// An https URL (http only for loopback).
    Text(String),
    /// A JWKS file.
    Map(FileDocument),
}

/// A file by its path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "File")]
pub struct FileDocument {
    /// The path; a relative one starts at the directory of this file.
    #[schemars(with = "String")]
    pub file: At<String>,
}

/// Clients that are known by their certificates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mtls")]
pub struct MtlsDocument {
    /// Which name in the certificate is the principal: `subject` (default; the whole subject as
    /// Kafka writes it, `CN=app,OU=payments,O=Acme`), `cn`, `san_dns`, `san_uri` or `san_email`. A
    /// certificate that has none of the kind, or several, is refused.
    pub principal: Option<CertificateName>,
}

/// Clients without a login.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Anonymous")]
pub struct AnonymousDocument {
    /// The name that policies and audit rows give them. Default `ANONYMOUS`, as Kafka's.
    #[schemars(with = "Option<String>")]
    pub principal: Option<At<String>>,
    /// The groups they are in. Default none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<At<String>>,
    /// Lets anybody who reaches a listener that is not loopback in without a login. Default false.
    #[serde(default)]
    pub allow_remote: bool,
}

/// Groups from a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Groups")]
pub struct GroupsDocument {
    /// The file that maps principals to groups; it is watched.
    #[schemars(with = "String")]
    pub file: At<String>,
}

/// Where policies come from: a directory, or a mapping.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Policies")]
pub enum PoliciesForms {
    /// A directory.
    Text(String),
    /// A directory as a key of its own.
    Map(PoliciesDocument),
}

/// A directory of policies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PoliciesDirectory")]
pub struct PoliciesDocument {
    /// The directory of `*.yaml` policy files.
    #[schemars(with = "String")]
    pub dir: At<String>,
}

/// The audit log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Audit")]
pub struct AuditDocument {
    /// The directory of the write-ahead log and the Parquet files. Default `./audit`.
    #[schemars(with = "Option<String>")]
    pub dir: Option<At<String>>,
    /// Refuse traffic that cannot be evidenced. Default true.
    pub required: Option<bool>,
    /// `process` (default): a row is in the log file before its bytes leave, and survives kill -9.
    /// `disk`: and is synced, and survives power loss.
    pub durability: Option<Durability>,
    /// The age in seconds at which a Parquet file is finished, 1 to 86400. Default 300.
    #[schemars(with = "Option<u64>", range(min = 1, max = 86_400))]
    pub rotate_seconds: Option<At<u64>>,
    /// The number of rows at which a Parquet file is finished, 1 to 16777216. Default 1048576.
    #[schemars(with = "Option<u64>", range(min = 1, max = 16_777_216))]
    pub rotate_rows: Option<At<u64>>,
}

/// What an accepted audit row has survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The end of the process: it is written to the log file.
    Process,
    /// The end of the machine's power: it is synced to disk.
    Disk,
}

/// The HTTP listener for probes, metrics and status.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Admin")]
pub struct AdminDocument {
    /// `address:port`. Default `127.0.0.1:9644`.
    #[schemars(with = "Option<String>")]
    pub listen: Option<At<String>>,
    /// Allows an address that is not loopback; it then serves `/livez`, `/readyz` and `/metrics`
    /// only. Default false.
    #[serde(default)]
    pub allow_remote: bool,
}

macro_rules! two_forms {
    ($($forms:ident: $what:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $forms {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text_or_map(deserializer, $what, |text| Ok(Self::Text(text)), Self::Map)
            }
        }
    )*};
}

two_forms! {
    ListenForms: "`address:port` or `{address: ...}`";
    AddressesForms: "`keep`, `{ports: a-b, host: ...}` or `{sni: ..., bootstrap: ...}`";
    PortsForms: "`a-b` or a mapping of node id to port";
    JwksForms: "a URL or `{file: ...}`";
    UsersForms: "a path or `{file: ...}`";
    PoliciesForms: "a directory or `{dir: ...}`";
}
