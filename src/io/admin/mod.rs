//! The admin listener: `/livez`, `/readyz`, `/metrics` and, for this machine only, `/status`.
//!
//! It is a small HTTP/1 server apart from the data path. It takes no orders: there is nothing to
//! post. Connections are few and short (`listener`), so that whoever can reach it cannot use it up.

mod listener;
mod status;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Metrics;
use crate::config::AdminScope;
use listener::BoundedListener;

pub use status::{
    AuditState, ConnectionState, GroupsState, IdentityState, IssuerState, ListenerState, LoadFault,
    PolicyState, Readiness, Status, StatusSource, UpstreamState, UsersState,
};

#[cfg(test)]
mod tests;

/// The most connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// The lifetime of a connection, in milliseconds; a scraper connects again.
const CONNECTION_MS_MAX: u64 = 10_000;

/// Serves until `shutdown` completes. `listener` is bound already, so that its address is known.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    scope: AdminScope,
    source: Arc<dyn StatusSource>,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = BoundedListener::new(listener, CONNECTIONS_MAX, CONNECTION_MS_MAX);
    axum::serve(listener, router(scope, source, metrics)).with_graceful_shutdown(shutdown).await
}

#[derive(Clone)]
struct Shared {
    source: Arc<dyn StatusSource>,
    metrics: Arc<Metrics>,
}

fn router(scope: AdminScope, source: Arc<dyn StatusSource>, metrics: Arc<Metrics>) -> Router {
    let probes = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text));
    let routes = match scope {
        AdminScope::All => probes.route("/status", get(status)),
        AdminScope::Probes => probes,
    };
    routes.layer(map_response(harden)).with_state(Shared { source, metrics })
}

/// Nothing here is for caches, for frames or for guessing.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn readyz(State(shared): State<Shared>) -> Response {
    match shared.source.readiness() {
        Readiness::Ready => Json(serde_json::json!({ "ready": true })).into_response(),
        Readiness::NotReady { reasons } => {
            let body = Json(serde_json::json!({ "ready": false, "reasons": reasons }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

async fn status(State(shared): State<Shared>) -> Json<Status> {
    Json(shared.source.status())
}

async fn metrics_text(State(shared): State<Shared>) -> Response {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    shared.source.refresh(&shared.metrics);
    match shared.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, KIND)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
