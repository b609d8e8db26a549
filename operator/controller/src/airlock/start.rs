//! Starts a job: its task, and where its pod must run.

use k8s_openapi::api::core::v1::{NodeSelector, PersistentVolume, Pod};
use kube::ResourceExt;
use sde_core::airlock::desired::pod::{Work, node, pod};
use sde_core::airlock::desired::{claim, uid};
use sde_core::airlock::task::{DoorTask, Task, ViewingTask};
use sde_core::airlock::transfer::{self, TransferTask};
use sde_core::airlock::{JobKind, Side, Who};
use sde_core::labels::home_claim;
use sde_core::placement;
use sde_core::pod::View;
use sde_core::project::{self, standing};
use sde_core::settings::Settings;
use sde_core::targets::targets;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::dataset::DatasetSpec;
use sde_crds::project::DatasetGrant;

use super::act::{Done, wait, with_policy};
use super::{Seen, room};
use crate::context::Context;
use crate::key::ObjectKey;
use crate::project::observe;
use crate::reconcile::ReconcileError;

/// Makes the pod of one job.
pub async fn start(
    ctx: &Context,
    settings: &Settings,
    seen: &Seen,
    kind: JobKind,
    side: Side,
    attempt: i64,
) -> Result<Done, ReconcileError> {
    let request = &seen.observed.request;
    let Some((project, policy)) = with_policy(seen) else {
        return Ok(Done::Done);
    };
    let Some(rules) = &policy.airlock else {
        return Ok(Done::Done);
    };
    let id = project.id();
    let Some(sentinel) = observe::sentinel(ctx).await else {
        return Ok(Done::NotYet(wait(
            "SentinelAbsent",
            Who::Platform,
            "The sentinel does not answer, so no job's lock can be proven: kubectl sde doctor.",
        )));
    };
    if side == Side::Airlock {
        room::make(ctx, settings, project).await?;
    }
    let neighbours = standing::neighbours(&project.pods);
    let targets = targets(settings, &policy.probe, &sentinel, &neighbours);
    let door = kind.serves().then(|| DoorTask {
        keys: ctx.keys.tickets.clone(),
        project: id.name.clone(),
        request: request.name_any(),
        content: content(seen),
        requester: request.spec.requester.clone(),
    });
    let task = Task::new(
        kind,
        &uid(request),
        &request.spec,
        rules,
        claim::max_bytes(request.spec.direction),
        door,
    );
    let task = task.with_viewing((kind == JobKind::View).then(|| ViewingTask {
        key: ctx.keys.viewing.of(&uid(request)),
        findings: findings(seen),
        signals: seen.observed.status().signals.unwrap_or_default(),
    }));
    let taken = taken(project, request, kind);
    let task = task.with_transfer(taken.as_ref().and_then(|(grant, dataset)| {
        Some(TransferTask {
            manifest: grant
                .sub_paths
                .is_none()
                .then(|| dataset.manifest_digest.clone()),
            keys: transfer::keys(&seen.observed)?.clone(),
        })
    }));
    let known_again = kind == JobKind::Seal && request.spec.direction != Direction::TransferToSde;
    let project_uid = project.project.metadata.uid.as_deref();
    let task = task.with_fingerprints(
        project_uid
            .filter(|_| known_again)
            .map(|uid| ctx.keys.viewing.fingerprints(uid)),
    );
    let work = Work {
        request,
        side,
        round: seen.observed.status().round,
        attempt,
        task: &task,
        placement: placement::of_tier(policy, room::tier(project)),
        scanner: rules
            .malware_scanner
            .as_ref()
            .filter(|_| task.malware.is_some()),
        data: taken.as_ref().map(|(grant, dataset)| (grant, dataset)),
        beside: beside(ctx, project, request, kind).await?,
    };
    let pod = pod(&id, settings, &sentinel, &targets, &work);
    ctx.applier.create_once(&pod).await?;
    Ok(Done::Done)
}

/// The grant that a transfer's Seal takes, as it is in force.
fn taken(
    project: &project::Observed,
    request: &AirlockRequest,
    kind: JobKind,
) -> Option<(DatasetGrant, DatasetSpec)> {
    let transfer = request.spec.transfer.as_ref();
    let transfer = transfer.filter(|_| kind == JobKind::Seal)?;
    let project::State::Open(open) = project::validate(project).state else {
        return None;
    };
    let mut grants = open.grants.into_iter();
    grants.find(|(grant, _)| grant.name == transfer.grant)
}

/// Digest of what was sealed.
fn content(seen: &Seen) -> String {
    let content = seen.observed.status().content;
    content.map(|c| c.digest).unwrap_or_default()
}

/// Digest of what was found in it.
fn findings(seen: &Seen) -> String {
    let findings = seen.observed.status().findings;
    findings.map(|f| f.digest).unwrap_or_default()
}

/// Where a job must run so that what it makes can be reached beside the requester's home: where the home is mounted, when it is to
/// be read; else, for the chamber of an Import, where the home's volume is, if that is bound to nodes.
async fn beside(
    ctx: &Context,
    project: &project::Observed,
    request: &AirlockRequest,
    kind: JobKind,
) -> Result<Option<NodeSelector>, ReconcileError> {
    let home = home_claim(&request.spec.requester);
    let export = request.spec.direction != Direction::Import;
    match kind {
        JobKind::Seal if export => Ok(mounted_on(&project.pods, &home).map(|n| node(&n))),
        JobKind::Seal | JobKind::Receive => {
            let key = ObjectKey::namespaced(project.id().namespace(), home);
            let home = ctx.stores.claims.get(&key);
            let Some(volume) = home.and_then(|c| c.spec.as_ref()?.volume_name.clone()) else {
                return Ok(None);
            };
            let volume: Option<PersistentVolume> =
                ctx.applier.get(&ObjectKey::cluster(volume)).await?;
            let spec = volume.and_then(|v| v.spec);
            Ok(spec.and_then(|s| s.node_affinity).and_then(|a| a.required))
        }
        _ => Ok(None),
    }
}

/// The node on which a pod has a claim mounted.
fn mounted_on(pods: &[Pod], claim: &str) -> Option<String> {
    let mounts = |pod: &&Pod| {
        let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
        let mut claims = volumes.filter_map(|v| v.persistent_volume_claim.as_ref());
        !View(pod).over() && claims.any(|c| c.claim_name == claim)
    };
    View(pods.iter().find(mounts)?).node().map(str::to_owned)
}
