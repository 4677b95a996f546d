//! Lockgate's own small Kafka client: asks a bootstrap server which brokers there are.
//!
//! A broker's port is open before its address is known, so the address is asked for when a
//! connection needs it, and whatever passing Metadata responses say is kept. With `upstream.auth:
//! forward` nobody but a client has a credential; then the question is asked with that client's own
//! login message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::config::HostPort;
use crate::enforce::errand::{Knowledge, Learned, Question};
use crate::enforce::facts::{Node, UpstreamLogin};
use crate::enforce::{Effects, PortLayout, Response, TopicNames};
use crate::wire::ResponseHeader;
use crate::wire::frame::LENGTH_BYTES;
use crate::wire::shape::{self, Direction, Limits};

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
    #[error("no broker known has a node id that belongs to port {0}")]
    NoBroker(u16),
    #[error(
        "brokers {first} and {second} would both have port {port}; write the ports out: \
             addresses: {{ports: {{{first}: {port}, {second}: …}}, host: …}}"
    )]
    Collision { first: i32, second: i32, port: u16 },
}

/// What a broker said to the client's login message.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct LoginRefused(pub String);

/// The brokers of one cluster, as far as they were ever named.
pub struct ClusterMap {
    bootstrap: Vec<HostPort>,
    layout: Option<PortLayout>,
    connect_time: Duration,
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
        connect_time: Duration,
    ) -> Self {
        Self {
            bootstrap,
            layout,
            connect_time,
            nodes: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            outcomes: Mutex::default(),
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
            known.insert(node.id, HostPort { host: Arc::from(&*node.host), port });
        }
    }

    /// Notes how a connection to a broker went.
    pub fn note(&self, address: &HostPort, outcome: Result<(), String>) {
        self.outcomes.lock().insert(address.clone(), outcome);
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
        for server in &self.bootstrap {
            let connecting = TcpStream::connect((&*server.host, server.port));
            let outcome = match timeout(self.connect_time, connecting).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(format!("{server}: {error}")),
                Err(_) => Err(format!("{server}: no answer in {:?}", self.connect_time)),
            };
            let reached = outcome.is_ok();
            self.note(server, outcome);
            if reached {
                return;
            }
        }
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

    /// Where the broker listens that `port` of ours belongs to, if it is known.
    ///
    /// # Errors
    /// [`ClusterFault::Collision`] where two brokers claim the port.
    pub fn behind(&self, port: u16) -> Result<Option<HostPort>, ClusterFault> {
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
    pub async fn find(&self, port: u16, login: Option<&Bytes>) -> Result<HostPort, ClusterFault> {
        if let Some(address) = self.behind(port)? {
            return Ok(address);
        }
        self.ask(login).await?;
        self.behind(port)?.ok_or(ClusterFault::NoBroker(port))
    }

    /// Asks the bootstrap servers, in turn, which brokers there are.
    ///
    /// # Errors
    /// [`ClusterFault::Unreachable`] with the last server's reason; [`ClusterFault::LoginRefused`]
    /// as soon as one of them does not take the login.
    pub async fn ask(&self, login: Option<&Bytes>) -> Result<(), ClusterFault> {
        let mut asked = self.asking.lock().await;
        if asked.is_some_and(|at| at.elapsed() < ASK_INTERVAL) && !self.nodes.lock().is_empty() {
            return Ok(());
        }
        let mut last = String::from("none is configured");
        for server in &self.bootstrap {
            match timeout(self.connect_time, brokers(server, login)).await {
                Ok(Ok(nodes)) => {
                    self.learn(&nodes);
                    *asked = Some(Instant::now());
                    return Ok(());
                }
                Ok(Err(reason)) => match reason.downcast_ref::<LoginRefused>() {
                    Some(refused) => return Err(refused.clone().into()),
                    None => last = format!("{server}: {reason}"),
                },
                Err(_) => last = format!("{server}: no answer in {:?}", self.connect_time),
            }
        }
        Err(ClusterFault::Unreachable(last))
    }
}

type Reason = Box<dyn std::error::Error + Send + Sync>;

/// The brokers that one server names.
async fn brokers(server: &HostPort, login: Option<&Bytes>) -> Result<Vec<Node>, Reason> {
    let mut stream = TcpStream::connect((&*server.host, server.port)).await?;
    stream.set_nodelay(true)?;
    let mut effects = Effects::default();
    let mut next = login.map(|message| Question::Handshake(message.clone()));
    while let Some(question) = next.take() {
        match ask(&mut stream, question, &mut effects).await? {
            Learned::Ask(question) => next = Some(question),
            Learned::Known(Knowledge::Login(UpstreamLogin::Refused { reason })) => {
                return Err(LoginRefused(reason).into());
            }
            Learned::Known(_) => {}
        }
    }
    ask(&mut stream, Question::Brokers, &mut effects).await?;
    Ok(effects.nodes)
}

/// Sends one question and reads its answer.
async fn ask(
    stream: &mut TcpStream,
    question: Question,
    effects: &mut Effects,
) -> Result<Learned, Reason> {
    let frame = question.frame()?.concat();
    let mut out = BytesMut::with_capacity(frame.len().saturating_add(LENGTH_BYTES));
    out.put_i32(i32::try_from(frame.len())?);
    out.extend_from_slice(&frame);
    stream.write_all(&out).await?;
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
