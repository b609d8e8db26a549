//! Closures: which wait, for what, and the decision on an exact inventory.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kube::Api;
use kube::api::ListParams;
use maud::{Markup, html};
use sde_core::conditions::{find as condition, types};
use sde_crds::Project;
use sde_crds::project::{ClosureMode, Lifecycle};
use sde_crds::project_status::{Medium, MediumKind};

use super::approve::{Found, conflict, decide, decisions, find, form};
use super::projects::phase;
use super::{Done, seen};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::fields::Fields;
use crate::inputs::Filled;
use crate::names;
use crate::page::{self, Shell};
use crate::signed_in::{Posted, SignedIn};

/// `GET /closures`.
pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Markup, PageError> {
    let projects: Api<Project> = Api::all(app.api.of(&who.user));
    let found = projects.list(&ListParams::default()).await;
    let found = seen(found, "reading the projects")?.map(|list| list.items);
    Ok(render_list(&who, found.as_deref()))
}

/// The list.
pub fn render_list(who: &SignedIn, projects: Option<&[Project]>) -> Markup {
    let closing: Vec<&Project> = projects
        .unwrap_or_default()
        .iter()
        .filter(|p| p.spec.lifecycle == Lifecycle::Closed)
        .collect();
    let content = html! {
        @if projects.is_none() {
            p { "Your roles do not let you see projects." }
        } @else if closing.is_empty() {
            p class="lead" { "No project is being closed." }
        } @else {
            div class="scroll" role="region" tabindex="0" aria-label="Projects that are being closed" {
                table {
                    thead { tr { th scope="col" { "Project" } th scope="col" { "State" } th scope="col" { "What it waits for" } } }
                    tbody {
                        @for of in closing {
                            @let name = of.metadata.name.as_deref().unwrap_or_default();
                            tr {
                                th scope="row" { a href={ "/closures/" (name) } { (name) } }
                                td { (phase(of)) }
                                td { (waits(of)) }
                            }
                        }
                    }
                }
            }
        }
        p { "What is left of closed projects is under " a href="/attestations" { "Attestations" } "." }
    };
    Shell::of(Role::Decide, who, "/closures").page("Closures", content)
}

fn waits(project: &Project) -> String {
    let conditions = project.status.as_ref().and_then(|s| s.conditions.clone());
    let conditions = conditions.unwrap_or_default();
    let closing = condition(&conditions, types::CLOSING);
    closing.map_or_else(
        || "The operator has not looked at it yet.".to_owned(),
        |c| c.message.clone(),
    )
}

/// `GET /closures/{project}`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Query(query): Query<Done>,
) -> Result<Markup, PageError> {
    names::checked(&[&name])?;
    let found = find(&app.api.of(&who.user), &name).await?;
    let filled = Filled {
        fields: &Fields::default(),
        problems: &[],
    };
    Ok(render(&who, &found, &query.done, filled))
}

/// The page.
pub fn render(who: &SignedIn, found: &Found, done: &str, filled: Filled<'_>) -> Markup {
    let project = &found.project;
    let name = project.metadata.name.as_deref().unwrap_or_default();
    let closing = project.status.as_ref().and_then(|s| s.closing.clone());
    let keeps = project.spec.closure.mode == ClosureMode::RetainInaccessible;
    let content = html! {
        (page::problems(filled.problems))
        @if done == "approve" { (page::done("Your decision is made and never changes; to take an approval back, withdraw it before enough people have approved.")) }
        p class="lead" { (phase(project)) " " span class="dim" { (project.spec.title) } }
        @match &closing {
            None => p { "This project is not being closed. Its custodian does that by setting its lifecycle to Closed." },
            Some(closing) => {
                p { (waits(project)) }
                h2 { "What holds data" }
                p { @if keeps { "After approval it is kept where nobody reaches it." } @else { "After approval everything here that is the project's own is destroyed. That cannot be undone." } }
                @match &closing.inventory {
                    None => p { "The inventory is not taken yet: that waits until nothing runs." },
                    Some(media) if media.is_empty() => p { "Nothing holds data." },
                    Some(media) => (inventory(media, keeps)),
                }
                h2 { "Steps" }
                ol {
                    @for step in &closing.steps {
                        li { (step.id) @if let Some(result) = &step.result { ": " (result) } @if step.ended_at.is_none() { " (under way)" } }
                    }
                }
                h2 { "Decisions" }
                (decisions(&found.approvals, true))
                h2 { "Your decision" }
                @if let Some(why) = conflict(who, project) { p { (why) } }
                @else if let Some(digest) = &closing.inventory_digest {
                    (form(who, &format!("/closures/{name}/approve"), digest, None, filled))
                } @else {
                    p { "There is nothing exact to decide on before the inventory is taken." }
                }
            },
        }
        p { a href="/closures" { "All closures" } }
    };
    Shell::of(Role::Decide, who, "").page(&format!("Closure of {name}"), content)
}

fn inventory(media: &[Medium], keeps: bool) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Inventory" {
            table {
                thead { tr { th scope="col" { "Claim" } th scope="col" { "Volume" } th scope="col" { "Size" } th scope="col" { "Driver" } th scope="col" { "What becomes of it" } } }
                tbody {
                    @for of in media {
                        tr {
                            th scope="row" { (of.claim) }
                            td { (of.volume.as_deref().unwrap_or("none")) }
                            td { (of.capacity.as_ref().map_or("–", |c| c.0.as_str())) }
                            td { (of.driver.as_deref().unwrap_or("–")) }
                            td {
                                @match of.kind {
                                    MediumKind::DatasetGrant => "Released; the dataset stays with its custodian",
                                    _ if keeps => "Kept, out of reach",
                                    _ => strong { "Destroyed" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `POST /closures/{project}/approve`.
pub async fn submit(
    State(app): State<App>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    names::checked(&[&name])?;
    let found = find(&app.api.of(&posted.who.user), &name).await?;
    match decide(&app, &posted, &found).await? {
        None => Ok(Redirect::to(&format!("/closures/{name}?done=approve")).into_response()),
        Some(problems) => {
            let filled = Filled {
                fields: &posted.fields,
                problems: &problems,
            };
            let page = render(&posted.who, &found, "", filled);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}
