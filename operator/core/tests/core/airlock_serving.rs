//! Viewers and collections: started when they may be, stopped when they may not, and every collection written down.

use jiff::Timestamp;
use sde_core::airlock::serving::{Found, waits_for_room};
use sde_core::airlock::{Delivered, Job, JobKind, Outcome, Standing, Step, next, status};
use sde_core::rejection::Rejection;
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, DeliveryOutcome, ServingKind};

use crate::airlock_sim::{POD, Sim};

fn in_review() -> Sim {
    let sim = Sim::new().confirmed();
    assert_eq!(sim.phase(), Phase::InReview);
    sim
}

fn released() -> Sim {
    let mut sim = in_review();
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    sim
}

fn started(step: &Step, kind: JobKind) -> bool {
    matches!(step, Step::StartJob { kind: k, .. } if *k == kind)
}

fn running(sim: &Sim, kind: JobKind) -> bool {
    sim.observed.jobs.iter().any(|j| j.kind == kind)
}

fn reason(step: &Step) -> &'static str {
    match step {
        Step::Wait(wait) => wait.reason,
        other => panic!("does not wait: {other:?}"),
    }
}

fn said(bytes: u64, complete: bool, door: Option<u64>) -> Delivered {
    Delivered {
        bytes,
        sha256: "e".repeat(64),
        complete,
        door_bytes: door,
        door_sha256: door.map(|_| "e".repeat(64)),
        ticket: Some("a ticket".to_owned()),
    }
}

/// Collects once, with what the job says at its end.
fn collect(sim: &mut Sim, number: i64, outcome: Outcome) {
    sim.observed.request.spec.collect = Some(number);
    assert_eq!(reason(&sim.run()), "CollectNow");
    let job = sim.observed.jobs.iter_mut();
    job.last().unwrap().outcome = outcome;
    sim.run();
}

fn outcomes(sim: &Sim) -> Vec<DeliveryOutcome> {
    let deliveries = sim.status().deliveries.unwrap_or_default();
    deliveries.iter().map(|d| d.outcome).collect()
}

#[test]
fn reviewers_see_the_chamber_while_it_is_in_review_and_where_there_is_room() {
    let mut sim = in_review();
    sim.observed.jobs.clear();
    sim.observed.room_to_view = false;
    assert_eq!(reason(&sim.run()), "NoRoomToView");
    assert!(!running(&sim, JobKind::View) && waits_for_room(&sim.observed));
    sim.observed.room_to_view = true;
    assert!(!waits_for_room(&sim.observed));
    assert!(started(&next(&sim.observed), JobKind::View));
    assert_eq!(reason(&sim.run()), "ReviewsMissing");
    let told = status(&sim.observed, &next(&sim.observed)).status;
    let serving = told.serving.unwrap();
    assert_eq!(
        (serving[0].kind, serving[0].pod.as_str()),
        (ServingKind::View, POD)
    );
    // It keeps its place while there is none for others.
    sim.observed.room_to_view = false;
    assert_eq!(reason(&sim.run()), "ReviewsMissing");
    assert!(!waits_for_room(&sim.observed));
    sim.observed.room_to_view = true;
    sim.observed.jobs.last_mut().unwrap().held_up = Some("No node has room.".to_owned());
    assert_eq!(reason(&sim.run()), "JobHeldUp");
    // One that broke goes after a pause, and another comes.
    let broken = sim.observed.jobs.last_mut().unwrap();
    (broken.outcome, broken.ended) = (Outcome::Lost, Some(sim.observed.now));
    assert_eq!(reason(&sim.run()), "ViewerBroken");
    let told = status(&sim.observed, &next(&sim.observed));
    assert_eq!(told.look_again.as_secs(), 31);
    let later = sim.observed.now.as_second() + 30;
    sim.observed.now = Timestamp::from_second(later).unwrap();
    assert_eq!(next(&sim.observed), Step::DeleteJobs);
    sim.run();
    assert!(running(&sim, JobKind::View));
    // Nobody looks once it is decided.
    sim.observed.request.spec.withdrawn = true;
    sim.run();
    assert_eq!(sim.phase(), Phase::Withdrawn);
    assert!(!running(&sim, JobKind::View));
}

#[test]
fn nobody_looks_while_the_project_is_shut() {
    let mut sim = in_review();
    assert!(running(&sim, JobKind::View));
    let why = Rejection::new("Suspended", "It is suspended.");
    sim.observed.project.as_mut().unwrap().standing = Standing::Shut(why);
    assert_eq!(next(&sim.observed), Step::DeleteJobs);
    assert_eq!(reason(&sim.run()), "ProjectNotOpen");
    assert!(!running(&sim, JobKind::View));
}

#[test]
fn what_is_released_is_made_ready_when_its_requester_asks() {
    let mut sim = released();
    assert_eq!(reason(&sim.run()), "NotCollected");
    assert!(!running(&sim, JobKind::Deliver));
    sim.observed.request.spec.collect = Some(1);
    assert_eq!(reason(&sim.run()), "CollectNow");
    assert!(running(&sim, JobKind::Deliver));
    let told = status(&sim.observed, &next(&sim.observed)).status;
    assert_eq!(told.serving.unwrap()[0].kind, ServingKind::Deliver);
    // While it runs, asking again changes nothing.
    sim.observed.request.spec.collect = Some(2);
    assert_eq!(reason(&next(&sim.observed)), "CollectNow");
}

#[test]
fn every_collection_is_written_down_and_counts_unless_nobody_came() {
    let mut sim = released();
    let nobody = Delivered {
        ticket: None,
        ..said(0, false, None)
    };
    collect(&mut sim, 1, Outcome::Delivered(nobody));
    assert_eq!(sim.status().collections, 0);
    collect(&mut sim, 2, Outcome::Delivered(said(10, true, Some(10))));
    collect(&mut sim, 3, Outcome::Delivered(said(10, false, Some(7))));
    assert_eq!(sim.phase(), Phase::Released);
    collect(&mut sim, 4, Outcome::Lost);
    assert_eq!(
        outcomes(&sim),
        [
            DeliveryOutcome::NotCollected,
            DeliveryOutcome::Complete,
            DeliveryOutcome::Broken,
            DeliveryOutcome::Unknown
        ]
    );
    // Three times, as the example policy allows.
    assert_eq!((sim.phase(), sim.status().collections), (Phase::Expired, 3));
    assert!(!running(&sim, JobKind::Deliver));
}

#[test]
fn counts_that_differ_are_an_alarm() {
    let mut sim = released();
    collect(&mut sim, 1, Outcome::Delivered(said(10, true, Some(11))));
    let mut other = said(10, true, Some(10));
    other.door_sha256 = Some("f".repeat(64));
    collect(&mut sim, 2, Outcome::Delivered(other));
    assert_eq!(outcomes(&sim), [DeliveryOutcome::Disagreed; 2]);
}

/// What ends a collection that is under way: it is written down as if all had been handed out, and its job goes.
#[test]
fn a_collection_that_must_stop_is_written_down_first() {
    type Ends = fn(&mut Sim);
    let ends: [(Ends, Phase); 4] = [
        (
            |sim| {
                sim.review(
                    "checker-a",
                    ReviewRole::OutputChecker,
                    ReviewDecision::Revoke,
                );
            },
            Phase::Revoked,
        ),
        (|sim| sim.later(20), Phase::Expired),
        (
            |sim| sim.observed.project.as_mut().unwrap().receivers.clear(),
            Phase::Released,
        ),
        (
            |sim| {
                let why = Rejection::new("Suspended", "It is suspended.");
                sim.observed.project.as_mut().unwrap().standing = Standing::Shut(why);
            },
            Phase::Released,
        ),
    ];
    for (end, phase) in ends {
        let mut sim = released();
        sim.observed.request.spec.collect = Some(1);
        assert_eq!(reason(&sim.run()), "CollectNow");
        end(&mut sim);
        sim.run();
        assert_eq!(sim.phase(), phase);
        assert_eq!(outcomes(&sim), [DeliveryOutcome::Unknown]);
        assert!(!running(&sim, JobKind::Deliver), "{phase}");
        assert_eq!(sim.status().serving, None);
    }
}

#[test]
fn whoever_may_not_receive_gets_nothing_ready() {
    let mut sim = released();
    sim.observed.project.as_mut().unwrap().receivers.clear();
    sim.observed.request.spec.collect = Some(1);
    assert_eq!(reason(&sim.run()), "RequesterNotApproved");
    assert!(!running(&sim, JobKind::Deliver));
}

#[test]
fn a_collection_is_written_down_once() {
    let sim = released();
    let found = Found {
        number: 1,
        said: None,
    };
    let mut observed = sim.observed.clone();
    for _ in 0..2 {
        let told = status(&observed, &Step::NoteDelivery(found.clone())).status;
        observed.request.status = Some(told);
    }
    let told = observed.request.status.unwrap();
    assert_eq!((told.collections, told.deliveries.unwrap().len()), (1, 1));
}

#[test]
fn jobs_are_told_apart() {
    let job = |kind| Job {
        kind,
        round: 1,
        attempt: 1,
        deleting: false,
        outcome: Outcome::Running,
        serving: None,
        ended: None,
        held_up: None,
        malware: None,
    };
    let serving: Vec<JobKind> = JobKind::ALL
        .into_iter()
        .filter(|k| job(*k).kind.serves())
        .collect();
    assert_eq!(serving, [JobKind::View, JobKind::Deliver, JobKind::Receive]);
}
