//! The four messages of RFC 5802 §7, read strictly and written as Kafka's `ScramMessages` writes
//! them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ITERATIONS_MAX, ITERATIONS_MIN};

/// No message is longer; Kafka's own are a few hundred bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const GS2_HEADER: &str = "n,,";
/// `n,,` in Base64: what a client without channel binding repeats.
const CHANNEL_BINDING: &str = "biws";

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramFault {
    #[error("the SCRAM message is longer than {MESSAGE_BYTES_MAX} bytes, or is not UTF-8")]
    NotText,
    #[error("the SCRAM message does not have the form of RFC 5802 §7")]
    Malformed,
    #[error("SCRAM with channel binding is not spoken here")]
    ChannelBinding,
    #[error("the SCRAM message has a mandatory extension")]
    Extension,
    #[error("the SCRAM nonce does not begin with the one that was sent, or adds nothing to it")]
    Nonce,
    #[error("{0} iterations: they are to be {ITERATIONS_MIN} to {ITERATIONS_MAX}")]
    Iterations(u64),
    /// The server's own words, cut to what is fit for a log.
    #[error("the server refused: {0}")]
    Refused(String),
    /// Whoever answered does not know the password's keys.
    #[error("the server's signature is wrong: it does not know the password")]
    ServerSignature,
}

/// `n,[a=authzid],n=user,r=nonce[,name=value…]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientFirst {
    /// Whom the client asks to act as, unescaped.
    pub authorization_id: Option<String>,
    /// Unescaped.
    pub username: String,
    pub nonce: String,
    /// What follows the nonce, in the order given; Kafka's delegation tokens say `tokenauth=true`.
    pub extensions: Vec<(String, String)>,
    /// The part that is signed.
    pub bare: String,
}

impl ClientFirst {
    /// The message of a client that wants nothing special.
    #[must_use]
    pub fn new(username: &str, nonce: &str) -> Self {
        Self {
            authorization_id: None,
            username: username.to_owned(),
            nonce: nonce.to_owned(),
            extensions: Vec::new(),
            bare: format!("n={},r={nonce}", escaped(username)),
        }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match &self.authorization_id {
            None => format!("{GS2_HEADER}{}", self.bare),
            Some(id) => format!("n,a={},{}", escaped(id), self.bare),
        }
        .into_bytes()
    }

    /// # Errors
    /// [`ScramFault`], whatever the bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScramFault> {
        let text = text(bytes)?;
        let rest = match text.strip_prefix("n,") {
            Some(rest) => rest,
            None if text.starts_with("p=") || text.starts_with("y,") => {
                return Err(ScramFault::ChannelBinding);
            }
            None => return Err(ScramFault::Malformed),
        };
        let (id, bare) = rest.split_once(',').ok_or(ScramFault::Malformed)?;
        let authorization_id = match id {
            "" => None,
            id => Some(unescaped(id.strip_prefix("a=").ok_or(ScramFault::Malformed)?)?),
        };
        let mut attributes = bare.split(',');
        let first = attributes.next().unwrap_or_default();
        if first.starts_with("m=") {
            return Err(ScramFault::Extension);
        }
        let username = unescaped(first.strip_prefix("n=").ok_or(ScramFault::Malformed)?)?;
        let nonce = nonce(attributes.next())?.to_owned();
        let extensions = attributes.map(extension).collect::<Result<_, _>>()?;
        Ok(Self { authorization_id, username, nonce, extensions, bare: bare.to_owned() })
    }
}

/// `r=nonce,s=salt,i=iterations`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerFirst {
    /// The client's nonce and the server's, together.
    pub nonce: String,
    pub salt: Vec<u8>,
    pub iterations: u32,
    /// The message as sent, which is signed.
    pub text: String,
}

impl ServerFirst {
    #[must_use]
    pub fn new(client_nonce: &str, server_nonce: &str, salt: &[u8], iterations: u32) -> Self {
        let nonce = format!("{client_nonce}{server_nonce}");
        let text = format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt));
        Self { nonce, salt: salt.to_vec(), iterations, text }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.text.clone().into_bytes()
    }

    /// # Errors
    /// [`ScramFault`], whatever the bytes are. A server of Kafka says `e=…` here too.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScramFault> {
        let text = text(bytes)?;
        if let Some(reason) = text.strip_prefix("e=") {
            return Err(refused(reason));
        }
        if text.starts_with("m=") {
            return Err(ScramFault::Extension);
        }
        let mut attributes = text.split(',');
        let nonce = nonce(attributes.next())?.to_owned();
        let salt = binary(attributes.next(), "s=")?;
        let iterations = attributes.next().and_then(|part| part.strip_prefix("i="));
        let iterations = iterations.ok_or(ScramFault::Malformed)?;
        let plain =
            !iterations.starts_with('0') && iterations.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || salt.is_empty() {
            return Err(ScramFault::Malformed);
        }
        let iterations: u64 = iterations.parse().map_err(|_| ScramFault::Malformed)?;
        let allowed = u32::try_from(iterations)
            .ok()
            .filter(|count| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(count));
        let iterations = allowed.ok_or(ScramFault::Iterations(iterations))?;
        attributes.try_for_each(|part| extension(part).map(drop))?;
        Ok(Self { nonce, salt, iterations, text: text.to_owned() })
    }
}

/// `c=biws,r=nonce,p=proof`
#[derive(Clone, PartialEq, Eq)]
pub struct ClientFinal {
    pub nonce: String,
    pub proof: Vec<u8>,
    /// What the client repeats of its first message's head, as sent: Base64 of it.
    pub channel_binding: String,
    /// The part that is signed.
    pub without_proof: String,
}

impl ClientFinal {
    /// The part that is signed, of a client that used no authorization id.
    #[must_use]
    pub fn without_proof(nonce: &str) -> String {
        format!("c={CHANNEL_BINDING},r={nonce}")
    }

    #[must_use]
    pub fn new(nonce: &str, proof: Vec<u8>) -> Self {
        Self {
            nonce: nonce.to_owned(),
            proof,
            channel_binding: CHANNEL_BINDING.to_owned(),
            without_proof: Self::without_proof(nonce),
        }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        format!("{},p={}", self.without_proof, STANDARD.encode(&self.proof)).into_bytes()
    }

    /// Reads the answer to `server_first`, from the client that sent `client_first`.
    ///
    /// # Errors
    /// [`ScramFault`], also where the nonce or the repeated head is not what was agreed on.
    pub fn parse(
        bytes: &[u8],
        client_first: &ClientFirst,
        server_first: &ServerFirst,
    ) -> Result<Self, ScramFault> {
        let text = text(bytes)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramFault::Malformed)?;
        let proof = decoded(proof)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|part| part.strip_prefix("c="));
        let binding = binding.ok_or(ScramFault::Malformed)?;
        let head = match &client_first.authorization_id {
            None => GS2_HEADER.to_owned(),
            Some(id) => format!("n,a={},", escaped(id)),
        };
        if decoded(binding)? != head.as_bytes() {
            return Err(ScramFault::ChannelBinding);
        }
        let nonce = nonce(attributes.next())?;
        if nonce != server_first.nonce {
            return Err(ScramFault::Nonce);
        }
        attributes.try_for_each(|part| extension(part).map(drop))?;
        Ok(Self {
            nonce: nonce.to_owned(),
            proof,
            channel_binding: binding.to_owned(),
            without_proof: without_proof.to_owned(),
        })
    }
}

/// `v=signature`, or `e=reason`
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerFinal {
    Signature(Vec<u8>),
    Refused(String),
}

impl ServerFinal {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Signature(signature) => format!("v={}", STANDARD.encode(signature)),
            Self::Refused(reason) => format!("e={reason}"),
        }
        .into_bytes()
    }

    /// # Errors
    /// [`ScramFault`], whatever the bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScramFault> {
        let text = text(bytes)?;
        let mut attributes = text.split(',');
        let first = attributes.next().unwrap_or_default();
        attributes.try_for_each(|part| extension(part).map(drop))?;
        match first.strip_prefix("e=") {
            Some(reason) => Ok(Self::Refused(reason.to_owned())),
            None => Ok(Self::Signature(binary(Some(first), "v=")?)),
        }
    }
}

/// What a server said in refusing, for a log: its first words, without control characters.
pub(super) fn refused(reason: &str) -> ScramFault {
    const CHARACTERS_MAX: usize = 200;
    let plain = reason.chars().filter(|character| !character.is_control());
    ScramFault::Refused(plain.take(CHARACTERS_MAX).collect())
}

fn text(bytes: &[u8]) -> Result<&str, ScramFault> {
    if bytes.len() > MESSAGE_BYTES_MAX || bytes.contains(&0) {
        return Err(ScramFault::NotText);
    }
    std::str::from_utf8(bytes).map_err(|_| ScramFault::NotText)
}

fn nonce(attribute: Option<&str>) -> Result<&str, ScramFault> {
    let nonce = attribute.and_then(|part| part.strip_prefix("r=")).ok_or(ScramFault::Malformed)?;
    let printable = !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic());
    if printable { Ok(nonce) } else { Err(ScramFault::Malformed) }
}

/// `name=value`, the name of letters.
fn extension(attribute: &str) -> Result<(String, String), ScramFault> {
    let (name, value) = attribute.split_once('=').ok_or(ScramFault::Malformed)?;
    if name == "m" {
        return Err(ScramFault::Extension);
    }
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !named || value.is_empty() {
        return Err(ScramFault::Malformed);
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn binary(attribute: Option<&str>, name: &str) -> Result<Vec<u8>, ScramFault> {
    decoded(attribute.and_then(|part| part.strip_prefix(name)).ok_or(ScramFault::Malformed)?)
}

fn decoded(text: &str) -> Result<Vec<u8>, ScramFault> {
    STANDARD.decode(text).map_err(|_| ScramFault::Malformed)
}

/// A `saslname`: neither `,` nor `=` stands for itself.
fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

fn unescaped(name: &str) -> Result<String, ScramFault> {
    let mut parts = name.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = if let Some(rest) = part.strip_prefix("2C") {
            (',', rest)
        } else if let Some(rest) = part.strip_prefix("3D") {
            ('=', rest)
        } else {
            return Err(ScramFault::Malformed);
        };
        plain.push(character);
        plain.push_str(rest);
    }
    if plain.is_empty() { Err(ScramFault::Malformed) } else { Ok(plain) }
}
