//! The controller's own rights: what its requests used, what was granted, and the two rights that no log shows.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use sde_crds::names::{HUB_IMPERSONATION, RESEARCHER_CLUSTER_ROLE, project_namespace};
use serde_json::{Value, json};

use super::access::PROJECT;
use super::error::{Result, SuiteError, check, refused};
use super::lab::Lab;
use crate::controlplane::ControlPlane;
use crate::controlplane::audit::events_since;
use crate::controlplane::install::{CONTROLLER_ACCOUNT, SYSTEM_NAMESPACE, account_token};
use crate::controlplane::rights::{Right, Usage};

/// Suites in which the real controller works on a control plane with an audit log. Together they use every rule.
pub const SUITES: [&str; 6] = ["trouble", "access", "airlock", "portal", "steady", "faults"];

/// The look after a create that met a conflict, which is how a create whose answer was lost is told from a refused one.
const LOOK: &str =
    "only while the watch does not show yet what a lost answer or another writer left there";

/// Rights that no suite is sure to use, and why they are granted.
const BY_CHANCE: [(&str, &str); 4] = [
    ("get secrets", LOOK),
    ("get pods", LOOK),
    ("get destructionrecords.sde-operator.dev", LOOK),
    ("get airlockreceipts.sde-operator.dev", LOOK),
];

/// What the controller of a control plane used so far.
///
/// # Errors
/// When the log or the rules cannot be read.
pub async fn usage(plane: &ControlPlane) -> Result<Usage> {
    let events = events_since(&plane.audit_log(), 0)?;
    let admin = plane.admin();
    Ok(Usage::of(&admin, SYSTEM_NAMESPACE, CONTROLLER_ACCOUNT, &events).await?)
}

pub(super) async fn nothing_beyond(lab: &Lab) -> Result<()> {
    let usage = usage(&lab.plane).await?;
    println!(
        "    {} of {} rights used by this suite alone",
        usage.used.len(),
        usage.granted.len()
    );
    beyond(&usage)
}

fn beyond(usage: &Usage) -> Result<()> {
    check(
        usage.beyond.is_empty(),
        format_args!(
            "requests that no rule of the chart allows: {:#?}",
            usage.beyond
        ),
    )
}

/// Used and granted are the same, over the suites whose usage was kept.
///
/// # Errors
/// When one left none, or used and granted differ.
pub fn used_is_granted() -> Result<()> {
    let mut all = Usage::default();
    for suite in SUITES {
        all.add(Usage::read(suite)?);
    }
    beyond(&all)?;
    let mut idle: Vec<String> = all.unused().map(ToString::to_string).collect();
    for (right, why) in BY_CHANCE {
        if idle.iter().any(|unused| unused == right) {
            println!("    not used this time: {right}: {why}");
        }
        idle.retain(|unused| unused != right);
    }
    check(
        idle.is_empty(),
        format_args!("rights that no suite used, so that the chart must not grant them: {idle:#?}"),
    )?;
    let apart = ["bind", "escalate"];
    let (inferred, seen): (Vec<&Right>, Vec<&Right>) = all
        .granted
        .iter()
        .partition(|right| apart.contains(&right.verb.as_str()));
    println!("    {} rights seen in requests or named above", seen.len());
    for right in inferred {
        println!("    and inside requests: {right}");
    }
    Ok(())
}

/// The same dry run is accepted with the verb and refused without it, so each is needed; on other names both are refused.
pub(super) async fn bind_and_escalate(lab: &Lab) -> Result<()> {
    let admin = lab.plane.admin();
    let token = account_token(&admin, SYSTEM_NAMESPACE, CONTROLLER_ACCOUNT).await?;
    let controller = lab.plane.client_with_token(&token)?;
    let not_held = "attempting to grant RBAC permissions not currently held";
    escalates(&controller, HUB_IMPERSONATION).await?;
    binds(&controller, RESEARCHER_CLUSTER_ROLE).await?;
    refused(
        escalates(&controller, "sde-custodian").await,
        "cannot patch",
    )?;
    refused(escalates(&controller, "sde-another").await, "cannot patch")?;
    refused(binds(&controller, "sde-custodian").await, not_held)?;
    refused(binds(&controller, "cluster-admin").await, not_held)?;

    let roles: Api<ClusterRole> = Api::all(admin);
    let whole = roles.get(CONTROLLER_ACCOUNT).await?;
    let rules = serde_json::to_value(&whole.rules).map_err(kube::Error::SerdeError)?;
    let result = async {
        for verb in ["escalate", "bind"] {
            set(&roles, &without(&rules, verb)).await?;
            until_refused(not_held, async || match verb {
                "escalate" => escalates(&controller, HUB_IMPERSONATION).await,
                _ => binds(&controller, RESEARCHER_CLUSTER_ROLE).await,
            })
            .await?;
        }
        Ok(())
    }
    .await;
    set(&roles, &rules).await?;
    result
}

/// Writes a role that acts for somebody, by dry run.
async fn escalates(controller: &Client, name: &str) -> kube::Result<()> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
        "rules": [{"apiGroups": ["authentication.k8s.io"], "resources": ["users"], "verbs": ["impersonate:user-info"],
            "resourceNames": ["researcher"]}],
    });
    Api::<ClusterRole>::all(controller.clone())
        .patch(name, &dry(), &Patch::Apply(&role))
        .await
        .map(|_| ())
}

/// Binds a role in a project's namespace, by dry run and under a new name, since a binding's role never changes.
async fn binds(controller: &Client, role: &str) -> kube::Result<()> {
    let name = format!("another-{role}");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "researcher"}],
    });
    Api::<RoleBinding>::namespaced(controller.clone(), &project_namespace(PROJECT))
        .patch(&name, &dry(), &Patch::Apply(&binding))
        .await
        .map(|_| ())
}

fn dry() -> PatchParams {
    PatchParams {
        dry_run: true,
        ..PatchParams::apply("sde-e2e").force()
    }
}

fn without(rules: &Value, verb: &str) -> Value {
    let mut rules = rules.clone();
    for rule in rules.as_array_mut().into_iter().flatten() {
        if let Some(verbs) = rule["verbs"].as_array_mut() {
            verbs.retain(|v| v != verb);
        }
    }
    if let Some(all) = rules.as_array_mut() {
        all.retain(|rule| {
            rule["verbs"]
                .as_array()
                .is_some_and(|verbs| !verbs.is_empty())
        });
    }
    rules
}

async fn set(roles: &Api<ClusterRole>, rules: &Value) -> Result<()> {
    let patch = json!({"rules": rules});
    roles
        .patch(
            CONTROLLER_ACCOUNT,
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await?;
    Ok(())
}

/// The authorizer takes up a changed role a moment after it is written.
async fn until_refused(says: &str, ask: impl AsyncFn() -> kube::Result<()>) -> Result<()> {
    let limit = Duration::from_secs(5);
    let end = tokio::time::Instant::now() + limit;
    loop {
        match ask().await {
            Err(error) => return refused::<()>(Err(error), says),
            Ok(()) if tokio::time::Instant::now() > end => {
                return Err(SuiteError::TimedOut {
                    what: "accepted without the verb".to_owned(),
                    limit,
                });
            }
            Ok(()) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
