//! The status of a request: what its step enters and notes, and what its people read.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, ReviewProgress, ShownDecision,
};
use sde_crds::policy_airlock::AirlockPolicy;

use crate::airlock::ending::{after, ended, kept_for};
use crate::airlock::observe::{MOST_INSIDERS, Observed};
use crate::airlock::review::{Reopening, reopening, tally};
use crate::airlock::step::{Entry, Note, Step};
use crate::airlock::{receipt, serving};
use crate::approvals::short;
use crate::conditions::{Conditions, Status, types};
use crate::time;

/// The status and when to look again although nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: AirlockRequestStatus,
    /// When to look again, at the latest.
    pub look_again: Duration,
}

/// Computes the status for a step. A step that changes the phase is done by writing this.
pub fn status(observed: &Observed, step: &Step) -> Outcome {
    let previous = observed.status();
    let mut next = AirlockRequestStatus {
        observed_generation: observed.request.metadata.generation,
        insiders: insiders(observed, &previous),
        ..previous.clone()
    };
    match step {
        Step::Enter(entry) => enter(observed, &mut next, entry),
        Step::NoteContent(content) => next.content = Some(content.clone()),
        Step::MakeReceipt(due) => receipt::note(observed, &mut next, *due),
        Step::NoteDelivery(found) => serving::note(&mut next, found, observed.now),
        Step::Done if ended(next.phase) && next.content.is_some() => {
            let now = time::seconds(observed.now);
            next.chamber_gone_at.get_or_insert(now);
        }
        _ => {}
    }
    next.serving = serving::serving(observed, &next);
    // What was decided stays as it was shown.
    if !ended(next.phase) && next.phase != Phase::Released {
        next.reviews = observed
            .policy
            .as_ref()
            .and_then(|p| progress(observed, p, &next));
    }
    next.conditions = Some(conditions(observed, &previous, &next, step));
    Outcome {
        look_again: look_again(observed, &next),
        status: next,
    }
}

/// Everybody of the project, now or before; nobody is ever taken off.
fn insiders(observed: &Observed, previous: &AirlockRequestStatus) -> Option<Vec<String>> {
    let before = previous.insiders.iter().flatten().cloned();
    let now = observed
        .project
        .iter()
        .flat_map(|p| p.members.iter().cloned());
    let all: BTreeSet<String> = before.chain(now).collect();
    (!all.is_empty()).then(|| all.into_iter().take(MOST_INSIDERS).collect())
}

fn enter(observed: &Observed, next: &mut AirlockRequestStatus, entry: &Entry) {
    let left = next.phase;
    if ended(entry.phase) {
        let decided = observed
            .policy
            .as_ref()
            .map(|p| decisions(observed, p, left));
        let decided = decided.filter(|d| !d.is_empty());
        if let (Some(decided), Some(reviews)) = (decided, &mut next.reviews) {
            reviews.decisions = Some(decided);
        }
    }
    next.phase = entry.phase;
    next.reason = Some(entry.reason.to_owned());
    next.since = Some(time::seconds(observed.now));
    next.round += 1;
    next.failure = None;
    match &entry.note {
        Note::Nothing => {}
        Note::Findings(findings, signals) => {
            next.findings = Some(findings.clone());
            next.signals = (!signals.is_empty()).then(|| signals.clone());
        }
        Note::Approval(approval) => next.approval = Some(approval.clone()),
        Note::Reopened => next.reopened = true,
        Note::Failure(failure) => next.failure = Some(failure.clone()),
    }
    if left == Phase::Failed {
        next.retried = observed.spec().retries.unwrap_or(next.retried);
    }
    let days = |days: fn(&AirlockPolicy) -> i64| {
        let days = days(observed.policy.as_ref()?);
        after(observed.now, days).map(|at: Timestamp| time::seconds(at))
    };
    match entry.phase {
        Phase::Submitted => {
            next.submitted_at.get_or_insert(time::seconds(observed.now));
        }
        Phase::Scanning => {
            next.findings = None;
            next.signals = None;
            next.reopened = false;
            next.approval = None;
            next.expires_at = None;
        }
        Phase::InReview | Phase::Blocked => {
            next.approval = None;
            next.expires_at = None;
        }
        // Trying again gives no more time.
        Phase::Approved if next.expires_at.is_some() => {}
        Phase::Approved => next.expires_at = days(|p| p.approved_days),
        Phase::Released if observed.spec().direction == Direction::Import => {
            next.expires_at = None;
        }
        Phase::Released => next.expires_at = days(|p| p.released_days),
        _ => {}
    }
}

/// What the requester is told of a decision, without names.
fn decisions(observed: &Observed, policy: &AirlockPolicy, left: Phase) -> Vec<ShownDecision> {
    if left == Phase::Blocked {
        return match reopening(observed, policy) {
            Reopening::Confirmed(shown) => shown,
            Reopening::Waiting { .. } | Reopening::Reopened => Vec::new(),
        };
    }
    tally(observed, policy).shown
}

/// How far reviewing is. What was voted stays hidden; that somebody has voted does not.
fn progress(
    observed: &Observed,
    policy: &AirlockPolicy,
    next: &AirlockRequestStatus,
) -> Option<ReviewProgress> {
    next.findings.as_ref()?;
    let mut seen = observed.clone();
    seen.request.status = Some(next.clone());
    let tally = tally(&seen, policy);
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Some(ReviewProgress {
        summary: format!("{} of {}", tally.counted.len(), tally.required.people),
        needed: number(tally.required.people),
        counted: number(tally.counted.len()),
        unseen: tally.unseen,
        missing_roles: tally.missing.into_iter().collect(),
        held_by: tally.required.held_by.into_iter().collect(),
        decisions: None,
    })
}

fn conditions(
    observed: &Observed,
    previous: &AirlockRequestStatus,
    next: &AirlockRequestStatus,
    step: &Step,
) -> Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    let generation = observed.request.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    let ready = if next.phase == Phase::Released {
        Status::True
    } else {
        Status::False
    };
    let over = ended(next.phase);
    match step {
        Step::Enter(entry) => {
            conditions.set(types::READY, ready, entry.reason, entry.message.clone());
        }
        // Why it has ended stays said.
        _ if over && conditions.keep(types::READY) => {}
        Step::Wait(wait) => conditions.set(types::READY, ready, wait.reason, wait.message.clone()),
        _ => conditions.set(
            types::READY,
            ready,
            "Working",
            "The operator is at work; nobody need act.",
        ),
    }
    if over && next.content.is_some() {
        match step {
            _ if next.chamber_gone_at.is_some() => conditions.set(
                types::CHAMBER_DESTROYED,
                Status::True,
                "VolumeGone",
                "Its volume was deleted by its driver; nothing is claimed of the medium.",
            ),
            Step::Wait(wait) if wait.reason != "Kept" => conditions.set(
                types::CHAMBER_DESTROYED,
                Status::False,
                wait.reason,
                wait.message.clone(),
            ),
            _ => conditions.set(
                types::CHAMBER_DESTROYED,
                Status::False,
                "Kept",
                "What was sealed is kept for retentionDays, then destroyed.",
            ),
        }
    }
    match &next.content {
        Some(content) => {
            let digest = short(&content.digest);
            let message = format!(
                "{digest}: {} files, {} bytes.",
                content.files, content.bytes
            );
            conditions.set(types::SEALED, Status::True, "Sealed", message);
        }
        None => conditions.set(types::SEALED, Status::False, "NotSealed", "Not sealed yet."),
    }
    match &next.findings {
        Some(findings) => {
            let message = format!("{} rules matched.", findings.rules.len());
            conditions.set(types::SCANNED, Status::True, "Scanned", message);
        }
        None => conditions.set(
            types::SCANNED,
            Status::False,
            "NotScanned",
            "Not scanned, or to be scanned again.",
        ),
    }
    let approved = matches!(
        next.phase,
        Phase::Approved | Phase::Releasing | Phase::Released
    );
    match &next.reviews {
        _ if approved => conditions.set(
            types::REVIEWED,
            Status::True,
            "Approved",
            "Approved by everybody who must.",
        ),
        Some(reviews) if reviews.decisions.is_some() => conditions.set(
            types::REVIEWED,
            Status::False,
            "Refused",
            "status.reviews.decisions says why and what to do.",
        ),
        _ if over && conditions.keep(types::REVIEWED) => {}
        Some(reviews) => conditions.set(
            types::REVIEWED,
            Status::False,
            "ReviewsMissing",
            format!("{} reviews are in.", reviews.summary),
        ),
        None => conditions.set(
            types::REVIEWED,
            Status::False,
            "NotScanned",
            "Reviewed after it was scanned.",
        ),
    }
    conditions.finish()
}

fn look_again(observed: &Observed, next: &AirlockRequestStatus) -> Duration {
    let tomorrow = time::until_tomorrow(observed.now);
    let mut seconds = u64::try_from(tomorrow).unwrap_or(3600);
    let until = |at: &Time| {
        let left = at.0.duration_since(observed.now).as_secs();
        u64::try_from(left).unwrap_or(0) + 1
    };
    if let Some(at) = &next.expires_at {
        seconds = seconds.min(until(at));
    }
    if let Some(again) = serving::again(observed) {
        seconds = seconds.min(again.as_secs() + 1);
    }
    if ended(next.phase) && next.chamber_gone_at.is_none() {
        seconds = seconds.min(kept_for(observed).as_secs() + 1);
    }
    Duration::from_secs(seconds)
}
