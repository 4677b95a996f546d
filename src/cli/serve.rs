//! `lockgate serve`: the process around the server.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::report::{self, Exit};
use crate::config::{self, Config};
use crate::io::signals;
use crate::server::{self, Ready};

/// What `serve` takes.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The configuration file.
    #[arg(short = 'c', long, value_name = "FILE")]
    config: PathBuf,
}

impl Serve {
    /// Runs until a signal or an error ends it.
    #[must_use]
    pub fn run(&self) -> Exit {
        let config = match config::load(&self.config) {
            Ok(config) => config,
            Err(error) => return report::fail_to_load(&error),
        };
        if let Err(error) = forbid_core_dumps() {
            tracing::warn!(%error, "core dumps cannot be forbidden; one would hold tokens");
        }
        match serve(config) {
            Ok(exit) => exit,
            Err(error) => report::fail(&error),
        }
    }
}

fn serve(config: Config) -> io::Result<Exit> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("lockgate").build()?;
    runtime.block_on(async {
        let shutdown = signals::watch()?;
        Ok(match server::run(config, shutdown, say_ready).await {
            Ok(()) => Exit::Success,
            Err(error) => report::fail(&error),
        })
    })
}

/// The one line that says that clients can connect.
fn say_ready(ready: Ready) {
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{ready}");
}

/// A core dump would hold tokens and records in the clear.
fn forbid_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
