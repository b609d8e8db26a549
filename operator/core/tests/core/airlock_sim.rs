//! The example request in the example project, on a cluster that does at once what it is told.

use jiff::Timestamp;
use sde_core::airlock::chamber::stale;
use sde_core::airlock::ending::ended;
use sde_core::airlock::malware::MalwareTask;
use sde_core::airlock::review::policy_digest;
use sde_core::airlock::transfer;
use sde_core::airlock::viewing::{Viewed, ViewingKey, ViewingSecret};
use sde_core::airlock::{
    Chamber, Claim, Job, JobKind, Observed, Outcome, Project, Side, Step, Volume, next, status,
};
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{
    AirlockPhase, AirlockRequestStatus, Finding, Findings, SealedContent,
};
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::json;

use crate::sim;
use crate::world;

pub const REQUEST_UID: &str = "33333333-3333-4333-8333-333333333333";
/// UID of every pod that serves.
pub const POD: &str = "44444444-4444-4444-8444-444444444444";

pub fn digest(of: char) -> String {
    format!("v1:sha256:{}", of.to_string().repeat(64))
}

/// What the scanner finds besides what a test puts there: nothing.
pub fn findings(rules: Vec<Finding>, policy: String) -> Findings {
    Findings {
        digest: digest('2'),
        content_digest: digest('1'),
        policy_digest: policy,
        rules,
    }
}

pub fn request() -> AirlockRequest {
    let mut request: AirlockRequest = world::example("airlockrequest");
    request.metadata.uid = Some(REQUEST_UID.to_owned());
    request.metadata.generation = Some(1);
    request
}

/// The key of the example request's viewing codes.
pub fn viewing() -> ViewingKey {
    let secret = ViewingSecret::new(&[7; 32]).unwrap();
    secret.of(REQUEST_UID)
}

/// The code that the viewer shows somebody who has opened every file.
pub fn code(person: &str, findings: &str) -> String {
    viewing().code(&Viewed {
        request_uid: REQUEST_UID,
        content: &digest('1'),
        findings,
        person,
    })
}

/// The example project as an open one, with the example policy.
pub fn observed() -> Observed {
    let open = sim::Sim::open().observed;
    let mut policy = world::policy().spec.airlock.unwrap();
    policy.sampled_percent = 0;
    Observed {
        request: request(),
        reviews: Vec::new(),
        project: Some(Project {
            sdes: ["example-partner-sde".to_owned()].into(),
            ..Project::of(&open)
        }),
        policy: Some(policy),
        sdes: transfer::current(&world::policy().spec, world::now()),
        chamber: Chamber::default(),
        jobs: Vec::new(),
        room_to_view: true,
        viewing: Some(viewing()),
        history: Vec::new(),
        now: world::now(),
    }
}

pub struct Sim {
    pub observed: Observed,
    pub found: Vec<Finding>,
    /// What the agent finds when it recomputes the hashes.
    pub bytes: String,
    pub files: i64,
}

impl Sim {
    pub fn new() -> Self {
        Self {
            observed: observed(),
            found: Vec::new(),
            bytes: digest('1'),
            files: 4,
        }
    }

    pub fn status(&self) -> AirlockRequestStatus {
        self.observed.status()
    }

    pub fn phase(&self) -> AirlockPhase {
        self.status().phase
    }

    /// Seals, and confirms what was sealed.
    pub fn confirmed(mut self) -> Self {
        self.observed.request.spec.seal = true;
        self.run();
        self.observed.request.spec.confirmed_digest = self.status().content.map(|c| c.digest);
        self.run();
        self
    }

    pub fn later(&mut self, days: i64) {
        let seconds = days * 86_400;
        let now = self.observed.now.as_second() + seconds;
        self.observed.now = Timestamp::from_second(now).unwrap();
    }

    /// Somebody reviews what is there now.
    pub fn review(
        &mut self,
        who: &str,
        role: ReviewRole,
        decision: ReviewDecision,
    ) -> &mut AirlockReview {
        let status = self.status();
        let findings = status.findings.unwrap();
        let refuses = matches!(
            decision,
            ReviewDecision::Reject | ReviewDecision::Return | ReviewDecision::Revoke
        );
        let name = format!("review-{}", self.observed.reviews.len());
        let mut review: AirlockReview = serde_json::from_value(json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReview",
            "metadata": {"name": name, "uid": format!("uid-{name}"), "generation": 1},
            "spec": {
                "request": "penetrance-tables", "requestUID": REQUEST_UID, "requester": self.observed.request.spec.requester,
                "reviewer": who, "role": role, "decision": decision,
                "contentDigest": status.content.unwrap().digest, "findingsDigest": findings.digest,
                "policyDigest": findings.policy_digest, "conflictOfInterest": "None",
                "reason": if refuses {"SmallCounts"} else {"SafeAsDeclared"},
            },
        }))
        .unwrap();
        if decision == ReviewDecision::Approve {
            review.spec.seen = Some(code(who, &review.spec.findings_digest));
        }
        if refuses {
            review.spec.advice = Some("Merge the two smallest rows".to_owned());
        }
        let held = findings.rules.iter().map(|f| f.rule.clone());
        let stands_out = status.signals.iter().flatten().map(|s| s.rule.clone());
        let held = held.chain(stands_out);
        let held: Vec<_> = held
            .map(|rule| json!({"rule": rule, "because": "CountsSeen"}))
            .collect();
        if !held.is_empty() && !refuses {
            review.spec.answers = serde_json::from_value(json!(held)).unwrap();
        }
        self.observed.reviews.push(review);
        self.observed.reviews.last_mut().unwrap()
    }

    pub fn approve(&mut self, who: &str) {
        self.review(who, ReviewRole::OutputChecker, ReviewDecision::Approve);
    }

    /// Takes steps until nothing more can be done; the last one is returned.
    pub fn run(&mut self) -> Step {
        for _ in 0..100 {
            let step = next(&self.observed);
            self.note(&step);
            if !step.acts() {
                return step;
            }
            self.perform(&step);
        }
        panic!("does not come to rest: {:?}", self.status());
    }

    /// Takes steps until a phase is reached.
    pub fn until(&mut self, phase: AirlockPhase) {
        for _ in 0..100 {
            if self.phase() == phase {
                return;
            }
            let step = next(&self.observed);
            assert!(step.acts(), "stops at {:?}: {step:?}", self.phase());
            self.note(&step);
            self.perform(&step);
        }
        panic!("never comes to {phase}: {:?}", self.status());
    }

    /// Takes one step.
    pub fn step(&mut self) {
        let step = next(&self.observed);
        self.note(&step);
        self.perform(&step);
    }

    fn note(&mut self, step: &Step) {
        self.observed.request.status = Some(status(&self.observed, step).status);
    }

    fn perform(&mut self, step: &Step) {
        let round = self.status().round;
        let observed = &mut self.observed;
        let chamber = &mut observed.chamber;
        let claim = |chamber: &mut Chamber, side, claim| match side {
            Side::Project => chamber.project = claim,
            Side::Airlock => chamber.airlock = claim,
        };
        match step {
            Step::Enter(_)
            | Step::NoteContent(_)
            | Step::NoteDelivery(_)
            | Step::MakeReceipt(_)
            | Step::Wait(_)
            | Step::Done => {}
            Step::StartJob { kind, attempt, .. } => {
                let outcome = match kind {
                    JobKind::Seal => Outcome::Sealed(SealedContent {
                        digest: self.bytes.clone(),
                        files: self.files,
                        bytes: 48_213,
                        recipient: transfer::keys(observed).and_then(transfer::recipient),
                        fingerprints: None,
                    }),
                    JobKind::Scan => Outcome::Scanned(findings(
                        self.found.clone(),
                        policy_digest(observed.policy.as_ref().unwrap()),
                    )),
                    JobKind::Verify => Outcome::Verified(self.bytes.clone()),
                    JobKind::View | JobKind::Deliver | JobKind::Receive => Outcome::Running,
                };
                observed.jobs.push(Job {
                    kind: *kind,
                    round,
                    attempt: *attempt,
                    deleting: false,
                    outcome,
                    serving: kind
                        .serves()
                        .then(|| ("10.0.0.9:8444".to_owned(), POD.to_owned())),
                    ended: None,
                    held_up: None,
                    malware: observed.policy.as_ref().and_then(|policy| {
                        let direction = observed.request.spec.direction;
                        MalwareTask::of(*kind, direction, policy)
                    }),
                });
            }
            // As the controller does.
            Step::DeleteJobs => {
                let seen = observed.clone();
                let all = ended(seen.status().phase) || seen.deleted();
                observed.jobs.retain(|job| !all && !stale(&seen, job));
            }
            Step::MakeClaim(side) => {
                chamber.volume.get_or_insert(Volume {
                    kept: false,
                    reserved_for: Some(*side),
                    leaving: false,
                });
                claim(chamber, *side, Claim::Bound);
            }
            Step::KeepVolume => chamber.volume.as_mut().unwrap().kept = true,
            Step::DeleteClaim(side) => claim(chamber, *side, Claim::Absent),
            Step::Rebind(side) => chamber.volume.as_mut().unwrap().reserved_for = Some(*side),
            Step::DeleteVolume => chamber.volume = None,
        }
    }
}
