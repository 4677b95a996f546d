//! Which rules match a record, and what they do to it.

use super::*;
use crate::policy::{DenyCode, Effect};

const PAYOUT: &str = r#"
    - id: large-payout
      match: {direction: produce, topics: ["**"]}
      when: "value.amount >= 50000.0 && value.currency in ['EUR', 'USD']"
      action: {deny: {message: "too much in {topic}"}}
"#;

#[test]
fn a_payout_with_no_amount_is_refused_because_the_condition_could_not_be_evaluated() {
    let set = set_of(PAYOUT);
    let plan = produce(&set);
    let verdict = record(&plan, &[("$.currency", text("EUR"))]).judged();
    assert_eq!(verdict.effect, Effect::Deny);
    assert_eq!(verdict.eval_errors, 1);
    let denial = verdict.denial.unwrap();
    assert_eq!(denial.rule.as_ref(), "large-payout");
    assert_eq!(denial.code, DenyCode::InvalidRecord);
    assert_eq!(denial.eval_errors, 1);
    assert_eq!(denial.message.render("payouts.x", Some(2)), "large-payout: too much in payouts.x");
}

#[test]
fn a_number_written_as_text_does_not_slip_past_a_limit() {
    let set = set_of(PAYOUT);
    let plan = produce(&set);
    let effect = |amount: Fact<'static>| {
        let verdict = record(&plan, &[("$.amount", amount), ("$.currency", text("EUR"))]).judged();
        (verdict.effect, verdict.eval_errors)
    };
    assert_eq!(effect(Fact::Number("49999.99")), (Effect::Allow, 0));
    assert_eq!(effect(Fact::Number("5e4")), (Effect::Deny, 0));
    assert_eq!(effect(Fact::Number("75000")), (Effect::Deny, 0));
    for evasion in [
        text("75000"),
        Fact::Null,
        Fact::List,
        Fact::Object,
        Fact::Ambiguous,
        Fact::Bool(false),
        Fact::Number("1e999"),
        Fact::Number("1e-999"),
        Fact::Number("49999.99999999999999999999999"),
        Fact::Number("999999999999999999999999999999999999999999"),
    ] {
        assert_eq!(effect(evasion.clone()), (Effect::Deny, 1), "{evasion:?}");
    }
}

#[test]
fn a_part_that_decides_does_so_even_beside_one_that_cannot_be_evaluated() {
    let set = set_of(PAYOUT);
    let plan = produce(&set);
    let verdict = record(&plan, &[("$.currency", text("JPY"))]).judged();
    assert_eq!((verdict.effect, verdict.eval_errors), (Effect::Allow, 0));
}

#[test]
fn the_order_of_rules_does_not_matter_and_the_strongest_effect_wins() {
    let deny = "
    - id: z-deny
      match: {direction: produce, topics: [\"**\"]}
      when: \"record.size > 10\"
      action: {deny: {}}
";
    let deny_too = deny.replace("z-deny", "a-deny");
    let mask = "
    - id: m-mask
      match: {direction: produce, topics: [\"**\"]}
      select: [{path: $.a}]
      action: {mask: {with: redact}}
";
    for rules in [[deny, mask, &deny_too], [&deny_too, deny, mask], [mask, &deny_too, deny]] {
        let set = set_of(&rules.concat());
        let plan = produce(&set);
        let verdict = record(&plan, &[]).judged();
        assert_eq!(verdict.effect, Effect::Deny);
        let denial = verdict.denial.unwrap();
        assert_eq!(denial.rule.as_ref(), "a-deny");
        let ids: Vec<&str> = denial.rules.iter().map(AsRef::as_ref).collect();
        assert_eq!(ids, ["a-deny", "z-deny"]);
        let ids: Vec<&str> =
            verdict.rules.iter().map(|n| plan.rule_id(*n).unwrap().as_ref()).collect();
        assert_eq!(ids, ["a-deny", "m-mask", "z-deny"]);
    }
}

fn mask_rule(id: &str, path: &str, mask: &str, extra: &str) -> String {
    format!(
        "
    - id: {id}
      match: {{direction: consume, topics: [\"**\"]}}
      select: [{{path: {path}}}]
      action: {{mask: {{{mask}}}}}
{extra}"
    )
}

#[test]
fn the_stronger_mask_wins_and_of_equal_ones_the_first_id() {
    let partial = mask_rule("a", "$.x", "with: partial, keep_last: 4", "");
    let hmac = mask_rule("b", "$.x", "with: hmac, key_ref: \"file:k\"", "");
    let redact = mask_rule("c", "$.x", "with: redact", "");
    let remove = mask_rule("d", "$.x", "with: remove", "");
    let all = [partial.as_str(), &hmac, &redact, &remove];
    for (count, winner) in [(1, "partial"), (2, "hmac"), (3, "redact"), (4, "remove")] {
        let set = set_of(&all[..count].concat());
        let plan = consume(&set);
        let verdict = record(&plan, &[]).judged();
        assert_eq!(verdict.effect, Effect::Mask);
        assert_eq!(masked_by(&plan, &verdict, &["$.x"]).unwrap().1, winner);
        assert_eq!(masked_by(&plan, &verdict, &["$.y"]), None);
    }
    // Not certain to meet, so not an error: decided by the id.
    let one = mask_rule("q", "$.x", "with: \"null\"", "      when: \"record.size > 1\"\n");
    let other = mask_rule("p", "$.x", "with: redact", "      when: \"record.size > 2\"\n");
    let set = set_of(&[one, other].concat());
    let plan = consume(&set);
    let verdict = record(&plan, &[]).judged();
    assert_eq!(masked_by(&plan, &verdict, &["$.x"]), Some(("p".to_owned(), "redact")));
}

#[test]
fn two_masks_of_equal_strength_that_certainly_meet_do_not_load() {
    let one = mask_rule("one", "$.x", "with: \"null\"", "");
    let other = mask_rule("other", "$.x", "with: redact", "");
    let problems = problems_of(&[one.clone(), other].concat());
    let shown = problems.to_string();
    assert!(shown.contains("equal strength on $.x"), "{shown}");
    assert!(shown.contains("p/t.yaml:12:11"), "{shown}");
    assert!(shown.contains("the other one is at p/t.yaml:7:11"), "{shown}");
    // The same mask twice is no conflict.
    let same = mask_rule("other", "$.x", "with: \"null\"", "");
    set_of(&[one, same].concat());
}

#[test]
fn except_takes_a_field_out_of_its_own_rule_only() {
    let rules = mask_rule("a", "$.c.**", "with: redact", "      except: [{path: $.c.country}]\n");
    let set = set_of(&rules);
    let plan = consume(&set);
    let verdict = record(&plan, &[]).judged();
    assert!(masked_by(&plan, &verdict, &["$.c.**"]).is_some());
    assert_eq!(masked_by(&plan, &verdict, &["$.c.**", "$.c.country"]), None);
    let set = set_of(&[rules, mask_rule("b", "$.c.country", "with: remove", "")].concat());
    let plan = consume(&set);
    let verdict = record(&plan, &[]).judged();
    let found = masked_by(&plan, &verdict, &["$.c.**", "$.c.country"]);
    assert_eq!(found, Some(("b".to_owned(), "remove")));
}

#[test]
fn deny_with_select_refuses_a_record_that_has_the_field() {
    let set = set_of(
        "
    - id: no-cvv
      match: {direction: produce, topics: [\"**\"]}
      select: [{name: cvv, in: [value, headers]}]
      action: {deny: {}}
",
    );
    let plan = produce(&set);
    assert_eq!(record(&plan, &[]).judged().effect, Effect::Allow);
    for fact in [text("1"), Fact::Null, Fact::Ambiguous, Fact::Object] {
        assert_eq!(record(&plan, &[("cvv", fact)]).judged().effect, Effect::Deny);
    }
    let mut in_headers = record(&plan, &[]);
    in_headers.headers.insert("CVV".to_owned(), text("1"));
    assert_eq!(in_headers.judged().effect, Effect::Deny);
}

#[test]
fn what_cannot_be_read_is_dropped_for_readers_and_refused_to_writers() {
    let rule = |direction: &str, extra: &str| {
        set_of(&format!(
            "
    - id: r
      match: {{direction: {direction}, topics: [\"**\"]}}
      select: [{{path: $.x}}, {{name: x, in: [headers]}}]
      action: {{mask: {{with: redact}}}}
{extra}"
        ))
    };
    let judged = |plan: &Plan| {
        let mut record = record(plan, &[]);
        record.value = Part::Undecodable;
        let verdict = record.judged();
        assert_eq!((verdict.undecodable, verdict.eval_errors), (1, 0));
        verdict
    };
    assert_eq!(judged(&consume(&rule("consume", ""))).effect, Effect::Drop);
    let verdict = judged(&produce(&rule("produce", "")));
    assert_eq!(verdict.effect, Effect::Deny);
    assert_eq!(verdict.denial.unwrap().code, DenyCode::InvalidRecord);
    let set = rule("consume", "      on_undecodable: redact_value\n");
    let plan = consume(&set);
    let verdict = judged(&plan);
    assert_eq!(verdict.effect, Effect::Redact);
    // The header can be read, so its mask still applies.
    let headers = plan.header_patterns("X");
    assert!(plan.mask_for(&verdict, Scope::Headers, &headers).is_some());
    let set = rule("consume", "      on_undecodable: {pass: {acknowledge: true}}\n");
    assert_eq!(judged(&consume(&set)).effect, Effect::Mask);
}

#[test]
fn a_condition_that_cannot_read_its_document_is_undecodable_and_one_that_need_not_is_decided() {
    let set = set_of(
        "
    - id: r
      match: {direction: consume, topics: [\"**\"]}
      when: \"record.size > 50 && value.secret == true\"
      select: [{name: x, in: [headers]}]
      action: {mask: {with: redact}}
",
    );
    let plan = consume(&set);
    let mut large = record(&plan, &[]);
    large.value = Part::Undecodable;
    assert_eq!(large.judged().effect, Effect::Drop);
    let mut small = record(&plan, &[]);
    small.value = Part::Undecodable;
    small.size_bytes = 10;
    let verdict = small.judged();
    assert_eq!((verdict.effect, verdict.undecodable), (Effect::Allow, 0));
}

#[test]
fn redacting_the_value_does_not_hide_a_key_that_cannot_be_read() {
    let set = set_of(
        "
    - id: r
      match: {direction: consume, topics: [\"**\"]}
      select: [{path: $.id, in: [key]}]
      on_undecodable: redact_value
      action: {mask: {with: hmac, key_ref: \"file:k\"}}
",
    );
    let plan = consume(&set);
    let mut record = record(&plan, &[]);
    record.key = Part::Undecodable;
    assert_eq!(record.judged().effect, Effect::Drop);
}

#[test]
fn shadow_rules_are_reported_and_change_nothing() {
    let set = set_of(
        "
    - id: s
      mode: shadow
      match: {direction: produce, topics: [\"crm.**\"]}
      when: \"!('x-retention' in record.headers)\"
      action: {deny: {code: INVALID_RECORD}}
    - id: off
      mode: disabled
      match: {direction: produce, topics: [\"crm.**\"]}
      when: \"record.size > 0\"
      action: {deny: {}}
",
    );
    let plan = plan(&set, Some(&[]), Action::Produce, "crm.contact.updated");
    assert!(plan.reads_records());
    let verdict = record(&plan, &[]).judged();
    assert_eq!((verdict.effect, verdict.shadow_effect), (Effect::Allow, Effect::Deny));
    assert_eq!((verdict.rules.len(), verdict.shadow_rules.len()), (0, 1));
    assert!(verdict.denial.is_none());
    let mut tagged = record(&plan, &[]);
    tagged.headers.insert("x-retention".to_owned(), Fact::Null);
    assert_eq!(tagged.judged().shadow_effect, Effect::Allow);
}

#[test]
fn a_verdict_is_cleared_before_each_record() {
    let set = set_of(PAYOUT);
    let plan = produce(&set);
    let mut verdict = Verdict::default();
    plan.judge(&record(&plan, &[]), &mut verdict);
    assert_eq!(verdict.effect, Effect::Deny);
    plan.judge(&record(&plan, &[("$.currency", text("JPY"))]), &mut verdict);
    assert_eq!((verdict.effect, verdict.rules.len()), (Effect::Allow, 0));
    assert!(verdict.denial.is_none());
}

#[test]
fn a_tombstone_can_be_told_and_keeps_its_facts_missing() {
    let set = set_of(
        "
    - id: r
      match: {direction: produce, topics: [\"**\"]}
      when: \"!record.value_is_null && value.amount < 0\"
      action: {deny: {}}
",
    );
    let plan = produce(&set);
    let mut tombstone = record(&plan, &[]);
    tombstone.value_is_null = true;
    assert_eq!(tombstone.judged().effect, Effect::Allow);
    assert_eq!(record(&plan, &[]).judged().effect, Effect::Deny);
}
