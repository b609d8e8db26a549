//! The admin interface: `/metrics`, `/healthz` (the process answers), `/readyz` (people can sign in and act).

use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Its routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(app)
}

async fn metrics(State(app): State<App>) -> Response {
    let sessions = app.sessions.count(Instant::now());
    match app.metrics.render(sessions, app.oidc.ready()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(State(app): State<App>) -> Response {
    let waiting = if !app.oidc.ready() {
        "waiting for the first answer of the sign-in service\n".to_owned()
    } else if let Err(error) = app.tickets.check() {
        format!("waiting for the key that signs tickets: {error}\n")
    } else {
        return "ok".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, waiting).into_response()
}
