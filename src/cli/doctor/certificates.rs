//! How long the certificates last: Lockgate's own at listeners and at brokers.

use std::path::{Path, PathBuf};

use super::Patient;
use super::finding::Findings;
use crate::auth::certificate;
use crate::config::certificate_chain;
use crate::io::clock;

const DAY_SECONDS: i64 = 86_400;
/// So many days before its end a certificate should have a successor.
const DAYS_LEFT_MIN: i64 = 30;

/// Each certificate of each file has time left.
pub(super) async fn expiry(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let listeners = patient.cluster.listeners.iter();
    let mut files: Vec<PathBuf> = listeners
        .filter_map(|listener| listener.entrance.tls.as_ref())
        .flat_map(|tls| {
            let authorities = tls.clients.as_ref().map(|clients| clients.authorities.clone());
            [Some(tls.cert.clone()), authorities].into_iter().flatten()
        })
        .collect();
    if let Some(tls) = &patient.cluster.upstream.tls {
        files.extend(tls.identity.as_ref().map(|(cert, _)| cert.clone()));
        files.extend(tls.ca.clone());
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        into.skip("no certificate is configured");
    }
    for file in &files {
        judge(&mut into, file);
    }
    into
}

/// The certificate of a file that ends first.
fn judge(into: &mut Findings, file: &Path) {
    let chain = match certificate_chain(file) {
        Ok(chain) => chain,
        Err(error) => {
            into.fail(error.to_string(), "give the file, in PEM, to the user that runs Lockgate");
            return;
        }
    };
    let ends = chain.iter().map(|der| certificate::parse(der).map(|it| it.ends_at_seconds()));
    let first = match ends.collect::<Result<Vec<i64>, _>>() {
        Ok(ends) => ends.into_iter().min().unwrap_or(0),
        Err(fault) => {
            into.fail(format!("{}: {fault}", file.display()), "renew the certificate");
            return;
        }
    };
    let left = first.saturating_sub(clock::now_ms().div_euclid(1000));
    let days = left.div_euclid(DAY_SECONDS);
    let file = file.display();
    if left <= 0 {
        into.fail(format!("{file} has ended"), "renew it: new files are used without a restart");
    } else if days < DAYS_LEFT_MIN {
        into.warn(format!("{file} ends in {days} days"), "renew it, and look at what renews it");
    } else {
        into.ok(format!("{file} is good for {days} days"));
    }
}
