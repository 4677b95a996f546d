//! Python clients (librdkafka's, kafka-python) and readers of Parquet (`DuckDB`, pyarrow), in a
//! virtual environment of the target directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::installed::install_once;
use super::process::{Finished, Program};

/// How long a script may take unless it is told otherwise.
pub const SCRIPT_LIMIT: Duration = Duration::from_mins(3);

const REQUIREMENTS: &str = include_str!("requirements.txt");
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// A virtual environment with the packages of `requirements.txt`.
#[derive(Clone, Debug)]
pub struct Python {
    interpreter: PathBuf,
    limit: Duration,
}

impl Python {
    /// The environment, installed on first use and shared by all test processes.
    ///
    /// # Panics
    /// When there is no `python3`, or pip cannot get the packages.
    pub fn environment() -> Self {
        let directory = install_once("python", REQUIREMENTS, install);
        Self { interpreter: directory.join("bin").join("python"), limit: SCRIPT_LIMIT }
    }

    /// Where `python3` is, to put on a `PATH`.
    pub fn programs_directory(&self) -> &Path {
        self.interpreter.parent().unwrap_or(&self.interpreter)
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs a script of `tests/python` to its end.
    pub fn run<A: AsRef<str>>(&self, script: &str, arguments: &[A]) -> Finished {
        self.script(script, arguments).run(self.limit)
    }

    /// The same, to run beside the test.
    pub fn script<A: AsRef<str>>(&self, script: &str, arguments: &[A]) -> Program {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
        self.program().argument(path).arguments(arguments.iter().map(AsRef::as_ref))
    }

    /// Runs a few lines that stand in the test itself.
    pub fn evaluate<A: AsRef<str>>(&self, code: &str, arguments: &[A]) -> Finished {
        let program = self.program().arguments(["-c", code]);
        program.arguments(arguments.iter().map(AsRef::as_ref)).run(self.limit)
    }

    fn program(&self) -> Program {
        Program::new(&self.interpreter)
            .environment("PYTHONUNBUFFERED", "1")
            .environment("PYTHONDONTWRITEBYTECODE", "1")
    }
}

fn install(directory: &Path) {
    let requirements = directory.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).expect("the target directory must be writable");
    let python = Program::found("python3", "the tests' foreign clients need Python 3.10 or later");
    let made = python.arguments(["-m", "venv"]).argument(directory).run(INSTALL_LIMIT);
    assert!(made.succeeded(), "a Python environment cannot be made\n{}", made.explain());
    let pip = Program::new(directory.join("bin").join("python"));
    let pip = pip.arguments(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    let installed = pip.argument("-r").argument(&requirements).run(INSTALL_LIMIT);
    assert!(installed.succeeded(), "Python packages cannot be had\n{}", installed.explain());
}
