//! Conversations with a session without a socket or a clock: hostile clients, odd brokers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod ends;
mod evidence;
mod fetching;
mod frames;
mod order;
mod producing;
mod surface;
mod talk;
