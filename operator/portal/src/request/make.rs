//! A new request: one folder of one's outbox and why it must leave, or why files that are yet to be uploaded must come in.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kube::api::{ObjectMeta, PostParams};
use maud::{Markup, html};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction};
use sde_crds::names::project_namespace;
use serde::Deserialize;

use super::requests;
use crate::app::App;
use crate::args::Role;
use crate::error::{self, PageError, is_code};
use crate::fields::{Fields, Problem};
use crate::inputs::{Filled, Kind};
use crate::metrics::Outcome;
use crate::names;
use crate::page::{self, Shell, csrf};
use crate::signed_in::{Posted, SignedIn};
use crate::user::User;

/// What is known already when the form is opened.
#[derive(Deserialize)]
pub struct Known {
    #[serde(default)]
    supersedes: String,
    #[serde(default)]
    folder: String,
}

/// `GET /projects/{project}/new`.
pub async fn export_page(
    who: SignedIn,
    Path(project): Path<String>,
    Query(known): Query<Known>,
) -> Result<Markup, PageError> {
    page(&who, &project, Direction::Export, known)
}

/// `GET /projects/{project}/import`.
pub async fn import_page(
    who: SignedIn,
    Path(project): Path<String>,
    Query(known): Query<Known>,
) -> Result<Markup, PageError> {
    page(&who, &project, Direction::Import, known)
}

fn page(
    who: &SignedIn,
    project: &str,
    direction: Direction,
    known: Known,
) -> Result<Markup, PageError> {
    names::checked(&[project])?;
    let mut fields = Fields::default();
    fields.set("supersedes", known.supersedes);
    fields.set("folder", known.folder);
    let filled = Filled {
        fields: &fields,
        problems: &[],
    };
    Ok(render(who, project, direction, filled))
}

/// The form.
pub fn render(who: &SignedIn, project: &str, direction: Direction, filled: Filled<'_>) -> Markup {
    if direction == Direction::Import {
        return render_import(who, project, filled);
    }
    let content = html! {
        (page::problems(filled.problems))
        p class="lead" { "Put the results into one folder of your outbox in " (project) " first. The folder is then copied as it is, scanned, and looked at by people who are not of your project." }
        form class="stack" method="post" action={ "/projects/" (project) "/requests" } {
            (csrf(who))
            (filled.line(Kind::Text, "folder", "Folder", "Name of the folder in your outbox: lower-case letters, digits and hyphens. Only this folder is copied."))
            (filled.line(Kind::Text, "name", "Name of the request", "How you will find it again: lower-case letters, digits and hyphens, beginning with a letter. Left empty, it is called like the folder."))
            (filled.line(Kind::Text, "justification", "Why these files must leave", "One sentence of at most 160 characters. Never what is in the files: this is kept as a record."))
            (supersedes(filled))
            div class="actions" {
                button type="submit" { "Copy the folder" }
                a href="/" { "Cancel" }
            }
        }
    };
    let title = format!("New request of project {project}");
    Shell::of(Role::Request, who, "").page(&title, content)
}

fn render_import(who: &SignedIn, project: &str, filled: Filled<'_>) -> Markup {
    let content = html! {
        (page::problems(filled.problems))
        p class="lead" { "Files that you need in " (project) " and that are not there: references, code, tools, models. You upload them here, they are scanned, and people who are not of your project look at them. Then your own workspaces have them, read-only." }
        p { "Data of the project's participants comes in as a dataset, which the data holder registers; packages come with the environment's image. Neither is brought in this way." }
        form class="stack" method="post" action={ "/projects/" (project) "/imports" } {
            (csrf(who))
            (filled.line(Kind::Text, "name", "Name of the request", "How you will find it again, and what its folder is called in your workspaces: lower-case letters, digits and hyphens, beginning with a letter."))
            (filled.line(Kind::Text, "justification", "Why these files must come in", "One sentence of at most 160 characters: what you need them for. This is kept as a record."))
            (supersedes(filled))
            div class="actions" {
                button type="submit" { "Make the request" }
                a href="/" { "Cancel" }
            }
        }
    };
    let title = format!("Bring files into project {project}");
    Shell::of(Role::Request, who, "").page(&title, content)
}

fn supersedes(filled: Filled<'_>) -> Markup {
    let hint = "Only if an earlier request was returned to you: its name, so that reviewers see what has changed.";
    filled.line(
        Kind::Text,
        "supersedes",
        "Request that this one answers",
        hint,
    )
}

/// The request that a form asks for.
///
/// # Errors
/// What must be put right.
pub fn read(
    fields: &Fields,
    project: &str,
    direction: Direction,
    user: &User,
) -> Result<AirlockRequest, Vec<Problem>> {
    let mut problems = Vec::new();
    let export = direction == Direction::Export;
    let folder = export.then(|| fields.get("folder"));
    let name = fields.some("name");
    let name = name.unwrap_or_else(|| folder.unwrap_or_default().to_owned());
    let supersedes = fields.some("supersedes");
    let justification = fields.get("justification");
    if folder.is_some_and(|f| !names::is_label(f)) {
        problems.push(Problem::at(
            "folder",
            "name one folder: at most 40 lower-case letters, digits and hyphens",
        ));
    } else if !names::is_name(&name) {
        problems.push(Problem::at(
            "name",
            "a request's name begins with a letter and has at most 40 lower-case letters, digits and hyphens",
        ));
    }
    if let Err(why) = names::words(justification) {
        problems.push(Problem::at("justification", why));
    }
    if supersedes.as_deref().is_some_and(|s| !names::is_name(s)) {
        problems.push(Problem::at("supersedes", "this is no name of a request"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(AirlockRequest {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(project_namespace(project)),
            ..ObjectMeta::default()
        },
        spec: AirlockRequestSpec {
            requester: user.to_string(),
            direction,
            folder: folder.map(str::to_owned),
            transfer: None,
            justification: justification.to_owned(),
            outputs: None,
            imports: None,
            // A folder is there already; files that come in are yet to be uploaded.
            seal: export,
            confirmed_digest: None,
            withdrawn: false,
            retries: None,
            supersedes,
            collect: None,
            upload: None,
        },
        status: None,
    })
}

/// `POST /projects/{project}/requests`.
pub async fn export(
    State(app): State<App>,
    Path(project): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    make(&app, &project, Direction::Export, &posted).await
}

/// `POST /projects/{project}/imports`.
pub async fn import(
    State(app): State<App>,
    Path(project): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    make(&app, &project, Direction::Import, &posted).await
}

async fn make(
    app: &App,
    project: &str,
    direction: Direction,
    posted: &Posted,
) -> Result<Response, PageError> {
    names::checked(&[project])?;
    let who = &posted.who;
    let again = |problems: &[Problem]| {
        let filled = Filled {
            fields: &posted.fields,
            problems,
        };
        let page = render(who, project, direction, filled);
        (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
    };
    let request = match read(&posted.fields, project, direction, &who.user) {
        Ok(request) => request,
        Err(problems) => return Ok(again(&problems)),
    };
    let name = request.metadata.name.clone().unwrap_or_default();
    let api = requests(&app.api.of(&who.user), project);
    let made = api.create(&PostParams::default(), &request).await;
    let outcome = if made.is_ok() {
        Outcome::Done
    } else {
        Outcome::Refused
    };
    app.metrics.acted("make", outcome);
    tracing::info!(user = %who.user, project, request = name, act = "make", ?outcome, "acted");
    match made {
        Ok(_) => {
            let done = if direction == Direction::Import {
                "import"
            } else {
                "make"
            };
            let to = format!("/projects/{project}/requests/{name}?done={done}");
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) if is_code(&error, 409) => Ok(again(&[Problem::at(
            "name",
            format!(
                "there is a request {name} already, and one request is for one content: give this one another name"
            ),
        )])),
        Err(error) if [403, 422].iter().any(|code| is_code(&error, *code)) => {
            Ok(again(&[Problem::whole(error::words(&error))]))
        }
        Err(error) => Err(PageError::api(format!("making request {name}"))(error)),
    }
}
