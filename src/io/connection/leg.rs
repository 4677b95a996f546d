//! One of the two sides of a connection: its socket, what is read from it, what waits for it.

use std::io;

use bytes::BytesMut;

use super::budget::Charge;
use super::queue::WriteQueue;
use super::reading::Appetite;
use crate::io::transport::Transport;

/// The client's side, or the broker's.
pub(super) struct Leg {
    pub stream: Transport,
    /// What waits to be written to it.
    pub queue: WriteQueue,
    /// The budget of the frames that are read from it.
    pub charge: Charge,
    appetite: Appetite,
    state: State,
}

/// Whether the side still takes and sends bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Gone,
}

impl Leg {
    pub fn new(stream: Transport, charge: Charge) -> Self {
        Self {
            stream,
            charge,
            queue: WriteQueue::default(),
            appetite: Appetite::default(),
            state: State::There,
        }
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Whether something waits for the socket to take it.
    pub fn wants_to_write(&self) -> bool {
        !self.is_gone() && (!self.queue.is_empty() || self.stream.holds_unsent())
    }

    /// Reads once, without waiting, what the socket was said to have; `None` at the side's end.
    pub async fn read(
        &mut self,
        ready: io::Result<()>,
        buffer: &mut BytesMut,
        announced: Option<usize>,
    ) -> Option<usize> {
        let read = match ready {
            Ok(()) => self.appetite.read(&mut self.stream, buffer, announced).await,
            Err(error) => Err(error),
        };
        if read.is_err() {
            self.state = State::Gone;
        }
        read.ok()
    }

    /// Writes without waiting: most of the time the socket takes it all.
    pub fn write(&mut self, ready: io::Result<()>) {
        if ready.is_err() || self.is_gone() || self.queue.write(&mut self.stream).is_err() {
            self.state = State::Gone;
            self.queue.clear();
        }
    }

    /// Writes what is left, waiting for the socket, and says goodbye.
    pub async fn part(&mut self) {
        if !self.is_gone() && self.queue.drain(&mut self.stream).await.is_ok() {
            self.stream.say_goodbye();
            let _ = self.queue.drain(&mut self.stream).await;
        }
    }
}
