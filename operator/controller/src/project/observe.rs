//! Reads the stores into core's `Observed`, and gathers the controller's half of the proofs that wait for it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use sde_core::labels::ProjectId;
use sde_core::lock::{Control, Outcome, Target, TargetKind};
use sde_core::pod::{PROBE, View};
use sde_core::policy_form::Round;
use sde_core::project::Observed;
use sde_core::project::standing::{self, Standing};
use sde_core::proving::{self, Controls, Proving};
use sde_core::targets::SentinelAt;
use sde_crds::Project;
use sde_crds::names::{self, SENTINEL_BOOT_ANNOTATION, WORKSPACE_LABEL};
use sde_crds::project_status::AttestationKey;

use crate::context::Context;
use crate::key::ObjectKey;

/// Everything of one Project. Proofs are gathered for the pods that `judged` picks.
pub async fn project(ctx: &Context, project: Arc<Project>, judged: fn(&Pod) -> bool) -> Observed {
    let mut observed = stored(ctx, project).await;
    observed.sentinel = sentinel(ctx).await;
    observed.controls = controls(ctx, &observed, judged).await;
    observed
}

/// What the stores hold of one Project, and in which form the policies are in force. What is made for its airlock is left out: that
/// is the requests' own.
pub async fn stored(ctx: &Context, project: Arc<Project>) -> Observed {
    let name = project.name_any();
    let stores = &ctx.stores;
    let id = ProjectId {
        name: name.clone(),
        uid: project.uid().unwrap_or_default(),
    };
    let namespace = id.namespace();
    let ours = |labels: &std::collections::BTreeMap<String, String>| {
        labels.get(names::PROJECT_UID_LABEL) == Some(&id.uid)
            && !labels.contains_key(names::AIRLOCK_REQUEST_LABEL)
    };
    let pods: Vec<_> = stores
        .pods
        .of_project(&name)
        .iter()
        .filter(|p| ours(p.labels()))
        .map(|p| (**p).clone())
        .collect();
    let mut observed = Observed {
        policy: stores.policy().map(|p| p.spec.clone()),
        datasets: stores
            .datasets
            .all()
            .iter()
            .map(|d| (d.name_any(), d.spec.clone()))
            .collect(),
        approvals: stores
            .approvals
            .all()
            .iter()
            .filter(|a| a.spec.project == name)
            .map(|a| (**a).clone())
            .collect(),
        namespace: stores
            .namespaces
            .get(&ObjectKey::cluster(&namespace))
            .filter(|n| ours(n.labels()))
            .map(|n| (*n).clone()),
        network_policies: stores
            .network_policies
            .of_project(&name)
            .iter()
            .filter(|p| p.namespace().as_deref() == Some(&namespace))
            .map(|p| (**p).clone())
            .collect(),
        claims: stores
            .claims
            .of_project(&name)
            .iter()
            .filter(|c| ours(c.labels()))
            .map(|c| (**c).clone())
            .collect(),
        volumes: stores
            .volumes
            .of_project(&name)
            .iter()
            .filter(|v| ours(v.labels()))
            .map(|v| (**v).clone())
            .collect(),
        workspaces: stores
            .workspaces
            .all()
            .iter()
            .filter(|w| w.namespace().as_deref() == Some(&namespace))
            .map(|w| (**w).clone())
            .collect(),
        policy_form: None,
        sentinel: None,
        controls: Controls::new(),
        attestation_key: AttestationKey {
            key_id: ctx
                .keys
                .attestation
                .verifying_key()
                .key_id()
                .unwrap_or_default(),
            public_key: ctx.keys.attestation_public_pem.clone(),
        },
        now: ctx.clock.now(),
        project: (*project).clone(),
        pods,
    };
    observed.policy_form = policy_form(ctx, &observed, false).await;
    observed
}

/// In which form the policies are in force, if the Project asks at all.
pub async fn policy_form(ctx: &Context, observed: &Observed, opens: bool) -> Option<Round> {
    let demand = observed.demand()?;
    Some(ctx.policy_form.known(ctx, &demand, opens).await)
}

/// The sentinel, when it answers now.
pub async fn sentinel(ctx: &Context) -> Option<SentinelAt> {
    let address = ctx.sentinel.address()?;
    let boot = ctx.sentinel.boot().await.ok()?;
    Some(SentinelAt {
        address: address.ip().to_string(),
        boot_id: boot.boot_id,
    })
}

/// Pods whose proofs are the Project's: all but those of workspaces.
pub fn own_pods(pod: &Pod) -> bool {
    !pod.labels().contains_key(WORKSPACE_LABEL)
}

async fn controls(ctx: &Context, observed: &Observed, judged: fn(&Pod) -> bool) -> Controls {
    let mut controls = Controls::new();
    for pod in observed.pods.iter().filter(|p| judged(p)) {
        let view = View(pod);
        let standing =
            view.name() == standing::NAME && standing::read(observed) == Standing::Reported;
        let reported =
            proving::read(view, &Controls::new()) == Proving::Reported && !view.deleting();
        if !(standing || reported) {
            continue;
        }
        if let Some(control) = control(ctx, view).await {
            controls.insert(view.uid().to_owned(), control);
        }
    }
    controls
}

/// The controller's half of the proof of one pod.
pub async fn control(ctx: &Context, pod: View<'_>) -> Option<Control> {
    let dialled = to_dial(pod, &pod.targets()?);
    let before = pod.annotation(SENTINEL_BOOT_ANNOTATION).map(str::to_owned);
    Some(ctx.sentinel.control(before, pod.uid(), &dialled).await)
}

/// Targets that need a positive control: the sentinel and the API server always, another only when it refused,
/// since silence elsewhere is told as silence and dialling what does not answer takes seconds.
fn to_dial(pod: View<'_>, targets: &[Target]) -> Vec<Target> {
    let report = pod.report("standing").or_else(|| pod.report(PROBE));
    let refused = |name: &str| {
        report
            .iter()
            .flat_map(|r| &r.results)
            .any(|r| r.name == name && r.outcome == Outcome::Refused)
    };
    targets
        .iter()
        .filter(|t| {
            matches!(t.kind, TargetKind::Sentinel | TargetKind::ApiServer) || refused(&t.name)
        })
        .cloned()
        .collect()
}
