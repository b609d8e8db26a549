//! Refuses facts that do not support their own outcome and claim, when an attestation is made and when it is verified.

use jiff::Timestamp;

use super::{
    Claim, DestructionFacts, Outcome,
    error::PredicateError,
    media::{Destination, Media, Method, Observed, Technique},
    step::{StepId, StepResult},
};
use crate::digest::Digest;

/// Steps that must be `done` for every outcome but `failed-partial`; `destroyed` and `destroyed-pending` need
/// [`StepId::T7`] too. The others may be `not-applicable`.
pub const REQUIRED_STEPS: [StepId; 5] =
    [StepId::T0, StepId::T1, StepId::T2, StepId::T4, StepId::T13];

pub(crate) fn check(facts: &DestructionFacts) -> Result<(), PredicateError> {
    if facts.residuals.is_empty() {
        return Err(PredicateError::NoResiduals);
    }
    let spec_digest = &facts.project.spec_digest;
    let digest = spec_digest.strip_prefix("v1:").map(str::parse::<Digest>);
    if !matches!(digest, Some(Ok(_))) {
        return Err(PredicateError::SpecDigest(spec_digest.clone()));
    }
    check_media(&facts.media)?;
    check_steps(facts)?;
    check_times(facts)?;
    for backup in &facts.copies.backups {
        if backup.deleted_at.is_some() == backup.expires_at.is_some() {
            return Err(PredicateError::BackupFate(backup.system.clone()));
        }
    }
    check_claim(facts)?;
    match facts.outcome {
        Outcome::Destroyed => {
            check_complete(facts)?;
            check_gone(facts)?;
            pending(facts).map_or(Ok(()), |what| Err(PredicateError::StillPending(what)))
        }
        Outcome::DestroyedPending => {
            check_complete(facts)?;
            check_gone(facts)?;
            pending(facts)
                .map(|_| ())
                .ok_or(PredicateError::NothingPending)
        }
        Outcome::RetainedInaccessible => {
            check_complete(facts)?;
            check_retained(facts)
        }
        Outcome::FailedPartial => Ok(()),
    }
}

fn check_claim(facts: &DestructionFacts) -> Result<(), PredicateError> {
    let (claim, supported) = (facts.claim, facts.supported_claim());
    if claim == Claim::PurgeCryptographicErase {
        return Err(PredicateError::CryptographicEraseUnproven);
    }
    // Destruction stated over a medium that is there is named as such by `check_gone`, below.
    let destroyed = matches!(
        facts.outcome,
        Outcome::Destroyed | Outcome::DestroyedPending
    );
    if destroyed {
        check_gone(facts)?;
    }
    if claim == supported {
        Ok(())
    } else {
        Err(PredicateError::ClaimUnsupported { claim, supported })
    }
}

fn check_media(media: &[Media]) -> Result<(), PredicateError> {
    for (index, medium) in media.iter().enumerate() {
        if media[..index]
            .iter()
            .any(|other| other.media_id == medium.media_id)
        {
            return Err(PredicateError::DuplicateMedium(medium.media_id.clone()));
        }
        let deleted = medium.method == Method::SelectiveDeletion
            && !matches!(medium.technique, Technique::AccessRemoval | Technique::None);
        let why = match medium.verification.result {
            Observed::Gone if !deleted => "gone, but nothing deleted it",
            Observed::Gone if medium.finished_at.is_none() => {
                "gone, but no time at which its deletion ended"
            }
            Observed::Gone if medium.destination != Destination::Released => {
                "gone, but not released"
            }
            Observed::Inaccessible if medium.technique != Technique::AccessRemoval => {
                "inaccessible, but access was not what was removed"
            }
            Observed::Inaccessible if medium.method != Method::None => {
                "inaccessible, but it was deleted"
            }
            Observed::Inaccessible if medium.destination != Destination::Retained => {
                "inaccessible, but not retained"
            }
            Observed::Gone | Observed::Inaccessible
                if medium.verification.evidence_digests.is_empty() =>
            {
                "verified without evidence"
            }
            Observed::Present | Observed::Unknown
                if medium.destination == Destination::Released =>
            {
                "released, but not observed gone"
            }
            _ => continue,
        };
        return Err(PredicateError::Medium {
            id: medium.media_id.clone(),
            why,
        });
    }
    Ok(())
}

fn check_steps(facts: &DestructionFacts) -> Result<(), PredicateError> {
    for pair in facts.steps.windows(2) {
        if pair[0].id >= pair[1].id {
            return Err(PredicateError::StepOrder(pair[1].id));
        }
    }
    if facts
        .steps
        .iter()
        .any(|step| step.id == StepId::T14 && step.result == StepResult::Done)
    {
        return Err(PredicateError::AlreadyValidated);
    }
    Ok(())
}

fn check_times(facts: &DestructionFacts) -> Result<(), PredicateError> {
    let (times, issued) = (&facts.times, facts.times.issued);
    let named = [
        ("times.closureRequested", Some(times.closure_requested)),
        ("times.accessRevoked", times.access_revoked),
        ("times.inventoryFrozen", times.inventory_frozen),
        ("times.volumesDeleted", times.volumes_deleted),
        ("times.namespaceGone", times.namespace_gone),
        ("project.approvedAt", facts.project.approved_at),
        ("project.closedAt", Some(facts.project.closed_at)),
        ("access.tokensRevokedAt", facts.access.tokens_revoked_at),
        ("access.lastDataAccessAt", facts.access.last_data_access_at),
    ];
    let named = named.into_iter().map(|(name, at)| (name.to_owned(), at));
    let steps = facts.steps.iter().flat_map(|step| {
        [
            (format!("step {} startedAt", step.id), step.started_at),
            (format!("step {} endedAt", step.id), step.ended_at),
        ]
    });
    let media = facts
        .media
        .iter()
        .map(|m| (format!("medium {} finishedAt", m.media_id), m.finished_at));
    let backups = facts
        .copies
        .backups
        .iter()
        .map(|b| (format!("backup {} deletedAt", b.system), b.deleted_at));
    let late = |at: Option<Timestamp>| at.is_some_and(|at| at > issued);
    match named
        .chain(steps)
        .chain(media)
        .chain(backups)
        .find(|(_, at)| late(*at))
    {
        Some((what, _)) => Err(PredicateError::TimeAfterIssue { what }),
        None => Ok(()),
    }
}

/// What every outcome but `failed-partial` needs.
fn check_complete(facts: &DestructionFacts) -> Result<(), PredicateError> {
    let outcome = facts.outcome;
    let destroyed = outcome != Outcome::RetainedInaccessible;
    for step in facts.steps.iter().filter(|step| step.id != StepId::T14) {
        if matches!(step.result, StepResult::Failed | StepResult::NotReached) {
            return Err(PredicateError::StepUnfinished {
                outcome,
                step: step.id,
                result: step.result,
            });
        }
    }
    let deletion = destroyed.then_some(StepId::T7);
    for step in REQUIRED_STEPS.into_iter().chain(deletion) {
        if !facts
            .steps
            .iter()
            .any(|s| s.id == step && s.result == StepResult::Done)
        {
            return Err(PredicateError::StepMissing { outcome, step });
        }
    }
    let times = &facts.times;
    let needed = [
        ("accessRevoked", times.access_revoked.is_some()),
        ("inventoryFrozen", times.inventory_frozen.is_some()),
        ("namespaceGone", times.namespace_gone.is_some()),
        (
            "volumesDeleted",
            times.volumes_deleted.is_some() || !destroyed,
        ),
    ];
    if let Some((time, _)) = needed.into_iter().find(|(_, there)| !there) {
        return Err(PredicateError::TimeMissing { outcome, time });
    }
    match facts.airlock.open_requests {
        0 => Ok(()),
        open => Err(PredicateError::AirlockOpen { outcome, open }),
    }
}

fn check_gone(facts: &DestructionFacts) -> Result<(), PredicateError> {
    let outcome = facts.outcome;
    if let Some(medium) = facts
        .media
        .iter()
        .find(|m| m.verification.result != Observed::Gone)
    {
        let (id, observed) = (medium.media_id.clone(), medium.verification.result);
        return Err(PredicateError::NotGone {
            outcome,
            id,
            observed,
        });
    }
    match facts
        .copies
        .snapshots
        .iter()
        .find(|snapshot| !snapshot.gone)
    {
        Some(snapshot) => Err(PredicateError::SnapshotExists {
            outcome,
            uid: snapshot.object_uid.clone(),
        }),
        None => Ok(()),
    }
}

fn check_retained(facts: &DestructionFacts) -> Result<(), PredicateError> {
    let kept = |uid: &str| facts.media.iter().any(|m| m.object_uid == uid);
    if let Some(snapshot) = facts
        .copies
        .snapshots
        .iter()
        .find(|s| !s.gone && !kept(&s.object_uid))
    {
        let (outcome, uid) = (facts.outcome, snapshot.object_uid.clone());
        return Err(PredicateError::SnapshotExists { outcome, uid });
    }
    match facts.supported_claim() {
        Claim::Inaccessible => Ok(()),
        Claim::None => Err(PredicateError::ClaimUnsupported {
            claim: facts.claim,
            supported: Claim::None,
        }),
        Claim::DeleteOnly | Claim::PurgeCryptographicErase => Err(PredicateError::NothingRetained),
    }
}

/// The first recorded thing that outlives this attestation by its own schedule.
fn pending(facts: &DestructionFacts) -> Option<String> {
    let backups = facts
        .copies
        .backups
        .iter()
        .map(|b| (format!("backup {}", b.system), b.expires_at));
    let residuals = facts
        .residuals
        .iter()
        .map(|r| (format!("residual {}", r.class), r.expires_at));
    let parties = facts.copies.third_party_sdes.iter();
    let unconfirmed = parties.filter(|p| p.confirmation_digest.is_none());
    backups
        .chain(residuals)
        .find(|(_, at)| at.is_some_and(|at| at > facts.times.issued))
        .map(|(what, _)| what)
        .or_else(|| {
            let mut named = unconfirmed.map(|p| format!("environment {}", p.name));
            named.next()
        })
}
