//! T21: several issuers, the same `sub`, and keys that never mix.

use std::path::Path;

use super::*;
use crate::identity::{Groups, Principal};
use crate::io::directory::Directory;
use crate::io::directory::file::FileDirectory;

fn token(signer: &Signer, issuer: &str) -> String {
    signer.token(&serde_json::json!({
        "iss": issuer, "aud": "kafka", "sub": "jane", "exp": NOW + 600, "groups": ["humans"],
    }))
}

async fn issuer(folder: &Path, name: &str, url: &str, signer: &Signer) -> (IssuerRules, KeySource) {
    let path = folder.join(name);
    std::fs::write(&path, document(&[signer.jwk()])).unwrap();
    let location = KeyLocation::File(path);
    let keys = KeySource::start(url, location, KeyTiming::default()).unwrap();
    keys.first_fetch(PATIENCE).await;
    let rules = IssuerRules {
        name: Some(name.into()),
        groups_claim: Some("groups".to_owned()),
        ..IssuerRules::new(url, vec!["kafka".to_owned()])
    };
    (rules, keys)
}

#[tokio::test]
async fn t21_the_same_name_from_two_issuers_is_two_people() {
    let folder = tempfile::tempdir().unwrap();
    // Both publish under the same key id.
    let (ours, theirs) = (key("k"), key("k"));
    let groups = folder.path().join("groups.yaml");
    std::fs::write(&groups, "groups:\n  pii-readers: [\"corp|jane\"]\n").unwrap();
    let directory: Arc<dyn Directory> = Arc::new(FileDirectory::read(&groups).unwrap());
    let issuers = Issuers::new(
        vec![
            issuer(folder.path(), "corp", "https://corp.example", &ours).await,
            issuer(folder.path(), "partner", "https://partner.example", &theirs).await,
        ],
        vec![directory],
    );
    let check = async |token: String| {
        issuers.authenticate(&BearerToken::new(&token), NOW).await.map(|good| good.subject)
    };
    let corp = check(token(&ours, "https://corp.example")).await.unwrap();
    assert_eq!(corp.principal, Principal::user(Some("corp".into()), "jane"));
    assert_eq!(corp.groups, Groups::known(["humans", "pii-readers"]));
    let partner = check(token(&theirs, "https://partner.example")).await.unwrap();
    assert_eq!(partner.principal.to_string(), "partner|jane");
    assert_eq!(partner.groups, Groups::known(["humans"]));

    // The partner's key does not sign for the corporation, nor does either for a third.
    let forged = check(token(&theirs, "https://corp.example")).await;
    assert_eq!(forged, Err(Rejection::Signature));
    let third = check(token(&theirs, "https://third.example")).await;
    assert_eq!(third, Err(Rejection::UnknownIssuer));
    assert_eq!(issuers.statuses().len(), 2);
}
