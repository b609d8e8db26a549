//! One request: where it is, what to do, what was sealed, found and decided.

use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::ServingKind;
use serde::Deserialize;

use super::{actions, find, list, next};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::names;
use crate::page::{self, Shell};
use crate::show::{self, Reader};
use crate::signed_in::SignedIn;
use crate::words;

/// What was just done.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

fn said(done: &str) -> Option<&'static str> {
    match done {
        "make" => {
            Some("Your folder is being copied. Look again in a minute, then say what each file is.")
        }
        "import" => Some("The request is made. Now say that you want to upload its files."),
        "upload" => Some("It is being made ready to take your files. Look again in a minute."),
        "seal" => Some(
            "What is there is being copied, and nothing can be added or changed any more. Look again in a minute, then say what each file is.",
        ),
        "submit" => Some("Exactly what was sealed is submitted. It is scanned next."),
        "withdraw" => Some("The request is taken back. Nothing of it is released."),
        "retry" => Some("It is tried again."),
        "collect" => Some("It is being made ready to be collected. Look again in a minute."),
        _ => None,
    }
}

/// `GET /projects/{project}/requests/{request}`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path((project, name)): Path<(String, String)>,
    Query(query): Query<Done>,
) -> Result<Markup, PageError> {
    names::checked(&[&project, &name])?;
    let request = find(&app.api.of(&who.user), &project, &name).await?;
    let now = Timestamp::now();
    let kind = match request.spec.direction {
        Direction::Import => ServingKind::Receive,
        Direction::Export | Direction::TransferToSde => ServingKind::Deliver,
    };
    let mine = request.spec.requester == who.user.as_str();
    let form = || app.tickets.form(kind, &who.user, &project, &request, now);
    let ticket = mine.then(form).flatten();
    Ok(render(&who, &project, &request, &query.done, ticket, now))
}

/// The page; with the form that takes a ticket to the door when it can be collected, or uploaded, now.
pub fn render(
    who: &SignedIn,
    project: &str,
    request: &AirlockRequest,
    done: &str,
    ticket: Option<Markup>,
    now: Timestamp,
) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.clone().unwrap_or_default();
    let content = html! {
        @if let Some(text) = said(done) { (page::done(text)) }
        p class="lead" {
            (words::phase(request)) " "
            span class="dim" { "Who acts next: " (words::actor(list::actor(request))) "." }
        }
        section class="panel next" aria-labelledby="next" {
            h2 id="next" { "What happens now" }
            p { (next::advice(request)) }
            @if let Some(message) = show::message(request) {
                p class="dim" { "The operator says: " (message) }
            }
            (actions::all(who, project, request, ticket))
        }
        h2 { "The request" }
        (show::facts(project, request, now))
        h2 { @if request.spec.direction == Direction::Import { "What comes in" } @else { "What leaves" } }
        (show::declared(&request.spec))
        h2 { "What was found" }
        (show::findings(request, Reader::Requester))
        h2 { "Reviews" }
        (show::reviews(status.reviews.as_ref()))
        (actions::collections(request, now))
        (actions::take_back(who, project, request))
        p { a href="/" { "All my requests" } }
    };
    let title = format!("Request {name}");
    Shell::of(Role::Request, who, "").page(&page::plain(&title), content)
}
