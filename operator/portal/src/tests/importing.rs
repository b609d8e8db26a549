//! An Import from draft to submission, as its requester has it written.

use http::StatusCode;
use serde_json::{Value, json};

use super::acting::{taken, written};
use super::browser::{Browser, portal};
use super::fixtures::{self, REQUESTS};
use crate::args::Role;

#[tokio::test]
async fn an_import_is_a_draft_uploaded_and_sealed_when_its_requester_says_so() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let form = [
        ("name", "reference"),
        ("justification", "A panel to impute with"),
        ("supersedes", ""),
    ];
    let made = browser.post("/projects/prj-4f2c/imports", &form).await;
    assert_eq!(
        made.location(),
        "/projects/prj-4f2c/requests/reference?done=import",
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
        json!({"requester": "u-7c1e", "direction": "Import", "justification": "A panel to impute with",
            "seal": false, "withdrawn": false})
    );
    let nameless = browser
        .post(
            "/projects/prj-4f2c/imports",
            &[("justification", "A panel")],
        )
        .await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nameless.body.contains("href=\"#name\""));
    assert!(taken(&portal).is_empty());

    let over = json!([{"type": "Ready", "status": "False", "reason": "UploadOver", "message": "Kept.",
        "lastTransitionTime": "2026-11-21T21:00:00Z"}]);
    let path = format!("{REQUESTS}/panel");
    for (act, written_is) in [
        ("upload", json!({"upload": 2})),
        ("seal", json!({"seal": true})),
    ] {
        {
            let mut knows = portal.api.knows.lock().expect("lock");
            let status = &mut knows.get_mut(&path).expect("panel")["status"];
            status["serving"] = Value::Null;
            status["conditions"] = over.clone();
        }
        let to = format!("/projects/prj-4f2c/requests/panel/{act}");
        let done = browser.post(&to, &[]).await;
        let expected = format!("/projects/prj-4f2c/requests/panel?done={act}");
        assert_eq!(done.location(), expected, "{}", done.body);
        let all = written(&portal, "u-7c1e");
        let [(what, body)] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(what, &format!("PATCH {path}"));
        assert_eq!(body["metadata"], json!({"resourceVersion": "41"}));
        assert_eq!(body["spec"], written_is);
    }
    // What is no draft of an Import is neither.
    for act in ["upload", "seal"] {
        let to = format!("/projects/prj-4f2c/requests/held/{act}");
        let answer = browser.post(&to, &[]).await;
        let nothing = written(&portal, "u-7c1e");
        assert!(nothing.is_empty(), "{act}: {nothing:?} {}", answer.body);
    }
}

#[tokio::test]
async fn an_import_is_declared_and_submitted_as_it_was_on_the_page() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let path = "/projects/prj-4f2c/requests/brought/declare";
    let page = browser.get(path).await.body;
    assert!(
        page.contains("name=\"import-0-files\" value=\"0-3\""),
        "{page}"
    );
    assert!(!page.contains("output-0-files"));
    taken(&portal);
    let digest = format!("v1:sha256:{}", "1".repeat(64));
    let mut form = vec![
        ("digest", digest.as_str()),
        ("import-0-files", "0-2"),
        ("import-0-name", "panel"),
        ("import-0-kind", "Data"),
        ("import-0-origin", "The registry"),
        ("import-0-licence", "CC-BY-4.0"),
        ("sure", "yes"),
    ];
    let short = browser.post(path, &form).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        short.body.contains("file 3 is declared by nothing"),
        "{}",
        short.body
    );
    assert!(written(&portal, "u-7c1e").is_empty());
    form[1].1 = "0-3";
    let done = browser.post(path, &form).await;
    assert_eq!(
        done.location(),
        "/projects/prj-4f2c/requests/brought?done=submit",
        "{}",
        done.body
    );
    let all = written(&portal, "u-7c1e");
    let [(_, body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        body["spec"],
        json!({"confirmedDigest": digest, "imports": [{"name": "panel", "files": [0, 1, 2, 3], "kind": "Data",
            "origin": "The registry", "licence": "CC-BY-4.0"}]})
    );
}

#[tokio::test]
async fn a_ticket_to_upload_is_the_requester_s_and_names_no_content() {
    use sde_ticket::{Act, Issuer, Verifier};
    let portal = portal(Role::Request, fixtures::known()).await;
    let token = |page: &str| {
        let rest = page.split("name=\"ticket\" value=\"").nth(1);
        rest.and_then(|t| t.split('"').next()).map(str::to_owned)
    };
    let mut browser = Browser::signed_in(&portal).await;
    let path = "/projects/prj-4f2c/requests/panel";
    let page = browser.get(path).await.body;
    assert!(page.contains("action=\"https://door.example.org/upload\""));
    let verifier = Verifier::new([(Issuer::PortalRequest, portal.ticket_public.clone())].into());
    let now = u64::try_from(jiff::Timestamp::now().as_second()).expect("now");
    let ticket = verifier
        .expect("key")
        .verify(&token(&page).expect("ticket"), now)
        .expect("good");
    assert_eq!((ticket.act, ticket.sub.as_str()), (Act::Upload, "u-7c1e"));
    assert_eq!(ticket.content, "");
    assert_eq!(ticket.pod, fixtures::UID);
    // Another of the project sees where it is, and is led nowhere.
    portal.issuer.says.claims.lock().expect("lock")["preferred_username"] = json!("u-19ab");
    let page = Browser::signed_in(&portal).await.get(path).await.body;
    assert!(page.contains("Request panel") && token(&page).is_none());
}
