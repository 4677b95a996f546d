//! Tests of the words for fields.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use super::*;

fn topics(globs: &[&str]) -> TopicGlobs {
    TopicGlobs::new(globs).unwrap()
}

#[test]
fn topic_globs_match_segments() {
    let expect = |globs: &[&str], yes: &[&str], no: &[&str]| {
        let compiled = topics(globs);
        yes.iter().for_each(|name| assert!(compiled.matches(name), "{globs:?} {name}"));
        no.iter().for_each(|name| assert!(!compiled.matches(name), "{globs:?} {name}"));
    };
    expect(&["pay"], &["pay"], &["pa", "pays", "pay.x", "Pay", ""]);
    expect(&["*"], &["pay", ""], &["pay.x"]);
    expect(&["pay*"], &["pay", "payments"], &["pay.x", "a.pay", "payments.x"]);
    expect(&["pay.*"], &["pay.x", "pay."], &["pay", "pay.x.y"]);
    expect(&["pay.**"], &["pay", "pay.x", "pay.x.y"], &["payments", "a.pay"]);
    expect(&["**"], &["", "a", "a.b.c"], &[]);
    expect(&["**.v?"], &["v1", "a.v1", "a.b.v2"], &["a.v12", "v1.a"]);
    expect(&["a.**.c.*.e"], &["a.c.x.e", "a.c.c.e", "a.b.c.c.x.e"], &["a.c.e", "a.c.x.e.f"]);
    expect(&["**.a.**.a.**"], &["a.a", "x.a.y.a.z"], &["a", "x.a.y"]);
    expect(&["**", "!crm.**", "crm.x"], &["pay"], &["crm", "crm.x", "crm.y.z"]);
    expect(&["a..b"], &["a..b"], &["a.b", "a.x.b"]);
    expect(&[], &[], &["", "a"]);
}

#[test]
fn topic_globs_that_would_match_nothing_are_refused() {
    assert_eq!(TopicGlobs::new(&["!crm.**"]), Err(GlobError::OnlyExclusions));
    assert_eq!(TopicGlobs::new(&["pay**"]), Err(GlobError::DoubleStar));
    assert_eq!(TopicGlobs::new(&["a.x**.b"]), Err(GlobError::DoubleStar));
    assert_eq!(TopicGlobs::new(&[""]), Err(GlobError::Empty));
    assert_eq!(TopicGlobs::new(&["!"]), Err(GlobError::Empty));
}

#[test]
fn hostile_topics_do_not_make_globs_slow() {
    let glob = topics(&["**.a", "**.a*a*a*a*a*a.**.b"]);
    assert!(!glob.matches(&"a.".repeat(100_000)));
    let glob = Glob::new(&"*a".repeat(128), Case::Sensitive).unwrap();
    assert!(!glob.matches(&format!("{}b", "a".repeat(100_000))));
}

#[test]
fn name_globs_match_whole_names() {
    let glob = |text: &str| Glob::new(text, Case::Insensitive).unwrap();
    assert!(glob("*email*").matches("customerEMailAddress"));
    assert!(glob("?").matches("é") && glob("?").matches("😀"));
    assert!(!glob("?").matches("éé") && !glob("?").matches(""));
    assert!(glob("*?").matches("é") && glob("?*?").matches("éx") && !glob("*??").matches("é"));
    assert!(glob("**").matches("") && glob("a*b*c").matches("aXbbXc"));
    assert!(!glob("a*b").matches("ab "));
    assert!(!glob("é").matches("É"));
    assert!(!Glob::new("A", Case::Sensitive).unwrap().matches("a"));
    assert!(Glob::new(&"x".repeat(257), Case::Sensitive).is_err());
}

#[test]
fn paths_say_what_is_wrong_and_where() {
    let wrong = |path: &str, column: usize, part: &str| {
        let error = PathPattern::path(path).unwrap_err();
        assert_eq!(error.column, column, "{path}: {error}");
        assert!(error.message.contains(part), "{path}: {error}");
    };
    wrong("", 1, "starts with `$`");
    wrong("customer.email", 1, "starts with `$`");
    wrong("$.", 3, "name is missing");
    wrong("$a", 2, "found `a`");
    wrong("$..email", 3, "`.**` means any depth");
    wrong("$.a.em*il", 5, "`name:`");
    wrong("$.a b", 4, "quote it");
    wrong("$.é.a,b", 6, "quote it");
    wrong("$.a[0]", 5, "`[*]` means every element");
    wrong("$.a[-1]", 5, "`[*]`");
    wrong("$.a[x]", 5, "expected");
    wrong("$.a[*", 6, "`]` is missing");
    wrong("$['a]", 3, "no closing '");
    wrong("$['a\\n']", 5, "after `\\`");
    wrong("$['\\ud83d']", 4, "surrogate");
    wrong("$['\\u00']", 4, "hex");
    wrong("$.a.**.**", 7, "twice");
    wrong(&format!("${}", ".a".repeat(65)), 130, "at most 64");
    wrong(&format!("$.{}", "a".repeat(1023)), 1, "at most 1024");
    assert_eq!(PathPattern::name("$.a").unwrap_err().column, 1);
    assert!(PathPattern::name("").is_err());
}

#[test]
fn paths_keep_their_text() {
    for text in ["$", "$.a", "$['it\\'s'][*].*.**", "$[\"a\\u0062\"]", "$.$ref.@id.x-y_z.é"] {
        assert_eq!(PathPattern::path(text).unwrap().as_str(), text);
    }
    assert_eq!(PathPattern::path("$['a b']").unwrap().single_name(), Some("a b"));
    assert_eq!(PathPattern::path("$.a.b").unwrap().single_name(), None);
}

#[test]
fn headers_are_members_of_a_flat_document() {
    let reaches = |text: &str, name: &str| PathPattern::path(text).unwrap().reaches_member(name);
    assert!(reaches("$.x-id", "x-id") && reaches("$.*", "y") && reaches("$.**", "y"));
    assert!(reaches("$", "y") && reaches("$.**.y", "y") && reaches("$.y.**", "y"));
    assert!(!reaches("$.x-id", "X-ID") && !reaches("$.x.y", "x") && !reaches("$[*]", "x"));
    assert!(PathPattern::name("X-*").unwrap().reaches_member("x-id"));
}

#[test]
fn pattern_bits_are_a_set() {
    let indexes = [0, 1, 63, 64, 200, 511];
    let bits: PatternBits = indexes.into_iter().collect();
    assert_eq!(bits.iter().collect::<Vec<_>>(), indexes);
    assert_eq!(bits.len(), 6);
    assert!(bits.contains(511) && !bits.contains(510) && !bits.contains(512));
    let mut more = PatternBits::EMPTY;
    more.insert(512);
    assert!(more.is_empty() && !more.intersects(&bits));
    more.insert(64);
    assert!(more.intersects(&bits) && bits.intersection(&more) == more);
    more.union_with(&bits);
    assert_eq!(more, bits);
    assert_eq!(format!("{bits:?}"), "{0, 1, 63, 64, 200, 511}");
}

#[test]
fn a_set_knows_its_patterns() {
    let set = PathSet::new(vec![PathPattern::path("$.a").unwrap()]);
    assert_eq!((set.len(), set.is_empty(), set.pattern(0).as_str()), (1, false, "$.a"));
    assert_eq!(set.pattern(7).as_str(), "$");
    let many = vec![PathPattern::path("$.a").unwrap(); 70_000];
    assert!(PathSet::new(many).is_overfull());
}

#[test]
fn masked_values_do_not_show() {
    assert_eq!(format!("{:?}", Masked::Text("canary")), "Text(6 bytes)");
    assert_eq!(format!("{:?}", Masked::Number("1234")), "Number(4 bytes)");
}
