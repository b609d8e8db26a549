//! Trouble with what runs: data, images, probes, policies, the sentinel, volumes, the API server.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, Pod, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use sde_crds::names::project_namespace;
use sde_crds::project_status::ProjectPhase;
use sde_crds::workspace::WorkspacePhase;
use sde_crds::{DestructionRecord, Project, Workspace};
use serde_json::json;

use super::error::{Result, SuiteError, check};
use super::lab::Lab;
use super::life::{Life, RESEARCHER};
use super::waiting::{PATIENCE, condition_when, when};
use crate::controlplane::identity::{ADMIN, token};
use crate::controlplane::standin::{Behaviour, ProbeFinds};

async fn eventually(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !holds().await? {
        if tokio::time::Instant::now() > end {
            return Err(SuiteError::TimedOut {
                what: what.to_owned(),
                limit: PATIENCE,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn active(project: &Project) -> bool {
    project
        .status
        .as_ref()
        .is_some_and(|status| status.phase == ProjectPhase::Active)
}

/// What the project's quota says of CPU.
pub(super) async fn cpu_quota(lab: &Lab, project: &str) -> Result<Option<String>> {
    let quotas: Api<ResourceQuota> =
        Api::namespaced(lab.plane.admin(), &project_namespace(project));
    let quota = quotas.get("project").await?;
    Ok(quota.spec.and_then(|spec| {
        spec.hard?
            .get("limits.cpu")
            .map(|quantity| quantity.0.clone())
    }))
}

/// Waits until the project's quota of CPU is another than it was.
pub(super) async fn cpu_quota_leaves(
    lab: &Lab,
    project: &str,
    before: &Option<String>,
) -> Result<()> {
    eventually(
        &format!("{project}: another quota than {before:?}"),
        async || Ok(cpu_quota(lab, project).await? != *before),
    )
    .await
}

/// Waits until nothing of the project runs.
pub(super) async fn no_pods(lab: &Lab, project: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(lab.plane.admin(), &project_namespace(project));
    eventually(&format!("{project}: no pods"), async || {
        Ok(pods.list(&ListParams::default()).await?.items.is_empty())
    })
    .await
}

/// The source does not exist, then has other bytes, then is right.
pub(super) async fn data_trouble(lab: &Lab) -> Result<()> {
    let namespace = project_namespace("baddata");
    lab.standin.set(
        &namespace,
        Behaviour {
            manifest_digest: Some(format!("sha256:{}", "3".repeat(64))),
            ..Behaviour::default()
        },
    );
    let life = Life::new(lab, "baddata").without_workspace();
    life.submit().await?;
    life.approve_spec().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let message =
        condition_when(&projects, "baddata", "DataVerified", "False", "CheckFailed").await?;
    check(
        message.contains("baddata-data"),
        format_args!("the message does not name the Dataset: {message}"),
    )?;
    check(
        !active(&projects.get("baddata").await?),
        "open with other data than was registered",
    )?;
    lab.standin.set(&namespace, Behaviour::default());
    life.project_when("phase Active once the data is right", active)
        .await?;
    Ok(())
}

/// The notebook's image is not on the node.
pub(super) async fn image_missing(lab: &Lab) -> Result<()> {
    let namespace = project_namespace("badimage");
    let life = Life::new(lab, "badimage").without_workspace();
    life.open().await?;
    lab.standin.set(
        &namespace,
        Behaviour {
            image_missing: true,
            ..Behaviour::default()
        },
    );
    let workspaces: Api<Workspace> = Api::namespaced(lab.plane.admin(), &namespace);
    let opening = life.open_workspace(RESEARCHER);
    let telling = async {
        let told = |workspace: &Workspace| {
            serde_json::to_string(&workspace.status)
                .unwrap_or_default()
                .contains("ErrImageNeverPull")
        };
        when(
            &workspaces,
            RESEARCHER,
            "a message with ErrImageNeverPull",
            told,
        )
        .await?;
        lab.standin.set(&namespace, Behaviour::default());
        Ok::<(), SuiteError>(())
    };
    let (opened, told) = tokio::join!(opening, telling);
    told?;
    opened
}

/// A lock that does not hold is named and suspends; nothing mounts data meanwhile.
pub(super) async fn probe_gets_out(lab: &Lab) -> Result<()> {
    let namespace = project_namespace("getsout");
    lab.standin.set(
        &namespace,
        Behaviour {
            probe: ProbeFinds::Open("sentinel-tcp".to_owned()),
            ..Behaviour::default()
        },
    );
    let life = Life::new(lab, "getsout").without_workspace();
    life.submit().await?;
    life.approve_spec().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let open = |project: &Project| {
        let conditions = project
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|condition| {
            condition.type_ == "EgressEnforced"
                && condition.status == "False"
                && condition.message.contains("sentinel-tcp")
        })
    };
    let project = life
        .project_when("EgressEnforced=False naming sentinel-tcp", open)
        .await?;
    check(!active(&project), "open although its probe got out")?;
    lab.standin.set(&namespace, Behaviour::default());
    when(
        &projects,
        "getsout",
        "phase Active once the lock holds",
        active,
    )
    .await?;
    Ok(())
}

/// Deleted with the rights of who takes namespaces down, as no other identity may: drift is repaired at once.
pub(super) async fn policies_come_back(lab: &Lab) -> Result<()> {
    let life = Life::new(lab, "drifted").without_workspace();
    life.open().await?;
    let namespace = project_namespace("drifted");
    let by_hand: Api<NetworkPolicy> = Api::namespaced(lab.plane.admin(), &namespace);
    let before = by_hand.list(&ListParams::default()).await?;
    check(!before.items.is_empty(), "there is no NetworkPolicy")?;
    for policy in &before {
        let refused = by_hand
            .delete(&policy.name_any(), &DeleteParams::default())
            .await;
        check(
            refused.is_err(),
            format_args!("an administrator may delete {}", policy.name_any()),
        )?;
    }
    // The controller itself has no right to delete one. Who takes namespaces down does.
    let thief = "system:serviceaccount:kube-system:namespace-controller";
    let thief: Api<NetworkPolicy> =
        Api::namespaced(lab.plane.acting(&token(ADMIN), thief)?, &namespace);
    for policy in &before {
        thief
            .delete(&policy.name_any(), &DeleteParams::default())
            .await?;
    }
    eventually("the policies are back", async || {
        Ok(by_hand.list(&ListParams::default()).await?.items.len() == before.items.len())
    })
    .await
}

/// Without the sentinel nothing can be proven, so nothing opens.
pub(super) async fn sentinel_down(lab: &Lab) -> Result<()> {
    lab.operator.sentinel().kill();
    let life = Life::new(lab, "nosentinel").without_workspace();
    life.submit().await?;
    life.approve_spec().await?;
    let unproven = |project: &Project| {
        let conditions = project
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|condition| {
            condition.type_ == "EgressEnforced"
                && condition.status == "Unknown"
                && condition.message.to_lowercase().contains("sentinel")
        })
    };
    let told = life
        .project_when("EgressEnforced=Unknown that names the sentinel", unproven)
        .await;
    lab.operator.sentinel().restart()?;
    check(!active(&told?), "open although nothing was proven")?;
    life.project_when("phase Active once the sentinel is back", active)
        .await?;
    Ok(())
}

/// The backend keeps a home volume: the closure waits or says what is left, never Destroyed.
pub(super) async fn stuck_volume(lab: &Lab) -> Result<()> {
    let namespace = project_namespace("stuckvol");
    let life = Life::new(lab, "stuckvol");
    life.open().await?;
    lab.standin.set(
        &namespace,
        Behaviour {
            keeps_volumes: true,
            ..Behaviour::default()
        },
    );
    let closing = life.close();
    let watching = async {
        let volumes: Api<PersistentVolume> = Api::all(lab.plane.admin());
        let released = |volume: &PersistentVolume| {
            let ours = volume.spec.iter().any(|spec| {
                spec.claim_ref
                    .iter()
                    .any(|claim| claim.namespace.as_ref() == Some(&namespace))
            });
            ours && volume
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref())
                == Some("Released")
        };
        eventually("the home volume is Released", async || {
            Ok(volumes
                .list(&ListParams::default())
                .await?
                .iter()
                .any(released))
        })
        .await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let records = Api::<DestructionRecord>::all(lab.plane.admin())
            .list(&ListParams::default())
            .await?;
        let lie = records.iter().any(|record| {
            record.spec.project == "stuckvol"
                && record.spec.outcome == sde_crds::destruction_record::Outcome::Destroyed
        });
        check(!lie, "Destroyed is attested while a volume exists")?;
        let project = Api::<Project>::all(lab.plane.admin())
            .get("stuckvol")
            .await?;
        let text = serde_json::to_string(&project.status).unwrap_or_default();
        check(
            text.contains("volume"),
            format_args!("the status does not say that a volume is left: {text}"),
        )?;
        lab.standin.set(&namespace, Behaviour::default());
        Ok::<(), SuiteError>(())
    };
    let (closed, watched) = tokio::join!(closing, watching);
    watched?;
    closed.map(drop)
}

/// The API server is killed in the middle of opening and of closing.
pub(super) async fn apiserver_restarts(lab: &Lab) -> Result<()> {
    // An API server that takes longer than the lease lasts ends the controller, on a cluster as here; there the kubelet starts it again.
    let (lived, restarts) = lab.supervised(lives_through_restarts(lab)).await?;
    if restarts > 0 {
        println!("    the controller lost its lease and was started again {restarts} times");
    }
    lived
}

async fn lives_through_restarts(lab: &Lab) -> Result<()> {
    let life = Life::new(lab, "restarted").without_workspace();
    life.submit().await?;
    life.approve_spec().await?;
    lab.plane.restart_apiserver().await?;
    life.project_when("phase Active after the restart", active)
        .await?;
    life.open_workspace(RESEARCHER).await?;
    let projects: Api<Project> = Api::all(lab.person("custodian-a"));
    projects
        .patch(
            "restarted",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"lifecycle": "Closed"}})),
        )
        .await?;
    lab.plane.restart_apiserver().await?;
    life.close().await?;
    let workspaces: Api<Workspace> =
        Api::namespaced(lab.plane.admin(), &project_namespace("restarted"));
    let left = workspaces.list(&ListParams::default()).await?;
    check(
        !left.iter().any(|workspace| {
            workspace
                .status
                .as_ref()
                .is_some_and(|status| status.phase == WorkspacePhase::Running)
        }),
        "a Workspace still runs",
    )
}
