//! One request: where it is, what to do, what was sealed, found and decided.

use axum::extract::{Path, State};
use jiff::Timestamp;
use maud::{Markup, html};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;

use super::{find, list, next};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
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
) -> Result<Markup, PageError> {
    names::checked(&[&project, &name])?;
    let request = find(&app.api.of(&who.user), &project, &name).await?;
    Ok(render(&who, &project, &request, Timestamp::now()))
}

/// The page.
pub fn render(who: &SignedIn, project: &str, request: &AirlockRequest, now: Timestamp) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.clone().unwrap_or_default();
    let content = html! {
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
        }
        h2 { "The request" }
        (show::facts(project, request, now))
        h2 { @if request.spec.direction == Direction::Import { "What comes in" } @else { "What leaves" } }
        (show::declared(&request.spec))
        h2 { "What was found" }
        (show::findings(request, Reader::Requester))
        h2 { "Reviews" }
        (show::reviews(status.reviews.as_ref()))
        p { a href="/" { "All my requests" } }
    };
    let title = format!("Request {name}");
    Shell::of(Role::Request, who, "").page(&page::plain(&title), content)
}
