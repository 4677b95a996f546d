//! The users file: who may log in by password, and what is kept of each password.
//!
//! ```yaml
//! decoy: bTx…               # so that a name that nobody has looks like one that somebody has
//! users:
//!   alice:
//!     groups: [payments]
//!     scram-sha-256: {salt: …, iterations: 16384, stored_key: …, server_key: …}
//!     scram-sha-512: {salt: …, iterations: 16384, stored_key: …, server_key: …}
//! ```
//!
//! No password is in it, in clear or encrypted: one verifier for each hash, of which SCRAM needs
//! its own and PLAIN needs either (docs/adr/0019).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::plain::is_name;
use super::scram::{ITERATIONS_MAX, ITERATIONS_MIN, ScramHash, Secret, ServerKeys, Verifier};
use crate::identity::{Groups, ISSUER_SEPARATOR};
use crate::yaml::{self, At, Diagnostic};

/// What a password is hardened with unless told otherwise: the most that Kafka's own
/// `ScramMechanism` allows.
pub const ITERATIONS_DEFAULT: u32 = 16_384;
/// Bytes of the secret behind decoys.
pub const DECOY_BYTES: usize = 32;

/// Everybody in the file.
#[derive(Clone, Debug, Default)]
pub struct Users {
    decoy: Option<Secret>,
    users: BTreeMap<Box<str>, User>,
}

/// One of them.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// `None`: the file says nothing of groups.
    pub groups: Option<Arc<[Arc<str>]>>,
    pub sha256: Option<Verifier>,
    pub sha512: Option<Verifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    decoy: Option<At<String>>,
    users: BTreeMap<String, At<UserDocument>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserDocument {
    groups: Option<Vec<At<String>>>,
    #[serde(rename = "scram-sha-256")]
    sha256: Option<VerifierDocument>,
    #[serde(rename = "scram-sha-512")]
    sha512: Option<VerifierDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifierDocument {
    salt: At<String>,
    iterations: At<u32>,
    stored_key: At<String>,
    server_key: At<String>,
}

impl Users {
    /// A file for nobody yet. `decoy` is random.
    #[must_use]
    pub fn new(decoy: [u8; DECOY_BYTES]) -> Self {
        Self { decoy: Some(Secret::new(decoy.to_vec())), users: BTreeMap::new() }
    }

    /// Reads a file's text. `file` names it in errors.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let document: Document = yaml::read(file, text)?;
        let reader = Reader { file, text };
        let decoy = match &document.decoy {
            None => None,
            Some(at) => Some(Secret::new(reader.binary(at, DECOY_BYTES)?)),
        };
        let mut users = BTreeMap::new();
        for (name, at) in &document.users {
            if !is_name(name) || name.contains(ISSUER_SEPARATOR) {
                let message = "a user's name is not empty, has at most 256 bytes, no control \
                               characters and no `|`";
                return Err(Diagnostic::at(file, text, at, message));
            }
            users.insert(name.as_str().into(), reader.user(at)?);
        }
        Ok(Self { decoy, users })
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Written by `lockgate config user`. It holds no password, but whoever reads it can\n\
             # try passwords against it: keep it private.\n",
        );
        if let Some(decoy) = &self.decoy {
            let _ = writeln!(text, "decoy: {}", STANDARD.encode(decoy.bytes()));
        }
        if self.users.is_empty() {
            text.push_str("users: {}\n");
            return text;
        }
        text.push_str("users:\n");
        for (name, user) in &self.users {
            let _ = writeln!(text, "  {}:", quoted(name));
            if let Some(groups) = &user.groups {
                let groups: Vec<String> = groups.iter().map(|group| quoted(group)).collect();
                let _ = writeln!(text, "    groups: [{}]", groups.join(", "));
            }
            for hash in ScramHash::ALL {
                let Some(verifier) = user.verifier(hash) else { continue };
                let _ = writeln!(text, "    {}:", hash.mechanism().to_ascii_lowercase());
                for (key, bytes) in [
                    ("salt", verifier.salt.as_slice()),
                    ("stored_key", verifier.keys.stored_key.bytes()),
                    ("server_key", verifier.keys.server_key.bytes()),
                ] {
                    let _ = writeln!(text, "      {key}: {}", STANDARD.encode(bytes));
                }
                let _ = writeln!(text, "      iterations: {}", verifier.iterations);
            }
        }
        text
    }

    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(AsRef::as_ref)
    }

    /// Puts a user in, in the place of one of the same name.
    pub fn put(&mut self, name: &str, user: User) {
        self.users.insert(name.into(), user);
    }

    /// Takes a user out; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.users.remove(name).is_some()
    }

    /// What a login as `name` is checked against, and whether it can succeed. Nobody is checked
    /// against a decoy, which costs the same time; `fallback` is the secret behind it where the
    /// file has none.
    #[must_use]
    pub fn verifier(&self, hash: ScramHash, name: &str, fallback: &Secret) -> Verifier {
        let known = self.user(name).and_then(|user| user.verifier(hash));
        known.cloned().unwrap_or_else(|| {
            let secret = self.decoy.as_ref().unwrap_or(fallback);
            Verifier::decoy(hash, secret, name, self.usual_iterations(hash))
        })
    }

    /// What the passwords of most users are checked with: nobody's is not to take another time.
    #[must_use]
    pub fn usual_hash(&self) -> ScramHash {
        let with_sha512 = self.users.values().filter(|user| user.sha512.is_some()).count();
        let others = self.users.len().saturating_sub(with_sha512);
        if others > with_sha512 { ScramHash::Sha256 } else { ScramHash::Sha512 }
    }

    /// The iterations of most users, or of new ones.
    fn usual_iterations(&self, hash: ScramHash) -> NonZeroU32 {
        let mut counts: BTreeMap<NonZeroU32, usize> = BTreeMap::new();
        for verifier in self.users.values().filter_map(|user| user.verifier(hash)) {
            *counts.entry(verifier.iterations).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(iterations, _)| iterations)
            .or(NonZeroU32::new(ITERATIONS_DEFAULT))
            .unwrap_or(NonZeroU32::MIN)
    }
}

impl User {
    /// With a verifier for each hash, of one password. Salts are random.
    #[must_use]
    pub fn with_password(password: &str, salts: [Vec<u8>; 2], iterations: NonZeroU32) -> Self {
        let [salt256, salt512] = salts;
        Self {
            groups: None,
            sha256: Some(Verifier::of(ScramHash::Sha256, password, salt256, iterations)),
            sha512: Some(Verifier::of(ScramHash::Sha512, password, salt512, iterations)),
        }
    }

    #[must_use]
    pub fn verifier(&self, hash: ScramHash) -> Option<&Verifier> {
        match hash {
            ScramHash::Sha256 => self.sha256.as_ref(),
            ScramHash::Sha512 => self.sha512.as_ref(),
        }
    }

    /// The groups that the file names.
    #[must_use]
    pub fn known_groups(&self) -> Groups {
        match &self.groups {
            None => Groups::Unknown,
            Some(groups) => Groups::known(groups.iter().map(Arc::clone)),
        }
    }
}

/// A text as YAML and JSON both write it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Reader<'t> {
    file: &'t str,
    text: &'t str,
}

impl Reader<'_> {
    fn user(&self, at: &At<UserDocument>) -> Result<User, Diagnostic> {
        let written = &at.value;
        if written.sha256.is_none() && written.sha512.is_none() {
            let message = "a user has `scram-sha-256` or `scram-sha-512`, or both";
            return Err(self.fault(at, message));
        }
        let mut groups = None;
        for group in written.groups.iter().flatten() {
            if !is_name(&group.value) {
                return Err(self.fault(group, "a group's name is not empty and has no controls"));
            }
        }
        if let Some(written) = &written.groups {
            let names: Vec<Arc<str>> =
                written.iter().map(|group| group.value.as_str().into()).collect();
            groups = Some(names.into());
        }
        let verifier = |written: &Option<VerifierDocument>, hash| {
            written.as_ref().map(|written| self.verifier(written, hash)).transpose()
        };
        Ok(User {
            groups,
            sha256: verifier(&written.sha256, ScramHash::Sha256)?,
            sha512: verifier(&written.sha512, ScramHash::Sha512)?,
        })
    }

    fn verifier(
        &self,
        written: &VerifierDocument,
        hash: ScramHash,
    ) -> Result<Verifier, Diagnostic> {
        let range = ITERATIONS_MIN..=ITERATIONS_MAX;
        let iterations = Some(written.iterations.value).filter(|count| range.contains(count));
        let iterations = iterations.and_then(NonZeroU32::new).ok_or_else(|| {
            let message = format!("iterations are {ITERATIONS_MIN} to {ITERATIONS_MAX}");
            self.fault(&written.iterations, message)
        })?;
        let salt = self.decoded(&written.salt)?;
        if !(8..=64).contains(&salt.len()) {
            return Err(self.fault(&written.salt, "a salt has 8 to 64 bytes"));
        }
        let keys = ServerKeys {
            stored_key: Secret::new(self.binary(&written.stored_key, hash.output_bytes())?),
            server_key: Secret::new(self.binary(&written.server_key, hash.output_bytes())?),
        };
        Ok(Verifier { salt, iterations, keys })
    }

    fn decoded(&self, at: &At<String>) -> Result<Vec<u8>, Diagnostic> {
        STANDARD.decode(&at.value).map_err(|_| self.fault(at, "this is not Base64"))
    }

    fn binary(&self, at: &At<String>, bytes: usize) -> Result<Vec<u8>, Diagnostic> {
        let decoded = self.decoded(at)?;
        if decoded.len() == bytes {
            return Ok(decoded);
        }
        let message = format!("this has {} bytes, where {bytes} belong", decoded.len());
        Err(self.fault(at, message))
    }

    fn fault<T>(&self, at: &At<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.file, self.text, at, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::scram::salted_password;

    const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

    fn users() -> Users {
        let mut users = Users::new([9; DECOY_BYTES]);
        let alice = User::with_password("s3cret", [vec![1; 16], vec![2; 16]], ITERATIONS);
        let groups = Some(Arc::from([Arc::from("a: b"), Arc::from("payments")]));
        users.put("alice", User { groups, ..alice.clone() });
        users.put("o'brien, \"x\"", alice);
        users
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = users().text();
        assert!(!text.contains("s3cret"));
        let again = Users::parse("users.yaml", &text).unwrap();
        assert_eq!(again.text(), text);
        assert_eq!(again.names().collect::<Vec<_>>(), ["alice", "o'brien, \"x\""]);
        let alice = again.user("alice").unwrap();
        assert!(alice.known_groups().contains("a: b"));
        assert_eq!(again.user("o'brien, \"x\"").unwrap().known_groups(), Groups::Unknown);
        for hash in ScramHash::ALL {
            let verifier = again.verifier(hash, "alice", &Secret::new(vec![]));
            let salted = |password| salted_password(hash, password, &verifier.salt, ITERATIONS);
            assert!(verifier.takes(hash, &salted("s3cret")));
            assert!(!verifier.takes(hash, &salted("S3cret")));
        }
        assert_eq!(Users::parse("f", "users: {}\n").unwrap().names().count(), 0);
    }

    #[test]
    fn nobody_looks_like_somebody_wherever_the_file_is_read() {
        let nobody = |users: &Users| {
            let verifier = users.verifier(ScramHash::Sha256, "eve", &Secret::new(vec![3]));
            (verifier.salt, verifier.iterations)
        };
        let first = nobody(&users());
        assert_eq!(first, nobody(&Users::parse("f", &users().text()).unwrap()));
        assert_eq!((first.0.len(), first.1), (16, ITERATIONS));
        let mut fewer = users();
        assert!(fewer.remove("alice") && !fewer.remove("alice"));
        assert_eq!(nobody(&fewer), first, "others come and go");
    }

    #[test]
    fn nobody_takes_the_time_that_most_take() {
        let mut users = users();
        assert_eq!(users.usual_hash(), ScramHash::Sha512);
        assert_eq!(Users::new([9; DECOY_BYTES]).usual_hash(), ScramHash::Sha512);
        for name in ["alice", "bob", "carol"] {
            let with_both = User::with_password("pw", [vec![1; 16], vec![2; 16]], ITERATIONS);
            users.put(name, User { sha512: None, ..with_both });
        }
        assert_eq!(users.usual_hash(), ScramHash::Sha256);
    }

    #[test]
    fn a_mistake_in_a_key_does_not_show_it() {
        let good = users().text();
        for key in ["decoy: ", "stored_key: ", "server_key: "] {
            let problem = Users::parse("f", &good.replace(key, &format!("{key}QUJDREVG")));
            let problem = problem.unwrap_err().to_string();
            assert!(!problem.contains("QUJDREVG"), "{problem}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let good = users().text();
        let cases = [
            (good.replace("iterations: 4096", "iterations: 4095"), "iterations are"),
            (good.replace("alice:", "a|lice:").replace("\"alice\"", "\"a|lice\""), "no `|`"),
            (good.replace("salt: AQEB", "salt: \"AQEB*\" #"), "Base64"),
            (good.replace("salt:", "sält:"), "sält"),
            ("users: {bob: {}}".to_owned(), "or both"),
            ("users: {bob: {password: x}}".to_owned(), "unknown key"),
            ("user: {}".to_owned(), "unknown key"),
        ];
        for (text, expected) in cases {
            let problem = Users::parse("users.yaml", &text).unwrap_err().to_string();
            assert!(problem.contains(expected), "{expected}: {problem}");
            assert!(problem.contains("users.yaml:"), "{problem}");
        }
    }
}
