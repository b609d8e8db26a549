//! What the portals refuse, and what the API server refuses through them, each beside what it takes.

use kube::api::PostParams;
use kube::{Api, Client};
use sde_crds::names::{
    PORTAL_DECIDE_SERVICE_ACCOUNT, PORTAL_REQUEST_SERVICE_ACCOUNT, project_namespace,
};
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, project, request, review};
use super::error::{Result, check, refused};
use super::lab::Lab;
use super::life::RESEARCHER;
use crate::controlplane::install::{SYSTEM_NAMESPACE, account_token};
use crate::portal::front::Front;
use crate::portal::portals::Side;

/// What the API server says to a token that may not act for somebody.
const ACT: &str = "cannot impersonate";

/// Names that no Project can spell are refused by both portals, and no one is signed in.
pub(super) async fn names(front: &Front) -> Result<()> {
    for side in Side::ALL {
        for name in [
            "Researcher",
            "system:admin",
            "system:serviceaccount:sde-system:sde-controller",
        ] {
            let person = format!("{} {name}", side.command());
            let page = front.sign_in(&person, side, name).await?;
            check(
                page.status == Some(403) && page.text.contains("You are not signed in"),
                format_args!("{name} sees {}", page.text),
            )?;
            let cookies = front.browser.act(&person, "cookies", json!({})).await?;
            let session = format!("__Host-sde-{}", side.command());
            check(
                !cookies.to_string().contains(&format!("\"{session}\"")),
                format_args!("{name} has a session: {cookies}"),
            )?;
            front.browser.act(&person, "forget", json!({})).await?;
        }
        let person = format!("{} control", side.command());
        let page = front.sign_in(&person, side, RESEARCHER).await?;
        check(
            page.status == Some(200) && page.text.contains("Signed in as researcher"),
            format_args!("the control sees {}", page.text),
        )?;
        front.browser.act(&person, "forget", json!({})).await?;
    }
    Ok(())
}

/// A form that no page of this session sent is not taken.
pub(super) async fn forged(lab: &Lab, front: &Front) -> Result<()> {
    let name = "portalforge";
    project(lab, name)?.open().await?;
    let person = "forger";
    front.sign_in(person, Side::Request, RESEARCHER).await?;
    let browser = &front.browser;
    let open = json!({"button": "Open", "without": "csrf", "fields": {"project": name}});
    let page = browser.page(person, "forge", open).await?;
    check(
        page.status == Some(403) && page.text.contains("was not sent from here"),
        format_args!("a form without a token: {:?} {}", page.status, page.text),
    )?;
    let page = browser.visit(person, &front.request.url("/")).await?;
    check(
        !page.text.contains(name),
        format_args!("the forged form was taken: {}", page.text),
    )?;
    let page = browser
        .submit(person, "Open", json!({"project": name}))
        .await?;
    check(
        page.status == Some(200) && page.text.contains(name),
        format_args!("the control: {:?} {}", page.status, page.text),
    )?;
    browser.act(person, "forget", json!({})).await?;
    Ok(())
}

/// Who steals one portal's token has half of what it takes: asking or deciding, never both.
pub(super) async fn tokens(lab: &Lab) -> Result<()> {
    let project_name = "portaltokens";
    project(lab, project_name)?.open().await?;
    let export = Export::ask(lab, project_name, "asked").await?;
    let seen = export.confirmed().await?;
    let namespace = project_namespace(project_name);
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let admin = lab.plane.admin();
    let asks = account_token(&admin, SYSTEM_NAMESPACE, PORTAL_REQUEST_SERVICE_ACCOUNT).await?;
    let decides = account_token(&admin, SYSTEM_NAMESPACE, PORTAL_DECIDE_SERVICE_ACCOUNT).await?;
    let requests = |client: Client| -> Api<AirlockRequest> { Api::namespaced(client, &namespace) };
    let reviews = |client: Client| -> Api<AirlockReview> { Api::namespaced(client, &namespace) };
    let [checker, _] = CHECKERS;
    let (mine, judged) = (request("stolen")?, review(checker, &seen, json!({}))?);

    requests(lab.plane.acting(&asks, RESEARCHER)?)
        .create(&dry, &mine)
        .await?;
    reviews(lab.plane.acting(&decides, checker)?)
        .create(&dry, &judged)
        .await?;
    for user in [checker, RESEARCHER] {
        let of_asks = reviews(lab.plane.acting(&asks, user)?);
        refused(of_asks.create(&dry, &judged).await, ACT)?;
        let of_decides = requests(lab.plane.acting(&decides, user)?);
        refused(of_decides.create(&dry, &mine).await, ACT)?;
    }
    Ok(())
}
