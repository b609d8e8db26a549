//! A closure from its first step to its signed record, and what a verifier makes of it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sde_core::closing::status::{begun, note};
use sde_core::closing::{self, ClusterFacts, Live, Observed, Step, next};
use sde_crds::airlock_receipt::AirlockEvent;
use sde_crds::destruction_record::{Claim, Outcome};
use sde_crds::names::CLOSING_FINALIZER;
use sde_crds::project::{ClosureMode, Lifecycle};
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::project_status::{AirlockEmptied, ClosingStatus};
use sde_crds::{AirlockReceiptSpec, DestructionRecordSpec};
use sde_evidence::{PseudonymKey, SigningKey, StepResult, verify};

use crate::sim::Sim;
use crate::world;

struct Closure {
    observed: Observed,
    steps: Vec<&'static str>,
    messages: Vec<String>,
}

/// An open Project whose homes are bound, closed by its custodian.
fn closed(mode: ClosureMode, nfs: bool) -> Closure {
    let mut observed = world::applied();
    observed.project.spec.closure.mode = mode;
    if nfs {
        observed
            .datasets
            .values_mut()
            .for_each(|d| *d = world::nfs().spec);
    }
    world::approve(&mut observed);
    let mut sim = Sim::new(observed);
    sim.prove();
    for claim in &mut sim.observed.claims {
        let name = claim.metadata.name.clone().unwrap();
        let spec = claim.spec.as_mut().unwrap();
        if let Some(volume) = sim
            .observed
            .volumes
            .iter_mut()
            .find(|v| v.metadata.name == spec.volume_name && spec.volume_name.is_some())
        {
            volume
                .spec
                .as_mut()
                .unwrap()
                .claim_ref
                .as_mut()
                .unwrap()
                .uid
                .clone_from(&claim.metadata.uid);
            continue;
        }
        spec.volume_name = Some(format!("pvc-{name}"));
        sim.observed.volumes.push(PersistentVolume {
            metadata: ObjectMeta {
                name: Some(format!("pvc-{name}")),
                uid: Some(format!("volume-of-{name}")),
                ..ObjectMeta::default()
            },
            spec: Some(PersistentVolumeSpec {
                persistent_volume_reclaim_policy: Some("Delete".to_owned()),
                claim_ref: Some(ObjectReference {
                    namespace: claim.metadata.namespace.clone(),
                    name: Some(name),
                    uid: claim.metadata.uid.clone(),
                    ..ObjectReference::default()
                }),
                capacity: Some(
                    [(
                        "storage".to_owned(),
                        spec.resources.clone().unwrap().requests.unwrap()["storage"].clone(),
                    )]
                    .into(),
                ),
                ..PersistentVolumeSpec::default()
            }),
            status: None,
        });
    }
    sim.observed.project.spec.lifecycle = Lifecycle::Closed;
    let observed = Observed {
        project: sim.observed,
        bound: true,
        secrets: vec!["u-7c1e-1".to_owned()],
        live: None,
        recorded: false,
        airlock: Vec::new(),
        emptied: AirlockEmptied {
            requests: 3,
            chambers_destroyed: 2,
        },
        receipts: BTreeMap::new(),
        airlock_namespace: None,
    };
    Closure {
        observed,
        steps: Vec::new(),
        messages: Vec::new(),
    }
}

impl Closure {
    fn noted(&self) -> ClosingStatus {
        begun(&self.observed)
    }

    /// One pass: the step that comes next is noted and done. None when it waits.
    fn pass(&mut self) -> Step {
        let now = self.observed.project.now;
        self.observed.project.now = now.checked_add(jiff::SignedDuration::from_secs(7)).unwrap();
        let world = &self.observed.project;
        self.observed.live = Some(Live {
            pods: world.pods.len(),
            claims: world.claims.len(),
            namespace: world.namespace.is_some(),
        });
        let closing = self.noted();
        let step = next(&self.observed, &closing);
        let closing = note(&self.observed, closing, &step);
        let outcome = closing::status(&self.observed, closing, &step, "prj-4f2c-11111111");
        let told = outcome
            .status
            .conditions
            .as_ref()
            .unwrap()
            .iter()
            .find(|c| c.type_ == "Closing")
            .unwrap();
        let line = format!("{} {}: {}", outcome.status.phase, told.reason, told.message);
        if self.messages.last() != Some(&line) {
            self.messages.push(line);
        }
        self.observed.project.project.status = Some(outcome.status);
        self.steps.push(step.id());
        self.perform(&step);
        step
    }

    fn perform(&mut self, step: &Step) {
        let world = &mut self.observed.project;
        match step {
            Step::Hold => {
                world.project.metadata.finalizers = Some(vec![CLOSING_FINALIZER.to_owned()])
            }
            Step::StopPods(_) => world.pods.clear(),
            Step::Revoke(_) => {
                self.observed.bound = false;
                self.observed.secrets.clear();
            }
            Step::SetReclaim { policy, volumes } => {
                for volume in world
                    .volumes
                    .iter_mut()
                    .filter(|v| volumes.iter().any(|w| w.metadata.uid == v.metadata.uid))
                {
                    volume
                        .spec
                        .as_mut()
                        .unwrap()
                        .persistent_volume_reclaim_policy = Some((*policy).to_owned());
                }
            }
            Step::DeleteClaims(claims) => {
                world.claims.retain(|c| {
                    claims
                        .iter()
                        .all(|gone| gone.metadata.uid != c.metadata.uid)
                });
                world.volumes.retain(|v| {
                    v.spec
                        .as_ref()
                        .unwrap()
                        .persistent_volume_reclaim_policy
                        .as_deref()
                        != Some("Delete")
                });
            }
            Step::ReleaseGrants(volumes) => world.volumes.retain(|v| {
                volumes
                    .iter()
                    .all(|gone| gone.metadata.uid != v.metadata.uid)
            }),
            Step::DeleteNamespace(_) => world.namespace = None,
            Step::Release => world.project.metadata.finalizers = None,
            _ => {}
        }
    }

    fn until(&mut self, stop: fn(&Step) -> bool) {
        for _ in 0..40 {
            if stop(&self.pass()) {
                return;
            }
        }
        panic!("never got there: {:#?}", self.messages);
    }

    fn approve(&mut self) {
        let digest = self.noted().inventory_digest.unwrap();
        for approver in ["custodian-b", "custodian-c"] {
            let mut yes = world::approval(ApprovalRole::Closure, approver, &digest);
            yes.metadata.creation_timestamp = Some(Time(self.observed.project.now));
            self.observed.project.approvals.push(yes);
        }
    }

    fn until_attest(mut self) -> Self {
        self.until(|s| matches!(s, Step::AwaitApprovals { .. }));
        self.approve();
        self.until(|s| *s == Step::Attest);
        self
    }

    fn attest(&self) -> DestructionRecordSpec {
        let facts = ClusterFacts {
            cluster_id: "cluster".to_owned(),
            kubernetes_version: "v1.37.0".to_owned(),
            operator_version: "0.1.0".to_owned(),
            image_digest: format!("sha256:{}", "a".repeat(64)),
            cni: "kindnet".to_owned(),
        };
        closing::attest(
            &self.observed,
            &self.noted(),
            &facts,
            &key(),
            &PseudonymKey::new(&[7; 32]).unwrap(),
        )
        .unwrap()
    }
}

fn key() -> SigningKey {
    SigningKey::generate(|bytes| bytes.fill(9)).unwrap()
}

fn verified(record: &DestructionRecordSpec) -> sde_evidence::Verified {
    verify(
        record.bundle.as_bytes(),
        record.evidence.as_bytes(),
        &key().verifying_key().to_spki_pem().unwrap(),
    )
    .unwrap()
}

#[test]
fn a_closure_is_told_step_by_step() {
    let mut closure = closed(ClosureMode::Delete, true).until_attest();
    closure.observed.recorded = true;
    closure.until(|s| *s == Step::Done);
    insta::assert_yaml_snapshot!("closing", closure.messages);
}

#[test]
fn a_finished_closure_verifies_and_is_the_same_bytes_again() {
    let mut closure = closed(ClosureMode::Delete, true).until_attest();
    let record = closure.attest();
    assert_eq!(
        (record.outcome, record.claim),
        (Outcome::Destroyed, Claim::DeleteOnly)
    );
    let verified = verified(&record);
    assert_eq!(
        verified.statement.predicate.facts().media.len(),
        2,
        "the homes; a grant's source is the custodian's"
    );
    assert_eq!(
        verified
            .statement
            .predicate
            .facts()
            .project
            .closure_approvers
            .len(),
        2
    );
    assert_eq!(verified.evidence.isolation_proofs.len(), 1);
    // A crash before the record was seen: another pass, later, with an approval withdrawn meanwhile.
    let digest = closure.noted().inventory_digest.unwrap();
    let mut withdrawn = world::approval(ApprovalRole::Closure, "custodian-b", &digest);
    withdrawn.spec.decision = Decision::Revoked;
    closure.observed.project.now = world::at("2026-11-23T00:00:00Z");
    withdrawn.metadata.creation_timestamp = Some(Time(closure.observed.project.now));
    closure.observed.project.approvals.push(withdrawn);
    assert_eq!(closure.pass(), Step::Attest);
    assert_eq!(closure.attest(), record);
}

#[test]
fn every_step_began_before_it_ended_and_ended_before_the_record_was_issued() {
    let closure = closed(ClosureMode::Delete, true).until_attest();
    let record = closure.attest();
    for step in verified(&record)
        .evidence
        .steps
        .iter()
        .filter(|s| s.result == StepResult::Done)
    {
        let (began, ended) = (step.started_at.unwrap(), step.ended_at.unwrap());
        assert!(
            began <= ended && ended <= record.issued_at.0,
            "{}: {began} {ended}",
            step.id
        );
    }
    let steps = closure.noted().steps;
    let end = |id: &str| {
        steps
            .iter()
            .find(|s| s.id == id)
            .unwrap()
            .ended_at
            .clone()
            .unwrap()
            .0
    };
    assert!(
        end("T4") <= end("T1") && end("T1") <= end("T2") && end("T2") <= end("T0"),
        "approved after the inventory"
    );
    assert!(end("T0") <= end("T7") && end("T7") <= end("T13"));
    assert!(closure.noted().inventory.unwrap().iter().all(|m| {
        m.gone_at
            .as_ref()
            .is_some_and(|t| t.0 <= record.issued_at.0)
    }));
}

#[test]
fn what_another_environment_may_have_received_is_pending() {
    let receipt = |event, sde: Option<&str>| AirlockReceiptSpec {
        project: "prj-4f2c".to_owned(),
        project_uid: "11111111-1111-4111-8111-111111111111".to_owned(),
        request: "transfer".to_owned(),
        request_uid: "33333333-3333-4333-8333-333333333333".to_owned(),
        event,
        sde: sde.map(str::to_owned),
        at: Time(world::now()),
        bundle: "{}".to_owned(),
        public_key: String::new(),
    };
    let attested = |receipts: &[AirlockReceiptSpec]| {
        let mut closure = closed(ClosureMode::Delete, true);
        let named = receipts.iter().enumerate();
        let named = named.map(|(n, r)| (format!("receipt-{n}"), r.clone()));
        closure.observed.receipts = named.collect();
        let record = closure.until_attest().attest();
        let verified = verified(&record);
        let facts = verified.statement.predicate.facts();
        let parties = facts.copies.third_party_sdes.iter();
        assert!(facts.times.volumes_deleted.is_some());
        let told = sde_evidence::summary(&verified.statement);
        assert_eq!(
            told.contains("did NOT confirm"),
            facts.outcome == sde_evidence::Outcome::DestroyedPending
        );
        (
            record.outcome,
            parties.map(|p| p.name.clone()).collect::<Vec<_>>(),
        )
    };
    let released = receipt(AirlockEvent::Released, Some("example-partner-sde"));
    let exported = receipt(AirlockEvent::Collected, None);
    let collected = receipt(AirlockEvent::Collected, Some("example-partner-sde"));
    assert_eq!(
        attested(std::slice::from_ref(&exported)),
        (Outcome::Destroyed, Vec::new())
    );
    assert_eq!(
        attested(&[released, collected.clone(), collected]),
        (
            Outcome::DestroyedPending,
            vec!["example-partner-sde".to_owned()]
        )
    );
}

#[test]
fn what_is_kept_for_a_legal_reason_is_said_to_be_kept() {
    let closure = closed(ClosureMode::RetainInaccessible, true).until_attest();
    assert_eq!(
        closure.observed.project.volumes.len(),
        2,
        "the homes are kept, the grant's volume is released"
    );
    let record = closure.attest();
    assert_eq!(
        (record.outcome, record.claim),
        (Outcome::RetainedInaccessible, Claim::Inaccessible)
    );
    verified(&record);
}

#[test]
fn homes_that_never_had_a_volume_are_not_said_to_be_kept() {
    let mut closure = closed(ClosureMode::RetainInaccessible, false);
    closure.observed.project.volumes.clear();
    closure
        .observed
        .project
        .claims
        .iter_mut()
        .for_each(|c| c.spec.as_mut().unwrap().volume_name = None);
    let record = closure.until_attest().attest();
    assert_eq!(
        (record.outcome, record.claim),
        (Outcome::Destroyed, Claim::DeleteOnly)
    );
    verified(&record);
}

#[test]
fn a_project_that_never_opened_closes_with_an_empty_inventory() {
    let mut observed = world::applied();
    observed.project.spec.lifecycle = Lifecycle::Closed;
    let observed = Observed {
        project: observed,
        bound: false,
        secrets: Vec::new(),
        live: None,
        recorded: false,
        airlock: Vec::new(),
        emptied: AirlockEmptied {
            requests: 3,
            chambers_destroyed: 2,
        },
        receipts: BTreeMap::new(),
        airlock_namespace: None,
    };
    let closure = Closure {
        observed,
        steps: Vec::new(),
        messages: Vec::new(),
    }
    .until_attest();
    let record = closure.attest();
    assert_eq!(record.outcome, Outcome::Destroyed);
    assert!(
        verified(&record)
            .statement
            .predicate
            .facts()
            .media
            .is_empty()
    );
}

#[test]
fn a_volume_bound_after_the_inventory_is_inventoried_and_approved_anew() {
    let mut closure = closed(ClosureMode::Delete, false);
    let late = closure.observed.project.volumes.pop().unwrap();
    let uid = late
        .spec
        .as_ref()
        .unwrap()
        .claim_ref
        .as_ref()
        .unwrap()
        .uid
        .clone();
    let bind = |closure: &mut Closure, volume: Option<String>| {
        let claim = closure
            .observed
            .project
            .claims
            .iter_mut()
            .find(|c| c.metadata.uid == uid)
            .unwrap();
        claim.spec.as_mut().unwrap().volume_name = volume;
    };
    bind(&mut closure, None);
    closure.until(|s| matches!(s, Step::AwaitApprovals { .. }));
    closure.approve();
    let first = closure.noted().inventory_digest;
    bind(&mut closure, late.metadata.name.clone());
    assert!(
        matches!(closure.pass(), Step::Unexplained(_)),
        "the volume is not seen yet"
    );
    closure.observed.project.volumes.push(late);
    assert!(matches!(closure.pass(), Step::TakeInventory(_)));
    assert!(matches!(
        closure.pass(),
        Step::AwaitApprovals { have: 0, .. }
    ));
    assert_ne!(closure.noted().inventory_digest, first);
    closure.approve();
    closure.until(|s| *s == Step::Attest);
    assert_eq!(
        verified(&closure.attest())
            .statement
            .predicate
            .facts()
            .media
            .len(),
        2
    );
}

#[test]
fn a_withdrawn_approval_stops_a_closure_that_has_destroyed_nothing_yet() {
    let mut closure = closed(ClosureMode::Delete, false);
    closure.until(|s| matches!(s, Step::AwaitApprovals { .. }));
    closure.approve();
    // T7 is noted, and the controller dies before it deletes anything.
    let step = next(&closure.observed, &closure.noted());
    assert!(matches!(step, Step::DeleteClaims(_)));
    let noted = note(&closure.observed, closure.noted(), &step);
    closure
        .observed
        .project
        .project
        .status
        .as_mut()
        .unwrap()
        .closing = Some(noted);
    let digest = closure.noted().inventory_digest.unwrap();
    let mut withdrawn = world::approval(ApprovalRole::Closure, "custodian-b", &digest);
    withdrawn.spec.decision = Decision::Revoked;
    closure.observed.project.approvals.push(withdrawn);
    assert!(matches!(
        closure.pass(),
        Step::AwaitApprovals { have: 1, .. }
    ));
}

#[test]
fn a_claim_that_the_operator_did_not_make_stops_everything() {
    let mut closure = closed(ClosureMode::Delete, false);
    closure.until(|s| matches!(s, Step::AwaitApprovals { .. }));
    closure.approve();
    closure.observed.live = Some(Live {
        pods: 0,
        claims: closure.observed.project.claims.len() + 1,
        namespace: true,
    });
    assert!(matches!(
        next(&closure.observed, &closure.noted()),
        Step::Unexplained(_)
    ));
}

#[test]
fn a_namespace_that_lost_its_labels_is_not_called_gone() {
    let mut closure = closed(ClosureMode::Delete, false);
    closure.until(|s| matches!(s, Step::AwaitApprovals { .. }));
    closure.approve();
    closure.until(|s| matches!(s, Step::DeleteNamespace(_)));
    closure.observed.project.namespace = None;
    closure.observed.live = Some(Live {
        pods: 0,
        claims: 0,
        namespace: true,
    });
    assert_eq!(
        next(&closure.observed, &closure.noted()),
        Step::AwaitNamespace
    );
    closure.observed.live = Some(Live {
        pods: 0,
        claims: 0,
        namespace: false,
    });
    assert_eq!(next(&closure.observed, &closure.noted()), Step::Attest);
}
