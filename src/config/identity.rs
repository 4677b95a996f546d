//! Checks who may connect: issuers, anonymous clients, and what the two mean for the brokers.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::checker::Checker;
use super::config::{Anonymous, Identity, Issuer, KeySource};
use super::document::{
    AnonymousDocument, ClusterDocument, IdentityDocument, IdentityMode, IssuerDocument, JwksForms,
};
use super::listeners::Listener;
use super::passwords;
use super::upstream::document::UpstreamForms;
use super::upstream::{Upstream, UpstreamAuth};
use crate::auth::{
    Algorithm, CLOCK_SKEW_SECONDS_DEFAULT, IssuerRules, TOKEN_LIFETIME_SECONDS_DEFAULT,
};
use crate::identity::{ANONYMOUS_NAME, ISSUER_SEPARATOR};
use crate::yaml::{At, OneOrMany, nearest};

const CLOCK_SKEW_SECONDS_MAX: u64 = 30;
const TOKEN_LIFETIME_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;
const WHAT_TO_WRITE: &str = "write `identity: {oauthbearer: {issuer: URL, audience: NAME}}`, or \
                             for a laptop `identity: {anonymous: {}}`";

pub(super) fn identity(
    checker: &mut Checker<'_>,
    written: Option<&At<IdentityDocument>>,
) -> Option<Identity> {
    let Some(at) = written else {
        checker.refuse_file("the key `identity` is missing", WHAT_TO_WRITE);
        return None;
    };
    let mode = at.value.mode.unwrap_or(IdentityMode::Terminate);
    let users = passwords::users(checker, &at.value);
    let issuers = match &at.value.oauthbearer {
        Some(list) => issuers(checker, list),
        None => Some(Vec::new()),
    };
    let anonymous = match &at.value.anonymous {
        Some(at) => anonymous(checker, &at.value).map(Some),
        None => Some(None),
    };
    let groups_file = match &at.value.groups {
        Some(groups) => checker.existing_file(&groups.file, "the group file").map(Some),
        None => Some(None),
    };
    let certificate_name =
        at.value.mtls.as_ref().map(|mtls| mtls.value.principal.unwrap_or_default());
    let nobody = at.value.oauthbearer.is_none()
        && at.value.plain.is_none()
        && at.value.scram.is_none()
        && certificate_name.is_none()
        && at.value.anonymous.is_none();
    if nobody && mode == IdentityMode::Terminate {
        checker.refuse_with(at, "`identity` lets nobody in", WHAT_TO_WRITE);
        return None;
    }
    let passwords::Passwords { plain, scram } = users?;
    let (issuers, anonymous, groups_file) = (issuers?, anonymous?, groups_file?);
    Some(Identity { mode, issuers, certificate_name, plain, scram, anonymous, groups_file })
}

fn issuers(checker: &mut Checker<'_>, list: &At<OneOrMany<IssuerDocument>>) -> Option<Vec<Issuer>> {
    let written = &list.value.0;
    if written.is_empty() {
        checker.refuse_with(list, "`oauthbearer` lists no issuer", WHAT_TO_WRITE);
        return None;
    }
    let several = written.len() > 1;
    let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
    let mut issuers = Vec::new();
    for entry in written {
        let document = &entry.value;
        let Some(mut issuer) = issuer(checker, document) else { continue };
        let fresh = issuer.rules.name.clone().is_none_or(|name| names.insert(name));
        if several && (!fresh || issuer.rules.name.is_none()) {
            let place = document.name.as_ref().unwrap_or(&document.issuer);
            checker.refuse_with(
                place,
                "with several issuers each needs a `name` of its own",
                "policies then write a principal as `name|user`",
            );
        }
        if !urls.insert(issuer.rules.issuer.clone()) {
            checker.refuse(&document.issuer, "this issuer is listed twice");
        }
        if !several {
            issuer.rules.name = None;
        }
        issuers.push(issuer);
    }
    (issuers.len() == written.len()).then_some(issuers)
}

fn issuer(checker: &mut Checker<'_>, written: &IssuerDocument) -> Option<Issuer> {
    let name = match &written.name {
        Some(at) => checker.word(at, "the issuer's name").map(Some),
        None => Some(None),
    };
    let url = checker.text(&written.issuer, "`issuer`");
    let audience = audience(checker, written);
    let keys = keys(checker, written);
    let principal_claim = match &written.principal_claim {
        Some(at) => checker.text(at, "`principal_claim`"),
        None => Some("sub".to_owned()),
    };
    let groups_claim = match &written.groups_claim {
        Some(at) => checker.text(at, "`groups_claim`").map(Some),
        None => Some(None),
    };
    let algorithms = algorithms(checker, written);
    let clock_skew_seconds = checker.number(
        written.clock_skew_seconds.as_ref(),
        CLOCK_SKEW_SECONDS_DEFAULT,
        (0, CLOCK_SKEW_SECONDS_MAX),
    );
    let token_lifetime_seconds_max = checker.number(
        written.token_lifetime_seconds_max.as_ref(),
        TOKEN_LIFETIME_SECONDS_DEFAULT,
        (60, TOKEN_LIFETIME_SECONDS_MAX),
    );
    let mut rules = IssuerRules::new(url?, audience?);
    rules.name = name?.map(Into::into);
    rules.algorithms = algorithms?;
    rules.principal_claim = principal_claim?;
    rules.groups_claim = groups_claim?;
    rules.clock_skew_seconds = clock_skew_seconds?;
    rules.token_lifetime_seconds_max = token_lifetime_seconds_max?;
    Some(Issuer { rules, keys: keys? })
}

fn audience(checker: &mut Checker<'_>, written: &IssuerDocument) -> Option<Vec<String>> {
    let list = &written.audience;
    let mut audience = Vec::new();
    for entry in &list.value.0 {
        audience.push(checker.text(entry, "`audience`")?);
    }
    if audience.is_empty() {
        checker.refuse(list, "`audience` is empty: it would accept no token");
        return None;
    }
    Some(audience)
}

fn keys(checker: &mut Checker<'_>, written: &IssuerDocument) -> Option<KeySource> {
    let Some(at) = &written.jwks else {
        let issuer = checker.expand(&written.issuer, &written.issuer.value)?;
        if is_safe_url(&issuer) {
            return Some(KeySource::Discovery);
        }
        checker.refuse_with(
            &written.issuer,
            format!(
                "`{}` is not an https URL, so its keys cannot be discovered",
                written.issuer.value
            ),
            "name the keys: `jwks: https://...` or `jwks: {file: PATH}`",
        );
        return None;
    };
    match &at.value {
        JwksForms::Text(written) => {
            let url = checker.expand(at, written)?;
            if is_safe_url(&url) {
                return Some(KeySource::Url(url));
            }
            let help = "keys come over https (http is for loopback), or from `{file: PATH}`";
            checker.refuse_with(at, format!("`{written}` is not an https URL"), help);
            None
        }
        JwksForms::Map(map) => {
            checker.existing_file(&map.file, "the key file").map(KeySource::File)
        }
    }
}

/// Whether keys and tokens may come from here: https, or http from this machine. No user name or
/// password in it: it is printed.
pub(super) fn is_safe_url(url: &str) -> bool {
    let (scheme, behind) = url.split_once("://").unwrap_or(("", ""));
    let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || url.contains(char::is_whitespace) {
        return false;
    }
    let loopback = authority == "localhost"
        || authority.starts_with("localhost:")
        || authority.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
        || authority.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    scheme == "https" || (scheme == "http" && loopback)
}

fn algorithms(checker: &mut Checker<'_>, written: &IssuerDocument) -> Option<Vec<Algorithm>> {
    let Some(list) = &written.algorithms else { return Some(Algorithm::DEFAULT.to_vec()) };
    let mut algorithms = Vec::new();
    for at in &list.value {
        let name = checker.expand(at, &at.value)?;
        let Some(algorithm) = Algorithm::named(&name) else {
            let known: Vec<&str> = Algorithm::ALL.iter().map(|known| known.as_str()).collect();
            let help = match nearest(&at.value, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the asymmetric ones are {}", known.join(", ")),
            };
            checker.refuse_with(at, format!("`{}` is not an algorithm for tokens", at.value), help);
            continue;
        };
        algorithms.push(algorithm);
    }
    if list.value.is_empty() {
        checker.refuse(list, "`algorithms` is empty: it would accept no token");
        return None;
    }
    (algorithms.len() == list.value.len()).then_some(algorithms)
}

fn anonymous(checker: &mut Checker<'_>, written: &AnonymousDocument) -> Option<Anonymous> {
    let principal = match &written.principal {
        Some(at) => checker.text(at, "`principal`").and_then(|name| {
            if name.contains(ISSUER_SEPARATOR) {
                let message = format!("a principal's name may not hold `{ISSUER_SEPARATOR}`");
                checker.refuse(at, message);
                return None;
            }
            Some(name)
        }),
        None => Some(ANONYMOUS_NAME.to_owned()),
    };
    let mut groups = Vec::new();
    for at in &written.groups {
        groups.push(checker.text(at, "the group")?.into());
    }
    Some(Anonymous { principal: principal?.into(), groups })
}

/// What identity means for the listeners and the brokers.
pub(super) fn check_together(
    checker: &mut Checker<'_>,
    written: &ClusterDocument,
    listeners: &[Listener],
    upstream: &Upstream,
    identity: &Identity,
) {
    let Some(at) = written.identity.as_ref().map(|at| &at.value) else { return };
    if let Some(anonymous) = &at.anonymous
        && !anonymous.value.allow_remote
        && let Some(open) =
            listeners.iter().map(|listener| listener.address).find(|at| !at.ip().is_loopback())
    {
        checker.refuse_with(
            anonymous,
            format!("`anonymous` would let anybody who reaches {open} in without a login"),
            "listen on 127.0.0.1, or write `anonymous: {allow_remote: true}` if that is meant",
        );
    }
    let shows_certificates = |listener: &Listener| {
        listener.entrance.tls.as_ref().is_some_and(|tls| tls.clients.is_some())
    };
    if let Some(mtls) = &at.mtls
        && !listeners.iter().any(shows_certificates)
    {
        checker.refuse_with(
            mtls,
            "`mtls` needs a listener that asks for client certificates",
            "write `listen: {address: …, tls: {cert: …, key: …, client_ca: FILE}}`",
        );
    }
    passwords::check_together(checker, at, listeners, upstream);
    let forward = written.upstream.as_ref().and_then(|upstream| match &upstream.value {
        UpstreamForms::Map(map) => map.auth.as_ref(),
        UpstreamForms::Text(_) => None,
    });
    if upstream.auth == UpstreamAuth::Forward
        && let Some(forward) = forward
    {
        let others = [
            (identity.anonymous.is_some(), "anonymous"),
            (identity.certificate_name.is_some(), "mtls"),
        ];
        for (_, way) in others.into_iter().filter(|(configured, _)| *configured) {
            checker.refuse_with(
                forward,
                format!("`forward` needs a token of every client, and `{way}` clients have none"),
                format!("take `identity.{way}` out, or write `auth: none`"),
            );
        }
    }
}
