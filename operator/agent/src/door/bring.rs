//! Bringing: the files of an Import, streamed from whoever holds its ticket in a cookie to the job that takes them, and that job's
//! pages on the way back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use hyper::body::Incoming;
use sde_ticket::Act;
use tokio::time::timeout;

use crate::airlock::receive::FORM_MAX;
use crate::counted::Counted;
use crate::door::counts::Reason;
use crate::door::dial::{self, DialError, Load};
use crate::door::held::{Held, UPLOAD};
use crate::door::{Door, FORM, origin};
use crate::page::{Notice, notice};

const FILES: &str = "files";
const REMOVE: &str = "remove";

/// What a job may answer with.
const TYPES: [&str; 1] = ["text/html; charset=utf-8"];
/// Bytes of a page.
const PAGE: u64 = 8 << 20;
/// A browser or a job that gives nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// For one form, however slowly it comes, and for the job to have it on its disk.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// For the rest of a form that is refused.
const REST: Duration = Duration::from_secs(10);

/// `POST /upload`: the form's ticket becomes a cookie.
pub async fn enter(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Notice> {
    let held = Held::in_form(&door, Act::Upload, request).await?;
    Ok(UPLOAD.enter(&held))
}

/// `GET /upload/<uid>/`: what is there, and the forms.
pub async fn look(
    State(door): State<Arc<Door>>,
    Path(uid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let held = Held::in_cookie(&door, &UPLOAD, &uid, &headers)?;
    let answer = dial::ask(&held, Method::GET, &UPLOAD.home(&held), None).await;
    passed(&door, &held, answer)
}

/// `POST /upload/<uid>/files`: a form with files.
pub async fn files(
    State(door): State<Arc<Door>>,
    Path(uid): Path<String>,
    request: Request,
) -> Result<Response, Notice> {
    send(&door, &uid, FILES, FORM_MAX, request).await
}

/// `POST /upload/<uid>/remove`: the form that removes one.
pub async fn remove(
    State(door): State<Arc<Door>>,
    Path(uid): Path<String>,
    request: Request,
) -> Result<Response, Notice> {
    send(&door, &uid, REMOVE, FORM as u64, request).await
}

/// Hands a form of at most so many bytes on, as it comes.
async fn send(
    door: &Arc<Door>,
    uid: &str,
    what: &'static str,
    most: u64,
    request: Request,
) -> Result<Response, Notice> {
    let (parts, body) = request.into_parts();
    let (held, length) = match admitted(door, uid, most, &parts.headers) {
        Ok(admitted) => admitted,
        Err(refused) => {
            // A browser that could not send all of a form shows no answer to it.
            let mut rest = body.into_data_stream();
            let _ = timeout(REST, async { while let Some(Ok(_)) = rest.next().await {} }).await;
            return Err(refused);
        }
    };
    let kind = parts.headers.get(CONTENT_TYPE).cloned();
    let counting = Arc::clone(door);
    let request = held.ticket.uid.clone();
    let body = Counted::new(body, length, SILENCE, move |sent| {
        counting.counts.bytes(Act::Upload, sent.bytes);
        if what == FILES {
            counting.counts.uploaded(sent.complete);
        }
        tracing::info!(request, what, sent.bytes, sent.complete, "handed on");
    });
    let load = Load {
        kind: kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
        body: Body::new(body),
        patience: LONGEST,
    };
    let path = format!("{}{what}", UPLOAD.home(&held));
    let answer = dial::ask(&held, Method::POST, &path, Some(load)).await;
    passed(door, &held, answer)
}

/// Whose form it is, and how long, if it is to be handed on.
fn admitted(door: &Door, uid: &str, most: u64, headers: &HeaderMap) -> Result<(Held, u64), Notice> {
    let refused = |reason| door.counts.refused(Act::Upload, reason);
    if !origin::is_ours(headers) {
        refused(Reason::Origin);
        return Err(notice(
            StatusCode::FORBIDDEN,
            "This form does not come from here",
            "Go back to the portal, open the upload from there, and add the files on its own page.",
        ));
    }
    let held = Held::in_cookie(door, &UPLOAD, uid, headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|l| l.to_str().ok());
    let Some(length) = length.and_then(|l| l.parse().ok()) else {
        refused(Reason::Length);
        return Err(notice(
            StatusCode::LENGTH_REQUIRED,
            "This form does not say how long it is",
            "Use a browser, or send a Content-Length.",
        ));
    };
    if length > most {
        refused(Reason::Length);
        return Err(notice(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This is more than an Import may have",
            "Go back to the list of files and see how much room is left.",
        ));
    }
    Ok((held, length))
}

/// Of a job's answer: its status, and its page with type and length; or that it leads back to the list.
fn passed(
    door: &Door,
    held: &Held,
    answer: Result<Response<Incoming>, DialError>,
) -> Result<Response, Notice> {
    let request = &held.ticket.uid;
    let answer = answer.map_err(|error| {
        tracing::warn!(%error, request, "the upload cannot be reached");
        if error.is_ours() {
            return notice(
                StatusCode::REQUEST_TIMEOUT,
                "The files did not arrive",
                "The connection came to a stop. Go back to the list, see what is there, and add the rest.",
            );
        }
        door.counts.refused(Act::Upload, Reason::Unreachable);
        unreachable()
    })?;
    let (status, home) = (answer.status(), UPLOAD.home(held));
    let leads = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
    if status == StatusCode::SEE_OTHER && leads == Some(home.as_bytes()) {
        return Ok((status, [(LOCATION, home)]).into_response());
    }
    let known = dial::length(&answer, &TYPES).filter(|(length, _)| *length <= PAGE);
    let Some((length, kind)) = known.filter(|_| !status.is_redirection()) else {
        tracing::warn!(%status, request, "no answer of an upload");
        door.counts.refused(Act::Upload, Reason::Job);
        return Err(unreachable());
    };
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        door.counts.refused(Act::Upload, Reason::Job);
    }
    let headers = [(CONTENT_TYPE, kind), (CONTENT_LENGTH, length.into())];
    let body = Counted::new(answer.into_body(), length, SILENCE, |_| {});
    Ok((status, headers, Body::new(body)).into_response())
}

fn unreachable() -> Notice {
    notice(
        StatusCode::BAD_GATEWAY,
        "The upload cannot be reached",
        "It may have ended: it does, half an hour after the last file. What has arrived is kept. Go back to the portal, see how the request stands, and go on from there.",
    )
}
