//! `lockgate doctor` finds what is wrong with a deployment: each check is seen to fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, date_time_ymd};
use rdkafka::mocking::MockCluster;
use serde_json::Value;
use testcontainers::{Authority, Program, Scratch, TokenIssuer, ports};

const LIMIT: Duration = Duration::from_mins(1);
const POLICY: &str = "apiVersion: policy/v1
kind: Policy
metadata: {name: t}
spec:
  rules:
    - id: no-secrets
      match: {direction: produce, topics: [\"secret.**\"]}
      action: {deny: {message: no}}
";

/// A deployment on paper; what a test changes is what it is about.
struct Deployment {
    scratch: Scratch,
    upstream: String,
    identity: String,
    listen: String,
    audit: String,
    addresses: String,
    more: String,
}

impl Deployment {
    fn new(upstream: impl Into<String>) -> Self {
        let scratch = Scratch::new("doctor");
        scratch.write("policies/one.yaml", POLICY);
        Self {
            scratch,
            upstream: upstream.into(),
            identity: "{anonymous: {}}".to_owned(),
            listen: ports::free_address(),
            audit: "./audit".to_owned(),
            addresses: "keep".to_owned(),
            more: String::new(),
        }
    }

    /// The findings of a check, as `(level, found)`; the exit code must say whether one failed.
    fn examined(&self, check: &str) -> Vec<(String, String)> {
        let config = format!(
            "listen: {}\naddresses: {}\nupstream: {}\nidentity: {}\naudit: {{dir: {}}}\n\
             admin: {{listen: \"{}\"}}\n{}",
            self.listen,
            self.addresses,
            self.upstream,
            self.identity,
            self.audit,
            ports::free_address(),
            self.more
        );
        let file = self.scratch.write("lockgate.yaml", &config);
        run(&["-c", file.to_str().unwrap()], check)
    }
}

fn run(arguments: &[&str], check: &str) -> Vec<(String, String)> {
    let finished = Program::new(env!("CARGO_BIN_EXE_lockgate"))
        .arguments(["doctor", "--format", "json"])
        .arguments(arguments)
        .run(LIMIT);
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let failed = findings.iter().any(|finding| finding["level"] == "failure");
    let code = finished.status.and_then(|status| status.code());
    assert_eq!(code, Some(i32::from(failed)), "{}", finished.explain());
    assert_eq!(report["ok"], !failed);
    for finding in findings {
        let advised = finding["advice"].as_str().is_some_and(|advice| !advice.is_empty());
        let good = finding["level"] == "ok" || finding["level"] == "skipped";
        assert!(good || advised, "nothing to do about {finding}");
    }
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    of_check.map(|finding| (text(finding, "level"), text(finding, "found"))).collect()
}

fn fails(findings: &[(String, String)], words: &str) {
    let told = findings.iter().any(|(level, found)| level == "failure" && found.contains(words));
    assert!(told, "no failure says `{words}`: {findings:?}");
}

fn all_ok(findings: &[(String, String)]) {
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|(level, _)| level == "ok"), "{findings:?}");
}

/// Answers every HTTP request in one way.
fn http(head: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\n{head}content-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}/jwks")
}

#[test]
fn a_good_deployment_has_no_failure() {
    let cluster = MockCluster::new(3).unwrap();
    let issuer = TokenIssuer::start();
    let mut deployment = Deployment::new(cluster.bootstrap_servers().split(',').next().unwrap());
    deployment.addresses = format!("{{ports: {}, host: 127.0.0.1}}", {
        let ports = ports::consecutive(4);
        format!("{}-{}", ports.start(), ports.end())
    });
    deployment.identity =
        format!("{{oauthbearer: {{issuer: {:?}, audience: kafka-gw}}}}", issuer.url());
    for check in ["config", "policies", "listeners", "issuers", "around"] {
        all_ok(&deployment.examined(check));
    }
    let members = deployment.examined("brokers");
    all_ok(&members);
    assert_eq!(members.len(), 3, "{members:?}");
    let finished = Program::new(env!("CARGO_BIN_EXE_lockgate"))
        .arguments([
            "doctor",
            "-c",
            deployment.scratch.path().join("lockgate.yaml").to_str().unwrap(),
        ])
        .run(LIMIT)
        .expect_success();
    assert!(finished.stdout.contains("ok    brokers"), "{}", finished.stdout);
    assert!(finished.stdout.ends_with("warnings\n") || finished.stdout.ends_with("warning\n"));
}

#[test]
fn a_bad_configuration_and_a_bad_policy_are_failures() {
    let mut deployment = Deployment::new("127.0.0.1:1");
    deployment.more = "nonsense: true\n".to_owned();
    fails(&deployment.examined("config"), "nonsense");
    let deployment = Deployment::new("127.0.0.1:1");
    deployment.scratch.write("policies/two.yaml", "apiVersion: policy/v1\nkind: Polcy\n");
    fails(&deployment.examined("policies"), "two.yaml:2");
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    let mut deployment = Deployment::new("127.0.0.1:1");
    // TEST-NET-1 (RFC 5737) is nobody's.
    deployment.listen = "192.0.2.1:9092".to_owned();
    deployment.identity =
        "{oauthbearer: {issuer: \"http://127.0.0.1:1\", audience: kafka}}".to_owned();
    fails(&deployment.examined("listeners"), "192.0.2.1:9092");
}

#[test]
fn a_port_that_is_taken_is_a_warning_and_too_few_files_too() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut deployment = Deployment::new("127.0.0.1:1");
    deployment.listen = taken.local_addr().unwrap().to_string();
    deployment.more = "limits: {connections_max: 1000000}\n".to_owned();
    let warned = |check: &str, words: &str| {
        let findings = deployment.examined(check);
        let told =
            findings.iter().any(|(level, found)| level == "warning" && found.contains(words));
        assert!(told, "{findings:?}");
    };
    warned("listeners", "is in use");
    warned("files", "1000000 connections need 2000256");
}

#[test]
fn an_audit_directory_that_cannot_be_written_is_a_failure() {
    let mut deployment = Deployment::new("127.0.0.1:1");
    deployment.scratch.write("a-file", "in the way");
    deployment.audit = "./a-file/audit".to_owned();
    fails(&deployment.examined("audit"), "cannot be written to");
}

#[test]
fn issuers_without_keys_and_with_another_clock_are_failures() {
    let judged = |jwks: String| {
        let mut deployment = Deployment::new("127.0.0.1:1");
        deployment.identity = format!(
            "{{oauthbearer: {{issuer: \"https://id.example\", audience: kafka, jwks: {jwks:?}}}}}"
        );
        deployment.examined("issuers")
    };
    fails(&judged(format!("http://{}/jwks", ports::free_address())), "no answer");
    fails(&judged(http("", r#"{"keys": []}"#.to_owned())), "");
    let late = http("date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", TokenIssuer::start().key_set());
    fails(&judged(late), "its clock differs");
}

#[test]
fn a_certificate_that_has_ended_or_soon_will_is_told() {
    let authority = Authority::new();
    let judged = |days: i64| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let end = now.saturating_add_signed(days * 86_400);
        params.not_before = date_time_ymd(1970, 1, 1);
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
        let issued = authority.issue(params);
        let mut deployment = Deployment::new("127.0.0.1:1");
        deployment.listen = format!(
            "{{address: \"{}\", tls: {{cert: {:?}, key: {:?}}}}}",
            deployment.listen, issued.cert, issued.key
        );
        deployment.examined("certificates")
    };
    fails(&judged(-1), "has ended");
    let [(level, found)] = &judged(9)[..] else { panic!() };
    assert!(level == "warning" && found.contains(" ends in "), "{found}");
    all_ok(&judged(90));
}

#[test]
fn a_users_file_that_cannot_be_read_is_a_failure() {
    let mut deployment = Deployment::new("127.0.0.1:1");
    deployment.identity = "{scram: {users: users.yaml}}".to_owned();
    deployment.scratch.write("users.yaml", "users: [nobody]\n");
    fails(&deployment.examined("users"), "users.yaml");
}

#[test]
fn a_group_file_that_cannot_be_read_is_a_failure() {
    let mut deployment = Deployment::new("127.0.0.1:1");
    deployment.identity = "{anonymous: {}, groups: {file: groups.yaml}}".to_owned();
    deployment.scratch.write("groups.yaml", "groups: [nothing]\n");
    fails(&deployment.examined("groups"), "groups.yaml");
}

#[test]
fn brokers_that_do_not_answer_or_speak_too_little_are_failures() {
    let nobody = Deployment::new(ports::free_address());
    fails(&nobody.examined("versions"), "127.0.0.1");
    fails(&nobody.examined("brokers"), "no bootstrap server answers");
    // A broker that has nothing but ApiVersions v0: correlation id −1, no error, one key.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut answer = 16_i32.to_be_bytes().to_vec();
            answer.extend((-1_i32).to_be_bytes());
            answer.extend([0, 0, 0, 0, 0, 1, 0, 18, 0, 0, 0, 0]);
            let _ = stream.unwrap().write_all(&answer);
        }
    });
    let old = Deployment::new(address.to_string());
    fails(&old.examined("versions"), "no common version of Produce, Fetch");
}

#[test]
fn a_broker_outside_the_ports_has_no_address_and_two_on_one_port_collide() {
    let cluster = MockCluster::new(3).unwrap();
    let server = cluster.bootstrap_servers().split(',').next().unwrap().to_owned();
    let port = ports::free();
    let mut deployment = Deployment::new(&server);
    deployment.addresses = format!("{{ports: {{1: {port}}}, host: 127.0.0.1}}");
    fails(&deployment.examined("brokers"), "has no address for clients");
    deployment.addresses = format!("{{ports: {port}-{port}, host: 127.0.0.1}}");
    fails(&deployment.examined("brokers"), "would both have port");
}

#[test]
fn a_broker_that_anybody_can_use_is_a_way_around() {
    let cluster = MockCluster::new(1).unwrap();
    let server = cluster.bootstrap_servers();
    // Written so, the address does not say that it is this machine's own.
    let port = server.rsplit_once(':').unwrap().1;
    let deployment = Deployment::new(format!("\"[::ffff:127.0.0.1]:{port}\""));
    fails(&deployment.examined("around"), "lets anybody in");
    fails(&run(&["--around", &server], "direct"), "lets anybody in from here");
    all_ok(&run(&["--around", &ports::free_address()], "direct"));
}

#[test]
fn brokers_that_end_the_login_and_authorities_that_are_missing_are_failures() {
    let cluster = MockCluster::new(1).unwrap();
    let server = cluster.bootstrap_servers();
    let mut deployment = Deployment::new(format!(
        "{{bootstrap: [{server:?}], auth: {{plain: {{username: u, password: p}}}}}}"
    ));
    // The mock cluster knows no SASL and hangs up.
    fails(&deployment.examined("brokers"), &server);
    deployment.upstream = format!("{{bootstrap: [{server:?}], tls: {{ca: missing.pem}}}}");
    fails(&deployment.examined("config"), "missing.pem");
}
