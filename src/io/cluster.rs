//! Lockgate's own small Kafka client: asks a bootstrap server which brokers there are.
//!
//! A broker's port is open before its address is known, so the address is asked for when a
//! connection needs it, and whatever passing Metadata responses say is kept. It is asked with the
//! credential of `upstream.service`; with `upstream.auth: forward` and no service nobody but a
//! client has one, and the question is asked with that client's own login message.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::config::HostPort;
use crate::enforce::broker_login::BrokerLogin;
use crate::enforce::errand::{Knowledge, Learned, Question};
use crate::enforce::facts::{Node, Offered, UpstreamLogin};
use crate::enforce::{Effects, PortLayout, Response, TopicNames};
use crate::identity::Mechanism;
use crate::io::credential::CredentialSource;
use crate::io::dial::{DialFault, Dialer};
use crate::io::transport::Transport;
use crate::wire::ResponseHeader;
use crate::wire::frame::LENGTH_BYTES;
use crate::wire::shape::{self, Direction, Limits};

#[cfg(test)]
mod tests;

/// The answer names brokers only.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const ELEMENTS_MAX: usize = 100_000;
/// The brokers are asked for no more often than this.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// Why the brokers are not known.
#[derive(Debug, Error, Clone)]
pub enum ClusterFault {
    #[error("no bootstrap server answers: {0}")]
    Unreachable(String),
    #[error("{0}")]
    LoginRefused(#[from] LoginRefused),
    #[error("Lockgate's own login failed: {0}")]
    Service(String),
    #[error("no broker known has a node id that belongs to {0}")]
    NoBroker(Seat),
    #[error(
        "brokers {first} and {second} would both have port {port}; write the ports out: \
             addresses: {{ports: {{{first}: {port}, {second}: …}}, host: …}}"
    )]
    Collision { first: i32, second: i32, port: u16 },
}

/// What a broker said to a login.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct LoginRefused(pub String);

/// Who can ask the cluster which brokers there are.
pub enum Service {
    /// Anybody: no login is asked for.
    Open,
    /// Lockgate, with this credential.
    Own(Arc<CredentialSource>),
    /// Nobody but a client, with its own login.
    ClientsOnly,
}

/// What a client says when it means one broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seat {
    /// It came in on this port.
    Port(u16),
    /// It came in under the name of this node id.
    Node(i32),
}

impl fmt::Display for Seat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(out, "port {port}"),
            Self::Node(id) => write!(out, "the server name of node {id}"),
        }
    }
}

/// The brokers of one cluster, as far as they were ever named.
pub struct ClusterMap {
    bootstrap: Vec<HostPort>,
    layout: Option<PortLayout>,
    dialer: Dialer,
    service: Service,
    nodes: Mutex<BTreeMap<i32, HostPort>>,
    asking: tokio::sync::Mutex<Option<Instant>>,
    /// How the last connection to each address went.
    outcomes: Mutex<BTreeMap<HostPort, Result<(), String>>>,
}

impl ClusterMap {
    #[must_use]
    pub fn new(
        bootstrap: Vec<HostPort>,
        layout: Option<PortLayout>,
        dialer: Dialer,
        service: Service,
    ) -> Self {
        Self {
            bootstrap,
            layout,
            dialer,
            service,
            nodes: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            outcomes: Mutex::default(),
        }
    }

    /// Whether Lockgate can ask by itself.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        match self.service {
            Service::Open | Service::Own(_) => true,
            Service::ClientsOnly => false,
        }
    }

    /// Keeps what an answer of the cluster said. A broker that is not named keeps its address: it
    /// may only be down.
    pub fn learn(&self, nodes: &[Node]) {
        let mut known = self.nodes.lock();
        for node in nodes {
            let Ok(port) = u16::try_from(node.port) else { continue };
            if known.get(&node.id).is_some_and(|at| *at.host == *node.host && at.port == port) {
                continue;
            }
            let before = known.insert(node.id, HostPort { host: Arc::from(&*node.host), port });
            if let Some(before) = before {
                // Nobody is there any more whose failures were worth a word.
                self.outcomes.lock().remove(&before);
            }
        }
    }

    /// Looks whether the files of TLS have changed; it reads them, so it blocks.
    pub fn look(&self) {
        self.dialer.look();
    }

    /// Connects to a broker, and keeps how that went.
    ///
    /// # Errors
    /// [`DialFault`], which does not name the address.
    pub async fn open(&self, address: &HostPort) -> Result<Transport, DialFault> {
        let opened = self.dialer.open(address).await;
        let outcome = opened.as_ref().map(|_| ()).map_err(|reason| format!("{address}: {reason}"));
        self.outcomes.lock().insert(address.clone(), outcome);
        opened
    }

    /// Why some broker could not be reached when it was last tried; none if all could.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        let outcomes = self.outcomes.lock();
        outcomes.values().find_map(|outcome| outcome.as_ref().err().cloned())
    }

    /// Why no broker at all can be reached; none if one can, or none was tried.
    #[must_use]
    pub fn unreachable(&self) -> Option<String> {
        let outcomes = self.outcomes.lock();
        if outcomes.values().any(Result::is_ok) {
            return None;
        }
        outcomes.values().find_map(|outcome| outcome.as_ref().err().cloned())
    }

    /// Tries the bootstrap servers until one takes a connection.
    pub async fn probe(&self) {
        for server in self.servers() {
            if self.open(&server).await.is_ok() {
                return;
            }
        }
    }

    /// Whom to ask, in turn: the bootstrap servers, those first that were not down when last
    /// tried, then the other brokers that are known.
    #[must_use]
    pub fn servers(&self) -> Vec<HostPort> {
        let outcomes = self.outcomes.lock();
        let was_down = |address: &HostPort| outcomes.get(address).is_some_and(Result::is_err);
        let mut servers = self.bootstrap.clone();
        servers.sort_by_key(was_down);
        let nodes = self.nodes.lock();
        let others = nodes.values().filter(|node| !self.bootstrap.contains(node));
        servers.extend(others.cloned());
        servers
    }

    /// Every broker known, by node id.
    #[must_use]
    pub fn nodes(&self) -> BTreeMap<i32, HostPort> {
        self.nodes.lock().clone()
    }

    /// The bootstrap servers, tried in turn.
    #[must_use]
    pub fn bootstrap(&self) -> &[HostPort] {
        &self.bootstrap
    }

    /// Where the broker listens that a client means, if it is known.
    ///
    /// # Errors
    /// [`ClusterFault::Collision`] where two brokers claim the port.
    pub fn behind(&self, seat: Seat) -> Result<Option<HostPort>, ClusterFault> {
        let port = match seat {
            Seat::Port(port) => port,
            Seat::Node(id) => return Ok(self.nodes.lock().get(&id).cloned()),
        };
        let Some(layout) = &self.layout else { return Ok(None) };
        let nodes = self.nodes.lock();
        let mut found: Option<(i32, &HostPort)> = None;
        for (id, address) in nodes.iter().filter(|(id, _)| layout.port(**id) == Some(port)) {
            if let Some((first, _)) = found {
                return Err(ClusterFault::Collision { first, second: *id, port });
            }
            found = Some((*id, address));
        }
        Ok(found.map(|(_, address)| address.clone()))
    }

    /// As [`Self::behind`], asking the cluster where the broker is not known yet.
    ///
    /// # Errors
    /// [`ClusterFault`] where the cluster cannot be asked, or names no such broker.
    pub async fn find(&self, seat: Seat, login: Option<&Bytes>) -> Result<HostPort, ClusterFault> {
        if let Some(address) = self.behind(seat)? {
            return Ok(address);
        }
        self.ask(login).await?;
        self.behind(seat)?.ok_or(ClusterFault::NoBroker(seat))
    }

    /// Asks the bootstrap servers, in turn, which brokers there are; with the client's login where
    /// Lockgate cannot ask by itself.
    ///
    /// # Errors
    /// [`ClusterFault::Unreachable`] with the last server's reason; [`ClusterFault::LoginRefused`]
    /// as soon as one of them does not take the client's login, [`ClusterFault::Service`] where it
    /// is Lockgate's own.
    pub async fn ask(&self, login: Option<&Bytes>) -> Result<(), ClusterFault> {
        let mut asked = self.asking.lock().await;
        if asked.is_some_and(|at| at.elapsed() < ASK_INTERVAL) && !self.nodes.lock().is_empty() {
            return Ok(());
        }
        let mut last = String::from("none is configured");
        for server in self.servers() {
            let login = self.login(login).await?;
            match self.brokers(&server, login).await {
                Ok(nodes) => {
                    self.learn(&nodes);
                    *asked = Some(Instant::now());
                    return Ok(());
                }
                Err(reason) => match (reason.downcast_ref::<LoginRefused>(), &self.service) {
                    (Some(LoginRefused(reason)), Service::Own(_)) => {
                        return Err(ClusterFault::Service(reason.clone()));
                    }
                    (Some(refused), _) => return Err(refused.clone().into()),
                    (None, _) => last = format!("{server}: {reason}"),
                },
            }
        }
        Err(ClusterFault::Unreachable(last))
    }

    /// Which APIs one server speaks, at which versions; asked before any login.
    ///
    /// # Errors
    /// What went wrong, in words without the address.
    pub async fn versions(&self, server: &HostPort) -> Result<Offered, String> {
        let mut stream = self.open(server).await.map_err(|fault| fault.to_string())?;
        let asking = ask(&mut stream, Question::Versions, &mut Effects::default()).await;
        match asking.map_err(|reason| reason.to_string())? {
            Learned::Known(Knowledge::Versions(versions)) => Ok(versions),
            Learned::Known(_) | Learned::Ask(_) => Err("it answered something else".to_owned()),
        }
    }

    /// What to log in with, where a login is asked for.
    async fn login(&self, clients: Option<&Bytes>) -> Result<Option<BrokerLogin>, ClusterFault> {
        match &self.service {
            Service::Open => Ok(None),
            Service::Own(source) => match source.credential().await {
                Ok(credential) => Ok(Some(BrokerLogin::own(&credential))),
                Err(fault) => Err(ClusterFault::Service(fault.to_string())),
            },
            Service::ClientsOnly => {
                let mechanism = Mechanism::OauthBearer.as_str();
                Ok(clients.map(|message| BrokerLogin::forwarded(mechanism, message.clone())))
            }
        }
    }

    /// The brokers that one server names.
    async fn brokers(
        &self,
        server: &HostPort,
        login: Option<BrokerLogin>,
    ) -> Result<Vec<Node>, Reason> {
        let mut stream = self.open(server).await?;
        let limit = self.dialer.connect_time();
        let talking = tokio::time::timeout(limit, talk(&mut stream, login)).await;
        talking.unwrap_or_else(|_| Err(format!("no answer in {limit:?}").into()))
    }
}

/// Whether a broker tells somebody who has neither TLS nor a login which brokers there are.
pub async fn lets_anybody_in(address: &HostPort, limit: Duration) -> bool {
    let Ok(mut stream) = Dialer::plain(limit).open(address).await else { return false };
    let asking = talk(&mut stream, None);
    matches!(tokio::time::timeout(limit, asking).await, Ok(Ok(nodes)) if !nodes.is_empty())
}

type Reason = Box<dyn std::error::Error + Send + Sync>;

/// Logs in, if that is asked for, and asks.
async fn talk(stream: &mut Transport, login: Option<BrokerLogin>) -> Result<Vec<Node>, Reason> {
    let mut effects = Effects::default();
    let mut next = login.map(Question::Handshake);
    while let Some(question) = next.take() {
        match ask(stream, question, &mut effects).await? {
            Learned::Ask(question) => next = Some(question),
            Learned::Known(Knowledge::Login(UpstreamLogin::Refused { reason })) => {
                return Err(LoginRefused(reason).into());
            }
            Learned::Known(_) => {}
        }
    }
    ask(stream, Question::Brokers, &mut effects).await?;
    Ok(effects.nodes)
}

/// Sends one question and reads its answer.
async fn ask(
    stream: &mut Transport,
    question: Question,
    effects: &mut Effects,
) -> Result<Learned, Reason> {
    let frame = question.frame()?.concat();
    let mut out = BytesMut::with_capacity(frame.len().saturating_add(LENGTH_BYTES));
    out.put_i32(i32::try_from(frame.len())?);
    out.extend_from_slice(&frame);
    stream.write_all(&out).await?;
    stream.flush().await?;
    let length = usize::try_from(stream.read_i32().await?)?;
    if length > ANSWER_BYTES_MAX {
        return Err(format!("an answer of {length} bytes").into());
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    let frame = Bytes::from(frame);
    let (key, version, _) = question.expected();
    let body_at = ResponseHeader::parse(&frame, key, version)?.body_at;
    let response = Response { key, version, frame, body_at };
    let limits = Limits { elements_max: ELEMENTS_MAX };
    let body = response.body();
    shape::check(Direction::Response, key.0, version, &body, &limits, &mut |_| {})?;
    Ok(question.answered(&response, &TopicNames::default(), effects)?)
}
