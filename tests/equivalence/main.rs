//! What Kafka's own authorizer answers by access lists, Lockgate answers by rules and permits: the
//! same requests of the same people, on a broker with ACLs and through Lockgate before a broker
//! without, are answered alike and leave the same behind.
//!
//! Every API of the table has a case, run in its newest and its oldest version. What differs on
//! purpose is listed with its reason, and must differ. `EQUIVALENCE_API=Fetch` runs one API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail, loudly"
)]

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod cases;
mod cluster;
mod data;
mod groups;
mod run;
mod share;
mod topics;
mod transactions;
mod tree;
mod world;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::thread;
use std::time::{Duration, Instant};

use lockgate::enforce::{Treatment, rows};
use lockgate::wire::ApiKey;

use cases::{CASES, Case, DIFFERENCES, EVERYBODY, NOT_COMPARED};
use run::Run;
use testcontainers::process::until;
use tree::Tree;
use world::{PEOPLE, Worlds};

const SETTLING: Duration = Duration::from_secs(10);

/// The rows that a client can reach.
fn offered() -> impl Iterator<Item = (ApiKey, RangeInclusive<i16>)> {
    rows().filter_map(|row| match row.treatment {
        Treatment::Enforced(_) | Treatment::Passed { .. } => Some((row.key, row.versions())),
        Treatment::Hidden { .. } => None,
    })
}

#[test]
fn every_api_has_a_case_or_a_reason() {
    let cases: BTreeSet<&str> = CASES.iter().map(|(api, _)| *api).collect();
    let excused: BTreeSet<&str> = NOT_COMPARED.iter().map(|(api, _)| *api).collect();
    for (key, _) in offered() {
        let name = key.name();
        assert!(cases.contains(name) != excused.contains(name), "{name} has no case, or two words");
    }
    for (api, who, _) in DIFFERENCES {
        assert!(cases.contains(api), "{api} has no case");
        assert!(PEOPLE.contains(who) || *who == EVERYBODY, "{who} is nobody");
    }
}

#[test]
fn the_two_answer_alike() {
    let worlds = Worlds::start();
    thread::scope(|scope| {
        for world in [&worlds.direct, &worlds.through] {
            scope.spawn(|| run::prepare(world));
        }
    });
    let only = std::env::var("EQUIVALENCE_API").ok();
    let mut found = String::new();
    let mut runs = 0;
    for (api, case) in CASES {
        if only.as_ref().is_some_and(|only| only != api) {
            continue;
        }
        let Some((key, versions)) = offered().find(|(key, _)| key.name() == *api) else {
            continue;
        };
        for who in PEOPLE {
            let mut differences = Vec::new();
            for version in newest_and_oldest(key, &versions) {
                runs += 1;
                differences.extend(compare(&worlds, who, api, *case, version));
            }
            let reason =
                DIFFERENCES.iter().find(|(a, w, _)| a == api && [who, EVERYBODY].contains(w));
            match (differences.is_empty(), reason) {
                (true, None) | (false, Some(_)) => {}
                (true, Some((.., reason))) => {
                    writeln!(found, "{api} as {who} does not differ: {reason}").unwrap();
                }
                (false, None) => found.push_str(&differences.concat()),
            }
        }
    }
    assert!(found.is_empty(), "of {runs} runs:\n{found}");
    eprintln!("{runs} runs, equal");
}

/// Those that the protocol crate and Kafka 4.3 know as well.
fn newest_and_oldest(key: ApiKey, offered: &RangeInclusive<i16>) -> BTreeSet<i16> {
    let known = kafka_protocol::messages::ApiKey::try_from(key.0).map(|key| key.valid_versions());
    let (least, most) = known.map_or((0, i16::MAX), |range| (range.min, range.max));
    BTreeSet::from([(*offered.start()).max(least), (*offered.end()).min(most)])
}

fn compare(
    worlds: &Worlds,
    who: &'static str,
    api: &str,
    case: Case,
    version: i16,
) -> Option<String> {
    let once = |world| {
        let mut run = Run::new(worlds, world, who, api, version);
        case(&mut run);
        run
    };
    let (mut direct, mut through) = thread::scope(|scope| {
        let direct = scope.spawn(|| once(&worlds.direct));
        let through = scope.spawn(|| once(&worlds.through));
        (direct.join().expect("the case runs"), through.join().expect("the case runs"))
    });
    // A broker hears of a change a moment after it is answered.
    let end = Instant::now() + SETTLING;
    let states = until("two states", SETTLING * 2, || {
        let states = [direct.state(), through.state()];
        let settled = states[0] == states[1] || Instant::now() > end;
        if settled { Ok(states) } else { Err("they differ".to_owned()) }
    });
    let [one, other] = states;
    direct.seen.push(one);
    through.seen.push(other);
    let (direct, through) = (direct.seen, through.seen);
    if direct == through {
        return None;
    }
    let mut text = format!("{api} v{version} as {who}\n");
    let none = Tree::word("nothing");
    for index in 0..direct.len().max(through.len()) {
        let (one, other) = (direct.get(index), through.get(index));
        let (one, other) = (one.unwrap_or(&none), other.unwrap_or(&none));
        if one != other {
            writeln!(text, "  Kafka:    {one}\n  Lockgate: {other}").unwrap();
        }
    }
    Some(text)
}
