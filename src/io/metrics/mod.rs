//! Every metric of the process, in one place and by name.
//!
//! Handles are resolved once, when [`Metrics`] is made or at the first use of a row: counting is
//! one atomic addition. Label values are enums or names out of the API table, so nothing that a
//! client chooses (topic, principal, client id) can ever become a label.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::wire::ApiKey;

#[cfg(test)]
mod tests;

/// The API keys that get a row of their own; all above share the row `Unknown`.
const API_KEYS_MAX: usize = 128;

type Labels = Vec<(&'static str, &'static str)>;
type Counters = Family<Labels, Counter<u64, AtomicU64>>;

/// The values that one label may have.
pub trait LabelValue: Copy + 'static {
    /// The label's name.
    const LABEL: &'static str;
    /// Every value, in the order of the discriminants.
    const ALL: &'static [Self];
    /// The value as Prometheus shows it.
    fn as_str(self) -> &'static str;
    /// Its index in [`Self::ALL`].
    fn index(self) -> usize;
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $label:literal {
        $($(#[$row:meta])* $value:ident = $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$row])* $value,)* }

        impl LabelValue for $name {
            const LABEL: &'static str = $label;
            const ALL: &'static [Self] = &[$(Self::$value,)*];

            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label! {
    /// Why a client connection was refused before its first request.
    Refusal, "reason" {
        /// `limits.connections_max` are open.
        ConnectionsMax = "connections_max",
        /// The process drains.
        Draining = "draining",
        /// The broker could not be reached.
        Upstream = "upstream",
        /// The first bytes were a TLS handshake on a plain port.
        TlsOnPlain = "tls_on_plain",
        /// The first bytes were HTTP.
        HttpOnPlain = "http_on_plain",
        /// The audit log takes no rows and is required.
        Audit = "audit",
        /// The first bytes were not TLS on a TLS port.
        PlainOnTls = "plain_on_tls",
        /// The TLS handshake failed: the client's certificate, its version, its time.
        Handshake = "handshake",
        /// The server name that the client asked for belongs to no broker.
        ServerName = "server_name",
        /// The client's certificate names nobody.
        Certificate = "certificate",
        /// No PROXY header where one must be, a bad one, or one where none may be.
        ProxyHeader = "proxy_header",
        /// `limits.connections_per_address_max` of the client's address are open.
        AddressMax = "connections_per_address_max",
    }
}

label! {
    /// Why a connection ended.
    Closure, "reason" {
        /// The client closed it.
        Client = "client",
        /// The broker closed it.
        Upstream = "upstream",
        /// The client sent what is no Kafka frame, or not what its header promised.
        Malformed = "malformed",
        /// The broker sent what is no answer to the request.
        BrokerMalformed = "broker_malformed",
        /// A frame was larger than its limit.
        FrameTooLarge = "frame_too_large",
        /// The API or its version is not in the table.
        UnknownApi = "unknown_api",
        /// It did not get past the listener; `lockgate_connections_refused` says why.
        NotAdmitted = "not_admitted",
        /// A request was refused in a way that Kafka expresses by closing (acks=0).
        Refused = "refused",
        /// The login took too long.
        LoginTimeout = "login_timeout",
        /// The login failed.
        LoginFailed = "login_failed",
        /// The token ended.
        TokenExpired = "token_expired",
        /// Nothing was sent for too long.
        Idle = "idle",
        /// A frame or an answer stood still for too long.
        Slow = "slow",
        /// The process drains.
        Draining = "draining",
        /// An audit row was not accepted and the log is required.
        Audit = "audit",
        /// A bug: the task of the connection panicked.
        Panic = "panic",
    }
}

label! {
    /// Which way bytes went.
    Direction, "direction" {
        /// From a client.
        FromClient = "from_client",
        /// To a client.
        ToClient = "to_client",
        /// From a broker.
        FromBroker = "from_broker",
        /// To a broker.
        ToBroker = "to_broker",
    }
}

label! {
    /// What was decided about a request or a part of it.
    Verdict, "decision" {
        /// It passed unchanged.
        Allow = "allow",
        /// It passed with masked values.
        Mask = "mask",
        /// Records were left out.
        Drop = "drop",
        /// It was refused.
        Deny = "deny",
    }
}

label! {
    /// Why a login failed.
    LoginFailure, "reason" {
        /// A SASL mechanism other than the ones offered.
        Mechanism = "mechanism",
        /// The SASL exchange or the token cannot be read.
        Malformed = "malformed",
        /// `iss` is not a configured issuer.
        Issuer = "issuer",
        /// `aud` does not hold a configured audience.
        Audience = "audience",
        /// `alg` is not allowed, or not the key's.
        Algorithm = "algorithm",
        /// No key of the issuer has that `kid`.
        UnknownKey = "unknown_key",
        /// The signature is wrong.
        Signature = "signature",
        /// The token has ended, or lives longer than allowed.
        Expired = "expired",
        /// The token is not valid yet.
        NotYetValid = "not_yet_valid",
        /// A claim is missing or not as configured.
        Claims = "claims",
        /// The issuer's keys cannot be had.
        KeysUnavailable = "keys_unavailable",
        /// A re-authentication named another principal (KIP-368).
        PrincipalChanged = "principal_changed",
        /// The broker refused the forwarded token.
        Broker = "broker",
        /// It took too long.
        Timeout = "timeout",
        /// No such user, or another password.
        Credentials = "credentials",
        /// `limits.connections_per_principal_max` are open.
        Connections = "connections",
    }
}

label! {
    /// Why a broker connection failed.
    UpstreamFailure, "reason" {
        /// The host has no address.
        Resolve = "resolve",
        /// The connection was refused or broke.
        Connect = "connect",
        /// It took too long.
        Timeout = "timeout",
        /// The node id has no known address.
        UnknownNode = "unknown_node",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The broker did not take Lockgate's own login.
        Login = "login",
    }
}

label! {
    /// Which side of an exchange.
    Side, "side" {
        /// Requests.
        Request = "request",
        /// Responses.
        Response = "response",
    }
}

label! {
    /// How something that is done again and again ended.
    Outcome, "outcome" {
        /// It worked.
        Success = "success",
        /// It did not.
        Failure = "failure",
    }
}

/// One counter for each value of a label.
#[derive(Debug)]
pub struct Labelled<L> {
    counters: Vec<Counter>,
    /// Never used: every value has its counter.
    spare: Counter,
    marker: std::marker::PhantomData<L>,
}

impl<L: LabelValue> Labelled<L> {
    fn new(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Counters::default();
        let row = |value: &L| family.get_or_create(&vec![(L::LABEL, value.as_str())]).clone();
        let counters = L::ALL.iter().map(row).collect();
        registry.register(name, help, family);
        Self { counters, spare: Counter::default(), marker: std::marker::PhantomData }
    }

    /// The counter of a value.
    #[must_use]
    pub fn of(&self, value: L) -> &Counter {
        self.counters.get(value.index()).unwrap_or(&self.spare)
    }
}

/// One counter for each API, made when the API is first used.
#[derive(Debug)]
pub struct PerApi {
    family: Counters,
    fixed: Option<(&'static str, &'static str)>,
    known: Vec<OnceLock<Counter>>,
    unknown: OnceLock<Counter>,
}

impl PerApi {
    fn new(family: Counters, fixed: Option<(&'static str, &'static str)>) -> Self {
        let known = (0..API_KEYS_MAX).map(|_| OnceLock::new()).collect();
        Self { family, fixed, known, unknown: OnceLock::new() }
    }

    /// The counter of an API; keys that no message definition has share one.
    #[must_use]
    pub fn of(&self, api: ApiKey) -> &Counter {
        let name = api.name();
        let known = usize::try_from(api.0).ok().and_then(|key| self.known.get(key));
        let (cell, name) = match known {
            Some(cell) if name != "Unknown" => (cell, name),
            Some(_) | None => (&self.unknown, "Unknown"),
        };
        cell.get_or_init(|| {
            let labels = self.fixed.into_iter().chain([("api", name)]).collect();
            self.family.get_or_create(&labels).clone()
        })
    }
}

/// Decisions by API and kind.
#[derive(Debug)]
pub struct Decisions {
    rows: Vec<PerApi>,
    spare: Counter,
}

impl Decisions {
    fn new(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Counters::default();
        let row = |verdict: &Verdict| {
            PerApi::new(family.clone(), Some((Verdict::LABEL, verdict.as_str())))
        };
        let rows = Verdict::ALL.iter().map(row).collect();
        registry.register(name, help, family);
        Self { rows, spare: Counter::default() }
    }

    /// The counter of a decision about an API.
    #[must_use]
    pub fn of(&self, api: ApiKey, verdict: Verdict) -> &Counter {
        self.rows.get(verdict.index()).map_or(&self.spare, |row| row.of(api))
    }
}

macro_rules! metrics {
    ($($name:ident: $kind:ident $(<$label:ident>)? = $help:literal;)*) => {
        /// Every metric. Names on the wire are `lockgate_` and the field's name, and `_total` for
        /// counters.
        #[derive(Debug)]
        pub struct Metrics {
            $(#[doc = $help] pub $name: $kind $(<$label>)?,)*
            policy_revision: Family<Vec<(&'static str, String)>, Gauge>,
            registry: Registry,
        }

        impl Metrics {
            /// All metrics at zero.
            #[must_use]
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix("lockgate");
                $(let $name = metrics!(@make registry, $name, $kind $(<$label>)?, $help);)*
                let policy_revision = Family::default();
                let help = "The policy revision in force: 1 for the one that its label names";
                registry.register("policy_revision_info", help, policy_revision.clone());
                Self { $($name,)* policy_revision, registry }
            }
        }
    };
    (@make $registry:ident, $name:ident, Counter, $help:literal) => {{
        let counter = Counter::default();
        $registry.register(stringify!($name), $help, counter.clone());
        counter
    }};
    (@make $registry:ident, $name:ident, Gauge, $help:literal) => {{
        let gauge = Gauge::default();
        $registry.register(stringify!($name), $help, gauge.clone());
        gauge
    }};
    (@make $registry:ident, $name:ident, PerApi, $help:literal) => {{
        let family = Counters::default();
        $registry.register(stringify!($name), $help, family.clone());
        PerApi::new(family, None)
    }};
    (@make $registry:ident, $name:ident, Decisions, $help:literal) => {
        Decisions::new(&mut $registry, stringify!($name), $help)
    };
    (@make $registry:ident, $name:ident, Labelled<$label:ident>, $help:literal) => {
        Labelled::<$label>::new(&mut $registry, stringify!($name), $help)
    };
}

metrics! {
    connections_open: Gauge = "Client connections that are open";
    connections_accepted: Counter = "Client connections that were accepted";
    connections_refused: Labelled<Refusal> = "Clients refused before their first request";
    connections_closed: Labelled<Closure> = "Client connections that ended, by reason";
    requests: PerApi = "Requests of clients, by API";
    bytes: Labelled<Direction> = "Bytes read and written, by direction";
    decisions: Decisions = "Decisions in force, by API";
    shadow_decisions: Decisions = "Decisions that rules in shadow mode would have made, by API";
    masked_values: Counter = "Values that were masked";
    dropped_records: Counter = "Records that were left out of what a reader got";
    policy_evaluation_errors: Counter = "Conditions that could not be decided on a record";
    policy_loads: Labelled<Outcome> = "Loads of the policy directory";
    policy_load_failed: Gauge = "1 while the newest policy files are refused, older ones in force";
    audit_rows: Counter = "Audit rows that were accepted";
    audit_lag_rows: Gauge = "Audit rows that are in the write-ahead log and not yet in Parquet";
    audit_failures: Counter = "Audit rows that were not accepted";
    logins: Counter = "Logins that succeeded";
    logins_again: Counter = "Logins that succeeded on a live connection (KIP-368)";
    login_failures: Labelled<LoginFailure> = "Logins that failed, by reason";
    key_set_loads: Labelled<Outcome> = "Loads of issuers' key sets";
    upstream_connections: Counter = "Connections made to brokers";
    upstream_logins: Counter = "Logins of Lockgate's own that brokers took, renewals included";
    upstream_failures: Labelled<UpstreamFailure> = "Connections to brokers that failed, by reason";
    unknown_tags_stripped: Labelled<Side> = "Unknown tagged fields taken out";
    unmapped_nodes: Counter = "Broker node ids that have no port in `addresses`";
    certificate_loads: Labelled<Outcome> = "Loads of listeners' certificates that had changed";
    certificate_load_failed: Gauge = "1 while new certificate files are refused, older ones in use";
    certificate_ends_at_seconds: Gauge = "When the first certificate of a listener ends, Unix time";
    request_budget_used_bytes: Gauge = "Bytes of the request budget in use";
    response_budget_used_bytes: Gauge = "Bytes of the response budget in use";
    panics: Counter = "Connections that ended by a bug";
}

impl Metrics {
    /// Names the policy revision that is now in force.
    pub fn policy_activated(&self, revision: &str) {
        self.policy_revision.clear();
        self.policy_revision.get_or_create(&vec![("revision", revision.to_owned())]).set(1);
        self.policy_loads.of(Outcome::Success).inc();
        self.policy_load_failed.set(0);
    }

    /// Notes that the files which were refused are gone again.
    pub fn policy_recovered(&self) {
        self.policy_load_failed.set(0);
    }

    /// Notes that the newest policy files were refused.
    pub fn policy_refused(&self) {
        self.policy_loads.of(Outcome::Failure).inc();
        self.policy_load_failed.set(1);
    }

    /// Everything, in the OpenMetrics text format.
    ///
    /// # Errors
    /// Never in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
