//! Throwaway servers and foreign clients for the tests: Apache Kafka, a token issuer, Lockgate
//! itself, Kafka's Java tools, Python clients.
//!
//! A test includes it by `#[path = "../testcontainers/mod.rs"] mod testcontainers;`. What it
//! promises:
//!
//! - ready means probed: a server is handed out when it has answered a request;
//! - free ports, on loopback only, held for the life of the test process (`ports`);
//! - every wait has a limit, and a failure shows the tail of the logs;
//! - nothing is left behind: processes die with the value that stands for them, also on a panic,
//!   also when the test process itself is killed (`process`), and so do their files (`scratch`);
//! - what cannot be had (Maven, Java, Python, the network) is a panic that says so, never a
//!   skipped test.
//!
//! Everything but the token issuer's own server is blocking, so that it works inside and outside
//! of an async runtime.
#![allow(dead_code, unused_imports, reason = "each test uses its part of this tree")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a throwaway server that does not start must fail the test, loudly"
)]
#![allow(clippy::disallowed_methods, reason = "throwaway servers live by the real clock")]

pub mod certificates;
pub mod gateway;
pub mod installed;
pub mod issuer;
pub mod jars;
pub mod kafka;
pub mod lockgate;
pub mod node;
pub mod people;
pub mod ports;
pub mod probe;
pub mod process;
pub mod python;
pub mod raw;
pub mod scratch;
pub mod secured;
pub mod signing;
pub mod stored;
pub mod tap;
pub mod tools;
pub mod wire;

pub use certificates::{Authority, Issued};
pub use gateway::{Gateway, GatewaySettings};
pub use issuer::TokenIssuer;
pub use jars::KafkaJars;
pub use kafka::{Authorizer, Kafka, KafkaSettings, OauthListener};
pub use lockgate::{Lockgate, LockgateSettings};
pub use node::Node;
pub use process::{Finished, Process, Program, Signal};
pub use python::Python;
pub use raw::RawClient;
pub use scratch::Scratch;
pub use secured::CertificateFiles;
pub use stored::{StoredRecord, stored, values};
pub use tap::Tap;
pub use tools::{ClientProperties, JavaTools};
pub use wire::Wire;
