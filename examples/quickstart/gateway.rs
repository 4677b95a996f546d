//! Lockgate in this process: with the sample policies, in a directory that goes when it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use lockgate::config;
use lockgate::io::signals::Shutdown;
use lockgate::server::{self, Ready, ServerError};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::Result;
use crate::people::Person;
use crate::testcontainers::{TokenIssuer, issuer, ports};

/// One port to begin with, and one for each broker id.
const BROKER_PORTS: u16 = 4;

/// A running Lockgate. It drains and ends with this value, and its directory goes.
pub struct Gateway {
    directory: TempDir,
    ready: Ready,
    stop: watch::Sender<Shutdown>,
    thread: Option<JoinHandle<std::result::Result<(), ServerError>>>,
}

impl Gateway {
    /// Starts it in front of the brokers at `upstream`, for tokens of `issuer`.
    pub fn start(upstream: &[String], issuer: &TokenIssuer) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("lockgate-").tempdir()?;
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        copy_directory(&sample, &directory.path().join("policies"))?;
        let file = directory.path().join("lockgate.yaml");
        let text = configuration(upstream, issuer);
        fs::write(&file, &text)?;
        let name = file.display().to_string();
        let config = config::parse(&name, &text, directory.path(), &|_| None)?;

        let (stop, orders) = watch::channel(Shutdown::Run);
        let (tell, told) = mpsc::channel();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(server::run(config, orders, move |ready| {
                let _ = tell.send(ready);
            }))
        });
        match told.recv() {
            Ok(ready) => Ok(Self { directory, ready, stop, thread: Some(thread) }),
            // It ended before it was ready, so there is an error to be had.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(())) | Err(_) => Err("Lockgate did not start".into()),
            },
        }
    }

    /// Where clients connect.
    pub fn bootstrap(&self) -> String {
        self.ready.listeners.first().map(ToString::to_string).unwrap_or_default()
    }

    pub fn policy_revision(&self) -> &str {
        &self.ready.policy_revision
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn audit_directory(&self) -> PathBuf {
        self.directory().join("audit")
    }

    /// Writes what a librdkafka client of this person needs to `NAME.conf`.
    pub fn write_client_settings(&self, person: &Person, issuer: &TokenIssuer) -> Result<()> {
        let text = format!(
            "bootstrap.servers={}\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n\
             sasl.oauthbearer.method=oidc\nsasl.oauthbearer.client.id={}\n\
             sasl.oauthbearer.client.secret=any\nsasl.oauthbearer.token.endpoint.url={}\n",
            self.bootstrap(),
            person.name,
            issuer.token_url(),
        );
        Ok(fs::write(self.directory().join(format!("{}.conf", person.name)), text)?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.stop.send(Shutdown::Drain);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn configuration(upstream: &[String], issuer: &TokenIssuer) -> String {
    let broker_ports = ports::consecutive(BROKER_PORTS);
    format!(
        "\
name: quickstart
listen: {listen}
addresses: {{ports: {first}-{last}, host: 127.0.0.1}}   # a port here for every broker
upstream: {{bootstrap: [{brokers}]}}
identity:
  oauthbearer: {{issuer: \"{issuer}\", audience: {audience}, groups_claim: groups}}
policies: policies                    # watched: a change takes effect on open connections
audit: {{dir: audit, rotate_seconds: 1}}   # a Parquet file every second, to have one to show
admin: {{listen: {admin}}}
",
        listen = ports::free_address(),
        first = broker_ports.start(),
        last = broker_ports.end(),
        brokers =
            upstream.iter().map(|address| format!("\"{address}\"")).collect::<Vec<_>>().join(", "),
        issuer = issuer.url(),
        audience = issuer::AUDIENCE,
        admin = ports::free_address(),
    )
}

fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
