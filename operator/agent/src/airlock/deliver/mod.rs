//! Deliver: one tar archive of what was released, to one ticket. Whatever happens to it, it was the only one.

mod stream;
mod tarball;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sde_core::airlock::Delivered;
use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::report::Said;
use sde_core::airlock::task::Task;
use sde_ticket::Act;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::airlock::access::{Access, listen};
use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;
use crate::airlock::folder::Folder;
use crate::airlock::sealed::sealed;
use crate::counted::{Counted, Sent};
use crate::exit::terminated;
use crate::page::{Notice, notice, secured};
use crate::serve::{Bounds, serve};
use tarball::TarError;

/// How long a job waits for a ticket, and for the door's count.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a ticket.
    pub ticket: Duration,
    /// For what the door has counted, once nothing more is sent.
    pub done: Duration,
}

/// A disk that gives nothing for so long is broken.
const SILENCE: Duration = Duration::from_secs(120);

const BOUNDS: Bounds = Bounds {
    connections: 16,
    // The door waits for the browser, and gives up on it sooner.
    unread: Duration::from_secs(120),
    grace: Duration::from_secs(5),
};

/// What happens is told once each.
struct Ends {
    sent: Option<oneshot::Sender<Result<Sent, TarError>>>,
    done: Option<oneshot::Sender<Sent>>,
    begun: Option<oneshot::Sender<String>>,
    /// Of the ticket that has begun.
    jti: Option<String>,
}

struct Delivering {
    access: Access,
    manifest: Manifest,
    length: u64,
    chamber: Chamber,
    ends: Mutex<Ends>,
}

/// Serves until the delivery is over, or nobody came.
///
/// # Errors
/// [`JobError`] when the chamber is not what was released, or there is no socket.
pub async fn deliver(
    task: &Task,
    pod: &str,
    chamber: &Chamber,
    address: SocketAddr,
    patience: Patience,
) -> Result<Said, JobError> {
    let access = Access::of(task, pod, Act::Collect)?;
    let manifest = sealed(task, chamber)?;
    let length = tarball::length(&manifest).map_err(JobError::io("the files fit no archive"))?;
    let listener = listen(address).await?;
    let (begun, has_begun) = oneshot::channel();
    let (sent, was_sent) = oneshot::channel();
    let (done, was_done) = oneshot::channel();
    let state = Arc::new(Delivering {
        access,
        manifest,
        length,
        chamber: chamber.clone(),
        ends: Mutex::new(Ends {
            sent: Some(sent),
            done: Some(done),
            begun: Some(begun),
            jti: None,
        }),
    });
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/collect", get(collect))
        .route("/done", post(count))
        .layer(map_response(secured))
        .with_state(state);
    tracing::info!(%address, "serving");
    let mut said = None;
    let end = async {
        said = Some(tokio::select! {
            said = ended(has_begun, was_sent, was_done, patience) => said,
            () = terminated() => Err(JobError::Unable("ended by a signal")),
        });
    };
    serve(listener, None, app, BOUNDS, end).await;
    said.unwrap_or(Err(JobError::Unable("served to no end")))
}

/// What came of it, once it is over.
async fn ended(
    begun: oneshot::Receiver<String>,
    sent: oneshot::Receiver<Result<Sent, TarError>>,
    done: oneshot::Receiver<Sent>,
    patience: Patience,
) -> Result<Said, JobError> {
    let Ok(Ok(jti)) = timeout(patience.ticket, begun).await else {
        return Ok(Said::Delivered(Delivered {
            bytes: 0,
            sha256: hex::encode(Sha256::digest([])),
            complete: false,
            door_bytes: None,
            door_sha256: None,
            ticket: None,
        }));
    };
    let sent = match sent.await {
        Ok(Ok(sent)) => sent,
        Ok(Err(error @ TarError::Changed(_))) => {
            tracing::error!(%error, "broken off");
            return Err(JobError::Chamber(
                "a file of the chamber is not what was sealed; its delivery was broken off",
            ));
        }
        Ok(Err(TarError::Io(error))) => {
            return Err(JobError::Io("a file of the chamber cannot be read", error));
        }
        Err(_) => return Err(JobError::Unable("the delivery ended without a word")),
    };
    let counted = timeout(patience.done, done).await.ok().and_then(Result::ok);
    // Without the door's word nobody knows what left the cluster.
    let complete = sent.complete && counted.as_ref().is_some_and(|door| *door == sent);
    tracing::info!(sent.bytes, complete, "delivered");
    let (door_bytes, door_sha256) = counted.map(|door| (door.bytes, door.sha256)).unzip();
    Ok(Said::Delivered(Delivered {
        bytes: sent.bytes,
        sha256: sent.sha256,
        complete,
        door_bytes,
        door_sha256,
        ticket: Some(jti),
    }))
}

async fn collect(
    State(state): State<Arc<Delivering>>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let ticket = state.access.check(&headers)?;
    let sent = {
        let mut ends = locked(&state.ends);
        let (Some(begun), Some(sent)) = (ends.begun.take(), ends.sent.take()) else {
            return Err(notice(
                StatusCode::CONFLICT,
                "This delivery has already begun",
                "Each delivery is for one download. If it broke off, ask for another in the portal.",
            ));
        };
        ends.jti = Some(ticket.jti.clone());
        // Whoever waits for it has ended the job otherwise.
        let _ = begun.send(ticket.jti.clone());
        sent
    };
    tracing::info!(request = ticket.uid, person = ticket.sub, "collecting");
    let (mut sink, body) = stream::pipe();
    let (finished, was_finished) = oneshot::channel();
    let reading = Arc::clone(&state);
    tokio::task::spawn_blocking(move || {
        let links = reading.chamber.links();
        let written = Folder::open(&reading.chamber.content())
            .map_err(TarError::from)
            .and_then(|content| tarball::write(&reading.manifest, &content, links, &mut sink))
            .and_then(|()| std::io::Write::flush(&mut &mut sink).map_err(TarError::from));
        let _ = finished.send(written.as_ref().err().and_then(changed));
        if written.is_err() {
            sink.break_off();
        }
    });
    let runtime = Handle::current();
    let body = Counted::new(body, state.length, SILENCE, move |counted| {
        runtime.spawn(async move {
            // A reader that went away is seen by the writer as a broken pipe: not the chamber's fault.
            let outcome = match was_finished.await {
                Ok(Some(error)) => Err(error),
                _ => Ok(counted),
            };
            let _ = sent.send(outcome);
        });
    });
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (CONTENT_LENGTH, state.length.to_string()),
    ];
    Ok((headers, Body::new(body)).into_response())
}

/// The error that is the chamber's, if it is one.
fn changed(error: &TarError) -> Option<TarError> {
    match error {
        TarError::Changed(number) => Some(TarError::Changed(*number)),
        TarError::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe => None,
        TarError::Io(error) => Some(TarError::Io(error.kind().into())),
    }
}

/// What the door has counted, of the delivery that has begun.
async fn count(
    State(state): State<Arc<Delivering>>,
    headers: HeaderMap,
    Json(counted): Json<Sent>,
) -> Result<StatusCode, Notice> {
    let ticket = state.access.check(&headers)?;
    let mut ends = locked(&state.ends);
    if ends.jti.as_ref() != Some(&ticket.jti) || counted.sha256.len() != 64 {
        return Ok(StatusCode::CONFLICT);
    }
    match ends.done.take().map(|done| done.send(counted)) {
        Some(Ok(())) => Ok(StatusCode::NO_CONTENT),
        _ => Ok(StatusCode::CONFLICT),
    }
}

fn locked(ends: &Mutex<Ends>) -> std::sync::MutexGuard<'_, Ends> {
    ends.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
