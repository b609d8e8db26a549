//! Signing in and out.

use std::time::Instant;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::cookie::{Cookie, CookieJar, PrivateCookieJar, SameSite};
use http::StatusCode;
use jiff::Timestamp;
use maud::html;
use serde::Deserialize;
use url::form_urlencoded;

use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::metrics::Outcome;
use crate::oidc::{CALLBACK, Flow, SignInError};
use crate::page;
use crate::signed_in::{Posted, cookie};
use crate::user::User;

/// Cookie of a sign-in that was begun, encrypted.
fn flow_cookie(role: Role) -> &'static str {
    match role {
        Role::Request => "__Host-sde-request-sign-in",
        Role::Decide => "__Host-sde-decide-sign-in",
    }
}

/// Seconds in which a sign-in must be finished.
const FLOW_SECONDS: i64 = 600;

/// Routes of both portals.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(begin))
        .route(CALLBACK, get(finish))
        .route("/sign-out", post(sign_out))
        .route("/signed-out", get(signed_out))
}

/// Where to sign in, to see `to` afterwards.
pub fn address(to: &str) -> String {
    let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    format!("/sign-in?to={to}")
}

/// A path of ours; anything else is the first page. Browsers take `//host` and `/\host` for another place.
fn ours(to: &str) -> String {
    let plain = to.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    if to.starts_with('/') && !to.starts_with("//") && plain && !to.starts_with("/sign-") {
        to.to_owned()
    } else {
        "/".to_owned()
    }
}

/// Only over TLS, for this host alone, out of reach of scripts; sent when the issuer sends the person back.
pub fn sealed(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    to: String,
}

async fn begin(
    State(app): State<App>,
    jar: PrivateCookieJar,
    Query(query): Query<Begin>,
) -> Response {
    let until = Timestamp::now().as_second() + FLOW_SECONDS;
    let begun = app.oidc.begin(ours(&query.to), until);
    match begun.and_then(|(url, flow)| {
        let text = serde_json::to_string(&flow);
        text.map(|text| (url, text))
            .map_err(|e| SignInError::BadToken(e.to_string()))
    }) {
        Ok((url, flow)) => (
            jar.add(sealed(flow_cookie(app.role), flow)),
            Redirect::to(url.as_str()),
        )
            .into_response(),
        Err(error) => refused(&app, &error),
    }
}

#[derive(Deserialize)]
struct Finish {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn finish(
    State(app): State<App>,
    jar: PrivateCookieJar,
    open: CookieJar,
    Query(query): Query<Finish>,
) -> Response {
    let flow = jar.get(flow_cookie(app.role));
    let flow = flow.and_then(|c| serde_json::from_str::<Flow>(c.value()).ok());
    // Once is all, however it ends.
    let jar = jar.remove(sealed(flow_cookie(app.role), String::new()));
    match signed_in(&app, flow, query).await {
        Ok((user, projects, to)) => {
            let cookie_name = cookie(app.role);
            // Whoever was signed in here before is not any more.
            if let Some(earlier) = open.get(cookie_name) {
                app.sessions.end(earlier.value());
            }
            app.metrics.signed_in(Outcome::Done);
            tracing::info!(%user, "signed in");
            let id = app.sessions.begin(user, projects, Instant::now());
            let open = open.add(sealed(cookie_name, id));
            (jar, open, Redirect::to(&to)).into_response()
        }
        Err(error) => (jar, refused(&app, &error)).into_response(),
    }
}

/// Who came back, and where they wanted to go.
async fn signed_in(
    app: &App,
    flow: Option<Flow>,
    query: Finish,
) -> Result<(User, Vec<String>, String), SignInError> {
    let flow = flow.filter(|f| f.until > Timestamp::now().as_second());
    let state = query.state.unwrap_or_default();
    let flow = flow
        .filter(|f| app.oidc.belongs(f, &state, query.iss.as_deref()))
        .ok_or(SignInError::NotBegun)?;
    if let Some(error) = query.error {
        // A code of RFC 6749, 4.1.2.1; anything longer is not one.
        let code = error.chars().filter(|c| c.is_ascii_graphic()).take(40);
        return Err(SignInError::Refused(code.collect()));
    }
    let code = query
        .code
        .ok_or_else(|| SignInError::Refused("no code".to_owned()))?;
    let to = flow.to.clone();
    let found = app.oidc.finish(flow, code).await?;
    let user = User::parse(&found.name).map_err(|_| SignInError::Name(found.name))?;
    Ok((user, found.projects, to))
}

fn refused(app: &App, error: &SignInError) -> Response {
    app.metrics.signed_in(Outcome::Refused);
    tracing::warn!(cause = error.cause(), "nobody signed in: {error}");
    let status = match error {
        SignInError::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        SignInError::NotBegun => StatusCode::BAD_REQUEST,
        SignInError::NoToken(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::FORBIDDEN,
    };
    page::error(
        status,
        "You are not signed in",
        html! {
            p { (page::sentence(&error.to_string())) }
            p { a href="/" { "Go to the first page" } }
        },
    )
}

async fn sign_out(
    State(app): State<App>,
    jar: CookieJar,
    posted: Posted,
) -> Result<Response, PageError> {
    app.sessions.end(&posted.who.id);
    tracing::info!(user = %posted.who.user, "signed out");
    let jar = jar.remove(sealed(cookie(app.role), String::new()));
    Ok((jar, Redirect::to("/signed-out")).into_response())
}

async fn signed_out(State(app): State<App>) -> Response {
    page::Shell::nobody(app.role)
        .page(
            "You are signed out",
            html! {
                p { "This portal no longer knows you. Your organisation's sign-in service may still do, and would sign you in again without asking: on a shared computer, close the browser too." }
                p { a class="button" href="/sign-in" { "Sign in again" } }
            },
        )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_to_afterwards() {
        for good in ["/", "/projects/prj-4f2c/requests/a?x=1"] {
            assert_eq!(ours(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nset-cookie: x",
            "/a b",
            "/sign-out",
        ] {
            assert_eq!(ours(bad), "/", "{bad:?}");
        }
    }
}
