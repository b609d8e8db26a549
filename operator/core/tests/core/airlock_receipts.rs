//! Receipts: made of what has happened before anything follows from it, and verified by whoever holds the key.

use sde_core::airlock::receipt::{Due, name, receipt};
use sde_core::airlock::{Delivered, Outcome, Step, next, status};
use sde_core::labels::ProjectId;
use sde_crds::airlock_receipt::AirlockEvent;
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::AirlockPhase as Phase;
use sde_evidence::{Event, PseudonymKey, Receipt, SigningKey, verify_receipt};

use crate::airlock_sim::Sim;

fn id() -> ProjectId {
    ProjectId {
        name: "prj-4f2c".to_owned(),
        uid: "11111111-1111-4111-8111-111111111111".to_owned(),
    }
}

fn key() -> SigningKey {
    SigningKey::generate(|bytes| *bytes = [7; 32]).unwrap()
}

fn signed(sim: &Sim, due: Due) -> Receipt {
    let pseudonyms = PseudonymKey::new(&[9; 32]).unwrap();
    let made = || receipt(&sim.observed, &id(), due, &key(), &pseudonyms).unwrap();
    let spec = made();
    assert_eq!(spec, made(), "again after a crash");
    let public = key().verifying_key().to_spki_pem().unwrap();
    let verified = verify_receipt(spec.bundle.as_bytes(), &public).unwrap();
    assert!(!spec.bundle.contains("checker-a"), "names people");
    verified.statement.predicate
}

fn released() -> Sim {
    let mut sim = Sim::new().confirmed();
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.until(Phase::Released);
    sim
}

#[test]
fn a_release_has_its_receipt_before_anything_is_handed_out() {
    let mut sim = released();
    sim.observed.request.spec.collect = Some(1);
    let due = Due::Decided(AirlockEvent::Released);
    assert_eq!(next(&sim.observed), Step::MakeReceipt(due));
    insta::assert_json_snapshot!("airlock-receipt-released", signed(&sim, due));
    // Not even its revocation comes first.
    sim.review(
        "checker-a",
        ReviewRole::OutputChecker,
        ReviewDecision::Revoke,
    );
    assert_eq!(next(&sim.observed), Step::MakeReceipt(due));
    sim.run();
    assert_eq!(sim.phase(), Phase::Revoked);
    let name = |event| name(&sim.observed, Due::Decided(event));
    let expected = [AirlockEvent::Released, AirlockEvent::Revoked].map(name);
    assert_eq!(sim.status().receipts.unwrap(), expected);
    assert_eq!(expected[1], "prj-4f2c-33333333-revoked");
}

#[test]
fn a_refusal_says_who_refused() {
    let mut sim = Sim::new().confirmed();
    sim.review(
        "checker-a",
        ReviewRole::OutputChecker,
        ReviewDecision::Reject,
    );
    sim.until(Phase::Rejected);
    let due = Due::Decided(AirlockEvent::Rejected);
    assert_eq!(next(&sim.observed), Step::MakeReceipt(due));
    let receipt = signed(&sim, due);
    assert_eq!(receipt.event, Event::Rejected);
    assert_eq!(receipt.reviews.len(), 1);
    assert_eq!(receipt.reviews[0].decision, "Reject");
}

#[test]
fn a_collection_says_what_both_counted() {
    let mut sim = released();
    sim.observed.request.spec.collect = Some(1);
    sim.run();
    sim.observed.jobs.last_mut().unwrap().outcome = Outcome::Delivered(Delivered {
        bytes: 10_240,
        sha256: "e".repeat(64),
        complete: true,
        door_bytes: Some(10_240),
        door_sha256: Some("e".repeat(64)),
        ticket: Some("a ticket".to_owned()),
    });
    sim.step();
    let due = Due::Collected(1);
    assert_eq!(next(&sim.observed), Step::MakeReceipt(due));
    let receipt = signed(&sim, due);
    let delivery = receipt.delivery.unwrap();
    assert_eq!(
        (delivery.bytes, delivery.door_bytes),
        (10_240, Some(10_240))
    );
    assert_eq!(receipt.reviews.len(), 2);
}

#[test]
fn without_a_policy_they_wait_and_nothing_is_handed_out() {
    let mut sim = released();
    sim.observed.policy = None;
    sim.observed.request.spec.collect = Some(1);
    assert!(!next(&sim.observed).acts());
    let told = status(&sim.observed, &next(&sim.observed)).status;
    assert_eq!((told.receipts, told.serving), (None, None));
}
