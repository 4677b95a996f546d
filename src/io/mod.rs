//! The edges: sockets, files, clocks. Nothing here decides.

pub mod admin;
pub mod clock;
pub mod cluster;
pub mod connection;
pub mod credential;
pub mod dial;
pub mod directory;
pub mod jwks;
pub mod listener;
pub mod metrics;
pub mod policies;
pub mod signals;
pub mod sink;
pub mod tls;
pub mod transport;
pub mod users;
pub mod watched;
pub mod web;
