//! Applies what a Project desires, stage by stage: nothing is made before the lock that locks it.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use sde_core::pod::gate_value;
use sde_core::project::Desired;
use sde_core::project::desired::Objects;
use sde_core::stage::{Applied, Prepared};
use sde_crds::names::GATE_ANNOTATION;

use crate::apply::{ApplyError, FieldManager, Precondition};
use crate::context::Context;
use crate::key::ObjectKey;

/// Grace of a pod that must go, in seconds: time to write out, no more.
pub const GRACE_SECONDS: u32 = 5;

/// Writes every stage; the next begins when the one before is done.
///
/// # Errors
/// The first write that failed; what was written stays and is found again.
pub async fn apply(
    ctx: &Context,
    desired: Desired<Prepared>,
) -> Result<Desired<Applied>, ApplyError> {
    let applier = &ctx.applier;
    let manager = FieldManager::Project;
    let Objects {
        namespace,
        network_policies,
        quota,
        limit_range,
        service_account,
        role_bindings,
        volumes,
        claims,
        pods,
        open_gates: _,
        delete_pods: _,
        delete_claims: _,
        delete_volumes: _,
    } = &*desired;
    if let Some(namespace) = namespace {
        applier.apply(namespace, manager).await?;
    }
    let policies = try_join_all(network_policies.iter().map(|p| applier.apply(p, manager)));
    let quota = try_join_all(quota.iter().map(|q| applier.apply(q, manager)));
    let limits = try_join_all(limit_range.iter().map(|l| applier.apply(l, manager)));
    let accounts = try_join_all(service_account.iter().map(|a| applier.apply(a, manager)));
    tokio::try_join!(policies, quota, limits, accounts)?;
    try_join_all(role_bindings.iter().map(|b| applier.apply(b, manager))).await?;
    let volumes = try_join_all(volumes.iter().map(|v| applier.apply(v, manager)));
    let claims = try_join_all(claims.iter().map(|c| applier.apply(c, manager)));
    tokio::try_join!(volumes, claims)?;
    try_join_all(pods.iter().map(|p| applier.create_once(p))).await?;
    Ok(desired.applied())
}

/// Opens the gates of pods whose proof the status tells of by now: were the order the other way round, a crash in
/// between would leave an open gate without a proof.
///
/// # Errors
/// The first write that failed; that gate stays shut.
pub async fn open_gates(ctx: &Context, applied: &Desired<Applied>) -> Result<(), ApplyError> {
    try_join_all(applied.open_gates.iter().map(|p| open_gate(ctx, p)))
        .await
        .map(|_| ())
}

/// Deletes what is no longer desired: pods first, then the claims and volumes they mounted.
///
/// # Errors
/// The first delete that failed.
pub async fn prune(ctx: &Context, applied: &Desired<Applied>) -> Result<(), ApplyError> {
    let applier = &ctx.applier;
    try_join_all(
        applied
            .delete_pods
            .iter()
            .map(|p| applier.delete(p, Precondition::Uid, Some(GRACE_SECONDS))),
    )
    .await?;
    try_join_all(
        applied
            .delete_claims
            .iter()
            .map(|c| applier.delete(c, Precondition::Uid, None)),
    )
    .await?;
    try_join_all(
        applied
            .delete_volumes
            .iter()
            .map(|v| applier.delete(v, Precondition::Uid, None)),
    )
    .await?;
    Ok(())
}

/// Opens a pod's gate: both halves of the proof hold for exactly this pod.
///
/// # Errors
/// When the write fails; the gate then stays shut.
pub async fn open_gate(ctx: &Context, pod: &Pod) -> Result<(), ApplyError> {
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let annotations = BTreeMap::from([(GATE_ANNOTATION.to_owned(), Some(gate_value(&uid)))]);
    match ctx.applier.annotate(pod, &annotations).await {
        // The kubelet writes the pod's status just then. The proof is of the UID, so the pod as it is now will do.
        Err(ApplyError::Conflict) => match ctx.applier.get::<Pod>(&ObjectKey::of(pod)).await? {
            Some(fresh) if fresh.metadata.uid == pod.metadata.uid => {
                ctx.applier.annotate(&fresh, &annotations).await
            }
            _ => Err(ApplyError::NotFound),
        },
        result => result,
    }
}
