//! Streams groups: heartbeats written by hand, so that the broker's own word on them is seen.

use std::time::{Duration, Instant};

use crate::streams_messages::heartbeat;
use crate::testcontainers::RawClient;
use crate::{GATEWAY, LIMIT, direct, through, topics};

const STREAMS_GROUP_HEARTBEAT: i16 = 88;
/// Loading, no coordinator yet, another one.
const RETRIABLE: [i16; 3] = [14, 15, 16];

/// The error that answers a heartbeat.
fn beat(group: &str, source: &str, regexes: &[&str], changelog: &str) -> i16 {
    let body = heartbeat(group, &[source], regexes, &[changelog]);
    let end = Instant::now() + LIMIT;
    loop {
        let mut client = RawClient::connect(&GATEWAY.bootstrap());
        client.send(STREAMS_GROUP_HEARTBEAT, 0, 2, &body).unwrap();
        let answer = client.receive().unwrap();
        // Correlation id, tags and throttle time come before the error.
        let code = i16::from_be_bytes([answer[9], answer[10]]);
        if !RETRIABLE.contains(&code) || Instant::now() > end {
            return code;
        }
    }
}

const GROUPS: &str = "org.apache.kafka.tools.streams.StreamsGroupCommand";

#[test]
fn t41_t42_a_streams_group_joins_only_with_what_it_may_use() {
    let [open, closed] = topics("streams");
    // The coordinator is there once somebody has a group.
    through().console_consume(&open, 0, &["--group", "open-first"]);
    assert_eq!(beat("closed-app", &open, &[], "open-app-store-changelog"), 30);
    assert_eq!(beat("open-app", &closed, &[], "open-app-store-changelog"), 29);
    assert_eq!(beat("open-app", &open, &["open.*"], "open-app-store-changelog"), 42);
    assert_eq!(beat("open-app", &open, &[], "closed-app-changelog"), 29);
    assert_eq!(beat("open-app", &open, &[], "other-app-changelog"), 29, "no permit to create it");
    assert_eq!(beat("open-app", &open, &[], "open-app-store-changelog"), 0);
    let address = through().bootstrap().to_owned();
    let told = |group: &str| {
        let arguments =
            ["--bootstrap-server", &address, "--describe", "--group", group, "--members"];
        let done = through().limit(Duration::from_mins(1)).run(GROUPS, &arguments);
        format!("{}{}", done.stdout, done.stderr)
    };
    assert!(told("open-app").contains("process"), "{}", told("open-app"));
    let refusal = told("closed-app");
    assert!(refusal.contains("GroupAuthorization") || refusal.contains("Not auth"), "{refusal}");
    let made = direct().run(
        "org.apache.kafka.tools.TopicCommand",
        &["--bootstrap-server", direct().bootstrap(), "--list"],
    );
    let made = made.expect_success().stdout;
    assert!(made.contains("open-app-store-changelog") && !made.contains("other-app"), "{made}");
}
