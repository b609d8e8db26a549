//! What a requester does with a request: take it back, try it again, have it made ready to be collected or to take an upload, seal it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use kube::api::{Patch, PatchParams};
use sde_core::airlock::change;
use sde_core::refusal::Refusal;
use sde_crds::AirlockRequest;
use serde_json::Value;

use super::{find, requests};
use crate::app::App;
use crate::error::PageError;
use crate::metrics::Outcome;
use crate::names;
use crate::signed_in::{Posted, SignedIn};

type Names = Path<(String, String)>;

/// Which patch an act makes, if any.
type Plan = fn(&AirlockRequest, &str) -> Result<Option<Value>, Refusal>;

/// `POST .../withdraw`.
pub async fn withdraw(
    State(app): State<App>,
    Path(names): Names,
    posted: Posted,
) -> Result<Response, PageError> {
    act(&app, &posted.who, names, "withdraw", change::withdraw).await
}

/// `POST .../retry`.
pub async fn retry(
    State(app): State<App>,
    Path(names): Names,
    posted: Posted,
) -> Result<Response, PageError> {
    act(&app, &posted.who, names, "retry", change::retry).await
}

/// `POST .../collect`.
pub async fn collect(
    State(app): State<App>,
    Path(names): Names,
    posted: Posted,
) -> Result<Response, PageError> {
    act(&app, &posted.who, names, "collect", change::collect).await
}

/// `POST .../upload`.
pub async fn upload(
    State(app): State<App>,
    Path(names): Names,
    posted: Posted,
) -> Result<Response, PageError> {
    act(&app, &posted.who, names, "upload", change::upload).await
}

/// `POST .../seal`.
pub async fn seal(
    State(app): State<App>,
    Path(names): Names,
    posted: Posted,
) -> Result<Response, PageError> {
    act(&app, &posted.who, names, "seal", change::seal).await
}

async fn act(
    app: &App,
    who: &SignedIn,
    (project, name): (String, String),
    act: &'static str,
    plan: Plan,
) -> Result<Response, PageError> {
    names::checked(&[&project, &name])?;
    let request = find(&app.api.of(&who.user), &project, &name).await?;
    let patch = plan(&request, who.user.as_str()).map_err(|refusal| {
        app.metrics.acted(act, Outcome::Refused);
        PageError::Refused(refusal.to_string())
    })?;
    if let Some(patch) = patch {
        change(app, who, &project, &name, act, &patch).await?;
    }
    let to = format!("/projects/{project}/requests/{name}?done={act}");
    Ok(Redirect::to(&to).into_response())
}

/// Changes a request as the person, if it is still as it was read.
pub async fn change(
    app: &App,
    who: &SignedIn,
    project: &str,
    name: &str,
    act: &'static str,
    patch: &Value,
) -> Result<(), PageError> {
    let api = requests(&app.api.of(&who.user), project);
    let done = api
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await;
    let outcome = if done.is_ok() {
        Outcome::Done
    } else {
        Outcome::Refused
    };
    app.metrics.acted(act, outcome);
    tracing::info!(user = %who.user, project, request = name, act, ?outcome, "acted");
    done.map(drop)
        .map_err(PageError::api(format!("changing request {name}")))
}
