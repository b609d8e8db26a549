//! View: what is under review, as pages for the people who decide. No download: a page shows a bounded part of a file as text, as a
//! table or as bytes, and an image is drawn anew. What is in the files is hostile, and so are their names.

mod bytes;
mod findings;
mod list;
mod looked;
mod opened;
mod picture;
mod seeing;
mod table;
pub mod text;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http_body_util::Full;
use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::report::Said;
use sde_core::airlock::task::Task;
use sde_ticket::{Act, Ticket};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::airlock::access::{Access, listen};
use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;
use crate::airlock::sealed::sealed;
use crate::counted::Counted;
use crate::exit::terminated;
use crate::page::{Notice, notice, secured, style};
use crate::serve::{Bounds, serve};
use looked::Looked;
use opened::{As, Opened};
use picture::NoPicture;
use seeing::Seeing;

/// For one page, waiting for the others included. What a page costs is bounded; this is for slow disks and small shares of CPU.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pages made at once.
const PAGES: usize = 2;

const BOUNDS: Bounds = Bounds {
    connections: 32,
    unread: Duration::from_secs(60),
    grace: Duration::from_secs(2),
};

struct Viewer {
    access: Access,
    uid: String,
    title: String,
    manifest: Manifest,
    looked: Option<Looked>,
    seeing: Seeing,
    chamber: Chamber,
    pages: Arc<Semaphore>,
    /// One image fills most of the memory there is, until it is sent.
    pictures: Arc<Semaphore>,
}

/// What of a file is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    page: u64,
    #[serde(default, rename = "as")]
    how: Option<As>,
}

/// Serves until SIGTERM. Nothing is to be said at its end.
///
/// # Errors
/// [`JobError`] when the chamber is not what was sealed, or there is no socket.
pub async fn view(
    task: &Task,
    pod: &str,
    chamber: &Chamber,
    address: SocketAddr,
) -> Result<Option<Said>, JobError> {
    let access = Access::of(task, pod, Act::View)?;
    let manifest = sealed(task, chamber)?;
    let looked = Looked::of(chamber, &task.salt)?;
    let viewer = Viewer {
        seeing: Seeing::of(task, &manifest, looked.as_ref())?,
        title: access.title(),
        access,
        uid: task.salt.clone(),
        manifest,
        looked,
        chamber: chamber.clone(),
        pages: Arc::new(Semaphore::new(PAGES)),
        pictures: Arc::new(Semaphore::new(1)),
    };
    let listener = listen(address).await?;
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/style.css", get(style))
        .route("/view/{uid}/", get(overview))
        .route("/view/{uid}/files/{number}/", get(file))
        .route("/view/{uid}/files/{number}/image", get(image))
        .fallback(async || missing())
        .layer(map_response(secured))
        .with_state(Arc::new(viewer));
    tracing::info!(%address, "serving");
    serve(listener, None, app, BOUNDS, terminated()).await;
    Ok(None)
}

fn missing() -> Notice {
    notice(
        StatusCode::NOT_FOUND,
        "There is no such page",
        "Go back to the list of files.",
    )
}

fn unready() -> Notice {
    notice(
        StatusCode::SERVICE_UNAVAILABLE,
        "This page could not be made",
        "Try again. If it stays like this, tell the platform team.",
    )
}

impl Viewer {
    /// Whoever may look at this request.
    fn admit(&self, headers: &HeaderMap, uid: &str) -> Result<Ticket, Notice> {
        let ticket = self.access.check(headers)?;
        if uid == self.uid {
            Ok(ticket)
        } else {
            Err(missing())
        }
    }

    /// A file of the chamber, for somebody: that it was opened is said, by number.
    fn open(&self, ticket: &Ticket, number: u64, page: u64) -> Result<Opened, Notice> {
        let mut files = self.manifest.files.iter();
        let sealed = files.find(|f| f.number == number).ok_or_else(missing)?;
        tracing::info!(
            request = self.uid,
            file = number,
            page,
            person = ticket.sub,
            "opened"
        );
        Opened::of(&self.chamber, sealed).map_err(|error| {
            tracing::error!(%error, file = number, "cannot be shown");
            notice(
                StatusCode::INTERNAL_SERVER_ERROR,
                "This file cannot be shown",
                "It is not what was sealed, or cannot be read. Do not decide; tell the platform team.",
            )
        })
    }
}

async fn overview(
    State(viewer): State<Arc<Viewer>>,
    Path(uid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let person = viewer.admit(&headers, &uid)?.sub;
    let progress = viewer.seeing.progress(&person);
    let looked = viewer.looked.as_ref();
    let page = list::files(&viewer.title, &viewer.manifest, looked, &person, &progress);
    Ok(page.into_response())
}

async fn file(
    State(viewer): State<Arc<Viewer>>,
    path: Result<Path<(String, u64)>, PathRejection>,
    query: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let Path((uid, number)) = path.map_err(|_| missing())?;
    let Query(asked) = query.map_err(|_| missing())?;
    let ticket = viewer.admit(&headers, &uid)?;
    let person = ticket.sub.clone();
    let making = Arc::clone(&viewer);
    let (page, _) = bounded(&viewer.pages, move || {
        let mut opened = making.open(&ticket, number, asked.page)?;
        let report = making.looked.as_ref().and_then(|l| l.file(number));
        let files = making.manifest.files.len();
        let page = opened.page(asked.how, asked.page, files, report);
        let page = page.map_err(|error| {
            tracing::error!(%error, file = number, "cannot be read");
            unready()
        })?;
        page.ok_or_else(missing)
    })
    .await?;
    Ok(handed_out(page, move || {
        viewer.seeing.open(&person, number)
    }))
}

/// A page; `whole` is called once all of it was handed to the connection, which is never for a HEAD.
fn handed_out(Html(page): Html<String>, whole: impl FnOnce() + Send + 'static) -> Response {
    let length = page.len() as u64;
    let body = Counted::new(Full::new(page.into()), length, PATIENCE, |sent| {
        if sent.complete {
            whole();
        }
    });
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_LENGTH, length.into()),
    ];
    (headers, Body::new(body)).into_response()
}

async fn image(
    State(viewer): State<Arc<Viewer>>,
    path: Result<Path<(String, u64)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    let Path((uid, number)) = path.map_err(|_| missing())?;
    let ticket = viewer.admit(&headers, &uid)?;
    let making = Arc::clone(&viewer);
    let (png, slot) = bounded(&viewer.pictures, move || {
        let opened = making.open(&ticket, number, 0)?;
        opened.picture().map_err(|error| {
            tracing::warn!(%error, file = number, "not drawn");
            let status = match error {
                NoPicture::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                NoPicture::Undecodable => StatusCode::UNPROCESSABLE_ENTITY,
            };
            notice(status, "This image cannot be shown", error.advice())
        })
    })
    .await?;
    let length = png.len() as u64;
    let body = Counted::new(Full::new(png.into()), length, PATIENCE, |_| drop(slot));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (CONTENT_LENGTH, length.into()),
    ];
    Ok((headers, Body::new(body)).into_response())
}

/// Makes an answer on a thread of its own, within the number of those and in time; with the place that it takes among them, which
/// is taken for as long as it is made, whoever still waits for it.
async fn bounded<T: Send + 'static>(
    slots: &Arc<Semaphore>,
    make: impl FnOnce() -> Result<T, Notice> + Send + 'static,
) -> Result<(T, OwnedSemaphorePermit), Notice> {
    let slots = Arc::clone(slots);
    let made = timeout(PATIENCE, async {
        let slot = slots.acquire_owned().await.map_err(|_| unready())?;
        let made = tokio::task::spawn_blocking(move || make().map(|made| (made, slot))).await;
        made.unwrap_or_else(|_| Err(unready()))
    });
    made.await.unwrap_or_else(|_| Err(unready()))
}
