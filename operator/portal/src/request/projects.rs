//! Which projects' requests are shown. Researchers may not list projects, so these are the ones that the sign-in service names and
//! those that the person has opened here, which their browser remembers. Whether they may see one is up to the API server each time.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use time::Duration;

use crate::app::App;
use crate::error::PageError;
use crate::names;
use crate::sign_in::sealed;
use crate::signed_in::{Posted, SignedIn};
use crate::user::User;

/// Remembers them: the person, then each project, with colons between, which no name holds.
const COOKIE: &str = "__Host-sde-projects";
/// Projects of one person.
const MOST: usize = 20;
/// Days for which a browser remembers them.
const DAYS: i64 = 180;

/// Whose requests are to be shown, by project.
pub fn of(who: &SignedIn, jar: &CookieJar) -> BTreeSet<String> {
    let named = who.projects.iter().filter(|p| names::is_name(p)).cloned();
    remembered(&who.user, jar)
        .into_iter()
        .chain(named)
        .take(MOST)
        .collect()
}

/// Those that the browser remembers for this person.
pub fn remembered(user: &User, jar: &CookieJar) -> BTreeSet<String> {
    let Some(cookie) = jar.get(COOKIE) else {
        return BTreeSet::new();
    };
    let mut parts = cookie.value().split(':');
    if parts.next() != Some(user.as_str()) {
        return BTreeSet::new();
    }
    parts
        .filter(|p| names::is_name(p))
        .map(str::to_owned)
        .collect()
}

fn remember(user: &User, projects: &BTreeSet<String>) -> Cookie<'static> {
    let mut value = user.to_string();
    for project in projects.iter().take(MOST) {
        value.push(':');
        value.push_str(project);
    }
    let mut cookie = sealed(COOKIE, value);
    cookie.set_max_age(Duration::days(DAYS));
    cookie
}

/// Opens a project.
pub async fn add(
    State(app): State<App>,
    jar: CookieJar,
    posted: Posted,
) -> Result<Response, PageError> {
    let project = posted.fields.get("project").to_owned();
    if !names::is_name(&project) {
        return Ok(Redirect::to("/?said=no-name#project").into_response());
    }
    let client = app.api.of(&posted.who.user);
    let one = kube::api::ListParams::default().limit(1);
    if let Err(error) = super::requests(&client, &project).list(&one).await {
        return if crate::error::is_code(&error, 403) {
            Ok(Redirect::to("/?said=no-project#project").into_response())
        } else {
            Err(PageError::api(format!("opening project {project}"))(error))
        };
    }
    let mut all = remembered(&posted.who.user, &jar);
    all.insert(project);
    let jar = jar.add(remember(&posted.who.user, &all));
    Ok((jar, Redirect::to("/?said=opened")).into_response())
}

/// Shows a project no more.
pub async fn forget(
    jar: CookieJar,
    Path(project): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let mut all = remembered(&posted.who.user, &jar);
    all.remove(&project);
    let jar = jar.add(remember(&posted.who.user, &all));
    Ok((jar, Redirect::to("/")).into_response())
}
