//! Lockgate's main job in one command: the same records, clear for one reader, masked for another.
//!
//! `cargo run --release --example quickstart` needs no Kafka, no Docker and no JVM: the broker is
//! librdkafka's mock cluster, and a token issuer and Lockgate run in this process too.
//! `-- --kafka` starts a real Apache Kafka instead; `-- --once` ends after checking everything that
//! was printed, with exit code 1 if anything is not as it must be.

mod broker;
mod checks;
mod client;
mod evidence;
mod gateway;
mod page;
mod people;
mod records;
mod story;
#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use std::process::ExitCode;

use clap::Parser;
use lockgate::io::signals::{self, Shutdown};
use tokio::runtime::{self, Runtime};

use broker::Broker;
use checks::Checks;
use client::Client;
use evidence::Files;
use gateway::Gateway;
use page::{Page, Tone};
use people::{ANA, EVERYBODY, LENA, SHOP};
use records::{PAYMENTS, TICKETS};
use story::Teller;
use testcontainers::TokenIssuer;

/// Why the quickstart ended early, for the person who started it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Shows what Lockgate does, then stays up for you to try it.
#[derive(Parser)]
#[command(name = "quickstart")]
struct Arguments {
    /// End after checking everything that was printed; exit 1 if anything is not as it must be.
    #[arg(long)]
    once: bool,
    /// Use a real Apache Kafka, from Maven Central's jars (needs Java), instead of the mock.
    #[arg(long)]
    kafka: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let broker = if arguments.kafka { Broker::kafka() } else { Broker::mock()? };
    for story in [&PAYMENTS, &TICKETS] {
        broker.create_topic(story.topic)?;
    }
    let issuer = TokenIssuer::start();
    for person in EVERYBODY {
        issuer.enroll(person.name, person.groups);
    }
    let gateway = Gateway::start(&broker.addresses(), &issuer)?;
    let (page, mut checks) = (Page::new(), Checks::default());
    introduce(&page, &broker, &gateway);
    let client = |person| Client { person, bootstrap: gateway.bootstrap(), issuer: &issuer };
    Teller {
        page: &page,
        checks: &mut checks,
        shop: client(&SHOP),
        lena: client(&LENA),
        ana: client(&ANA),
        files: Files::of(&gateway.audit_directory())?,
    }
    .tell()?;
    let code = conclude(&page, &checks);
    if !arguments.once && code == ExitCode::SUCCESS {
        invite(&page, &broker, &issuer, &gateway)?;
    }
    Ok(code)
}

fn introduce(page: &Page, broker: &Broker, gateway: &Gateway) {
    let (lockgate, broker) = (gateway.bootstrap(), broker.name());
    page.line(Tone::Title, &format!("clients ──▶ Lockgate at {lockgate} ──▶ {broker}"));
    page.line(
        Tone::Plain,
        "Everybody logs in at Lockgate with a token of their own (OAUTHBEARER).",
    );
    let revision = gateway.policy_revision();
    page.line(Tone::Plain, &format!("The rules are the files in policies/, revision {revision}."));
}

/// Says whether everything was as it must be.
fn conclude(page: &Page, checks: &Checks) -> ExitCode {
    println!();
    if checks.failed().is_empty() {
        let text = format!("All {} checks of what you see above passed.", checks.made());
        page.line(Tone::Good, &text);
        return ExitCode::SUCCESS;
    }
    for what in checks.failed() {
        page.line(Tone::Bad, &format!("not as it must be: {what}"));
    }
    ExitCode::FAILURE
}

/// Leaves everything running for clients of the reader's own, until Ctrl-C.
fn invite(page: &Page, broker: &Broker, issuer: &TokenIssuer, gateway: &Gateway) -> Result<()> {
    for person in EVERYBODY {
        gateway.write_client_settings(person, issuer)?;
    }
    let directory = gateway.directory().display();
    let client = format!("  python3 examples/quickstart/client.py {directory}");
    let (payments, tickets) = (PAYMENTS.topic, TICKETS.topic);
    println!();
    page.line(Tone::Title, "Try it with a librdkafka client, after `pip install confluent-kafka`:");
    page.line(Tone::Plain, &format!("{client}/{}.conf {payments}", LENA.name));
    page.line(Tone::Plain, &format!("{client}/{}.conf {payments}", ANA.name));
    page.line(Tone::Plain, &format!("{client}/{}.conf {tickets} \\", SHOP.name));
    page.line(Tone::Plain, r#"    '{"text": "4111 1111 1111 1111"}'"#);
    println!();
    let text = format!("The rules are in {directory}/policies: edit one, read again.");
    page.line(Tone::Plain, &text);
    if let Broker::Mock(_) = broker {
        page.line(Tone::Faint, "The mock broker serves librdkafka clients only, without groups.");
    }
    page.line(Tone::Faint, "Ctrl-C ends everything and removes that directory.");
    waiting()?.block_on(async {
        let mut orders = signals::watch()?;
        let _ = orders.wait_for(|order| *order >= Shutdown::Drain).await;
        Ok(())
    })
}

/// A runtime for one thread that waits for something.
fn waiting() -> Result<Runtime> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}
