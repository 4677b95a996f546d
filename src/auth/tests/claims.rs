//! Claims: issuer, audience, times, principal, groups; each rule broken once.

use serde_json::json;

use super::*;

fn malformed_time(claim: &'static str) -> Result<Verified, Rejection> {
    Err(Rejection::TimeMalformed { claim })
}

#[test]
fn t21_the_issuer_is_compared_exactly() {
    for other in
        ["https://id.acme.example/", "https://ID.acme.example", "http://id.acme.example", ""]
    {
        assert_eq!(check_claims(&with("iss", other.into())), Err(Rejection::Issuer), "{other}");
    }
    assert_eq!(check_claims(&with("iss", json!(null))), Err(Rejection::Issuer));
    assert_eq!(check_claims(&with("iss", json!([ISSUER]))), Err(Rejection::Issuer));
}

#[test]
fn t21_the_audience_is_mandatory() {
    assert_eq!(check_claims(&with("aud", json!(null))), Err(Rejection::AudienceMissing));
    for good in [json!("kafka"), json!(["kafka"]), json!(["other", "kafka"])] {
        assert!(check_claims(&with("aud", good)).is_ok());
    }
    for others in [json!("other"), json!("Kafka"), json!("kafka "), json!([]), json!(["other"])] {
        assert_eq!(check_claims(&with("aud", others)), Err(Rejection::Audience));
    }
    for malformed in [json!(["kafka", 1]), json!({"kafka": true}), json!(7), json!([["kafka"]])] {
        assert_eq!(check_claims(&with("aud", malformed)), Err(Rejection::AudienceMalformed));
    }
    let nobody = IssuerRules { audience: Vec::new(), ..rules() };
    let token = signer().token(&good_claims());
    let verdict = verify(&BearerToken::new(&token), &nobody, &signers().key_set(), NOW);
    assert_eq!(verdict, Err(Rejection::Audience));
}

#[test]
fn the_clock_is_allowed_the_skew_and_no_second_more() {
    let at = |claim: &str, seconds: i64| check_claims(&with(claim, seconds.into()));
    // exp: refused on and after exp + 30.
    assert_eq!(at("exp", NOW - 31), Err(Rejection::Expired { ago_seconds: 31 }));
    assert_eq!(at("exp", NOW - 30), Err(Rejection::Expired { ago_seconds: 30 }));
    assert_eq!(at("exp", NOW - 29).unwrap().expires_at_seconds, NOW + 1);
    assert_eq!(at("exp", NOW).unwrap().expires_at_seconds, NOW + 30);
    assert_eq!(at("exp", NOW + 1).unwrap().expires_at_seconds, NOW + 1);
    // nbf and iat: accepted from 30 s before.
    assert!(at("nbf", NOW + 30).is_ok());
    assert_eq!(at("nbf", NOW + 31), Err(Rejection::NotYetValid { ahead_seconds: 31 }));
    assert!(at("iat", NOW + 30).is_ok());
    assert_eq!(at("iat", NOW + 31), Err(Rejection::IssuedInFuture { ahead_seconds: 31 }));
    // Without them the token is as good as its expiry.
    assert!(check_claims(&with("nbf", json!(null))).is_ok());
    assert!(check_claims(&with("iat", json!(null))).is_ok());
}

#[test]
fn no_skew_means_none() {
    let strict = IssuerRules { clock_skew_seconds: 0, ..rules() };
    let at = |seconds: i64| {
        let token = signer().token(&with("exp", seconds.into()));
        verify(&BearerToken::new(&token), &strict, &signers().key_set(), NOW)
    };
    assert_eq!(at(NOW), Err(Rejection::Expired { ago_seconds: 0 }));
    assert_eq!(at(NOW + 1).unwrap().expires_at_seconds, NOW + 1);
}

#[test]
fn t22_a_session_always_has_an_end_ahead() {
    for exp in NOW - 29..NOW + 3 {
        assert!(check_claims(&with("exp", exp.into())).unwrap().expires_at_seconds > NOW);
    }
}

#[test]
fn times_are_numbers_of_seconds() {
    assert_eq!(check_claims(&with("exp", json!(null))), Err(Rejection::ExpiryMissing));
    for bad in [json!("1800000600"), json!(true), json!([NOW]), json!(-1), json!(1e300), json!({})]
    {
        assert_eq!(check_claims(&with("exp", bad.clone())), malformed_time("exp"));
        assert_eq!(check_claims(&with("nbf", bad.clone())), malformed_time("nbf"));
        assert_eq!(check_claims(&with("iat", bad)), malformed_time("iat"));
    }
    assert_eq!(check_claims(&with("exp", json!(u64::MAX))), malformed_time("exp"));
    assert_eq!(check_claims(&with("exp", json!(i64::MAX))), malformed_time("exp"));
    // RFC 7519 allows fractions; they are cut.
    let fraction = check_claims(&with("exp", json!(1_800_000_600.75))).unwrap();
    assert_eq!(fraction.expires_at_seconds, 1_800_000_600);
    // A null is a time that is not one, not a time that is absent.
    let text = good_claims().to_string().replace(&(NOW + 600).to_string(), "null");
    assert_eq!(
        check(&signer().token_of(&signer().header().to_string(), &text)),
        malformed_time("exp")
    );
}

#[test]
fn a_token_for_ever_is_refused() {
    let day = i64::try_from(TOKEN_LIFETIME_SECONDS_DEFAULT).unwrap();
    let long = |exp: i64| check_claims(&with("exp", exp.into()));
    assert!(long(NOW - 60 + day).is_ok());
    let verdict = long(NOW - 60 + day + 1);
    assert_eq!(verdict, Err(Rejection::LifetimeTooLong { lifetime_seconds: day + 1 }));
    // Without `iat`, what is left of it counts.
    let mut claims = with("iat", json!(null));
    claims["exp"] = (NOW + day).into();
    assert!(check_claims(&claims).is_ok());
    claims["exp"] = (NOW + day + 1).into();
    assert!(matches!(check_claims(&claims), Err(Rejection::LifetimeTooLong { .. })));
}

#[test]
fn extreme_clocks_and_rules_do_not_overflow() {
    let extreme = IssuerRules {
        clock_skew_seconds: u64::MAX,
        token_lifetime_seconds_max: u64::MAX,
        ..rules()
    };
    let token = signer().token(&good_claims());
    for now in [i64::MIN, -1, 0, i64::MAX] {
        for rules in [&rules(), &extreme] {
            let _ = verify(&BearerToken::new(&token), rules, &signers().key_set(), now);
        }
    }
}

#[test]
fn the_principal_is_a_name() {
    for bad in [json!(null), json!(""), json!(7), json!(["jane"]), json!("a\u{0}b"), json!("a\nb")]
    {
        assert_eq!(check_claims(&with("sub", bad)), Err(Rejection::Principal));
    }
    assert_eq!(check_claims(&with("sub", "é".repeat(129).into())), Err(Rejection::Principal));
    assert!(check_claims(&with("sub", "é".repeat(128).into())).is_ok());

    let nested = IssuerRules { principal_claim: "user.login".to_owned(), ..rules() };
    let token = signer().token(&with("user", json!({"login": "jdoe"})));
    let keys = signers().key_set();
    let verified = verify(&BearerToken::new(&token), &nested, &keys, NOW).unwrap();
    assert_eq!(verified.principal_name, "jdoe");
}

#[test]
fn the_authorization_id_is_the_principal_or_nothing() {
    let keys = signers().key_set();
    let token = signer().token(&with("sub", "a,b=c".into()));
    let ask = |header: &str| {
        let frame = format!("n,{header},\u{1}auth=Bearer {token}\u{1}\u{1}");
        let bearer = initial_response(frame.as_bytes()).unwrap();
        verify(&bearer, &rules(), &keys, NOW).map(|verified| verified.principal_name)
    };
    assert_eq!(ask("").as_deref(), Ok("a,b=c"));
    assert_eq!(ask("a=a=2Cb=3Dc").as_deref(), Ok("a,b=c"));
    assert_eq!(ask("a=root"), Err(Rejection::AuthorizationId));
    assert_eq!(ask("a=A=2Cb=3Dc"), Err(Rejection::AuthorizationId));
}

#[test]
fn t21_groups_are_a_list_of_names() {
    for bad in [
        json!("pii-readers"),
        json!({"pii-readers": true}),
        json!(["pii-readers", 1]),
        json!([["pii-readers"]]),
        json!([null]),
        json!([""]),
        json!(["a\u{7f}b"]),
        json!(["g".repeat(257)]),
        json!(7),
        json!(false),
    ] {
        let claims = with("groups", bad);
        assert_eq!(check_claims(&claims), Err(Rejection::GroupsMalformed), "{claims}");
    }
    let text = good_claims().to_string().replace(r#"["pii-readers","humans"]"#, "null");
    let token = signer().token_of(&signer().header().to_string(), &text);
    assert_eq!(check(&token), Err(Rejection::GroupsMalformed));

    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("g{index}")).collect();
        check_claims(&with("groups", json!(names)))
    };
    assert_eq!(many(512).unwrap().groups.unwrap().len(), 512);
    assert_eq!(many(513), Err(Rejection::GroupsTooMany));
    assert_eq!(check_claims(&with("groups", json!([]))).unwrap().groups, Some(Vec::new()));
}

#[test]
fn a_group_that_only_looks_alike_is_another_group() {
    // U+0456 for i, and a decomposed é.
    for confusable in ["p\u{456}i-readers", "PII-readers", "pii-readers ", "caf\u{65}\u{301}"] {
        let verified = check_claims(&with("groups", json!([confusable]))).unwrap();
        let groups = verified.subject(&rules(), Groups::Unknown).groups;
        assert!(!groups.contains("pii-readers") && !groups.contains("café"));
    }
}

#[test]
fn groups_are_found_by_path() {
    let at = |path: &str, claims: &serde_json::Value| {
        let rules = IssuerRules { groups_claim: Some(path.to_owned()), ..rules() };
        let token = signer().token(claims);
        verify(&BearerToken::new(&token), &rules, &signers().key_set(), NOW)
            .map(|verified| verified.groups)
    };
    let roles = with("realm_access", json!({"roles": ["r"]}));
    assert_eq!(at("realm_access.roles", &roles), Ok(Some(vec!["r".to_owned()])));
    assert_eq!(at("realm_access.other", &roles), Ok(None));
    assert_eq!(at("realm_access.roles.r", &roles), Ok(None));
    assert_eq!(at("realm_access", &roles), Err(Rejection::GroupsMalformed));
    let url = with("https://acme.example/groups", json!(["u"]));
    assert_eq!(at("https://acme.example/groups", &url), Ok(Some(vec!["u".to_owned()])));

    let silent = IssuerRules { groups_claim: None, ..rules() };
    let token = signer().token(&good_claims());
    let verified = verify(&BearerToken::new(&token), &silent, &signers().key_set(), NOW).unwrap();
    assert_eq!(verified.groups, None);
}

#[test]
fn groups_that_are_elsewhere_close_the_door() {
    let mut overage = with("groups", json!(null));
    overage["_claim_names"] = json!({"groups": "src1"});
    overage["_claim_sources"] = json!({"src1": {"endpoint": "https://graph.example/groups"}});
    assert_eq!(check_claims(&overage), Err(Rejection::GroupsOverage));
    // Also when some of them are here, and when the claim is not what it should be.
    overage["groups"] = json!(["humans"]);
    assert_eq!(check_claims(&overage), Err(Rejection::GroupsOverage));
    assert_eq!(check_claims(&with("_claim_names", json!("groups"))), Err(Rejection::GroupsOverage));
    let mut has_groups = with("groups", json!(null));
    has_groups["hasgroups"] = json!(true);
    assert_eq!(check_claims(&has_groups), Err(Rejection::GroupsOverage));
    // Other claims may be elsewhere.
    assert!(check_claims(&with("_claim_names", json!({"address": "src1"}))).is_ok());
}

#[test]
fn claims_have_one_reading() {
    use json::JsonFault::{DuplicateMember, Invalid, TooDeep};
    let part = rejection::Part::Claims;
    let header = signer().header().to_string();
    let good = good_claims().to_string();
    let check = |claims: &str| check(&signer().token_of(&header, claims));
    assert!(check(&good).is_ok());

    let twice = good.replacen('{', r#"{"sub":"root","#, 1);
    assert_eq!(check(&twice), Err(Rejection::Json { part, fault: DuplicateMember }));
    let inside = good.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1);
    assert_eq!(check(&inside), Err(Rejection::Json { part, fault: DuplicateMember }));
    let trailing = format!("{good},");
    assert_eq!(check(&trailing), Err(Rejection::Json { part, fault: Invalid }));
    let deep = good.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(16), "]".repeat(16)), 1);
    assert_eq!(check(&deep), Err(Rejection::Json { part, fault: TooDeep }));
    let lone_surrogate = good.replace("jane", r"\ud800");
    assert_eq!(check(&lone_surrogate), Err(Rejection::Json { part, fault: Invalid }));
}
