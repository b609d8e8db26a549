//! Looking: a viewer's pages, for whoever holds its ticket in a cookie.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sde_ticket::Act;

use crate::counted::Counted;
use crate::door::Door;
use crate::door::counts::Reason;
use crate::door::dial;
use crate::door::held::{Held, VIEW};
use crate::page::{Notice, notice};

/// What a viewer may answer with.
const TYPES: [&str; 2] = ["text/html; charset=utf-8", "image/png"];
/// Bytes of a page or of an image.
const LENGTH: u64 = 128 << 20;
/// Bytes of an address.
const ADDRESS: usize = 300;
/// A viewer that gives nothing for so long is broken.
const SILENCE: Duration = Duration::from_secs(60);

/// `POST /view`: the form's ticket becomes a cookie, for as long as it is good.
pub async fn enter(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Notice> {
    let held = Held::in_form(&door, Act::View, request).await?;
    Ok(VIEW.enter(&held))
}

/// `GET /view/<uid>/...` (and `HEAD`, which opens nothing): asked of the viewer. Of its answer only status, type, length and bytes go on.
pub async fn look(
    State(door): State<Arc<Door>>,
    Path(parts): Path<Vec<(String, String)>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let uid = parts.first().map_or("", |(_, uid)| uid);
    let held = Held::in_cookie(&door, &VIEW, uid, &headers)?;
    let address = uri.path_and_query().map_or("", |pq| pq.as_str());
    if !plain(address) {
        return Err(missing());
    }
    let answer = dial::ask(&held, method, address, None)
        .await
        .map_err(|error| {
            tracing::warn!(%error, request = held.ticket.uid, "the viewer cannot be asked");
            door.counts.refused(Act::View, Reason::Unreachable);
            unreachable()
        })?;
    let status = answer.status();
    let known = dial::length(&answer, &TYPES).filter(|(length, _)| *length <= LENGTH);
    let Some((length, kind)) = known.filter(|_| !status.is_redirection()) else {
        tracing::warn!(%status, request = held.ticket.uid, "no answer of a viewer");
        door.counts.refused(Act::View, Reason::Job);
        return Err(unreachable());
    };
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        door.counts.refused(Act::View, Reason::Job);
    }
    let counting = Arc::clone(&door);
    let body = Counted::new(answer.into_body(), length, SILENCE, move |sent| {
        counting.counts.bytes(Act::View, sent.bytes);
    });
    let headers = [(CONTENT_TYPE, kind), (CONTENT_LENGTH, length.into())];
    Ok((status, headers, Body::new(body)).into_response())
}

/// Whether an address is one that a viewer's page links to.
fn plain(address: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"/-_.?=&".contains(&b);
    address.len() <= ADDRESS && address.bytes().all(known) && !address.contains("..")
}

fn missing() -> Notice {
    notice(
        StatusCode::NOT_FOUND,
        "There is no such page",
        "Go back to the list of files.",
    )
}

fn unreachable() -> Notice {
    notice(
        StatusCode::BAD_GATEWAY,
        "The files cannot be looked at now",
        "The viewer may have ended with the review. Go back to the portal and see how the request stands.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_go_on() {
        assert!(plain("/view/7c1e/files/3/?as=text&page=2"));
        for odd in ["/view/../x", "/view/%2e%2e/", "/view/a b", "/view/\u{e9}"] {
            assert!(!plain(odd), "{odd}");
        }
        assert!(!plain(&"/".repeat(ADDRESS + 1)));
    }
}
