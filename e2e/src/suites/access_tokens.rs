//! What each of the three tokens that act for people can do, and what who steals it cannot.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use sde_crds::names::{
    GROUP, PORTAL_DECIDE_SERVICE_ACCOUNT, PORTAL_REQUEST_SERVICE_ACCOUNT, project_namespace,
};
use sde_crds::{Dataset, Project, ProjectApproval, Workspace};
use serde_json::json;

use super::access::{PROJECT, may};
use super::error::{Result, check, check_equal, refused};
use super::lab::{Lab, dataset, object};
use super::life::{Life, RESEARCHER, person, workspace};
use super::waiting::condition_when;
use crate::controlplane::audit::{AuditEvent, events_since, position};
use crate::controlplane::install::{SYSTEM_NAMESPACE, account_token};

/// Somebody who works, but not in [`PROJECT`].
const ELSEWHERE: &str = "neighbour";
const ACT: &str = "cannot impersonate";

fn workspaces(client: Client) -> Api<Workspace> {
    Api::namespaced(client, &project_namespace(PROJECT))
}

/// An approval that the API server takes, of a Project that nobody asked it of.
fn approval(name: &str, approver: &str) -> Result<ProjectApproval> {
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "ProjectApproval", "metadata": {"name": name},
        "spec": {
            "project": "nowhere", "projectUID": "00000000-0000-4000-8000-000000000000", "role": "DataAccess", "decision": "Approved",
            "digest": format!("v1:sha256:{}", "0".repeat(64)), "approver": approver, "submittedBy": "custodian-a",
            "expires": super::life::day(200),
        },
    }))
}

pub(super) async fn hub(lab: &Lab) -> Result<()> {
    let post = PostParams::default();
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    // The neighbour works too, so the hub may act for both; only the project tells them apart.
    Life::new(lab, "elsewhere")
        .changed(
            "/people",
            json!([person(ELSEWHERE, &["Lead", "Researcher"], 300)]),
        )?
        .without_workspace()
        .open()
        .await?;
    let log = lab.plane.audit_log();
    let start = position(&log)?;
    let mine = workspace("by-hub", RESEARCHER)?;
    let member = lab.hub_for(RESEARCHER)?;
    workspaces(member.clone()).create(&dry, &mine).await?;
    let events = events_since(&log, start)?;
    let created = |event: &&AuditEvent| event.verb == "create" && event.impersonated_user.is_some();
    let how = events.iter().find(created).and_then(|event| {
        event
            .authentication_metadata
            .impersonation_constraint
            .clone()
    });
    check_equal(
        "what allowed the impersonation",
        &how.as_deref(),
        &Some("impersonate:user-info"),
    )?;
    // The control of the next: the same person, in their own project.
    let own: Api<Workspace> =
        Api::namespaced(lab.hub_for(ELSEWHERE)?, &project_namespace("elsewhere"));
    own.list(&ListParams::default()).await?;
    let foreign = workspace("foreign", ELSEWHERE)?;
    refused(
        workspaces(lab.hub_for(ELSEWHERE)?)
            .create(&post, &foreign)
            .await,
        "User \"neighbour\" cannot create resource \"workspaces\"",
    )?;
    for user in [
        "stranger",
        "approver-a",
        "custodian-a",
        "admin",
        "system:admin",
    ] {
        let acting = workspaces(lab.hub_for(user)?);
        let theirs = workspace("by-hub", RESEARCHER)?;
        refused(acting.create(&post, &theirs).await, ACT)?;
    }
    let account = "system:serviceaccount:sde-hub:hub";
    refused(
        workspaces(lab.hub.clone()).create(&post, &mine).await,
        &format!("User \"{account}\" cannot create resource \"workspaces\""),
    )?;
    // Nothing but Workspaces, also for a member.
    let approvals: Api<ProjectApproval> = Api::all(member.clone());
    let by_member = approval("by-member", RESEARCHER)?;
    refused(approvals.create(&post, &by_member).await, ACT)?;
    let namespace = project_namespace(PROJECT);
    let pods: Api<Pod> = Api::namespaced(member.clone(), &namespace);
    refused(pods.list(&ListParams::default()).await, ACT)?;
    let secrets: Api<Secret> = Api::namespaced(member, &namespace);
    refused(secrets.list(&ListParams::default()).await, ACT)?;
    // As itself it reads a notebook's token by name, and lists none.
    let own: Api<Secret> = Api::namespaced(lab.hub.clone(), &namespace);
    let running = workspaces(lab.plane.admin()).get(RESEARCHER).await?;
    let pod = running.status.and_then(|status| status.pod);
    own.get(&pod.map(|pod| pod.name).unwrap_or_default())
        .await?;
    refused(
        own.list(&ListParams::default()).await,
        "cannot list resource \"secrets\"",
    )
}

pub(super) async fn portal(lab: &Lab) -> Result<()> {
    let post = PostParams::default();
    let admin = lab.plane.admin();
    let decide = account_token(&admin, SYSTEM_NAMESPACE, PORTAL_DECIDE_SERVICE_ACCOUNT).await?;
    let request = account_token(&admin, SYSTEM_NAMESPACE, PORTAL_REQUEST_SERVICE_ACCOUNT).await?;
    let as_approver = lab.plane.acting(&decide, "approver-a")?;
    let approvals: Api<ProjectApproval> = Api::all(as_approver.clone());
    let decision = approval("by-portal", "approver-a")?;
    approvals.create(&post, &decision).await?;
    Api::<Project>::all(as_approver).get(PROJECT).await?;
    // A custodian may submit, as themselves; the token that decides may not, in nobody's name.
    let mut data = dataset("by-portal", "by-portal")?;
    let as_custodian: Api<Dataset> = Api::all(lab.plane.acting(&decide, "custodian-a")?);
    refused(as_custodian.create(&post, &data).await, ACT)?;
    let projects: Api<Project> = Api::all(lab.plane.acting(&decide, "custodian-a")?);
    let submitted = Life::new(lab, "by-portal").project()?;
    refused(projects.create(&post, &submitted).await, ACT)?;
    data.metadata.name = Some("by-custodian".to_owned());
    Api::<Dataset>::all(lab.person("custodian-a"))
        .create(&post, &data)
        .await?;
    // Who works is nobody to decide for, and who decides is nobody to ask for.
    let mine = workspace("by-portal", RESEARCHER)?;
    let of_decide = workspaces(lab.plane.acting(&decide, RESEARCHER)?);
    refused(of_decide.create(&post, &mine).await, ACT)?;
    for user in [RESEARCHER, "approver-a"] {
        let acting = lab.plane.acting(&request, user)?;
        let decision = approval("by-request", user)?;
        let approvals: Api<ProjectApproval> = Api::all(acting.clone());
        refused(approvals.create(&post, &decision).await, ACT)?;
        refused(workspaces(acting).create(&post, &mine).await, ACT)?;
    }
    // Nothing acts on the airlock's kinds yet, so what the tokens will do with them is asked of the authorizer.
    let account = |name: &str| format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{name}");
    let verb = "impersonate-on:user-info:create";
    for (name, asks, decides) in [
        (PORTAL_REQUEST_SERVICE_ACCOUNT, true, false),
        (PORTAL_DECIDE_SERVICE_ACCOUNT, false, true),
    ] {
        for (resource, wanted) in [
            ("airlockrequests", asks),
            ("projectapprovals", decides),
            ("airlockreviews", decides),
        ] {
            let found = may(&admin, &account(name), None, (verb, GROUP, resource)).await?;
            check_equal(&format!("{name}: {verb} {resource}"), &found, &wanted)?;
        }
    }
    Ok(())
}

/// The person is the requester. Admission may say so already; if it does not, the Workspace never runs.
pub(super) async fn for_somebody_else(lab: &Lab) -> Result<()> {
    let acting = workspaces(lab.hub_for(RESEARCHER)?);
    let other = workspace("for-other", "stranger")?;
    match acting.create(&PostParams::default(), &other).await {
        Err(kube::Error::Api(status)) => check(
            status.code == 403 && status.message.contains("spec.user"),
            format_args!("refused for another reason: {}", status.message),
        ),
        Err(error) => Err(error.into()),
        Ok(_) => {
            let all = workspaces(lab.plane.admin());
            let message =
                condition_when(&all, "for-other", "Ready", "False", "PersonNotApproved").await?;
            check(message.contains("stranger"), message)
        }
    }
}
