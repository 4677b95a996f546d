//! One client connection and its broker connection: the only place where a session meets sockets.
//!
//! The task owns both sockets and the session. It reads what the session wants, does what the
//! session says in the order given (evidence is accepted before any later byte leaves), and writes.

mod budget;
mod ledger;
mod patience;
mod queue;
mod reading;
mod telemetry;
mod turn;
mod upstream;
mod workshop;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub use budget::Budgets;
pub use telemetry::closure;
pub use upstream::Target;
pub use workshop::Benches;

use self::budget::Charge;
use self::ledger::Ledger;
use self::patience::Patience;
use self::queue::WriteQueue;
use self::reading::{Appetite, first_bytes};
use self::upstream::{Broker, UpstreamFault};
use super::clock;
use super::cluster::{ClusterFault, ClusterMap, LoginRefused};
use super::directory::Directory;
use super::jwks::KeySource;
use super::metrics::{Metrics, Refusal, UpstreamFailure};
use super::sink::AuditLog;
use crate::audit::SessionFacts;
use crate::enforce::{CloseReason, Cluster};
use crate::policy::PolicySet;
use crate::session::{Ask, Input, Progress, Session, SessionLimits, Side};

/// Bytes that wait to be written to one side before the other side is no longer read.
const QUEUED_BYTES_MAX: usize = 1024 * 1024;
/// Frames of one side that are taken before what they brought about is carried out.
const FRAMES_PER_TURN: usize = 16;
/// After its end, how long a session's last answers may take to leave.
const FAREWELL: Duration = Duration::from_secs(5);
/// Time without a byte after which a connection keeps no read buffer.
const REST: Duration = Duration::from_secs(1);
/// After the client has gone, how long the broker may take to answer what is in flight.
const AFTERMATH: Duration = Duration::from_secs(30);

/// What all connections to one cluster share.
pub struct Gateway {
    pub cluster: Arc<Cluster>,
    pub map: ClusterMap,
    pub policy: Arc<ArcSwap<PolicySet>>,
    pub audit: Arc<AuditLog>,
    pub keys: Vec<Arc<KeySource>>,
    pub groups: Option<Arc<dyn Directory>>,
    pub metrics: Arc<Metrics>,
    pub budgets: Budgets,
    pub session_limits: SessionLimits,
    pub connect_time: Duration,
    pub idle_time: Duration,
    pub frame_time: Duration,
    pub stall_time: Duration,
}

/// One connection's task.
struct Pump<'g> {
    gateway: &'g Gateway,
    session: Session,
    ledger: Ledger<'g>,
    client: TcpStream,
    broker: Broker,
    to_client: WriteQueue,
    to_broker: WriteQueue,
    request_charge: Charge,
    response_charge: Charge,
    ask: Option<Ask>,
    close: Option<CloseReason>,
    client_gone: bool,
    broker_gone: bool,
    appetite: [Appetite; 2],
    heard_at: Instant,
    buffers: Buffers,
    patience: Patience,
}

/// Serves one client until one side, the session or the drain ends it.
pub async fn serve(
    gateway: Arc<Gateway>,
    client: TcpStream,
    peer: SocketAddr,
    target: Target,
    seed: [u64; 3],
    mut drain: watch::Receiver<bool>,
) -> CloseReason {
    let [seed, high, low] = seed;
    let mut session_id = [0; 16];
    session_id[..8].copy_from_slice(&high.to_be_bytes());
    session_id[8..].copy_from_slice(&low.to_be_bytes());
    let evidence = SessionFacts {
        session_id: Some(session_id),
        src_ip: Some(peer.ip()),
        src_port: Some(peer.port()),
        cluster: Arc::clone(&gateway.cluster.name),
        ..SessionFacts::default()
    };
    let cluster = Arc::clone(&gateway.cluster);
    let session = Session::new(cluster, gateway.session_limits, evidence, seed, clock::now_ms());
    // Whoever says nothing costs no broker connection.
    if let Err(reason) = first_bytes(&gateway, &client, &mut drain).await {
        return reason;
    }
    let broker = match Broker::connect(&gateway, target).await {
        Ok(broker) => broker,
        Err(reason) => {
            gateway.metrics.upstream_failures.of(UpstreamFailure::Connect).inc();
            gateway.metrics.connections_refused.of(Refusal::Upstream).inc();
            tracing::warn!(client = %peer, %reason, "no broker connection");
            return CloseReason::Io(reason.to_string());
        }
    };
    gateway.metrics.upstream_connections.inc();
    let mut pump = Pump {
        request_charge: gateway.budgets.requests(),
        response_charge: gateway.budgets.responses(),
        gateway: &gateway,
        session,
        ledger: Ledger::new(&gateway.audit),
        client,
        broker,
        to_client: WriteQueue::default(),
        to_broker: WriteQueue::default(),
        ask: None,
        close: None,
        client_gone: false,
        broker_gone: false,
        appetite: Default::default(),
        heard_at: Instant::now(),
        buffers: Buffers::Rested,
        patience: Patience::new(gateway.frame_time, gateway.stall_time),
    };
    let reason = pump.run(&mut drain).await;
    pump.farewell().await;
    reason
}

impl Pump<'_> {
    async fn run(&mut self, drain: &mut watch::Receiver<bool>) -> CloseReason {
        let mut draining = *drain.borrow();
        if draining {
            self.input(&Input::Drain);
        }
        let mut alarm = pin!(sleep_until(self.timer()));
        loop {
            if let Err(reason) = self.work().await {
                self.session.abort(reason.clone());
                // Evidence of the end, if any can still be written.
                if self.carry_out().await.is_err() || self.close.is_none() {
                    self.close = Some(reason);
                }
            }
            if let Some(reason) = self.close.take() {
                return reason;
            }
            let wants = self.wants();
            // An alarm that rings early does no harm; setting it for each frame would cost more.
            let due = self.timer();
            if due < alarm.deadline() || alarm.is_elapsed() {
                alarm.as_mut().reset(due);
            }
            tokio::select! {
                ready = self.client.readable(), if wants.read_client => {
                    self.read_client(ready).await;
                }
                ready = self.broker.stream.readable(), if wants.read_broker => {
                    self.read_broker(ready).await;
                }
                ready = self.client.writable(), if wants.write_client => {
                    self.write_client(ready);
                }
                ready = self.broker.stream.writable(), if wants.write_broker => {
                    self.write_broker(ready);
                }
                () = self.request_charge.granted(), if self.request_charge.is_waiting() => {}
                () = self.response_charge.granted(), if self.response_charge.is_waiting() => {}
                () = alarm.as_mut() => self.tick(),
                changed = drain.changed(), if !draining => {
                    draining = changed.is_err() || *drain.borrow();
                    if draining {
                        self.input(&Input::Drain);
                    }
                }
            }
        }
    }

    /// What to wait for.
    fn wants(&mut self) -> Wants {
        let settled = self.ask.is_none();
        let read_client = settled
            && !self.client_gone
            && self.session.wants_bytes(Side::Downstream)
            && self.to_broker.bytes() < QUEUED_BYTES_MAX
            && self
                .request_charge
                .covers(self.session.announced_bytes(Side::Downstream), self.to_broker.bytes());
        let read_broker = !self.broker_gone
            && self.session.wants_bytes(Side::Upstream)
            && self.to_client.bytes() < QUEUED_BYTES_MAX
            && self
                .response_charge
                .covers(self.session.announced_bytes(Side::Upstream), self.to_client.bytes());
        let begun = self.session.buffered_bytes(Side::Downstream) > 0;
        self.patience.reading(read_client && begun);
        let write_client = !self.to_client.is_empty() && !self.client_gone;
        self.patience.writing(write_client, self.to_client.totals().1);
        Wants {
            read_client,
            read_broker,
            write_client,
            write_broker: !self.to_broker.is_empty() && !self.broker_gone,
        }
    }

    fn timer(&self) -> Instant {
        let patience = if self.client_gone { AFTERMATH } else { self.gateway.idle_time };
        let idle = self.heard_at + patience;
        let due = self.session.poll_timeout().map_or(idle, |at_ms| {
            let in_ms = u64::try_from(at_ms.saturating_sub(clock::now_ms())).unwrap_or(0);
            Instant::now() + Duration::from_millis(in_ms.saturating_add(1))
        });
        let rest = match self.buffers {
            Buffers::Held => self.heard_at + REST,
            Buffers::Rested => idle,
        };
        let slow = self.patience.due().unwrap_or(idle);
        due.min(idle).min(rest).min(slow)
    }

    fn tick(&mut self) {
        if self.heard_at.elapsed() >= REST {
            self.session.rest();
            self.buffers = Buffers::Rested;
        }
        if self.heard_at.elapsed() >= self.gateway.idle_time {
            let ms = u64::try_from(self.gateway.idle_time.as_millis()).unwrap_or(u64::MAX);
            self.session.fail(CloseReason::Idle(ms));
        } else if self.client_gone && self.heard_at.elapsed() >= AFTERMATH {
            self.session.fail(CloseReason::ClientClosed);
        } else if let Some(reason) = self.patience.ended(self.gateway.budgets.are_short()) {
            // What it does not take is not kept for it any longer.
            self.to_client.clear();
            self.session.fail(reason);
        }
        self.input(&Input::Tick);
    }

    fn input(&mut self, input: &Input) -> Progress {
        let policy = self.gateway.policy.load_full();
        let began = Instant::now();
        let progress = self.session.handle_input(input, &policy, clock::now_ms());
        if progress == Progress::Frame {
            let eval_us = began.elapsed().as_micros();
            self.session.note_time(u32::try_from(eval_us).unwrap_or(u32::MAX));
        }
        progress
    }

    /// Takes frames that are whole, and carries out what they bring about, until nothing moves.
    async fn work(&mut self) -> Result<(), CloseReason> {
        loop {
            if let Some(ask) = self.ask.take() {
                self.answer(ask).await?;
            }
            self.carry_out().await?;
            let moved = self.take_frames();
            self.carry_out().await?;
            self.write_now();
            if moved == Progress::Idle && self.ask.is_none() {
                self.note_ends();
                if self.session.poll_is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// Takes what has arrived whole, up to a turn's share: evidence of all of it is accepted at
    /// once, and all of it leaves at once.
    fn take_frames(&mut self) -> Progress {
        let mut moved = Progress::Idle;
        for side in [Side::Upstream, Side::Downstream] {
            let queue = match side {
                Side::Downstream => &self.to_broker,
                Side::Upstream => &self.to_client,
            };
            if queue.bytes() >= QUEUED_BYTES_MAX {
                continue;
            }
            for _ in 0..FRAMES_PER_TURN {
                if self.input(&Input::Received(side)) == Progress::Idle {
                    break;
                }
                moved = Progress::Frame;
                match side {
                    Side::Downstream => {
                        self.request_charge.frame_taken();
                        self.patience.frame_taken();
                    }
                    Side::Upstream => self.response_charge.frame_taken(),
                }
            }
        }
        moved
    }

    /// A side that has ended, once all it had sent is taken.
    fn note_ends(&mut self) {
        if self.broker_gone {
            self.input(&Input::Ended(Side::Upstream));
        } else if self.client_gone && self.session.wants_bytes(Side::Downstream) {
            self.input(&Input::Ended(Side::Downstream));
        }
    }

    /// Finds out what the session asked `io`.
    async fn answer(&mut self, ask: Ask) -> Result<(), CloseReason> {
        match ask {
            Ask::FreshKeys { issuer, key_id } => {
                if let Some(source) = self.gateway.keys.get(issuer) {
                    source.refresh(key_id.as_ref()).await;
                }
                self.input(&Input::KeysRefreshed);
            }
            Ask::Route { message } => match self.broker.route(self.gateway, &message).await {
                Ok(()) => {
                    self.input(&Input::Routed);
                }
                Err(UpstreamFault::Cluster(ClusterFault::LoginRefused(LoginRefused(reason)))) => {
                    self.input(&Input::LoginRefused { reason });
                }
                Err(fault) => return Err(CloseReason::Io(fault.to_string())),
            },
        }
        Ok(())
    }

    /// What is left to say after the end: answers that are due leave, then both sides close.
    async fn farewell(&mut self) {
        let deadline = Instant::now() + FAREWELL;
        let client_gone = self.client_gone;
        let to_client = async {
            if !client_gone {
                let _ = self.to_client.drain(&self.client).await;
            }
        };
        let to_broker = async {
            let _ = self.to_broker.drain(&self.broker.stream).await;
        };
        let both = async { tokio::join!(to_client, to_broker) };
        let _ = tokio::time::timeout_at(deadline, both).await;
    }

    async fn read_client(&mut self, ready: std::io::Result<()>) {
        let announced = self.session.announced_bytes(Side::Downstream);
        let [appetite, _] = &mut self.appetite;
        let buffer = self.session.read_buffer(Side::Downstream);
        let read = match ready {
            Ok(()) => appetite.read(&mut self.client, buffer, announced).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => self.heard(Side::Downstream, bytes),
            Err(_) => self.client_gone = true,
        }
    }

    async fn read_broker(&mut self, ready: std::io::Result<()>) {
        let announced = self.session.announced_bytes(Side::Upstream);
        let [_, appetite] = &mut self.appetite;
        let buffer = self.session.read_buffer(Side::Upstream);
        let read = match ready {
            Ok(()) => appetite.read(&mut self.broker.stream, buffer, announced).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => self.heard(Side::Upstream, bytes),
            Err(_) => self.broker_gone = true,
        }
    }

    fn heard(&mut self, side: Side, bytes: usize) {
        self.buffers = Buffers::Held;
        if bytes > 0 {
            telemetry::received(&self.gateway.metrics, side, bytes);
            self.heard_at = Instant::now();
        }
    }

    fn write_client(&mut self, ready: std::io::Result<()>) {
        if ready.is_err() || self.to_client.write(&self.client).is_err() {
            self.client_gone = true;
            self.to_client.clear();
        }
        self.release();
    }

    fn write_broker(&mut self, ready: std::io::Result<()>) {
        if ready.is_err() || self.to_broker.write(&self.broker.stream).is_err() {
            self.broker_gone = true;
            self.to_broker.clear();
        }
        self.release();
    }

    /// Writes without waiting: most of the time the sockets take it all.
    fn write_now(&mut self) {
        if self.client_gone {
            self.to_client.clear();
        } else if !self.to_client.is_empty() {
            self.write_client(Ok(()));
        }
        if self.broker_gone {
            self.to_broker.clear();
        } else if !self.to_broker.is_empty() {
            self.write_broker(Ok(()));
        }
        self.release();
    }

    /// Gives budget back for frames that have left.
    fn release(&mut self) {
        let (pushed, written) = self.to_broker.totals();
        let holds = self.session.holds_frame(Side::Downstream);
        self.request_charge.settle(pushed, written, holds);
        let (pushed, written) = self.to_client.totals();
        let holds = self.session.holds_frame(Side::Upstream);
        self.response_charge.settle(pushed, written, holds);
    }
}

struct Wants {
    read_client: bool,
    read_broker: bool,
    write_client: bool,
    write_broker: bool,
}

/// Whether read buffers may hold memory that nothing is in.
#[derive(Clone, Copy)]
enum Buffers {
    Held,
    Rested,
}
