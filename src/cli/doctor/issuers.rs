//! Whether tokens can be checked: the issuers' keys, and the clocks.

use super::Patient;
use super::finding::Findings;
use crate::config::KeySource;
use crate::io::clock;
use crate::io::jwks::{KeyLocation, examine};

/// Each issuer's keys can be fetched, and its clock agrees with ours.
pub(super) async fn keys(mut into: Findings, patient: &Patient<'_>) -> Findings {
    if patient.cluster.identity.issuers.is_empty() {
        into.skip("no token issuer is configured");
    }
    for issuer in &patient.cluster.identity.issuers {
        let name = &issuer.rules.issuer;
        let location = match &issuer.keys {
            KeySource::Discovery => KeyLocation::Discovery,
            KeySource::Url(url) => KeyLocation::Url(url.clone()),
            KeySource::File(path) => KeyLocation::File(path.clone()),
        };
        let before_ms = clock::now_ms();
        let examined = match examine(name, location).await {
            Ok(examined) => examined,
            Err(error) => {
                into.fail(format!("{name}: {error}"), "correct identity.oauthbearer.jwks");
                continue;
            }
        };
        match examined.keys {
            Ok(0) => into.fail(
                format!("{name}: the key set is empty"),
                "publish the issuer's keys: until then every token is refused",
            ),
            Ok(keys) => into.ok(format!("{name}: {keys} keys")),
            Err(error) => into.fail(
                format!("{name}: {error}"),
                "let this machine reach the issuer, or name its keys with jwks",
            ),
        }
        if let Some(issuer_ms) = examined.issuer_ms {
            compare(&mut into, name, issuer_ms, before_ms, issuer.rules.clock_skew_seconds);
        }
    }
    into
}

/// The issuer's `Date` has whole seconds, and was written between our asking and now.
fn compare(into: &mut Findings, name: &str, issuer_ms: i64, before_ms: i64, allowed: u64) {
    let early = before_ms.saturating_sub(issuer_ms).saturating_sub(1_000);
    let late = issuer_ms.saturating_sub(clock::now_ms());
    let skew = early.max(late).max(0).div_euclid(1_000);
    let allowed = i64::try_from(allowed).unwrap_or(i64::MAX);
    let found = format!("{name}: its clock differs from this one by {skew} s");
    if skew > allowed {
        let advice = format!("set both clocks by NTP: tokens allow {allowed} s");
        into.fail(found, advice);
    } else if skew > allowed / 2 {
        into.warn(found, format!("look at NTP on both: tokens allow {allowed} s"));
    } else {
        into.ok(found);
    }
}
