//! A project from approval to attestation, an export from question to collection and an import to its inbox, all in the browser, and
//! every page on the way.

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use sde_crds::airlock_status::{AirlockPhase, ServingKind};
use sde_crds::names::airlock_namespace;
use sde_crds::{AirlockRequest, Project};
use sde_ticket::{Act, Issuer};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, code, project};
use super::error::{Result, check_equal};
use super::lab::Lab;
use super::life::RESEARCHER;
use super::portal_import;
use super::portal_pages::Album;
use super::portal_people::{Visitor, shows, ticket};
use crate::controlplane::standin::Behaviour;
use crate::portal::front::Front;
use crate::portal::portals::Side;

const PROJECT: &str = "portalone";
const REQUEST: &str = "penetrance";

/// Everything, in the order in which it happens.
pub(super) async fn all(lab: &Lab, front: &Front) -> Result<()> {
    let album = Album::new(front)?;
    approved(lab, front, &album).await?;
    let researcher = Visitor::at(front, Side::Request, RESEARCHER).await?;
    researcher.pictured(&album, "request-first").await?;
    researcher.asks(PROJECT, REQUEST, Some(&album)).await?;
    researcher.pictured(&album, "request-in-review").await?;
    researcher.visit("/").await?;
    researcher.pictured(&album, "request-list").await?;
    reviewed(lab, front, &album).await?;
    collected(lab, researcher, &album).await?;
    portal_import::brought(lab, front, researcher, PROJECT, &album).await?;
    closed(lab, front, &album).await?;
    researcher.submit("Sign out", json!({})).await?;
    let out = researcher.pictured(&album, "signed-out").await?;
    shows(&out, "You are signed out")?;
    album.complete()
}

/// Two people approve what a custodian asks for.
async fn approved(lab: &Lab, front: &Front, album: &Album<'_>) -> Result<()> {
    let life = project(lab, PROJECT)?;
    life.submit().await?;
    let path = format!("/projects/{PROJECT}");
    for (user, role) in [
        ("approver-a", "DataAccess"),
        ("approver-b", "PublicBenefit"),
    ] {
        let approver = Visitor::at(front, Side::Decide, user).await?;
        approver.follow("Projects").await?;
        if role == "DataAccess" {
            approver.pictured(album, "decide-projects").await?;
        }
        approver.follow(PROJECT).await?;
        approver.until(&path, "You decide on exactly").await?;
        if role == "DataAccess" {
            approver.pictured(album, "decide-project").await?;
        }
        let decision = json!({"role": role, "decision": "Approved"});
        let decided = approver.submit("Decide", decision).await?;
        shows(&decided, "Your decision is made")?;
    }
    life.active().await?;
    Ok(())
}

/// Two people agree to the export; the first says so twice and counts once.
async fn reviewed(lab: &Lab, front: &Front, album: &Album<'_>) -> Result<()> {
    let export = Export::of(lab, PROJECT, REQUEST);
    let path = format!("/projects/{PROJECT}/requests/{REQUEST}");
    for (user, first) in CHECKERS.into_iter().zip([true, false]) {
        let checker = Visitor::at(front, Side::Decide, user).await?;
        if first {
            checker.pictured(album, "decide-queue").await?;
        }
        checker.follow(REQUEST).await?;
        let page = checker.until(&path, "Look at the files").await?;
        let seen = export.phase(AirlockPhase::InReview).await?;
        leads(lab, &page, &seen, ServingKind::View).await?;
        let mut decision = json!({"decision": "Approve", "seen": code(lab, user, &seen).await?});
        if !first {
            decision["role"] = json!("OutputChecker");
        }
        if first {
            checker.pictured(album, "decide-request").await?;
            let unsaid = checker.submit("Decide", json!({})).await?;
            shows(&unsaid, "There is something to put right")?;
            checker.answered(album, "decide-request-problems").await?;
        }
        for _ in 0..if first { 2 } else { 1 } {
            checker.visit(&path).await?;
            let decided = checker.submit("Decide", decision.clone()).await?;
            shows(&decided, "Your decision is made")?;
        }
        if first {
            let counted = |n| {
                move |s: &sde_crds::airlock_status::AirlockRequestStatus| {
                    s.reviews.as_ref().is_some_and(|r| r.counted == n)
                }
            };
            let one = export.when("one review counted", counted(1)).await?;
            let phase = one.status.map(|status| status.phase);
            check_equal("phase", &phase, &Some(AirlockPhase::InReview))?;
        }
    }
    export.phase(AirlockPhase::Released).await?;
    Ok(())
}

/// The requester is led to the door for what was released, and sees what became of it.
async fn collected(lab: &Lab, researcher: Visitor<'_>, album: &Album<'_>) -> Result<()> {
    let path = format!("/projects/{PROJECT}/requests/{REQUEST}");
    let ready = "Make it ready to be collected";
    researcher.until(&path, ready).await?;
    researcher.pictured(album, "request-released").await?;
    researcher.submit(ready, json!({})).await?;
    let page = researcher.until(&path, "Collect the files").await?;
    let export = Export::of(lab, PROJECT, REQUEST);
    let seen = export.phase(AirlockPhase::Released).await?;
    leads(lab, &page, &seen, ServingKind::Deliver).await?;
    shows(&page, "In a terminal")?;
    researcher.pictured(album, "request-collect").await?;
    let came = Behaviour {
        collected: true,
        ..Behaviour::default()
    };
    lab.standin.set(&airlock_namespace(PROJECT), came);
    researcher.until(&path, "Complete").await?;
    researcher.pictured(album, "request-collected").await?;
    Ok(())
}

/// A page leads to the door, with a ticket for exactly what is there, for whoever looks.
///
/// # Errors
/// When it does not, or the ticket is for something else.
pub(super) async fn leads(
    lab: &Lab,
    page: &crate::portal::browser::Page,
    request: &AirlockRequest,
    kind: ServingKind,
) -> Result<()> {
    let (issuer, act, address) = match kind {
        ServingKind::View => (Issuer::PortalDecide, Act::View, "view"),
        ServingKind::Deliver => (Issuer::PortalRequest, Act::Collect, "collect"),
        ServingKind::Receive => (Issuer::PortalRequest, Act::Upload, "upload"),
    };
    let address = format!("https://door.localhost:8443/{address}");
    let form = page.forms.iter().find(|form| form.action == address);
    let token = form
        .and_then(|form| form.fields.iter().find(|field| field.name == "ticket"))
        .map(|field| field.value.clone())
        .unwrap_or_default();
    let ticket = ticket(lab, issuer, &token).await?;
    let status = request.status.clone().unwrap_or_default();
    let serving = status.serving.into_iter().flatten();
    let serving = serving.into_iter().find(|serving| serving.kind == kind);
    check_equal("act", &ticket.act, &act)?;
    check_equal("request", &Some(ticket.uid), &request.uid())?;
    // What is yet to be sealed has no digest.
    let content = status.content.map(|content| content.digest);
    check_equal("content", &ticket.content, &content.unwrap_or_default())?;
    check_equal(
        "where to",
        &Some((ticket.at.to_string(), ticket.pod)),
        &serving.map(|serving| (serving.at, serving.pod)),
    )
}

/// Two people approve that a project is closed, and its attestation is there to read.
async fn closed(lab: &Lab, front: &Front, album: &Album<'_>) -> Result<()> {
    let name = "portalclose";
    let life = project(lab, name)?;
    life.open().await?;
    let projects: Api<Project> = Api::all(lab.person("custodian-a"));
    let close = Patch::Merge(json!({"spec": {"lifecycle": "Closed"}}));
    projects
        .patch(name, &PatchParams::default(), &close)
        .await?;
    let path = format!("/closures/{name}");
    for (user, first) in [("approver-a", true), ("approver-b", false)] {
        let approver = Visitor::at(front, Side::Decide, user).await?;
        approver.follow("Closures").await?;
        if first {
            approver.pictured(album, "decide-closures").await?;
        }
        approver.follow(name).await?;
        approver.until(&path, "You decide on exactly").await?;
        if first {
            approver.pictured(album, "decide-closure").await?;
        }
        let decided = approver
            .submit("Decide", json!({"decision": "Approved"}))
            .await?;
        shows(&decided, "Your decision is made")?;
    }
    let custodian = Visitor::at(front, Side::Decide, "custodian-a").await?;
    custodian.until("/receipts", "Released").await?;
    custodian.pictured(album, "decide-receipts").await?;
    let record = custodian.until("/attestations", name).await?;
    custodian.pictured(album, "decide-attestations").await?;
    let link = record.links.iter().find(|link| link.text.starts_with(name));
    custodian
        .follow(link.map_or(name, |link| &link.text))
        .await?;
    let attested = custodian.pictured(album, "decide-attestation").await?;
    shows(&attested, "Destroyed")?;
    shows(&attested, "bundle.sigstore.json")
}
