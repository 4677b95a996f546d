//! What is measured: direct, HAProxy, the bare relay and Lockgate, each a process of its own, and
//! what the kernel says of its time and memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::throwaway::process::{text_of, until};
use super::throwaway::{Lockgate, LockgateSettings, Process, Program, Scratch, ports};
use super::workload::POLICY;

const START_LIMIT: Duration = Duration::from_secs(30);
/// The kernel counts a process's time in hundredths of a second, whatever its own tick (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    Direct,
    HaProxy,
    Relay,
    Lockgate,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::HaProxy => "HAProxy",
            Self::Relay => "bare relay",
            Self::Lockgate => "Lockgate",
        }
    }
}

/// Something that clients connect to.
pub struct Target {
    pub peer: Peer,
    pub address: String,
    running: Option<Running>,
}

enum Running {
    Process { process: Process, _scratch: Scratch },
    Lockgate(Lockgate),
}

impl Target {
    fn process_id(&self) -> Option<u32> {
        match self.running.as_ref()? {
            Running::Process { process, .. } => Some(process.id()),
            Running::Lockgate(lockgate) => lockgate.process_id(),
        }
    }

    /// CPU seconds that the process has used, in user and in kernel mode.
    pub fn cpu_seconds(&self) -> f64 {
        let Some(id) = self.process_id() else { return 0.0 };
        let stat = text_of(Path::new(&format!("/proc/{id}/stat")));
        // The name before it may hold anything; utime and stime are fields 14 and 15.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
        let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        ticks.expect("the kernel tells the time of a process") / TICKS_PER_SECOND
    }

    /// The most resident memory so far, in MiB.
    pub fn peak_mebibytes(&self) -> f64 {
        let Some(id) = self.process_id() else { return 0.0 };
        let status = text_of(Path::new(&format!("/proc/{id}/status")));
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.and_then(|text| text.parse::<f64>().ok());
        kibibytes.expect("the kernel tells the memory of a process") / 1024.0
    }
}

/// The broker and all targets before it. `masks` tells the broker what to expect of Lockgate.
pub struct Field {
    pub targets: Vec<Target>,
    /// Lockgate before a broker that expects the masks of what is produced.
    pub masking: Target,
    _brokers: Vec<Target>,
}

impl Field {
    pub fn start() -> Self {
        let broker = start_self(Peer::Direct, &["null-broker"]);
        let masked_broker = start_self(Peer::Direct, &["null-broker", "masks"]);
        let upstream = broker.address.clone();
        let direct = Target { peer: Peer::Direct, address: upstream.clone(), running: None };
        let mut targets = vec![direct];
        targets.extend(start_haproxy(&upstream));
        targets.push(start_self(Peer::Relay, &["relay", &upstream]));
        targets.push(start_lockgate(&upstream));
        let masking = start_lockgate(&masked_broker.address);
        Self { targets, masking, _brokers: vec![broker, masked_broker] }
    }

    pub fn lockgate(&self) -> &Target {
        let found = self.targets.iter().find(|target| target.peer == Peer::Lockgate);
        found.expect("Lockgate is always measured")
    }
}

/// Another part of this program, as a process of its own; its first line of output is its address.
fn start_self(peer: Peer, arguments: &[&str]) -> Target {
    let scratch = Scratch::new("bench");
    let this = std::env::current_exe().expect("a program knows where it is");
    let program = Program::new(this).arguments(arguments);
    let process = program.spawn(file(&scratch, "out"), file(&scratch, "err"));
    let out = scratch.path().join("out");
    let address = until("an address", START_LIMIT, || {
        let text = text_of(&out);
        text.lines().next().filter(|_| text.ends_with('\n')).map(str::to_owned).ok_or(text.clone())
    });
    Target { peer, address, running: Some(Running::Process { process, _scratch: scratch }) }
}

/// HAProxy where it is installed; without it the bench leaves its column out.
fn start_haproxy(upstream: &str) -> Option<Target> {
    let path = haproxy_path()?;
    let address = ports::free_address();
    let scratch = Scratch::new("bench-haproxy");
    let config = format!(
        "defaults\n mode tcp\n timeout connect 2s\n timeout client 10m\n timeout server 10m\n\
         listen k0\n bind {address}\n server b0 {upstream}\n"
    );
    let config = scratch.write("haproxy.cfg", &config);
    let program = Program::new(path).argument("-db").argument("-f").argument(config);
    let process = program.spawn(file(&scratch, "out"), file(&scratch, "err"));
    until("HAProxy", START_LIMIT, || {
        std::net::TcpStream::connect(&address).map(drop).map_err(|error| error.to_string())
    });
    let running = Some(Running::Process { process, _scratch: scratch });
    Some(Target { peer: Peer::HaProxy, address, running })
}

pub fn haproxy_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    directories.map(|directory| directory.join("haproxy")).find(|path| path.is_file())
}

/// The release binary with policies, required audit and the anonymous identity.
fn start_lockgate(upstream: &str) -> Target {
    let (address, admin) = (ports::free_address(), ports::free_address());
    let config = format!(
        "listen: {address}\naddresses: keep\nupstream: {upstream}\nidentity: {{anonymous: {{}}}}\n\
         policies: ./policies\naudit: {{dir: ./audit, required: true}}\n\
         admin: {{listen: {admin}}}\n"
    );
    let settings = LockgateSettings::new(config).file("policies/bench.yaml", POLICY);
    let lockgate = Lockgate::start(settings);
    Target { peer: Peer::Lockgate, address, running: Some(Running::Lockgate(lockgate)) }
}

fn file(scratch: &Scratch, name: &str) -> File {
    fs::File::create(scratch.path().join(name)).expect("the scratch directory is writable")
}
