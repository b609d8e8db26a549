//! Who comes in, and who does not.

use http::StatusCode;
use serde_json::json;

use super::browser::{Browser, portal};
use crate::args::Role;

fn session(browser: &Browser<'_>) -> bool {
    browser.cookies.contains_key("__Host-sde-request")
}

#[tokio::test]
async fn who_the_issuer_names_is_signed_in_and_goes_where_they_wanted() {
    let portal = portal(Role::Request, [].into()).await;
    let mut browser = Browser::new(&portal);
    let away = browser.get("/projects/prj-4f2c/new").await;
    assert_eq!(away.location(), "/sign-in?to=%2Fprojects%2Fprj-4f2c%2Fnew");
    let callback = browser.begin("/projects/prj-4f2c/new").await;
    let back = browser.get(&callback).await;
    assert_eq!(
        (back.status, back.location()),
        (StatusCode::SEE_OTHER, "/projects/prj-4f2c/new")
    );
    let page = browser.get("/projects/prj-4f2c/new").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("<strong>u-7c1e</strong>"),
        "{}",
        page.body
    );
    // A sign-in is used once.
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_sign_in_of_another_browser_or_state_asks_the_issuer_for_nothing() {
    let portal = portal(Role::Request, [].into()).await;
    let mut victim = Browser::new(&portal);
    let callback = victim.begin("/").await;
    let mut other = Browser::new(&portal);
    assert_eq!(other.get(&callback).await.status, StatusCode::BAD_REQUEST);
    let forged = victim
        .get("/sign-in/callback?code=a-code&state=forged")
        .await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert!(!session(&victim) && !session(&other));
    assert_eq!(*portal.issuer.says.asked.lock().expect("lock"), 0);
}

#[tokio::test]
async fn an_issuer_that_names_itself_must_be_ours() {
    let portal = portal(Role::Request, [].into()).await;
    let mut browser = Browser::new(&portal);
    let callback = browser.begin("/").await;
    let mixed = browser
        .get(&format!("{callback}&iss=https://evil.example"))
        .await;
    assert_eq!(mixed.status, StatusCode::BAD_REQUEST);
    let callback = browser.begin("/").await;
    portal.issuer.says.claims.lock().expect("lock")["nonce"] = json!(null);
    let callback = format!("{callback}&iss={}", portal.issuer.url);
    assert_eq!(browser.get(&callback).await.status, StatusCode::FORBIDDEN);
    assert!(!session(&browser));
}

async fn refused(claims: serde_json::Value, other_key: bool) -> String {
    let portal = portal(Role::Request, [].into()).await;
    *portal.issuer.says.claims.lock().expect("lock") = claims;
    *portal.issuer.says.other_key.lock().expect("lock") = other_key;
    let mut browser = Browser::new(&portal);
    let callback = browser.begin("/").await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    assert!(!session(&browser));
    assert_eq!(*portal.issuer.says.asked.lock().expect("lock"), 1);
    answer.body
}

#[tokio::test]
async fn a_token_of_another_sign_in_client_issuer_time_or_key_is_not_believed() {
    for (claims, other_key) in [
        (json!({"nonce": "another"}), false),
        (json!({"aud": "another"}), false),
        (json!({"iss": "https://evil.example"}), false),
        (json!({"exp": 1_000_000_000}), false),
        (json!({}), true),
    ] {
        let page = refused(claims.clone(), other_key).await;
        assert!(page.contains("cannot be believed"), "{claims} {page}");
    }
}

#[tokio::test]
async fn names_that_no_project_can_say_are_refused_with_the_rule() {
    for name in ["Alice", "system:admin", "a b", ""] {
        let page = refused(json!({"preferred_username": name}), false).await;
        assert!(page.contains("63 lower-case letters"), "{page}");
    }
    let page = refused(json!({"preferred_username": "<script>x"}), false).await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    assert!(
        refused(json!({"preferred_username": null}), false)
            .await
            .contains("claim preferred_username")
    );
}

#[tokio::test]
async fn who_signs_out_is_out_wherever_the_cookie_went() {
    let portal = portal(Role::Request, [].into()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let mut thief = Browser::new(&portal);
    thief.cookies = browser.cookies.clone();
    assert_eq!(thief.get("/").await.status, StatusCode::OK);
    let out = browser.post("/sign-out", &[]).await;
    assert_eq!(out.location(), "/signed-out");
    assert!(!session(&browser));
    assert_eq!(thief.get("/").await.location(), "/sign-in?to=%2F");
    assert_eq!(browser.get("/signed-out").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_of_one_portal_is_none_of_the_other() {
    let asks = portal(Role::Request, [].into()).await;
    let decides = portal(Role::Decide, [].into()).await;
    let researcher = Browser::signed_in(&asks).await;
    let mut browser = Browser::new(&decides);
    browser.cookies = researcher.cookies.clone();
    let value = researcher.cookies["__Host-sde-request"].clone();
    browser
        .cookies
        .insert("__Host-sde-decide".to_owned(), value);
    assert_eq!(browser.get("/").await.location(), "/sign-in?to=%2F");
}
