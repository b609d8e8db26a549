//! Attestations: what is left of closed projects, to read and to take away.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client};
use maud::{Markup, html};
use sde_core::say::stamp;
use sde_crds::DestructionRecord;
use sde_crds::destruction_record::{Claim, Outcome};

use super::{record_name, seen};
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::page::Shell;
use crate::show;
use crate::signed_in::SignedIn;
use crate::words::{Tone, tag};

/// The files of a record: name, content type, what it is.
const FILES: [(&str, &str, &str); 3] = [
    (
        "bundle.sigstore.json",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "The signed statement, as a Sigstore bundle",
    ),
    (
        "evidence.json",
        "application/json",
        "The evidence that it is about",
    ),
    (
        "public.pem",
        "application/x-pem-file",
        "The key named in the record, for information: verify with the key that you were given when the project began",
    ),
];

fn records(client: Client) -> Api<DestructionRecord> {
    Api::all(client)
}

fn outcome(outcome: Outcome) -> Markup {
    match outcome {
        Outcome::Destroyed => tag(Tone::Good, "Destroyed"),
        Outcome::DestroyedPending => tag(
            Tone::Wait,
            "Destroyed here, but for a copy that ends later, or elsewhere",
        ),
        Outcome::RetainedInaccessible => tag(Tone::Plain, "Kept, unreachable"),
        Outcome::FailedPartial => tag(Tone::Bad, "Failed in part: a person must act"),
    }
}

fn claim(claim: Claim) -> &'static str {
    match claim {
        Claim::PurgeCryptographicErase => "Cryptographic erase, with its preconditions recorded",
        Claim::DeleteOnly => "Deleted through their interfaces; nothing is said of the media below",
        Claim::Inaccessible => "Kept, but unreachable",
        Claim::None => "Nothing is claimed",
    }
}

/// `GET /attestations`.
pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Markup, PageError> {
    let found = records(app.api.of(&who.user))
        .list(&ListParams::default())
        .await;
    let found = seen(found, "reading the attestations")?.map(|list| list.items);
    Ok(render_list(&who, found))
}

/// The list.
pub fn render_list(who: &SignedIn, records: Option<Vec<DestructionRecord>>) -> Markup {
    let hidden = records.is_none();
    let mut all = records.unwrap_or_default();
    all.sort_by_key(|r| std::cmp::Reverse(r.spec.issued_at.0));
    let content = html! {
        @if hidden {
            p { "Your roles do not let you see attestations." }
        } @else if all.is_empty() {
            p class="lead" { "No project has been closed yet." }
        } @else {
            div class="scroll" role="region" tabindex="0" aria-label="Attestations" {
                table {
                    thead { tr { th scope="col" { "Record" } th scope="col" { "Project" } th scope="col" { "Outcome" } th scope="col" { "What is claimed" } th scope="col" { "Signed" } } }
                    tbody {
                        @for of in &all {
                            @let name = of.metadata.name.as_deref().unwrap_or_default();
                            tr {
                                th scope="row" { a href={ "/attestations/" (name) } { (name) } }
                                td { (of.spec.project) }
                                td { (outcome(of.spec.outcome)) }
                                td { (claim(of.spec.claim)) }
                                td { (stamp(of.spec.issued_at.0)) }
                            }
                        }
                    }
                }
            }
        }
    };
    Shell::of(Role::Decide, who, "/attestations").page("Attestations", content)
}

async fn find(client: Client, name: &str) -> Result<DestructionRecord, PageError> {
    record_name(name)?;
    records(client)
        .get(name)
        .await
        .map_err(PageError::api(format!("reading record {name}")))
}

/// `GET /attestations/{record}`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
) -> Result<Markup, PageError> {
    let record = find(app.api.of(&who.user), &name).await?;
    Ok(render(&who, &record, Timestamp::now()))
}

/// The page.
pub fn render(who: &SignedIn, record: &DestructionRecord, now: Timestamp) -> Markup {
    let name = record.metadata.name.as_deref().unwrap_or_default();
    let of = &record.spec;
    let content = html! {
        p class="lead" { (outcome(of.outcome)) }
        dl class="facts" {
            dt { "Project" } dd { (of.project) }
            dt { "Its UID" } dd { code { (of.project_uid) } }
            dt { "What is claimed" } dd { (claim(of.claim)) }
            dt { "Signed" } dd { (show::time(of.issued_at.0, now)) }
        }
        h2 { "Take it away" }
        ul {
            @for (file, _, what) in FILES {
                li { a href={ "/attestations/" (name) "/" (file) } download=(file) { (file) } ": " (what) }
            }
        }
        p { "Anybody can check them without this portal: " code { "kubectl sde verify" } ", or cosign, openssl and sha256sum." }
        p { a href="/attestations" { "All attestations" } }
    };
    Shell::of(Role::Decide, who, "").page(&format!("Attestation {name}"), content)
}

/// `GET /attestations/{record}/{file}`.
pub async fn download(
    State(app): State<App>,
    who: SignedIn,
    Path((name, file)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (file, type_, _) = FILES
        .into_iter()
        .find(|(f, _, _)| *f == file)
        .ok_or(PageError::NoPage)?;
    let record = find(app.api.of(&who.user), &name).await?.spec;
    let bytes = match file {
        "evidence.json" => record.evidence,
        "public.pem" => record.public_key,
        _ => record.bundle,
    };
    let disposition = format!("attachment; filename=\"{name}-{file}\"");
    let headers = [
        (header::CONTENT_TYPE, type_.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}
