//! Collecting: the archive of a job, streamed to whoever holds its ticket, counted and hashed on the way; then the job is told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use sde_ticket::Act;
use tokio::runtime::Handle;

use crate::counted::{Counted, Sent};
use crate::door::Door;
use crate::door::counts::Reason;
use crate::door::dial::{self, Load};
use crate::door::held::Held;
use crate::page::{Notice, notice};

const TAR: &str = "application/x-tar";

/// A job that gives nothing for so long is broken.
const SILENCE: Duration = Duration::from_secs(120);

/// `POST /collect`.
pub async fn collect(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Notice> {
    let held = Held::in_form(&door, Act::Collect, request).await?;
    let answer = dial::ask(&held, Method::GET, "/collect", None)
        .await
        .map_err(|error| {
            tracing::warn!(%error, request = held.ticket.uid, "the job cannot be asked");
            door.counts.refused(Act::Collect, Reason::Unreachable);
            unreachable()
        })?;
    let length = dial::length(&answer, &[TAR]).filter(|_| answer.status() == StatusCode::OK);
    let Some((length, _)) = length else {
        let status = answer.status();
        tracing::warn!(%status, request = held.ticket.uid, "the job said no");
        door.counts.refused(Act::Collect, Reason::Job);
        return Err(refused(status));
    };
    let name = format!("{}-{}.tar", held.ticket.project, held.ticket.request);
    tracing::info!(
        request = held.ticket.uid,
        person = held.ticket.sub,
        length,
        "collecting"
    );
    let telling = Arc::clone(&door);
    // The end can come while the runtime stops; then nobody is told any more, and the job knows by itself.
    let runtime = Handle::current();
    let body = Counted::new(answer.into_body(), length, SILENCE, move |sent| {
        telling.counts.collected(sent.complete);
        telling.counts.bytes(Act::Collect, sent.bytes);
        tracing::info!(
            request = held.ticket.uid,
            sent.bytes,
            sent.complete,
            "collected"
        );
        telling.words.spawn_on(tell(held, sent), &runtime);
    });
    let headers = [
        (CONTENT_TYPE, TAR.to_owned()),
        (CONTENT_LENGTH, length.to_string()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::new(body)).into_response())
}

/// Tells the job what was handed on.
async fn tell(held: Held, sent: Sent) {
    let Ok(json) = serde_json::to_vec(&sent) else {
        return;
    };
    match dial::ask(&held, Method::POST, "/done", Some(Load::json(json))).await {
        Ok(answer) if answer.status() == StatusCode::NO_CONTENT => {}
        Ok(answer) => {
            tracing::warn!(status = %answer.status(), "the job did not take the count");
        }
        Err(error) => tracing::warn!(%error, "the job did not hear the count"),
    }
}

fn refused(status: StatusCode) -> Notice {
    match status {
        StatusCode::CONFLICT => notice(
            StatusCode::CONFLICT,
            "This delivery has already begun",
            "Each delivery is for one download. If it broke off, ask for another in the portal.",
        ),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => notice(
            StatusCode::FORBIDDEN,
            "This link does not fit the delivery",
            "Go back to the portal and collect it again from there.",
        ),
        _ => unreachable(),
    }
}

fn unreachable() -> Notice {
    notice(
        StatusCode::BAD_GATEWAY,
        "The delivery cannot be reached",
        "It may have ended. Go back to the portal, see how the request stands, and try again from there.",
    )
}
