//! A sidecar: the broker itself advertises Lockgate's address, and no address is rewritten.

use crate::testcontainers::{
    ClientProperties, JavaTools, Kafka, KafkaSettings, Lockgate, LockgateSettings, ports, stored,
};

#[test]
fn clients_of_a_broker_that_advertises_its_sidecar_all_pass_it() {
    let (listen, admin) = (ports::free_address(), ports::free_address());
    let kafka = Kafka::start(&KafkaSettings::one_node().advertised([listen.clone()]));
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let config = format!(
        "listen: {listen}\naddresses: keep\nupstream: {}\nadmin: {{listen: \"{admin}\"}}\n\
         identity: {{anonymous: {{groups: [platform]}}}}\n",
        kafka.bootstrap(),
    );
    let _lockgate = Lockgate::start(
        LockgateSettings::new(config)
            .directory("policies", &shipped)
            .directory("policies/keys", &shipped.join("keys")),
    );
    let topic = "payments.sidecar.captured";
    // Whoever starts at the broker is sent to the sidecar too.
    let value = r#"{"amount":1,"card":{"pan":"4111111111111111"}}"#;
    let tools = JavaTools::new(kafka.jars(), &listen, ClientProperties::plain());
    tools.create_topic(topic, 1, 1, &[]).expect_success();
    tools.console_produce(topic, &[value], &[]).expect_success();
    let masked = r#"{"amount":1,"card":{"pan":"************1111"}}"#;
    for bootstrap in [&listen, &kafka.bootstrap()] {
        let tools = JavaTools::new(kafka.jars(), bootstrap, ClientProperties::plain());
        let read = tools.console_consume(topic, 1, &[]).expect_success();
        assert_eq!(read.lines(), [masked], "from {bootstrap}");
    }
    let through = stored(&listen, topic, 0);
    assert_eq!(through[0].value.as_deref(), Some(masked));
    let direct = stored(&kafka.direct_bootstrap(), topic, 0);
    assert_eq!(direct[0].value.as_deref(), Some(value));
}
