//! A portal killed at a write, before the API server has it and after: signed in again, nothing is lost and nothing is there twice.

use kube::Api;
use kube::api::ListParams;
use sde_crds::names::project_namespace;
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::{Value, json};

use super::airlock_export::{CHECKERS, Export, code, project};
use super::error::{Result, check, check_equal};
use super::lab::Lab;
use super::life::RESEARCHER;
use super::portal_people::{Visitor, shows};
use crate::controlplane::fault_proxy::{Fault, Point, Rule};
use crate::portal::front::Front;
use crate::portal::portals::{Portal, Side};

const PROJECT: &str = "portalkill";

/// Sends a form whose write the portal does not survive, and starts the portal again.
async fn dies(
    portal: &Portal,
    fault: Fault,
    visitor: Visitor<'_>,
    button: &str,
    fields: Value,
) -> Result<()> {
    let point = Point::Nth(1);
    portal.proxy.arm(PROJECT, Some(Rule { point, fault }));
    // What the browser shows of a server that is gone is its own affair.
    let _ = visitor.submit(button, fields).await;
    let writes = portal.proxy.disarm(PROJECT);
    check_equal("writes of the portal", &writes.len(), &1)?;
    check(!portal.runs(), "the portal survived its own death")?;
    portal.restart().await?;
    Ok(())
}

/// Asking and deciding, each killed on both sides of the write.
pub(super) async fn killed(lab: &Lab, front: &Front) -> Result<()> {
    project(lab, PROJECT)?.open().await?;
    let namespace = project_namespace(PROJECT);
    let requests: Api<AirlockRequest> = Api::namespaced(lab.plane.admin(), &namespace);
    let researcher = Visitor::at(front, Side::Request, RESEARCHER).await?;
    researcher
        .submit("Open", json!({"project": PROJECT}))
        .await?;
    for (name, fault) in [("before", Fault::KillBefore), ("after", Fault::KillAfter)] {
        let asked =
            json!({"folder": "tables", "name": name, "justification": "A table for the article"});
        let path = format!("/projects/{PROJECT}/new");
        researcher.visit(&path).await?;
        dies(
            &front.request,
            fault,
            researcher,
            "Copy the folder",
            asked.clone(),
        )
        .await?;
        let there = requests.get_opt(name).await?;
        check_equal(name, &there.is_some(), &fault.applies())?;
        // The provider still knows who it is, so the address leads back to the page.
        let page = researcher.visit(&path).await?;
        shows(&page, "Signed in as researcher")?;
        let page = researcher.submit("Copy the folder", asked).await?;
        let answer = if fault.applies() {
            "There is a request after already"
        } else {
            "Request before"
        };
        shows(&page, answer)?;
        let again = requests.get(name).await?.metadata.uid;
        if let Some(there) = there {
            check_equal("the request", &again, &there.metadata.uid)?;
        }
    }
    let page = researcher.visit("/").await?;
    for name in ["before", "after"] {
        let rows = page.links.iter().filter(|link| link.text == name);
        check_equal(&format!("rows of {name}"), &rows.count(), &1)?;
    }

    let export = Export::ask(lab, PROJECT, "reviewed").await?;
    let seen = export.confirmed().await?;
    let reviews: Api<AirlockReview> = Api::namespaced(lab.plane.admin(), &namespace);
    let path = format!("/projects/{PROJECT}/requests/reviewed");
    for (checker, fault) in CHECKERS
        .into_iter()
        .zip([Fault::KillBefore, Fault::KillAfter])
    {
        let by = async || -> Result<usize> {
            let all = reviews.list(&ListParams::default()).await?;
            Ok(all
                .items
                .iter()
                .filter(|r| r.spec.reviewer == checker)
                .count())
        };
        let visitor = Visitor::at(front, Side::Decide, checker).await?;
        let mut decision = json!({"decision": "Approve", "seen": code(lab, checker, &seen).await?});
        if checker == "checker-b" {
            decision["role"] = json!("OutputChecker");
        }
        visitor.visit(&path).await?;
        dies(&front.decide, fault, visitor, "Decide", decision.clone()).await?;
        check_equal(checker, &by().await?, &usize::from(fault.applies()))?;
        let page = visitor.visit(&path).await?;
        shows(&page, &format!("Signed in as {checker}"))?;
        if !fault.applies() {
            let page = visitor.submit("Decide", decision).await?;
            shows(&page, "Your decision is made")?;
        }
        check_equal(checker, &by().await?, &1)?;
    }
    Ok(())
}
