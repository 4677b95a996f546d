//! The built `lockgate`, serving a configuration in a directory of its own.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::process::{Finished, Process, Program, Signal, tail, text_of, until};
use super::scratch::{Scratch, target_directory};

/// How long it may take until it says `ready`.
pub const READY_LIMIT: Duration = Duration::from_mins(1);
/// How long it may take to drain and end.
pub const STOP_LIMIT: Duration = Duration::from_mins(1);
/// A write above the limit is to be an error, not the end of the process.
const LIMITED: &str = r#"trap '' XFSZ; ulimit -f "$0"; exec "$@""#;
const CONFIG: &str = "lockgate.yaml";

/// A configuration with the files it names. Relative paths in it start at its own directory, which
/// is also the working directory.
#[derive(Clone, Debug, Default)]
pub struct LockgateSettings {
    config: String,
    files: Vec<(String, String)>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    file_blocks_max: Option<u32>,
}

impl LockgateSettings {
    pub fn new(config: impl Into<String>) -> Self {
        Self { config: config.into(), ..Self::default() }
    }

    /// A file beside the configuration, for example `policies/payments.yaml`.
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.push((name.to_owned(), text.into()));
        self
    }

    /// Every file of a directory, as files below `name`.
    pub fn directory(mut self, name: &str, from: &Path) -> Self {
        let entries = std::fs::read_dir(from);
        let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        for path in entries.map(|entry| entry.expect("a directory can be listed").path()) {
            if path.is_file() {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                self.files.push((format!("{name}/{file}"), text_of(&path)));
            }
        }
        self
    }

    /// An argument of `lockgate serve` after `-c FILE`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No file may grow above so many blocks of 512 bytes: to a process without the right to
    /// write, a disk that is full looks much the same.
    pub fn file_blocks_max(mut self, blocks: u32) -> Self {
        self.file_blocks_max = Some(blocks);
        self
    }

    fn lay_out(&self) -> (Scratch, Program) {
        let scratch = Scratch::new("lockgate");
        scratch.write(CONFIG, &self.config);
        for (name, text) in &self.files {
            scratch.write(name, text);
        }
        let program = match self.file_blocks_max {
            None => Program::new(binary()),
            Some(blocks) => Program::new("/bin/sh")
                .arguments(["-c", LIMITED, &blocks.to_string()])
                .argument(binary()),
        };
        let program = self.environment.iter().fold(
            program
                .arguments(["serve", "-c", CONFIG])
                .arguments(&self.arguments)
                .directory(scratch.path()),
            |program, (name, value)| program.environment(name, value),
        );
        (scratch, program)
    }
}

impl From<&str> for LockgateSettings {
    fn from(config: &str) -> Self {
        Self::new(config)
    }
}

impl From<String> for LockgateSettings {
    fn from(config: String) -> Self {
        Self::new(config)
    }
}

/// A running Lockgate. When this value goes, it is killed, and the test fails if it has panicked.
pub struct Lockgate {
    process: Mutex<Option<Process>>,
    program: Program,
    stderr_path: PathBuf,
    /// How much of the log belongs to earlier starts.
    earlier_bytes: Mutex<usize>,
    scratch: Scratch,
}

impl Lockgate {
    /// Starts it and waits until it says `ready`.
    ///
    /// # Panics
    /// When it ends before, or says nothing within [`READY_LIMIT`], with what it wrote.
    pub fn start(settings: impl Into<LockgateSettings>) -> Self {
        let (scratch, program) = settings.into().lay_out();
        let lockgate = Self {
            process: Mutex::new(None),
            program,
            stderr_path: scratch.path().join("stderr.log"),
            earlier_bytes: Mutex::new(0),
            scratch,
        };
        lockgate.launch();
        lockgate.wait_for_line("ready", READY_LIMIT);
        lockgate
    }

    /// Runs it where it must refuse to start: its exit code and what it wrote.
    pub fn refused(settings: impl Into<LockgateSettings>) -> Finished {
        let (_scratch, program) = settings.into().lay_out();
        program.run(READY_LIMIT).expect_failure()
    }

    /// The program itself, for a test that runs it in its own way.
    pub fn program() -> Program {
        Program::new(binary())
    }

    /// Another subcommand, `lockgate arguments…`, in the directory of this configuration.
    pub fn command(&self, arguments: &[&str]) -> Finished {
        let program = Program::new(binary()).arguments(arguments).directory(self.directory());
        program.run(STOP_LIMIT)
    }

    /// Where its configuration, policies and audit files are.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Writes or replaces a file of its directory, as an operator edits a policy: a new file is
    /// moved into the place of the old one.
    pub fn write(&self, name: &str, text: &str) {
        let fresh = self.scratch.write("edited", text);
        let path = self.directory().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(self.directory()))
            .and_then(|()| std::fs::rename(fresh, &path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub fn process_id(&self) -> Option<u32> {
        self.process().as_ref().map(Process::id)
    }

    pub fn is_running(&self) -> bool {
        self.process().as_mut().is_some_and(Process::is_running)
    }

    /// Everything it has written to standard error, over all its starts.
    pub fn stderr(&self) -> String {
        text_of(&self.stderr_path)
    }

    /// The first line with `words` since its last start; waits for it.
    ///
    /// # Panics
    /// When it ends without it, or does not write it within `limit`.
    #[track_caller]
    pub fn wait_for_line(&self, words: &str, limit: Duration) -> String {
        let found = until(&format!("a line with `{words}` from lockgate"), limit, || {
            // Asked before the log is read: a line written at the very end is still seen.
            let was_running = self.is_running();
            let log = self.stderr();
            let recent = log.get(*locked(&self.earlier_bytes)..).unwrap_or_default();
            match recent.lines().find(|line| line.contains(words)) {
                Some(line) => Ok(Ok(line.to_owned())),
                None if was_running => Err(tail(recent)),
                None => Ok(Err(tail(recent))),
            }
        });
        found.unwrap_or_else(|log| panic!("lockgate ended without a line with `{words}`\n{log}"))
    }

    /// `SIGTERM`, and waits until it has drained.
    pub fn stop(&self) -> ExitStatus {
        let mut process = self.process().take().expect("a lockgate that is stopped must run");
        process.signal(Signal::Terminate);
        let status = process.wait(STOP_LIMIT);
        status.unwrap_or_else(|| panic!("lockgate did not end\n{}", tail(&self.stderr())))
    }

    /// Any signal, without waiting for what it does.
    pub fn signal(&self, signal: Signal) {
        self.process().as_mut().expect("a lockgate that is signalled must run").signal(signal);
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.process().take();
    }

    /// Starts it again with the same configuration, ports and files, and waits until it is ready.
    pub fn start_again(&self) {
        self.kill();
        self.launch();
        self.wait_for_line("ready", READY_LIMIT);
    }

    /// Its resident memory now, as Linux counts it.
    pub fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most resident memory it has had since it started.
    pub fn resident_bytes_peak(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> u64 {
        let id = self.process_id().expect("a lockgate that is measured must run");
        let status = text_of(Path::new(&format!("/proc/{id}/status")));
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kibibytes.and_then(|k| k.parse::<u64>().ok()).expect("Linux tells the memory") * 1024
    }

    fn launch(&self) {
        *locked(&self.earlier_bytes) = self.stderr().len();
        let mut options = OpenOptions::new();
        let stderr = options.create(true).append(true).open(&self.stderr_path);
        let stdout = File::create(self.directory().join("stdout.log"));
        let writable = "the scratch directory is writable";
        *self.process() =
            Some(self.program.spawn(stdout.expect(writable), stderr.expect(writable)));
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        locked(&self.process)
    }
}

impl Drop for Lockgate {
    fn drop(&mut self) {
        self.kill();
        let log = self.stderr();
        if std::thread::panicking() {
            eprintln!("--- lockgate\n{}", tail(&log));
        } else {
            assert!(!log.contains("panicked"), "lockgate panicked\n{}", tail(&log));
        }
    }
}

/// The binary that Cargo built for this test; for an example, the one of the same profile.
fn binary() -> PathBuf {
    if let Some(path) = option_env!("CARGO_BIN_EXE_lockgate") {
        return PathBuf::from(path);
    }
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let path = target_directory().join(profile).join("lockgate");
    assert!(path.is_file(), "{} is not built: cargo build", path.display());
    path
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
