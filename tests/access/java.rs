//! Kafka's own clients and tools.

use std::collections::BTreeMap;

use crate::{direct, through, topics};

const GROUP: &str = "GroupAuthorizationException";
const TOPIC: &str = "TopicAuthorizationException";
const TRANSACTION: &str = "TransactionalIdAuthorizationException";

const EXPECTED: [(&str, Option<&str>); 27] = [
    ("join open classic", None),
    ("join closed classic", Some(GROUP)),
    ("subscribe closed classic", Some(TOPIC)),
    ("join open consumer", None),
    ("join closed consumer", Some(GROUP)),
    ("subscribe closed consumer", Some(TOPIC)),
    ("share closed group", Some(GROUP)),
    ("share closed topic", Some(TOPIC)),
    ("commit open", None),
    ("commit closed group", Some(GROUP)),
    ("commit closed topic", Some(TOPIC)),
    ("committed closed group", Some(GROUP)),
    ("transaction open", None),
    ("transaction closed id", Some(TRANSACTION)),
    ("transaction closed topic", Some(TOPIC)),
    ("transaction closed group", Some(GROUP)),
    ("describe open", None),
    ("describe closed", Some(GROUP)),
    ("offsets closed", Some(GROUP)),
    ("reset closed", Some(GROUP)),
    ("forget closed", Some(GROUP)),
    ("delete closed", Some(GROUP)),
    ("latest open", None),
    ("latest closed", Some(TOPIC)),
    ("transactions closed", Some(TRANSACTION)),
    ("producers closed", Some(TOPIC)),
    ("fence closed", Some(TRANSACTION)),
];

#[test]
fn t41_t42_java_is_told_what_kafkas_authorizer_would_tell_it() {
    let [open, closed] = topics("java");
    let done = through().java_program("Refusals.java", &[&open, &closed]).expect_success();
    let rows = done.json_lines();
    let seen: BTreeMap<String, Option<String>> = rows
        .iter()
        .filter(|row| row.get("error").is_some())
        .map(|row| {
            let error = row["error"].as_str().map(str::to_owned);
            (row["step"].as_str().unwrap().to_owned(), error)
        })
        .collect();
    let expected: BTreeMap<String, Option<String>> = EXPECTED
        .iter()
        .map(|(step, error)| ((*step).to_owned(), error.map(str::to_owned)))
        .collect();
    assert_eq!(seen, expected, "{}", done.explain());
    let names = |step: &str| -> Vec<&str> {
        let row = rows.iter().find(|row| row["step"] == step && row.get("names").is_some());
        row.unwrap()["names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect()
    };
    assert!(names("groups").contains(&open.as_str()));
    assert!(names("transactions").contains(&open.as_str()));
    assert!(!names("groups").iter().chain(&names("transactions")).any(|n| n.contains("closed")));
}

const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

#[test]
fn t41_nobody_moves_the_offsets_of_a_group_that_is_not_theirs() {
    let [open, _] = topics("offsets");
    direct().console_produce(&open, &["a", "b", "c"], &[]).expect_success();
    let owner = "closed-offsets";
    direct().console_consume(&open, 3, &["--group", owner]).expect_success();
    let position = || {
        let address = direct().bootstrap().to_owned();
        let arguments = ["--bootstrap-server", &address, "--describe", "--group", owner];
        let stdout = direct().run(GROUPS, &arguments).expect_success().stdout;
        let row = stdout.lines().find(|line| line.contains(&open)).map(str::to_owned);
        row.unwrap().split_whitespace().nth(3).unwrap().to_owned()
    };
    assert_eq!(position(), "3");
    let tools = through();
    let address = tools.bootstrap().to_owned();
    let tries: [&[&str]; 4] = [
        &["--reset-offsets", "--to-earliest", "--topic", &open, "--execute"],
        &["--delete-offsets", "--topic", &open],
        &["--delete"],
        &["--describe"],
    ];
    for attempt in tries {
        let mut arguments = vec!["--bootstrap-server", &address, "--group", owner];
        arguments.extend(attempt);
        let done = tools.run(GROUPS, &arguments);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains("Not authorized") || told.contains(crate::java::GROUP), "{told}");
        assert_eq!(position(), "3", "{attempt:?}");
    }
    let listed = tools.run(GROUPS, &["--bootstrap-server", &address, "--list"]).expect_success();
    assert!(!listed.stdout.contains(owner), "{}", listed.stdout);
}

#[test]
fn t41_a_share_group_that_may_not_be_used_is_not_shown() {
    let tools = through().limit(std::time::Duration::from_mins(1));
    let class = "org.apache.kafka.tools.consumer.group.ShareGroupCommand";
    let address = tools.bootstrap().to_owned();
    for attempt in [&["--describe"][..], &["--describe", "--offsets"]] {
        let mut arguments = vec!["--bootstrap-server", &address, "--group", "closed-share"];
        arguments.extend(attempt);
        let done = tools.run(class, &arguments);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains(GROUP) || told.contains("Not authorized"), "{}", done.explain());
    }
}
