//! Makes the airlock's namespace of a project, once a chamber is to be brought there, and keeps its lock.

use sde_core::airlock::desired::room::room;
use sde_core::airlock::{Side, ending};
use sde_core::project;
use sde_core::settings::Settings;

use super::Seen;
use crate::apply::{ApplyError, FieldManager};
use crate::context::Context;
use crate::key::ObjectKey;

/// Makes what is missing: the namespace, its lock, then what that locks.
pub async fn make(
    ctx: &Context,
    settings: &Settings,
    project: &project::Observed,
) -> Result<(), ApplyError> {
    let policy = project.policy.as_ref().and_then(|p| p.airlock.as_ref());
    let scanner = policy.and_then(|p| p.malware_scanner.as_ref());
    let room = room(&project.id(), settings, tier(project), scanner);
    let (applier, manager) = (&ctx.applier, FieldManager::Airlock);
    applier.apply(&room.namespace, manager).await?;
    let [deny, door] = &room.network_policies;
    applier.apply(deny, manager).await?;
    tokio::try_join!(
        applier.apply(door, manager),
        applier.apply(&room.quota, manager),
        applier.apply(&room.limit_range, manager),
    )?;
    applier.apply(&room.service_account, manager).await?;
    Ok(())
}

/// Repairs what drifted, where there is a namespace to repair.
pub async fn keep(ctx: &Context, settings: &Settings, seen: &Seen) -> Result<(), ApplyError> {
    let Some(project) = &seen.project else {
        return Ok(());
    };
    let name = Side::Airlock.namespace(&project.id());
    let there = ctx.stores.namespaces.get(&ObjectKey::cluster(name));
    let over = ending::ended(seen.observed.status().phase) || seen.observed.closing();
    if over || there.is_none_or(|n| n.metadata.deletion_timestamp.is_some()) {
        return Ok(());
    }
    make(ctx, settings, project).await
}

/// The tier in force: the approved one, if there is one.
pub fn tier(project: &project::Observed) -> &str {
    let status = project.project.status.as_ref();
    let approved = status.and_then(|s| s.approved.as_ref());
    approved
        .and_then(|a| a.spec["tier"].as_str())
        .unwrap_or(&project.project.spec.tier)
}
