//! Facts that do not support their own outcome and claim never become a predicate.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::{at, evidence, facts, medium};
use sde_evidence::*;

fn refusal(change: impl FnOnce(&mut DestructionFacts)) -> PredicateError {
    let mut facts = facts();
    change(&mut facts);
    let (_, reference) = evidence().seal().unwrap();
    DestructionPredicate::new(facts, reference).expect_err("dishonest facts were accepted")
}

fn accepted(change: impl FnOnce(&mut DestructionFacts)) -> DestructionPredicate {
    let mut facts = facts();
    change(&mut facts);
    let (_, reference) = evidence().seal().unwrap();
    DestructionPredicate::new(facts, reference).unwrap()
}

fn kept() -> Media {
    let mut medium = medium();
    medium.method = Method::None;
    medium.technique = Technique::AccessRemoval;
    medium.verification.result = Observed::Inaccessible;
    medium.destination = Destination::Retained;
    medium.finished_at = None;
    medium
}

fn seen(result: Observed) -> Media {
    let mut medium = medium();
    medium.verification.result = result;
    medium.destination = Destination::Unknown;
    medium
}

#[test]
fn the_fixture_itself_is_honest() {
    let predicate = accepted(|_| {});
    assert_eq!(predicate.limitations(), Limitation::ALWAYS);
    assert_eq!(predicate.facts().supported_claim(), Claim::DeleteOnly);
}

#[test]
fn destroyed_needs_every_medium_gone() {
    for (outcome, observed) in [
        (Outcome::Destroyed, Observed::Present),
        (Outcome::Destroyed, Observed::Unknown),
        (Outcome::DestroyedPending, Observed::Present),
    ] {
        let error = refusal(|f| {
            f.outcome = outcome;
            f.media.push(Media {
                media_id: "m-2".into(),
                ..seen(observed)
            });
        });
        assert_eq!(
            error,
            PredicateError::NotGone {
                outcome,
                id: "m-2".into(),
                observed
            }
        );
    }
    let error = refusal(|f| f.media = vec![kept()]);
    assert!(
        matches!(
            error,
            PredicateError::NotGone {
                observed: Observed::Inaccessible,
                ..
            }
        ),
        "{error}"
    );
    let error = refusal(|f| {
        f.copies.snapshots.push(SnapshotCopy {
            object_uid: "s".into(),
            gone: false,
        })
    });
    assert_eq!(
        error,
        PredicateError::SnapshotExists {
            outcome: Outcome::Destroyed,
            uid: "s".into()
        }
    );
}

#[test]
fn a_claim_is_exactly_what_the_inventory_supports() {
    assert_eq!(
        refusal(|f| f.claim = Claim::PurgeCryptographicErase),
        PredicateError::CryptographicEraseUnproven
    );
    let unsupported = |claim, supported| PredicateError::ClaimUnsupported { claim, supported };
    assert_eq!(
        refusal(|f| f.claim = Claim::Inaccessible),
        unsupported(Claim::Inaccessible, Claim::DeleteOnly)
    );
    assert_eq!(
        refusal(|f| f.claim = Claim::None),
        unsupported(Claim::None, Claim::DeleteOnly)
    );
    let failed = |f: &mut DestructionFacts| f.outcome = Outcome::FailedPartial;
    let error = refusal(|f| {
        failed(f);
        f.media.push(Media {
            media_id: "m-2".into(),
            ..seen(Observed::Present)
        });
    });
    assert_eq!(error, unsupported(Claim::DeleteOnly, Claim::None));
    let error = refusal(|f| {
        failed(f);
        f.steps.retain(|step| step.id != StepId::T2);
        f.media.clear();
    });
    assert_eq!(error, unsupported(Claim::DeleteOnly, Claim::None));
    accepted(|f| {
        failed(f);
        f.claim = Claim::None;
        f.media = vec![seen(Observed::Unknown)];
    });
}

#[test]
fn an_observation_fits_what_was_done() {
    let changes: [fn(&mut Media); 7] = [
        |m| m.method = Method::None,
        |m| m.technique = Technique::AccessRemoval,
        |m| m.finished_at = None,
        |m| m.destination = Destination::Retained,
        |m| m.verification.evidence_digests.clear(),
        |m| m.verification.result = Observed::Inaccessible,
        |m| m.verification.result = Observed::Present,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let error = refusal(|f| change(&mut f.media[0]));
        assert!(
            matches!(error, PredicateError::Medium { .. }),
            "change {index}: {error}"
        );
    }
    assert_eq!(
        refusal(|f| f.media.push(medium())),
        PredicateError::DuplicateMedium("m-1".into())
    );
}

#[test]
fn pending_means_that_something_is_and_destroyed_that_nothing_is() {
    let backup = |deleted_at, expires_at| Backup {
        system: "velero".into(),
        deleted_at,
        expires_at,
    };
    let later = Some("2027-01-01T00:00:00Z".parse().unwrap());
    let expiring = backup(None, later);
    let error = refusal(|f| f.copies.backups.push(expiring.clone()));
    assert_eq!(error, PredicateError::StillPending("backup velero".into()));
    assert!(matches!(
        refusal(|f| f.residuals[0].expires_at = later),
        PredicateError::StillPending(_)
    ));
    assert_eq!(
        refusal(|f| f.outcome = Outcome::DestroyedPending),
        PredicateError::NothingPending
    );
    for fate in [backup(None, None), backup(Some(at(6)), later)] {
        let error = refusal(|f| f.copies.backups.push(fate));
        assert_eq!(error, PredicateError::BackupFate("velero".into()));
    }
    accepted(|f| f.copies.backups.push(backup(Some(at(6)), None)));
    accepted(|f| {
        f.outcome = Outcome::DestroyedPending;
        f.copies.backups.push(expiring);
    });
}

#[test]
fn retained_needs_something_kept_and_out_of_reach() {
    let retained = |f: &mut DestructionFacts| {
        f.outcome = Outcome::RetainedInaccessible;
        f.claim = Claim::Inaccessible;
        f.media = vec![kept()];
    };
    accepted(retained);
    let error = refusal(|f| {
        retained(f);
        f.claim = Claim::DeleteOnly;
        f.media = vec![medium()];
    });
    assert_eq!(error, PredicateError::NothingRetained);
    let error = refusal(|f| {
        retained(f);
        f.claim = Claim::None;
        f.media.push(Media {
            media_id: "m-2".into(),
            ..seen(Observed::Present)
        });
    });
    assert!(
        matches!(error, PredicateError::ClaimUnsupported { .. }),
        "{error}"
    );
    let error = refusal(|f| {
        retained(f);
        f.copies.snapshots.push(SnapshotCopy {
            object_uid: "unlisted".into(),
            gone: false,
        });
    });
    assert!(
        matches!(error, PredicateError::SnapshotExists { .. }),
        "{error}"
    );
}

#[test]
fn a_finished_closure_has_finished_steps_and_their_times() {
    let outcome = Outcome::Destroyed;
    for result in [StepResult::Failed, StepResult::NotReached] {
        let error = refusal(|f| f.steps[3].result = result);
        assert_eq!(
            error,
            PredicateError::StepUnfinished {
                outcome,
                step: StepId::T4,
                result
            }
        );
    }
    for step in [StepId::T0, StepId::T1, StepId::T4, StepId::T7, StepId::T13] {
        let error = refusal(|f| f.steps.retain(|s| s.id != step));
        assert_eq!(error, PredicateError::StepMissing { outcome, step });
        let error = refusal(|f| {
            f.steps
                .iter_mut()
                .filter(|s| s.id == step)
                .for_each(|s| s.result = StepResult::NotApplicable);
        });
        assert_eq!(error, PredicateError::StepMissing { outcome, step });
    }
    assert_eq!(
        refusal(|f| f.steps.swap(0, 1)),
        PredicateError::StepOrder(StepId::T0)
    );
    assert_eq!(
        refusal(|f| f.steps[1].id = StepId::T0),
        PredicateError::StepOrder(StepId::T0)
    );
    assert_eq!(
        refusal(|f| f.steps[5].id = StepId::T14),
        PredicateError::AlreadyValidated
    );
    type Clear = fn(&mut Times);
    let times: [(&str, Clear); 4] = [
        ("accessRevoked", |t| t.access_revoked = None),
        ("inventoryFrozen", |t| t.inventory_frozen = None),
        ("volumesDeleted", |t| t.volumes_deleted = None),
        ("namespaceGone", |t| t.namespace_gone = None),
    ];
    for (time, clear) in times {
        assert_eq!(
            refusal(|f| clear(&mut f.times)),
            PredicateError::TimeMissing { outcome, time }
        );
    }
    assert_eq!(
        refusal(|f| f.airlock.open_requests = 2),
        PredicateError::AirlockOpen { outcome, open: 2 }
    );
}

#[test]
fn nothing_happens_after_the_attestation() {
    let changes: [fn(&mut DestructionFacts); 6] = [
        |f| f.times.namespace_gone = Some(at(11)),
        |f| f.times.closure_requested = at(11),
        |f| f.steps[2].ended_at = Some(at(11)),
        |f| f.media[0].finished_at = Some(at(11)),
        |f| f.project.closed_at = at(11),
        |f| f.access.last_data_access_at = Some(at(11)),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let error = refusal(change);
        assert!(
            matches!(error, PredicateError::TimeAfterIssue { .. }),
            "change {index}: {error}"
        );
    }
}

#[test]
fn something_always_remains_and_the_spec_is_named() {
    assert_eq!(
        refusal(|f| f.residuals.clear()),
        PredicateError::NoResiduals
    );
    let error = refusal(|f| f.project.spec_digest = "sha256:00".into());
    assert_eq!(error, PredicateError::SpecDigest("sha256:00".into()));
}

#[test]
fn facts_and_evidence_must_agree() {
    let refuse = |change: fn(&mut DestructionFacts, &mut Evidence)| {
        let (mut facts, mut evidence) = (facts(), evidence());
        change(&mut facts, &mut evidence);
        match attest(facts, vec![], &evidence, &common::key()) {
            Err(AttestError::Disagreement(disagreement)) => disagreement,
            other => panic!("expected a disagreement, got {other:?}"),
        }
    };
    assert!(matches!(
        refuse(|f, _| f.project.uid = "other".into()),
        Disagreement::Field("project.uid")
    ));
    assert!(matches!(
        refuse(|_, e| e.issued = at(9)),
        Disagreement::Field("times.issued")
    ));
    assert!(matches!(
        refuse(|_, e| e.project.spec["title"] = "other".into()),
        Disagreement::SpecDigest
    ));
    assert!(matches!(
        refuse(|_, e| e.inventory.clear()),
        Disagreement::Media
    ));
    assert!(matches!(
        refuse(|_, e| e.inventory[0].uid = "other".into()),
        Disagreement::Media
    ));
    assert!(matches!(
        refuse(|_, e| e.steps[4].observations.clear()),
        Disagreement::Step(StepId::T7)
    ));
    let unheld = refuse(|f, _| {
        f.media[0]
            .verification
            .evidence_digests
            .push(sha256(b"never seen"))
    });
    assert!(matches!(unheld, Disagreement::Observation(_)));
}

#[test]
fn subjects_have_different_names() {
    for name in ["evidence.json", "", "project.json"] {
        let subjects = vec![
            Subject::new("project.json", &sha256(b"p")),
            Subject::new(name, &sha256(b"x")),
        ];
        let result = attest(facts(), subjects, &evidence(), &common::key());
        assert!(matches!(result, Err(AttestError::SubjectName(n)) if n == name));
    }
}
