//! What Prometheus gets to see.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn counters_carry_their_labels() {
    let metrics = Metrics::new();
    metrics.requests.of(ApiKey(0)).inc();
    metrics.requests.of(ApiKey(0)).inc();
    metrics.decisions.of(ApiKey(1), Verdict::Mask).inc();
    metrics.bytes.of(Direction::ToClient).inc_by(70);
    metrics.connections_refused.of(Refusal::HttpOnPlain).inc();
    metrics.audit_lag_rows.set(7);
    metrics.policy_activated("dir:aaaaaaaaaaaa");
    metrics.policy_activated("dir:bbbbbbbbbbbb");
    metrics.policy_refused();
    let text = metrics.text().unwrap();
    for line in [
        "lockgate_requests_total{api=\"Produce\"} 2",
        "lockgate_decisions_total{decision=\"mask\",api=\"Fetch\"} 1",
        "lockgate_bytes_total{direction=\"to_client\"} 70",
        "lockgate_connections_refused_total{reason=\"http_on_plain\"} 1",
        "lockgate_connections_refused_total{reason=\"tls_on_plain\"} 0",
        "lockgate_audit_lag_rows 7",
        "lockgate_policy_revision_info{revision=\"dir:bbbbbbbbbbbb\"} 1",
        "lockgate_policy_load_failed 1",
        "lockgate_policy_loads_total{outcome=\"success\"} 2",
        "# EOF",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("dir:aaaaaaaaaaaa"), "{text}");
}

#[test]
fn t52_no_key_that_a_client_sends_makes_a_label() {
    let metrics = Metrics::new();
    for key in i16::MIN..=i16::MAX {
        metrics.requests.of(ApiKey(key)).inc();
        metrics.decisions.of(ApiKey(key), Verdict::Deny).inc();
    }
    let text = metrics.text().unwrap();
    let series = text.lines().filter(|line| line.starts_with("lockgate_requests_total")).count();
    assert!(series <= API_KEYS_MAX + 1, "{series}");
    assert!(text.contains("lockgate_requests_total{api=\"Unknown\"}"));
}

#[test]
fn every_label_value_has_its_own_counter() {
    fn check<L: LabelValue>(labelled: &Labelled<L>) {
        for (index, value) in L::ALL.iter().enumerate() {
            assert_eq!(value.index(), index);
            labelled.of(*value).inc();
            assert_eq!(labelled.of(*value).get(), 1, "{}", value.as_str());
        }
        assert_eq!(labelled.spare.get(), 0);
    }
    let metrics = Metrics::new();
    check(&metrics.connections_refused);
    check(&metrics.connections_closed);
    check(&metrics.bytes);
    check(&metrics.login_failures);
    check(&metrics.upstream_failures);
    check(&metrics.unknown_tags_stripped);
}

#[test]
fn every_metric_has_a_help_text_and_a_unit_or_a_noun() {
    let text = Metrics::new().text().unwrap();
    let kinds = text.lines().filter(|line| line.starts_with("# TYPE lockgate_")).count();
    let helps = text.lines().filter(|line| line.starts_with("# HELP lockgate_")).count();
    assert_eq!(kinds, helps);
    assert!(kinds >= 20, "{kinds}");
}
