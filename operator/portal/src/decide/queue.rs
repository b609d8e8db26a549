//! What waits for a decision, oldest first, and why somebody may not make it.

use axum::extract::State;
use jiff::Timestamp;
use kube::Api;
use kube::api::ListParams;
use maud::{Markup, html};
use sde_core::airlock::waiting::project;
use sde_core::say::span;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::AirlockPhase as Phase;

use crate::app::App;
use crate::args::Role;
use crate::error::{PageError, is_code};
use crate::page::Shell;
use crate::show;
use crate::signed_in::SignedIn;
use crate::words;

/// `GET /`.
pub async fn page(State(app): State<App>, who: SignedIn) -> Result<Markup, PageError> {
    let all: Api<AirlockRequest> = Api::all(app.api.of(&who.user));
    let requests = match all.list(&ListParams::default()).await {
        Ok(list) => Some(list.items),
        Err(error) if is_code(&error, 403) => None,
        Err(error) => return Err(PageError::api("reading the requests")(error)),
    };
    Ok(render(&who, requests.as_deref(), Timestamp::now()))
}

/// The page; without requests, for somebody who may not see them.
pub fn render(who: &SignedIn, requests: Option<&[AirlockRequest]>, now: Timestamp) -> Markup {
    let mut waiting: Vec<&AirlockRequest> = requests
        .unwrap_or_default()
        .iter()
        .filter(|r| {
            let phase = r.status.as_ref().map(|s| s.phase);
            matches!(phase, Some(Phase::InReview | Phase::Blocked))
        })
        .collect();
    waiting.sort_by_key(|r| since(r));
    let content = html! {
        @if requests.is_none() {
            p { "Your roles do not let you see what is asked to leave projects or to come in. Projects, closures and attestations are under the other headings." }
        } @else if waiting.is_empty() {
            p class="lead" { "Nothing waits for a decision." }
        } @else {
            p { "The oldest comes first. Who asked, and whoever is or was of the project, decides nothing in it." }
            (table(who, &waiting, now))
        }
    };
    Shell::of(Role::Decide, who, "/").page("Review queue", content)
}

fn since(request: &AirlockRequest) -> Option<Timestamp> {
    let status = request.status.as_ref()?;
    status.since.as_ref().map(|t| t.0)
}

fn table(who: &SignedIn, waiting: &[&AirlockRequest], now: Timestamp) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Requests that wait for a decision" {
            table {
                thead {
                    tr {
                        th scope="col" { "Request" }
                        th scope="col" { "Project" }
                        th scope="col" { "Direction" }
                        th scope="col" { "State" }
                        th scope="col" { "Reviews" }
                        th scope="col" { "Still missing" }
                        th scope="col" { "Sealed" }
                        th scope="col" { "Waits for" }
                        th scope="col" { "You" }
                    }
                }
                tbody { @for request in waiting { (row(who, request, now)) } }
            }
        }
    }
}

fn row(who: &SignedIn, request: &AirlockRequest, now: Timestamp) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let project = project(request);
    let progress = request.status.as_ref().and_then(|s| s.reviews.as_ref());
    let missing: Vec<&str> = progress
        .iter()
        .flat_map(|p| &p.missing_roles)
        .map(|r| words::role(*r))
        .collect();
    html! {
        tr {
            th scope="row" { a href={ "/projects/" (project) "/requests/" (name) } { (name) } }
            td { (project) }
            td { (words::way(&request.spec)) }
            td { (words::phase(request)) }
            td { (progress.map_or("–", |p| p.summary.as_str())) }
            td { @if missing.is_empty() { "–" } @else { (missing.join(", ")) } }
            td { (show::sealed(request).as_deref().unwrap_or("–")) }
            td { (since(request).map_or_else(String::new, |at| span(now.duration_since(at).as_secs()))) }
            td { (stands(who, request)) }
        }
    }
}

/// Whether this person may decide, as far as the request itself says.
fn stands(who: &SignedIn, request: &AirlockRequest) -> &'static str {
    let status = request.status.as_ref();
    let me = who.user.as_str();
    let insider = status
        .and_then(|s| s.insiders.as_ref())
        .is_some_and(|all| all.iter().any(|i| i == me));
    if request.spec.requester == me {
        "You asked: another must decide"
    } else if insider {
        "You are or were of the project: another must decide"
    } else if request.spec.direction == Direction::TransferToSde {
        "Custodians decide"
    } else {
        "You may decide"
    }
}
