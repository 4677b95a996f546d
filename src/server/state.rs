//! What the process says of itself, put together when somebody asks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::audit::{AuditEvent, EventKind, SessionFacts};
use crate::config::Config;
use crate::enforce::facts::UserSource as _;
use crate::enforce::{Address, Addresses};
use crate::io::admin::{
    AuditState, ConnectionState, GroupsState, IdentityState, IssuerState, ListenerState, LoadFault,
    PolicyState, Readiness, Status, StatusSource, UpstreamState, UsersState,
};
use crate::io::clock;
use crate::io::connection::Gateway;
use crate::io::directory::DirectoryStatus;
use crate::io::jwks::{Freshness, KeySourceStatus};
use crate::io::listener::Entrance;
use crate::io::metrics::Metrics;
use crate::io::policies::{PolicyChange, PolicyStatus};
use crate::io::sink::Health;
use crate::io::users::UsersFile;

/// The admin listener's source.
pub(super) struct State {
    gateway: Arc<Gateway>,
    policies: watch::Receiver<PolicyStatus>,
    entrances: Vec<(SocketAddr, Arc<Entrance>)>,
    connections_max: u64,
    budgets: (usize, usize),
    began_at_ms: i64,
    loaded_at_seconds: AtomicI64,
    fault: Mutex<Option<LoadFault>>,
    listening: AtomicBool,
}

impl State {
    pub fn new(
        gateway: Arc<Gateway>,
        policies: watch::Receiver<PolicyStatus>,
        config: &Config,
        entrances: &[(SocketAddr, Arc<Entrance>)],
    ) -> Self {
        let now_ms = clock::now_ms();
        let state = Self {
            gateway,
            policies,
            entrances: entrances.to_vec(),
            connections_max: u64::try_from(config.limits.connections_max).unwrap_or(u64::MAX),
            budgets: (config.limits.request_budget_bytes, config.limits.response_budget_bytes),
            began_at_ms: now_ms,
            loaded_at_seconds: AtomicI64::new(now_ms.div_euclid(1000)),
            fault: Mutex::new(None),
            listening: AtomicBool::new(false),
        };
        state.policy_row(EventKind::PolicyActivated, "loaded at the start");
        state
    }

    pub fn listening(&self) {
        self.listening.store(true, Ordering::Relaxed);
    }

    /// Notes a change of the policy directory, good or bad.
    pub fn policy_changed(&self, gateway: &Gateway, change: &PolicyChange) {
        let now_seconds = clock::now_ms().div_euclid(1000);
        match change {
            PolicyChange::Activated { set, previous } => {
                gateway.metrics.policy_activated(set.revision());
                self.loaded_at_seconds.store(now_seconds, Ordering::Relaxed);
                *self.fault.lock() = None;
                self.policy_row(EventKind::PolicyActivated, &format!("in place of {previous}"));
            }
            PolicyChange::LoadFailed { kept: _, problems } => {
                gateway.metrics.policy_refused();
                let message = problems.to_string();
                *self.fault.lock() =
                    Some(LoadFault { at_seconds: now_seconds, message: message.clone() });
                self.policy_row(EventKind::PolicyFailed, &message);
            }
            PolicyChange::Recovered { kept } => {
                gateway.metrics.policy_recovered();
                *self.fault.lock() = None;
                let message = format!("{kept} is what the files say again");
                self.policy_row(EventKind::PolicyActivated, &message);
            }
        }
    }

    fn policy_row(&self, kind: EventKind, message: &str) {
        let cluster = Arc::clone(&self.gateway.cluster.name);
        let mut row = AuditEvent::new(kind, Arc::new(SessionFacts::gateway(cluster)));
        row.policy_revision = Some(Arc::clone(self.gateway.policy.load().revision()));
        row.message = Some(Arc::from(message));
        if let Err(error) = self.gateway.audit.append(&[row]) {
            tracing::error!(%error, "a change of the policies left no evidence");
        }
    }

    fn upstream(&self) -> UpstreamState {
        let nodes = self.gateway.map.nodes();
        let advertised = |id: &i32| match self.gateway.cluster.addresses.of(*id) {
            Address::At { host, port } => Some((*id, format!("{host}:{port}"))),
            Address::AsAdvertised | Address::Unmapped => None,
        };
        UpstreamState {
            bootstrap: self.gateway.map.bootstrap().iter().map(ToString::to_string).collect(),
            last_error: self.gateway.map.last_error(),
            advertised: match self.gateway.cluster.addresses {
                Addresses::Keep => BTreeMap::new(),
                Addresses::Ports { .. } | Addresses::Names(_) => {
                    nodes.keys().filter_map(advertised).collect()
                }
            },
            nodes: nodes.iter().map(|(id, address)| (*id, address.to_string())).collect(),
        }
    }

    fn listeners(&self) -> Vec<ListenerState> {
        let state = |(address, entrance): &(SocketAddr, Arc<Entrance>)| ListenerState {
            address: address.to_string(),
            tls: entrance.tls.as_ref().map(|server| server.state()),
        };
        self.entrances.iter().map(state).collect()
    }

    fn identity(&self) -> IdentityState {
        let issuer = |status: KeySourceStatus| IssuerState {
            issuer: status.issuer,
            freshness: status.freshness.as_str(),
            keys: status.keys,
            age_seconds: status.age.map(|age| age.as_secs()),
            last_error: status.last_error,
        };
        let groups = |status: DirectoryStatus| GroupsState {
            groups: status.groups,
            principals: status.principals,
            last_error: status.last_error,
        };
        let users = |file: &UsersFile| UsersState {
            file: file.path().display().to_string(),
            users: file.current().names().count(),
            last_error: file.fault().map(|fault| fault.to_string()),
        };
        IdentityState {
            issuers: self.gateway.keys.iter().map(|keys| issuer(keys.status())).collect(),
            groups: self.gateway.groups.as_ref().map(|directory| groups(directory.status())),
            users: self.gateway.users.iter().map(|file| users(file)).collect(),
        }
    }
}

impl StatusSource for State {
    fn readiness(&self) -> Readiness {
        let mut reasons = Vec::new();
        if !self.listening.load(Ordering::Relaxed) {
            reasons.push("not listening yet".to_owned());
        }
        if let Some(error) = self.gateway.map.unreachable() {
            reasons.push(format!("no broker can be reached: {error}"));
        }
        let audit = self.gateway.audit.status();
        if audit.health == Health::Failing {
            let error = audit.last_error.unwrap_or_default();
            reasons.push(format!("the audit log takes no rows: {error}"));
        }
        for keys in self.gateway.keys.iter().map(|keys| keys.status()) {
            let issuer = &keys.issuer;
            match keys.freshness {
                Freshness::Missing => reasons.push(format!("no keys of issuer {issuer}")),
                Freshness::Expired => {
                    reasons.push(format!("the keys of issuer {issuer} are too old"));
                }
                Freshness::Fresh | Freshness::Stale => {}
            }
        }
        if reasons.is_empty() { Readiness::Ready } else { Readiness::NotReady { reasons } }
    }

    fn status(&self) -> Status {
        let audit = self.gateway.audit.status();
        let policy = self.gateway.policy.load();
        let uptime_ms = clock::now_ms().saturating_sub(self.began_at_ms);
        Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: u64::try_from(uptime_ms.div_euclid(1000)).unwrap_or(0),
            cluster: self.gateway.cluster.name.to_string(),
            policy: PolicyState {
                revision: self.policies.borrow().revision.to_string(),
                rules: policy.rules().len(),
                loaded_at_seconds: self.loaded_at_seconds.load(Ordering::Relaxed),
                last_error: self.fault.lock().clone(),
            },
            listeners: self.listeners(),
            upstream: self.upstream(),
            identity: self.identity(),
            audit: AuditState {
                rows: audit.rows,
                lag_rows: audit.lag_rows,
                last_error: audit.last_error,
            },
            connections: ConnectionState {
                open: u64::try_from(self.gateway.metrics.connections_open.get()).unwrap_or(0),
                max: self.connections_max,
            },
        }
    }

    fn refresh(&self, metrics: &Metrics) {
        let audit = self.gateway.audit.status();
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let used = |total: usize, free: usize| {
            i64::try_from(total.saturating_sub(free)).unwrap_or(i64::MAX)
        };
        metrics.audit_lag_rows.set(count(audit.lag_rows));
        let (requests, responses) = self.gateway.budgets.free_bytes();
        metrics.request_budget_used_bytes.set(used(self.budgets.0, requests));
        metrics.response_budget_used_bytes.set(used(self.budgets.1, responses));
    }
}
