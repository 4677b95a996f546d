//! T21: several issuers, and groups from a file.

use std::time::Duration;

use crate::people::{Reader, read, write};
use crate::testcontainers::process::until;
use crate::testcontainers::{RawClient, TokenIssuer};
use crate::world::{CLEAR, MASKED, World, create_topic, gateway, rows};

/// A changed file is seen within two seconds, on a machine with time to look.
const FILE_LIMIT: Duration = Duration::from_secs(60);

const NAMES: &str = r#"
apiVersion: policy/v1
kind: Policy
metadata: {name: names, version: 1.0.0, owner: privacy@acme.example}
spec:
  mode: enforce
  rules:
    - id: not-for-these
      description: Two people by name; a third has the same name as one of them.
      match:
        direction: consume
        topics: ["**"]
        principals: {users: ["partner|jane", "corp|max"]}
      select: [{path: "$.email"}]
      action: {mask: {with: redact, label: "[hidden]"}}
"#;

#[test]
fn t21_the_same_name_from_two_issuers_is_two_people() {
    create_topic("issuers.names");
    let (corp, partner) = (TokenIssuer::start(), TokenIssuer::start());
    let (corp_url, partner_url) = (corp.url(), partner.url());
    let identity = format!(
        "oauthbearer:\n  \
         - {{name: corp, issuer: \"{corp_url}\", audience: kafka}}\n  \
         - {{name: partner, issuer: \"{partner_url}\", audience: kafka, \
            jwks: {{file: partner.json}}}}"
    );
    let keys = partner.key_set();
    let files = [("partner.json", keys.as_str()), ("policies/people.yaml", NAMES)];
    let (lockgate, address) = gateway(&identity, "", &files);
    let jane = corp.token("jane", &[], 600);
    assert_eq!(write(&address, &jane, "issuers.names", &[CLEAR]), [Ok(())]);
    assert_eq!(read(&address, &jane, "issuers.names", 1), [CLEAR]);
    assert_eq!(read(&address, &corp.token("max", &[], 600), "issuers.names", 1), [MASKED]);
    let theirs = partner.token("jane", &[], 600);
    assert_eq!(read(&address, &theirs, "issuers.names", 1), [MASKED]);
    // Nor can one issuer's key make the other's people.
    let forged = partner.token_for("jane").claim("iss", corp_url.as_str()).sign();
    assert!(!RawClient::connect(&address).log_in(&forged).unwrap().auth_bytes.is_empty());

    let rows = rows(&lockgate);
    for principal in ["corp|jane", "corp|max", "partner|jane"] {
        let logins = rows.iter().filter(|row| row["principal"] == principal);
        let logins = logins.filter(|row| row["event"] == "auth" && row["decision"] == "allow");
        assert!(logins.count() > 0, "{principal} in {rows:#?}");
    }
    assert!(rows.iter().any(|row| row["decision"] == "deny" && row["event"] == "auth"));
}

#[test]
fn groups_come_from_the_file_and_from_its_next_version_at_the_next_login() {
    create_topic("issuers.groups");
    let files = [("groups.yaml", "groups:\n  pii-readers: [jane]\n")];
    let world = World::with("", "  groups: {file: groups.yaml}", &files);
    let (jane, max) = (world.token("jane", &[]), world.token("max", &[]));
    let see = |token: &str| read(&world.address, token, "issuers.groups", 1).remove(0);
    assert_eq!(write(&world.address, &jane, "issuers.groups", &[CLEAR]), [Ok(())]);
    assert_eq!([see(&jane), see(&max)], [CLEAR, MASKED]);
    // Groups of the token and of the file add up.
    assert_eq!(see(&world.token("max", &["pii-readers"])), CLEAR);
    let open = Reader::open(&world.address, &jane, "issuers.groups");
    assert_eq!(open.next(1), [CLEAR]);

    world.lockgate.write("groups.yaml", "groups:\n  pii-readers: [max]\n");
    until("the new groups", FILE_LIMIT, || {
        if see(&max) == CLEAR { Ok(()) } else { Err("the old ones are in use".to_owned()) }
    });
    assert_eq!(see(&jane), MASKED);
    // A session keeps what it was let in with.
    assert_eq!(write(&world.address, &jane, "issuers.groups", &[CLEAR]), [Ok(())]);
    assert_eq!(open.next(1), [CLEAR]);

    // A file that cannot be read changes nobody's groups.
    world.lockgate.write("groups.yaml", "groups: [max");
    world.lockgate.wait_for_line("the last good group file stays in use", FILE_LIMIT);
    assert_eq!([see(&jane), see(&max)], [MASKED, CLEAR]);
}
