//! The server's half: a challenge, and the check of the proof that answers it.
//!
//! A name that nobody has is challenged as everybody is, with a salt that stays the same, and its
//! proof is refused as a wrong password is: who exists is not to be learned here.

use std::num::NonZeroU32;

use super::message::{ClientFinal, ClientFirst, ScramFault, ServerFinal, ServerFirst};
use super::{ScramHash, Secret, ServerKeys, auth_message, salted_password};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// What is kept of one password: enough to check it, not enough to log in with.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub salt: Vec<u8>,
    pub iterations: NonZeroU32,
    pub keys: ServerKeys,
}

impl Verifier {
    /// Of a password. `salt` is random.
    #[must_use]
    pub fn of(hash: ScramHash, password: &str, salt: Vec<u8>, iterations: NonZeroU32) -> Self {
        let salted = salted_password(hash, password, &salt, iterations);
        Self { keys: ServerKeys::of(hash, &salted), salt, iterations }
    }

    /// Of nobody: the same for the same name and secret, and matched by no password.
    #[must_use]
    pub fn decoy(hash: ScramHash, secret: &Secret, name: &str, iterations: NonZeroU32) -> Self {
        let derived = |purpose: &str| {
            hash.hmac(secret.bytes(), format!("{purpose} {} {name}", hash.mechanism()).as_bytes())
        };
        let salt = derived("salt").bytes().iter().take(SALT_BYTES).copied().collect();
        let keys = ServerKeys { stored_key: derived("stored"), server_key: derived("server") };
        Self { salt, iterations, keys }
    }

    /// Whether a password that was salted with this salt is the right one.
    #[must_use]
    pub fn takes(&self, hash: ScramHash, salted: &Secret) -> bool {
        ServerKeys::of(hash, salted).stored_key.equals(self.keys.stored_key.bytes())
    }
}

/// A challenge was sent; the proof is to come.
#[derive(Clone, Debug)]
pub struct AwaitsProof {
    hash: ScramHash,
    first: ClientFirst,
    challenge: ServerFirst,
    keys: ServerKeys,
}

impl AwaitsProof {
    /// Answers a client's first message with a challenge. `nonce` is random, printable and without
    /// a comma, and never used before.
    #[must_use]
    pub fn new(
        hash: ScramHash,
        first: ClientFirst,
        verifier: &Verifier,
        nonce: &str,
    ) -> (Vec<u8>, Self) {
        let iterations = verifier.iterations.get();
        let challenge = ServerFirst::new(&first.nonce, nonce, &verifier.salt, iterations);
        let message = challenge.encode();
        (message, Self { hash, first, challenge, keys: verifier.keys.clone() })
    }

    /// The name that the client gave.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.first.username
    }

    /// Checks the proof. `Some` is the last message: it shows that this side knows the keys too.
    ///
    /// # Errors
    /// [`ScramFault`] where the message is none, or does not answer this challenge.
    pub fn check(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>, ScramFault> {
        let last = ClientFinal::parse(bytes, &self.first, &self.challenge)?;
        let signed = auth_message(&self.first.bare, &self.challenge.text, &last.without_proof);
        if !self.keys.proves(self.hash, &signed, &last.proof) {
            return Ok(None);
        }
        let signature = self.keys.signature(self.hash, &signed);
        Ok(Some(ServerFinal::Signature(signature).encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_first;
    use super::*;

    const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

    fn begun(verifier: &Verifier, password: &str, nonce: &str) -> (Vec<u8>, AwaitsProof) {
        let hash = ScramHash::Sha256;
        let (first, client) = client_first(hash, "jane", password, "clientnonceclientnonce");
        let first = ClientFirst::parse(&first).unwrap();
        let (challenge, server) = AwaitsProof::new(hash, first, verifier, nonce);
        (client.answer(&challenge).unwrap().0, server)
    }

    #[test]
    fn the_exchange_of_rfc_7677_is_answered_byte_for_byte() {
        use base64::Engine as _;
        let salt = base64::engine::general_purpose::STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==");
        let verifier = Verifier::of(ScramHash::Sha256, "pencil", salt.unwrap(), ITERATIONS);
        let first = ClientFirst::parse(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let (challenge, server) = AwaitsProof::new(ScramHash::Sha256, first, &verifier, nonce);
        assert_eq!(
            challenge,
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
              s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let proof = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                      p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let last = server.check(proof).unwrap().unwrap();
        assert_eq!(last, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_replayed_or_changed_proof_is_refused() {
        let verifier = Verifier::of(ScramHash::Sha256, "secret", vec![7; 16], ITERATIONS);
        let (proof, server) = begun(&verifier, "secret", "one");
        assert!(server.check(&proof).unwrap().is_some());
        let (_, later) = begun(&verifier, "secret", "two");
        assert_eq!(later.check(&proof), Err(ScramFault::Nonce));
        let text = String::from_utf8(proof).unwrap();
        let renamed = text.replace("r=clientnonceclientnonceone", "r=clientnonceclientnoncetwo");
        assert_eq!(later.check(renamed.as_bytes()), Ok(None), "the nonce is signed");
        let (binding, rest) = text.split_once(',').unwrap();
        assert_eq!(binding, "c=biws");
        let bound = format!("c=eSws,{rest}");
        assert_eq!(server.check(bound.as_bytes()), Err(ScramFault::ChannelBinding));
        let (wrong, server) = begun(&verifier, "Secret", "one");
        assert_eq!(server.check(&wrong), Ok(None));
    }

    #[test]
    fn nobody_is_challenged_like_somebody() {
        let secret = Secret::new(vec![1; 32]);
        let decoy = |name| Verifier::decoy(ScramHash::Sha512, &secret, name, ITERATIONS);
        assert_eq!(decoy("eve").salt, decoy("eve").salt);
        assert_ne!(decoy("eve").salt, decoy("eva").salt);
        assert_eq!(decoy("eve").salt.len(), SALT_BYTES);
        let salted = salted_password(ScramHash::Sha512, "", &decoy("eve").salt, ITERATIONS);
        assert!(!decoy("eve").takes(ScramHash::Sha512, &salted));
    }
}
