//! One client connection and its broker connection: the only place where a session meets sockets.
//!
//! The task owns both sockets and the session. It reads what the session wants, does what the
//! session says in the order given (evidence is accepted before any later byte leaves), and writes.

mod budget;
mod ledger;
mod leg;
mod patience;
mod queue;
mod reading;
mod salting;
mod telemetry;
mod turn;
mod upstream;
mod workshop;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub use budget::Budgets;
pub use salting::Salter;
pub use telemetry::closure;
pub use upstream::Target;
pub use workshop::Benches;

use self::ledger::Ledger;
use self::leg::Leg;
use self::patience::Patience;
use self::reading::first_bytes;
use self::salting::FAILED_LOGIN_DELAY;
use self::upstream::{Route, UpstreamFault};
use super::clock;
use super::cluster::{ClusterFault, ClusterMap, LoginRefused};
use super::credential::CredentialSource;
use super::directory::Directory;
use super::jwks::KeySource;
use super::metrics::{Metrics, Refusal};
use super::sink::AuditLog;
use super::transport::Transport;
use super::users::UsersFile;
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
    pub users: Vec<Arc<UsersFile>>,
    pub salter: Salter,
    pub metrics: Arc<Metrics>,
    pub budgets: Budgets,
    pub session_limits: SessionLimits,
    /// What connections log in with at their brokers, if that is a credential of Lockgate's own.
    pub credential: Option<Arc<CredentialSource>>,
    pub idle_time: Duration,
    pub frame_time: Duration,
    pub stall_time: Duration,
}

/// One connection's task.
struct Pump<'g> {
    gateway: &'g Gateway,
    session: Session,
    ledger: Ledger<'g>,
    client: Leg,
    broker: Leg,
    route: Route,
    ask: Option<Ask>,
    close: Option<CloseReason>,
    heard_at: Instant,
    buffers: Buffers,
    patience: Patience,
}

/// A client that has come in, and what it wants.
pub struct Visit {
    pub transport: Transport,
    /// The client's own address.
    pub client: SocketAddr,
    pub target: Target,
    /// Whom its certificate names, where that counts as a login.
    pub certified: Option<Arc<str>>,
    /// Random words: for decisions, and the session's id.
    pub seed: [u64; 3],
    /// The time that a login may take runs from here.
    pub accepted_at_ms: i64,
}

/// Serves one client until one side, the session or the drain ends it.
pub async fn serve(
    gateway: Arc<Gateway>,
    visit: Visit,
    mut drain: watch::Receiver<bool>,
) -> CloseReason {
    let Visit { transport, client, target, certified, seed, accepted_at_ms } = visit;
    let [seed, high, low] = seed;
    let mut session_id = [0; 16];
    session_id[..8].copy_from_slice(&high.to_be_bytes());
    session_id[8..].copy_from_slice(&low.to_be_bytes());
    let evidence = SessionFacts {
        session_id: Some(session_id),
        src_ip: Some(client.ip()),
        src_port: Some(client.port()),
        cluster: Arc::clone(&gateway.cluster.name),
        ..SessionFacts::default()
    };
    let cluster = Arc::clone(&gateway.cluster);
    let limits = gateway.session_limits;
    let mut session = Session::new(cluster, limits, evidence, seed, accepted_at_ms);
    if let Some(principal) = certified {
        session.certify(principal);
    }
    // Whoever says nothing costs no broker connection.
    if let Err(reason) = first_bytes(&gateway, &transport, accepted_at_ms, &mut drain).await {
        return reason;
    }
    let (route, broker) = match Route::open(&gateway, target).await {
        Ok(opened) => opened,
        Err(reason) => {
            gateway.metrics.upstream_failures.of(reason.label()).inc();
            gateway.metrics.connections_refused.of(Refusal::Upstream).inc();
            tracing::warn!(%client, %reason, "no broker connection");
            return CloseReason::Io(reason.to_string());
        }
    };
    gateway.metrics.upstream_connections.inc();
    if gateway.credential.is_some() {
        session.log_in_first(clock::now_ms());
    }
    let mut pump = Pump {
        client: Leg::new(transport, gateway.budgets.requests()),
        broker: Leg::new(broker, gateway.budgets.responses()),
        route,
        gateway: &gateway,
        session,
        ledger: Ledger::new(&gateway.audit),
        ask: None,
        close: None,
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
                ready = self.client.stream.readable(), if wants.read_client => {
                    self.read(Side::Downstream, ready).await;
                }
                ready = self.broker.stream.readable(), if wants.read_broker => {
                    self.read(Side::Upstream, ready).await;
                }
                ready = self.client.stream.writable(), if wants.write_client => {
                    self.client.write(ready);
                    self.release();
                }
                ready = self.broker.stream.writable(), if wants.write_broker => {
                    self.broker.write(ready);
                    self.release();
                }
                () = self.client.charge.granted(), if wants.budget_for_client => {}
                () = self.broker.charge.granted(), if wants.budget_for_broker => {}
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
        let read_client = self.ask.is_none() && self.may_read(Side::Downstream);
        let read_broker = self.may_read(Side::Upstream);
        let begun = self.session.buffered_bytes(Side::Downstream) > 0;
        self.patience.reading(read_client && begun);
        let write_client = self.client.wants_to_write();
        self.patience.writing(write_client, self.client.queue.totals().1);
        Wants {
            read_client,
            read_broker,
            write_client,
            write_broker: self.broker.wants_to_write(),
            budget_for_client: self.client.charge.is_waiting(),
            budget_for_broker: self.broker.charge.is_waiting(),
        }
    }

    /// Whether bytes of `side` are of use, and there is room for what they bring about.
    fn may_read(&mut self, side: Side) -> bool {
        let announced = self.session.announced_bytes(side);
        let wanted = self.session.wants_bytes(side);
        let (leg, other) = self.legs(side);
        let queued = other.queue.bytes();
        !leg.is_gone()
            && wanted
            && queued < QUEUED_BYTES_MAX
            && leg.charge.covers(announced, queued)
    }

    /// The side itself, and the other one.
    fn legs(&mut self, side: Side) -> (&mut Leg, &mut Leg) {
        match side {
            Side::Downstream => (&mut self.client, &mut self.broker),
            Side::Upstream => (&mut self.broker, &mut self.client),
        }
    }

    fn timer(&self) -> Instant {
        let patience = if self.client.is_gone() { AFTERMATH } else { self.gateway.idle_time };
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
        } else if self.client.is_gone() && self.heard_at.elapsed() >= AFTERMATH {
            self.session.fail(CloseReason::ClientClosed);
        } else if let Some(reason) = self.patience.ended(self.gateway.budgets.are_short()) {
            // What it does not take is not kept for it any longer.
            self.client.queue.clear();
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
        if self.route.is_misplaced(self.gateway) {
            let reason = "which broker is meant here was not known before: connect again";
            return Err(CloseReason::Io(reason.to_owned()));
        }
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
            if self.legs(side).1.queue.bytes() >= QUEUED_BYTES_MAX {
                continue;
            }
            for _ in 0..FRAMES_PER_TURN {
                if self.input(&Input::Received(side)) == Progress::Idle {
                    break;
                }
                moved = Progress::Frame;
                self.legs(side).0.charge.frame_taken();
                if side == Side::Downstream {
                    self.patience.frame_taken();
                }
            }
        }
        moved
    }

    /// A side that has ended, once all it had sent is taken.
    fn note_ends(&mut self) {
        if self.broker.is_gone() {
            self.input(&Input::Ended(Side::Upstream));
        } else if self.client.is_gone() && self.session.wants_bytes(Side::Downstream) {
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
            Ask::Credential => {
                if let Some(source) = &self.gateway.credential {
                    let found = Input::credential(source.credential().await);
                    self.input(&found);
                }
            }
            Ask::Salt(salting) => {
                let salted = self.gateway.salter.run(salting).await?;
                self.input(&Input::Salted(salted));
            }
            Ask::Pause => {
                tokio::time::sleep(FAILED_LOGIN_DELAY).await;
                self.input(&Input::Paused);
            }
            Ask::Route { message } => match self.route.correct(self.gateway, &message).await {
                Ok(other) => {
                    if let Some(stream) = other {
                        self.broker.stream = stream;
                    }
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
        let both = async { tokio::join!(self.client.part(), self.broker.part()) };
        let _ = tokio::time::timeout_at(deadline, both).await;
    }

    async fn read(&mut self, side: Side, ready: std::io::Result<()>) {
        let announced = self.session.announced_bytes(side);
        let leg = match side {
            Side::Downstream => &mut self.client,
            Side::Upstream => &mut self.broker,
        };
        let buffer = self.session.read_buffer(side);
        if let Some(bytes) = leg.read(ready, buffer, announced).await {
            self.heard(side, bytes);
        }
    }

    fn heard(&mut self, side: Side, bytes: usize) {
        self.buffers = Buffers::Held;
        if bytes > 0 {
            telemetry::received(&self.gateway.metrics, side, bytes);
            self.heard_at = Instant::now();
        }
    }

    /// Writes without waiting: most of the time the sockets take it all.
    fn write_now(&mut self) {
        self.client.write(Ok(()));
        self.broker.write(Ok(()));
        self.release();
    }

    /// Gives budget back for frames that have left.
    fn release(&mut self) {
        for side in [Side::Downstream, Side::Upstream] {
            let holds = self.session.holds_frame(side);
            let (leg, other) = self.legs(side);
            let (pushed, written) = other.queue.totals();
            leg.charge.settle(pushed, written, holds);
        }
    }
}

struct Wants {
    read_client: bool,
    read_broker: bool,
    write_client: bool,
    write_broker: bool,
    budget_for_client: bool,
    budget_for_broker: bool,
}

/// Whether read buffers may hold memory that nothing is in.
#[derive(Clone, Copy)]
enum Buffers {
    Held,
    Rested,
}
