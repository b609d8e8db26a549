//! What comes next in each phase of a request that goes on.

use std::collections::BTreeSet;

use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{
    AirlockPhase as Phase, Failure, FailureCause, Findings, ReleaseApproval, Severity,
};
use sde_crds::policy_airlock::AirlockPolicy;

use crate::airlock::chamber::{destination, home, moving, place, result};
use crate::airlock::declared;
use crate::airlock::history;
use crate::airlock::malware;
use crate::airlock::observe::{JobKind, Observed, Outcome, Project, Side};
use crate::airlock::review::{Reopening, Tally, Verdict, policy_digest, reopening, tally};
use crate::airlock::reviewing::lacking;
use crate::airlock::serving;
use crate::airlock::step::{Note, Step, Who, broken};
use crate::airlock::transfer;
use crate::approvals::short;

pub(super) fn step(
    observed: &Observed,
    project: &Project,
    policy: &AirlockPolicy,
    phase: Phase,
) -> Step {
    let done = match phase {
        Phase::Draft => draft(observed, project, policy),
        Phase::Sealing => sealing(observed),
        Phase::Submitted => submitted(observed),
        Phase::Scanning => scanning(observed, policy),
        Phase::InReview => in_review(observed, policy),
        Phase::Blocked => blocked(observed, policy),
        Phase::Approved => approved(observed, project, policy),
        Phase::Releasing => releasing(observed, project, policy),
        Phase::Released => released(observed),
        Phase::Failed => failed(observed, policy),
        Phase::Rejected | Phase::Returned | Phase::Withdrawn | Phase::Revoked | Phase::Expired => {
            Ok(Step::Done)
        }
    };
    done.unwrap_or_else(|first| first)
}

/// A step, or one that must come before it.
type First = Result<Step, Step>;

fn at(observed: &Observed, side: Side) -> Result<(), Step> {
    place(observed, side).map_or(Ok(()), Err)
}

fn draft(observed: &Observed, project: &Project, policy: &AirlockPolicy) -> First {
    asks(observed, project, policy)?;
    let import = observed.spec().direction == Direction::Import;
    if import && !serving::takes_files(observed) {
        let message = "A draft: raise spec.upload by one to upload the files through the portal.";
        return Err(Step::wait("UploadFiles", Who::Requester, message));
    }
    if import {
        at(observed, Side::Airlock)?;
    }
    if !observed.spec().seal {
        return Err(if import {
            serving::receive(observed)
        } else {
            let message = "A draft: set seal: true once the folder is complete.";
            Step::wait("NotSealed", Who::Requester, message)
        });
    }
    Ok(Step::enter(
        Phase::Sealing,
        "Sealing",
        "The folder is being copied.",
    ))
}

/// Whether the requester may have this cross.
fn asks(observed: &Observed, project: &Project, policy: &AirlockPolicy) -> Result<(), Step> {
    let spec = observed.spec();
    let asker = &spec.requester;
    let no = |reason, message: String| Err(Step::wait(reason, Who::Custodian, message));
    match spec.direction {
        Direction::Export if !project.receivers.contains(asker) => no(
            "RequesterNotApproved",
            format!(
                "{asker} is not somebody of this Project who is approved, current and has role Egress: the custodian must say so."
            ),
        ),
        Direction::Import if !project.requesters.contains(asker) => no(
            "RequesterNotApproved",
            format!(
                "{asker} is not a Researcher of this Project who is approved and current: the custodian must say so."
            ),
        ),
        Direction::TransferToSde => transfer::refused(observed, project, policy)
            .map_or(Ok(()), |why| no(why.reason, why.message)),
        _ => Ok(()),
    }
}

fn sealing(observed: &Observed) -> First {
    let status = observed.status();
    let side = home(observed.spec().direction);
    let Some(content) = &status.content else {
        at(observed, side)?;
        return Ok(match result(observed, JobKind::Seal, side)? {
            // Read before the volume was there: it is kept first.
            Outcome::Sealed(_) if observed.chamber.volume.is_none() => moving(),
            Outcome::Sealed(content) => Step::NoteContent(content),
            _ => Step::failed(Phase::Sealing, FailureCause::FolderRefused),
        });
    };
    let problems = declared::problems(observed.spec(), content.files);
    let said = problems.join("; ");
    match &observed.spec().confirmed_digest {
        // The API server lets no other digest in.
        Some(digest) if *digest == content.digest && problems.is_empty() => Ok(Step::enter(
            Phase::Submitted,
            "Submitted",
            "Confirmed by its requester.",
        )),
        Some(digest) if *digest == content.digest => Ok(Step::enter(
            Phase::Returned,
            "NotDeclared",
            format!("Every file must be declared exactly once: {said}. Make another request."),
        )),
        _ => {
            let digest = short(&content.digest);
            let also = if said.is_empty() {
                said
            } else {
                format!(" Before that, declare every file exactly once: {said}.")
            };
            let message = format!(
                "Sealed: {} files, {} bytes. Look at what was sealed and set confirmedDigest to status.content.digest ({digest}).{also}",
                content.files, content.bytes
            );
            Err(Step::wait("ConfirmContent", Who::Requester, message))
        }
    }
}

fn submitted(observed: &Observed) -> First {
    at(observed, Side::Airlock)?;
    Ok(Step::enter(
        Phase::Scanning,
        "Scanning",
        "Being scanned, without network.",
    ))
}

/// Scans again: what was found, and with it every review, counts no more.
fn rescan() -> Step {
    Step::enter(
        Phase::Scanning,
        "PolicyChanged",
        "The airlock's policy has changed: it is scanned and reviewed anew.",
    )
}

fn scanning(observed: &Observed, policy: &AirlockPolicy) -> First {
    at(observed, Side::Airlock)?;
    malware::answered(observed)?;
    let Outcome::Scanned(mut findings) = result(observed, JobKind::Scan, Side::Airlock)? else {
        return Ok(Step::failed(Phase::Scanning, FailureCause::JobFailed));
    };
    let content = observed.status().content.map(|c| c.digest);
    if content.as_ref() != Some(&findings.content_digest) {
        return Ok(Step::failed(Phase::Scanning, FailureCause::ContentChanged));
    }
    if findings.policy_digest != policy_digest(policy) {
        return Ok(rescan());
    }
    let found = || findings.rules.iter().map(|f| (f.rule.as_str(), f.severity));
    let blocking = named(found(), |s| s == Severity::Block);
    let signals = history::signals(observed);
    let stands_out = signals.iter().map(|s| (s.rule.as_str(), s.severity));
    let held = named(found().chain(stands_out), |s| {
        s == Severity::Hold || s == Severity::HoldSenior
    });
    findings.digest = history::bound(&findings.digest, &signals);
    let note = Note::Findings(findings, signals);
    Ok(if !blocking.is_empty() {
        let message = format!(
            "{blocking} forbids it. Two custodians can reopen it, unless what was found is certain."
        );
        Step::noting(Phase::Blocked, "Blocked", message, note)
    } else if held.is_empty() {
        Step::noting(
            Phase::InReview,
            "InReview",
            "Nothing was found that holds it.",
            note,
        )
    } else {
        let message = format!("Held by {held}: every approval must answer for it.");
        Step::noting(Phase::InReview, "Held", message, note)
    })
}

/// Rules of one kind of severity, each once, for a sentence.
fn named<'a>(
    rules: impl Iterator<Item = (&'a str, Severity)>,
    which: impl Fn(Severity) -> bool,
) -> String {
    let rules: BTreeSet<&str> = rules.filter(|(_, s)| which(*s)).map(|(r, _)| r).collect();
    rules.into_iter().collect::<Vec<_>>().join(", ")
}

/// What the reviews amount to, for findings that were made under the policy of now.
fn judged(observed: &Observed, policy: &AirlockPolicy) -> Result<(Tally, Findings), Step> {
    let current = policy_digest(policy);
    let findings = observed.status().findings;
    let Some(findings) = findings.filter(|f| f.policy_digest == current) else {
        return Err(rescan());
    };
    let tally = tally(observed, policy);
    match tally.verdict {
        Verdict::Rejected => Err(Step::enter(
            Phase::Rejected,
            "Rejected",
            "A reviewer refuses it: status.reviews.decisions says why and what to do.",
        )),
        Verdict::Returned => Err(Step::enter(
            Phase::Returned,
            "Returned",
            "Returned: status.reviews.decisions says what to change. Make another request that supersedes this one.",
        )),
        Verdict::Waiting | Verdict::Approved => Ok((tally, findings)),
    }
}

fn in_review(observed: &Observed, policy: &AirlockPolicy) -> First {
    at(observed, Side::Airlock)?;
    let (tally, _) = judged(observed, policy)?;
    if tally.verdict == Verdict::Approved {
        return Ok(Step::enter(
            Phase::Approved,
            "Approved",
            "Approved by everybody who must.",
        ));
    }
    serving::show(observed)?;
    let (have, need) = (tally.counted.len(), tally.required.people);
    if tally.eligible < need {
        return Err(Step::wait(
            "TooFewReviewers",
            Who::Platform,
            format!(
                "Needs {need} reviewers who are neither its requester nor of the Project, and the SdePolicy names {}.",
                tally.eligible
            ),
        ));
    }
    let roles: Vec<String> = tally.missing.iter().map(ToString::to_string).collect();
    let as_whom = if roles.is_empty() {
        String::new()
    } else {
        format!(" One must decide as {}.", roles.join(", one as "))
    };
    let held: Vec<String> = tally.required.held_by.into_iter().collect();
    let answer = if held.is_empty() {
        String::new()
    } else {
        format!(" Every approval must answer for {}.", held.join(", "))
    };
    let unseen = lacking(tally.unseen).map_or_else(String::new, |lacking| {
        format!(" {lacking}. Open every file in the viewer and approve again, with the code that its list of files shows then.")
    });
    let message = format!(
        "{have} of {need} reviews are in.{as_whom}{answer}{unseen} Votes are shown when all are."
    );
    Err(match serving::unseeable(observed) {
        Some((reason, who, why)) => Step::wait(reason, who, format!("{why} {message}")),
        None => Step::wait("ReviewsMissing", Who::Reviewers, message),
    })
}

fn blocked(observed: &Observed, policy: &AirlockPolicy) -> First {
    at(observed, Side::Airlock)?;
    let status = observed.status();
    let findings = status.findings.iter().flat_map(|f| &f.rules);
    let certain = findings
        .filter(|f| f.severity == Severity::Block)
        .any(|f| f.certain);
    let (reason, message) = match reopening(observed, policy) {
        Reopening::Confirmed(_) => {
            return Ok(Step::enter(
                Phase::Rejected,
                "BlockConfirmed",
                "A custodian has confirmed the block: status.reviews.decisions says why.",
            ));
        }
        _ if certain => (
            "IndividualLevelData",
            "What blocks it is certain (individual-level data, or a transfer that is not encrypted), and it is never released. A custodian signs it off with a review that says Reject.".to_owned(),
        ),
        Reopening::Reopened => {
            return Ok(Step::noting(
                Phase::InReview,
                "Reopened",
                "Reopened by custodians: a senior reviewer must decide, and every approval answers for what blocked it.",
                Note::Reopened,
            ));
        }
        Reopening::Waiting { have, need } => (
            "Blocked",
            format!(
                "Blocked: status.findings says by which rules. {have} of {need} custodians have reopened it. Make another request without what was found, or ask them."
            ),
        ),
    };
    serving::show(observed)?;
    let seeable =
        serving::unseeable(observed).map_or_else(String::new, |(.., why)| format!(" {why}"));
    Ok(Step::wait(
        reason,
        Who::Custodian,
        format!("{message}{seeable}"),
    ))
}

/// Whether what was approved still is, at this moment.
fn still(observed: &Observed, policy: &AirlockPolicy) -> Result<(Tally, Findings), Step> {
    let judged = judged(observed, policy)?;
    if judged.0.verdict == Verdict::Approved {
        return Ok(judged);
    }
    Err(Step::enter(
        Phase::InReview,
        "ApprovalLapsed",
        "A review that it was approved by counts no more: it is reviewed again.",
    ))
}

/// On what it is released: what the reviews of this moment amount to.
fn approval((tally, findings): (Tally, Findings)) -> Note {
    Note::Approval(ReleaseApproval {
        content_digest: findings.content_digest,
        findings_digest: findings.digest,
        policy_digest: findings.policy_digest,
        reviews: tally.uids.into_iter().collect(),
    })
}

fn approved(observed: &Observed, project: &Project, policy: &AirlockPolicy) -> First {
    let agreed = still(observed, policy)?;
    asks(observed, project, policy)?;
    Ok(Step::noting(
        Phase::Releasing,
        "Releasing",
        "Every hash is being recomputed.",
        approval(agreed),
    ))
}

fn releasing(observed: &Observed, project: &Project, policy: &AirlockPolicy) -> First {
    let agreed = still(observed, policy)?;
    asks(observed, project, policy)?;
    let side = destination(observed.spec().direction);
    at(observed, side)?;
    let found = result(observed, JobKind::Verify, side)?;
    let sealed = observed.status().content.map(|c| c.digest);
    Ok(match found {
        Outcome::Verified(digest) if Some(&digest) == sealed.as_ref() => Step::noting(
            Phase::Released,
            "Released",
            "Released: exactly what was reviewed.",
            approval(agreed),
        ),
        _ => Step::failed(Phase::Releasing, FailureCause::ContentChanged),
    })
}

fn released(observed: &Observed) -> First {
    if observed.spec().direction == Direction::Import {
        let name = observed.request.metadata.name.clone().unwrap_or_default();
        let message = format!(
            "In /inbox/{name} of its requester's workspaces from their next start, read-only."
        );
        return Ok(Step::wait("InInbox", Who::Requester, message));
    }
    if let Some(step) = serving::settle(observed).or_else(|| serving::stop(observed)) {
        return Ok(step);
    }
    let Some(number) = serving::asked(observed)? else {
        let message = "May be collected until status.expiresAt: through the portal, or raise spec.collect by one.";
        return Ok(Step::wait("NotCollected", Who::Requester, message));
    };
    at(observed, Side::Airlock)?;
    Ok(Step::StartJob {
        kind: JobKind::Deliver,
        side: Side::Airlock,
        attempt: number,
    })
}

fn failed(observed: &Observed, policy: &AirlockPolicy) -> First {
    let status = observed.status();
    let failure = status.failure.unwrap_or(Failure {
        phase: Phase::Draft,
        cause: FailureCause::JobFailed,
    });
    if observed.spec().retries.unwrap_or(0) <= status.retried {
        let (reason, message) = broken(failure.cause);
        return Err(Step::wait(reason, Who::Requester, message));
    }
    if failure.phase == Phase::Approved {
        still(observed, policy)?;
    }
    Ok(Step::enter(failure.phase, "Retried", "Tried again."))
}
