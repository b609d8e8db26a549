//! Jobs that answer the door, and nobody else: pages for reviewers while a request is in review; what was released, once for each
//! time that its requester asks; and, before an Import is sealed, the files that its requester brings.
//!
//! Every collection that was begun is written down before its job goes, and counts as if all had been handed out when nobody can
//! say how much was.

use std::time::Duration;

use jiff::Timestamp;
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, Delivery, DeliveryOutcome, Serving, ServingKind,
};

use crate::airlock::chamber;
use crate::airlock::ending::collectable;
use crate::airlock::observe::{Delivered, Job, JobKind, Observed, Outcome, Side, Standing};
use crate::airlock::step::{Step, Who};
use crate::time;

/// Between the end of a viewer and the start of the next.
const PAUSE: Duration = Duration::from_secs(30);

/// What is found of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which it is, from 1.
    pub number: i64,
    /// What the job said; none when it said nothing.
    pub said: Option<Delivered>,
}

/// Whether a job that serves must not go on: nobody may see or have what it hands out, or it has handed it out.
pub(super) fn over(observed: &Observed, job: &Job) -> bool {
    let shut = !observed
        .project
        .as_ref()
        .is_some_and(|p| matches!(p.standing, Standing::Open | Standing::Closing));
    match job.kind {
        JobKind::Seal | JobKind::Scan | JobKind::Verify => false,
        JobKind::View => {
            shut || (job.outcome != Outcome::Running && rested(observed, job).is_zero())
        }
        JobKind::Deliver => job.attempt <= last(&observed.status()) || !may_collect(observed),
        // One that has ended stays as the mark that it was there, until the next is asked for.
        JobKind::Receive => {
            shut || (job.outcome != Outcome::Running && job.attempt < uploads(observed))
        }
    }
}

/// How much longer a viewer that broke stays as it is: one that always breaks at once is not started without pause.
fn rested(observed: &Observed, job: &Job) -> Duration {
    let left = job.ended.map_or(0, |ended| {
        let since = observed.now.duration_since(ended).as_secs();
        PAUSE.as_secs().cast_signed() - since
    });
    Duration::from_secs(u64::try_from(left).unwrap_or(0))
}

/// How long until a viewer that broke is started again; none when none has.
pub(super) fn again(observed: &Observed) -> Option<Duration> {
    let broken = viewer(observed).filter(|v| v.outcome != Outcome::Running)?;
    Some(rested(observed, broken))
}

/// How often the requester has asked to upload.
fn uploads(observed: &Observed) -> i64 {
    observed.spec().upload.unwrap_or(0)
}

fn may_collect(observed: &Observed) -> bool {
    collectable(observed, &observed.spec().requester).is_ok()
}

/// Number of the last collection that is written down, from 1.
fn last(status: &AirlockRequestStatus) -> i64 {
    let deliveries = status.deliveries.iter().flatten();
    deliveries.map(|d| d.number).max().unwrap_or(0)
}

/// The viewer of this round.
fn viewer(observed: &Observed) -> Option<&Job> {
    let round = observed.status().round;
    let mut jobs = observed.jobs.iter();
    jobs.find(|j| j.kind == JobKind::View && j.round == round)
}

/// Starts a viewer where there is none and there is room.
///
/// # Errors
/// The step to take first.
pub(super) fn show(observed: &Observed) -> Result<(), Step> {
    if !observed.room_to_view || viewer(observed).is_some() {
        return Ok(());
    }
    Err(Step::StartJob {
        kind: JobKind::View,
        side: Side::Airlock,
        attempt: 1,
    })
}

/// Why nobody can open the files of a request that is to be looked at, and who can help: nobody can approve it until they can.
pub(super) fn unseeable(observed: &Observed) -> Option<(&'static str, Who, String)> {
    match viewer(observed) {
        Some(job) if job.outcome != Outcome::Running => {
            let message = "Its files cannot be opened now: the viewer broke, and is started again in half a minute. kubectl logs of its pod shows why.";
            Some(("ViewerBroken", Who::Platform, message.to_owned()))
        }
        Some(job) => {
            let why = job.held_up.as_ref()?;
            let message = format!("Its files cannot be opened: {why}");
            Some(("JobHeldUp", Who::Platform, message))
        }
        None => {
            let message = "Its files cannot be opened yet: the project shows as many requests as it may at once, and this one waits for its turn. Decide on the others.";
            Some(("NoRoomToView", Who::Reviewers, message.to_owned()))
        }
    }
}

/// Whether a request waits for room to be shown, of which nothing that it watches tells.
pub fn waits_for_room(observed: &Observed) -> bool {
    let looked_at = matches!(observed.status().phase, Phase::InReview | Phase::Blocked);
    looked_at && !observed.room_to_view && viewer(observed).is_none()
}

/// Writes down a collection whose job has ended, or must.
pub(super) fn settle(observed: &Observed) -> Option<Step> {
    let last = last(&observed.status());
    let jobs = observed.jobs.iter();
    let jobs = jobs.filter(|j| j.kind == JobKind::Deliver && j.attempt > last);
    let job = jobs.min_by_key(|j| j.attempt)?;
    let said = match &job.outcome {
        Outcome::Delivered(said) => Some(said.clone()),
        Outcome::Running if !job.deleting && may_collect(observed) => return None,
        _ => None,
    };
    Some(Step::NoteDelivery(Found {
        number: job.attempt,
        said,
    }))
}

/// Deletes jobs that must not go on serving.
pub(super) fn stop(observed: &Observed) -> Option<Step> {
    settle(observed).or_else(|| chamber::delete(observed, |job| over(observed, job)))
}

/// The collection that is to be made ready now, if one is asked for. They are counted through, whatever was asked: so there are never
/// two at once, not even when a start comes late.
///
/// # Errors
/// Why it has to wait, or who must come for it.
pub(super) fn asked(observed: &Observed) -> Result<Option<i64>, Step> {
    let status = observed.status();
    let running = |j: &&Job| j.kind == JobKind::Deliver && j.round == status.round;
    if let Some(job) = observed.jobs.iter().find(running) {
        return Err(match (&job.serving, &job.held_up) {
            (Some(_), _) => Step::wait(
                "CollectNow",
                Who::Requester,
                "Ready for half an hour, for one download: collect it through the portal.",
            ),
            (None, Some(why)) => Step::wait("JobHeldUp", Who::Platform, why),
            (None, None) => {
                let message = "It is being made ready to be collected.";
                Step::wait("JobRunning", Who::Cluster, message)
            }
        });
    }
    let wanted = observed.spec().collect.unwrap_or(0);
    if wanted <= last(&status) {
        return Ok(None);
    }
    collectable(observed, &observed.spec().requester)
        .map_err(|why| Step::wait(why.reason, Who::Custodian, why.message))?;
    Ok(Some(last(&status) + 1))
}

/// What comes before an Import is sealed: its files.
pub(super) fn receive(observed: &Observed) -> Step {
    let (round, asked) = (observed.status().round, uploads(observed));
    let mine = |j: &&Job| j.kind == JobKind::Receive && j.round == round;
    let last = observed.jobs.iter().filter(mine).max_by_key(|j| j.attempt);
    match last {
        Some(job) if job.outcome == Outcome::Running => match (&job.serving, &job.held_up) {
            (Some(_), _) => Step::wait(
                "UploadNow",
                Who::Requester,
                "Ready for half an hour from each upload: upload the files through the portal, then set seal: true.",
            ),
            (None, Some(why)) => Step::wait("JobHeldUp", Who::Platform, why),
            (None, None) => {
                let message = "It is being made ready to take the files.";
                Step::wait("JobRunning", Who::Cluster, message)
            }
        },
        Some(job) if job.attempt >= asked => Step::wait(
            "UploadOver",
            Who::Requester,
            "What was uploaded is kept. Set seal: true if that is all, or raise spec.upload by one to upload more.",
        ),
        _ => Step::StartJob {
            kind: JobKind::Receive,
            side: Side::Airlock,
            attempt: asked,
        },
    }
}

/// Whether files were asked to be taken, or are said to be complete: before that a draft has no chamber.
pub(super) fn takes_files(observed: &Observed) -> bool {
    uploads(observed) > 0 || observed.spec().seal
}

/// What the door may reach, for the status.
pub(super) fn serving(observed: &Observed, next: &AirlockRequestStatus) -> Option<Vec<Serving>> {
    // As it is once this status is written.
    let mut then = observed.clone();
    then.request.status = Some(next.clone());
    let mut all: Vec<Serving> = then
        .jobs
        .iter()
        .filter(|j| j.round == next.round && j.outcome == Outcome::Running && !over(&then, j))
        .filter_map(|job| {
            let kind = match job.kind {
                JobKind::View => ServingKind::View,
                JobKind::Deliver => ServingKind::Deliver,
                JobKind::Receive => ServingKind::Receive,
                JobKind::Seal | JobKind::Scan | JobKind::Verify => return None,
            };
            let (at, pod) = job.serving.clone()?;
            Some(Serving { kind, at, pod })
        })
        .collect();
    all.sort_by_key(|s| s.kind);
    all.dedup_by_key(|s| s.kind);
    (!all.is_empty()).then_some(all)
}

/// Writes a collection down, once.
pub(super) fn note(next: &mut AirlockRequestStatus, found: &Found, now: Timestamp) {
    if found.number <= last(next) {
        return;
    }
    let delivery = delivery(found, now);
    next.collections += i64::from(delivery.outcome != DeliveryOutcome::NotCollected);
    next.deliveries.get_or_insert_default().push(delivery);
}

fn delivery(found: &Found, now: Timestamp) -> Delivery {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let hash = |hex: &String| format!("sha256:{hex}");
    let said = found.said.as_ref();
    Delivery {
        number: found.number,
        outcome: said.map_or(DeliveryOutcome::Unknown, outcome),
        at: time::seconds(now),
        bytes: said.map_or(0, |d| signed(d.bytes)),
        sha256: said.map(|d| hash(&d.sha256)),
        door_bytes: said.and_then(|d| d.door_bytes).map(signed),
        door_sha256: said.and_then(|d| d.door_sha256.as_ref()).map(hash),
    }
}

/// Both counts of what was handed out are believed only when they are the same (R59). A door that has said nothing may have passed on
/// less than it was given, never more.
fn outcome(said: &Delivered) -> DeliveryOutcome {
    let same =
        said.door_bytes == Some(said.bytes) && said.door_sha256.as_ref() == Some(&said.sha256);
    let more = said.door_bytes.is_some_and(|bytes| bytes > said.bytes);
    match said {
        _ if said.ticket.is_none() => DeliveryOutcome::NotCollected,
        _ if said.complete && same => DeliveryOutcome::Complete,
        _ if said.complete || more => DeliveryOutcome::Disagreed,
        _ => DeliveryOutcome::Broken,
    }
}
