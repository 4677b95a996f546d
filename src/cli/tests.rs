//! The command line as a user meets it.
#![allow(clippy::unwrap_used)]

use clap::CommandFactory;

use super::*;

const GOOD: &str = "\
listen: 127.0.0.1:9092
addresses: {ports: 9093-9095, host: localhost}
upstream: localhost:19092
identity: {anonymous: {}}
";

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("policies")).unwrap();
    directory
}

fn parse(arguments: &[&str]) -> Result<CommandLine, clap::Error> {
    CommandLine::try_parse_from(["lockgate"].iter().chain(arguments))
}

fn check(config: &str, format: &str) -> (Exit, String) {
    let directory = directory();
    let file = directory.path().join("lockgate.yaml");
    std::fs::write(&file, config).unwrap();
    let line = parse(&["config", "check", file.to_str().unwrap(), "--format", format]).unwrap();
    let Command::Config(config::ConfigCommand::Check(check)) = line.command else { unreachable!() };
    let mut output = Vec::new();
    let exit = check.print(&mut output);
    (exit, String::from_utf8(output).unwrap())
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_documented_command_parses() {
    for line in [
        "serve -c lockgate.yaml",
        "serve --config lockgate.yaml --log-format json --log-level debug",
        "--log-format json serve -c lockgate.yaml",
        "config check -c lockgate.yaml",
        "config check lockgate.yaml --format json",
        "config schema",
        "config user --file users.yaml --name alice",
        "config user --file users.yaml --name alice --groups a,b --password-file pw",
        "config user -f users.yaml alice --groups a --groups b --iterations 8192",
        "config user --file users.yaml --name alice --remove",
        "config user --file users.yaml --list",
        "policy check",
        "policy check policies --format json",
        "policy check -c lockgate.yaml",
        "audit show --dir audit",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        assert!(parse(&arguments).is_ok(), "{line}");
    }
    for line in [
        "serve",
        "config check",
        "config check a -c b",
        "serve -c a --log-format xml",
        "x",
        "config user --file f",
        "config user --name a",
        "config user --file f a --remove --list",
        "config user --file f a --iterations 4095",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        assert!(parse(&arguments).is_err(), "{line}");
    }
}

#[test]
fn a_good_configuration_is_summed_up() {
    let (exit, said) = check(GOOD, "human");
    assert_eq!(exit, Exit::Success);
    assert_eq!(
        said,
        "ok: cluster default, listens on 127.0.0.1:9092, brokers localhost:19092, addresses \
         localhost:9093-9095\n"
    );
    let (exit, said) = check(GOOD, "json");
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(exit, Exit::Success);
    assert_eq!(value.pointer("/summary/upstream/0").unwrap(), "localhost:19092");
    assert_eq!(value.pointer("/ok").unwrap(), true);
}

#[test]
fn a_bad_configuration_is_a_finding_with_its_place() {
    let bad = GOOD.replace("addresses", "adresses");
    let (exit, said) = check(&bad, "human");
    assert_eq!(exit, Exit::Findings);
    assert!(said.contains("lockgate.yaml:2:1\n"), "{said}");
    assert!(said.ends_with("did you mean `addresses`?\n\n1 problem\n"), "{said}");
    let (exit, said) = check(&bad, "json");
    assert_eq!(exit, Exit::Findings);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value.pointer("/problems/0/line").unwrap(), 2);
    assert_eq!(value.pointer("/ok").unwrap(), false);
}

#[test]
fn a_configuration_that_is_not_there_is_a_failure() {
    let line = parse(&["config", "check", "/nonexistent/lockgate.yaml"]).unwrap();
    let Command::Config(command) = line.command else { unreachable!() };
    assert_eq!(command.run(), Exit::Failure);
    let line = parse(&["policy", "check", "/nonexistent/policies"]).unwrap();
    let Command::Policy(command) = line.command else { unreachable!() };
    assert_eq!(command.run(), Exit::Failure);
}

#[test]
fn a_bad_policy_is_a_finding_with_its_place() {
    let directory = directory();
    let policies = directory.path().join("policies");
    std::fs::write(policies.join("a.yaml"), "apiVersion: policy/v1\nkind: Policyy\n").unwrap();
    let line = parse(&["policy", "check", policies.to_str().unwrap()]).unwrap();
    let Command::Policy(policy::PolicyCommand::Check(check)) = line.command else { unreachable!() };
    let mut output = Vec::new();
    assert_eq!(check.print(&mut output), Exit::Findings);
    let said = String::from_utf8(output).unwrap();
    assert!(said.contains("a.yaml") && said.contains("problem"), "{said}");
}
