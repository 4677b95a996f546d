//! Tokens of the client-credentials grant (RFC 6749 §4.4): one is kept and used by every
//! connection until it is old, then one request fetches the next.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use reqwest::{Client, Url, header};
use thiserror::Error;
use tokio::time::Instant;

use super::{CredentialFault, reveal};
use crate::auth::TOKEN_BYTES_MAX;
use crate::config::Secret;
use crate::io::web::{self, WebFault};

const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a token is used of which the endpoint did not say how long it lives.
const LIFETIME_UNKNOWN: Duration = Duration::from_secs(60);
/// Of an error answer, what a log repeats.
const WORDS_MAX: usize = 200;

/// When tokens are fetched.
#[derive(Clone, Copy, Debug)]
pub struct TokenTiming {
    /// A token of which so much of its life is used is replaced; until that works, it is used on.
    pub refresh_at_percent: u32,
    /// After a failure, how long the endpoint is left alone.
    pub pause: Duration,
}

impl Default for TokenTiming {
    fn default() -> Self {
        Self { refresh_at_percent: 80, pause: Duration::from_secs(5) }
    }
}

/// Why there is no token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenFault {
    #[error("the HTTP client for the token endpoint cannot be made: {0}")]
    Client(String),
    #[error("no answer from the token endpoint at {host}: {reason}")]
    NoAnswer { host: String, reason: String },
    #[error("the token endpoint at {host} answered {status}{words}")]
    Status { host: String, status: u16, words: String },
    #[error("the token endpoint at {host} {reason}")]
    Answer { host: String, reason: &'static str },
    #[error("{0}")]
    Secret(String),
}

/// The endpoint, and the last token from it.
pub(super) struct TokenSource {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    url: Url,
    client_id: Secret,
    client_secret: Secret,
    scope: Option<String>,
    timing: TokenTiming,
    kept: Mutex<Kept>,
    /// Held by the one who asks.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    failed: Option<(Instant, TokenFault)>,
}

#[derive(Clone)]
struct Token {
    text: Arc<str>,
    refresh_at: Instant,
    ends_at: Instant,
}

#[derive(serde::Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

/// RFC 6749 §5.2.
#[derive(serde::Deserialize)]
struct ErrorAnswer {
    error: String,
    error_description: Option<String>,
}

impl TokenSource {
    pub fn new(
        url: &str,
        client_id: Secret,
        client_secret: Secret,
        scope: Option<String>,
        timing: TokenTiming,
    ) -> Result<Self, TokenFault> {
        let url = Url::parse(url).map_err(|error| TokenFault::Client(error.to_string()))?;
        let client = web::client(&url).map_err(TokenFault::Client)?;
        let (kept, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        let shared = Shared { client, url, client_id, client_secret, scope, timing, kept, asking };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A token that lives. One that is old is still given, while the next is fetched behind it.
    pub async fn token(&self) -> Result<Arc<str>, TokenFault> {
        if let Some(token) = self.shared.living() {
            if Instant::now() >= token.refresh_at {
                self.refresh_behind();
            }
            return Ok(token.text);
        }
        let _turn = self.shared.asking.lock().await;
        match self.shared.living() {
            // Somebody else has fetched it meanwhile.
            Some(token) => Ok(token.text),
            None => self.shared.refresh().await,
        }
    }

    fn refresh_behind(&self) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let Ok(_turn) = shared.asking.try_lock() else { return };
            let old = shared.living().is_none_or(|token| Instant::now() >= token.refresh_at);
            if old && let Err(fault) = shared.refresh().await {
                tracing::warn!(%fault, "the token for the brokers is not renewed yet");
            }
        });
    }
}

impl Shared {
    fn living(&self) -> Option<Token> {
        let kept = self.kept.lock();
        kept.token.as_ref().filter(|token| Instant::now() < token.ends_at).cloned()
    }

    /// Fetches a token and keeps it, unless the last try has just failed.
    async fn refresh(&self) -> Result<Arc<str>, TokenFault> {
        if let Some((at, fault)) = &self.kept.lock().failed
            && at.elapsed() < self.timing.pause
        {
            return Err(fault.clone());
        }
        match self.fetch().await {
            Ok(token) => {
                let text = Arc::clone(&token.text);
                *self.kept.lock() = Kept { token: Some(token), failed: None };
                Ok(text)
            }
            Err(fault) => {
                self.kept.lock().failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    async fn fetch(&self) -> Result<Token, TokenFault> {
        let secret = |fault: CredentialFault| TokenFault::Secret(fault.to_string());
        let id = reveal(&self.client_id).await.map_err(secret)?;
        let key = reveal(&self.client_secret).await.map_err(secret)?;
        let mut form = String::from("grant_type=client_credentials");
        if let Some(scope) = &self.scope {
            let _ = write!(form, "&scope={}", encoded(scope));
        }
        // RFC 6749 §2.3.1: every endpoint takes the secret so.
        let basic = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&key)));
        let mut authorization = header::HeaderValue::try_from(format!("Basic {basic}"))
            .map_err(|_| self.answer("cannot be given this client id"))?;
        authorization.set_sensitive(true);
        let request = self
            .client
            .post(self.url.clone())
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let asked_at = Instant::now();
        let host = web::host(&self.url);
        let answer = web::send(request, ANSWER_BYTES_MAX).await.map_err(|fault| match fault {
            WebFault::NoAnswer(reason) => TokenFault::NoAnswer { host: host.clone(), reason },
            WebFault::TooLarge => self.answer("sent too long an answer"),
        })?;
        if answer.status != 200 {
            let (status, words) = (answer.status, error_words(&answer.body));
            return Err(TokenFault::Status { host, status, words });
        }
        let answer: TokenAnswer = serde_json::from_slice(&answer.body)
            .map_err(|_| self.answer("sent no `access_token` and `token_type`"))?;
        self.token_of(answer, asked_at)
    }

    fn token_of(&self, answer: TokenAnswer, asked_at: Instant) -> Result<Token, TokenFault> {
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(self.answer("sent a token that is not of type Bearer"));
        }
        let text = answer.access_token;
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > TOKEN_BYTES_MAX || !plain {
            return Err(self.answer("sent a token that no broker would take"));
        }
        let lifetime = match answer.expires_in {
            Some(seconds) => Duration::from_secs(seconds.min(u64::from(u32::MAX))),
            None => LIFETIME_UNKNOWN,
        };
        if lifetime.is_zero() {
            return Err(self.answer("sent a token that has ended already"));
        }
        let used = lifetime.saturating_mul(self.timing.refresh_at_percent.min(100)) / 100;
        // The answer was on its way for a while: counted from the question.
        Ok(Token { text: text.into(), refresh_at: asked_at + used, ends_at: asked_at + lifetime })
    }

    fn answer(&self, reason: &'static str) -> TokenFault {
        TokenFault::Answer { host: web::host(&self.url), reason }
    }
}

/// `: invalid_client (its words)`, or nothing where the answer is no error of OAuth.
fn error_words(body: &[u8]) -> String {
    let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(body) else { return String::new() };
    let description = answer.error_description.map(|words| format!(" ({words})"));
    let words = format!("{}{}", answer.error, description.unwrap_or_default());
    let plain = words.chars().filter(|character| !character.is_control());
    format!(": {}", plain.take(WORDS_MAX).collect::<String>())
}

/// `application/x-www-form-urlencoded`, leaving what never needs it as it is.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
