//! One project, and the decision on its exact spec.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::join;
use http::StatusCode;
use jiff::Timestamp;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use maud::{Markup, html};
use sde_core::approving::{Request, plan};
use sde_crds::project::Lifecycle;
use sde_crds::project_approval::ApprovalRole;
use sde_crds::{Project, ProjectApproval};

use super::projects::{phase, waits};
use super::{Done, changed, seen, spec};
use crate::app::App;
use crate::args::Role;
use crate::choices::{APPROVAL_ROLES, APPROVALS};
use crate::error::{self, PageError, is_code};
use crate::fields::{Fields, Problem};
use crate::inputs::{Choice, Filled, Kind, value};
use crate::metrics::Outcome;
use crate::names;
use crate::page::{self, Shell, csrf};
use crate::signed_in::{Posted, SignedIn};

/// A project and what was decided on it.
pub struct Found {
    /// The project.
    pub project: Project,
    /// Decisions of all people, as far as they may be seen.
    pub approvals: Vec<ProjectApproval>,
}

/// Reads both as the person.
pub async fn find(client: &Client, name: &str) -> Result<Found, PageError> {
    let projects: Api<Project> = Api::all(client.clone());
    let approvals: Api<ProjectApproval> = Api::all(client.clone());
    let every = ListParams::default();
    let (project, all) = join(projects.get(name), approvals.list(&every)).await;
    let project = project.map_err(PageError::api(format!("reading project {name}")))?;
    let all = seen(all, "reading the approvals")?.map(|list| list.items);
    let mut approvals = all.unwrap_or_default();
    approvals.retain(|a| Some(&a.spec.project_uid) == project.metadata.uid.as_ref());
    Ok(Found { project, approvals })
}

/// `GET /projects/{project}`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Query(query): Query<Done>,
) -> Result<Markup, PageError> {
    names::checked(&[&name])?;
    let found = find(&app.api.of(&who.user), &name).await?;
    let filled = Filled {
        fields: &Fields::default(),
        problems: &[],
    };
    Ok(render(&who, &found, &query.done, filled))
}

/// The page.
pub fn render(who: &SignedIn, found: &Found, done: &str, filled: Filled<'_>) -> Markup {
    let project = &found.project;
    let name = project.metadata.name.as_deref().unwrap_or_default();
    let status = project.status.clone().unwrap_or_default();
    let present = serde_json::to_value(&project.spec).unwrap_or_default();
    let conditions = status.conditions.clone().unwrap_or_default();
    let ready = sde_core::conditions::find(&conditions, sde_core::conditions::types::READY);
    let open = project.spec.lifecycle != Lifecycle::Closed;
    let content = html! {
        (page::problems(filled.problems))
        @if done == "approve" { (page::done("Your decision is made and never changes; to take an approval back, withdraw it.")) }
        p class="lead" { (phase(project)) " " span class="dim" { (project.spec.title) } }
        @if let Some(ready) = ready { p class="dim" { "The operator says: " (ready.message) } }
        @if !open { p { "It is being closed, or closed: " a href={ "/closures/" (name) } { "the closure" } "." } }
        @if let Some(before) = &status.approved {
            @if waits(project) {
                h2 { "What changed since it was approved last" }
                (spec::changes(&changed::changes(&before.spec, &present)))
            }
        }
        h2 { "What is asked for" }
        (spec::show(&project.spec))
        h2 { "Decisions" }
        (decisions(&found.approvals, false))
        @if open {
            h2 id="decide" { "Your decision" }
            @if let Some(why) = conflict(who, project) { p { (why) } } @else {
                @if let Some(digest) = &status.spec_digest {
                    (form(who, &format!("/projects/{name}/approve"), digest, Some(APPROVAL_ROLES), filled))
                } @else {
                    p { "The operator has not yet put the spec's digest into the status, so there is nothing exact to decide on. Look again in a minute." }
                }
            }
        }
        p { a href="/projects" { "All projects" } }
    };
    Shell::of(Role::Decide, who, "").page(&format!("Project {name}"), content)
}

/// Why somebody decides nothing here.
pub fn conflict(who: &SignedIn, project: &Project) -> Option<&'static str> {
    let me = who.user.as_str();
    if project.spec.submitted_by == me {
        Some("You submitted this, and nobody approves their own: another person must.")
    } else if project.spec.people.iter().any(|p| p.user == me) {
        Some("You are of the project: somebody outside it must decide.")
    } else {
        None
    }
}

/// What was decided, by whom.
pub fn decisions(all: &[ProjectApproval], closure: bool) -> Markup {
    let all: Vec<&ProjectApproval> = all
        .iter()
        .filter(|a| (a.spec.role == ApprovalRole::Closure) == closure)
        .collect();
    html! {
        @if all.is_empty() { p class="dim" { "None yet." } } @else {
            ul {
                @for of in all {
                    li { (format!("{:?}", of.spec.decision)) " as " (of.spec.role) " by " (of.spec.approver) ", through " (of.spec.expires) ", for " code { (sde_core::approvals::short(&of.spec.digest)) } }
                }
            }
        }
    }
}

/// The form; without roles, for the role Closure.
pub fn form(
    who: &SignedIn,
    to: &str,
    digest: &str,
    roles: Option<&[Choice]>,
    filled: Filled<'_>,
) -> Markup {
    html! {
        form class="stack" method="post" action=(to) {
            (csrf(who))
            input type="hidden" name="digest" value=(digest);
            p { "You decide on exactly " code { (digest) } "." }
            @match roles {
                Some(roles) => (filled.choice("role", "As", "Which of these you decide for; your organisation says who does.", roles)),
                None => input type="hidden" name="role" value="Closure";,
            }
            (filled.choice("decision", "Decision", "", APPROVALS))
            (filled.line(Kind::Date, "expires", "Last day on which it counts", "Left empty: the project's last day, or thirty days for a closure."))
            (filled.line(Kind::Text, "reference", "Reference", "Of the record of your decision, at most 128 characters; may be left empty."))
            div class="actions" { button type="submit" { "Decide" } p class="hint" { "A decision never changes." } }
        }
    }
}

/// The decision that a form makes.
fn planned(
    fields: &Fields,
    found: &Found,
    me: &str,
    now: Timestamp,
) -> Result<ProjectApproval, Vec<Problem>> {
    let mut problems = Vec::new();
    let role = value(fields.get("role"));
    if role.is_none() {
        problems.push(Problem::at("role", "choose for which role you decide"));
    }
    let decision = value(fields.get("decision"));
    if decision.is_none() {
        problems.push(Problem::at("decision", "choose a decision"));
    }
    let expires = fields.some("expires").map(|text| text.parse());
    if matches!(expires, Some(Err(_))) {
        problems.push(Problem::at("expires", "write a day as 2027-10-31"));
    }
    let reference = fields.some("reference");
    if reference.as_ref().is_some_and(|r| r.chars().count() > 128) {
        problems.push(Problem::at("reference", "use at most 128 characters"));
    }
    let (Some(role), Some(decision), true) = (role, decision, problems.is_empty()) else {
        return Err(problems);
    };
    let request = Request {
        role,
        decision,
        expires: expires.and_then(Result::ok),
        reference,
        approver: me.to_owned(),
    };
    let approval = plan(&found.project, &found.approvals, &request, now)
        .map_err(|refusal| vec![Problem::at("decision", refusal.to_string())])?;
    if approval.spec.digest != fields.get("digest") {
        let text = "what is decided on has changed since you opened the page: look at it again before you decide";
        return Err(vec![Problem::whole(text)]);
    }
    Ok(approval)
}

/// `POST /projects/{project}/approve`.
pub async fn submit(
    State(app): State<App>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    names::checked(&[&name])?;
    let found = find(&app.api.of(&posted.who.user), &name).await?;
    match decide(&app, &posted, &found).await? {
        None => Ok(Redirect::to(&format!("/projects/{name}?done=approve")).into_response()),
        Some(problems) => {
            let filled = Filled {
                fields: &posted.fields,
                problems: &problems,
            };
            let page = render(&posted.who, &found, "", filled);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

/// Makes the decision of a form; what must be put right when it cannot be.
pub async fn decide(
    app: &App,
    posted: &Posted,
    found: &Found,
) -> Result<Option<Vec<Problem>>, PageError> {
    let who = &posted.who;
    let planned = planned(&posted.fields, found, who.user.as_str(), Timestamp::now());
    let approval = match planned {
        Ok(approval) => approval,
        Err(problems) => {
            app.metrics.acted("approve", Outcome::Refused);
            return Ok(Some(problems));
        }
    };
    let api: Api<ProjectApproval> = Api::all(app.api.of(&who.user));
    let made = api.create(&PostParams::default(), &approval).await;
    // Saying the same twice says it once.
    let there = made.as_ref().is_err_and(|e| is_code(e, 409));
    let outcome = if made.is_ok() || there {
        Outcome::Done
    } else {
        Outcome::Refused
    };
    app.metrics.acted("approve", outcome);
    let of = &approval.spec;
    tracing::info!(user = %who.user, project = of.project, role = %of.role, decision = ?of.decision, act = "approve", ?outcome, "acted");
    match made {
        Err(error) if !there && [403, 422].iter().any(|code| is_code(&error, *code)) => {
            Ok(Some(vec![Problem::whole(error::words(&error))]))
        }
        Err(error) if !there => Err(PageError::api("making the decision")(error)),
        _ => Ok(None),
    }
}
