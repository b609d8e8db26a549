//! What people do in a project's life on a real cluster, and waiting for what comes of it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::node::Site;
use crate::node::story::{self, Source, condition, get, wait_for};

/// How long one thing may take on a busy machine; what succeeds earlier does not wait.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How long one project may take to be ready for its end after a failure.
const TIDYING: Duration = Duration::from_secs(30);

const AWAITING_CLOSURE: &str = "waiting for closure approvals";
/// Roles in which two people end a project.
const CLOSURE: [&str; 2] = ["Closure", "Closure"];

/// The namespace of a project.
pub fn namespace(project: &str) -> String {
    format!("sde-project-{project}")
}

/// Waits until a Project is as wanted.
///
/// # Errors
/// When it is not within [`PATIENCE`].
pub fn project_when(
    site: &Site,
    project: &str,
    wanted: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    wait_for(site, ("project", project, None), wanted, PATIENCE, holds)
}

/// Waits until a Workspace is as wanted.
///
/// # Errors
/// When it is not within [`PATIENCE`].
pub fn workspace_when(
    site: &Site,
    project: &str,
    user: &str,
    wanted: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let of = namespace(project);
    wait_for(
        site,
        ("workspace", user, Some(of.as_str())),
        wanted,
        PATIENCE,
        holds,
    )
}

/// A name that no project had before.
pub fn name(prefix: &str) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    format!("{prefix}-{:x}", now & 0xfff_ffff)
}

/// custodian-a registers data and submits a Project for it, with `change` made to it; returns its name.
///
/// # Errors
/// When the API server refuses.
pub fn submit(
    site: &Site,
    prefix: &str,
    source: Source,
    change: impl Fn(&mut Value),
) -> Result<String> {
    let project = name(prefix);
    let dataset = format!("{project}-data");
    site.apply_as(
        "custodian-a",
        &story::dataset(site, &dataset, &project, source),
    )?;
    let mut object = story::project(&project, &dataset);
    change(&mut object);
    site.apply_as("custodian-a", &object)?;
    Ok(project)
}

/// Two people approve the present spec, each in one role.
///
/// # Errors
/// When the API server refuses.
pub fn approve(site: &Site, project: &str) -> Result<()> {
    project_when(site, project, "digested", |p| {
        p["status"]["specDigest"].is_string()
    })?;
    decide(site, project, ["DataAccess", "PublicBenefit"])
}

/// Waits until a Project is Active.
///
/// # Errors
/// When it is not in time.
pub fn active(site: &Site, project: &str) -> Result<Value> {
    project_when(site, project, "Active", |p| {
        p["status"]["phase"] == "Active"
    })
}

/// A project from submission to Active; returns its name.
///
/// # Errors
/// When a step is refused or not in time.
pub fn open(site: &Site, prefix: &str, source: Source) -> Result<String> {
    let project = submit(site, prefix, source, |_| {})?;
    approve(site, &project)?;
    active(site, &project)?;
    Ok(project)
}

/// The hub opens a Workspace for a person; returns when the notebook answers.
///
/// # Errors
/// When it is refused or not in time.
pub fn run(site: &Site, project: &str, user: &str) -> Result<Value> {
    site.open_as_hub(&story::workspace(project, user))?;
    running(site, project, user)
}

/// Waits until a Workspace runs.
///
/// # Errors
/// When it does not in time.
pub fn running(site: &Site, project: &str, user: &str) -> Result<Value> {
    workspace_when(site, project, user, "Running", |w| {
        w["status"]["phase"] == "Running"
    })
}

/// custodian-a asks for the end of a project.
///
/// # Errors
/// When the API server refuses.
pub fn ask_to_close(site: &Site, project: &str) -> Result<()> {
    site.sde("custodian-a", &["close", project, "--yes"])
        .map(|_| ())
}

/// Waits until a Project that is to be closed shows what would be destroyed.
///
/// # Errors
/// When it does not in time.
pub fn awaiting_closure(site: &Site, project: &str) -> Result<Value> {
    project_when(site, project, AWAITING_CLOSURE, awaits_closure)
}

/// Two people approve the destruction of the inventory, once it is shown.
///
/// # Errors
/// When it is not shown in time, or the API server refuses.
pub fn approve_closure(site: &Site, project: &str) -> Result<()> {
    awaiting_closure(site, project)?;
    decide(site, project, CLOSURE)
}

/// Waits until a Project is Closed, and looks that nothing of it is left but its records.
///
/// # Errors
/// When it is not in time, or something is left.
pub fn closed(site: &Site, project: &str) -> Result<Value> {
    let closed = project_when(site, project, "Closed", |p| {
        p["status"]["phase"] == "Closed"
    })?;
    let of = namespace(project);
    let left = |what: String| Err(Error::malformed(Path::new(&of), what));
    if !get(site, "namespace", &of, None)?.is_null() {
        return left("the namespace is still there".to_owned());
    }
    let volumes = site.cluster.kubectl([
        "get",
        "persistentvolumes",
        "--output",
        "jsonpath={.items[*].spec.claimRef.namespace}",
    ])?;
    if volumes.split_whitespace().any(|claimed| claimed == of) {
        return left(format!("volumes are left: {volumes}"));
    }
    Ok(closed)
}

/// From the wish to close to an empty cluster; returns the closed Project.
///
/// # Errors
/// When a step is refused, not in time, or something is left.
pub fn close(site: &Site, project: &str) -> Result<Value> {
    ask_to_close(site, project)?;
    approve_closure(site, project)?;
    closed(site, project)
}

/// Has every project that is not over ended as people end it, and waits for none. What does not go is told: this tidies up after a
/// failure, which is what counts. After an interruption the cluster goes instead.
pub fn end_all(site: &Site) {
    if command::interrupted() {
        return;
    }
    let listed = site
        .cluster
        .kubectl(["get", "projects", "--output", "json"])
        .and_then(|json| {
            serde_json::from_str::<Value>(&json)
                .map_err(|e| Error::malformed(Path::new("projects"), e.to_string()))
        });
    let projects = listed.unwrap_or_else(|error| {
        eprintln!("  the projects that are left are not known: {error}");
        Value::Null
    });
    let left = projects["items"].as_array().into_iter().flatten();
    for project in left.filter(|p| p["status"]["phase"] != "Closed") {
        let name = project["metadata"]["name"].as_str().unwrap_or_default();
        let ended = ask_to_close(site, name).and_then(|()| {
            let asked = ("project", name, None);
            wait_for(site, asked, AWAITING_CLOSURE, TIDYING, awaits_closure)?;
            decide(site, name, CLOSURE)
        });
        if let Err(error) = ended {
            eprintln!("  project {name} is left as it is: {error}");
        }
    }
}

/// The administrator deletes the policy that lets nothing in or out of a namespace.
///
/// # Errors
/// When the API server refuses.
pub fn delete_default_deny(site: &Site, namespace: &str) -> Result<String> {
    site.cluster
        .kubectl(["delete"].iter().chain(&default_deny(namespace)))
}

/// Whether the API server would let the administrator do so.
pub fn may_delete_default_deny(site: &Site, namespace: &str) -> bool {
    let dry = ["delete", "--dry-run=server"];
    let answer = site
        .cluster
        .kubectl(dry.iter().chain(&default_deny(namespace)));
    answer.is_ok()
}

fn default_deny(namespace: &str) -> [&str; 4] {
    ["networkpolicy", "default-deny", "--namespace", namespace]
}

fn awaits_closure(project: &Value) -> bool {
    condition(project, "Closing")["reason"] == "T0AwaitApprovals"
}

/// The words of a refusal; empty when there was none.
pub fn refusal(result: Result<String>) -> String {
    result.err().map(|e| e.to_string()).unwrap_or_default()
}

/// approver-a and approver-b approve, each in a role.
fn decide(site: &Site, project: &str, roles: [&str; 2]) -> Result<()> {
    for (person, role) in ["approver-a", "approver-b"].into_iter().zip(roles) {
        site.sde(person, &["approve", project, "--role", role, "--yes"])?;
    }
    Ok(())
}
