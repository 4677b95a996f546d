//! Lockgate: a native Kafka wire-protocol proxy that enforces policy as code on the data path.
//!
//! Enforcement is a pure function, waiting is one mechanism, io is at the rim: a frame and what is
//! known go into an [`enforce::Enforcement`], an [`enforce::Outcome`] comes out, and what is
//! missing is asked for by the [`session`], which then runs the same function again.
//! `docs/ARCHITECTURE.md` has the map and the invariants.
//!
//! # Layers
//!
//! Reading order is dependency order: a module uses modules of earlier lines only, never a
//! neighbour on its own line. `tests/tidy.rs` reads this list and keeps it.
//!
//! ```text
//! WORDS        field · identity · wire · yaml      plain values; frames; a file as written
//! MECHANISMS   auth · record · format · mask       pure functions on bytes
//! DECISIONS    policy                              knows subjects, topics, fields; not bytes
//! EVIDENCE     audit                               cannot carry a payload, by type
//! ENFORCEMENT  enforce                             one file for each Kafka API that is judged
//! CONNECTION   session                             one client and its broker as a state machine
//! ═════════════════ above: no sockets, files, clocks, randomness, threads, logs ═════════════════
//! FILE         config                              what an operator wrote, checked
//! EDGES        io                                  sockets, files, clocks; takes no decision
//! PROCESS      server                              puts edges and sessions together
//! COMMANDS     cli                                 arguments to exit code
//! ```
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
