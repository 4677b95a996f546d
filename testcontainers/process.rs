//! Child processes that cannot outlive the test.
//!
//! Dropping a [`Process`] kills it. When the test process itself is killed and runs no destructors,
//! the leash does it: a shell starts a watcher that reads from a pipe held by the test process, and
//! then becomes the program (`exec`, so the process id is the program's own). The kernel closes the
//! pipe with the test process, the watcher sees its end and kills the program.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::scratch::Scratch;

/// `$1` is the file for standard input, the rest is the program. A line on the leash releases the
/// watcher without a kill: by then the process id may belong to somebody else.
const LEASH: &str = r#"exec 3<&0
program=$$
{ read -r released || kill -9 "$program"; } <&3 3<&- >/dev/null 2>&1 &
input=$1
shift
exec "$@" <"$input" 3<&-"#;

const POLL: Duration = Duration::from_millis(10);
const TAIL_LINES: usize = 60;

/// A program to run, and with what.
#[derive(Clone, Debug)]
pub struct Program {
    path: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: PathBuf,
}

impl Program {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            path: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            input: PathBuf::from("/dev/null"),
        }
    }

    /// The program of this name on the `PATH`.
    ///
    /// # Panics
    /// When it is not there, with `advice` on how to get it.
    pub fn found(name: &str, advice: &str) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|d| d.join(name)).find(|p| p.is_file());
        Self::new(found.unwrap_or_else(|| panic!("`{name}` is not on the PATH: {advice}")))
    }

    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn arguments<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub fn environment(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// A file for standard input; nothing (`/dev/null`) without it.
    pub fn input(mut self, input: impl Into<PathBuf>) -> Self {
        self.input = input.into();
        self
    }

    /// Starts it on a leash, with its output going to these files.
    pub fn spawn(&self, stdout: File, stderr: File) -> Process {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(LEASH).arg("leash").arg(&self.input);
        command.arg(&self.path).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::piped()).stdout(stdout).stderr(stderr);
        let mut child = command.spawn().expect("/bin/sh can be started");
        let leash = child.stdin.take();
        Process { child, leash, name: self.name() }
    }

    /// Runs it to its end and captures what it writes; killed after `limit`.
    pub fn run(&self, limit: Duration) -> Finished {
        let scratch = Scratch::new("run");
        let (stdout_path, stderr_path) = (scratch.path().join("out"), scratch.path().join("err"));
        let create = |path: &Path| File::create(path).expect("the scratch directory is writable");
        let started = Instant::now();
        let mut process = self.spawn(create(&stdout_path), create(&stderr_path));
        let status = process.wait(limit);
        let took = started.elapsed();
        drop(process);
        Finished {
            name: self.name(),
            status,
            stdout: text_of(&stdout_path),
            stderr: text_of(&stderr_path),
            took,
            limit,
        }
    }

    /// The program, and for Java what it runs.
    fn name(&self) -> String {
        let name = Path::new(&self.path).file_name().unwrap_or_default().to_string_lossy();
        let arguments = self.arguments.iter().map(|argument| argument.to_string_lossy());
        let mut classes =
            arguments.filter(|a| a.starts_with("org.apache.") || a.ends_with(".java"));
        let class = classes.next();
        class.map_or_else(|| name.to_string(), |class| format!("{name} {class}"))
    }
}

/// What a program wrote and how it ended.
#[derive(Debug)]
pub struct Finished {
    pub name: String,
    /// `None`: it ran into its time limit and was killed.
    pub status: Option<ExitStatus>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    limit: Duration,
}

impl Finished {
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Itself, when the program ended well.
    ///
    /// # Panics
    /// Otherwise, with the tail of what it wrote.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert!(self.succeeded(), "{}", self.explain());
        self
    }

    /// Itself, when the program ended by itself with a failure.
    #[track_caller]
    pub fn expect_failure(self) -> Self {
        let failed = self.status.is_some_and(|status| !status.success());
        assert!(failed, "a failure was expected\n{}", self.explain());
        self
    }

    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// Every line of standard output that is a JSON object; other lines are passed over.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let objects = self.stdout.lines().filter(|line| line.starts_with('{'));
        objects
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
            })
            .collect()
    }

    pub fn explain(&self) -> String {
        let end = match self.status {
            Some(status) => format!("ended with {status} after {:?}", self.took),
            None => format!("was killed at its limit of {:?}", self.limit),
        };
        format!(
            "{} {end}\n--- stdout\n{}\n--- stderr\n{}",
            self.name,
            tail(&self.stdout),
            tail(&self.stderr)
        )
    }
}

/// What a [`Process`] may be sent.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// Asks it to end.
    Terminate,
    /// Stops it where it is (`SIGSTOP`).
    Suspend,
    /// Lets it go on.
    Resume,
    Kill,
}

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    leash: Option<ChildStdin>,
    name: String,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    pub fn signal(&mut self, signal: Signal) {
        // A reaped process id may already be somebody else's.
        if !self.is_running() {
            return;
        }
        let name = match signal {
            Signal::Terminate => "TERM",
            Signal::Suspend => "STOP",
            Signal::Resume => "CONT",
            Signal::Kill => "KILL",
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"kill -s "$1" "$2""#, "kill", name, &self.id().to_string()]);
        let sent = command.status().is_ok_and(|status| status.success());
        assert!(sent || !self.is_running(), "{}: SIG{name} could not be sent", self.name);
    }

    /// Its exit status, or `None` when it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            pause(POLL);
        }
    }

    /// `kill -9`, and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if let Some(leash) = &mut self.leash {
            let _ = leash.write_all(b"released\n");
        }
    }
}

/// The whole of a log file, also while it is being written.
pub fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The last lines of a log.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Between two looks of a wait that has its limit.
#[allow(clippy::disallowed_methods, reason = "a wait that polls; its caller has the limit")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// Polls `probe` until it has an answer.
///
/// # Panics
/// After `limit`, with `what` was waited for and the last error.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(answer) => return answer,
            Err(error) if Instant::now() >= deadline => {
                panic!("{what}: not within {limit:?}: {error}")
            }
            Err(_not_yet) => pause(POLL * 5),
        }
    }
}
