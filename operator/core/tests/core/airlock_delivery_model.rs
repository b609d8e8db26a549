//! Model of what was released: the real `next` and `status`, while its requester asks for it again and again, bytes are fetched by
//! whoever holds a ticket, jobs die without a word, controllers crash and are overtaken, and people revoke, leave and shut the project.
//!
//! Nothing is handed out that is not written down with its receipt, no more often than the policy allows, and nothing stays to be
//! fetched that may not be. A [`Mutant`] that is blind to one thing is found out.

use std::collections::BTreeSet;

use sde_core::airlock::ending::ended;
use sde_core::airlock::{
    Chamber, Claim, Delivered, Job, JobKind, Observed, Outcome, Side, Standing, Step, Volume,
    chamber, next, status,
};
use sde_core::rejection::Rejection;
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus, DeliveryOutcome};
use stateright::{Checker, Model, Property};

use crate::airlock_sim::Sim;

/// How often the policy lets it be collected.
const MOST: i64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Found {
    Running,
    /// Whether all of it arrived.
    Fetched(bool),
    Nobody,
    Lost,
}

/// A pod of a delivery; each has a UID of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pod {
    uid: u8,
    round: i64,
    attempt: i64,
    found: Found,
    begun: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Start { round: i64, attempt: i64 },
    Delete(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    status: String,
    collect: i64,
    revoked: bool,
    gone: bool,
    shut: bool,
    late_in_time: bool,
    pods: Vec<Pod>,
    uids: u8,
    /// Pods that the status has shown: only for these are there tickets.
    shown: BTreeSet<u8>,
    /// Collections of which bytes were handed out.
    fetched: BTreeSet<i64>,
    doing: Option<Doing>,
    late: Option<Doing>,
    /// What may still go wrong.
    mishaps: u8,
    wrong: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Pass,
    Do,
    Crash,
    NewLeader,
    LateWrite,
    Ask,
    Fetch(u8),
    Ends(u8, bool),
    Dies(u8),
    Revoke,
    LosesEgress,
    Shut,
    Later,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    Sound,
    /// Takes a job that said nothing for one that nobody came to.
    Trusting,
    /// Never hears that it was revoked, that its requester may not receive it, or that the project is shut.
    Deaf,
    /// Shows every pod in the status, also one whose collection is written down.
    ShowsAll,
}

const WRONG: &str = "nothing is ever wrong";
const COLLECTED: &str = "it is collected as often as it may be";

struct Delivery {
    base: Observed,
    mutant: Mutant,
}

fn delivery(mutant: Mutant) -> Delivery {
    let mut sim = Sim::new().confirmed();
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.until(Phase::Released);
    sim.observed.jobs.clear();
    sim.observed.chamber = Chamber {
        volume: Some(Volume {
            kept: true,
            reserved_for: Some(Side::Airlock),
            leaving: false,
        }),
        project: Claim::Absent,
        airlock: Claim::Bound,
    };
    sim.observed.policy.as_mut().unwrap().collections = MOST;
    Delivery {
        base: sim.observed,
        mutant,
    }
}

fn stored(world: &World) -> AirlockRequestStatus {
    serde_json::from_str(&world.status).unwrap()
}

fn said(pod: &Pod) -> Outcome {
    let told = |complete: bool, ticket: bool| {
        Outcome::Delivered(Delivered {
            bytes: u64::from(ticket),
            sha256: "e".repeat(64),
            complete,
            door_bytes: complete.then_some(1),
            door_sha256: complete.then(|| "e".repeat(64)),
            ticket: ticket.then(|| "a ticket".to_owned()),
        })
    };
    match pod.found {
        Found::Running => Outcome::Running,
        Found::Lost => Outcome::Lost,
        Found::Nobody => told(false, false),
        Found::Fetched(all) => told(all, true),
    }
}

impl Delivery {
    fn observed(&self, world: &World) -> Observed {
        let mut o = self.base.clone();
        let hears = self.mutant != Mutant::Deaf;
        o.request.spec.collect = (world.collect > 0).then_some(world.collect);
        o.request.status = Some(stored(world));
        if world.late_in_time {
            let much = o.now.as_second() + 20 * 86_400;
            o.now = jiff::Timestamp::from_second(much).unwrap();
        }
        if world.revoked && hears {
            let mut sim = Sim::new();
            sim.observed = o;
            sim.review(
                "checker-a",
                ReviewRole::OutputChecker,
                ReviewDecision::Revoke,
            );
            o = sim.observed;
        }
        let project = o.project.as_mut().unwrap();
        if world.gone && hears {
            project.receivers.clear();
        }
        if world.shut && hears {
            let why = Rejection::new("Suspended", "It is suspended.");
            project.standing = Standing::Shut(why);
        }
        o.jobs = world.pods.iter().map(|pod| self.job(pod)).collect();
        o
    }

    fn job(&self, pod: &Pod) -> Job {
        let outcome = match (self.mutant, pod.found) {
            (Mutant::Trusting, Found::Lost) => said(&Pod {
                found: Found::Nobody,
                ..*pod
            }),
            _ => said(pod),
        };
        Job {
            kind: JobKind::Deliver,
            round: pod.round,
            attempt: pod.attempt,
            deleting: false,
            outcome,
            serving: Some(("10.0.0.9:8444".to_owned(), pod.uid.to_string())),
            ended: None,
            held_up: None,
            malware: None,
        }
    }

    /// One pass: the status is written at once, with what it was computed from as precondition; the rest may come late.
    fn pass(&self, world: &mut World) {
        let observed = self.observed(world);
        let step = next(&observed);
        let mut told = status(&observed, &step).status;
        told.conditions = None;
        let serving = told.serving.iter().flatten();
        world
            .shown
            .extend(serving.map(|s| s.pod.parse::<u8>().unwrap()));
        if self.mutant == Mutant::ShowsAll {
            world.shown.extend(world.pods.iter().map(|p| p.uid));
        }
        let round = observed.status().round;
        world.status = serde_json::to_string(&told).unwrap();
        world.doing = match &step {
            Step::StartJob { attempt, .. } => Some(Doing::Start {
                round,
                attempt: *attempt,
            }),
            Step::DeleteJobs => {
                let all = ended(observed.status().phase);
                let stale = |n: &usize| all || chamber::stale(&observed, &observed.jobs[*n]);
                let which = (0..world.pods.len()).filter(stale);
                Some(Doing::Delete(which.map(|n| world.pods[n].uid).collect()))
            }
            _ => None,
        };
        if step.acts() {
            return;
        }
        // At rest.
        let may = !(world.revoked || world.gone || world.shut || world.late_in_time);
        if !may && world.pods.iter().any(|p| p.found == Found::Running) {
            world.wrong.insert("leaves to be fetched what may not be");
        }
        let written = |n: &i64| {
            let mut all = told.deliveries.iter().flatten();
            all.any(|d| d.number == *n && d.outcome != DeliveryOutcome::NotCollected)
        };
        let running = |n: &i64| world.pods.iter().any(|p| p.attempt == *n);
        if !world.fetched.iter().all(|n| written(n) || running(n)) {
            world.wrong.insert("handed out what is not written down");
        }
        let counted = told.deliveries.iter().flatten();
        let counted = counted.filter(|d| d.outcome != DeliveryOutcome::NotCollected);
        // One for the release, one for each that counted, one more when it was revoked.
        let revoked = usize::from(told.phase == Phase::Revoked);
        if told.receipts.iter().flatten().count() != 1 + counted.count() + revoked {
            world.wrong.insert("rests without a receipt");
        }
    }
}

fn perform(world: &mut World, doing: Doing) {
    match doing {
        Doing::Start { round, attempt } => {
            let same = |p: &Pod| (p.round, p.attempt) == (round, attempt);
            if !world.pods.iter().any(same) {
                world.uids += 1;
                world.pods.push(Pod {
                    uid: world.uids,
                    round,
                    attempt,
                    found: Found::Running,
                    begun: false,
                });
            }
        }
        Doing::Delete(uids) => world.pods.retain(|p| !uids.contains(&p.uid)),
    }
}

fn pod(world: &mut World, uid: u8) -> Option<&mut Pod> {
    world.pods.iter_mut().find(|p| p.uid == uid)
}

impl Model for Delivery {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut told = self.base.status();
        told.conditions = None;
        vec![World {
            status: serde_json::to_string(&told).unwrap(),
            collect: 0,
            revoked: false,
            gone: false,
            shut: false,
            late_in_time: false,
            pods: Vec::new(),
            uids: 0,
            shown: BTreeSet::new(),
            fetched: BTreeSet::new(),
            doing: None,
            late: None,
            mishaps: 1,
            wrong: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let busy = world.doing.is_some();
        let mut when = |may: bool, action: Action| {
            if may {
                actions.push(action);
            }
        };
        when(!busy, Action::Pass);
        when(busy, Action::Do);
        when(busy && world.mishaps > 0, Action::Crash);
        when(busy && world.mishaps > 0, Action::NewLeader);
        when(world.late.is_some(), Action::LateWrite);
        when(world.collect < MOST + 1, Action::Ask);
        for pod in world.pods.iter().filter(|p| p.found == Found::Running) {
            let ticket = world.shown.contains(&pod.uid);
            when(ticket && !pod.begun, Action::Fetch(pod.uid));
            when(pod.begun, Action::Ends(pod.uid, true));
            when(true, Action::Ends(pod.uid, false));
            when(world.mishaps > 0, Action::Dies(pod.uid));
        }
        let calm = world.mishaps > 0;
        when(calm, Action::Revoke);
        when(calm, Action::LosesEgress);
        when(calm, Action::Shut);
        when(calm, Action::Later);
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        if mishap(&action) {
            world.mishaps -= 1;
        }
        match action {
            Action::Pass => self.pass(&mut world),
            Action::Do => {
                let doing = world.doing.take()?;
                perform(&mut world, doing);
            }
            Action::Crash => world.doing = None,
            Action::NewLeader => {
                world.late = world.doing.take();
            }
            Action::LateWrite => {
                let late = world.late.take()?;
                perform(&mut world, late);
            }
            Action::Ask => world.collect += 1,
            Action::Fetch(uid) => {
                let pod = pod(&mut world, uid)?;
                pod.begun = true;
                let attempt = pod.attempt;
                world.fetched.insert(attempt);
                if world.fetched.len() > usize::try_from(MOST).unwrap() {
                    world.wrong.insert("handed out more often than it may be");
                }
            }
            Action::Ends(uid, all) => {
                let pod = pod(&mut world, uid)?;
                pod.found = if pod.begun {
                    Found::Fetched(all)
                } else {
                    Found::Nobody
                };
            }
            Action::Dies(uid) => pod(&mut world, uid)?.found = Found::Lost,
            Action::Revoke => world.revoked = true,
            Action::LosesEgress => world.gone = true,
            Action::Shut => world.shut = true,
            Action::Later => world.late_in_time = true,
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![Property::always(WRONG, |_, w: &World| w.wrong.is_empty())];
        if self.mutant == Mutant::Sound {
            properties.push(Property::sometimes(COLLECTED, |_, w: &World| {
                w.fetched.len() == usize::try_from(MOST).unwrap()
                    && stored(w).phase == Phase::Expired
            }));
        }
        properties
    }
}

fn mishap(action: &Action) -> bool {
    matches!(
        action,
        Action::Crash
            | Action::NewLeader
            | Action::Dies(_)
            | Action::Revoke
            | Action::LosesEgress
            | Action::Shut
            | Action::Later
    )
}

/// Most states that are generated in search of what is wrong, breadth first.
const STATES: usize = 12_000;

fn wrong(mutant: Mutant) -> BTreeSet<&'static str> {
    let checker = delivery(mutant).checker();
    let checker = checker.target_state_count(STATES).spawn_bfs().join();
    let path = checker.discovery(WRONG);
    path.map(|p| p.last_state().wrong.clone())
        .unwrap_or_default()
}

#[test]
fn what_is_handed_out_is_written_down_and_no_more_than_may_be() {
    let checker = delivery(Mutant::Sound).checker();
    let checker = checker.target_state_count(STATES).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    let found = checker.discovery(WRONG);
    assert!(found.is_none(), "{found:?}");
    assert!(checker.discovery(COLLECTED).is_some(), "never collected");
}

#[test]
fn a_machine_that_is_blind_is_found_out() {
    assert!(wrong(Mutant::Trusting).contains("handed out what is not written down"));
    assert!(wrong(Mutant::Deaf).contains("leaves to be fetched what may not be"));
    assert!(!wrong(Mutant::ShowsAll).is_empty());
}
