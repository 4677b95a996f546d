//! `lockgate config user` as an operator meets it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::testcontainers::{Lockgate, LockgateSettings, Scratch, ports};
use crate::world::{COMMAND_LIMIT, config_user};

#[test]
fn users_are_added_changed_listed_and_removed() {
    let scratch = Scratch::new("users");
    let path = scratch.path().join("users.yaml");
    let run = |arguments: &[&str], input: &str| {
        config_user(&scratch, &[&["--file", "users.yaml"], arguments].concat(), input)
    };
    let said = run(&["--name", "alice", "--groups", "b,a"], "s3cret\n").expect_success();
    assert_eq!(said.stdout, "added alice in users.yaml\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read_to_string(&path).unwrap();
    assert!(!first.contains("s3cret"), "{first}");
    scratch.write("pw", "other");
    run(&["bob", "--password-file", "pw"], "").expect_success();
    let environment = Lockgate::program()
        .arguments(["config", "user", "-f", "users.yaml", "-n", "carl"])
        .environment("LOCKGATE_PASSWORD", "s3cret")
        .directory(scratch.path());
    environment.run(COMMAND_LIMIT).expect_success();
    assert_eq!(run(&["--list"], "").expect_success().stdout, "alice\ta,b\nbob\ncarl\n");
    // A new password is a new salt; groups stay unless others are named.
    run(&["--name", "alice"], "s3cret").expect_success();
    let second = fs::read_to_string(&path).unwrap();
    assert_ne!(first, second);
    run(&["--name", "alice", "--groups", "c", "--keep-password"], "").expect_success();
    let third = fs::read_to_string(&path).unwrap();
    assert_eq!(second.replace(r#"["a", "b"]"#, r#"["c"]"#), third);
    assert_eq!(
        run(&["--name", "bob", "--remove"], "").expect_success().stdout,
        "removed bob from users.yaml\n"
    );
    let gone = run(&["--name", "bob", "--remove"], "");
    assert_eq!(gone.status.unwrap().code(), Some(1));
    for (arguments, input, expected) in [
        (&["--name", "dora"][..], "\n", "the password is empty"),
        (&["--name", "a|b"], "pw", "no `|`"),
        (&["--name", ""], "pw", "not empty"),
        (&["--name", "dora", "--groups", "a,,b"], "pw", "the group"),
        (&["--name", "dora", "--keep-password"], "", "there is no user `dora`"),
    ] {
        let refused = run(arguments, input).expect_failure();
        assert!(refused.stderr.contains(expected), "{}", refused.explain());
    }
    scratch.write("users.yaml", "users: {x: {}}\n");
    let refused = run(&["--name", "dora"], "pw").expect_failure();
    assert!(refused.stderr.contains("users.yaml:1:"), "{}", refused.explain());
}

#[test]
fn passwords_in_clear_over_a_network_are_refused_at_the_start() {
    let start = |identity: &str| {
        let listen = ports::free();
        let config = format!(
            "listen: 0.0.0.0:{listen}\naddresses: keep\nupstream: 127.0.0.1:1\n\
             admin: {{listen: \"127.0.0.1:0\"}}\nidentity: {{{identity}}}\n"
        );
        LockgateSettings::new(config)
            .file("policies/none.yaml", crate::world::POLICY)
            .file("users.yaml", "users: {}\n")
    };
    let refused = Lockgate::refused(start("plain: {users: users.yaml}"));
    assert!(refused.stderr.contains("passwords in clear"), "{}", refused.explain());
    assert!(refused.stderr.contains("allow_cleartext"), "{}", refused.explain());
    Lockgate::start(start("plain: {users: users.yaml, allow_cleartext: true}"));
}
