//! T51: policies that change under running connections, and policies that do not load.

use std::time::Duration;

use crate::frames::batch;
use crate::packing::shows;
use crate::raw::Raw;
use crate::stage::{CANARY, configuration, stage};
use crate::testcontainers::process::until;
use crate::testcontainers::{Lockgate, LockgateSettings, ports};

const LIMIT: Duration = Duration::from_mins(1);

fn rules(field: &str) -> String {
    format!(
        "apiVersion: policy/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  rules:\n    \
         - id: mask\n      match: {{direction: consume, topics: [\"open.t51\"]}}\n      \
         select: [{{path: \"$.{field}\"}}]\n      action: {{mask: {{with: redact}}}}\n"
    )
}

#[test]
fn t51_a_good_change_holds_for_open_connections_and_a_bad_one_keeps_the_last_good_set() {
    let stage = stage();
    stage.topic("open.t51", 1);
    let record = batch(&[&format!("{{\"a\":\"{CANARY}\"}}")]);
    assert_eq!(stage.broker().produce("open.t51", &record).0, 0);
    let port = ports::free();
    let config = configuration(&stage.kafka, port, *ports::consecutive(2).start(), "");
    let lockgate =
        Lockgate::start(LockgateSettings::new(config).file("policies/p.yaml", rules("other")));
    let mut client = Raw::to(&format!("127.0.0.1:{port}"));
    assert!(shows(&client.fetch("open.t51", 0).1, CANARY));
    lockgate.write("policies/p.yaml", &rules("a"));
    until("the change", LIMIT, || {
        let records = client.fetch("open.t51", 0).1;
        if shows(&records, CANARY) { Err("still clear".to_owned()) } else { Ok(()) }
    });
    for broken in ["apiVersion: policy/v1\nkind: Polcy\n", ": : :", "", &rules("a[")] {
        lockgate.write("policies/p.yaml", broken);
        lockgate.wait_for_line("a bad change of policies is not in force", LIMIT);
        assert!(!shows(&client.fetch("open.t51", 0).1, CANARY), "{broken:?}");
    }
    assert!(!shows(&client.fetch("open.t51", 0).1, CANARY));
}

#[test]
fn t51_a_start_with_a_bad_policy_is_refused_with_its_place() {
    let stage = stage();
    let config = configuration(&stage.kafka, ports::free(), *ports::consecutive(2).start(), "");
    let broken = rules("a").replace("redact", "redcat");
    let refused = Lockgate::refused(LockgateSettings::new(config).file("policies/p.yaml", broken));
    let said = refused.explain();
    assert!(said.contains("p.yaml:9:") && said.contains("redact"), "{said}");
}
