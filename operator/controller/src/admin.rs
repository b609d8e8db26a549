//! The admin interface: `/metrics`, `/healthz` (the process answers), `/readyz` (the stores are synced; a
//! standby is ready too, since its stores are warm).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::airlock;
use crate::leadership::Leadership;
use crate::metrics::Metrics;
use crate::stores::Stores;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the interface shows.
#[derive(Clone)]
pub struct Admin {
    /// `/metrics`.
    pub metrics: Arc<Metrics>,
    /// `/readyz`.
    pub stores: Arc<Stores>,
    /// The gauge `leader`.
    pub leadership: Leadership,
}

impl Admin {
    /// Serves until `stop`.
    pub async fn serve(self, listen: SocketAddr, stop: CancellationToken) -> std::io::Result<()> {
        let listener = TcpListener::bind(listen).await?;
        tracing::info!(address = %listener.local_addr()?, "serving /metrics, /healthz and /readyz");
        axum::serve(listener, self.router())
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    }

    fn router(self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(ready))
            .with_state(self)
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.metrics.leading(admin.leadership.is_leader());
    let requests = admin.stores.airlock_requests.all();
    let now = jiff::Timestamp::now();
    admin.metrics.airlock(&airlock::phases(&requests, now));
    match admin.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    let missing = admin.stores.not_ready();
    if missing.is_empty() {
        return "ok".into_response();
    }
    let text = format!("waiting for the first list of: {}\n", missing.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn call(path: &str) -> (StatusCode, String) {
        let admin = Admin {
            metrics: Arc::default(),
            stores: Arc::default(),
            leadership: Leadership::default(),
        };
        let request = http::Request::get(path)
            .body(Body::empty())
            .expect("request");
        let response = admin.router().oneshot(request).await.expect("response");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("body")
            .to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn alive_but_not_ready_before_the_stores_are() {
        assert_eq!(call("/healthz").await.0, StatusCode::OK);
        let (status, text) = call("/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("NetworkPolicy"));
    }

    #[tokio::test]
    async fn metrics_end_as_openmetrics_demands() {
        let (status, text) = call("/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("sde_leader 0") && text.ends_with("# EOF\n"));
    }
}
