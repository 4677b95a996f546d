//! Who may do what is the brokers' to say; what they see of it is Lockgate's.

use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopic;

use crate::cluster::{
    CLEAR, CREATE, GATEWAY_AUDIENCE, GROUP_RESOURCE, Gateway, MASKED, PROPAGATION_LIMIT, READ,
    TOPIC_RESOURCE, WRITE, cluster, topic_name,
};
use crate::people::{read, write};
use crate::testcontainers::process::until;
use crate::testcontainers::{ClientProperties, JavaTools, RawClient};

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

#[test]
fn the_brokers_acls_decide_by_the_clients_own_name() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    cluster().create_topic("acls.payments", &[1, 2, 3]);
    cluster().allow("jane", TOPIC_RESOURCE, "acls.", &[READ, WRITE]);
    cluster().allow("max", TOPIC_RESOURCE, "acls.", &[READ]);
    let jane = cluster().token("jane", &["pii-readers"]);
    let max = cluster().token("max", &[]);
    let eve = cluster().token("eve", &["pii-readers"]);
    until("the ACLs on every broker", PROPAGATION_LIMIT, || {
        let reports = write(&gateway.address, &jane, "acls.payments", &[CLEAR]);
        reports.into_iter().collect::<Result<(), String>>()
    });
    assert_eq!(read(&gateway.address, &jane, "acls.payments", 1), [CLEAR]);
    assert_eq!(read(&gateway.address, &max, "acls.payments", 1), [MASKED]);
    for stranger in [&max, &eve] {
        let reports = write(&gateway.address, stranger, "acls.payments", &[CLEAR]);
        let refused = reports[0].as_ref().unwrap_err();
        assert!(refused.contains("Topic authorization failed"), "{refused}");
    }
}

#[test]
fn java_clients_are_known_to_the_brokers_too() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    cluster().create_topic("java.payments", &[2, 3, 1]);
    cluster().allow("java", TOPIC_RESOURCE, "java.", &[READ, WRITE]);
    cluster().allow("java", GROUP_RESOURCE, "java-", &[READ]);
    let tools = |name: &str, groups: &[&str]| {
        let token = cluster().token(name, groups);
        gateway.lockgate.write(&format!("{name}.token"), &token);
        let path = gateway.lockgate.directory().join(format!("{name}.token"));
        let properties = ClientProperties::plain().token_file(&path);
        JavaTools::new(cluster().kafka.jars(), &gateway.address, properties)
    };
    let java = tools("java", &[]);
    java.console_produce("java.payments", &[CLEAR, CLEAR], &[]).expect_success();
    let group = ["--group", "java-readers"];
    let lines = java.console_consume("java.payments", 2, &group).expect_success();
    assert_eq!(lines.lines(), [MASKED, MASKED]);
    let stranger = tools("stranger", &[]);
    let refused = stranger.console_produce("java.payments", &[CLEAR], &[]);
    assert!(refused.stderr.contains("TopicAuthorizationException"), "{}", refused.explain());
}

#[test]
fn topics_are_created_by_those_whom_the_brokers_let() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    cluster().allow("maker", TOPIC_RESOURCE, "made.", &[CREATE]);
    let create = |user: &str| {
        let mut client = RawClient::logged_in(&gateway.address, &cluster().token(user, &[]));
        let topic = CreatableTopic::default()
            .with_name(topic_name("made.payments"))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        client.call(7, &request).unwrap().topics[0].error_code
    };
    assert_eq!(create("breaker"), TOPIC_AUTHORIZATION_FAILED);
    until("the ACL on every broker", PROPAGATION_LIMIT, || match create("maker") {
        0 => Ok(()),
        error => Err(format!("error {error}")),
    });
    // Groups are Lockgate's to know; they do not let anybody past the broker.
    assert_eq!(create("breaker"), TOPIC_AUTHORIZATION_FAILED);
}

#[test]
fn a_token_must_please_both() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    let token = |audience: &str| cluster().issuer.token_for("jane").audience(audience).sign();
    // On the port of a broker that nobody has asked for yet, too.
    for address in [gateway.address_of(3), gateway.address.clone(), gateway.address_of(1)] {
        for (audience, complaint) in
            [(GATEWAY_AUDIENCE, "the broker refused the token"), ("another", "this gateway")]
        {
            let mut client = RawClient::connect(&address);
            let first = client.log_in(&token(audience)).unwrap();
            assert_eq!(first.error_code, 0);
            assert_eq!(&first.auth_bytes[..], br#"{"status":"invalid_token"}"#);
            assert_eq!(client.authenticate(&[1]).unwrap().error_code, 58);
            client.expect_closed();
            let row = gateway.rows("auth").pop().unwrap();
            assert_eq!(row["decision"], "deny");
            assert!(row["message"].as_str().unwrap().contains(complaint), "{row}");
        }
    }
    RawClient::logged_in(&gateway.address, &token("kafka"));
}
