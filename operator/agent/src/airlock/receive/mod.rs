//! Receive: the files of an Import, brought by its requester through the door until it is sealed. Whatever arrives is streamed to the
//! chamber; each file is there whole or not at all, and what was brought stays when this job ends.

mod arriving;
mod form;
mod list;
mod paced;
mod path;
mod patience;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sde_core::airlock::desired::claim;
use sde_core::airlock::report::Said;
use sde_core::airlock::task::Task;
use sde_crds::airlock_request::Direction;
use sde_ticket::Act;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::airlock::access::{Access, listen};
use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;
use crate::exit::terminated;
use crate::page::{Notice, notice, secured};
use crate::serve::{Bounds, serve};
use patience::Activity;
use store::{Limits, Store};

/// Bytes of a form with files: all that an Import may have, and what stands around them.
pub const FORM_MAX: u64 = claim::max_bytes(Direction::Import) + (1 << 20);

/// Bytes of the form that removes a file: its path, each byte of which may take three.
const REMOVAL_MAX: usize = 8 << 10;
/// Forms that arrive at once.
const FORMS: usize = 4;

const BOUNDS: Bounds = Bounds {
    connections: 16,
    unread: Duration::from_secs(60),
    // What has not arrived whole is thrown away.
    grace: Duration::from_secs(1),
};

struct Receiver {
    access: Access,
    uid: String,
    title: String,
    store: Arc<Store>,
    forms: Semaphore,
    activity: Activity,
}

/// The file that is to go.
#[derive(Deserialize)]
struct Removal {
    path: String,
}

/// Serves until nobody has come for so long, or SIGTERM. Nothing is to be said at its end.
///
/// # Errors
/// [`JobError`] when there is no such Import to fill, or no socket.
pub async fn receive(
    task: &Task,
    pod: &str,
    chamber: &Chamber,
    address: SocketAddr,
    patience: Duration,
) -> Result<Option<Said>, JobError> {
    if task.direction != Direction::Import {
        return Err(JobError::Unable("only an Import takes files"));
    }
    if chamber.manifest()?.is_some() {
        return Err(JobError::Chamber("this chamber is sealed"));
    }
    let access = Access::of(task, pod, Act::Upload)?;
    let limits = Limits {
        files: task.max_files,
        bytes: task.max_bytes,
    };
    let store = Arc::new(Store::open(chamber, limits)?);
    let receiver = Arc::new(Receiver {
        title: access.title(),
        access,
        uid: task.salt.clone(),
        store: Arc::clone(&store),
        forms: Semaphore::new(FORMS),
        activity: Activity::default(),
    });
    let listener = listen(address).await?;
    // What an earlier job has taken has lost its hashes.
    tokio::task::spawn_blocking(move || store.hash_missing());
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/upload/{uid}/", get(overview))
        .route(
            "/upload/{uid}/files",
            post(files).layer(DefaultBodyLimit::disable()),
        )
        .route(
            "/upload/{uid}/remove",
            post(remove).layer(DefaultBodyLimit::max(REMOVAL_MAX)),
        )
        .fallback(async || missing())
        .layer(map_response(secured))
        .with_state(Arc::clone(&receiver));
    tracing::info!(%address, "serving");
    let end = async {
        tokio::select! {
            () = receiver.activity.over(patience) => tracing::info!("nobody came any more"),
            () = terminated() => {}
        }
    };
    serve(listener, None, app, BOUNDS, end).await;
    Ok(None)
}

impl Receiver {
    /// Whoever may bring files: that somebody came is remembered.
    fn admit(&self, headers: &HeaderMap, uid: &str) -> Result<(), Notice> {
        self.access.check(headers)?;
        if uid != self.uid {
            return Err(missing());
        }
        self.activity.touch();
        Ok(())
    }

    fn to_list(&self) -> Response {
        let location = format!("/upload/{}/", self.uid);
        (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
    }
}

async fn overview(
    State(receiver): State<Arc<Receiver>>,
    Path(uid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    receiver.admit(&headers, &uid)?;
    let shown = blocking(&receiver.store, Store::shown).await?;
    Ok(list::files(&receiver.title, &shown).into_response())
}

async fn files(
    State(receiver): State<Arc<Receiver>>,
    Path(uid): Path<String>,
    request: Request,
) -> Result<Response, Notice> {
    receiver.admit(request.headers(), &uid)?;
    let Ok(_slot) = receiver.forms.try_acquire() else {
        return Err(notice(
            StatusCode::SERVICE_UNAVAILABLE,
            "Other files are arriving",
            "Wait until they are there, then go back and add these.",
        ));
    };
    let came = form::take(request, &receiver.store, &receiver.activity).await;
    receiver.activity.touch();
    let came = came.map_err(|error| {
        tracing::warn!(%error, request = receiver.uid, "a form broke off");
        notice(
            StatusCode::BAD_REQUEST,
            "Not all of the files arrived",
            "The form broke off, or is none of ours. Go back to the list, see what is there, and add the rest.",
        )
    })?;
    tracing::info!(
        request = receiver.uid,
        kept = came.kept,
        refused = came.refused.len(),
        "files came"
    );
    if came.kept > 0 && came.refused.is_empty() {
        return Ok(receiver.to_list());
    }
    let page = list::refused(&receiver.title, &came);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn remove(
    State(receiver): State<Arc<Receiver>>,
    Path(uid): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Removal>, FormRejection>,
) -> Result<Response, Notice> {
    receiver.admit(&headers, &uid)?;
    let Form(removal) = form.map_err(|_| missing())?;
    let removed = blocking(&receiver.store, move |store| store.remove(&removal.path)).await?;
    removed.map_err(|error| {
        tracing::error!(%error, request = receiver.uid, "a file cannot be removed");
        unready()
    })?;
    Ok(receiver.to_list())
}

/// Asks the store on a thread of its own: a disk may take its time.
async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    ask: impl FnOnce(&Store) -> T + Send + 'static,
) -> Result<T, Notice> {
    let store = Arc::clone(store);
    let asked = tokio::task::spawn_blocking(move || ask(&store)).await;
    asked.map_err(|_| unready())
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
        StatusCode::INTERNAL_SERVER_ERROR,
        "This could not be done",
        "Try again. If it stays like this, tell the platform team.",
    )
}
