//! One Import as people make it: a draft, files that come in through the door, then as an Export. And what is released as the inbox of
//! whoever asked for it, until its project is closed.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{Api, ResourceExt as _};
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus, ServingKind};
use sde_crds::names::{airlock_namespace, project_namespace};
use sde_crds::workspace::WorkspacePhase;
use sde_crds::{AirlockRequest, Workspace};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, project};
use super::error::{Result, check, check_equal};
use super::lab::{Lab, object};
use super::life::RESEARCHER;
use super::waiting::{gone, when};

/// What a researcher asks for: to bring a program.
///
/// # Errors
/// When the fields are not those of an AirlockRequest.
fn request(name: &str) -> Result<AirlockRequest> {
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest", "metadata": {"name": name},
        "spec": {
            "requester": RESEARCHER, "direction": "Import", "justification": "A tool for the analysis", "seal": false, "withdrawn": false,
            "imports": [{"name": "tool", "files": [0], "kind": "Binary", "origin": "A public registry", "licence": "MIT"}],
        },
    }))
}

/// From asking to Released, with two reviewers.
///
/// # Errors
/// When a step is refused or does not come about in time.
pub(super) async fn bring<'a>(
    lab: &'a Lab,
    project: &str,
    name: &str,
) -> Result<(Export<'a>, AirlockRequest)> {
    let import = Export::make(lab, project, &request(name)?).await?;
    import.set(json!({"upload": 1})).await?;
    let receives = |s: &AirlockRequestStatus| {
        let mut serving = s.serving.iter().flatten();
        serving.any(|s| s.kind == ServingKind::Receive)
    };
    import.when("somebody who takes files", receives).await?;
    import.set(json!({"seal": true})).await?;
    let seen = import.confirmed().await?;
    let shown = |s: &AirlockRequestStatus| s.serving.is_some();
    import.when("a viewer", shown).await?;
    for checker in CHECKERS {
        import.review(checker, &seen, json!({})).await?;
    }
    let receipt = |s: &AirlockRequestStatus| {
        s.phase == AirlockPhase::Released && s.receipts.iter().flatten().count() == 1
    };
    let released = import.when("the receipt of its release", receipt).await?;
    Ok((import, released))
}

/// What is released is mounted by its requester's next notebook, which goes when it is revoked; and nothing of it outlives its project.
///
/// # Errors
/// When it is otherwise.
pub(super) async fn inbox(lab: &Lab) -> Result<()> {
    let name = "airinbox";
    let life = project(lab, name)?;
    life.open().await?;
    let (import, released) = bring(lab, name, "tool").await?;
    let chamber = format!("chamber-{}", released.uid().unwrap_or_default());
    let claims = |namespace: &str| -> Api<PersistentVolumeClaim> {
        Api::namespaced(lab.plane.admin(), namespace)
    };
    let here = claims(&project_namespace(name)).get_opt(&chamber).await?;
    check(
        here.is_some(),
        "a released Import's chamber is in its project",
    )?;
    gone(&claims(&airlock_namespace(name)), &chamber).await?;
    life.open_workspace(RESEARCHER).await?;
    let first = notebook(lab, name, None).await?;
    check_equal("inbox", &mounted(&first), &vec!["/inbox/tool".to_owned()])?;
    let revoke = json!({"decision": "Revoke", "reason": "UnsafeImport", "advice": "Its origin was withdrawn"});
    let [checker, _] = CHECKERS;
    import.review(checker, &released, revoke).await?;
    import.phase(AirlockPhase::Revoked).await?;
    let pods: Api<Pod> = Api::namespaced(lab.plane.admin(), &project_namespace(name));
    gone(&pods, &first.name_any()).await?;
    // The next start has none.
    let next = notebook(lab, name, Some(&first)).await?;
    check_equal("inbox", &mounted(&next), &Vec::new())?;
    // One that is released when its project closes goes with it.
    bring(lab, name, "another").await?;
    life.close().await?;
    Ok(())
}

/// The notebook that runs, when it is not the one before.
async fn notebook(lab: &Lab, project: &str, before: Option<&Pod>) -> Result<Pod> {
    let namespace = project_namespace(project);
    let workspaces: Api<Workspace> = Api::namespaced(lab.plane.admin(), &namespace);
    let before = before.map(|pod| pod.name_any());
    let present = |workspace: &Workspace| {
        let status = workspace.status.as_ref();
        let running = status.filter(|s| s.phase == WorkspacePhase::Running);
        let pod = running.and_then(|s| s.pod.as_ref());
        pod.map(|pod| pod.name.clone())
            .filter(|name| before.as_ref() != Some(name))
    };
    let wanted = |workspace: &Workspace| present(workspace).is_some();
    let workspace = when(&workspaces, RESEARCHER, "notebook", wanted).await?;
    let pods: Api<Pod> = Api::namespaced(lab.plane.admin(), &namespace);
    Ok(pods.get(&present(&workspace).unwrap_or_default()).await?)
}

/// Where a notebook has inboxes.
fn mounted(pod: &Pod) -> Vec<String> {
    let containers = pod.spec.iter().flat_map(|s| &s.containers);
    let mounts = containers.flat_map(|c| c.volume_mounts.iter().flatten());
    let paths = mounts.map(|m| m.mount_path.clone());
    paths.filter(|path| path.starts_with("/inbox/")).collect()
}
