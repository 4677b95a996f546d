//! The SASL frame of OAUTHBEARER (RFC 7628 §3.1), as Kafka clients send it:
//! `n,[a=authzid],␁auth=Bearer token␁[name=value␁…]␁` with ␁ for the byte 0x01.

use std::borrow::Cow;
use std::fmt;

use super::{INITIAL_RESPONSE_BYTES_MAX, NAME_BYTES_MAX, TOKEN_BYTES_MAX};

const SEPARATOR: u8 = 0x01;

/// What a client answers to the error body before the server may fail the exchange (RFC 7628
/// §3.2.3).
pub const FAILURE_ACKNOWLEDGEMENT: &[u8] = &[SEPARATOR];

/// Most `name=value` pairs in one frame.
const PAIRS_MAX: usize = 64;

/// The server's error message of RFC 7628 §3.2.2. It is the same for every reason: a client that
/// may not log in learns nothing about what was missing.
pub const fn failure_body() -> &'static [u8] {
    br#"{"status":"invalid_token"}"#
}

/// A bearer token as presented, not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a> {
    text: &'a str,
    authorization_id: Option<&'a str>,
}

/// Why a frame is not an OAUTHBEARER initial response: the client's mistake, before any token is
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslFault {
    /// Longer than [`INITIAL_RESPONSE_BYTES_MAX`], or with too many pairs.
    #[error("the OAUTHBEARER frame is too large")]
    TooLarge,
    /// Not `n,…,␁…␁␁`.
    #[error("the OAUTHBEARER frame does not have the form of RFC 7628")]
    Malformed,
    /// The client asks for channel binding (`p=`) or offers it (`y`).
    #[error("channel binding is not offered with OAUTHBEARER")]
    ChannelBinding,
    /// No `auth` pair, or an empty one.
    #[error("the OAUTHBEARER frame has no `auth`")]
    NoToken,
    /// `auth` is not `Bearer` and a token.
    #[error("the scheme in `auth` is not Bearer, or its token has characters that no token has")]
    NotBearer,
    /// One name twice: the frame could be read in two ways.
    #[error("the OAUTHBEARER frame names a key twice")]
    DuplicateKey,
}

/// Parses the frame. KIP-342 extensions are checked for form and ignored.
///
/// # Errors
/// [`SaslFault`], whatever the bytes are.
pub fn initial_response(bytes: &[u8]) -> Result<BearerToken<'_>, SaslFault> {
    if bytes.len() > INITIAL_RESPONSE_BYTES_MAX {
        return Err(SaslFault::TooLarge);
    }
    // Everything the grammar allows is ASCII but for the authorization id, which is UTF-8.
    let text = std::str::from_utf8(bytes).map_err(|_| SaslFault::Malformed)?;
    let body = text.strip_suffix('\u{1}').ok_or(SaslFault::Malformed)?;
    let (header, pairs) = body.split_once('\u{1}').ok_or(SaslFault::Malformed)?;
    let authorization_id = gs2_header(header)?;
    let token = bearer(pairs)?;
    Ok(BearerToken { text: token, authorization_id })
}

/// `n,,` or `n,a=saslname,` (RFC 5801 §4).
fn gs2_header(header: &str) -> Result<Option<&str>, SaslFault> {
    let rest = match header.strip_prefix("n,") {
        Some(rest) => rest,
        None if header.starts_with("p=") || header.starts_with("y,") => {
            return Err(SaslFault::ChannelBinding);
        }
        None => return Err(SaslFault::Malformed),
    };
    let name = rest.strip_suffix(',').ok_or(SaslFault::Malformed)?;
    if name.is_empty() {
        return Ok(None);
    }
    let name = name.strip_prefix("a=").ok_or(SaslFault::Malformed)?;
    // A decoded name is never longer, and a longer one could equal no principal.
    if name.is_empty() || name.len() > NAME_BYTES_MAX.saturating_mul(3) || name.contains(',') {
        return Err(SaslFault::Malformed);
    }
    let well_escaped =
        name.split('=').skip(1).all(|after| after.starts_with("2C") || after.starts_with("3D"));
    if well_escaped { Ok(Some(name)) } else { Err(SaslFault::Malformed) }
}

/// The token among `name=value␁` pairs, each closed by its separator.
fn bearer(pairs: &str) -> Result<&str, SaslFault> {
    if pairs.is_empty() {
        return Err(SaslFault::NoToken);
    }
    let pairs = pairs.strip_suffix('\u{1}').ok_or(SaslFault::Malformed)?;
    let mut names: Vec<&str> = Vec::new();
    let mut token = None;
    for pair in pairs.split('\u{1}') {
        let (name, value) = pair.split_once('=').ok_or(SaslFault::Malformed)?;
        let name_is_alphabetic =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let value_is_plain = value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if !name_is_alphabetic || !value_is_plain {
            return Err(SaslFault::Malformed);
        }
        if names.contains(&name) {
            return Err(SaslFault::DuplicateKey);
        }
        if names.len() >= PAIRS_MAX {
            return Err(SaslFault::TooLarge);
        }
        names.push(name);
        if name == "auth" {
            token = Some(bearer_value(value)?);
        }
    }
    token.ok_or(SaslFault::NoToken)
}

fn bearer_value(value: &str) -> Result<&str, SaslFault> {
    if value.is_empty() {
        return Err(SaslFault::NoToken);
    }
    let (scheme, token) = value.split_once(' ').ok_or(SaslFault::NotBearer)?;
    // RFC 7235: the scheme's case does not matter.
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(SaslFault::NotBearer);
    }
    let token = token.trim_matches(' ');
    // b64token of RFC 6750; whether it is a JWT is not this layer's question.
    let plain = !token.is_empty()
        && token.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        });
    if !plain {
        return Err(SaslFault::NotBearer);
    }
    if token.len() > TOKEN_BYTES_MAX { Err(SaslFault::TooLarge) } else { Ok(token) }
}

impl<'a> BearerToken<'a> {
    /// A token that did not come in a SASL frame, so nobody asked to act as somebody else.
    pub const fn new(text: &'a str) -> Self {
        Self { text, authorization_id: None }
    }

    /// The token's text. It is a credential: never log it.
    pub const fn secret_text(&self) -> &'a str {
        self.text
    }

    /// Whom the client asks to act as (`authzid`), unescaped; `None` where it does not ask.
    pub fn authorization_id(&self) -> Option<Cow<'a, str>> {
        self.authorization_id.map(|name| {
            if name.contains('=') {
                Cow::Owned(name.replace("=2C", ",").replace("=3D", "="))
            } else {
                Cow::Borrowed(name)
            }
        })
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BearerToken({} bytes)", self.text.len())
    }
}
