//! A token issuer on loopback, as an identity provider looks to Kafka clients and to Lockgate:
//! a discovery document, a key set, and a token endpoint for the client-credentials grant.
//!
//! ```text
//! let issuer = TokenIssuer::start();
//! let token = issuer.token("alice", &["payments"], 300);
//! let expired = issuer.token_for("alice").lifetime_seconds(-60).sign();
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::ports;
use super::signing::{SigningKey, unique_id, unsigned};

/// The audience of tokens that do not ask for another.
pub const AUDIENCE: &str = "kafka";
const LIFETIME_SECONDS: i64 = 3_600;

/// A running issuer; it ends with this value.
pub struct TokenIssuer {
    shared: Arc<Shared>,
    port: u16,
    server: Mutex<Option<Server>>,
}

/// How the issuer misbehaves, from the next request on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Every answer is `503 Service Unavailable`.
    Unavailable,
    /// Every answer comes late.
    Slow(Duration),
    /// The key set is padded to this many bytes.
    Huge(usize),
    /// The key set is not JSON.
    Garbled,
}

/// What becomes of the keys that are no longer used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetiredKeys {
    /// They stay in the key set, as a well-behaved issuer keeps them.
    Published,
    /// They go at once: tokens that they signed must soon be refused.
    Withdrawn,
}

/// How often each document was asked for, faults included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub discovery: u64,
    pub key_set: u64,
    pub token: u64,
}

impl TokenIssuer {
    /// Starts it on a free port, with an RS256 key `rsa-1` and an ES256 key `ec-1`.
    pub fn start() -> Self {
        let port = ports::free();
        let shared = Arc::new(Shared::new(format!("http://127.0.0.1:{port}")));
        let issuer = Self { shared, port, server: Mutex::new(None) };
        issuer.start_again();
        issuer
    }

    /// The `iss` of its tokens, and where its discovery document is.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    pub fn key_set_url(&self) -> String {
        format!("{}/jwks", self.shared.url)
    }

    pub fn token_url(&self) -> String {
        format!("{}/token", self.shared.url)
    }

    /// The key set as it is served, for a `jwks: {file: …}`.
    pub fn key_set(&self) -> String {
        self.shared.key_set().to_string()
    }

    /// A good token: signed by the current RSA key, for [`AUDIENCE`].
    pub fn token(&self, subject: &str, groups: &[&str], lifetime_seconds: i64) -> String {
        self.token_for(subject).groups(groups).lifetime_seconds(lifetime_seconds).sign()
    }

    /// A token to be shaped, good unless it is made bad.
    pub fn token_for(&self, subject: &str) -> TokenRequest {
        TokenRequest::new(&self.shared, subject)
    }

    /// The token endpoint gives this client these groups from now on, unless a request names
    /// others.
    pub fn enroll(&self, client_id: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        locked(&self.shared.enrolled).insert(client_id.to_owned(), groups);
    }

    /// New keys sign from now on, named one number up (`rsa-2`, `ec-2`).
    pub fn rotate_keys(&self, retired: RetiredKeys) {
        let mut keys = locked(&self.shared.keys);
        let generation = keys.generation + 1;
        let fresh = key_pair(generation);
        match retired {
            RetiredKeys::Published => keys.all.splice(0..0, fresh).for_each(drop),
            RetiredKeys::Withdrawn => keys.all = fresh,
        }
        keys.generation = generation;
    }

    /// The token endpoint asks every client for this secret from now on.
    pub fn set_secret(&self, secret: &str) {
        *locked(&self.shared.secret) = Some(secret.to_owned());
    }

    /// Tokens of the endpoint live so long from now on, unless a request names another time.
    pub fn set_lifetime_seconds(&self, seconds: i64) {
        *locked(&self.shared.lifetime_seconds) = seconds;
    }

    pub fn set_fault(&self, fault: Fault) {
        *locked(&self.shared.fault) = fault;
    }

    pub fn requests(&self) -> Requests {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            discovery: count(&self.shared.discovery_requests),
            key_set: count(&self.shared.key_set_requests),
            token: count(&self.shared.token_requests),
        }
    }

    /// Closes its port and its connections, as when the process is gone.
    pub fn stop(&self) {
        locked(&self.server).take();
    }

    /// Serves again on the same port, with the same keys.
    pub fn start_again(&self) {
        self.stop();
        *locked(&self.server) = Some(Server::start(self.port, Arc::clone(&self.shared)));
    }
}

/// The claims and header of one token, before it is signed.
pub struct TokenRequest {
    shared: Arc<Shared>,
    key_id: Option<String>,
    claims: Map<String, Value>,
    header: Map<String, Value>,
}

impl TokenRequest {
    fn new(shared: &Arc<Shared>, subject: &str) -> Self {
        let request = Self {
            shared: Arc::clone(shared),
            key_id: None,
            claims: Map::new(),
            header: Map::new(),
        };
        request
            .claim("iss", shared.url.as_str())
            .claim("sub", subject)
            .claim("aud", AUDIENCE)
            .claim("jti", unique_id())
            .lifetime_seconds(LIFETIME_SECONDS)
    }

    pub fn groups<G: AsRef<str>>(self, groups: &[G]) -> Self {
        let groups: Vec<&str> = groups.iter().map(AsRef::as_ref).collect();
        self.claim("groups", groups)
    }

    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// From now; negative for a token that has expired already.
    pub fn lifetime_seconds(self, seconds: i64) -> Self {
        let now = now_seconds();
        // An expired token was issued a minute before it expired.
        let issued = if seconds < 0 { now + seconds - 60 } else { now };
        self.claim("iat", issued).claim("exp", now + seconds)
    }

    /// Sets any claim; null takes it away.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.claims.remove(name),
            value => self.claims.insert(name.to_owned(), value),
        };
        self
    }

    /// Sets any member of the header, also `alg` and `kid`, whatever really signs; null takes it
    /// away.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// The id of the key that signs: `rsa-…` or `ec-…`.
    pub fn key(mut self, id: &str) -> Self {
        self.key_id = Some(id.to_owned());
        self
    }

    pub fn sign(self) -> String {
        let keys = locked(&self.shared.keys);
        let key = match &self.key_id {
            None => keys.all.first(),
            Some(id) => keys.all.iter().find(|key| key.id() == id),
        };
        let key = key.unwrap_or_else(|| panic!("the issuer has no key {:?}", self.key_id));
        key.sign(&self.claims, &self.header)
    }

    /// The same claims signed by a key that the issuer has never had.
    pub fn forge(self, key: &SigningKey) -> String {
        key.sign(&self.claims, &self.header)
    }

    /// The same claims with `alg: none`.
    pub fn unsigned(self) -> String {
        unsigned(&self.claims)
    }
}

struct Keys {
    generation: u32,
    /// Newest first; the first is what signs unless a token asks for another.
    all: Vec<SigningKey>,
}

struct Shared {
    url: String,
    keys: Mutex<Keys>,
    enrolled: Mutex<BTreeMap<String, Vec<String>>>,
    fault: Mutex<Fault>,
    /// What clients must know, if anything.
    secret: Mutex<Option<String>>,
    lifetime_seconds: Mutex<i64>,
    discovery_requests: AtomicU64,
    key_set_requests: AtomicU64,
    token_requests: AtomicU64,
}

impl Shared {
    fn new(url: String) -> Self {
        Self {
            url,
            keys: Mutex::new(Keys { generation: 1, all: key_pair(1) }),
            enrolled: Mutex::default(),
            fault: Mutex::default(),
            secret: Mutex::default(),
            lifetime_seconds: Mutex::new(LIFETIME_SECONDS),
            discovery_requests: AtomicU64::new(0),
            key_set_requests: AtomicU64::new(0),
            token_requests: AtomicU64::new(0),
        }
    }

    fn key_set(&self) -> Value {
        let keys = locked(&self.keys);
        json!({"keys": keys.all.iter().map(SigningKey::public).collect::<Vec<_>>()})
    }

    /// Counts the request and lets the fault act; an answer here is the answer.
    async fn received(&self, counter: &AtomicU64) -> Result<Fault, Response> {
        counter.fetch_add(1, Ordering::Relaxed);
        let fault = *locked(&self.fault);
        match fault {
            Fault::Unavailable => Err(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            Fault::Slow(delay) => {
                tokio::time::sleep(delay).await;
                Ok(fault)
            }
            Fault::None | Fault::Huge(_) | Fault::Garbled => Ok(fault),
        }
    }
}

/// The thread that serves; it ends, and its sockets close, with this value.
struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(port: u16, shared: Arc<Shared>) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))
            .unwrap_or_else(|error| panic!("the issuer's port {port}: {error}"));
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(key_set))
            .route("/token", post(token))
            .with_state(shared);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener);
                let listener = listener.expect("the runtime takes a socket");
                tokio::select! {
                    served = axum::serve(listener, router) => served.expect("accepting goes on"),
                    _ = stopped => {}
                }
            });
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    if let Err(answer) = shared.received(&shared.discovery_requests).await {
        return answer;
    }
    let url = &shared.url;
    json_answer(&json!({
        "issuer": url,
        "jwks_uri": format!("{url}/jwks"),
        "token_endpoint": format!("{url}/token"),
        "grant_types_supported": ["client_credentials"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    }))
}

async fn key_set(State(shared): State<Arc<Shared>>) -> Response {
    let mut document = shared.key_set();
    match shared.received(&shared.key_set_requests).await {
        Err(answer) => return answer,
        Ok(Fault::Garbled) => return "<html>not a key set</html>".into_response(),
        Ok(Fault::Huge(bytes)) => document["padding"] = json!("x".repeat(bytes)),
        Ok(Fault::None | Fault::Slow(_) | Fault::Unavailable) => {}
    }
    json_answer(&document)
}

/// The client-credentials grant. A test's client shapes its token by more fields of the form:
/// `sub`, `groups` (comma between), `aud`, `ttl` (seconds), `kid`, `claim.NAME`, `hdr.NAME`.
/// Without `sub` the token is for the client id.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    if let Err(answer) = shared.received(&shared.token_requests).await {
        return answer;
    }
    let form = form_fields(&body);
    let named = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    if named("grant_type").is_none_or(|grant| grant != "client_credentials") {
        let refusal = json!({"error": "unsupported_grant_type"});
        return (StatusCode::BAD_REQUEST, json_answer(&refusal)).into_response();
    }
    let client =
        basic_pair(&headers).map(|(user, _secret)| user).or_else(|| named("client_id").cloned());
    let subject = named("sub").cloned().or(client).unwrap_or_else(|| "anonymous".to_owned());
    let wrong = |secret: &String| basic_pair(&headers).is_none_or(|(_, sent)| sent != *secret);
    if locked(&shared.secret).as_ref().is_some_and(wrong) {
        let refusal = json!({"error": "invalid_client", "error_description": "no such secret"});
        return (StatusCode::UNAUTHORIZED, json_answer(&refusal)).into_response();
    }
    let mut request = TokenRequest::new(&shared, &subject);
    if let Some(groups) = locked(&shared.enrolled).get(&subject) {
        request = request.groups(groups);
    }
    let mut lifetime_seconds = *locked(&shared.lifetime_seconds);
    request = request.lifetime_seconds(lifetime_seconds);
    for (name, value) in &form {
        request = match name.as_str() {
            "groups" => request.groups(&value.split(',').collect::<Vec<_>>()),
            "aud" => request.audience(value),
            "kid" => request.key(value),
            "ttl" => {
                lifetime_seconds = value.parse().unwrap_or(LIFETIME_SECONDS);
                request.lifetime_seconds(lifetime_seconds)
            }
            name => match (name.strip_prefix("claim."), name.strip_prefix("hdr.")) {
                (Some(claim), _) => request.claim(claim, value.as_str()),
                (_, Some(member)) => request.header(member, value.as_str()),
                (None, None) => request,
            },
        };
    }
    json_answer(&json!({
        "access_token": request.sign(),
        "token_type": "Bearer",
        "expires_in": lifetime_seconds,
    }))
}

fn json_answer(document: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

/// User and secret of `Authorization: Basic`, which is how clients send them.
fn basic_pair(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (user, secret) = pair.split_once(':')?;
    Some((percent_decoded(user), percent_decoded(secret)))
}

fn form_fields(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (percent_decoded(name), percent_decoded(value))).collect()
}

/// `application/x-www-form-urlencoded`; what is not well encoded stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn key_pair(generation: u32) -> Vec<SigningKey> {
    vec![
        SigningKey::rsa(&format!("rsa-{generation}")),
        SigningKey::elliptic(&format!("ec-{generation}")),
    ]
}

#[allow(clippy::disallowed_methods, reason = "an issuer has a clock of its own")]
fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.expect("the clock is past 1970").as_secs();
    i64::try_from(seconds).expect("this century fits")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
