//! My requests: all of all my projects, what waits for me first.

use axum::extract::{Query, State};
use axum_extra::extract::cookie::CookieJar;
use futures::future::join_all;
use jiff::Timestamp;
use kube::api::ListParams;
use maud::{Markup, html};
use sde_core::airlock::waiting::{Actor, waits_for};
use sde_core::say::ago;
use sde_crds::AirlockRequest;
use serde::Deserialize;

use super::projects;
use crate::app::App;
use crate::args::Role;
use crate::error::{PageError, is_code};
use crate::fields::Problem;
use crate::page::{self, Shell, csrf};
use crate::show;
use crate::signed_in::SignedIn;
use crate::words;

/// One project's requests, or that they may not be seen.
pub struct Found {
    /// Name of the project.
    pub project: String,
    /// Whether the browser, and not the sign-in service, says it is one of theirs.
    pub remembered: bool,
    /// Its requests; none when they may not be seen.
    pub requests: Option<Vec<AirlockRequest>>,
}

#[derive(Deserialize)]
pub struct Said {
    #[serde(default)]
    said: String,
}

/// `GET /`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    jar: CookieJar,
    Query(query): Query<Said>,
) -> Result<Markup, PageError> {
    let client = app.api.of(&who.user);
    let remembered = projects::remembered(&who.user, &jar);
    let all = projects::of(&who, &jar);
    let found = join_all(all.into_iter().map(|project| {
        let (client, remembered) = (&client, &remembered);
        async move {
            let listed = super::requests(client, &project)
                .list(&ListParams::default())
                .await;
            let requests = match listed {
                Ok(list) => Some(list.items),
                Err(error) if is_code(&error, 403) => None,
                Err(error) => {
                    return Err(PageError::api(format!(
                        "reading the requests of project {project}"
                    ))(error));
                }
            };
            Ok(Found {
                remembered: remembered.contains(&project),
                project,
                requests,
            })
        }
    }))
    .await;
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(render(&who, &found, &query.said, Timestamp::now()))
}

/// The page.
pub fn render(who: &SignedIn, found: &[Found], said: &str, now: Timestamp) -> Markup {
    let problem = match said {
        "no-name" => Some(
            "A project's name is made of lower-case letters, digits and hyphens: look it up in your approval or in JupyterHub",
        ),
        "no-project" => Some(
            "There is no project of that name whose requests you may see: it may not be open now, or your training or organisation may have expired. Ask the project's lead",
        ),
        _ => None,
    };
    let problems: Vec<Problem> = problem
        .into_iter()
        .map(|p| Problem::at("project", p))
        .collect();
    let content = html! {
        (page::problems(&problems))
        @if said == "opened" { (page::done("The project is shown here from now on.")) }
        @for of in found { (project(who, of, now)) }
        @if found.is_empty() {
            p class="lead" { "Open one of your projects to see its requests." }
        }
        (open(who, problem))
    };
    Shell::of(Role::Request, who, "/").page("My requests", content)
}

fn project(who: &SignedIn, of: &Found, now: Timestamp) -> Markup {
    let heading = format!("project-{}", of.project);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { "Project " (of.project) }
            @match &of.requests {
                None => p { "You may not see its requests at the moment. The project may not be open, or your training or your organisation's approval may have expired: ask the project's lead." },
                Some(requests) if requests.is_empty() => p { "Nothing has been asked for yet." },
                Some(requests) => (table(&of.project, requests, now)),
            }
            div class="actions" {
                @if of.requests.is_some() {
                    a class="button" href={ "/projects/" (of.project) "/new" } { "Ask for an export from " (of.project) }
                    a class="button" href={ "/projects/" (of.project) "/import" } { "Bring files into " (of.project) }
                }
                @if of.remembered {
                    form method="post" action={ "/projects/" (of.project) "/forget" } {
                        (csrf(who))
                        button class="quiet" type="submit" { "Stop showing " (of.project) }
                    }
                }
            }
        }
    }
}

fn table(project: &str, requests: &[AirlockRequest], now: Timestamp) -> Markup {
    let mut rows: Vec<(Actor, &AirlockRequest)> = requests.iter().map(|r| (actor(r), r)).collect();
    let since = |r: &AirlockRequest| r.metadata.creation_timestamp.as_ref().map(|t| t.0);
    rows.sort_by_key(|(actor, r)| {
        let last = match actor {
            Actor::Requester => 0,
            Actor::Nobody => 2,
            _ => 1,
        };
        (last, std::cmp::Reverse(since(r)))
    });
    html! {
        div class="scroll" role="region" tabindex="0" aria-label={ "Requests of project " (project) } {
            table {
                thead {
                    tr {
                        th scope="col" { "Request" }
                        th scope="col" { "Direction" }
                        th scope="col" { "State" }
                        th scope="col" { "Reviews" }
                        th scope="col" { "Sealed" }
                        th scope="col" { "Made" }
                        th scope="col" { "Who acts next" }
                    }
                }
                tbody {
                    @for (actor, request) in rows {
                        (row(project, request, actor, now))
                    }
                }
            }
        }
    }
}

fn row(project: &str, request: &AirlockRequest, actor: Actor, now: Timestamp) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.as_ref();
    let made = request.metadata.creation_timestamp.as_ref();
    html! {
        tr {
            th scope="row" { a href={ "/projects/" (project) "/requests/" (name) } { (name) } }
            td { (words::way(&request.spec)) }
            td { (words::phase(request)) }
            td { (status.and_then(|s| s.reviews.as_ref()).map_or("–", |r| r.summary.as_str())) }
            td { (show::sealed(request).as_deref().unwrap_or("–")) }
            td { (made.map_or_else(String::new, |t| ago(t.0, now))) }
            td { (words::actor(actor)) }
        }
    }
}

/// Who must act on a request.
pub fn actor(request: &AirlockRequest) -> Actor {
    let status = request.status.clone().unwrap_or_default();
    let conditions = status.conditions.clone().unwrap_or_default();
    let ready = sde_core::conditions::find(&conditions, sde_core::conditions::types::READY);
    waits_for(&request.spec, &status, ready.map(|c| c.reason.as_str()))
}

fn open(who: &SignedIn, problem: Option<&str>) -> Markup {
    html! {
        section aria-labelledby="open" {
            h2 id="open" { "Open a project" }
            form class="stack" method="post" action="/projects" {
                (csrf(who))
                div class={ "field" @if problem.is_some() { " wrong" } } {
                    label for="project" { "Name of the project" }
                    p class="hint" id="project-hint" { "As in your approval and in JupyterHub, such as prj-4f2c. This browser remembers it. A custodian who transfers opens the project whose data it is." }
                    input type="text" id="project" name="project" required maxlength="40" autocomplete="off" spellcheck="false" aria-describedby="project-hint" aria-invalid=[problem.map(|_| "true")];
                }
                button type="submit" { "Open" }
            }
        }
    }
}
