//! Model of a closure: the real `next` and `note`, in a world where controllers crash between noting and doing, caches
//! are behind, approvals come and go, a legal hold is put on and lifted, and claims appear.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use k8s_openapi::api::core::v1::{
    Namespace, ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    PersistentVolumeSpec, Pod,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sde_core::closing::status::{begun, note};
use sde_core::closing::{Live, Observed, Step, next};
use sde_core::project;
use sde_crds::names::{CLOSING_FINALIZER, GRANT_LABEL, PROJECT_UID_LABEL};
use sde_crds::project::{ClosureMode, Lifecycle};
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::project_status::{AirlockEmptied, ClosingStatus, ProjectStatus};
use stateright::{Checker, Model, Property};

use crate::world;

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Life {
    Absent,
    Present,
    Deleting,
}
use Life::{Absent, Deleting, Present};

/// What the API server holds. Claim 0 is a home, 1 a grant, 2 a claim that somebody makes late.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Cluster {
    pod: Life,
    binding: bool,
    claims: [Life; 3],
    volumes: [bool; 2],
    retain: bool,
    namespace: Life,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    live: Cluster,
    /// What the controller's cache shows.
    seen: Cluster,
    finalizer: bool,
    recorded: bool,
    /// status.closing, as stored.
    closing: Option<String>,
    /// The step that is noted and not yet done.
    doing: Option<Doing>,
    /// Digest that each of two people approved.
    approvals: [Option<String>; 2],
    hold: bool,
    /// How many things may still go wrong.
    mishaps: u8,
    /// Something was ever deleted by a step of the controller.
    destroyed: bool,
    /// What must never be.
    wrong: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Hold,
    StopPods,
    Revoke,
    SetReclaim,
    DeleteClaims(Vec<usize>),
    ReleaseGrants,
    DeleteNamespace,
    Attest,
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Pass,
    Do,
    Crash,
    Sync,
    PodGone,
    ClaimGone(usize),
    VolumeGone(usize),
    NamespaceGone,
    Approve(usize),
    Withdraw,
    PutHold,
    LiftHold,
    ClaimAppears,
    PersonDeletesClaim,
}

struct Closing {
    mode: ClosureMode,
    mishaps: u8,
    base: project::Observed,
}

fn closing(mode: ClosureMode) -> Closing {
    let mut base = world::applied();
    base.project.spec.lifecycle = Lifecycle::Closed;
    base.project.spec.closure.mode = mode;
    Closing {
        mode,
        mishaps: 2,
        base,
    }
}

fn meta(name: &str, life: Life) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        uid: Some(format!("uid-{name}")),
        namespace: Some("sde-project-prj-4f2c".to_owned()),
        labels: Some([(PROJECT_UID_LABEL.to_owned(), world::UID.to_owned())].into()),
        deletion_timestamp: (life == Deleting).then(|| Time(world::now())),
        ..ObjectMeta::default()
    }
}

const CLAIMS: [&str; 3] = ["home-1", "data-g", "home-2"];

fn labelled(mut meta: ObjectMeta, grant: bool) -> ObjectMeta {
    if grant {
        meta.labels
            .get_or_insert_default()
            .insert(GRANT_LABEL.to_owned(), "g".to_owned());
    }
    meta
}

fn claim(i: usize, life: Life) -> PersistentVolumeClaim {
    let volume_name = (i < 2).then(|| format!("pv-{i}"));
    PersistentVolumeClaim {
        metadata: labelled(meta(CLAIMS[i], life), i == 1),
        spec: Some(PersistentVolumeClaimSpec {
            volume_name,
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

fn volume(i: usize, retain: bool) -> PersistentVolume {
    let policy = if retain || i == 1 { "Retain" } else { "Delete" };
    PersistentVolume {
        metadata: ObjectMeta {
            namespace: None,
            ..labelled(meta(&format!("pv-{i}"), Present), i == 1)
        },
        spec: Some(PersistentVolumeSpec {
            persistent_volume_reclaim_policy: Some(policy.to_owned()),
            claim_ref: Some(ObjectReference {
                namespace: Some("sde-project-prj-4f2c".to_owned()),
                name: Some(CLAIMS[i].to_owned()),
                uid: Some(format!("uid-{}", CLAIMS[i])),
                ..ObjectReference::default()
            }),
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    }
}

impl Closing {
    fn observed(&self, world: &World) -> Observed {
        let mut project = self.base.clone();
        project.project.spec.closure.legal_hold = world.hold.then_some(true);
        project.project.metadata.finalizers =
            world.finalizer.then(|| vec![CLOSING_FINALIZER.to_owned()]);
        let closing = world
            .closing
            .as_ref()
            .map(|json| serde_json::from_str::<ClosingStatus>(json).unwrap());
        project.project.status = Some(ProjectStatus {
            closing,
            ..ProjectStatus::default()
        });
        let seen = &world.seen;
        if seen.pod != Absent {
            project.pods.push(Pod {
                metadata: meta("p", seen.pod),
                ..Pod::default()
            });
        }
        project.claims = (0..3)
            .filter(|i| seen.claims[*i] != Absent)
            .map(|i| claim(i, seen.claims[i]))
            .collect();
        // Volumes of homes are not watched: they are read from the API server.
        project.volumes = (0..2)
            .filter(|i| world.live.volumes[*i])
            .map(|i| volume(i, world.live.retain))
            .collect();
        project.namespace = (seen.namespace != Absent).then(|| Namespace {
            metadata: meta("sde-project-prj-4f2c", seen.namespace),
            ..Namespace::default()
        });
        for (person, digest) in world.approvals.iter().enumerate() {
            if let Some(digest) = digest {
                project.approvals.push(world::approval(
                    ApprovalRole::Closure,
                    &format!("custodian-{person}"),
                    digest,
                ));
            }
        }
        Observed {
            project,
            bound: seen.binding,
            secrets: Vec::new(),
            live: None,
            recorded: world.recorded,
            airlock: Vec::new(),
            emptied: AirlockEmptied::default(),
            receipts: BTreeMap::new(),
            airlock_namespace: None,
        }
    }

    /// One pass, as the controller does it: what destroys is decided on live counts; the note is stored before the deed.
    fn pass(&self, world: &mut World) {
        let mut observed = self.observed(world);
        let closing = begun(&observed);
        let mut step = next(&observed, &closing);
        if matches!(
            step,
            Step::TakeInventory(_)
                | Step::DeleteClaims(_)
                | Step::DeleteNamespace(_)
                | Step::Attest
        ) {
            observed.live = Some(Live {
                pods: usize::from(world.live.pod != Absent),
                claims: world.live.claims.iter().filter(|c| **c != Absent).count(),
                namespace: world.live.namespace != Absent,
            });
            step = next(&observed, &closing);
        }
        let noted = note(&observed, closing, &step);
        self.check(world, &observed, &noted, &step);
        world.closing = Some(serde_json::to_string(&noted).unwrap());
        world.doing = match &step {
            Step::Hold => Some(Doing::Hold),
            Step::StopPods(_) => Some(Doing::StopPods),
            Step::Revoke(_) => Some(Doing::Revoke),
            Step::SetReclaim { .. } => Some(Doing::SetReclaim),
            Step::DeleteClaims(claims) => {
                let names: Vec<_> = claims
                    .iter()
                    .map(|c| c.metadata.name.clone().unwrap())
                    .collect();
                Some(Doing::DeleteClaims(
                    (0..3)
                        .filter(|i| names.contains(&CLAIMS[*i].to_owned()))
                        .collect(),
                ))
            }
            Step::ReleaseGrants(_) => Some(Doing::ReleaseGrants),
            Step::DeleteNamespace(_) => Some(Doing::DeleteNamespace),
            Step::Attest => Some(Doing::Attest),
            Step::Release => Some(Doing::Release),
            _ => None,
        };
    }

    /// Judges a decision by what is true, not by what the controller believes.
    fn check(&self, world: &mut World, observed: &Observed, noted: &ClosingStatus, step: &Step) {
        let deletes = matches!(
            step,
            Step::DeleteClaims(_) | Step::ReleaseGrants(_) | Step::DeleteNamespace(_)
        );
        let approved = world
            .approvals
            .iter()
            .flatten()
            .filter(|d| Some(*d) == noted.inventory_digest.as_ref())
            .count()
            == 2;
        if deletes && !approved && !world.destroyed {
            world
                .wrong
                .insert("deleted without approvals of this inventory");
        }
        if deletes && world.hold {
            world.wrong.insert("deleted under a legal hold");
        }
        if deletes && world.live.pod != Absent {
            world.wrong.insert("deleted while a pod runs");
        }
        let listed = |name: &str| noted.inventory.iter().flatten().any(|m| m.claim == name);
        if let Step::DeleteClaims(claims) = step
            && claims
                .iter()
                .any(|c| !listed(c.metadata.name.as_ref().unwrap()))
        {
            world
                .wrong
                .insert("deleted a claim that the inventory does not list");
        }
        if matches!(step, Step::DeleteNamespace(_))
            && world.live.claims.iter().any(|c| *c != Absent)
        {
            world
                .wrong
                .insert("deleted the namespace with claims in it");
        }
        if *step == Step::Attest {
            let homes = self.mode == ClosureMode::Delete && world.live.volumes[0];
            if world.live.namespace != Absent
                || world.live.claims.iter().any(|c| *c != Absent)
                || homes
                || world.live.volumes[1]
            {
                world.wrong.insert("attested what is still there");
            }
            if noted.steps.iter().any(|s| s.ended_at.is_none()) || noted.steps.len() != 7 {
                world.wrong.insert("attested with a step unfinished");
            }
        }
        if *step == Step::Release && !observed.recorded {
            world.wrong.insert("let go without a record");
        }
        world.destroyed |= deletes;
    }

    fn perform(world: &mut World, doing: Doing) {
        let live = &mut world.live;
        let delete = |life: &mut Life| *life = if *life == Absent { Absent } else { Deleting };
        match doing {
            Doing::Hold => world.finalizer = true,
            Doing::StopPods => delete(&mut live.pod),
            Doing::Revoke => live.binding = false,
            Doing::SetReclaim => live.retain = !live.retain,
            Doing::DeleteClaims(which) => {
                which.into_iter().for_each(|i| delete(&mut live.claims[i]))
            }
            Doing::ReleaseGrants => live.volumes[1] = false,
            Doing::DeleteNamespace => {
                delete(&mut live.namespace);
                live.claims.iter_mut().for_each(delete);
            }
            Doing::Attest => world.recorded = true,
            Doing::Release => world.finalizer = false,
        }
    }

    fn done(world: &World) -> bool {
        world.recorded && !world.finalizer
    }
}

impl Model for Closing {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let live = Cluster {
            pod: Present,
            binding: true,
            claims: [Present, Present, Absent],
            volumes: [true, true],
            retain: false,
            namespace: Present,
        };
        vec![World {
            seen: live.clone(),
            live,
            finalizer: false,
            recorded: false,
            closing: None,
            doing: None,
            approvals: [None, None],
            hold: false,
            mishaps: self.mishaps,
            destroyed: false,
            wrong: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        match world.doing {
            None => actions.push(Action::Pass),
            Some(_) => actions.push(Action::Do),
        }
        let live = &world.live;
        let mut when = |may: bool, action: Action| {
            if may {
                actions.push(action);
            }
        };
        when(world.doing.is_some() && world.mishaps > 0, Action::Crash);
        when(world.seen != world.live, Action::Sync);
        when(live.pod == Deleting, Action::PodGone);
        for i in 0..3 {
            when(
                live.claims[i] == Deleting && live.pod == Absent,
                Action::ClaimGone(i),
            );
        }
        when(
            live.volumes[0] && live.claims[0] == Absent && !live.retain,
            Action::VolumeGone(0),
        );
        when(
            live.namespace == Deleting && live.pod == Absent && live.claims == [Absent; 3],
            Action::NamespaceGone,
        );
        let asked = world.closing.as_ref().and_then(|json| {
            serde_json::from_str::<ClosingStatus>(json)
                .unwrap()
                .inventory_digest
        });
        for person in 0..2 {
            when(
                asked.is_some() && world.approvals[person] != asked,
                Action::Approve(person),
            );
        }
        when(
            world.mishaps > 0 && world.approvals[0].is_some(),
            Action::Withdraw,
        );
        when(world.mishaps > 0 && !world.hold, Action::PutHold);
        when(world.hold, Action::LiftHold);
        when(
            world.mishaps > 0 && live.claims[2] == Absent && live.namespace == Present,
            Action::ClaimAppears,
        );
        when(live.claims[2] == Present, Action::PersonDeletesClaim);
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Pass => self.pass(&mut world),
            Action::Do => {
                let doing = world.doing.take()?;
                Self::perform(&mut world, doing);
            }
            Action::Crash => {
                world.mishaps -= 1;
                world.doing = None;
            }
            Action::Sync => world.seen = world.live.clone(),
            Action::PodGone => world.live.pod = Absent,
            Action::ClaimGone(i) => world.live.claims[i] = Absent,
            Action::VolumeGone(i) => world.live.volumes[i] = false,
            Action::NamespaceGone => world.live.namespace = Absent,
            Action::Approve(person) => {
                world.approvals[person] =
                    serde_json::from_str::<ClosingStatus>(world.closing.as_ref()?)
                        .unwrap()
                        .inventory_digest;
            }
            Action::Withdraw => {
                world.mishaps -= 1;
                world.approvals[0] = None;
            }
            Action::PutHold => {
                world.mishaps -= 1;
                world.hold = true;
            }
            Action::LiftHold => world.hold = false,
            Action::ClaimAppears => {
                world.mishaps -= 1;
                world.live.claims[2] = Present;
            }
            Action::PersonDeletesClaim => world.live.claims[2] = Deleting,
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is ever wrong", |_, w: &World| w.wrong.is_empty()),
            Property::always("let go only with a record", |_, w: &World| {
                w.finalizer || w.recorded || w.live.pod == Present
            }),
            Property::sometimes("a closure is finished", |_, w: &World| Self::done(w)),
            Property::sometimes(
                "a closure is finished in spite of every mishap",
                |_, w: &World| Self::done(w) && w.mishaps == 0,
            ),
        ]
    }
}

/// From every state that can be reached, well-meaning people and a working cluster can finish the closure.
fn never_stuck(model: &Closing) {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut finished = Vec::new();
    let mut queue: VecDeque<(usize, World)> = VecDeque::new();
    let mut worlds = Vec::new();
    let mut number =
        |world: World, queue: &mut VecDeque<(usize, World)>, before: &mut Vec<Vec<usize>>| {
            let fresh = before.len();
            let n = *numbers.entry(format!("{world:?}")).or_insert(fresh);
            if n == fresh {
                before.push(Vec::new());
                queue.push_back((n, world));
            }
            n
        };
    for world in model.init_states() {
        number(world, &mut queue, &mut before);
    }
    while let Some((n, world)) = queue.pop_front() {
        if Closing::done(&world) {
            finished.push(n);
        }
        let mut actions = Vec::new();
        model.actions(&world, &mut actions);
        for action in actions {
            let kind = !matches!(
                action,
                Action::Crash | Action::Withdraw | Action::PutHold | Action::ClaimAppears
            );
            if let Some(after) = model.next_state(&world, action) {
                let to = number(after, &mut queue, &mut before);
                if kind {
                    before[to].push(n);
                }
            }
        }
        worlds.push(world);
    }
    let mut good = vec![false; before.len()];
    while let Some(n) = finished.pop() {
        if !std::mem::replace(&mut good[n], true) {
            finished.extend(&before[n]);
        }
    }
    let stuck = worlds.iter().zip(&good).find(|(_, good)| !**good);
    assert!(stuck.is_none(), "stuck for good: {stuck:#?}");
}

#[test]
fn deleting_is_safe_and_never_stuck() {
    let checker = closing(ClosureMode::Delete).checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(
        checker.unique_state_count() > 1000,
        "the model explores something"
    );
    never_stuck(&closing(ClosureMode::Delete));
}

#[test]
fn keeping_is_safe_and_never_stuck() {
    closing(ClosureMode::RetainInaccessible)
        .checker()
        .spawn_bfs()
        .join()
        .assert_properties();
    never_stuck(&closing(ClosureMode::RetainInaccessible));
}

#[test]
fn a_withdrawn_decision_is_a_decision() {
    // The model takes an approval away where people would add a withdrawal: both count the same.
    let mut observed = world::applied();
    let digest = "inventory:v1:sha256:ab";
    let mut withdrawn = world::approval(ApprovalRole::Closure, "custodian-0", digest);
    withdrawn.spec.decision = Decision::Revoked;
    observed.approvals = vec![
        world::approval(ApprovalRole::Closure, "custodian-0", digest),
        withdrawn,
    ];
    let decided = sde_core::approvals::decide(
        &observed.id(),
        &observed.project.spec,
        digest,
        &observed.approvals,
        observed.now,
    );
    assert_eq!(decided.count(ApprovalRole::Closure), 0);
}
