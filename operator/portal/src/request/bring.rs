//! Bringing the files of an Import: having the door made ready, uploading, saying that that is all. Only what would have an effect is
//! offered. Pure.

use maud::{Markup, html};
use sde_core::airlock::change;
use sde_core::airlock::desired::claim::max_bytes;
use sde_core::airlock::report::MAX_FILES;
use sde_core::say::size;
use sde_core::workspace::inbox::INBOX_ROOT;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{AirlockPhase as Phase, ServingKind};

use crate::page::{csrf, sentence};
use crate::signed_in::SignedIn;

/// How far bringing the files is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    /// Nobody has asked for it yet.
    Unasked,
    /// It is being made ready.
    Coming,
    /// The door takes files now.
    Open,
    /// It has ended by itself; what was uploaded is there.
    Over,
    /// The request is no draft any more.
    Shut,
}

/// How far it is with a request.
pub fn upload(request: &AirlockRequest) -> Upload {
    let status = request.status.as_ref();
    let draft = status.is_none_or(|s| s.phase == Phase::Draft);
    if request.spec.direction != Direction::Import || !draft || request.spec.seal {
        return Upload::Shut;
    }
    let mut serving = status.iter().flat_map(|s| &s.serving).flatten();
    if serving.any(|s| s.kind == ServingKind::Receive) {
        return Upload::Open;
    }
    match change::upload(request, &request.spec.requester) {
        _ if request.spec.upload.unwrap_or(0) == 0 => Upload::Unasked,
        Ok(None) => Upload::Coming,
        Ok(Some(_)) | Err(_) => Upload::Over,
    }
}

/// What its requester can do now to bring its files, with the form that takes a ticket to the door when it takes files.
pub fn all(who: &SignedIn, here: &str, request: &AirlockRequest, ticket: Option<Markup>) -> Markup {
    let me = who.user.as_str();
    let at = upload(request);
    let again = request.spec.upload.unwrap_or(0) > 1;
    let asks = change::upload(request, me);
    let seals = matches!(change::seal(request, me), Ok(Some(_)));
    if at == Upload::Shut || change::own(request, me).is_err() || request.spec.withdrawn {
        return html! {};
    }
    html! {
        @match (at, ticket, asks) {
            (Upload::Open, Some(form), _) => {
                (form)
                p class="hint" { "It shows what is there, takes several files at once, and lets you remove what should not be there: at most " (MAX_FILES) " files and " (size(most())) " in all. It closes half an hour after the last thing you did there; what is there stays. If the button no longer works, look at this page again first." }
            },
            (Upload::Open | Upload::Coming, _, _) => {
                p { "It is being made ready. This takes about a minute." }
                p { a class="button quiet" href=(here) { "Look again" } }
            },
            (_, _, Ok(_)) => {
                form method="post" action={ (here) "/upload" } {
                    (csrf(who))
                    button type="submit" { @if at == Upload::Over { "Upload more files" } @else { "Upload files" } }
                }
            },
            (_, _, Err(refusal)) => p { (sentence(&refusal.to_string())) },
        }
        // Before the door has been open there is nothing to seal.
        @if seals && (again || matches!(at, Upload::Open | Upload::Over)) {
            form method="post" action={ (here) "/seal" } {
                (csrf(who))
                button class={ @if at == Upload::Open { "quiet" } } type="submit" { "That is all: seal it" }
            }
            p class="hint" { "What is there is then copied as it is. Nothing can be added, changed or removed afterwards." }
        }
    }
}

fn most() -> i64 {
    i64::try_from(max_bytes(Direction::Import)).unwrap_or(i64::MAX)
}

/// Where an Import is once it is released.
pub fn inbox(request: &AirlockRequest) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    html! { p { "Its files are in " code { (INBOX_ROOT) "/" (name) } ", under the names they were uploaded by." } }
}
