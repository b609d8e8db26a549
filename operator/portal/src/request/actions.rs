//! What its requester can do with a request now: only what would have an effect is offered. Pure.

use jiff::Timestamp;
use maud::{Markup, html};
use sde_core::airlock::change;
use sde_core::say::size;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{AirlockPhase as Phase, Delivery, DeliveryOutcome, FailureCause};

use super::bring;
use crate::page::csrf;
use crate::show;
use crate::signed_in::SignedIn;
use crate::words::{Tone, tag};

fn named(request: &AirlockRequest) -> &str {
    request.metadata.name.as_deref().unwrap_or_default()
}

fn at(project: &str, request: &AirlockRequest) -> String {
    format!("/projects/{project}/requests/{}", named(request))
}

/// What takes it further.
pub fn all(
    who: &SignedIn,
    project: &str,
    request: &AirlockRequest,
    ticket: Option<Markup>,
) -> Markup {
    let me = who.user.as_str();
    let here = at(project, request);
    let phase = request.status.as_ref().map_or(Phase::Draft, |s| s.phase);
    let export = request.spec.direction == Direction::Export;
    let import = request.spec.direction == Direction::Import;
    let transfer = request.spec.direction == Direction::TransferToSde;
    let mine = request.spec.requester == me;
    let declares = (export || import) && change::declarable(request, me, None).is_ok();
    let seals = export && phase == Phase::Draft && matches!(change::seal(request, me), Ok(Some(_)));
    let retries =
        matches!(change::retry(request, me), Ok(Some(_))) && !(import && refused(request));
    let bringing = bring::upload(request) != bring::Upload::Shut;
    let collects = (!import).then(|| change::collect(request, me));
    let submits = transfer && change::confirmable(request, me, None).is_ok();
    let waits = matches!(
        phase,
        Phase::Draft | Phase::Sealing | Phase::Submitted | Phase::Scanning | Phase::Releasing
    );
    html! {
        @if declares {
            p { a class="button" href={ (here) "/declare" } { "Say what each file is, and submit" } }
        }
        @if submits { (in_terminal(&format!("confirm {project} {}", named(request)))) }
        @if seals {
            form method="post" action={ (here) "/seal" } { (csrf(who)) button type="submit" { "Copy the folder" } }
        }
        @if retries {
            form method="post" action={ (here) "/retry" } { (csrf(who)) button type="submit" { "Try again" } }
        }
        @if phase == Phase::Returned && mine && !transfer {
            @let folder = request.spec.folder.as_deref().unwrap_or_default();
            @let name = named(request);
            @let to = if import { "import" } else { "new" };
            p { a class="button" href={ "/projects/" (project) "/" (to) "?supersedes=" (name) "&folder=" (folder) } { "Ask again, answering this one" } }
        }
        @if import && phase == Phase::Released { (bring::inbox(request)) }
        @match collects {
            _ if bringing => (bring::all(who, &here, request, ticket)),
            Some(Ok(_)) if ticket.is_some() => {
                @if let Some(form) = ticket { (form) }
                p class="hint" { "The door sends one archive with the files that were released. It is ready for half an hour, for one download. If the button no longer works, look at this page again first." }
            },
            Some(Ok(Some(_))) => {
                form method="post" action={ (here) "/collect" } { (csrf(who)) button type="submit" { "Make it ready to be collected" } }
            },
            Some(Ok(None)) => {
                p { "It is being made ready. This takes about a minute." }
                p { a class="button quiet" href=(here) { "Look again" } }
            },
            _ if waits => p { a class="button quiet" href=(here) { "Look again" } },
            _ => {},
        }
    }
}

/// What is done in a terminal: of transfers the portal shows where they are, hands out what was released, and no more.
fn in_terminal(command: &str) -> Markup {
    html! { p { "In a terminal: " code { "kubectl sde airlock " (command) } } }
}

/// Whether what was to be sealed cannot be, as it is. Of an Import nothing can be put right afterwards.
fn refused(request: &AirlockRequest) -> bool {
    let failure = request.status.as_ref().and_then(|s| s.failure.as_ref());
    failure.is_some_and(|f| f.cause == FailureCause::FolderRefused)
}

/// What was collected so far.
pub fn collections(request: &AirlockRequest, now: Timestamp) -> Markup {
    let transfer = request.spec.direction == Direction::TransferToSde;
    let status = request.status.clone().unwrap_or_default();
    let deliveries = status.deliveries.unwrap_or_default();
    let receipts = status.receipts.unwrap_or_default();
    html! {
        @if !deliveries.is_empty() {
            h2 { "Collections" }
            div class="scroll" role="region" tabindex="0" aria-label="Collections" {
                table {
                    thead { tr { th scope="col" { "Number" } th scope="col" { "How it ended" } th scope="col" { "When" } th scope="col" { "Handed out" } th scope="col" { "SHA-256 of the archive" } } }
                    tbody { @for of in &deliveries { (delivery(of, now)) } }
                }
            }
        }
        @if !receipts.is_empty() {
            h2 { "Receipts" }
            p {
                "Signed records of what was decided and handed out. "
                @if transfer { "They are yours to take from the portal in which you decide, under Receipts." }
                @else { "Your custodian or an auditor can give you a copy and check it." }
            }
            ul { @for receipt in &receipts { li { code { (receipt) } } } }
        }
    }
}

fn delivery(of: &Delivery, now: Timestamp) -> Markup {
    let (tone, text) = match of.outcome {
        DeliveryOutcome::Complete => (Tone::Good, "Complete"),
        DeliveryOutcome::Broken => (Tone::Bad, "Broken off"),
        DeliveryOutcome::NotCollected => (Tone::Plain, "Nobody came for it"),
        DeliveryOutcome::Unknown => (Tone::Bad, "Unknown: it counts as collected"),
        DeliveryOutcome::Disagreed => (Tone::Bad, "Counts disagree: tell your platform team"),
    };
    html! {
        tr {
            th scope="row" { (of.number) }
            td { (tag(tone, text)) }
            td { (show::time(of.at.0, now)) }
            td { (size(of.bytes)) }
            td { code { (of.sha256.as_deref().unwrap_or("–")) } }
        }
    }
}

/// Taking it back, where that has an effect.
pub fn take_back(who: &SignedIn, project: &str, request: &AirlockRequest) -> Markup {
    let here = at(project, request);
    let offered = matches!(change::withdraw(request, who.user.as_str()), Ok(Some(_)));
    html! {
        @if offered {
            details {
                summary { "Take this request back" }
                p { "Nothing of it is released then, and that cannot be undone. You can make another request afterwards." }
                form method="post" action={ (here) "/withdraw" } {
                    (csrf(who))
                    button class="danger" type="submit" { "Take it back for good" }
                }
            }
        }
    }
}
