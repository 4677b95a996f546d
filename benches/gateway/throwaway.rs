//! The part of the tests' throwaway servers that a bench needs: processes on a leash, free ports,
//! scratch directories, and the built `lockgate`.
#![allow(dead_code, clippy::disallowed_methods, reason = "a part of another tree")]

#[path = "../../testcontainers/lockgate.rs"]
pub mod lockgate;
#[path = "../../testcontainers/ports.rs"]
pub mod ports;
#[path = "../../testcontainers/process.rs"]
pub mod process;
#[path = "../../testcontainers/scratch.rs"]
pub mod scratch;

pub use lockgate::{Lockgate, LockgateSettings};
pub use process::{Process, Program};
pub use scratch::Scratch;
