//! HTTP as Lockgate itself asks: one request, bounded in time and size, to the address that was
//! configured and nowhere else.

use std::time::{Duration, SystemTime};

use reqwest::{Client, RequestBuilder, Url, redirect, retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// For one whole request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// The clock of whoever answered, as its `Date` header says.
    pub date: Option<SystemTime>,
}

/// Why there is none.
pub enum WebFault {
    /// Name, connection, TLS or time: the client's words, without the address.
    NoAnswer(String),
    /// More than was allowed; the rest was not read.
    TooLarge,
}

/// A client for one address. It follows no redirect and tries nothing twice.
///
/// # Errors
/// The client's words, where it cannot be made (no trust roots, say).
pub fn client(url: &Url) -> Result<Client, String> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(redirect::Policy::none())
        // One fetch is one request: the issuer's load is ours to bound.
        .retry(retry::never())
        .referer(false)
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        // A proxy's loopback is not ours.
        builder = builder.no_proxy();
    } else {
        builder = builder.https_only(true);
    }
    builder.build().map_err(words)
}

/// Sends the request and reads at most `bytes_max` of its answer; of a refusal, as much as fits.
///
/// # Errors
/// [`WebFault`].
pub async fn send(request: RequestBuilder, bytes_max: usize) -> Result<Answer, WebFault> {
    let no_answer = |error| WebFault::NoAnswer(words(error));
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status().as_u16();
    let told = response.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
    let date = told.and_then(|date| httpdate::parse_http_date(date).ok());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(no_answer)? {
        if piece.len() > bytes_max.saturating_sub(body.len()) {
            if status == 200 {
                return Err(WebFault::TooLarge);
            }
            break;
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, body, date })
}

/// The host of a URL, for a message.
#[must_use]
pub fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Whether the address is on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The client's error with its causes, which its own `Display` leaves out, and without the address.
fn words(error: reqwest::Error) -> String {
    use std::error::Error as _;

    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
