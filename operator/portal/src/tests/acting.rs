//! Whatever is asked of the API server is asked as the person, and is what they said.

use http::StatusCode;
use serde_json::{Value, json};

use super::api::Asked;
use super::browser::{Browser, Portal, portal};
use super::fixtures::{self, GROUP, REQUESTS};
use crate::args::Role;

const HELD: &str = "/projects/prj-4f2c/requests/held";

/// What was asked since the last time.
pub fn taken(portal: &Portal) -> Vec<Asked> {
    std::mem::take(&mut portal.api.asked.lock().expect("lock"))
}

/// Every request was this person's and nobody else's.
fn all_as(asked: &[Asked], person: &str) {
    assert!(!asked.is_empty());
    for of in asked {
        let whom = vec![("impersonate-user".to_owned(), person.to_owned())];
        assert_eq!(of.as_whom, whom, "{of:?}");
    }
}

async fn decider<'a>(portal: &'a Portal, name: &str) -> Browser<'a> {
    portal.issuer.says.claims.lock().expect("lock")["preferred_username"] = json!(name);
    Browser::signed_in(portal).await
}

#[tokio::test]
async fn every_page_of_researchers_is_read_as_the_researcher() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let opened = browser.post("/projects", &[("project", "prj-4f2c")]).await;
    assert_eq!(opened.location(), "/?said=opened");
    for path in [
        "/",
        HELD,
        "/projects/prj-4f2c/requests/sealed/declare",
        "/projects/prj-4f2c/requests/released",
        "/projects/prj-4f2c/requests/panel",
        "/projects/prj-4f2c/requests/brought/declare",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.body);
        all_as(&taken(&portal), "u-7c1e");
    }
    // A project that they may not see is said so, and not remembered.
    let hidden = browser.post("/projects", &[("project", "prj-other")]).await;
    assert_eq!(hidden.location(), "/?said=no-project#project");
    assert!(!browser.get("/").await.body.contains("prj-other"));
}

#[tokio::test]
async fn every_page_of_deciders_is_read_as_the_decider() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut browser = decider(&portal, "checker-a").await;
    for path in [
        "/",
        HELD,
        "/projects",
        "/projects/prj-4f2c",
        "/closures",
        "/closures/prj-4f2c",
        "/attestations",
        "/receipts",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.body);
        all_as(&taken(&portal), "checker-a");
    }
}

#[tokio::test]
async fn what_was_signed_is_handed_out_byte_for_byte_and_other_names_are_asked_of_nobody() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut browser = decider(&portal, "custodian-a").await;
    let list = browser.get("/receipts").await.body;
    let path = "/receipts/prj-4f2c-0b9d4f6e-collected-1/bundle.sigstore.json";
    assert!(list.contains(path), "{list}");
    taken(&portal);
    let file = browser.get(path).await;
    assert_eq!(file.body, fixtures::BUNDLE);
    let name = file.headers.get("content-disposition").expect("header");
    assert!(
        name.to_str()
            .expect("text")
            .starts_with("attachment; filename=\"prj-4f2c-")
    );
    all_as(&taken(&portal), "custodian-a");
    for bad in [
        "/receipts/A/bundle.sigstore.json",
        "/receipts/%2e%2e/bundle.sigstore.json",
        "/attestations/a%22b",
    ] {
        assert_eq!(
            browser.get(bad).await.status,
            StatusCode::NOT_FOUND,
            "{bad}"
        );
    }
    assert!(taken(&portal).is_empty());
}

#[tokio::test]
async fn two_people_at_once_are_each_themselves() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut one = decider(&portal, "checker-a").await;
    let mut other = decider(&portal, "checker-b").await;
    let (a, b) = tokio::join!(one.get("/projects"), other.get("/attestations"));
    assert!(a.status.is_success() && b.status.is_success());
    for of in taken(&portal) {
        let expected = if of.what.contains("destructionrecords") {
            "checker-b"
        } else {
            "checker-a"
        };
        all_as(&[of], expected);
    }
}

/// What was written, after checking as whom.
pub fn written(portal: &Portal, person: &str) -> Vec<(String, Value)> {
    let asked = taken(portal);
    all_as(&asked, person);
    let writes = asked.into_iter().filter(|a| !a.what.starts_with("GET"));
    writes.map(|a| (a.what, a.body)).collect()
}

#[tokio::test]
async fn a_new_request_is_the_person_s_and_sealed_at_once() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let path = "/projects/prj-4f2c/requests";
    let form = [
        ("folder", "tables"),
        ("name", ""),
        ("justification", "Tables for the article"),
        ("supersedes", ""),
    ];
    let made = browser.post(path, &form).await;
    assert_eq!(
        made.location(),
        "/projects/prj-4f2c/requests/tables?done=make",
        "{}",
        made.body
    );
    let all = written(&portal, "u-7c1e");
    let [(what, body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(what, &format!("POST {REQUESTS}"));
    assert_eq!(
        body["spec"],
        json!({"requester": "u-7c1e", "direction": "Export", "folder": "tables",
            "justification": "Tables for the article", "seal": true, "withdrawn": false})
    );
    let long = "x".repeat(33);
    let refused = browser
        .post(path, &[("folder", "Ta bles"), ("justification", &long)])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("href=\"#folder\"")
            && refused.body.contains("href=\"#justification\"")
    );
    assert!(taken(&portal).is_empty());
}

#[tokio::test]
async fn what_is_submitted_is_the_digest_that_was_on_the_page() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let path = "/projects/prj-4f2c/requests/sealed/declare";
    let digest = format!("v1:sha256:{}", "1".repeat(64));
    let mut form = vec![
        ("digest", digest.as_str()),
        ("output-0-files", "0-3"),
        ("output-0-name", "code"),
        ("output-0-statistic", "Code"),
        ("output-0-suppression", "NotApplicable"),
        ("output-0-use", "Software"),
    ];
    let unsure = browser.post(path, &form).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsure.body.contains("href=\"#sure\""));
    assert!(written(&portal, "u-7c1e").is_empty());
    form.push(("sure", "yes"));
    let done = browser.post(path, &form).await;
    assert_eq!(
        done.location(),
        "/projects/prj-4f2c/requests/sealed?done=submit",
        "{}",
        done.body
    );
    let all = written(&portal, "u-7c1e");
    let [(what, body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(what, &format!("PATCH {REQUESTS}/sealed"));
    assert_eq!(body["metadata"], json!({"resourceVersion": "41"}));
    assert_eq!(body["spec"]["confirmedDigest"], digest);
    assert_eq!(body["spec"]["outputs"][0]["files"], json!([0, 1, 2, 3]));
    form[0].1 = "v1:sha256:another";
    let other = browser.post(path, &form).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(written(&portal, "u-7c1e").is_empty());
}

#[tokio::test]
async fn refusals_of_the_api_server_are_shown_in_its_own_words() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let words = "Only its requester changes a request: <b>to stop one</b>, review it.";
    *portal.api.refuses.lock().expect("lock") = Some((403, words.to_owned()));
    let shown = "to stop one&lt;/b&gt;, review it.";
    let withdrawn = browser.post(&format!("{HELD}/withdraw"), &[]).await;
    assert_eq!(withdrawn.status, StatusCode::FORBIDDEN);
    assert!(withdrawn.body.contains(shown), "{}", withdrawn.body);
    let form = [("folder", "tables"), ("justification", "Tables")];
    let made = browser.post("/projects/prj-4f2c/requests", &form).await;
    assert!(made.body.contains(shown) && made.body.contains("value=\"tables\""));
}

#[tokio::test]
async fn a_review_is_the_reviewer_s_bound_to_what_was_on_the_page() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut browser = decider(&portal, "checker-a").await;
    let path = format!("{HELD}/review");
    let digest = |of: &str| format!("v1:sha256:{}", of.repeat(64));
    let (content, findings, stale) = (digest("1"), digest("2"), digest("3"));
    let mut form = vec![
        ("content", content.as_str()),
        ("findings", findings.as_str()),
        ("role", "OutputChecker"),
        ("decision", "Approve"),
        ("refuse-1", "yes"),
    ];
    for code in [None, Some("ABCDEFGH234567A1")] {
        let mut unseen = form.clone();
        unseen.extend(code.map(|code| ("seen", code)));
        let unseen = browser.post(&path, &unseen).await;
        assert_eq!(unseen.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unseen.body.contains("href=\"#seen\""), "{}", unseen.body);
    }
    form.push(("seen", " abcd-efgh 2345 67ab"));
    let silent = browser.post(&path, &form).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        silent.body.contains("AL-S001 does not stand in the way"),
        "{}",
        silent.body
    );
    form.push(("answer-AL-S001", "CountsSeen"));
    let done = browser.post(&path, &form).await;
    assert_eq!(
        done.location(),
        format!("{HELD}?done=review"),
        "{}",
        done.body
    );
    let all = written(&portal, "checker-a");
    let [(what, body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert!(what.ends_with("/sde-project-prj-4f2c/airlockreviews"));
    assert_eq!(body["spec"]["reviewer"], "checker-a");
    assert_eq!(body["spec"]["seen"], "ABCDEFGH234567AB");
    assert_eq!(
        body["spec"]["answers"],
        json!([{"rule": "AL-S001", "because": "CountsSeen"}])
    );
    assert_eq!(body["spec"].get("refusedFiles"), None);
    form[1].1 = &stale;
    let changed = browser.post(&path, &form).await;
    assert!(
        changed
            .body
            .contains("has changed since you opened the page")
    );
    assert!(written(&portal, "checker-a").is_empty());
}

#[tokio::test]
async fn who_asked_or_is_of_the_project_gets_neither_form_nor_ticket() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    for name in ["u-7c1e", "u-19ab"] {
        let page = decider(&portal, name).await.get(HELD).await.body;
        assert!(page.contains("You do not decide here"), "{page}");
        assert!(!page.contains("name=\"ticket\"") && !page.contains("/review\""));
    }
    let page = decider(&portal, "checker-a").await.get(HELD).await.body;
    assert!(page.contains("action=\"https://door.example.org/view\""));
    assert!(page.contains("name=\"ticket\"") && page.contains("/review\""));
}

#[tokio::test]
async fn an_approval_is_the_approver_s_of_the_digest_on_the_page() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut browser = decider(&portal, "approver-a").await;
    let digest = fixtures::project()
        .status
        .and_then(|s| s.spec_digest)
        .expect("digest");
    let path = "/projects/prj-4f2c/approve";
    let mut form = vec![
        ("digest", digest.as_str()),
        ("role", "DataAccess"),
        ("decision", "Approved"),
        ("expires", "2099-01-31"),
        ("reference", "DAC-7"),
    ];
    let done = browser.post(path, &form).await;
    assert_eq!(
        done.location(),
        "/projects/prj-4f2c?done=approve",
        "{}",
        done.body
    );
    let all = written(&portal, "approver-a");
    let [(what, body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(what, &format!("POST {GROUP}/projectapprovals"));
    let spec = &body["spec"];
    assert_eq!(
        (&spec["approver"], &spec["digest"]),
        (&json!("approver-a"), &json!(digest))
    );
    assert_eq!(
        (&spec["decision"], &spec["expires"]),
        (&json!("Approved"), &json!("2099-01-31"))
    );
    form[0].1 = "v1:sha256:another";
    let changed = browser.post(path, &form).await;
    assert!(
        changed
            .body
            .contains("has changed since you opened the page")
    );
    assert!(written(&portal, "approver-a").is_empty());
}

#[tokio::test]
async fn a_ticket_is_for_this_person_and_these_bytes_and_opens_the_door() {
    use sde_ticket::{Act, Issuer, Verifier};
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let page = browser
        .get("/projects/prj-4f2c/requests/released")
        .await
        .body;
    let token = page
        .split("name=\"ticket\" value=\"")
        .nth(1)
        .and_then(|t| t.split('"').next());
    let token = token.expect("ticket");
    let verifier = Verifier::new([(Issuer::PortalRequest, portal.ticket_public.clone())].into());
    let now = u64::try_from(jiff::Timestamp::now().as_second()).expect("now");
    let ticket = verifier.expect("key").verify(token, now).expect("good");
    assert_eq!((ticket.act, ticket.sub.as_str()), (Act::Collect, "u-7c1e"));
    assert_eq!(ticket.content, format!("v1:sha256:{}", "1".repeat(64)));
    assert!(page.contains("action=\"https://door.example.org/collect\""));
    // The same one for a terminal, with what to type there.
    let command = "kubectl sde airlock download prj-4f2c released --door https://door.example.org<";
    assert!(page.contains(command), "{page}");
    let shown = page.split("<textarea id=\"ticket\"").nth(1);
    let shown = shown.and_then(|rest| rest.split(['>', '<']).nth(1));
    assert_eq!(shown, Some(token));
}
