//! Lockgate: a native Kafka wire-protocol proxy that enforces policy as code on the data path.
#![forbid(unsafe_code)]

pub mod audit;
pub mod auth;
pub mod cli;
pub mod config;
pub mod enforce;
pub mod field;
pub mod format;
pub mod identity;
pub mod io;
pub mod mask;
pub mod policy;
pub mod record;
pub mod server;
pub mod session;
pub mod wire;
pub mod yaml;
