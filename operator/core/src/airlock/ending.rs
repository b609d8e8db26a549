//! What ends a request wherever it is: its requester, its project, a revocation, time. And what is left to do once it has ended.

use std::time::Duration;

use jiff::Timestamp;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus};

use crate::airlock::chamber;
use crate::airlock::observe::{Observed, Standing};
use crate::airlock::review::said;
use crate::airlock::serving;
use crate::airlock::step::{Step, Who};
use crate::airlock::transfer;
use crate::rejection::Rejection;

/// Days for which a chamber is kept when there is no policy to say.
const RETENTION_DAYS: i64 = 30;
const DAY: u64 = 86_400;

/// Whether nothing more can come of a phase.
pub fn ended(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Rejected | Phase::Returned | Phase::Withdrawn | Phase::Revoked | Phase::Expired
    )
}

/// Whether it was approved and is not over: closing waits for it, time ends it.
fn approved(status: &AirlockRequestStatus) -> bool {
    matches!(status.phase, Phase::Approved | Phase::Releasing)
        || (status.phase == Phase::Failed && status.expires_at.is_some())
}

/// The end that has come for a request, if one has.
pub fn end(observed: &Observed) -> Option<Step> {
    let status = observed.status();
    let phase = status.phase;
    let released = phase == Phase::Released;
    let import = observed.spec().direction == Direction::Import;
    let says = |decision, role| {
        let policy = observed.policy.as_ref();
        policy.is_some_and(|p| said(observed, p, decision, role))
    };
    if (approved(&status) || released) && says(ReviewDecision::Revoke, None) {
        let message = "A reviewer or custodian has revoked it: nothing more is handed out. What was collected before is counted in status.collections.";
        return Some(Step::enter(Phase::Revoked, "Revoked", message));
    }
    if observed.spec().withdrawn && !released && phase != Phase::Blocked {
        let message =
            "Withdrawn by its requester. The chamber is kept for a while and then destroyed.";
        return Some(Step::enter(Phase::Withdrawn, "Withdrawn", message));
    }
    if observed.closing() {
        let waived = || says(ReviewDecision::Waive, Some(ReviewRole::Custodian));
        if phase == Phase::Blocked {
            let message = "The project was closed while this was blocked.";
            return Some(Step::enter(Phase::Rejected, "ClosedWhileBlocked", message));
        }
        if !approved(&status) && !released {
            let message = "The project was closed before this was decided.";
            return Some(Step::enter(Phase::Withdrawn, "ProjectClosed", message));
        }
        if released && import {
            let message = "The project is being closed: what came in goes with it.";
            return Some(Step::enter(Phase::Expired, "ProjectClosed", message));
        }
        if waived() {
            let message =
                "The project is being closed and a custodian has waived what was not collected.";
            return Some(Step::enter(Phase::Expired, "Waived", message));
        }
    }
    let over = status
        .expires_at
        .as_ref()
        .is_some_and(|at| at.0 <= observed.now);
    if over && (approved(&status) || released) {
        let message = "Its time is over. What is still needed is asked for again.";
        return Some(Step::enter(Phase::Expired, "Expired", message));
    }
    let most = observed.policy.as_ref().map(|p| p.collections);
    if released && !import && most.is_some_and(|most| status.collections >= most) {
        let message = "Collected as often as the policy allows.";
        return Some(Step::enter(Phase::Expired, "Collected", message));
    }
    None
}

/// What is left to do once a request has ended: its chamber is kept for a while, then destroyed.
pub fn afterwards(observed: &Observed) -> Step {
    // Whoever looks or collects stops at once, and what was handed out is written down first.
    if let Some(step) = serving::settle(observed).or_else(|| chamber::delete(observed, |_| true)) {
        return step;
    }
    let left = kept_for(observed);
    if !chamber::exists(observed) {
        return Step::Done;
    }
    if left > Duration::ZERO {
        let message =
            "It has ended. Its chamber is kept for as long as the policy says, then destroyed.";
        return Step::wait("Kept", Who::Cluster, message);
    }
    chamber::destroy(observed).unwrap_or(Step::Done)
}

/// How much longer the chamber of a request that has ended is kept.
pub fn kept_for(observed: &Observed) -> Duration {
    // Nothing of a project outlives it, and nobody can ask for it any more.
    if observed.closing() || observed.deleted() {
        return Duration::ZERO;
    }
    let policy = observed.policy.as_ref();
    let days = policy.map_or(RETENTION_DAYS, |p| p.retention_days);
    let since = observed.status().since.map(|t| t.0);
    let until = since.and_then(|since| after(since, days));
    until.map_or(Duration::ZERO, |until| {
        let left = until.duration_since(observed.now).as_secs();
        Duration::from_secs(u64::try_from(left).unwrap_or(0))
    })
}

/// So many days after an instant.
pub fn after(instant: Timestamp, days: i64) -> Option<Timestamp> {
    let days = u64::try_from(days).ok()?;
    instant.checked_add(Duration::from_secs(days * DAY)).ok()
}

/// Why the closing of its project must wait for a request: what was approved and may still be collected (design §8). A custodian
/// lets go of it with a review that says Waive.
pub fn delays_closing(observed: &Observed) -> Option<String> {
    let status = observed.status();
    let waits = approved(&status)
        || (status.phase == Phase::Released && observed.spec().direction != Direction::Import);
    if !waits || end(observed).is_some() {
        return None;
    }
    let name = observed.request.metadata.name.clone().unwrap_or_default();
    let until = status.expires_at.map(|t| t.0.to_string());
    let until = until.unwrap_or_else(|| "it expires".to_owned());
    Some(format!(
        "Request {name} was approved and not collected. Closing goes on once it is, or at {until}, or when a custodian waives it."
    ))
}

/// Whether `person` may collect what was released, now.
///
/// # Errors
/// Why not.
pub fn collectable(observed: &Observed, person: &str) -> Result<(), Rejection> {
    let status = observed.status();
    let no = |reason, message: &str| Err(Rejection::new(reason, message));
    if observed.spec().direction == Direction::Import || status.phase != Phase::Released {
        return no(
            "NotReleased",
            "Only an Export or a transfer that is Released can be collected.",
        );
    }
    if person != observed.spec().requester {
        return no(
            "NotYours",
            "Only its requester collects it: ask for your own.",
        );
    }
    // Time and revocation act here too, before the status says so.
    if end(observed).is_some() {
        return no(
            "Over",
            "It is revoked, expired or was collected often enough: ask again.",
        );
    }
    let project = observed.project.as_ref();
    if project.is_some_and(|p| matches!(p.standing, Standing::Shut(_))) {
        return no(
            "ProjectNotOpen",
            "The project is not open: nothing leaves it now.",
        );
    }
    if observed.spec().direction == Direction::TransferToSde {
        let refused = |project| {
            let policy = observed.policy.as_ref()?;
            Some(transfer::refused(observed, project, policy))
        };
        return match project.and_then(refused) {
            Some(None) => Ok(()),
            Some(Some(why)) => Err(why),
            None => no("AirlockPolicyMissing", "Nobody says who may receive it."),
        };
    }
    if !project.is_some_and(|p| p.receivers.contains(person)) {
        return no(
            "RequesterNotApproved",
            "Only somebody who is approved, current and has role Egress in the project may receive it: ask the custodian.",
        );
    }
    Ok(())
}
