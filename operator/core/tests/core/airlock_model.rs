//! Model of a request: the real `next` and `status`, in a world where controllers crash and are overtaken by others, writes
//! come late, people vote in any order, twice and where they may not, the policy and its reviewers change, people leave the project,
//! bytes are changed in the chamber, requests are withdrawn and revoked, and projects are closed.
//!
//! Each property is shown able to fail: a [`Mutant`] sees or does one thing wrong, and the checker must find what comes of it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, VecDeque};

use sde_core::airlock::ending::ended;
use sde_core::airlock::review::policy_digest;
use sde_core::airlock::{
    Chamber, Claim, Job, JobKind, Observed, Outcome, Side, Standing, Step, Volume, next, status,
};
use sde_crds::AirlockReview;
use sde_crds::airlock_request::{Direction, Import};
use sde_crds::airlock_review::ReviewDecision;
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus, SealedContent};
use sde_crds::policy_airlock::AirlockPolicy;
use serde_json::json;
use stateright::{Checker, Model, Property};

use crate::airlock_sim::{REQUEST_UID, code, digest, findings, observed};

/// Two output checkers, a person of the project and the requester, whom the policy names as reviewers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Person {
    A,
    B,
    Member,
    Requester,
}

fn user(person: Person) -> &'static str {
    match person {
        Person::A => "checker-a",
        Person::B => "checker-b",
        Person::Member => "u-19ab",
        Person::Requester => "u-7c1e",
    }
}

/// Which viewing code a review has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Seen {
    /// That of whoever decides, for the findings that are there.
    Own,
    /// That of checker-a.
    OfA,
    /// None.
    Nothing,
}

/// A review, with the findings and policy that were there when it was made. A person can make two.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Vote {
    person: Person,
    decision: ReviewDecision,
    copy: u8,
    seen: Seen,
    findings: String,
    policy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Found {
    Running,
    Sealed,
    Scanned(u8),
    /// Whether the bytes were changed when they were read.
    Verified(bool),
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Agent {
    kind: JobKind,
    side: Side,
    round: i64,
    attempt: i64,
    found: Found,
}

/// What the API server holds of the chamber and the jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Cluster {
    chamber: Chamber,
    /// Resource version of the volume.
    version: u8,
    /// UIDs of the claims, by side.
    uids: [u8; 2],
    jobs: Vec<Agent>,
}

/// A write that was decided and not yet done, with the volume's version it was decided on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Start(Agent),
    DeleteJobs(Vec<Agent>),
    MakeClaim(Side),
    Keep(u8),
    DeleteClaim(Side, u8),
    Rebind(Side, u8),
    DeleteVolume(u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// The status, as stored, without its conditions.
    status: String,
    confirmed: bool,
    withdrawn: bool,
    retries: i64,
    votes: BTreeSet<Vote>,
    policy: u8,
    /// checker-b is no longer a reviewer.
    removed: bool,
    /// The member has left the project.
    left: bool,
    closing: bool,
    /// Forty days each.
    time: u8,
    tampered: bool,
    live: Cluster,
    doing: Option<Doing>,
    /// A write of a controller that was overtaken by another.
    late: Option<Doing>,
    /// Whether another controller has taken over; it happens once.
    overtaken: bool,
    mishaps: u8,
    released: bool,
    wrong: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Pass,
    Do,
    Bind,
    ClaimGone(Side),
    JobEnds(usize),
    Confirm,
    Retry,
    GiveUp,
    ReviewerBack,
    LateWrite,
    Vote(Person, ReviewDecision, u8, Seen),
    Later,
    // What follows costs one of the mishaps.
    Crash,
    NewLeader,
    JobLost(usize),
    Tamper,
    PolicyChanges,
    ReviewerRemoved,
    MemberLeaves,
    Withdraw,
    Close,
}

/// What a broken machine would see or do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// None: the real one.
    Sound,
    /// Takes every review for one of what is there now.
    BlindToDigests,
    /// Takes everybody who is a reviewer for an outsider.
    BlindToMembers,
    /// Takes each review for another person's.
    BlindToPeople,
    /// Never hears that a reviewer was removed.
    BlindToRemoval,
    /// Never hears that the policy has changed.
    BlindToPolicy,
    /// Takes what is in the chamber for what was sealed.
    BlindToBytes,
    /// Thinks that a claim that is being deleted is gone.
    Hasty,
    /// Never deletes a job.
    KeepsJobs,
    /// Takes every approval for one of somebody who has opened every file.
    BlindToCodes,
    /// Takes anybody's viewing code for the reviewer's own.
    BlindToWhoseCode,
    /// Takes hashes that were recomputed in an earlier round for those of this.
    BlindToRounds,
}

const WRONG: &str = "nothing is ever wrong";
const UNSEEN: &str = "went on although somebody who approves has not opened every file";
const RELEASED: &str = "a request is released in spite of every mishap";

struct Airlock {
    direction: Direction,
    mutant: Mutant,
    /// Whether the cluster does at once what it is told, so that people are what the model is about.
    instant: bool,
    /// Whether others vote too than two who may and approve.
    crowd: bool,
    mishaps: u8,
    base: Observed,
    /// The policy and what it becomes, each with its digest.
    policies: [(AirlockPolicy, String); 2],
    ballot: AirlockReview,
}

fn airlock(direction: Direction, instant: bool, mutant: Mutant) -> Airlock {
    let mut base = observed();
    base.request.spec.seal = true;
    // There is no room for viewers: they are another model.
    base.room_to_view = false;
    if direction == Direction::Import {
        let spec = &mut base.request.spec;
        spec.direction = direction;
        spec.folder = None;
        spec.outputs = None;
        let import = json!([{"name": "reference", "files": [0, 1, 2, 3], "kind": "LinkageData", "origin": "A public registry"}]);
        spec.imports = serde_json::from_value::<Vec<Import>>(import).ok();
    }
    let policy = base.policy.as_mut().unwrap();
    for person in [Person::Member, Person::Requester] {
        let reviewer = json!({"user": user(person), "roles": ["OutputChecker", "Senior"]});
        policy
            .reviewers
            .push(serde_json::from_value(reviewer).unwrap());
    }
    for reviewer in &mut policy.reviewers {
        if !reviewer.user.starts_with("custodian") {
            reviewer.roles = serde_json::from_value(json!(["OutputChecker", "Senior"])).unwrap();
        }
    }
    let changed = |days: i64| {
        let policy = AirlockPolicy {
            retention_days: days,
            ..base.policy.clone().unwrap()
        };
        let digest = policy_digest(&policy);
        (policy, digest)
    };
    let ballot = json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReview", "metadata": {"name": "r", "generation": 1},
        "spec": {
            "request": "penetrance-tables", "requestUID": REQUEST_UID, "requester": user(Person::Requester),
            "reviewer": "nobody", "role": "Senior", "decision": "Approve", "contentDigest": digest('1'),
            "findingsDigest": "", "policyDigest": "", "conflictOfInterest": "None", "reason": "SafeAsDeclared",
        },
    });
    Airlock {
        policies: [changed(30), changed(29)],
        ballot: serde_json::from_value(ballot).unwrap(),
        direction,
        mutant,
        instant,
        crowd: instant,
        mishaps: 1,
        base,
    }
}

fn number(side: Side) -> usize {
    usize::from(side == Side::Airlock)
}

fn claim(chamber: &mut Chamber, side: Side) -> &mut Claim {
    match side {
        Side::Project => &mut chamber.project,
        Side::Airlock => &mut chamber.airlock,
    }
}

const SIDES: [Side; 2] = [Side::Project, Side::Airlock];

thread_local! {
    static PARSED: RefCell<HashMap<String, AirlockRequestStatus>> = RefCell::default();
}

fn stored(world: &World) -> AirlockRequestStatus {
    let parse = || serde_json::from_str(&world.status).unwrap();
    PARSED.with_borrow_mut(|parsed| {
        let status = parsed.entry(world.status.clone());
        status.or_insert_with(parse).clone()
    })
}

impl Airlock {
    fn policy(&self, version: u8) -> &(AirlockPolicy, String) {
        &self.policies[usize::from(version % 2)]
    }

    fn observed(&self, world: &World) -> Observed {
        let cluster = &world.live;
        let mut o = self.base.clone();
        let status = stored(world);
        let spec = &mut o.request.spec;
        spec.withdrawn = world.withdrawn;
        spec.retries = (world.retries > 0).then_some(world.retries);
        spec.confirmed_digest = world
            .confirmed
            .then(|| status.content.as_ref().unwrap().digest.clone());
        let version = if self.mutant == Mutant::BlindToPolicy {
            0
        } else {
            world.policy
        };
        let mut policy = self.policy(version).0.clone();
        if world.removed && self.mutant != Mutant::BlindToRemoval {
            policy.reviewers.retain(|r| r.user != user(Person::B));
        }
        o.policy = Some(policy);
        let project = o.project.as_mut().unwrap();
        if world.closing {
            project.standing = Standing::Closing;
        }
        if world.left {
            project.members.remove(user(Person::Member));
        }
        o.now =
            jiff::Timestamp::from_second(o.now.as_second() + i64::from(world.time) * 40 * 86_400)
                .unwrap();
        o.reviews = world
            .votes
            .iter()
            .enumerate()
            .map(|(n, vote)| self.review(&status, vote, n))
            .collect();
        o.chamber = cluster.chamber;
        let gone = |c: &mut Claim| {
            if *c == Claim::Deleting {
                *c = Claim::Absent;
            }
        };
        if self.mutant == Mutant::Hasty {
            gone(&mut o.chamber.project);
            gone(&mut o.chamber.airlock);
        }
        o.jobs = cluster.jobs.iter().map(|j| self.job(j)).collect();
        if self.mutant == Mutant::BlindToRounds {
            let verifies = o.jobs.iter_mut().filter(|j| j.kind == JobKind::Verify);
            verifies.for_each(|j| j.round = status.round);
        }
        if self.mutant == Mutant::BlindToMembers {
            project_without_members(&mut o);
            o.request.status = Some(AirlockRequestStatus {
                insiders: None,
                ..status
            });
        } else {
            o.request.status = Some(status);
        }
        o
    }

    fn review(&self, status: &AirlockRequestStatus, vote: &Vote, n: usize) -> AirlockReview {
        let (mut found, mut policy) = (vote.findings.clone(), vote.policy.clone());
        if let (Mutant::BlindToDigests, Some(now)) = (self.mutant, &status.findings) {
            found.clone_from(&now.digest);
            policy.clone_from(&now.policy_digest);
        }
        let who = if self.mutant == Mutant::BlindToPeople {
            ["checker-a", "checker-b"][n % 2]
        } else {
            user(vote.person)
        };
        let mut review = self.ballot.clone();
        review.metadata.uid = Some(format!("uid-{n}"));
        let of = &mut review.spec;
        who.clone_into(&mut of.reviewer);
        of.decision = vote.decision;
        let seen = match (self.mutant, vote.seen) {
            (Mutant::BlindToCodes, _) | (_, Seen::Own) => Some(code(who, &found)),
            (Mutant::BlindToWhoseCode, Seen::OfA) => Some(code(who, &found)),
            (_, Seen::OfA) => Some(code("checker-a", &found)),
            (_, Seen::Nothing) => None,
        };
        of.seen = seen.filter(|_| vote.decision == ReviewDecision::Approve);
        (of.findings_digest, of.policy_digest) = (found, policy);
        review
    }

    fn job(&self, agent: &Agent) -> Job {
        let outcome = match agent.found {
            Found::Running => Outcome::Running,
            Found::Lost => Outcome::Lost,
            Found::Sealed => Outcome::Sealed(SealedContent {
                digest: digest('1'),
                files: 4,
                bytes: 4,
                recipient: None,
                fingerprints: None,
            }),
            Found::Scanned(version) => {
                let mut found = findings(Vec::new(), self.policy(version).1.clone());
                let number = format!("{version}{}", agent.round);
                found.digest = format!("v1:{}", sde_evidence_digest(&number));
                Outcome::Scanned(found)
            }
            Found::Verified(changed) => {
                let blind = self.mutant == Mutant::BlindToBytes;
                Outcome::Verified(digest(if changed && !blind { 'f' } else { '1' }))
            }
        };
        Job {
            kind: agent.kind,
            round: agent.round,
            attempt: agent.attempt,
            deleting: false,
            outcome,
            serving: None,
            ended: None,
            held_up: None,
            malware: None,
        }
    }

    /// One pass, on what the API server holds. A phase is stored at once; what is done in the cluster may come late, or never.
    fn pass(&self, world: &mut World) {
        let observed = self.observed(world);
        let step = next(&observed);
        self.check(world, &observed, &step);
        let round = observed.status().round;
        let version = world.live.version;
        let doing = match &step {
            Step::Enter(_) | Step::NoteContent(_) | Step::MakeReceipt(_) => {
                let mut told = status(&observed, &step).status;
                told.conditions = None;
                if self.mutant == Mutant::BlindToMembers {
                    told.insiders = None;
                }
                world.status = serde_json::to_string(&told).unwrap();
                None
            }
            // Nobody collects here and there is no room for viewers: that is another model.
            Step::NoteDelivery(_) => unreachable!("nobody asks to collect"),
            Step::Wait(_) | Step::Done => None,
            Step::StartJob {
                kind,
                side,
                attempt,
            } => Some(Doing::Start(Agent {
                kind: *kind,
                side: *side,
                round,
                attempt: *attempt,
                found: Found::Running,
            })),
            Step::DeleteJobs => {
                let old =
                    |n: &usize| ended(observed.status().phase) || observed.jobs[*n].round != round;
                let jobs = (0..world.live.jobs.len()).filter(old);
                Some(Doing::DeleteJobs(
                    jobs.map(|n| world.live.jobs[n]).collect(),
                ))
            }
            Step::MakeClaim(side) => Some(Doing::MakeClaim(*side)),
            Step::KeepVolume => Some(Doing::Keep(version)),
            Step::DeleteClaim(side) => {
                let uid = world.live.uids[number(*side)];
                Some(Doing::DeleteClaim(*side, uid))
            }
            Step::Rebind(side) => Some(Doing::Rebind(*side, version)),
            Step::DeleteVolume => Some(Doing::DeleteVolume(version)),
        };
        world.doing = doing;
        if self.instant {
            if let Some(doing) = world.doing.take() {
                self.write(world, doing);
            }
            while let Some(n) = ending(world) {
                end_job(world, n);
            }
            SIDES.into_iter().for_each(|side| {
                bind(world, side);
                gone(world, side);
            });
        }
    }

    /// Judges a decision by what is true, not by what the machine believes.
    fn check(&self, world: &mut World, observed: &Observed, step: &Step) {
        let status = observed.status();
        if let Step::Wait(wait) = step
            && (wait.message.is_empty() || wait.reason.is_empty())
        {
            world.wrong.insert("waits without saying why");
        }
        if *step == Step::Done && !ended(status.phase) {
            world.wrong.insert("is done before its end");
        }
        if *step == Step::DeleteVolume && !ended(status.phase) {
            world.wrong.insert("destroyed a chamber that is needed");
        }
        let Step::Enter(entry) = step else {
            return;
        };
        if !matches!(
            entry.phase,
            Phase::Approved | Phase::Releasing | Phase::Released
        ) {
            return;
        }
        if !self.agreed(world, &status) {
            world
                .wrong
                .insert("went on without two people who agreed to exactly this");
        }
        if !self.looked(world, &status) {
            world.wrong.insert(UNSEEN);
        }
        if world.withdrawn {
            world.wrong.insert("went on although withdrawn");
        }
        if entry.phase != Phase::Released {
            return;
        }
        if std::mem::replace(&mut world.released, true) {
            world.wrong.insert("released twice");
        }
        let verified = world.live.jobs.iter().any(|j| {
            j.kind == JobKind::Verify
                && j.round == status.round
                && j.found == Found::Verified(false)
        });
        if !verified {
            world.wrong.insert("released other bytes than were sealed");
        }
        let exact = status.approval.is_some_and(|a| {
            Some(a.content_digest) == status.content.map(|c| c.digest)
                && Some(a.findings_digest) == status.findings.map(|f| f.digest)
        });
        if !exact {
            world.wrong.insert("released something else than it says");
        }
        let side = sde_core::airlock::chamber::destination(self.direction);
        if world.live.chamber.claim(side) != Claim::Bound {
            world.wrong.insert("released what is not there");
        }
    }

    /// Whether two people who may agree to these findings have each opened every file under their own ticket.
    fn looked(&self, world: &World, status: &AirlockRequestStatus) -> bool {
        let found = status.findings.as_ref().map(|f| f.digest.as_str());
        let own = |v: &&Vote| v.seen == Seen::Own || (v.seen, v.person) == (Seen::OfA, Person::A);
        let looked = world.votes.iter().filter(own).filter(|v| {
            v.decision == ReviewDecision::Approve && Some(v.findings.as_str()) == found
        });
        let people: BTreeSet<Person> = looked.map(|v| v.person).collect();
        people.contains(&Person::A) && people.contains(&Person::B)
    }

    /// Whether two people who may have agreed to these findings under the policy of now, and nobody who may refuses.
    fn agreed(&self, world: &World, status: &AirlockRequestStatus) -> bool {
        let Some(found) = &status.findings else {
            return false;
        };
        let now = &self.policy(world.policy).1;
        let may = |v: &&Vote| v.person == Person::A || v.person == Person::B && !world.removed;
        let bound = |v: &&Vote| v.findings == found.digest && v.policy == *now;
        let votes = || world.votes.iter().filter(may);
        let refused = votes().any(|v| v.decision == ReviewDecision::Reject);
        let agree = votes().filter(bound);
        let people: BTreeSet<Person> = agree
            .filter(|v| v.decision == ReviewDecision::Approve)
            .map(|v| v.person)
            .collect();
        people.len() >= 2 && !refused
    }
}

impl Airlock {
    fn write(&self, world: &mut World, doing: Doing) {
        if self.mutant != Mutant::KeepsJobs || !matches!(doing, Doing::DeleteJobs(_)) {
            perform(world, doing);
        }
    }
}

fn project_without_members(o: &mut Observed) {
    o.project.as_mut().unwrap().members.clear();
}

fn sde_evidence_digest(text: &str) -> String {
    format!("sha256:{}", sde_core::labels::short_hash(text, 64))
}

fn mounted(claim: Claim) -> bool {
    matches!(claim, Claim::Bound | Claim::Deleting)
}

fn perform(world: &mut World, doing: Doing) {
    let live = &mut world.live;
    match doing {
        Doing::Start(agent) => {
            let same = |j: &Agent| {
                (j.kind, j.round, j.attempt) == (agent.kind, agent.round, agent.attempt)
            };
            if !live.jobs.iter().any(same) {
                live.jobs.push(agent);
            }
        }
        Doing::DeleteJobs(which) => {
            // By UID: one that was made since stays.
            let named = |j: &Agent| {
                which
                    .iter()
                    .any(|w| (w.kind, w.round, w.attempt) == (j.kind, j.round, j.attempt))
            };
            live.jobs.retain(|j| !named(j));
        }
        Doing::MakeClaim(side) => {
            if live.chamber.claim(side) == Claim::Absent {
                *claim(&mut live.chamber, side) = Claim::Pending;
                live.uids[number(side)] += 1;
            }
        }
        Doing::Keep(version) if version == live.version => {
            if let Some(volume) = &mut live.chamber.volume {
                volume.kept = true;
                live.version += 1;
            }
        }
        Doing::DeleteClaim(side, uid) if uid == live.uids[number(side)] => {
            let claim = claim(&mut live.chamber, side);
            *claim = match *claim {
                Claim::Bound | Claim::Deleting => Claim::Deleting,
                Claim::Pending | Claim::Absent | Claim::Lost => Claim::Absent,
            };
        }
        Doing::Rebind(side, version) if version == live.version => {
            if let Some(volume) = &mut live.chamber.volume {
                volume.reserved_for = Some(side);
                live.version += 1;
            }
        }
        Doing::DeleteVolume(version) if version == live.version => {
            live.chamber.volume = None;
            live.version += 1;
        }
        // Another version or another object: the API server refuses.
        Doing::Keep(_) | Doing::DeleteClaim(..) | Doing::Rebind(..) | Doing::DeleteVolume(_) => {}
    }
}

/// Kubernetes binds a claim to the volume that is reserved for it, and makes a new one for the first, once a pod waits for it.
fn bind(world: &mut World, side: Side) -> bool {
    let live = &mut world.live;
    let waited_for = live.chamber.volume.is_some() || live.jobs.iter().any(|j| j.side == side);
    if live.chamber.claim(side) != Claim::Pending || !waited_for {
        return false;
    }
    let fresh = Volume {
        kept: false,
        reserved_for: Some(side),
        leaving: false,
    };
    let volume = live.chamber.volume.get_or_insert(fresh);
    if volume.reserved_for != Some(side) {
        return false;
    }
    *claim(&mut live.chamber, side) = Claim::Bound;
    live.version += 1;
    true
}

/// A claim goes when no pod mounts it any more; a volume that is not kept goes with it.
fn gone(world: &mut World, side: Side) -> bool {
    let live = &mut world.live;
    if live.chamber.claim(side) != Claim::Deleting || live.jobs.iter().any(|j| j.side == side) {
        return false;
    }
    *claim(&mut live.chamber, side) = Claim::Absent;
    if live.chamber.volume.is_some_and(|v| !v.kept) {
        live.chamber.volume = None;
    }
    true
}

/// A job that can end: its pod has mounted the chamber.
fn ending(world: &World) -> Option<usize> {
    let live = &world.live;
    live.jobs
        .iter()
        .position(|j| j.found == Found::Running && mounted(live.chamber.claim(j.side)))
}

fn end_job(world: &mut World, n: usize) {
    let job = &mut world.live.jobs[n];
    job.found = match job.kind {
        JobKind::Seal => Found::Sealed,
        JobKind::Scan => Found::Scanned(world.policy),
        JobKind::Verify => Found::Verified(world.tampered),
        JobKind::View | JobKind::Deliver | JobKind::Receive => {
            unreachable!("nothing is served here")
        }
    };
}

impl Model for Airlock {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            status: serde_json::to_string(&AirlockRequestStatus::default()).unwrap(),
            confirmed: false,
            withdrawn: false,
            retries: 0,
            votes: BTreeSet::new(),
            policy: 0,
            removed: false,
            left: false,
            closing: false,
            time: 0,
            tampered: false,
            live: Cluster::default(),
            doing: None,
            late: None,
            overtaken: false,
            mishaps: self.mishaps,
            released: false,
            wrong: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let status = stored(world);
        let live = &world.live;
        let over = ended(status.phase);
        let mut when = |may: bool, action: Action| {
            if may {
                actions.push(action);
            }
        };
        when(world.doing.is_none(), Action::Pass);
        when(world.doing.is_some(), Action::Do);
        let pending = |side| live.chamber.claim(side) == Claim::Pending;
        when(SIDES.into_iter().any(pending), Action::Bind);
        for side in SIDES {
            when(
                live.chamber.claim(side) == Claim::Deleting,
                Action::ClaimGone(side),
            );
        }
        if let Some(n) = ending(world) {
            when(true, Action::JobEnds(n));
            when(world.mishaps > 0, Action::JobLost(n));
        }
        when(
            status.content.is_some() && !world.confirmed,
            Action::Confirm,
        );
        when(
            status.phase == Phase::Failed && world.retries < 2,
            Action::Retry,
        );
        when(
            status.phase == Phase::Failed && world.retries == 2 && !world.withdrawn,
            Action::GiveUp,
        );
        when(world.removed, Action::ReviewerBack);
        when(world.late.is_some(), Action::LateWrite);
        when(world.doing.is_some() && !world.overtaken, Action::NewLeader);
        let votes = matches!(
            status.phase,
            Phase::InReview | Phase::Approved | Phase::Releasing
        );
        if votes && status.findings.is_some() {
            use ReviewDecision::{Approve, Reject};
            when(true, Action::Vote(Person::A, Approve, 0, Seen::Own));
            when(true, Action::Vote(Person::B, Approve, 0, Seen::Own));
            let more = self.crowd && world.votes.len() < 3;
            when(more, Action::Vote(Person::A, Approve, 1, Seen::Own));
            when(more, Action::Vote(Person::A, Reject, 0, Seen::Nothing));
            // Mutants that are blind to something else are found out without them, sooner.
            let codes = more
                && matches!(
                    self.mutant,
                    Mutant::Sound | Mutant::BlindToCodes | Mutant::BlindToWhoseCode
                );
            when(codes, Action::Vote(Person::B, Approve, 0, Seen::Nothing));
            when(codes, Action::Vote(Person::B, Approve, 0, Seen::OfA));
            when(more, Action::Vote(Person::Member, Approve, 0, Seen::Own));
            when(more, Action::Vote(Person::Requester, Approve, 0, Seen::Own));
        }
        when(
            status.phase == Phase::Released && self.instant,
            Action::Vote(Person::A, ReviewDecision::Revoke, 0, Seen::Nothing),
        );
        when(
            status.expires_at.is_some() && !over && world.time < 2,
            Action::Later,
        );
        if world.mishaps == 0 || over {
            return;
        }
        when(world.doing.is_some(), Action::Crash);
        when(status.content.is_some() && !world.tampered, Action::Tamper);
        when(!world.withdrawn, Action::Withdraw);
        when(!world.closing, Action::Close);
        when(status.findings.is_some(), Action::PolicyChanges);
        when(
            !world.removed && status.findings.is_some(),
            Action::ReviewerRemoved,
        );
        when(
            self.instant && !world.left && status.round > 0,
            Action::MemberLeaves,
        );
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
                self.write(&mut world, doing);
            }
            Action::Bind => SIDES.into_iter().for_each(|side| {
                bind(&mut world, side);
            }),
            Action::ClaimGone(side) => {
                gone(&mut world, side);
            }
            Action::JobEnds(n) => end_job(&mut world, n),
            Action::JobLost(n) => world.live.jobs[n].found = Found::Lost,
            Action::Confirm => world.confirmed = true,
            Action::Retry => world.retries += 1,
            Action::Vote(person, decision, copy, seen) => {
                let found = stored(last).findings?;
                world.votes.insert(Vote {
                    person,
                    decision,
                    copy,
                    seen,
                    findings: found.digest,
                    policy: found.policy_digest,
                });
            }
            Action::Later => world.time += 1,
            Action::Crash => world.doing = None,
            Action::NewLeader => {
                world.overtaken = true;
                world.late = world.doing.take();
            }
            Action::LateWrite => {
                let late = world.late.take()?;
                self.write(&mut world, late);
            }
            Action::Tamper => world.tampered = true,
            Action::PolicyChanges => world.policy += 1,
            Action::ReviewerRemoved => world.removed = true,
            Action::MemberLeaves => world.left = true,
            Action::Withdraw | Action::GiveUp => world.withdrawn = true,
            Action::ReviewerBack => world.removed = false,
            Action::Close => world.closing = true,
        }
        if SIDES
            .into_iter()
            .all(|side| mounted(world.live.chamber.claim(side)))
        {
            world.wrong.insert("bound on two sides");
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![Property::always(WRONG, |_, w: &World| w.wrong.is_empty())];
        // The search for what is wrong with a mutant ends when it is found.
        if self.mutant == Mutant::Sound {
            properties.push(Property::sometimes(RELEASED, |_, w: &World| {
                w.released && w.mishaps == 0
            }));
        }
        properties
    }
}

fn mishap(action: &Action) -> bool {
    matches!(
        action,
        Action::Crash
            | Action::JobLost(_)
            | Action::Tamper
            | Action::PolicyChanges
            | Action::ReviewerRemoved
            | Action::MemberLeaves
            | Action::Withdraw
            | Action::Close
    )
}

/// A state from which people who want the request to be decided, and a working cluster, cannot bring it to an end.
fn stuck(model: &Airlock) -> Option<World> {
    let mut numbers: HashMap<World, usize> = HashMap::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut finished = Vec::new();
    let mut queue: VecDeque<World> = model.init_states().into();
    for (n, world) in queue.iter().enumerate() {
        numbers.insert(world.clone(), n);
        before.push(Vec::new());
    }
    while let Some(world) = queue.pop_front() {
        let n = numbers[&world];
        let phase = stored(&world).phase;
        if ended(phase) || phase == Phase::Released {
            finished.push(n);
        }
        let mut actions = Vec::new();
        model.actions(&world, &mut actions);
        for action in actions {
            let refuses = matches!(action, Action::Vote(_, decision, ..) if decision != ReviewDecision::Approve);
            let kind = !mishap(&action) && !refuses && action != Action::Later;
            let Some(after) = model.next_state(&world, action) else {
                continue;
            };
            let fresh = before.len();
            let to = *numbers.entry(after.clone()).or_insert(fresh);
            if to == fresh {
                before.push(Vec::new());
                queue.push_back(after);
            }
            if kind {
                before[to].push(n);
            }
        }
    }
    let mut good = vec![false; before.len()];
    while let Some(n) = finished.pop() {
        if !std::mem::replace(&mut good[n], true) {
            finished.extend(&before[n]);
        }
    }
    numbers
        .into_iter()
        .find(|(_, n)| !good[*n])
        .map(|(world, _)| world)
}

/// Most states that are generated in search of what is wrong, breadth first.
const STATES: usize = 25_000;

fn sound(direction: Direction, instant: bool) {
    let model = airlock(direction, instant, Mutant::Sound);
    let checker = model
        .checker()
        .target_state_count(STATES)
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    assert!(
        checker.discovery(WRONG).is_none(),
        "{:?}",
        checker.discovery(WRONG)
    );
    assert!(
        checker.discovery(RELEASED).is_some(),
        "nothing is ever released"
    );
    let mut model = airlock(direction, instant, Mutant::Sound);
    model.crowd = false;
    model.mishaps = u8::from(instant);
    let found = stuck(&model);
    assert!(found.is_none(), "stuck for good: {found:#?}");
}

#[test]
fn an_export_is_released_only_as_people_agreed() {
    sound(Direction::Export, true);
}

#[test]
fn an_export_moves_safely_and_never_gets_stuck() {
    sound(Direction::Export, false);
}

/// What the checker finds wrong with a mutant.
fn fault(
    direction: Direction,
    instant: bool,
    mishaps: u8,
    mutant: Mutant,
) -> BTreeSet<&'static str> {
    let mut model = airlock(direction, instant, mutant);
    model.mishaps = mishaps;
    model.crowd = instant && mishaps < 2;
    let checker = model.checker().spawn_bfs().join();
    let path = checker.discovery(WRONG);
    path.map(|p| p.last_state().wrong.clone())
        .unwrap_or_default()
}

#[test]
fn a_machine_that_is_blind_to_what_reviews_are_for_is_found_out() {
    let lax = "went on without two people who agreed to exactly this";
    for mutant in [
        Mutant::BlindToDigests,
        Mutant::BlindToMembers,
        Mutant::BlindToPeople,
        Mutant::BlindToRemoval,
        Mutant::BlindToPolicy,
    ] {
        let wrong = fault(Direction::Export, true, 1, mutant);
        assert!(wrong.contains(lax), "{mutant:?}: {wrong:?}");
    }
}

/// What the API server refuses by its shape, or cannot know to be somebody else's, never releases anything either.
#[test]
fn a_machine_that_is_blind_to_viewing_codes_is_found_out() {
    for mutant in [Mutant::BlindToCodes, Mutant::BlindToWhoseCode] {
        let wrong = fault(Direction::Export, true, 1, mutant);
        assert!(wrong.contains(UNSEEN), "{mutant:?}: {wrong:?}");
    }
}

#[test]
fn a_machine_that_is_blind_to_bytes_is_found_out() {
    let other = "released other bytes than were sealed";
    let wrong = fault(Direction::Export, true, 1, Mutant::BlindToBytes);
    assert!(wrong.contains(other), "{wrong:?}");
    // What an earlier round found says nothing of bytes that were changed since.
    let wrong = fault(Direction::Export, true, 2, Mutant::BlindToRounds);
    assert!(wrong.contains(other), "{wrong:?}");
}

#[test]
fn a_machine_that_moves_in_haste_is_found_out() {
    let wrong = fault(Direction::Export, false, 0, Mutant::Hasty);
    assert!(wrong.contains("bound on two sides"), "{wrong:?}");
}

#[test]
fn a_machine_that_leaves_its_jobs_lying_gets_stuck() {
    let mut model = airlock(Direction::Export, true, Mutant::KeepsJobs);
    model.mishaps = 0;
    assert!(stuck(&model).is_some());
}
