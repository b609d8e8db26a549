//! The Workspace controller: at most one pod a Workspace, opened only after its own lock is proven.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use sde_core::airlock::desired::claim;
use sde_core::conditions::{find, types};
use sde_core::stage::{Applied, Prepared};
use sde_core::workspace::desired::Objects;
use sde_core::workspace::inbox::Inbox;
use sde_core::workspace::{self, Desired, Observed};
use sde_crds::Workspace;
use sde_crds::names::{PROJECT_NAMESPACE_PREFIX, WORKSPACE_LABEL};
use sde_crds::workspace::{WorkspacePhase, WorkspaceStatus};

use crate::apply::{ApplyError, FieldManager, Precondition};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::events::Severity;
use crate::key::ObjectKey;
use crate::project::apply::{GRACE_SECONDS, open_gate};
use crate::project::{observe, wait_until_caught_up};
use crate::reconcile::{Action, Reconcile, ReconcileError};

/// Random bytes of a notebook token.
const TOKEN_BYTES: usize = 32;

/// The Workspace controller.
pub struct WorkspaceController {
    /// What is known of the cluster.
    pub cluster: Arc<Cluster>,
}

impl Reconcile for WorkspaceController {
    const NAME: &'static str = "workspace";
    type Kind = Workspace;

    async fn reconcile(
        &self,
        ctx: &Context,
        workspace: Arc<Workspace>,
    ) -> Result<Action, ReconcileError> {
        let namespace = workspace.namespace().unwrap_or_default();
        let project_name = namespace
            .strip_prefix(PROJECT_NAMESPACE_PREFIX)
            .unwrap_or_default()
            .to_owned();
        wait_until_caught_up(ctx, &project_name)?;
        let observed = observe_workspace(ctx, &workspace, &project_name).await;
        let validated = workspace::validate(&observed);
        let desired = workspace::desired(&observed, &self.cluster.settings, &validated);
        let applied = apply(ctx, &namespace, desired).await?;
        let outcome = workspace::status(&observed, &validated, &applied);
        publish(ctx, &workspace, &outcome.status);
        ctx.applier
            .apply_status(&*workspace, &outcome.status, FieldManager::Workspace)
            .await?;
        // After the status: a proof is told before the gate it opens, a report before the pod that holds it goes.
        if let Some(pod) = &applied.open_gate {
            open_gate(ctx, pod).await?;
        }
        prune(ctx, &namespace, &applied).await?;
        Ok(Action::After(outcome.look_again))
    }

    /// A Workspace that was deleted leaves its pod and token: they go now.
    async fn gone(&self, ctx: &Context, key: &ObjectKey) -> Result<(), ReconcileError> {
        let namespace = key.namespace.clone().unwrap_or_default();
        let project = namespace
            .strip_prefix(PROJECT_NAMESPACE_PREFIX)
            .unwrap_or_default();
        let of_it =
            |labels: &BTreeMap<String, String>| labels.get(WORKSPACE_LABEL) == Some(&key.name);
        for pod in ctx
            .stores
            .pods
            .of_project(project)
            .iter()
            .filter(|p| of_it(p.labels()))
        {
            ctx.applier
                .delete(&**pod, Precondition::Uid, Some(GRACE_SECONDS))
                .await?;
        }
        for secret in ctx
            .stores
            .secrets
            .of_project(project)
            .iter()
            .filter(|s| of_it(s.labels()))
        {
            ctx.applier
                .delete::<PartialObjectMeta<Secret>>(secret, Precondition::Uid, None)
                .await?;
        }
        Ok(())
    }
}

async fn observe_workspace(
    ctx: &Context,
    workspace: &Arc<Workspace>,
    project_name: &str,
) -> Observed {
    let name = workspace.name_any();
    let project = match ctx.stores.project(project_name) {
        Some(project) => Some(observe::project(ctx, project, |pod| !observe::own_pods(pod)).await),
        None => None,
    };
    let secrets = ctx.stores.secrets.of_project(project_name);
    let mut observed = Observed {
        project,
        secrets: secrets
            .iter()
            .filter(|s| s.labels().get(WORKSPACE_LABEL) == Some(&name))
            .map(|s| s.name_any())
            .collect(),
        inbox: inbox(ctx, workspace),
        token: hex::encode(rand::random::<[u8; TOKEN_BYTES]>()),
        now: ctx.clock.now(),
        workspace: (**workspace).clone(),
    };
    if observed.opens()
        && let Some(project) = &mut observed.project
    {
        project.policy_form = observe::policy_form(ctx, project, true).await;
        observed.now = ctx.clock.now();
    }
    observed
}

/// Imports of its user that may be mounted, as the stores show them.
fn inbox(ctx: &Context, workspace: &Workspace) -> Vec<Inbox> {
    let namespace = workspace.namespace().unwrap_or_default();
    let stores = &ctx.stores;
    let requests = stores.airlock_requests.all().into_iter();
    let mut found: Vec<Inbox> = requests
        .filter(|r| r.namespace().as_deref() == Some(&namespace))
        .filter_map(|request| {
            let key = ObjectKey::namespaced(&namespace, claim::name(&request));
            let claim = stores.claims.get(&key);
            workspace::inbox::inbox(&request, claim.as_deref(), &workspace.spec.user)
        })
        .collect();
    found.sort();
    found
}

/// The token before the pod that reads it.
async fn apply(
    ctx: &Context,
    namespace: &str,
    desired: Desired<Prepared>,
) -> Result<Desired<Applied>, ApplyError> {
    let Objects {
        secret,
        pod,
        open_gate: _,
        delete_pods: _,
        delete_secrets: _,
    } = &*desired;
    debug_assert!(
        pod.as_ref()
            .is_none_or(|p| p.namespace().as_deref() == Some(namespace))
    );
    if let Some(secret) = secret {
        ctx.applier
            .create_once_as::<PartialObjectMeta<Secret>, Secret>(secret)
            .await?;
    }
    if let Some(pod) = pod {
        ctx.applier.create_once(pod).await?;
    }
    Ok(desired.applied())
}

async fn prune(
    ctx: &Context,
    namespace: &str,
    applied: &Desired<Applied>,
) -> Result<(), ApplyError> {
    for pod in &applied.delete_pods {
        ctx.applier
            .delete(pod, Precondition::Uid, Some(GRACE_SECONDS))
            .await?;
    }
    for name in &applied.delete_secrets {
        if let Some(secret) = ctx
            .stores
            .secrets
            .get(&ObjectKey::namespaced(namespace, name))
        {
            ctx.applier
                .delete::<PartialObjectMeta<Secret>>(&secret, Precondition::Uid, None)
                .await?;
        }
    }
    Ok(())
}

/// Tells of a phase that is new.
fn publish(ctx: &Context, workspace: &Workspace, status: &WorkspaceStatus) {
    let before = workspace.status.as_ref().map(|s| s.phase);
    let Some(ready) = status
        .conditions
        .as_ref()
        .and_then(|c| find(c, types::READY))
    else {
        return;
    };
    if before == Some(status.phase) {
        return;
    }
    let bad = matches!(
        status.phase,
        WorkspacePhase::Refused | WorkspacePhase::Failed
    );
    let severity = if bad {
        Severity::Warning
    } else {
        Severity::Normal
    };
    ctx.events.publish(
        workspace,
        severity,
        "Reconcile",
        &ready.reason,
        &ready.message,
    );
}
