//! The claims of a token whose signature is good: who issued it, for whom, when, and about whom.

use super::json::{Object, Value};
use super::{GROUPS_MAX, IssuerRules, NAME_BYTES_MAX, Rejection};

/// The last second of the year 9999: a time beyond it is a mistake or an attack on arithmetic.
const TIME_SECONDS_MAX: i64 = 253_402_300_799;

pub(super) fn check_issuer(claims: &Object, rules: &IssuerRules) -> Result<(), Rejection> {
    if claims.get("iss").and_then(Value::as_text) == Some(rules.issuer.as_str()) {
        Ok(())
    } else {
        Err(Rejection::Issuer)
    }
}

/// RFC 7519 §4.1.3: a text, or a list of texts of which one must be ours.
pub(super) fn check_audience(claims: &Object, rules: &IssuerRules) -> Result<(), Rejection> {
    let ours = |audience: &str| rules.audience.iter().any(|accepted| accepted == audience);
    let mut named = false;
    match claims.get("aud") {
        None => return Err(Rejection::AudienceMissing),
        Some(Value::Text(audience)) => named = ours(audience),
        Some(Value::List(list)) => {
            for audience in list {
                named |= ours(audience.as_text().ok_or(Rejection::AudienceMalformed)?);
            }
        }
        Some(
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Number(_) | Value::Object(_),
        ) => return Err(Rejection::AudienceMalformed),
    }
    if named { Ok(()) } else { Err(Rejection::Audience) }
}

/// Checks `exp`, `nbf`, `iat` and the lifetime; gives the second at which the session must end.
pub(super) fn check_times(
    claims: &Object,
    rules: &IssuerRules,
    now_seconds: i64,
) -> Result<i64, Rejection> {
    let skew = i64::try_from(rules.clock_skew_seconds).unwrap_or(i64::MAX);
    let latest_now = now_seconds.saturating_add(skew);
    let expiry = time(claims, "exp")?.ok_or(Rejection::ExpiryMissing)?;
    // RFC 7519 §4.1.4: on or after `exp` it must not be accepted.
    if now_seconds >= expiry.saturating_add(skew) {
        return Err(Rejection::Expired { ago_seconds: now_seconds.saturating_sub(expiry) });
    }
    if let Some(not_before) = time(claims, "nbf")?
        && not_before > latest_now
    {
        let ahead_seconds = not_before.saturating_sub(now_seconds);
        return Err(Rejection::NotYetValid { ahead_seconds });
    }
    let issued = time(claims, "iat")?;
    if let Some(issued) = issued
        && issued > latest_now
    {
        let ahead_seconds = issued.saturating_sub(now_seconds);
        return Err(Rejection::IssuedInFuture { ahead_seconds });
    }
    let lifetime_seconds = expiry.saturating_sub(issued.unwrap_or(now_seconds));
    let allowed = i64::try_from(rules.token_lifetime_seconds_max).unwrap_or(i64::MAX);
    if lifetime_seconds > allowed {
        return Err(Rejection::LifetimeTooLong { lifetime_seconds });
    }
    Ok(if expiry > now_seconds { expiry } else { expiry.saturating_add(skew) })
}

/// A `NumericDate` (RFC 7519 §2), to the second below: a fraction never makes a token live longer.
fn time(claims: &Object, claim: &'static str) -> Result<Option<i64>, Rejection> {
    let seconds = match claims.get(claim) {
        None => return Ok(None),
        Some(Value::Integer(seconds)) => Some(*seconds),
        Some(Value::Number(seconds)) => whole_seconds(*seconds),
        Some(Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Object(_)) => {
            None
        }
    };
    seconds
        .filter(|seconds| (0..=TIME_SECONDS_MAX).contains(seconds))
        .map(Some)
        .ok_or(Rejection::TimeMalformed { claim })
}

fn whole_seconds(seconds: f64) -> Option<i64> {
    let in_range = (0.0..9.0e15).contains(&seconds);
    // In that range an f64 holds every integer exactly.
    #[allow(clippy::cast_possible_truncation)]
    in_range.then(|| seconds.floor() as i64)
}

pub(super) fn principal(claims: &Object, rules: &IssuerRules) -> Result<String, Rejection> {
    at(claims, &rules.principal_claim)
        .and_then(Value::as_text)
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .ok_or(Rejection::Principal)
}

/// The groups, if the token is to say and does.
///
/// A claim that is there but is not a list of names is refused, never read as "no groups": which of
/// the two is the safe one depends on the rule that asks.
pub(super) fn groups(
    claims: &Object,
    rules: &IssuerRules,
) -> Result<Option<Vec<String>>, Rejection> {
    let Some(path) = rules.groups_claim.as_deref() else {
        return Ok(None);
    };
    let claim = at(claims, path);
    if overage(claims, path, claim.is_some()) {
        return Err(Rejection::GroupsOverage);
    }
    let Some(claim) = claim else { return Ok(None) };
    let list = claim.as_list().ok_or(Rejection::GroupsMalformed)?;
    if list.len() > GROUPS_MAX {
        return Err(Rejection::GroupsTooMany);
    }
    let mut names = Vec::with_capacity(list.len());
    for item in list {
        let name = item.as_text().filter(|name| is_name(name)).ok_or(Rejection::GroupsMalformed)?;
        names.push(name.to_owned());
    }
    Ok(Some(names))
}

/// Whether the issuer says that the groups are not all here: a distributed claim (§5.6.2 of the
/// core of OIDC, Entra's answer to more than 200 groups), or Entra's `hasgroups`.
fn overage(claims: &Object, path: &str, present: bool) -> bool {
    let distributed = match claims.get("_claim_names") {
        None => false,
        Some(Value::Object(names)) => {
            steps(path).next().is_some_and(|first| names.contains_key(first))
        }
        Some(
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_),
        ) => true,
    };
    let left_out = !present
        && match claims.get("hasgroups") {
            None | Some(Value::Bool(false)) => false,
            Some(_) => true,
        };
    distributed || left_out
}

/// The value at a dotted path. A path that holds `://` is one name: issuers that must avoid
/// collisions name their claims by URL (`https://acme.example/groups`), dots included.
fn at<'o>(claims: &'o Object, path: &str) -> Option<&'o Value> {
    let mut steps = steps(path);
    let mut value = claims.get(steps.next()?)?;
    for step in steps {
        value = value.as_object()?.get(step)?;
    }
    Some(value)
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    let separator = if path.contains("://") { '\0' } else { '.' };
    path.split(separator)
}

/// A name that can stand in a rule, a log line and an audit row: compared byte for byte, so two
/// that only look alike stay two.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}
