//! The words of identity: how principals are written, and what a union of groups is.

use super::*;

#[test]
fn one_issuer_writes_the_bare_name() {
    let jane = Principal::user(None, "jane");
    assert_eq!(jane.to_string(), "jane");
    assert!(jane.matches("jane"));
    assert!(!jane.matches("Jane") && !jane.matches("jane ") && !jane.matches("corp|jane"));
}

#[test]
fn t21_several_issuers_keep_the_same_name_apart() {
    let corp = Principal::user(Some("corp".into()), "jane");
    let partner = Principal::user(Some("partner".into()), "jane");
    assert_ne!(corp, partner);
    assert_eq!(corp.to_string(), "corp|jane");
    assert!(corp.matches("corp|jane"));
    for other in ["jane", "partner|jane", "corp", "corp|", "corpjane", "corp|jane|"] {
        assert!(!corp.matches(other), "{other}");
    }
}

#[test]
fn groups_unite_and_unknown_adds_nothing() {
    let token = Groups::known(["b", "a", "a"]);
    let file = Groups::known(["c", "a"]);
    assert_eq!(token.names().len(), 2);
    assert_eq!(token.clone().union(file), Groups::known(["a", "b", "c"]));
    assert_eq!(token.clone().union(Groups::Unknown), token);
    assert_eq!(Groups::Unknown.union(token.clone()), token);
    assert_eq!(Groups::Unknown.union(Groups::Unknown), Groups::Unknown);
    assert!(token.contains("a") && !token.contains("A") && !Groups::Unknown.contains("a"));
}

#[test]
fn mechanisms_have_kafkas_names() {
    assert_eq!(Mechanism::OauthBearer.to_string(), "OAUTHBEARER");
    assert_eq!(Mechanism::Anonymous.as_str(), "ANONYMOUS");
    assert_eq!(Principal::anonymous().to_string(), "ANONYMOUS");
}
