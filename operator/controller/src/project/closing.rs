//! Does the steps that core's closing machine names, one a reconcile. The status is written before the step is
//! done, so that the record of a closure never depends on a process staying alive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Pod, Secret};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::ResourceExt;
use kube::core::{ObjectMeta, PartialObjectMeta};
use sde_core::airlock::ending::delays_closing;
use sde_core::closing::status::{begun, note};
use sde_core::closing::{self, Live, Observed, Step, next};
use sde_core::labels::short_hash;
use sde_crds::names::{
    AIRLOCK_FINALIZER, AIRLOCK_REQUEST_LABEL, CLOSING_FINALIZER, PROJECT_UID_LABEL,
    airlock_namespace,
};
use sde_crds::project_status::{AirlockEmptied, ClosingStatus};
use sde_crds::{AirlockReceiptSpec, DestructionRecord, DestructionRecordSpec, Project};

use crate::airlock;
use crate::apply::{FieldManager, Precondition};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::key::ObjectKey;
use crate::labels::label;
use crate::project::apply::GRACE_SECONDS;
use crate::project::{observe, publish};
use crate::reconcile::{Action, ReconcileError};

/// Volumes of homes are not ours and so not watched: their going is looked for this often.
const VOLUME_POLL: Duration = Duration::from_secs(2);

/// Does one step.
///
/// # Errors
/// When a read or write fails; the step is repeated.
pub async fn reconcile(
    ctx: &Context,
    cluster: &Cluster,
    project: &Arc<Project>,
) -> Result<Action, ReconcileError> {
    let record = record_name(project);
    let mut observed = observe(ctx, project, &record).await?;
    let closing = begun(&observed);
    let mut step = next(&observed, &closing);
    if destroys(&step) {
        observed.live = Some(live(ctx, &observed).await?);
        step = next(&observed, &closing);
    }
    let closing = note(&observed, closing, &step);
    let outcome = closing::status(&observed, closing.clone(), &step, &record);
    publish(ctx, project, &outcome.status);
    ctx.applier
        .apply_status(&**project, &outcome.status, FieldManager::Project)
        .await?;
    let waits = matches!(step, Step::AwaitVolumes(_));
    perform(ctx, cluster, &observed, &closing, &record, step).await?;
    Ok(Action::After(if waits {
        VOLUME_POLL
    } else {
        outcome.look_again
    }))
}

/// Name of the Project's DestructionRecord.
fn record_name(project: &Project) -> String {
    let uid = project.uid().unwrap_or_default();
    format!(
        "{}-{}",
        project.name_any(),
        uid.split('-').next().unwrap_or(&short_hash(&uid, 8))
    )
}

/// Steps after which something cannot be had back, or is claimed not to exist: a cache is not enough for those.
fn destroys(step: &Step) -> bool {
    matches!(
        step,
        Step::TakeInventory(_) | Step::DeleteClaims(_) | Step::DeleteNamespace(_) | Step::Attest
    )
}

async fn observe(
    ctx: &Context,
    project: &Arc<Project>,
    record: &str,
) -> Result<Observed, ReconcileError> {
    let mut of = observe::project(ctx, project.clone(), |_| false).await;
    let namespace = of.id().namespace();
    let (airlock, emptied, airlock_namespace) = airlock_left(ctx, &mut of).await;
    let noted = of.project.status.as_ref().and_then(|s| s.closing.as_ref());
    let inventory = noted
        .and_then(|c| c.inventory.as_ref())
        .into_iter()
        .flatten()
        .filter_map(|m| m.volume.clone());
    let bound = of
        .claims
        .iter()
        .filter_map(|c| c.spec.as_ref()?.volume_name.clone());
    let mut names: Vec<_> = inventory.chain(bound).collect();
    names.sort();
    names.dedup();
    for name in names
        .into_iter()
        .filter(|n| !of.volumes.iter().any(|v| v.name_any() == *n))
        .collect::<Vec<_>>()
    {
        let volume: Option<PersistentVolume> = ctx.applier.get(&ObjectKey::cluster(name)).await?;
        of.volumes.extend(volume);
    }
    let uid = of.id().uid;
    let recorded = ctx
        .stores
        .records
        .get(&ObjectKey::cluster(record))
        .is_some_and(|r| r.spec.project_uid == uid);
    let secrets = ctx
        .stores
        .secrets
        .of_project(&of.id().name)
        .iter()
        .filter(|s| s.namespace().as_deref() == Some(&namespace))
        .map(|s| s.name_any())
        .collect();
    let bound = !bindings(ctx, &of).is_empty();
    Ok(Observed {
        bound,
        secrets,
        airlock,
        emptied,
        receipts: receipts(ctx, &uid),
        airlock_namespace,
        live: None,
        recorded,
        project: of,
    })
}

/// Receipts of the project's airlock, by name.
fn receipts(ctx: &Context, uid: &str) -> BTreeMap<String, AirlockReceiptSpec> {
    let all = ctx.stores.airlock_receipts.all().into_iter();
    all.filter(|receipt| receipt.spec.project_uid == uid)
        .map(|receipt| (receipt.name_any(), receipt.spec.clone()))
        .collect()
}

/// What the project's airlock still waits for, what it held, and its namespace. Its jobs in the project's own namespace are pods to stop as all.
async fn airlock_left(
    ctx: &Context,
    of: &mut sde_core::project::Observed,
) -> (Vec<String>, AirlockEmptied, Option<Namespace>) {
    let (id, stores) = (of.id(), &ctx.stores);
    let here = Some(id.namespace());
    let jobs = stores.pods.of_project(&id.name);
    let jobs = jobs.iter().filter(|p| {
        p.namespace() == here
            && label(&***p, PROJECT_UID_LABEL) == Some(&id.uid)
            && label(&***p, AIRLOCK_REQUEST_LABEL).is_some()
    });
    of.pods.extend(jobs.map(|p| (**p).clone()));
    let mut waits = Vec::new();
    let mut emptied = AirlockEmptied::default();
    for request in stores.airlock_requests.all() {
        if request.namespace() != here {
            continue;
        }
        let gone = request
            .status
            .as_ref()
            .and_then(|s| s.chamber_gone_at.as_ref());
        emptied.requests += 1;
        emptied.chambers_destroyed += i64::from(gone.is_some());
        let seen = airlock::stored(ctx, &request).await;
        if let Some(why) = delays_closing(&seen.observed) {
            waits.push(why);
        } else if request.finalizers().iter().any(|f| f == AIRLOCK_FINALIZER) {
            let name = request.name_any();
            waits.push(format!("Request {name}: its chamber is being destroyed."));
        }
    }
    let key = ObjectKey::cluster(airlock_namespace(&id.name));
    let namespace = stores.namespaces.get(&key);
    let ours = namespace.filter(|n| label(&**n, PROJECT_UID_LABEL) == Some(&id.uid));
    (waits, emptied, ours.map(|n| (*n).clone()))
}

async fn live(ctx: &Context, observed: &Observed) -> Result<Live, ReconcileError> {
    let namespace = observed.project.id().namespace();
    let pods: Vec<Pod> = ctx.applier.list(Some(&namespace), "").await?;
    let claims: Vec<PersistentVolumeClaim> = ctx.applier.list(Some(&namespace), "").await?;
    let found: Option<Namespace> = ctx.applier.get(&ObjectKey::cluster(namespace)).await?;
    let aside = airlock_namespace(&observed.project.id().name);
    let aside: Option<Namespace> = ctx.applier.get(&ObjectKey::cluster(aside)).await?;
    Ok(Live {
        pods: pods.len(),
        claims: claims.len(),
        namespace: found.is_some() || aside.is_some(),
    })
}

async fn perform(
    ctx: &Context,
    cluster: &Cluster,
    observed: &Observed,
    closing: &ClosingStatus,
    record: &str,
    step: Step,
) -> Result<(), ReconcileError> {
    let applier = &ctx.applier;
    let project = &observed.project.project;
    match step {
        Step::Hold => {
            applier
                .set_finalizer(project, CLOSING_FINALIZER, true)
                .await?
        }
        Step::StopPods(pods) => {
            for pod in &pods {
                applier
                    .delete(pod, Precondition::Uid, Some(GRACE_SECONDS))
                    .await?;
            }
        }
        Step::Revoke(secrets) => revoke(ctx, observed, &secrets).await?,
        Step::SetReclaim { policy, volumes } => {
            for volume in &volumes {
                applier.set_reclaim_policy(volume, policy).await?;
            }
        }
        Step::DeleteClaims(claims) => {
            for claim in &claims {
                applier.delete(claim, Precondition::Uid, None).await?;
            }
        }
        Step::ReleaseGrants(volumes) => {
            for volume in &volumes {
                applier.delete(volume, Precondition::Uid, None).await?;
            }
        }
        Step::DeleteNamespace(namespace) => {
            applier.delete(&*namespace, Precondition::Uid, None).await?;
        }
        Step::Attest => attest(ctx, cluster, observed, closing, record).await?,
        Step::Release => release(ctx, project).await?,
        Step::TakeInventory(_)
        | Step::AwaitAirlock(_)
        | Step::AwaitApprovals { .. }
        | Step::LegalHold
        | Step::Unexplained(_)
        | Step::AwaitVolumes(_)
        | Step::AwaitNamespace
        | Step::Done => {}
    }
    Ok(())
}

/// As the Project is now: the status was written a moment ago, so the stored one is already old.
async fn release(ctx: &Context, project: &Project) -> Result<(), ReconcileError> {
    let fresh: Option<Project> = ctx.applier.get(&ObjectKey::of(project)).await?;
    if let Some(fresh) = fresh.filter(|f| f.metadata.uid == project.metadata.uid) {
        ctx.applier
            .set_finalizer(&fresh, CLOSING_FINALIZER, false)
            .await?;
    }
    Ok(())
}

/// Bindings of ours in the project's namespace: the hub's and the people's.
fn bindings(ctx: &Context, project: &sde_core::project::Observed) -> Vec<Arc<RoleBinding>> {
    let id = project.id();
    let mut found = ctx.stores.role_bindings.of_project(&id.name);
    found.retain(|b| b.namespace() == Some(id.namespace()));
    found
}

async fn revoke(
    ctx: &Context,
    observed: &Observed,
    secrets: &[String],
) -> Result<(), ReconcileError> {
    let namespace = observed.project.id().namespace();
    for binding in bindings(ctx, &observed.project) {
        ctx.applier
            .delete(&*binding, Precondition::Uid, None)
            .await?;
    }
    for name in secrets {
        let stored = ctx
            .stores
            .secrets
            .get(&ObjectKey::namespaced(&namespace, name));
        if let Some(secret) = stored {
            ctx.applier
                .delete::<PartialObjectMeta<Secret>>(&secret, Precondition::Uid, None)
                .await?;
        }
    }
    Ok(())
}

async fn attest(
    ctx: &Context,
    cluster: &Cluster,
    observed: &Observed,
    closing: &ClosingStatus,
    name: &str,
) -> Result<(), ReconcileError> {
    let spec: DestructionRecordSpec = closing::attest(
        observed,
        closing,
        &cluster.facts,
        &ctx.keys.attestation,
        &ctx.keys.pseudonym,
    )
    .map_err(|e| ReconcileError::Invalid {
        reason: "AttestationRefused",
        message: e.to_string(),
    })?;
    let labels = observed.project.id().labels();
    let record = DestructionRecord {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec,
    };
    ctx.applier.create_once(&record).await?;
    Ok(())
}
