//! What every answer tells the browser: run nothing, fetch nothing from elsewhere, be in nobody's frame, keep nothing.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use url::Url;

/// The same headers for every answer of one portal.
#[derive(Clone, Debug)]
pub struct SecurityHeaders(Vec<(HeaderName, HeaderValue)>);

impl SecurityHeaders {
    /// For a portal whose forms go to itself and to `door`.
    pub fn new(door: &Url) -> Self {
        let door = door.origin().ascii_serialization();
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {door}; frame-ancestors 'none'; base-uri 'none'"
        );
        // An origin has no character that a header cannot hold; should one, then nothing at all is allowed.
        let policy = HeaderValue::from_str(&policy)
            .unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"));
        let fixed = HeaderValue::from_static;
        Self(vec![
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (header::X_FRAME_OPTIONS, fixed("DENY")),
            // Not no-referrer, with which a browser hides the origin of our own forms too.
            (header::REFERRER_POLICY, fixed("same-origin")),
            (header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000")),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                fixed("same-origin"),
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                fixed("same-origin"),
            ),
            (
                HeaderName::from_static("permissions-policy"),
                fixed("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
            ),
        ])
    }
}

/// Adds them to every answer, errors too; what does not say otherwise is kept nowhere.
pub async fn add(State(all): State<SecurityHeaders>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in all.0 {
        headers.insert(name, value);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
