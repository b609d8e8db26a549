//! Projects: what waits for approval first.

use axum::extract::State;
use futures::future::join;
use kube::Api;
use kube::api::ListParams;
use maud::{Markup, html};
use sde_core::approvals::short;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::ProjectPhase;
use sde_crds::{Project, ProjectApproval};

use super::seen;
use crate::app::App;
use crate::args::Role;
use crate::error::PageError;
use crate::page::Shell;
use crate::signed_in::SignedIn;
use crate::words::{Tone, tag};

/// `GET /projects`.
pub async fn page(State(app): State<App>, who: SignedIn) -> Result<Markup, PageError> {
    let client = app.api.of(&who.user);
    let projects: Api<Project> = Api::all(client.clone());
    let approvals: Api<ProjectApproval> = Api::all(client);
    let every = ListParams::default();
    let (projects, approvals) = join(projects.list(&every), approvals.list(&every)).await;
    let projects = seen(projects, "reading the projects")?;
    let approvals = seen(approvals, "reading the approvals")?;
    let approvals = approvals.map(|list| list.items).unwrap_or_default();
    Ok(render(
        &who,
        projects.map(|list| list.items).as_deref(),
        &approvals,
    ))
}

/// Whether a project's present spec is not approved.
pub fn waits(project: &Project) -> bool {
    let status = project.status.as_ref();
    let digest = status.and_then(|s| s.spec_digest.as_ref());
    let approved = status.and_then(|s| s.approved.as_ref()).map(|a| &a.digest);
    project.spec.lifecycle != Lifecycle::Closed && (digest.is_none() || digest != approved)
}

/// The page.
pub fn render(
    who: &SignedIn,
    projects: Option<&[Project]>,
    approvals: &[ProjectApproval],
) -> Markup {
    let all = projects.unwrap_or_default();
    let (waiting, others): (Vec<&Project>, Vec<&Project>) = all
        .iter()
        .filter(|p| p.spec.lifecycle != Lifecycle::Closed)
        .partition(|p| waits(p));
    let content = html! {
        @if projects.is_none() {
            p { "Your roles do not let you see projects." }
        } @else {
            h2 { "Waiting for approval" }
            @if waiting.is_empty() { p { "None." } } @else { (table(who, "Projects that wait for approval", &waiting, approvals)) }
            h2 { "Approved as they are" }
            @if others.is_empty() { p { "None." } } @else { (table(who, "Approved projects", &others, approvals)) }
        }
    };
    Shell::of(Role::Decide, who, "/projects").page("Projects", content)
}

fn table(who: &SignedIn, label: &str, all: &[&Project], approvals: &[ProjectApproval]) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label=(label) {
            table {
                thead { tr { th scope="col" { "Project" } th scope="col" { "Title" } th scope="col" { "State" } th scope="col" { "Custodian" } th scope="col" { "Spec" } th scope="col" { "You" } } }
                tbody {
                    @for of in all {
                        @let name = of.metadata.name.as_deref().unwrap_or_default();
                        @let digest = of.status.as_ref().and_then(|s| s.spec_digest.as_deref());
                        tr {
                            th scope="row" { a href={ "/projects/" (name) } { (name) } }
                            td { (of.spec.title) }
                            td { (phase(of)) }
                            td { (of.spec.custodian.organisation) }
                            td { code { (digest.map_or_else(|| "–".to_owned(), short)) } }
                            td { (mine(who, of, digest, approvals)) }
                        }
                    }
                }
            }
        }
    }
}

/// Where a project is.
pub fn phase(project: &Project) -> Markup {
    let phase = project.status.as_ref().map(|s| s.phase).unwrap_or_default();
    let tone = match phase {
        ProjectPhase::Active => Tone::Good,
        ProjectPhase::Pending | ProjectPhase::Opening | ProjectPhase::Closing => Tone::Wait,
        ProjectPhase::Suspended => Tone::Bad,
        ProjectPhase::Closed => Tone::Plain,
    };
    tag(tone, &phase.to_string())
}

fn mine(
    who: &SignedIn,
    project: &Project,
    digest: Option<&str>,
    approvals: &[ProjectApproval],
) -> String {
    let me = who.user.as_str();
    if project.spec.submitted_by == me {
        return "You submitted it: others decide".to_owned();
    }
    if project.spec.people.iter().any(|p| p.user == me) {
        return "You are of the project: others decide".to_owned();
    }
    let uid = project.metadata.uid.as_deref();
    let said: Vec<String> = approvals
        .iter()
        .filter(|a| a.spec.approver == me && Some(a.spec.digest.as_str()) == digest)
        .filter(|a| Some(a.spec.project_uid.as_str()) == uid)
        .map(|a| format!("{:?} as {}", a.spec.decision, a.spec.role))
        .collect();
    if said.is_empty() {
        "Not decided".to_owned()
    } else {
        said.join("; ")
    }
}
