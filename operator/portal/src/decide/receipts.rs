//! Receipts: signed records of what was released, refused, revoked and collected, to read and to take away.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;
use kube::Api;
use kube::api::ListParams;
use maud::{Markup, html};
use sde_core::say::stamp;
use sde_crds::AirlockReceipt;
use sde_crds::airlock_receipt::AirlockEvent;

use super::{record_name, seen};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::page::Shell;
use crate::signed_in::SignedIn;
use crate::words::{Tone, tag};

fn event(event: AirlockEvent) -> Markup {
    match event {
        AirlockEvent::Released => tag(Tone::Good, "Released"),
        AirlockEvent::Rejected => tag(Tone::Bad, "Rejected"),
        AirlockEvent::Revoked => tag(Tone::Bad, "Revoked"),
        AirlockEvent::Collected => tag(Tone::Plain, "Collected"),
    }
}

/// `GET /receipts`.
pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Markup, PageError> {
    let all: Api<AirlockReceipt> = Api::all(app.api.of(&who.user));
    let found = all.list(&ListParams::default()).await;
    let found = seen(found, "reading the receipts")?.map(|list| list.items);
    Ok(render(&who, found))
}

/// The list, the latest first.
pub fn render(who: &SignedIn, receipts: Option<Vec<AirlockReceipt>>) -> Markup {
    let hidden = receipts.is_none();
    let mut all = receipts.unwrap_or_default();
    all.sort_by_key(|r| std::cmp::Reverse(r.spec.at.0));
    let content = html! {
        @if hidden {
            p { "Your roles do not let you see receipts." }
        } @else if all.is_empty() {
            p class="lead" { "Nothing has been released, refused, revoked or collected yet." }
        } @else {
            p { "Each is signed with the key of the attestations. Anybody can check one without this portal: " code { "kubectl sde verify" } ", or cosign and openssl." }
            div class="scroll" role="region" tabindex="0" aria-label="Receipts" {
                table {
                    thead { tr { th scope="col" { "Receipt" } th scope="col" { "Project" } th scope="col" { "Request" } th scope="col" { "What happened" } th scope="col" { "When" } } }
                    tbody {
                        @for of in &all {
                            @let name = of.metadata.name.as_deref().unwrap_or_default();
                            tr {
                                th scope="row" { a href={ "/receipts/" (name) "/bundle.sigstore.json" } { (name) } }
                                td { (of.spec.project) }
                                td { (of.spec.request) }
                                td {
                                    (event(of.spec.event))
                                    @if let Some(sde) = &of.spec.sde { " for " (sde) }
                                }
                                td { (stamp(of.spec.at.0)) }
                            }
                        }
                    }
                }
            }
        }
    };
    Shell::of(Role::Decide, who, "/receipts").page("Receipts", content)
}

/// `GET /receipts/{receipt}/bundle.sigstore.json`.
pub async fn download(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    record_name(&name)?;
    let all: Api<AirlockReceipt> = Api::all(app.api.of(&who.user));
    let found = all.get(&name).await;
    let receipt = found.map_err(PageError::api(format!("reading receipt {name}")))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/vnd.dev.sigstore.bundle.v0.3+json".to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}-bundle.sigstore.json\""),
        ),
    ];
    Ok((headers, receipt.spec.bundle).into_response())
}
