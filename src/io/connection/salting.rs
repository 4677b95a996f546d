//! Passwords that clients send as they are (PLAIN) are salted off the threads that move everybody's
//! bytes, a few at a time: whoever tries many waits, and nobody else does.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::auth::plain::Salting;
use crate::auth::scram::Secret;
use crate::enforce::CloseReason;

/// How long whoever fails to log in waits for the answer, as with Kafka
/// (`connection.failed.authentication.delay.ms`).
pub(super) const FAILED_LOGIN_DELAY: Duration = Duration::from_millis(100);

/// Where salting is done.
pub struct Salter {
    permits: Semaphore,
}

impl Salter {
    /// At most so many at a time.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { permits: Semaphore::new(count.max(1)) }
    }

    pub(super) async fn run(&self, salting: Salting) -> Result<Secret, CloseReason> {
        let _permit = self.permits.acquire().await;
        let salted = tokio::task::spawn_blocking(move || salting.run()).await;
        salted.map_err(|error| CloseReason::Io(error.to_string()))
    }
}
