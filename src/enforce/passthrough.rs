//! The APIs that pass by name, and those that are not there, each with the reason.
//!
//! Record bytes travel in four messages only: Produce requests, and Fetch, ShareFetch and
//! FetchSnapshot responses. None of them may stand in [`PASSED`] (`tests/tables.rs`).

use super::{Row, Treatment};
use crate::wire::ApiKey;

const fn hidden(key: i16, why: &'static str) -> Row {
    Row { key: ApiKey(key), treatment: Treatment::Hidden { why }, versions: None }
}

/// APIs that go through as they are once their shape is proved: none that Kafka 4.3 has.
pub static PASSED: &[Row] = &[];

const BROKERS_ONLY: &str = "spoken between brokers and controllers, never by clients";
const TELEMETRY: &str = "carries bytes of the client's choice to the broker (T39)";

/// APIs that are not offered. A request for one closes the connection.
pub static HIDDEN: &[Row] = &[
    hidden(4, BROKERS_ONLY),
    hidden(5, BROKERS_ONLY),
    hidden(6, BROKERS_ONLY),
    hidden(7, BROKERS_ONLY),
    hidden(27, BROKERS_ONLY),
    hidden(52, BROKERS_ONLY),
    hidden(53, BROKERS_ONLY),
    hidden(54, BROKERS_ONLY),
    hidden(56, BROKERS_ONLY),
    hidden(58, BROKERS_ONLY),
    hidden(59, BROKERS_ONLY),
    hidden(62, BROKERS_ONLY),
    hidden(63, BROKERS_ONLY),
    hidden(67, BROKERS_ONLY),
    hidden(70, BROKERS_ONLY),
    hidden(71, TELEMETRY),
    hidden(72, TELEMETRY),
    hidden(73, BROKERS_ONLY),
    hidden(82, BROKERS_ONLY),
    hidden(83, BROKERS_ONLY),
    hidden(84, BROKERS_ONLY),
    hidden(85, BROKERS_ONLY),
    hidden(86, BROKERS_ONLY),
    hidden(87, BROKERS_ONLY),
];
