//! The APIs that pass by name, and those that are not there, each with the reason.
//!
//! Record bytes travel in four messages only: Produce requests, and Fetch, ShareFetch and
//! FetchSnapshot responses. None of them may stand in [`PASSED`] (`tests/tables.rs`).

use super::{Evident, Row, Treatment};
use crate::wire::ApiKey;

const fn passed(key: i16, evidence: Evident, why: &'static str) -> Row {
    Row { key: ApiKey(key), treatment: Treatment::Passed { evidence, why }, versions: None }
}

const fn hidden(key: i16, why: &'static str) -> Row {
    Row { key: ApiKey(key), treatment: Treatment::Hidden { why }, versions: None }
}

const READ_ONLY: &str = "reads names and states; no record, no address, no change";

/// APIs that go through as they are once their shape is proved.
pub static PASSED: &[Row] =
    &[passed(35, Evident::Row, READ_ONLY), passed(75, Evident::Row, READ_ONLY)];

const BROKERS_ONLY: &str = "spoken between brokers and controllers, never by clients";
const CHANGES: &str = "changes the cluster; denied whole until its rules are judged";
const SHARE: &str = "share groups read records; hidden until ShareFetch is masked";
const CREDENTIALS: &str = "mints or shows credentials of the broker's own";
const TELEMETRY: &str = "carries bytes of the client's choice to the broker (T39)";
const REVEALS: &str = "shows how the cluster is built: addresses, access lists, quotas";

/// APIs that are not offered. A request for one closes the connection.
pub static HIDDEN: &[Row] = &[
    hidden(4, BROKERS_ONLY),
    hidden(5, BROKERS_ONLY),
    hidden(6, BROKERS_ONLY),
    hidden(7, BROKERS_ONLY),
    hidden(20, CHANGES),
    hidden(21, CHANGES),
    hidden(27, BROKERS_ONLY),
    hidden(29, REVEALS),
    hidden(30, CHANGES),
    hidden(31, CHANGES),
    hidden(33, CHANGES),
    hidden(34, CHANGES),
    hidden(37, CHANGES),
    hidden(38, CREDENTIALS),
    hidden(39, CREDENTIALS),
    hidden(40, CREDENTIALS),
    hidden(41, CREDENTIALS),
    hidden(43, CHANGES),
    hidden(44, CHANGES),
    hidden(45, CHANGES),
    hidden(46, REVEALS),
    hidden(48, REVEALS),
    hidden(49, CHANGES),
    hidden(50, CREDENTIALS),
    hidden(51, CREDENTIALS),
    hidden(52, BROKERS_ONLY),
    hidden(53, BROKERS_ONLY),
    hidden(54, BROKERS_ONLY),
    hidden(55, REVEALS),
    hidden(56, BROKERS_ONLY),
    hidden(57, CHANGES),
    hidden(58, BROKERS_ONLY),
    hidden(59, BROKERS_ONLY),
    hidden(62, BROKERS_ONLY),
    hidden(63, BROKERS_ONLY),
    hidden(64, CHANGES),
    hidden(67, BROKERS_ONLY),
    hidden(70, BROKERS_ONLY),
    hidden(71, TELEMETRY),
    hidden(72, TELEMETRY),
    hidden(73, BROKERS_ONLY),
    hidden(74, REVEALS),
    hidden(78, SHARE),
    hidden(79, SHARE),
    hidden(80, CHANGES),
    hidden(81, CHANGES),
    hidden(82, BROKERS_ONLY),
    hidden(83, BROKERS_ONLY),
    hidden(84, BROKERS_ONLY),
    hidden(85, BROKERS_ONLY),
    hidden(86, BROKERS_ONLY),
    hidden(87, BROKERS_ONLY),
];
