//! Checks who may log in by a password, and where a password may go.

use super::listeners::Listener;
use std::path::PathBuf;

use super::checker::Checker;
use super::document::{IdentityDocument, IdentityMode, ScramDocument, UsersForms};
use super::upstream::{Upstream, UpstreamAuth};
use crate::auth::scram::ScramHash;
use crate::yaml::{At, nearest};

/// The files of users.
pub(super) struct Passwords {
    pub(super) plain: Option<PathBuf>,
    pub(super) scram: Option<(PathBuf, Vec<ScramHash>)>,
}

pub(super) fn users(checker: &mut Checker<'_>, written: &IdentityDocument) -> Option<Passwords> {
    let plain = match &written.plain {
        None => Some(None),
        Some(at) => users_file(checker, &at.value.users).map(Some),
    };
    let scram = match &written.scram {
        None => Some(None),
        Some(at) => {
            let (file, hashes) = (users_file(checker, &at.value.users), hashes(checker, &at.value));
            file.zip(hashes).map(Some)
        }
    };
    Some(Passwords { plain: plain?, scram: scram? })
}

fn users_file(checker: &mut Checker<'_>, at: &At<UsersForms>) -> Option<PathBuf> {
    let (place, path) = match &at.value {
        UsersForms::Text(path) => (at.referenced, path.clone()),
        UsersForms::Map(map) => (map.file.referenced, map.file.value.clone()),
    };
    let at = At::new(path, place, place);
    let path = checker.path(&at)?;
    if !path.is_file() {
        let message = format!("the users file {} does not exist", path.display());
        let help = format!(
            "make it: `lockgate config user --file {} --name NAME`, with the password on standard \
             input",
            path.display()
        );
        checker.refuse_with(&at, message, help);
        return None;
    }
    Some(path)
}

fn hashes(checker: &mut Checker<'_>, written: &ScramDocument) -> Option<Vec<ScramHash>> {
    let Some(list) = &written.mechanisms else { return Some(ScramHash::ALL.to_vec()) };
    if list.value.is_empty() {
        checker.refuse(list, "`mechanisms` is empty: nobody could log in");
        return None;
    }
    let mut hashes = Vec::new();
    for at in &list.value {
        let Some(hash) = ScramHash::of_mechanism(&at.value) else {
            let known = ScramHash::ALL.map(ScramHash::mechanism);
            let help = match nearest(&at.value, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the mechanisms are {}", known.join(", ")),
            };
            checker.refuse_with(at, format!("`{}` is no SCRAM mechanism", at.value), help);
            continue;
        };
        hashes.push(hash);
    }
    (hashes.len() == list.value.len()).then_some(hashes)
}

/// What logins by password mean for the listeners and the brokers, and `inspect` for all logins.
pub(super) fn check_together(
    checker: &mut Checker<'_>,
    written: &IdentityDocument,
    listeners: &[Listener],
    upstream: &Upstream,
) {
    if let Some(plain) = &written.plain
        && !plain.value.allow_cleartext
        && let Some(open) = listeners.iter().find(|listener| {
            listener.entrance.tls.is_none() && !listener.address.ip().is_loopback()
        })
    {
        checker.refuse_with(
            plain,
            format!("`plain` would take passwords in clear over the network at {}", open.address),
            "add `tls` to the listener, use `scram`, or write `allow_cleartext: true` under \
             `plain`",
        );
    }
    let inspects = written.mode == Some(IdentityMode::Inspect);
    if inspects && matches!(upstream.auth, UpstreamAuth::Own(_)) {
        let help = "take `upstream.auth` out, or write `mode: terminate`";
        let message = "with `mode: inspect` the broker sees the client's own login, and no other";
        checker.refuse_file(message, help);
    }
    let mine = [
        written.plain.as_ref().map(|at| (at.referenced, "plain")),
        written.scram.as_ref().map(|at| (at.referenced, "scram")),
        written.anonymous.as_ref().map(|at| (at.referenced, "anonymous")),
    ];
    for (place, key) in mine.into_iter().flatten() {
        let place = At::new((), place, place);
        if inspects {
            let help = format!("take `{key}` out, or write `mode: terminate`");
            let message = format!("with `mode: inspect` the broker checks logins, not `{key}`");
            checker.refuse_with(&place, message, help);
        } else if upstream.auth == UpstreamAuth::Forward && key != "anonymous" {
            let message = format!(
                "`upstream.auth: forward` needs a token of every client, and `{key}` clients have \
                 none"
            );
            let help = "let the broker check logins (`mode: inspect`), or log in there as Lockgate";
            checker.refuse_with(&place, message, help);
        }
    }
}
