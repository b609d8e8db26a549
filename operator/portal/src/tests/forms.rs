//! Forms from elsewhere do nothing, and every answer says what the browser must not do.

use http::StatusCode;

use super::browser::{Browser, ORIGIN_OF_PORTAL, portal};
use super::fixtures;
use crate::args::Role;

#[tokio::test]
async fn a_form_without_this_session_s_secret_or_from_elsewhere_does_nothing() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let mut other = Browser::signed_in(&portal).await;
    let (csrf, others) = (browser.csrf(), other.csrf());
    let path = "/projects/prj-4f2c/requests/held/withdraw";
    let home = Some(ORIGIN_OF_PORTAL);
    portal.api.asked.lock().expect("lock").clear();
    for (fields, origin) in [
        (vec![], home),
        (vec![("csrf", "")], home),
        (vec![("csrf", others.as_str())], home),
        (vec![("csrf", csrf.as_str())], Some("https://evil.example")),
        (vec![("csrf", csrf.as_str())], Some("null")),
        (
            vec![("csrf", csrf.as_str())],
            Some("https://door.example.org"),
        ),
    ] {
        let answer = browser.raw(path, &fields, origin).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{fields:?} {origin:?}"
        );
    }
    assert!(portal.api.asked.lock().expect("lock").is_empty());
    assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND);
    // The control: the same form from here is taken.
    let taken = browser.raw(path, &[("csrf", &csrf)], home).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.body);
    assert_eq!(
        other.post("/sign-out", &[]).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_form_after_the_session_ended_does_nothing() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let csrf = browser.csrf();
    let name = "__Host-sde-request";
    portal.app.sessions.end(&browser.cookies[name]);
    let path = "/projects/prj-4f2c/requests/held/withdraw";
    let answer = browser
        .raw(path, &[("csrf", &csrf)], Some(ORIGIN_OF_PORTAL))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(portal.api.asked.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_form_larger_than_any_of_ours_is_not_read() {
    let portal = portal(Role::Request, fixtures::known()).await;
    let mut browser = Browser::signed_in(&portal).await;
    let large = "x".repeat(300 * 1024);
    let answer = browser.post("/projects", &[("project", &large)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_answer_has_the_headers_whatever_it_is() {
    let portal = portal(Role::Decide, fixtures::known()).await;
    let mut browser = Browser::new(&portal);
    let mut answers = Vec::new();
    for path in [
        "/",
        "/nothing",
        "/sign-in",
        "/sign-in/callback",
        "/signed-out",
        "/style.css",
        "/icon.svg",
    ] {
        answers.push((path, browser.get(path).await));
    }
    let mut browser = Browser::signed_in(&portal).await;
    for path in [
        "/",
        "/projects",
        "/attestations",
        "/projects/UPPER",
        "/projects/prj-none",
    ] {
        answers.push((path, browser.get(path).await));
    }
    answers.push(("forged", browser.raw("/sign-out", &[], None).await));
    for (path, answer) in &answers {
        let get = |name: &str| {
            answer
                .headers
                .get(name)
                .map_or("", |v| v.to_str().expect("text"))
        };
        assert_eq!(
            get("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://door.example.org; frame-ancestors 'none'; base-uri 'none'",
            "{path}"
        );
        assert_eq!(get("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(get("x-frame-options"), "DENY", "{path}");
        assert_eq!(
            get("strict-transport-security"),
            "max-age=31536000",
            "{path}"
        );
        assert_eq!(get("referrer-policy"), "same-origin", "{path}");
        let kept = matches!(*path, "/style.css" | "/icon.svg");
        assert_eq!(get("cache-control") == "no-store", !kept, "{path}");
        assert!(!answer.body.contains("<script"), "{path}");
        assert!(!answer.body.contains("style="), "{path}");
    }
}
