//! The sample of the documentation is accepted, and every mistake is answered with its place and
//! what to write instead.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod listeners;

use std::path::Path;

use super::*;
use crate::enforce::{Addresses, PortLayout};

const SAMPLE: &str = "\
listen: 0.0.0.0:9092
addresses: {ports: 9093-9099, host: kafka-gw.acme.example}
upstream: kafka-0.internal:9092
policies: ./policies
audit: {dir: /var/lib/lockgate/audit}
identity:
  oauthbearer: {issuer: https://id.acme.example, audience: kafka, groups_claim: groups}
";

/// The four keys that have no default.
const SMALL: &str = "\
listen: 127.0.0.1:9092
addresses: keep
upstream: localhost:19092
identity: {anonymous: {}}
";

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("policies")).unwrap();
    std::fs::write(directory.path().join("keys.json"), "{}").unwrap();
    directory
}

fn parse_in(directory: &Path, text: &str) -> Result<Config, ConfigError> {
    parse("l.yaml", text, directory, &|name| (name == "NODE").then(|| "kafka-7".to_owned()))
}

fn accepted(text: &str) -> Config {
    parse_in(directory().path(), text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    parse_in(directory().path(), text).unwrap_err().to_string()
}

/// The small file with one line replaced.
fn small_with(key: &str, line: &str) -> String {
    let kept = SMALL.lines().filter(|kept| !kept.starts_with(key));
    kept.chain([line]).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_sample_is_accepted_and_defaults_are_safe() {
    let config = accepted(SAMPLE);
    let cluster = &config.clusters[0];
    assert_eq!((config.clusters.len(), &*cluster.name), (1, "default"));
    assert_eq!(cluster.listeners.len(), 1);
    assert_eq!(cluster.listeners[0].address, "0.0.0.0:9092".parse().unwrap());
    let Addresses::Ports { host, layout } = &cluster.addresses else { panic!() };
    assert_eq!(&**host, "kafka-gw.acme.example");
    assert_eq!(*layout, PortLayout::Range { first: 9093, last: 9099 });
    assert_eq!(cluster.upstream.bootstrap[0].to_string(), "kafka-0.internal:9092");
    assert_eq!(cluster.upstream.auth, UpstreamAuth::None);
    let issuer = &cluster.identity.issuers[0];
    assert_eq!(issuer.keys, KeySource::Discovery);
    assert_eq!(issuer.rules.groups_claim.as_deref(), Some("groups"));
    assert_eq!(issuer.rules.principal_claim, "sub");
    assert_eq!(issuer.rules.clock_skew_seconds, 30);
    assert_eq!(cluster.identity.anonymous, None);
    assert_eq!(config.audit.evidence, Evidence::Required);
    assert_eq!(config.audit.durability, Durability::Process);
    assert_eq!(config.audit.directory, Path::new("/var/lib/lockgate/audit"));
    assert!(config.policies_directory.ends_with("policies"));
    assert_eq!(config.admin.address, "127.0.0.1:9644".parse().unwrap());
    assert_eq!(config.admin.scope(), AdminScope::All);
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn the_defaults_of_the_limits_pass_their_own_checks() {
    for row in LIMITS {
        assert!((row.least..=row.most).contains(&row.default), "{}", row.name);
        assert!(row.doc.contains(&row.default.to_string()), "{}", row.name);
    }
    let lines = LIMITS.iter().map(|row| format!("  {}: {}\n", row.name, row.default));
    let written = accepted(&format!("{SMALL}limits:\n{}", lines.collect::<String>()));
    assert_eq!(written.limits, Limits::default());
}

#[test]
fn every_form_of_every_key_is_read() {
    let config = accepted(
        "
clusters:
  - name: payments
    listen: [127.0.0.1:9092, {address: '[::1]:9192'}]
    addresses: {ports: {1: 9093, 2: 9094}, host: localhost}
    upstream: {bootstrap: ['${NODE}:9092', '[fe80::1]:9092'], auth: forward}
    identity:
      mode: terminate
      oauthbearer:
        - {name: acme, issuer: https://id.acme.example, audience: [kafka, k2],
           jwks: {file: keys.json}, algorithms: [ES256], clock_skew_seconds: 5,
           principal_claim: preferred_username}
        - {name: partner, issuer: https://id.partner.example, audience: kafka,
           jwks: http://127.0.0.1:8080/keys}
      groups: {file: keys.json}
policies: {dir: policies}
audit: {dir: a, required: false, durability: disk, rotate_seconds: 60, rotate_rows: 10}
admin: {listen: '0.0.0.0:9644', allow_remote: true}
limits: {idle_ms_max: 1000}
",
    );
    let cluster = &config.clusters[0];
    assert_eq!(&*cluster.name, "payments");
    assert_eq!(cluster.listeners.len(), 2);
    assert_eq!(cluster.broker_hosts().len(), 2);
    assert_eq!(cluster.upstream.bootstrap[0].to_string(), "kafka-7:9092");
    assert_eq!(cluster.upstream.bootstrap[1].to_string(), "[fe80::1]:9092");
    assert_eq!(cluster.upstream.auth, UpstreamAuth::Forward);
    assert_eq!(cluster.identity.issuer_names(), ["acme", "partner"]);
    let KeySource::File(file) = &cluster.identity.issuers[0].keys else { panic!() };
    assert!(file.is_absolute() && file.ends_with("keys.json"));
    assert_eq!(config.audit.evidence, Evidence::BestEffort);
    assert_eq!(config.audit.durability, Durability::Disk);
    assert_eq!(config.admin.scope(), AdminScope::Probes);
    assert_eq!(config.limits.idle_ms_max, 1000);
}

#[test]
fn a_section_whose_keys_are_all_commented_out_is_its_defaults() {
    let config = accepted(&format!("{SMALL}audit:\n  # dir: a\nadmin:\nlimits:\n"));
    assert_eq!(config.limits, Limits::default());
    assert!(refused("").contains("the key `listen` is missing"));
    assert!(refused("# nothing\n").contains("the key `listen` is missing"));
}

#[test]
fn one_issuer_needs_no_name_and_its_principals_carry_none() {
    let line = "identity: {oauthbearer: {name: acme, issuer: https://a, audience: k}}";
    let config = accepted(&small_with("identity", line));
    assert_eq!(config.clusters[0].identity.issuer_names(), Vec::<String>::new());
}

#[test]
fn a_mistake_is_shown_with_its_line_and_a_suggestion() {
    assert_eq!(
        refused("listn: 0.0.0.0:9092\n"),
        "error: unknown key `listn`\n  --> l.yaml:1:1\n   | listn: 0.0.0.0:9092\n   | ^^^^^\n  \
         help: did you mean `listen`?"
    );
    assert_eq!(
        refused(&small_with("addresses", "addresses: kep")),
        "error: unknown value `kep`\n  --> l.yaml:4:12\n   | addresses: kep\n   |            \
         ^^^\n  help: did you mean `keep`?"
    );
    assert_eq!(
        refused(&small_with("listen", "listen: 0.0.0.0:9092")),
        "error: `anonymous` would let anybody who reaches 0.0.0.0:9092 in without a login\n  \
         --> l.yaml:3:23\n   | identity: {anonymous: {}}\n   |                       ^\n  help: \
         listen on 127.0.0.1, or write `anonymous: {allow_remote: true}` if that is meant"
    );
}

/// (a file, parts of what is said about it)
fn mistakes() -> Vec<(String, Vec<&'static str>)> {
    let swap = small_with;
    vec![
        (swap("addresses", ""), vec!["`addresses` is missing", "keep", "ports: 9093-9099"]),
        (swap("listen", ""), vec!["`listen` is missing", "help: say where clients connect"]),
        (swap("upstream", ""), vec!["`upstream` is missing"]),
        (swap("identity", ""), vec!["`identity` is missing", "oauthbearer: {issuer"]),
        (swap("identity", "identity: {}"), vec!["lets nobody in", "4:11", "oauthbearer: {issuer"]),
        (swap("listen", "listen: :9092"), vec!["l.yaml:4:9", "write `0.0.0.0:9092`"]),
        (swap("listen", "listen: [127.0.0.1:1, nine]"), vec!["l.yaml:4:23", "`nine`"]),
        (swap("listen", "listen: 9092"), vec!["l.yaml:4:1", "expected one value or a list"]),
        (
            swap("listen", "listen: [127.0.0.1:9092, 127.0.0.1:9092]"),
            vec!["4:26", "127.0.0.1:9092 is listed twice"],
        ),
        (
            swap("addresses", "addresses: {ports: 9090-9099, host: h}"),
            vec!["port 9092 of `listen` is also the port of a broker"],
        ),
        (
            swap("addresses", "addresses: {ports: 9640-9650, host: h}"),
            vec!["port 9644 of `admin.listen` is also the port of a broker"],
        ),
        (
            swap("addresses", "addresses: {ports: {1: 9093, 2: 9093}, host: h}"),
            vec!["4:33", "brokers 1 and 2 have the same port 9093"],
        ),
        (swap("addresses", "addresses: {ports: 9099-9093, host: h}"), vec!["4:20", "empty range"]),
        (swap("addresses", "addresses: {ports: 9093-9099}"), vec!["4:12", "no `host`"]),
        (
            swap("addresses", "addresses: {ports: 9093-9099, host: 'h:1'}"),
            vec!["4:37", "`h:1` is not a host"],
        ),
        (
            swap("upstream", "upstream: kafka://a:9092"),
            vec!["4:11", "leave the scheme out: `a:9092`"],
        ),
        (swap("upstream", "upstream: a:1,b:2"), vec!["write a list"]),
        (swap("upstream", "upstream: localhost:9092"), vec!["4:11", "is Lockgate's own listener"]),
        (
            swap("upstream", "upstream: {bootstrap: 'a:1', auth: forward}"),
            vec!["4:36", "`forward` needs a token"],
        ),
        (
            swap("upstream", "upstream: '${NOWHERE}:9092'"),
            vec!["4:11", "the environment variable `NOWHERE` is not set"],
        ),
    ]
}

/// The same, for the keys that stand beside the cluster's.
fn more_mistakes() -> Vec<(String, Vec<&'static str>)> {
    let line = |line: &str| format!("{SMALL}{line}\n");
    vec![
        (line("admin: {listen: '0.0.0.0:9644'}"), vec!["5:17", "allow_remote: true"]),
        (line("policies: ./nowhere"), vec!["5:11", "does not exist"]),
        (line("policies: https://a/b"), vec!["5:11", "`https` is not built yet"]),
        (line("audit: {durability: diskk}"), vec!["5:21", "did you mean `disk`?"]),
        (line("audit: {rotate_rows: 0}"), vec!["5:22", "from 1 to 16777216"]),
        (line("limits: {idle_ms: 5}"), vec!["5:10", "`idle_ms`"]),
        (line("limits: {idle_ms_max: 5}"), vec!["5:23", "from 1000 to 86400000"]),
        (
            line("limits: {idle_ms_max: soon}"),
            vec!["5:23", "expected a whole number, not negative"],
        ),
        (
            line("limits: {request_budget_bytes: 104857600}"),
            vec!["5:32", "less than one frame", "set `request_budget_bytes` to 171966464 or more"],
        ),
        (
            line(
                "limits: {control_frame_bytes_max: 65536, unauthenticated_frame_bytes_max: 70000}",
            ),
            vec!["`unauthenticated_frame_bytes_max` is 70000, more than"],
        ),
        (line("name: 'a b'"), vec!["5:7", "letters, digits"]),
        (line("clusters: []"), vec!["`clusters` is empty", "`listen` stands beside `clusters`"]),
        ("clusters: [{name: a}, {name: b}]\n".to_owned(), vec!["1:23", "not built yet"]),
    ]
}

#[test]
fn each_mistake_says_where_and_what_to_write() {
    let mut missing = String::new();
    for (text, parts) in mistakes().into_iter().chain(more_mistakes()) {
        let said = refused(&text);
        for part in parts.iter().filter(|part| !said.contains(**part)) {
            missing.push_str(&format!("`{part}` is not in:\n{said}\nfor:\n{text}\n"));
        }
    }
    assert_eq!(missing, "");
}

#[test]
fn each_mistake_about_issuers_says_where_and_what_to_write() {
    let issuer = |rest: &str| {
        let line = format!("identity: {{oauthbearer: {{issuer: https://a, audience: k, {rest}}}}}");
        refused(&small_with("identity", &line))
    };
    assert!(issuer("jwks: http://id.example/keys").contains("not an https URL"));
    assert!(issuer("jwks: 'https://u:p@id.example/'").contains("not an https URL"));
    assert!(issuer("jwks: {file: none.json}").contains("none.json does not exist"));
    assert!(issuer("algorithms: [HS256]").contains("did you mean `RS256`?"));
    assert!(issuer("algorithms: [none]").contains("the asymmetric ones are"));
    assert!(issuer("algorithms: []").contains("would accept no token"));
    assert!(issuer("clock_skew_seconds: 31").contains("from 0 to 30"));
    let identity = |line: &str| refused(&small_with("identity", line));
    assert!(
        identity("identity: {oauthbearer: {issuer: https://a}}").contains("`audience` is missing")
    );
    let two = "identity: {oauthbearer: [{issuer: https://a, audience: k}, {name: n, issuer: \
               https://b, audience: k}]}";
    let said = identity(two);
    assert!(said.contains("each needs a `name` of its own\n  --> l.yaml:4:35"), "{said}");
    let same = "identity: {oauthbearer: [{name: n, issuer: https://a, audience: k}, {name: n, \
                issuer: https://a, audience: k}]}";
    let said = identity(same);
    assert!(said.contains("of its own\n  --> l.yaml:4:76"), "{said}");
    assert!(said.contains("listed twice"), "{said}");
    assert!(identity("identity: {oauthbearer: []}").contains("lists no issuer"));
}

#[test]
fn what_is_not_built_is_refused_by_name_and_place() {
    let cases = [
        ("git", format!("{SMALL}policies: {{git: {{url: u}}}}"), "5:12"),
        ("holds", format!("{SMALL}holds: {{topic: t}}"), "5:1"),
        ("schemas", format!("{SMALL}schemas: {{}}"), "5:1"),
        ("sessions", format!("{SMALL}sessions: {{}}"), "5:1"),
        ("store", format!("{SMALL}audit: {{store: s3}}"), "5:9"),
        ("signing_key", format!("{SMALL}audit: {{signing_key: 'hunter2'}}"), "5:9"),
        ("oidc", format!("{SMALL}admin: {{oidc: {{}}}}"), "5:9"),
    ];
    for (word, text, place) in cases {
        let said = refused(&text);
        assert!(said.contains(&format!("`{word}` is not built yet")), "{word}: {said}");
        assert!(said.contains(&format!("--> l.yaml:{place}")), "{word}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn what_a_variable_holds_is_not_shown() {
    for (key, line) in [
        ("listen", "listen: '${NODE}'"),
        ("addresses", "addresses: '${NODE}'"),
        ("addresses", "addresses: {ports: '${NODE}', host: '${NODE}:1'}"),
        ("upstream", "upstream: '${NODE}'"),
        (
            "identity",
            "identity: {oauthbearer: {issuer: '${NODE}', audience: k, algorithms: ['${NODE}']}}",
        ),
        ("identity", "identity: {oauthbearer: {issuer: 'i', audience: k, jwks: '${NODE}'}}"),
    ] {
        let said = refused(&small_with(key, line));
        assert!(!said.contains("kafka-7") && said.contains("${NODE}"), "{said}");
    }
}

#[test]
fn every_problem_is_reported_at_once() {
    let error = parse_in(
        directory().path(),
        "listen: nine\naddresses: kep\nupstream: a\nidentity: {}\nlimits: {idle_ms_max: 1}\n",
    );
    let lines: Vec<u32> = error.unwrap_err().problems().iter().map(|p| p.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5]);
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let said = load(Path::new("/nonexistent/lockgate.yaml")).unwrap_err().to_string();
    assert!(said.contains("--> /nonexistent/lockgate.yaml"), "{said}");
}

#[test]
fn the_schema_describes_every_key_and_knows_the_sample() {
    let schema = schema();
    let keys = schema["properties"].as_object().unwrap();
    let expected = [
        "addresses",
        "admin",
        "audit",
        "clusters",
        "identity",
        "limits",
        "listen",
        "name",
        "policies",
        "upstream",
    ];
    let mut names: Vec<&str> = keys.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    for (name, key) in keys {
        assert!(key["description"].is_string(), "{name}");
    }
    assert_eq!(schema["additionalProperties"], false);
    let sample: serde_json::Value = crate::yaml::read("s.yaml", SAMPLE).unwrap();
    for key in sample.as_object().unwrap().keys() {
        assert!(keys.contains_key(key), "{key}");
    }
    let limits = schema["$defs"]["Limits"]["properties"].as_object().unwrap();
    assert_eq!(limits.len(), LIMITS.len());
    for row in LIMITS {
        assert_eq!(limits[row.name]["default"], row.default, "{}", row.name);
        assert_eq!(limits[row.name]["minimum"], row.least, "{}", row.name);
    }
    let text = schema.to_string();
    assert!(!text.contains("Spanned") && text.contains("clock_skew_seconds"), "{text}");
}

#[test]
fn passwords_are_kept_off_the_network_and_from_brokers_that_want_tokens() {
    let directory = directory();
    std::fs::write(directory.path().join("users.yaml"), "users: {}\n").unwrap();
    let said = |text: &str| {
        parse_in(directory.path(), text)
            .map(|config| config.clusters[0].identity.clone())
            .map_err(|error| error.to_string())
    };
    let identity = |text: &str| said(&small_with("identity", &format!("identity: {{{text}}}")));
    let both = identity("plain: {users: users.yaml}, scram: {users: {file: users.yaml}}").unwrap();
    assert_eq!(both.plain.as_ref(), both.scram.as_ref().map(|(path, _)| path));
    assert_eq!(both.scram.unwrap().1.len(), 2);
    let one = identity("scram: {users: users.yaml, mechanisms: [SCRAM-SHA-512]}").unwrap();
    assert_eq!(one.scram.unwrap().1, [crate::auth::scram::ScramHash::Sha512]);
    for (text, expected) in [
        ("scram: {users: gone.yaml}", "lockgate config user --file"),
        ("scram: {users: users.yaml, mechanisms: []}", "nobody could log in"),
        ("scram: {users: users.yaml, mechanisms: [SCRAM-SHA-1]}", "did you mean `SCRAM-SHA-"),
        ("mode: inspect, plain: {users: users.yaml}", "the broker checks logins, not `plain`"),
        ("mode: inspect, anonymous: {}", "the broker checks logins, not `anonymous`"),
        ("mode: inspects, anonymous: {}", "unknown value `inspects`"),
    ] {
        let problem = identity(text).unwrap_err();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
    assert!(identity("mode: inspect").is_ok());
    let open = "listen: 0.0.0.0:9092\naddresses: keep\nupstream: localhost:19092\n";
    let problem = said(&format!("{open}identity: {{plain: {{users: users.yaml}}}}")).unwrap_err();
    assert!(problem.contains("passwords in clear"), "{problem}");
    let allowed = "identity: {plain: {users: users.yaml, allow_cleartext: true}}";
    assert!(said(&format!("{open}{allowed}")).is_ok());
    assert!(said(&format!("{open}identity: {{scram: {{users: users.yaml}}}}")).is_ok());
    let forward = "listen: 127.0.0.1:9092\naddresses: keep\n\
                   upstream: {bootstrap: 'localhost:1', auth: forward}\n\
                   identity: {scram: {users: users.yaml}}\n";
    assert!(said(forward).unwrap_err().contains("needs a token of every client"));
}
