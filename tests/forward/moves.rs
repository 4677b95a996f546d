//! A broker that comes back at another address: its port here leads to it at once, also for the
//! client that is the first to miss it.

use crate::cluster::{Gateway, PROPAGATION_LIMIT, READ, TOPIC_RESOURCE, WRITE, cluster};
use crate::people::write;
use crate::routes::led;
use crate::testcontainers::process::until;
use crate::testcontainers::{RawClient, stored, values};

const TOPIC: &str = "moves.leaders";

#[test]
fn a_broker_that_moved_is_found_again_by_whoever_misses_it() {
    let _only = cluster().alone();
    let cluster = cluster();
    cluster.create_topic(TOPIC, &[3, 1, 2]);
    for user in ["jane", "gw"] {
        cluster.allow(user, TOPIC_RESOURCE, "moves.", &[READ, WRITE]);
    }
    let jane = cluster.token("jane", &[]);
    let url = cluster.issuer.token_url();
    let own = format!("{{oauthbearer: {{token_url: \"{url}\", client_id: gw, client_secret: s}}}}");
    let gateways = [("forward", Gateway::with_auth("forward")), ("own", Gateway::with_auth(&own))];
    for (name, gateway) in &gateways {
        until("the ACLs on every broker", PROPAGATION_LIMIT, || {
            let reports = write(&gateway.address, &jane, TOPIC, &[name]);
            reports.into_iter().collect::<Result<(), String>>()
        });
        let mut client = RawClient::logged_in(&gateway.address_of(3), &jane);
        assert_eq!(led(&mut client, TOPIC), [0]);
    }
    let old = cluster.kafka.node(3).sasl_address();
    cluster.kafka.node(3).move_sasl();
    assert_ne!(cluster.kafka.node(3).sasl_address(), old);
    cluster.kafka.leaders(TOPIC);
    for (name, gateway) in &gateways {
        let mut client = RawClient::connect(&gateway.address_of(3));
        // Before the login as well.
        assert_eq!(client.api_versions().unwrap().error_code, 0, "{name}");
        assert!(client.log_in(&jane).unwrap().auth_bytes.is_empty(), "{name}");
        assert_eq!(led(&mut client, TOPIC), [0], "{name}");
        let reports = write(&gateway.address, &jane, TOPIC, &["after"]);
        assert_eq!(reports, [Ok(())], "{name}");
    }
    let records = stored(&cluster.kafka.direct_bootstrap(), TOPIC, 0);
    assert_eq!(values(&records), ["forward", "own", "after", "after"]);
}
