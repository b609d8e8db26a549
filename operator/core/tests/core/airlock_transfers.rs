//! Transfers to another environment: who may ask for one, what it may be of and for whom, and what stops it.

use sde_core::airlock::ending::collectable;
use sde_core::airlock::receipt::{Due, receipt};
use sde_core::airlock::{Delivered, JobKind, Outcome, Project, Side, Step, Who, next, transfer};
use sde_core::labels::ProjectId;
use sde_crds::airlock_receipt::AirlockEvent;
use sde_crds::airlock_request::{Direction, TransferOfGrant};
use sde_crds::airlock_review::ReviewDecision::Approve;
use sde_crds::airlock_review::ReviewRole::{Custodian, OutputChecker};
use sde_crds::airlock_status::AirlockPhase as Phase;
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::ProjectSpec;
use sde_evidence::{PseudonymKey, SigningKey, verify_receipt};
use serde_json::json;

use crate::airlock_sim::Sim;
use crate::world;

const SDE: &str = "example-partner-sde";

/// Asked for by somebody, of a grant and for an environment; there are three custodians.
fn asked(requester: &str, grant: &str, sde: &str) -> Sim {
    let mut sim = Sim::new();
    let spec = &mut sim.observed.request.spec;
    (spec.direction, spec.folder, spec.outputs) = (Direction::TransferToSde, None, None);
    spec.requester = requester.to_owned();
    spec.transfer = Some(TransferOfGrant {
        grant: grant.to_owned(),
        sde: sde.to_owned(),
    });
    let third = json!({"user": "custodian-c", "roles": ["Custodian"]});
    let reviewers = &mut sim.observed.policy.as_mut().unwrap().reviewers;
    reviewers.push(serde_json::from_value(third).unwrap());
    sim
}

fn in_review() -> Sim {
    let sim = asked("custodian-a", "genotypes", SDE).confirmed();
    assert_eq!(sim.phase(), Phase::InReview);
    sim
}

fn released() -> Sim {
    let mut sim = in_review();
    for who in ["custodian-b", "custodian-c"] {
        sim.review(who, Custodian, Approve);
    }
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    sim
}

fn waits(step: &Step) -> (&'static str, Who) {
    match step {
        Step::Wait(wait) => (wait.reason, wait.who),
        other => panic!("does not wait: {other:?}"),
    }
}

fn other_keys(sim: &mut Sim) {
    let keys = sim.observed.sdes.get_mut(SDE).unwrap().as_mut().unwrap();
    keys.crypt4gh = format!("{}=", "B".repeat(43));
}

#[test]
fn it_is_a_custodians_and_takes_two_others() {
    for (who, grant, sde, why) in [
        ("u-7c1e", "genotypes", SDE, "RequesterNotApproved"),
        ("checker-a", "genotypes", SDE, "RequesterNotApproved"),
        (
            "custodian-a",
            "genotypes",
            "another-sde",
            "TransferNotListed",
        ),
        ("custodian-a", "phenotypes", SDE, "TransferNotListed"),
    ] {
        let step = asked(who, grant, sde).run();
        assert_eq!(waits(&step), (why, Who::Custodian), "{who} {grant} {sde}");
    }
    let mut sim = in_review();
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.review("custodian-a", Custodian, Approve);
    sim.review("custodian-b", Custodian, Approve);
    sim.run();
    assert_eq!(
        sim.phase(),
        Phase::InReview,
        "neither output checkers nor its requester count"
    );
    sim.review("custodian-c", Custodian, Approve);
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

fn project(sim: &mut Sim) -> &mut Project {
    sim.observed.project.as_mut().unwrap()
}

#[test]
fn it_goes_nowhere_that_the_project_does_not_name_or_that_has_no_keys() {
    let ask = |change: fn(&mut Sim)| {
        let mut sim = asked("custodian-a", "genotypes", SDE);
        change(&mut sim);
        waits(&sim.run()).0
    };
    assert_eq!(
        ask(|sim| project(sim).sdes.clear()),
        "TransferNotListed",
        "nobody approved that it may go there"
    );
    assert_eq!(
        ask(|sim| project(sim).grants.clear()),
        "TransferNotListed",
        "nobody knows whether the bytes are those that were registered"
    );
    assert_eq!(
        ask(|sim| *sim.observed.sdes.get_mut(SDE).unwrap() = None),
        "TransferKeysMissing"
    );
    // Where nothing is in the way it is sealed in the project, and nothing is to be declared.
    assert_eq!(ask(|_| {}), "NotSealed");
    let mut sim = asked("custodian-a", "genotypes", SDE);
    sim.observed.request.spec.seal = true;
    assert_eq!(waits(&sim.run()).0, "ConfirmContent");
    let sealed = |job: &&sde_core::airlock::Job| job.kind == JobKind::Seal;
    assert_eq!(sim.observed.jobs.iter().filter(sealed).count(), 1);
    let keys = transfer::keys(&sim.observed).unwrap();
    assert_eq!(
        sim.status().content.unwrap().recipient,
        transfer::recipient(keys)
    );
}

#[test]
fn an_assessment_that_is_over_or_to_come_lists_nobody() {
    let policy = world::policy().spec;
    let listed = |at: &str| transfer::current(&policy, world::at(at)).contains_key(SDE);
    assert!(!listed("2026-10-19T23:00:00Z"));
    assert!(listed("2026-10-20T00:00:00Z") && listed("2028-10-20T23:00:00Z"));
    assert!(!listed("2028-10-21T00:00:00Z"));
}

fn named(spec: &ProjectSpec, present: &ProjectSpec, policy: &SdePolicySpec) -> bool {
    !transfer::named(spec, present, policy).is_empty()
}

#[test]
fn it_goes_to_third_parties_of_both_specs_and_abroad_on_a_basis() {
    let policy = world::policy().spec;
    let mut spec = world::approved().project.spec;
    let setting = |kind: &str| {
        let text = json!({"kind": kind, "sdes": [SDE], "justification": "Their half is there"});
        serde_json::from_value(text).ok()
    };
    spec.setting = setting("ThirdParty");
    assert!(named(&spec, &spec, &policy));
    let mut other = spec.clone();
    other.setting = setting("Federated");
    assert!(!named(&other, &other, &policy), "data does not move");
    assert!(!named(&spec, &other, &policy) && !named(&other, &spec, &policy));
    let mut abroad = policy.clone();
    abroad.third_party_sdes.as_mut().unwrap()[0].country = "NZ".to_owned();
    spec.transfers = None;
    assert!(!named(&spec, &spec, &abroad));
    let transfer =
        json!([{"organisation": "example-university", "country": "NZ", "basis": "Adequacy"}]);
    spec.transfers = serde_json::from_value(transfer).unwrap();
    assert!(named(&spec, &spec, &abroad));
    let mut nowhere = policy;
    nowhere.transfers = None;
    spec.transfers = None;
    assert!(!named(&spec, &spec, &nowhere), "nobody says what is abroad");
}

#[test]
fn keys_that_change_stop_it_until_they_are_those_again() {
    let mut sim = in_review();
    let before = sim.observed.sdes.clone();
    other_keys(&mut sim);
    for who in ["custodian-b", "custodian-c"] {
        sim.review(who, Custodian, Approve);
    }
    assert_eq!(waits(&sim.run()).0, "TransferKeysChanged");
    assert_eq!(sim.phase(), Phase::Approved);
    sim.observed.sdes = before;
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    // Nor is it handed out.
    assert_eq!(collectable(&sim.observed, "custodian-a"), Ok(()));
    other_keys(&mut sim);
    let refused = collectable(&sim.observed, "custodian-a").unwrap_err();
    assert_eq!(refused.reason, "TransferKeysChanged");
    sim.observed.request.spec.collect = Some(1);
    assert_eq!(waits(&next(&sim.observed)).0, "TransferKeysChanged");
}

#[test]
fn its_requester_alone_collects_it_and_its_receipts_say_to_whom_it_went() {
    let mut sim = released();
    for other in ["custodian-b", "u-7c1e"] {
        assert_eq!(
            collectable(&sim.observed, other).unwrap_err().reason,
            "NotYours"
        );
    }
    sim.observed.request.spec.collect = Some(1);
    assert_eq!(waits(&sim.run()).0, "CollectNow");
    sim.observed.jobs.last_mut().unwrap().outcome = Outcome::Delivered(Delivered {
        bytes: 10,
        sha256: "e".repeat(64),
        complete: true,
        door_bytes: Some(10),
        door_sha256: Some("e".repeat(64)),
        ticket: Some("a ticket".to_owned()),
    });
    sim.run();
    assert_eq!(sim.status().collections, 1);
    let id = ProjectId {
        name: "prj-4f2c".to_owned(),
        uid: "11111111-1111-4111-8111-111111111111".to_owned(),
    };
    let key = SigningKey::generate(|bytes| *bytes = [7; 32]).unwrap();
    let pseudonyms = PseudonymKey::new(&[9; 32]).unwrap();
    for due in [Due::Decided(AirlockEvent::Released), Due::Collected(1)] {
        let spec = receipt(&sim.observed, &id, due, &key, &pseudonyms).unwrap();
        assert_eq!(spec.sde.as_deref(), Some(SDE));
        let public = key.verifying_key().to_spki_pem().unwrap();
        let said = verify_receipt(spec.bundle.as_bytes(), &public).unwrap();
        let to = said.statement.predicate.request.transfer.unwrap();
        assert_eq!((to.grant.as_str(), to.sde.as_str()), ("genotypes", SDE));
        let recipient = sim.status().content.unwrap().recipient.unwrap();
        assert_eq!(to.recipient.to_string(), recipient);
    }
}

#[test]
fn it_is_sealed_in_the_project_and_released_from_the_airlock() {
    let mut sim = asked("custodian-a", "genotypes", SDE);
    sim.observed.request.spec.seal = true;
    let mut sealing = Vec::new();
    for _ in 0..12 {
        if let Step::StartJob { kind, side, .. } = next(&sim.observed) {
            sealing.push((kind, side));
        }
        sim.step();
    }
    assert_eq!(sealing, [(JobKind::Seal, Side::Project)]);
    let sim = released();
    assert!(sim.observed.chamber.volume.unwrap().reserved_for == Some(Side::Airlock));
}

#[test]
fn who_leaves_the_custodians_neither_releases_nor_collects() {
    let mut sim = released();
    let reviewers = &mut sim.observed.policy.as_mut().unwrap().reviewers;
    reviewers.retain(|r| r.user != "custodian-a");
    let refused = collectable(&sim.observed, "custodian-a").unwrap_err();
    assert_eq!(refused.reason, "RequesterNotApproved");
    let mut sim = in_review();
    let reviewers = &mut sim.observed.policy.as_mut().unwrap().reviewers;
    reviewers.retain(|r| r.user != "custodian-a");
    for who in ["custodian-b", "custodian-c"] {
        sim.review(who, Custodian, Approve);
    }
    sim.review("checker-a", OutputChecker, Approve);
    assert_eq!(waits(&sim.run()).0, "RequesterNotApproved");
    assert_eq!(sim.phase(), Phase::Approved);
}
