//! SIGTERM and SIGINT as a value that anything may watch.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What the process was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// Nothing: it runs.
    Run,
    /// Finish what was begun, within `limits.drain_ms_max`, and end.
    Drain,
    /// End now: a second signal came while draining.
    Stop,
}

/// Starts to listen for signals: the first one drains, the second one stops.
///
/// # Errors
/// The operating system refuses to deliver signals. Must be called inside a runtime.
pub fn watch() -> io::Result<watch::Receiver<Shutdown>> {
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(Shutdown::Run);
    tokio::spawn(relay(terminate, interrupt, sender));
    Ok(receiver)
}

async fn relay(mut terminate: Signal, mut interrupt: Signal, sender: watch::Sender<Shutdown>) {
    for next in [Shutdown::Drain, Shutdown::Stop] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(?next, "a signal came");
        if sender.send(next).is_err() {
            return;
        }
    }
    // The sender lives on: a receiver that sees its sender gone would take that for a change.
    std::future::pending::<()>().await;
}
