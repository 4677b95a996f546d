//! Logins and handshakes that fail: the client is disconnected, the log, the metric and a row say
//! why, and the next connection tries again.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::testcontainers::process::until;
use crate::testcontainers::secured::add_scram_user;
use crate::world::{PATIENCE, Through, path, world};

#[test]
fn a_refused_login_is_told_and_tried_again() {
    let world = world();
    let _whole = world.shared();
    let sasl = world.kafka.node(1).sasl_address();
    let stale = stale_tokens(world.issuer.token_for("gw").lifetime_seconds(-60).sign());
    for (auth, words) in [
        (
            "{plain: {username: alice, password: hunter2}}".to_owned(),
            "Invalid username or password",
        ),
        (
            "{plain: {username: nobody, password: hunter2}}".to_owned(),
            "Invalid username or password",
        ),
        ("{scram: {username: carol, password: hunter2}}".to_owned(), "invalid credentials"),
        (
            "{scram: {username: nobody, password: hunter2, mechanism: SCRAM-SHA-256}}".to_owned(),
            "invalid credentials",
        ),
        (
            format!(
                "{{oauthbearer: {{token_url: \"{stale}\", client_id: gw, client_secret: hunter2}}}}"
            ),
            "invalid_token",
        ),
    ] {
        let through = Through::start(&format!("bootstrap: \"{sasl}\", auth: {auth}"));
        let failed = through.metric("lockgate_upstream_failures_total");
        through.refuses(words);
        through.refuses(words);
        assert!(through.metric("lockgate_upstream_failures_total") >= failed + 2.0, "{auth}");
        let row = through.refusals().pop().unwrap_or_else(|| panic!("no row for {auth}"));
        let message = row["message"].as_str().unwrap();
        assert!(message.contains("Lockgate's own login") && message.contains(words), "{row}");
        assert!(!through.lockgate.stderr().contains("hunter2"));
    }
}

/// A token endpoint that always gives this token, which it says is good for a while.
fn stale_tokens(token: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let body =
                format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":300}}"#);
            let _ = write!(
                connection,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn a_broker_that_cannot_be_trusted_gets_nothing() {
    let world = world();
    let _whole = world.shared();
    let node = world.kafka.node(1);
    let (ssl, mtls) = (node.ssl_address(), node.mtls_address());
    for (upstream, words) in [
        (format!("bootstrap: \"{ssl}\", {}", world.tls("other-ca.pem", "")), "UnknownIssuer"),
        (
            format!(
                "bootstrap: \"{ssl}\", {}",
                world.tls("ca.pem", ", server_name: kafka.example")
            ),
            "not valid for name",
        ),
        (format!("bootstrap: \"{}\", {}", node.address(), world.tls("ca.pem", "")), "TLS: "),
    ] {
        let through = Through::start(&upstream);
        through.refuses(words);
        assert!(through.metric("lockgate_upstream_failures_total") >= 1.0, "{upstream}");
    }
    // The broker ends a connection without the certificate that it asks for.
    let through = Through::start(&format!("bootstrap: \"{mtls}\", {}", world.tls("ca.pem", "")));
    through.refuses("the brokers are not known yet");
}

#[test]
fn new_authorities_are_taken_without_a_restart() {
    let world = world();
    let _whole = world.shared();
    let ssl = world.kafka.node(1).ssl_address();
    let read = |name: &str| std::fs::read_to_string(world.files.file(name)).unwrap();
    let upstream = format!("bootstrap: \"{ssl}\", tls: {{ca: ca.pem}}");
    let through =
        Through::with(&upstream, |settings| settings.file("ca.pem", read("other-ca.pem")));
    through.refuses("UnknownIssuer");
    through.lockgate.write("ca.pem", "half a fi");
    through.lockgate.wait_for_line("the old in use", PATIENCE);
    through.lockgate.write("ca.pem", &read("ca.pem"));
    through.lockgate.wait_for_line("are in use", PATIENCE);
    through.serves();
}

#[test]
fn a_name_that_the_certificate_has_may_be_given() {
    let world = world();
    let _whole = world.shared();
    let address = world.kafka.node(1).ssl_address().replace("localhost", "127.0.0.1");
    let tls = world.tls("ca.pem", ", server_name: localhost");
    Through::start(&format!("bootstrap: \"{address}\", {tls}")).carries("server-name", 10);
}

#[test]
fn a_secret_in_a_file_is_read_again() {
    let world = world();
    let _whole = world.shared();
    let sasl = world.kafka.node(1).sasl_address();
    add_scram_user(&world.kafka, "dave", "first");
    let auth = "{scram: {username: dave, password: {file: dave.secret}}}";
    let through = Through::with(&format!("bootstrap: \"{sasl}\", auth: {auth}"), |settings| {
        settings.file("dave.secret", "wrong\n")
    });
    through.refuses("invalid credentials");
    through.lockgate.write("dave.secret", "first\n");
    through.carries("rotated", 10);
    add_scram_user(&world.kafka, "dave", "second");
    // Once the broker has heard of it, the old one is refused.
    until("the new password at the broker", PATIENCE, || {
        let mut client = crate::testcontainers::RawClient::connect(&through.bootstrap());
        client.api_versions().map_or(Ok(()), |_| Err("the old one is still taken".to_owned()))
    });
    through.lockgate.write("dave.secret", "second");
    through.serves();
    std::fs::remove_file(through.lockgate.directory().join("dave.secret")).unwrap();
    through.refuses("cannot read");
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let world = world();
    let (ca, key) = (world.files.file("ca.pem"), world.files.file("client.key"));
    for (upstream, words) in [
        (format!("tls: {{cert: {}, key: {}}}", path(&ca), path(&key)), "is not that of"),
        (format!("tls: {{ca: {}}}", path(&key)), "holds no certificate"),
    ] {
        let config = format!(
            "listen: 127.0.0.1:0\naddresses: keep\nidentity: {{anonymous: {{}}}}\n\
             upstream: {{bootstrap: \"localhost:1\", {upstream}}}\n"
        );
        let settings = crate::testcontainers::LockgateSettings::new(config)
            .file("policies/permits.yaml", crate::testcontainers::gateway::PERMITS_ONLY);
        let refused = crate::testcontainers::Lockgate::refused(settings);
        assert!(refused.stderr.contains(words), "{}", refused.explain());
    }
}
