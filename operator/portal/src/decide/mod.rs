//! Pages for reviewers and custodians: what waits for their decision.

pub mod approve;
mod attestations;
mod changed;
pub mod closures;
pub mod known;
mod look_for;
pub mod one;
mod projects;
pub mod queue;
mod receipts;
mod receiver;
mod review;
mod spec;

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::app::App;
use crate::error::{PageError, is_code};

/// All of them.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(queue::page))
        .route("/projects", get(projects::page))
        .route("/projects/{project}", get(approve::page))
        .route("/projects/{project}/approve", post(approve::submit))
        .route("/projects/{project}/requests/{request}", get(one::page))
        .route(
            "/projects/{project}/requests/{request}/review",
            post(review::submit),
        )
        .route("/closures", get(closures::list))
        .route("/closures/{project}", get(closures::page))
        .route("/closures/{project}/approve", post(closures::submit))
        .route("/attestations", get(attestations::list))
        .route("/attestations/{record}", get(attestations::page))
        .route("/attestations/{record}/{file}", get(attestations::download))
        .route("/receipts", get(receipts::list))
        .route(
            "/receipts/{receipt}/bundle.sigstore.json",
            get(receipts::download),
        )
}

/// What was just done.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// What somebody may see; nothing where they may not.
fn seen<T>(found: kube::Result<T>, doing: &str) -> Result<Option<T>, PageError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_code(&error, 403) => Ok(None),
        Err(error) => Err(PageError::api(doing)(error)),
    }
}

/// Takes the name of a signed record from an address.
fn record_name(name: &str) -> Result<(), PageError> {
    let fits = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then_some(()).ok_or(PageError::NoPage)
}
