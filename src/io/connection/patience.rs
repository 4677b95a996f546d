//! How long a client may be slow: with a frame of its own, and with its answers.

use std::time::Duration;

use tokio::time::Instant;

use crate::enforce::CloseReason;

/// How often a client that takes nothing is looked at again while there is memory for all.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The clocks of one connection.
pub(super) struct Patience {
    frame_time: Duration,
    stall_time: Duration,
    /// Since when the frame at hand is being read; `None` where none is, or nobody reads.
    frame_began_at: Option<Instant>,
    /// Since when answers wait of which the client has taken no byte.
    stalled_at: Option<Instant>,
    looked_at: Option<Instant>,
    written: u64,
}

impl Patience {
    pub fn new(frame_time: Duration, stall_time: Duration) -> Self {
        Self {
            frame_time,
            stall_time,
            frame_began_at: None,
            stalled_at: None,
            looked_at: None,
            written: 0,
        }
    }

    /// Notes whether part of a frame is here while the client is read. Time in which it is not
    /// read, for want of memory say, is not its own.
    pub fn reading(&mut self, part_of_a_frame: bool) {
        if part_of_a_frame {
            self.frame_began_at.get_or_insert_with(Instant::now);
        } else {
            self.frame_began_at = None;
        }
    }

    /// A frame of the client is whole.
    pub fn frame_taken(&mut self) {
        self.frame_began_at = None;
    }

    /// Notes whether answers wait, and how many bytes of answers the client has taken in all.
    pub fn writing(&mut self, answers_wait: bool, written: u64) {
        if !answers_wait || written != self.written {
            self.stalled_at = None;
            self.looked_at = None;
        }
        if answers_wait {
            self.stalled_at.get_or_insert_with(Instant::now);
        }
        self.written = written;
    }

    /// When to look again.
    pub fn due(&self) -> Option<Instant> {
        let frame = self.frame_began_at.map(|at| at + self.frame_time);
        let stall = self.stalled_at.map(|at| {
            let first = at + self.stall_time;
            self.looked_at.map_or(first, |looked| first.max(looked + LOOK_AGAIN))
        });
        frame.into_iter().chain(stall).min()
    }

    /// Whether the connection has to end. `memory_is_short`: others wait for what it holds.
    pub fn ended(&mut self, memory_is_short: bool) -> Option<CloseReason> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let over = |since: Option<Instant>, time| since.is_some_and(|at| at.elapsed() >= time);
        if over(self.frame_began_at, self.frame_time) {
            return Some(CloseReason::SlowFrame(ms(self.frame_time)));
        }
        if over(self.stalled_at, self.stall_time) {
            if memory_is_short {
                return Some(CloseReason::Stalled(ms(self.stall_time)));
            }
            self.looked_at = Some(Instant::now());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_secs(60);
    const STALL: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn t16_a_frame_that_trickles_has_an_end() {
        let mut patience = Patience::new(FRAME, STALL);
        patience.reading(true);
        tokio::time::advance(FRAME / 2).await;
        patience.reading(true);
        assert_eq!(patience.ended(false), None);
        patience.reading(false);
        patience.reading(true);
        tokio::time::advance(FRAME / 2).await;
        assert_eq!(patience.ended(false), None, "time without reading is not the client's");
        tokio::time::advance(FRAME / 2).await;
        assert_eq!(patience.ended(false), Some(CloseReason::SlowFrame(60_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn t52_a_client_that_takes_nothing_is_ended_when_others_wait() {
        let mut patience = Patience::new(FRAME, STALL);
        patience.writing(true, 10);
        tokio::time::advance(STALL).await;
        assert_eq!(patience.ended(false), None, "there is memory for all");
        assert!(patience.due().is_some_and(|due| due > Instant::now()));
        patience.writing(true, 11);
        assert_eq!(patience.ended(true), None, "it took a byte");
        tokio::time::advance(STALL).await;
        assert_eq!(patience.ended(true), Some(CloseReason::Stalled(30_000)));
    }
}
