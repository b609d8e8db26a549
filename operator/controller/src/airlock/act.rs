//! Carries out one step, on what was just read and with that as its precondition.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::ResourceExt;
use sde_core::airlock::desired::room::{CHAMBERS, INBOX, JOBS, SERVING};
use sde_core::airlock::desired::{claim, labels, uid};
use sde_core::airlock::{self, JobKind, Side, Step, Wait, Who, chamber, ending};
use sde_core::labels::ProjectId;
use sde_core::pod::View;
use sde_core::project;
use sde_core::settings::Settings;
use sde_crds::airlock_request::Direction;
use sde_crds::names::{AIRLOCK_FINALIZER, AIRLOCK_REQUEST_LABEL};
use sde_crds::policy::SdePolicySpec;
use serde_json::json;

use super::start::start;
use super::{Seen, publish, receipt, room};
use crate::apply::{ApplyError, FieldManager, Precondition};
use crate::context::Context;
use crate::key::ObjectKey;
use crate::labels::label;
use crate::project::apply::GRACE_SECONDS;
use crate::reconcile::ReconcileError;

/// How soon to look again for room, which no watch of this request tells of.
pub const TURN: Duration = Duration::from_secs(2);

/// What came of a step.
pub enum Done {
    /// It was carried out.
    Done,
    /// It cannot be yet: it is looked at again in [`TURN`].
    NotYet(Wait),
}

pub(super) fn wait(reason: &'static str, who: Who, message: &str) -> Wait {
    Wait {
        reason,
        message: message.to_owned(),
        who,
    }
}

fn turn() -> Wait {
    wait(
        "AirlockFull",
        Who::Cluster,
        "The project has as many chambers or jobs as it may at once: this request waits for its turn.",
    )
}

/// What the jobs of a project do that run on one side, as the stores show it.
fn jobs(ctx: &Context, id: &ProjectId, side: Side) -> impl Iterator<Item = JobKind> {
    let namespace = side.namespace(id);
    let pods = ctx.stores.pods.of_project(&id.name).into_iter();
    pods.filter(move |p| p.namespace().as_deref() == Some(&namespace) && !View(p).over())
        .filter_map(|p| airlock::seen::kind(View(&p)))
}

/// Whether one more job may show a chamber to reviewers.
pub fn room_to_view(ctx: &Context, id: &ProjectId) -> bool {
    let viewers = jobs(ctx, id, Side::Airlock).filter(|k| *k == JobKind::View);
    viewers.count() < usize::try_from(SERVING).unwrap_or_default()
}

/// Whether there is no room for what a step makes, as the stores show it. The quota has the last word.
pub fn full(ctx: &Context, seen: &Seen, step: &Step) -> Option<Wait> {
    let id = seen.id()?;
    let most = |most: i64| usize::try_from(most).unwrap_or_default();
    let here = |namespace: Option<String>, side: Side| namespace == Some(side.namespace(&id));
    let is_full = match step {
        // An Import is counted where it is made, and where it comes to stay.
        Step::MakeClaim(side) if *side == Side::Project || seen.volume.is_none() => {
            let claims = ctx.stores.claims.of_project(&id.name);
            let direction = seen.observed.spec().direction;
            let chambers = claims
                .iter()
                .filter(|c| here(c.namespace(), *side) && of_direction(ctx, &id, c, direction));
            chambers.count()
                >= most(if direction == Direction::Import {
                    INBOX
                } else {
                    CHAMBERS
                })
        }
        Step::StartJob { kind, side, .. } => {
            let alike = |other: JobKind| other == *kind || !(kind.serves() || other.serves());
            let running = jobs(ctx, &id, *side).filter(|k| alike(*k)).count();
            running >= most(if kind.serves() { SERVING } else { JOBS })
        }
        _ => false,
    };
    is_full.then(turn)
}

/// Whether a claim is the chamber of a request that goes that way.
fn of_direction(
    ctx: &Context,
    id: &ProjectId,
    claim: &PersistentVolumeClaim,
    direction: Direction,
) -> bool {
    let Some(request) = label(claim, AIRLOCK_REQUEST_LABEL) else {
        return false;
    };
    let key = ObjectKey::namespaced(id.namespace(), request);
    let request = ctx.stores.airlock_requests.get(&key);
    request.is_some_and(|r| r.spec.direction == direction)
}

/// Carries out one step.
pub async fn act(
    ctx: &Context,
    settings: &Settings,
    seen: &Seen,
    step: &Step,
) -> Result<Done, ReconcileError> {
    if let Some(wait) = full(ctx, seen, step) {
        return Ok(Done::NotYet(wait));
    }
    match carry_out(ctx, settings, seen, step).await {
        Err(ReconcileError::Api(ApplyError::QuotaExceeded(_))) => Ok(Done::NotYet(turn())),
        result => result,
    }
}

async fn carry_out(
    ctx: &Context,
    settings: &Settings,
    seen: &Seen,
    step: &Step,
) -> Result<Done, ReconcileError> {
    let applier = &ctx.applier;
    let request = &seen.observed.request;
    match step {
        Step::Enter(_) | Step::NoteContent(_) | Step::NoteDelivery(_) => {
            let outcome = airlock::status(&seen.observed, step);
            applier
                .apply_status_as_read(request, &outcome.status, FieldManager::Airlock)
                .await?;
            publish(ctx, request, &outcome.status);
            for signal in step.signals() {
                ctx.metrics.airlock_signal(&signal.rule);
            }
        }
        Step::MakeReceipt(due) => {
            receipt::make(ctx, seen, *due).await?;
            let outcome = airlock::status(&seen.observed, step);
            applier
                .apply_status_as_read(request, &outcome.status, FieldManager::Airlock)
                .await?;
        }
        Step::StartJob {
            kind,
            side,
            attempt,
        } => return start(ctx, settings, seen, *kind, *side, *attempt).await,
        Step::DeleteJobs => {
            let status = seen.observed.status();
            let all = ending::ended(status.phase) || seen.observed.deleted();
            for pod in &seen.pods {
                let job = airlock::seen::job(request, pod);
                let stale = job.is_none_or(|job| all || chamber::stale(&seen.observed, &job));
                if stale && !View(pod).deleting() {
                    applier
                        .delete(pod, Precondition::Uid, Some(GRACE_SECONDS))
                        .await?;
                }
            }
        }
        Step::MakeClaim(side) => make_claim(ctx, settings, seen, *side).await?,
        Step::KeepVolume => keep(ctx, seen).await?,
        Step::DeleteClaim(side) => {
            // No volume goes unseen with its claim: what was sealed outlives it, and what is destroyed is found until it is gone.
            if seen.observed.chamber.volume.is_some_and(|v| !v.kept) {
                keep(ctx, seen).await?;
            } else if let Some(claim) = seen.claim(*side) {
                applier
                    .delete(claim, Precondition::UidAndVersion, None)
                    .await?;
            }
        }
        Step::Rebind(side) => {
            if let (Some(project), Some(volume)) = (&seen.project, &seen.volume) {
                room::make(ctx, settings, project).await?;
                // Without the UID of a claim the volume is reserved for whichever claim has the name.
                let reserved = json!({
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim::name(request),
                    "namespace": side.namespace(&project.id()), "uid": null, "resourceVersion": null,
                });
                applier
                    .change_volume(volume, json!({"spec": {"claimRef": reserved}}))
                    .await?;
            }
        }
        Step::DeleteVolume => {
            if let Some(volume) = &seen.volume {
                applier
                    .change_volume(volume, given_up(seen, volume))
                    .await?;
            }
        }
        Step::Wait(_) | Step::Done => {}
    }
    Ok(Done::Done)
}

/// Found by its label from now on, and not deleted with its claim.
async fn keep(ctx: &Context, seen: &Seen) -> Result<(), ApplyError> {
    let (Some(id), Some(volume)) = (seen.id(), &seen.volume) else {
        return Ok(());
    };
    let change = json!({
        "metadata": {"labels": labels(&id, &seen.observed.request)},
        "spec": {"persistentVolumeReclaimPolicy": "Retain"},
    });
    ctx.applier.change_volume(volume, change).await
}

/// A volume that its own driver deletes: released by a claim that is gone. One that is only reserved would be kept as free, so it
/// is given the UID of a claim that never was.
fn given_up(seen: &Seen, volume: &PersistentVolume) -> serde_json::Value {
    let bound = volume.spec.as_ref().and_then(|s| s.claim_ref.as_ref());
    let mut change = json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}});
    if bound.is_none_or(|r| r.uid.is_none()) {
        change["spec"]["claimRef"] = json!({"uid": uid(&seen.observed.request)});
    }
    change
}

async fn make_claim(
    ctx: &Context,
    settings: &Settings,
    seen: &Seen,
    side: Side,
) -> Result<(), ReconcileError> {
    let request = &seen.observed.request;
    let Some((project, policy)) = with_policy(seen) else {
        return Ok(());
    };
    if side == Side::Airlock {
        room::make(ctx, settings, project).await?;
    }
    ctx.applier
        .set_finalizer(request, AIRLOCK_FINALIZER, true)
        .await?;
    let volume = seen.volume.as_ref().map(ResourceExt::name_any);
    let claim = claim::claim(
        &project.id(),
        request,
        side,
        volume.as_deref(),
        &policy.storage_class,
    );
    ctx.applier.create_once(&claim).await?;
    Ok(())
}

/// The project, and the policy, where there are both.
pub(super) fn with_policy(seen: &Seen) -> Option<(&project::Observed, &SdePolicySpec)> {
    let project = seen.project.as_ref()?;
    Some((project, project.policy.as_ref()?))
}
