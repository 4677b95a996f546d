//! A log that takes no more rows: with `audit.required` nothing goes on without evidence.

use kafka_protocol::messages::ProduceRequest;

use crate::testcontainers::{Gateway, GatewaySettings, stored};
use crate::{KAFKA, connect, create_topic, fetch, produce, rows};

/// Room for a few hundred rows.
const BLOCKS: u32 = 128;

/// Enough produces to fill it several times.
const ATTEMPTS: usize = 4000;

/// Produces until the gateway closes the connection; how many were acknowledged.
fn produce_until_refused(gateway: &Gateway, topic: &str) -> usize {
    let request: ProduceRequest = produce(topic, &[(0, &["{}"])]);
    let mut client = connect(gateway);
    for attempt in 0..ATTEMPTS {
        client.send(9, &request);
        let Some(answer) = client.answer_or_end::<ProduceRequest>(9) else { return attempt };
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    panic!("{ATTEMPTS} produces were taken");
}

fn kept(topic: &str) -> usize {
    stored(&KAFKA.direct_bootstrap(), topic, 0).len()
}

#[test]
fn t49_nothing_goes_on_without_its_row() {
    let topic = "full.required";
    create_topic(topic);
    let gateway = GatewaySettings::before(&KAFKA).file_blocks_max(BLOCKS).start();
    let acknowledged = produce_until_refused(&gateway, topic);
    assert!(acknowledged > 20, "{acknowledged}");
    // The last one may have left with its row, and without room for its answer.
    let at_broker = kept(topic);
    assert!((acknowledged..=acknowledged + 1).contains(&at_broker), "{at_broker}");
    // Small rows may still find room; in the end none does.
    let mut at_broker = at_broker;
    loop {
        (0..3).for_each(|_| assert!(produce_until_refused(&gateway, topic) < ATTEMPTS));
        let before = std::mem::replace(&mut at_broker, kept(topic));
        if before == at_broker {
            break;
        }
    }
    for _ in 0..3 {
        assert_eq!(produce_until_refused(&gateway, topic), 0);
        let mut reader = connect(&gateway);
        reader.send(12, &fetch(topic, 0));
        assert_eq!(reader.until_closed(), 0, "no record leaves");
    }
    assert_eq!(kept(topic), at_broker, "nothing was forwarded");
    let (code, body) = gateway.page("/readyz");
    assert_eq!(code, 503, "{body}");
    assert!(body.contains("the audit log takes no rows"), "{body}");
    assert_eq!(gateway.page("/livez").0, 200);
    let produces = rows(gateway.lockgate(), &["--topic", topic]);
    let produced = produces.iter().filter(|row| row["api"] == "Produce").count();
    assert_eq!(produced, at_broker, "each record that is there has its row");
}

#[test]
fn t49_without_required_clients_go_on_and_the_loss_is_counted() {
    let topic = "full.optional";
    create_topic(topic);
    let settings = GatewaySettings::before(&KAFKA).configuration("audit: {required: false}");
    let gateway = settings.file_blocks_max(BLOCKS).start();
    let request = produce(topic, &[(0, &["{}"])]);
    let mut client = connect(&gateway);
    for _ in 0..600 {
        let answer = client.ask(9, &request);
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    assert_eq!(gateway.page("/readyz").0, 503, "somebody is told");
    let produces = rows(gateway.lockgate(), &["--topic", topic]);
    assert!((20..600).contains(&produces.len()), "{}", produces.len());
}
