//! One broker of a [`Kafka`](super::kafka::Kafka): its process, ports, log and data, which survive
//! a kill and a restart.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ports;
use super::probe;
use super::process::{Process, Program, Signal, tail, text_of, until};

/// How long a broker may take until it answers, on a machine that builds and tests at once.
pub const START_LIMIT: Duration = Duration::from_mins(2);
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// Where one node listens; the same over every restart.
#[derive(Clone, Copy, Debug)]
pub struct NodePorts {
    pub client: u16,
    pub direct: u16,
    pub controller: u16,
    pub sasl: u16,
    pub ssl: u16,
    pub mtls: u16,
    pub sasl_ssl: u16,
}

/// One broker and controller in one process.
pub struct Node {
    id: i32,
    ports: NodePorts,
    /// Where the SASL listener is now.
    sasl_port: AtomicU16,
    program: Program,
    log_path: PathBuf,
    process: Mutex<Option<Process>>,
}

/// Why a node that was started does not run.
#[derive(Debug)]
pub enum StartFault {
    /// Something else took one of its ports: other ones may do.
    PortTaken,
    /// With the tail of the log.
    Died(String),
}

impl Node {
    pub(super) fn new(id: i32, ports: NodePorts, program: Program, log_path: PathBuf) -> Self {
        let sasl_port = AtomicU16::new(ports.sasl);
        Self { id, ports, sasl_port, program, log_path, process: Mutex::new(None) }
    }

    pub fn id(&self) -> i32 {
        self.id
    }

    /// The listener that clients and Lockgate use; its advertised address may be overridden.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.client)
    }

    /// The listener between the brokers: always advertised as itself, so a client that starts here
    /// talks to the brokers and to nothing between.
    pub fn direct_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.direct)
    }

    /// The `SASL_PLAINTEXT` listener, when the settings asked for one.
    pub fn sasl_address(&self) -> String {
        format!("127.0.0.1:{}", self.sasl_port.load(Ordering::Relaxed))
    }

    /// The `SSL` listener, when the settings asked for secured ones.
    pub fn ssl_address(&self) -> String {
        format!("localhost:{}", self.ports.ssl)
    }

    /// The listener with TLS that requires a client certificate.
    pub fn mtls_address(&self) -> String {
        format!("localhost:{}", self.ports.mtls)
    }

    /// The `SASL_SSL` listener.
    pub fn sasl_ssl_address(&self) -> String {
        format!("localhost:{}", self.ports.sasl_ssl)
    }

    pub fn process_id(&self) -> Option<u32> {
        self.process().as_ref().map(Process::id)
    }

    pub fn is_running(&self) -> bool {
        self.process().as_mut().is_some_and(Process::is_running)
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.process().take();
    }

    /// `SIGTERM`, and waits for its end.
    pub fn stop(&self) {
        let mut process = self.process().take().expect("a node that is stopped must run");
        process.signal(Signal::Terminate);
        let ended = process.wait(STOP_LIMIT);
        assert!(ended.is_some(), "node {} did not stop\n{}", self.id, self.log_tail());
    }

    /// `SIGSTOP`: its sockets stay open and silent.
    pub fn suspend(&self) {
        self.process().as_mut().expect("a suspended node must run").signal(Signal::Suspend);
    }

    /// `SIGCONT`.
    pub fn resume(&self) {
        self.process().as_mut().expect("a resumed node must run").signal(Signal::Resume);
    }

    /// Starts it again on its ports and data, and waits until it serves.
    pub fn start_again(&self) {
        self.kill();
        self.launch();
        self.until_ready(1).unwrap_or_else(|fault| panic!("node {}: {fault:?}", self.id));
    }

    /// Kills it and starts it again with its `SASL_PLAINTEXT` listener on another port: a broker
    /// that has moved.
    pub fn move_sasl(&self) {
        self.kill();
        let port = ports::free();
        let before = self.sasl_port.swap(port, Ordering::Relaxed);
        // The properties lie beside the log, under the same name.
        let path = self.log_path.with_extension("properties");
        let text = text_of(&path).replace(&format!(":{before}"), &format!(":{port}"));
        std::fs::write(path, text).expect("the scratch directory is writable");
        self.start_again();
    }

    /// All that the node has logged, over all its starts.
    pub fn log(&self) -> String {
        text_of(&self.log_path)
    }

    pub fn log_tail(&self) -> String {
        format!("--- log of node {}\n{}", self.id, tail(&self.log()))
    }

    pub(super) fn launch(&self) {
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).open(&self.log_path);
        let log = log.expect("the scratch directory is writable");
        let stderr = log.try_clone().expect("a file handle can be cloned");
        *self.process() = Some(self.program.spawn(log, stderr));
    }

    /// Waits until this node answers and knows `brokers` live brokers, itself among them.
    pub(super) fn until_ready(&self, brokers: usize) -> Result<(), StartFault> {
        until("a broker that serves", START_LIMIT, || {
            if !self.is_running() {
                return Ok(Err(self.fault()));
            }
            match self.probe(brokers) {
                Ok(()) => Ok(Ok(())),
                Err(error) => Err(format!("{error}\n{}", self.log_tail())),
            }
        })
    }

    fn probe(&self, brokers: usize) -> Result<(), String> {
        let address = self.address();
        probe::api_versions(&address).map_err(|error| error.to_string())?;
        let known = probe::brokers(&address).map_err(|error| error.to_string())?;
        let knows_itself = known.iter().any(|broker| broker.id == self.id);
        if knows_itself && known.len() >= brokers {
            Ok(())
        } else {
            Err(format!("it knows {known:?}, not {brokers} brokers"))
        }
    }

    fn fault(&self) -> StartFault {
        let log = self.log();
        if log.contains("Address already in use") || log.contains("Socket server failed to bind") {
            StartFault::PortTaken
        } else {
            StartFault::Died(self.log_tail())
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
