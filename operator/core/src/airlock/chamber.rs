//! Where the chamber must be, and the one step that brings it nearer. A volume is reserved for one claim at a time, and the other
//! side's claim is gone before that is changed: so no pod ever finds it on both sides.

use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::FailureCause;

use crate::airlock::malware;
use crate::airlock::observe::{Claim, Job, JobKind, Observed, Outcome, Side};
use crate::airlock::serving;
use crate::airlock::step::{Step, Who};

/// What is said while a driver has not done what it was told.
pub(super) const NOT_DESTROYED: &str = "The chamber's volume was told to go and its storage driver has not finished: kubectl describe pv -l sde-operator.dev/airlock-request shows why.";

/// How often a job is tried in one round.
const ATTEMPTS: i64 = 3;

/// Where the content is sealed.
pub fn home(direction: Direction) -> Side {
    match direction {
        Direction::Import => Side::Airlock,
        Direction::Export | Direction::TransferToSde => Side::Project,
    }
}

/// Where it is handed over: an export from the airlock's side, by the door.
pub fn destination(direction: Direction) -> Side {
    home(direction).other()
}

/// Whether the request has a chamber.
pub fn exists(observed: &Observed) -> bool {
    let chamber = observed.chamber;
    chamber.volume.is_some() || chamber.project != Claim::Absent || chamber.airlock != Claim::Absent
}

/// The step that brings the chamber to `side`; none when it is there, bound and kept, or waits for its first pod.
pub fn place(observed: &Observed, side: Side) -> Option<Step> {
    let status = observed.status();
    if let Some(step) = delete(observed, |job| stale(observed, job)) {
        return Some(step);
    }
    match observed.chamber.claim(side.other()) {
        Claim::Pending | Claim::Bound | Claim::Lost => {
            return Some(Step::DeleteClaim(side.other()));
        }
        Claim::Deleting => return Some(moving()),
        Claim::Absent => {}
    }
    let claim = observed.chamber.claim(side);
    match (observed.chamber.volume, claim) {
        (_, Claim::Deleting) => Some(moving()),
        (_, Claim::Lost) => Some(Step::failed(status.phase, FailureCause::ChamberLost)),
        (None, Claim::Absent) if status.content.is_some() => {
            Some(Step::failed(status.phase, FailureCause::ChamberLost))
        }
        (None, Claim::Absent) => Some(Step::MakeClaim(side)),
        // A class may make a volume only when a pod waits for it, as one on a node's own disks must.
        (None, Claim::Pending) if status.content.is_none() => None,
        (None, _) => Some(moving()),
        (Some(volume), _) if volume.reserved_for != Some(side) => Some(Step::Rebind(side)),
        (Some(_), Claim::Absent) => Some(Step::MakeClaim(side)),
        (Some(_), Claim::Pending) => Some(moving()),
        (Some(volume), Claim::Bound) => (!volume.kept).then_some(Step::KeepVolume),
    }
}

/// The step that brings the chamber nearer to not being; none when it is gone.
pub fn destroy(observed: &Observed) -> Option<Step> {
    if let Some(step) = delete(observed, |_| true) {
        return Some(step);
    }
    for side in Side::BOTH {
        match observed.chamber.claim(side) {
            Claim::Pending | Claim::Bound | Claim::Lost => return Some(Step::DeleteClaim(side)),
            Claim::Deleting => return Some(moving()),
            Claim::Absent => {}
        }
    }
    observed.chamber.volume.map(|volume| {
        if volume.leaving {
            Step::wait("ChamberNotDestroyed", Who::Platform, NOT_DESTROYED)
        } else {
            Step::DeleteVolume
        }
    })
}

/// Whether a job is of no more use: of an earlier round, serving what nobody may have now, or a scan to be made anew.
pub fn stale(observed: &Observed, job: &Job) -> bool {
    job.round != observed.status().round
        || serving::over(observed, job)
        || malware::over(observed, job)
}

pub(super) fn delete(observed: &Observed, which: impl Fn(&Job) -> bool) -> Option<Step> {
    let mut jobs = observed.jobs.iter().filter(|j| which(j)).peekable();
    jobs.peek()?;
    if jobs.any(|j| !j.deleting) {
        Some(Step::DeleteJobs)
    } else {
        Some(moving())
    }
}

pub(super) fn moving() -> Step {
    Step::wait(
        "ChamberMoving",
        Who::Cluster,
        "The chamber is on its way: volumes and pods take a moment.",
    )
}

/// What this round's job of a kind has found.
///
/// # Errors
/// The step to take while there is no result.
pub fn result(observed: &Observed, kind: JobKind, side: Side) -> Result<Outcome, Step> {
    let status = observed.status();
    let mine = |job: &&Job| job.kind == kind && job.round == status.round;
    let last = observed
        .jobs
        .iter()
        .filter(mine)
        .max_by_key(|job| job.attempt);
    let start = |attempt| {
        Err(Step::StartJob {
            kind,
            side,
            attempt,
        })
    };
    match last.map(|job| (&job.outcome, job.attempt)) {
        None => start(1),
        Some((Outcome::Running, _)) => Err(last.and_then(|job| job.held_up.as_ref()).map_or_else(
            || {
                let message = "The agent is at work in the chamber.";
                Step::wait("JobRunning", Who::Cluster, message)
            },
            |why| Step::wait("JobHeldUp", Who::Platform, why),
        )),
        Some((Outcome::Lost, attempt)) if attempt >= ATTEMPTS => {
            Err(Step::failed(status.phase, FailureCause::JobFailed))
        }
        Some((Outcome::Lost, attempt)) => start(attempt + 1),
        Some((outcome, _)) => Ok(outcome.clone()),
    }
}
