//! Bytes that wait to be written to one socket, as slices for vectored writes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use crate::enforce::Slices;
use crate::io::transport::Transport;
use bytes::{Buf, Bytes};

/// Slices that one system call takes at the most.
const SLICES_MAX: usize = 64;

/// The queue of one direction.
#[derive(Default)]
pub(super) struct WriteQueue {
    slices: VecDeque<Bytes>,
    bytes: usize,
    pushed: u64,
}

impl WriteQueue {
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a frame; gives its length in bytes.
    pub fn push(&mut self, slices: Slices) -> usize {
        let before = self.bytes;
        for slice in slices {
            if !slice.is_empty() {
                self.bytes = self.bytes.saturating_add(slice.len());
                self.slices.push_back(slice);
            }
        }
        let added = self.bytes.saturating_sub(before);
        self.pushed = self.pushed.saturating_add(u64::try_from(added).unwrap_or(u64::MAX));
        added
    }

    /// Bytes that were ever queued, and those of them that have been written.
    pub fn totals(&self) -> (u64, u64) {
        let waiting = u64::try_from(self.bytes).unwrap_or(u64::MAX);
        (self.pushed, self.pushed.saturating_sub(waiting))
    }

    pub fn clear(&mut self) {
        self.slices.clear();
        self.bytes = 0;
    }

    /// Writes as much as the socket takes without waiting.
    ///
    /// # Errors
    /// The socket's, but for "not now".
    pub fn write(&mut self, stream: &mut Transport) -> io::Result<()> {
        while !self.slices.is_empty() {
            let mut vector = [IoSlice::new(&[]); SLICES_MAX];
            let mut used = 0;
            for (place, slice) in vector.iter_mut().zip(&self.slices) {
                *place = IoSlice::new(slice);
                used += 1;
            }
            match stream.try_write_vectored(vector.get(..used).unwrap_or_default()) {
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        stream.send_now()
    }

    /// Writes everything, waiting for the socket.
    ///
    /// # Errors
    /// The socket's.
    pub async fn drain(&mut self, stream: &mut Transport) -> io::Result<()> {
        while !self.is_empty() || stream.holds_unsent() {
            stream.writable().await?;
            self.write(stream)?;
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some(front) = self.slices.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.slices.pop_front();
        }
    }
}
