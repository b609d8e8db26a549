//! One request, for who decides on it: what is said of it, what was found, what was released before, and the decision.

use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use sde_core::say::stamp;
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::{AirlockPhase as Phase, ServingKind};

use super::known::{Known, read};
use super::{Done, look_for, receiver, review};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::fields::{Fields, Problem};
use crate::inputs::Filled;
use crate::names;
use crate::page::{self, Shell};
use crate::show::{self, Reader};
use crate::signed_in::SignedIn;
use crate::words;

/// `GET /projects/{project}/requests/{request}`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path((project, name)): Path<(String, String)>,
    Query(query): Query<Done>,
) -> Result<Markup, PageError> {
    names::checked(&[&project, &name])?;
    let known = read(&app.api.of(&who.user), &project, &name).await?;
    let filled = Filled {
        fields: &Fields::default(),
        problems: &[],
    };
    Ok(with_ticket(
        &app,
        &who,
        &project,
        &known,
        &query.done,
        filled,
    ))
}

/// The page as it is now, with a fresh ticket for the viewer when it runs and the person may look.
pub fn with_ticket(
    app: &App,
    who: &SignedIn,
    project: &str,
    known: &Known,
    done: &str,
    filled: Filled<'_>,
) -> Markup {
    let now = Timestamp::now();
    let may = known.conflict(who.user.as_str()).is_none();
    let ticket = may
        .then(|| {
            app.tickets
                .form(ServingKind::View, &who.user, project, &known.request, now)
        })
        .flatten();
    render(who, project, known, done, ticket, filled, now)
}

/// The page.
pub fn render(
    who: &SignedIn,
    project: &str,
    known: &Known,
    done: &str,
    ticket: Option<Markup>,
    filled: Filled<'_>,
    now: Timestamp,
) -> Markup {
    let request = &known.request;
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.clone().unwrap_or_default();
    let looks = matches!(status.phase, Phase::InReview | Phase::Blocked);
    let problems: &[Problem] = filled.problems;
    let content = html! {
        (page::problems(problems))
        @if done == "review" { (page::done("Your decision is made and never changes. Votes are hidden until everybody needed has voted.")) }
        p class="lead" { (words::phase(request)) }
        @if let Some(message) = show::message(request) { p class="dim" { "The operator says: " (message) } }
        @if let Some(why) = known.conflict(who.user.as_str()) {
            section class="panel next" aria-labelledby="conflict" {
                h2 id="conflict" { "You do not decide here" }
                p { (why) }
            }
        }
        h2 { "The request" }
        (show::facts(project, request, now))
        h2 { "What it is said to be" }
        (show::declared(&request.spec))
        (look_for::in_import(request))
        (receiver::show(known))
        h2 { "What was found" }
        (show::findings(request, Reader::Reviewer))
        @if looks {
            h2 { "The files" }
            @match ticket {
                Some(form) => {
                    p { "They are shown by the door, page by page, and are never handed out. Each file you open is logged. Once you have opened every one, the list shows your viewing code, which an approval needs. The way there is open for an hour." }
                    (form)
                },
                None if known.conflict(who.user.as_str()).is_none() => {
                    p { "The viewer is being made ready. This takes about a minute." }
                    p { a class="button quiet" href={ "/projects/" (project) "/requests/" (name) } { "Look again" } }
                },
                None => p { "They are shown to those who decide." },
            }
        }
        h2 { "Released from this project before" }
        (earlier(&known.others))
        h2 { "Reviews" }
        (show::reviews(status.reviews.as_ref()))
        @if known.conflict(who.user.as_str()).is_none() {
            (review::form(who, project, known, filled))
        }
        p { a href="/" { "Review queue" } }
    };
    Shell::of(Role::Decide, who, "").page(&format!("Request {name}"), content)
}

/// What the project released before: with it, this one may tell more than alone.
fn earlier(others: &[AirlockRequest]) -> Markup {
    let mut released: Vec<&AirlockRequest> = others
        .iter()
        .filter(|r| r.status.as_ref().is_some_and(|s| s.approval.is_some()))
        .collect();
    released.sort_by_key(|r| std::cmp::Reverse(since(r)));
    html! {
        @if released.is_empty() {
            p class="dim" { "Nothing." }
        } @else {
            ul {
                @for of in released {
                    li {
                        strong { (of.metadata.name.as_deref().unwrap_or_default()) } ": "
                        (of.spec.justification) " "
                        span class="dim" {
                            "(" (show::sealed(of).unwrap_or_default())
                            @if let Some(at) = since(of) { ", " (stamp(at)) }
                            ")"
                        }
                        " " (words::phase(of))
                    }
                }
            }
        }
    }
}

fn since(request: &AirlockRequest) -> Option<Timestamp> {
    let status = request.status.as_ref()?;
    status.since.as_ref().map(|t| t.0)
}
