//! Who sends a request: a page is for whoever is signed in, and a form is taken only from a page of this portal in that very session.
//!
//! `Posted` is the only way to a form's fields, and `SignedIn` refuses whatever is no mere look, so no handler can forget the check.

use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum_extra::extract::cookie::CookieJar;
use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::fields::Fields;
use crate::session::Session;
use crate::user::User;

/// Largest form: fifty files, each with its declaration.
const LARGEST: usize = 256 * 1024;
/// Longest a form may take to arrive.
const LONGEST: Duration = Duration::from_secs(20);
/// The field that says which session a form is of.
pub const CSRF: &str = "csrf";

/// Name of the session's cookie. Two portals on one host must not overwrite each other's.
pub fn cookie(role: Role) -> &'static str {
    match role {
        Role::Request => "__Host-sde-request",
        Role::Decide => "__Host-sde-decide",
    }
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// What this session's forms carry.
    pub csrf: String,
    /// Projects that the sign-in service named.
    pub projects: Vec<String>,
    /// Value of the session's cookie.
    pub id: String,
}

impl SignedIn {
    fn of(app: &App, headers: &HeaderMap) -> Option<Self> {
        let jar = CookieJar::from_headers(headers);
        let id = jar.get(cookie(app.role))?.value().to_owned();
        let session: Session = app.sessions.get(&id, Instant::now())?;
        Some(Self {
            user: session.user,
            csrf: session.csrf,
            projects: session.projects,
            id,
        })
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(PageError::Forged);
        }
        let to = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        Self::of(app, &parts.headers).ok_or_else(|| PageError::SignIn(to.to_owned()))
    }
}

/// A form of somebody who is signed in, sent from one of our pages.
#[derive(Debug)]
pub struct Posted {
    /// Who.
    pub who: SignedIn,
    /// What they filled in.
    pub fields: Fields,
}

impl FromRequest<App> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        if !from_here(app, &parts.headers) {
            return Err(PageError::Forged);
        }
        let who = SignedIn::of(app, &parts.headers).ok_or(PageError::SignedOut)?;
        let body = tokio::time::timeout(LONGEST, to_bytes(body, LARGEST))
            .await
            .map_err(|_| PageError::BadForm)?
            .map_err(|_| PageError::BadForm)?;
        let fields = Fields::parse(&body);
        if !same(fields.get(CSRF), &who.csrf) {
            return Err(PageError::Forged);
        }
        Ok(Self { who, fields })
    }
}

/// Whether the browser, where it says from where a form comes, says from us.
fn from_here(app: &App, headers: &HeaderMap) -> bool {
    let ours = app.public_url.origin().ascii_serialization();
    let origin = headers.get(ORIGIN);
    let site = headers.get("sec-fetch-site");
    origin.is_none_or(|o| o.as_bytes() == ours.as_bytes())
        && site.is_none_or(|s| s.as_bytes() == b"same-origin")
}

/// Whether two texts are the same, in a time that does not say where they differ.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}
