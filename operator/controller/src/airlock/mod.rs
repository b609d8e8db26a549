//! The AirlockRequest controller: carries out the steps that core's machine names, each decided on a live reading and written with
//! what was read as its precondition.

mod act;
mod observe;
mod phases;
mod prove;
mod receipt;
mod room;
mod start;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use sde_core::airlock::{self, Step};
use sde_core::conditions::{find, types};
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus};
use sde_crds::names::AIRLOCK_FINALIZER;

pub use self::observe::{Seen, stored};
pub use self::phases::phases;
use crate::apply::{ApplyError, FieldManager, Outcome};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::events::Severity;
use crate::key::ObjectKey;
use crate::reconcile::{Action, Reconcile, ReconcileError};

/// Steps of one reconcile: more than any way between two waits has.
const STEPS: usize = 12;
/// How soon to look again after somebody else wrote first.
const AGAIN: Duration = Duration::from_millis(250);

/// The AirlockRequest controller.
pub struct AirlockController {
    /// What is known of the cluster.
    pub cluster: Arc<Cluster>,
}

impl Reconcile for AirlockController {
    const NAME: &'static str = "airlock";
    type Kind = AirlockRequest;

    async fn reconcile(
        &self,
        ctx: &Context,
        request: Arc<AirlockRequest>,
    ) -> Result<Action, ReconcileError> {
        match self.steps(ctx, &request).await {
            // What was decided on is no longer so, or the store was behind: decided anew.
            Err(ReconcileError::Api(ApplyError::Conflict)) => Ok(Action::After(AGAIN)),
            result => result,
        }
    }
}

impl AirlockController {
    async fn steps(
        &self,
        ctx: &Context,
        request: &Arc<AirlockRequest>,
    ) -> Result<Action, ReconcileError> {
        let seen = stored(ctx, request).await;
        let step = airlock::next(&seen.observed);
        if !step.acts() && !seen.misses_volume() {
            return self.rest(ctx, &seen, &step).await;
        }
        // As the stores show it: waiting for a turn asks the API server for nothing.
        if let Some(wait) = act::full(ctx, &seen, &step) {
            self.rest(ctx, &seen, &Step::Wait(wait)).await?;
            return Ok(Action::After(act::TURN));
        }
        let key = ObjectKey::of(&**request);
        for _ in 0..STEPS {
            let Some(seen) = observe::live(ctx, &key).await? else {
                return Ok(Action::Resync);
            };
            let step = airlock::next(&seen.observed);
            if !step.acts() {
                return self.rest(ctx, &seen, &step).await;
            }
            match act::act(ctx, &self.cluster.settings, &seen, &step).await? {
                act::Done::Done => {}
                act::Done::NotYet(wait) => {
                    self.rest(ctx, &seen, &Step::Wait(wait)).await?;
                    return Ok(Action::After(act::TURN));
                }
            }
        }
        Ok(Action::After(AGAIN))
    }

    /// Nothing to do but to say so, to keep the lock of the airlock's namespace, and to open gates.
    async fn rest(
        &self,
        ctx: &Context,
        seen: &Seen,
        step: &Step,
    ) -> Result<Action, ReconcileError> {
        let request = &seen.observed.request;
        let outcome = airlock::status(&seen.observed, step);
        let written = ctx
            .applier
            .apply_status_as_read(request, &outcome.status, FieldManager::Airlock)
            .await?;
        publish(ctx, request, &outcome.status);
        // Whoever waits for the chamber to be gone reads of it in the status first.
        if *step == Step::Done && written == Outcome::Noop {
            ctx.applier
                .set_finalizer(request, AIRLOCK_FINALIZER, false)
                .await?;
        }
        room::keep(ctx, &self.cluster.settings, seen).await?;
        let unproven = prove::gates(ctx, seen).await?;
        let mut after = outcome.look_again;
        if unproven {
            after = after.min(prove::AGAIN);
        }
        if airlock::serving::waits_for_room(&seen.observed) {
            after = after.min(act::TURN);
        }
        Ok(Action::After(after))
    }
}

/// Tells of a phase, or a reason, that is new.
fn publish(ctx: &Context, request: &AirlockRequest, status: &AirlockRequestStatus) {
    let ready = |status: &AirlockRequestStatus| {
        let ready = find(
            status.conditions.as_deref().unwrap_or_default(),
            types::READY,
        )?;
        Some((ready.reason.clone(), ready.message.clone()))
    };
    let before = request.status.as_ref();
    let Some((reason, message)) = ready(status) else {
        return;
    };
    if before.map(|b| b.phase) == Some(status.phase) {
        return;
    }
    let bad = matches!(
        status.phase,
        AirlockPhase::Failed | AirlockPhase::Blocked | AirlockPhase::Rejected
    );
    let severity = if bad {
        Severity::Warning
    } else {
        Severity::Normal
    };
    tracing::info!(request = request.name_any(), phase = %status.phase, reason, "airlock");
    ctx.events
        .publish(request, severity, "Reconcile", &reason, &message);
}
