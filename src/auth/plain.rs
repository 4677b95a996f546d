//! PLAIN (RFC 4616), as Kafka's `PlainSaslServer` reads it: `[authzid] NUL authcid NUL passwd`.

use std::fmt;
use std::num::NonZeroU32;

use super::NAME_BYTES_MAX;
use super::scram::{ScramHash, Secret, salted_password};

/// Longest password that is looked at.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A password in clear; `Debug` shows its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. It is never to be logged.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Password({} bytes)", self.0.len())
    }
}

/// What a client of PLAIN says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlainMessage {
    pub username: String,
    pub password: Password,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlainFault {
    #[error("the PLAIN message does not have the form of RFC 4616")]
    Malformed,
    #[error(
        "the user name is empty, longer than {NAME_BYTES_MAX} bytes, or has control characters"
    )]
    Name,
    #[error("the password is empty, or longer than {PASSWORD_BYTES_MAX} bytes")]
    Password,
    #[error("the client asked to act as another user than it logs in as (authzid)")]
    AuthorizationId,
}

impl PlainMessage {
    /// # Errors
    /// [`PlainFault`], whatever the bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, PlainFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| PlainFault::Malformed)?;
        let mut parts = text.split('\0');
        let (Some(authorization_id), Some(username), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PlainFault::Malformed);
        };
        if !is_name(username) {
            return Err(PlainFault::Name);
        }
        if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
            return Err(PlainFault::Password);
        }
        if !authorization_id.is_empty() && authorization_id != username {
            return Err(PlainFault::AuthorizationId);
        }
        let password = Password::new(password.to_owned());
        Ok(Self { username: username.to_owned(), password })
    }
}

/// A password that is to be salted: tens of milliseconds of work, so not where others wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salting {
    pub hash: ScramHash,
    pub password: Password,
    pub salt: Vec<u8>,
    pub iterations: NonZeroU32,
}

impl Salting {
    #[must_use]
    pub fn run(&self) -> Secret {
        salted_password(self.hash, self.password.text(), &self.salt, self.iterations)
    }
}

/// Whether a user may be called so: not empty, not long, no control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_three_parts_and_one_meaning() {
        let good = PlainMessage::parse(b"\0alice\0s3cret").unwrap();
        assert_eq!((good.username.as_str(), good.password.text()), ("alice", "s3cret"));
        assert_eq!(PlainMessage::parse(b"alice\0alice\0s3cret"), Ok(good.clone()));
        assert_eq!(format!("{:?}", good.password), "Password(6 bytes)");
        let long = [b"\0alice\0".to_vec(), vec![b'x'; PASSWORD_BYTES_MAX + 1]].concat();
        for (bytes, fault) in [
            (&b""[..], PlainFault::Malformed),
            (b"alice\0secret", PlainFault::Malformed),
            (b"\0alice\0secret\0", PlainFault::Malformed),
            (b"\0alice\0\xff", PlainFault::Malformed),
            (b"\0\0secret", PlainFault::Name),
            (b"\0al\nice\0secret", PlainFault::Name),
            (b"\0alice\0", PlainFault::Password),
            (&long, PlainFault::Password),
            (b"root\0alice\0secret", PlainFault::AuthorizationId),
        ] {
            assert_eq!(PlainMessage::parse(bytes), Err(fault), "{bytes:?}");
        }
    }
}
