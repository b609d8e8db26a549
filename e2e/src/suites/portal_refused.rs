//! What the portals refuse, and what the API server refuses through them, each beside what it takes.

use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use sde_crds::airlock_status::AirlockPhase;
use sde_crds::names::{
    PORTAL_DECIDE_SERVICE_ACCOUNT, PORTAL_REQUEST_SERVICE_ACCOUNT, project_namespace,
};
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, code, project, request, review};
use super::error::{Result, check, check_equal, refused};
use super::lab::Lab;
use super::life::{Life, RESEARCHER, person};
use super::portal_people::{Visitor, says, shows};
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
            let browser = format!("{} {name}", side.command());
            let page = front.sign_in(&browser, side, name).await?;
            check(
                page.status == Some(403) && page.text.contains("You are not signed in"),
                format_args!("{name} sees {}", page.text),
            )?;
            let cookies = front.browser.act(&browser, "cookies", json!({})).await?;
            let session = format!("__Host-sde-{}", side.command());
            check(
                !cookies.to_string().contains(&format!("\"{session}\"")),
                format_args!("{name} has a session: {cookies}"),
            )?;
            front.browser.act(&browser, "forget", json!({})).await?;
        }
        let browser = format!("{} control", side.command());
        let page = front.sign_in(&browser, side, RESEARCHER).await?;
        check(
            page.status == Some(200) && page.text.contains("Signed in as researcher"),
            format_args!("the control sees {}", page.text),
        )?;
        front.browser.act(&browser, "forget", json!({})).await?;
    }
    Ok(())
}

/// A form that no page of this session sent is not taken.
pub(super) async fn forged(lab: &Lab, front: &Front) -> Result<()> {
    let name = "portalforge";
    project(lab, name)?.open().await?;
    let forger = "forger";
    front.sign_in(forger, Side::Request, RESEARCHER).await?;
    let browser = &front.browser;
    let open = json!({"button": "Open", "without": "csrf", "fields": {"project": name}});
    let page = browser.page(forger, "forge", open).await?;
    check(
        page.status == Some(403) && page.text.contains("was not sent from here"),
        format_args!("a form without a token: {:?} {}", page.status, page.text),
    )?;
    let page = browser.visit(forger, &front.request.url("/")).await?;
    check(
        !page.text.contains(name),
        format_args!("the forged form was taken: {}", page.text),
    )?;
    let page = browser
        .submit(forger, "Open", json!({"project": name}))
        .await?;
    check(
        page.status == Some(200) && page.text.contains(name),
        format_args!("the control: {:?} {}", page.status, page.text),
    )?;
    browser.act(forger, "forget", json!({})).await?;
    Ok(())
}

/// A project in which a custodian works too, and may ask.
fn with_member<'a>(lab: &'a Lab, name: &str) -> Result<Life<'a>> {
    let people = json!([
        person(RESEARCHER, &["Lead", "Researcher", "Egress"], 300),
        person("custodian-b", &["Researcher", "Egress"], 300)
    ]);
    project(lab, name)?.changed("/people", people)
}

/// Who asked, whoever is of the project and whoever is nobody to decide is told so, and nothing that they send is a review.
pub(super) async fn conflicts(lab: &Lab, front: &Front) -> Result<()> {
    let name = "portalown";
    with_member(lab, name)?.open().await?;
    let asking = Visitor::at(front, Side::Request, "custodian-b").await?;
    asking.asks(name, "own", None).await?;
    let export = Export::ask(lab, name, "other").await?;
    export.confirmed().await?;
    let member = Visitor::at(front, Side::Decide, "custodian-b").await?;
    for (request, why) in [
        ("own", "nobody reviews their own"),
        ("other", "its people review nothing in it"),
    ] {
        let path = format!("/projects/{name}/requests/{request}");
        let page = member.visit(&path).await?;
        shows(&page, why)?;
        check(
            !says(&page, "Decide") && !says(&page, "Look at the files"),
            format_args!("{request}: it may be decided: {}", page.text),
        )?;
        let seen = Export::of(lab, name, request)
            .phase(AirlockPhase::InReview)
            .await?;
        let status = seen.status.unwrap_or_default();
        let sent = json!({
            "role": "Custodian", "decision": "Approve", "content": status.content.map(|c| c.digest),
            "findings": status.findings.map(|f| f.digest),
        });
        let to = json!({"button": "Sign out", "action": format!("{path}/review"), "add": sent});
        let page = member.page("forge", to).await?;
        check(
            page.status == Some(422),
            format_args!("{request}: {:?} {}", page.status, page.text),
        )?;
    }
    let reviews: Api<AirlockReview> = Api::namespaced(lab.plane.admin(), &project_namespace(name));
    let made = reviews.list(&ListParams::default()).await?.items.len();
    check_equal("reviews that were made", &made, &0)?;
    // The API server lets the portal act for nobody who decides nothing, and its words are on the page.
    let nobody = Visitor::at(front, Side::Decide, RESEARCHER).await?;
    let page = nobody
        .visit(&format!("/projects/{name}/requests/other"))
        .await?;
    shows(&page, ACT)?;
    check_equal("status", &page.status, &Some(403))?;
    // The control of all: the same form, filled by who may, is a review.
    let [checker, _] = CHECKERS;
    let may = Visitor::at(front, Side::Decide, checker).await?;
    may.visit(&format!("/projects/{name}/requests/other"))
        .await?;
    // Whoever has not opened every file is told so before anything is made.
    let page = may.submit("Decide", json!({"decision": "Approve"})).await?;
    shows(&page, "it needs your viewing code")?;
    let seen = Export::of(lab, name, "other")
        .phase(AirlockPhase::InReview)
        .await?;
    let seen = code(lab, checker, &seen).await?;
    let decision = json!({"decision": "Approve", "seen": seen});
    let page = may.submit("Decide", decision).await?;
    shows(&page, "Your decision is made")?;
    let made = reviews.list(&ListParams::default()).await?.items.len();
    check_equal("reviews that were made", &made, &1)
}

/// Who steals one portal's token has half of what it takes: asking or deciding, never both.
pub(super) async fn tokens(lab: &Lab) -> Result<()> {
    let project_name = "portaltokens";
    with_member(lab, project_name)?.open().await?;
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
    let (mine, judged) = (
        request("stolen")?,
        review(lab, checker, &seen, json!({})).await?,
    );

    requests(lab.plane.acting(&asks, RESEARCHER)?)
        .create(&dry, &mine)
        .await?;
    reviews(lab.plane.acting(&decides, checker)?)
        .create(&dry, &judged)
        .await?;
    // Nor does anybody decide on their own, nor in their own project, whatever a portal would let them send.
    let of_member = reviews(lab.plane.acting(&decides, "custodian-b")?);
    let custodian = json!({"role": "Custodian"});
    let member = review(lab, "custodian-b", &seen, custodian).await?;
    refused(
        of_member.create(&dry, &member).await,
        "People of a project review nothing in it",
    )?;
    let own = json!({"role": "Custodian", "requester": "custodian-b"});
    let own = review(lab, "custodian-b", &seen, own).await?;
    refused(
        of_member.create(&dry, &own).await,
        "Nobody reviews their own",
    )?;
    for user in [checker, RESEARCHER] {
        let of_asks = reviews(lab.plane.acting(&asks, user)?);
        refused(of_asks.create(&dry, &judged).await, ACT)?;
        let of_decides = requests(lab.plane.acting(&decides, user)?);
        refused(of_decides.create(&dry, &mine).await, ACT)?;
    }
    Ok(())
}
