//! Which reviews count, what each request needs, and what its people read on the way.

use sde_core::airlock::ending::{collectable, delays_closing};
use sde_core::airlock::review::policy_digest;
use sde_core::airlock::viewing::ViewingSecret;
use sde_core::airlock::{Chamber, Observed, Outcome, Project, Standing, Step, Who, next};
use sde_core::project;
use sde_core::rejection::Rejection;
use sde_crds::airlock_request::Statistic;
use sde_crds::airlock_review::{AirlockReviewSpec, ConflictOfInterest, ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, Finding, Severity};
use sde_crds::project::Lifecycle;
use serde_json::json;

use crate::airlock_sim::{Sim, code, digest, viewing};
use crate::{sim, world};

use ReviewDecision::{Approve, Reject, Reopen, Return, Revoke, Waive};
use ReviewRole::{Custodian, MachineLearning, OutputChecker, Senior};

fn found(rule: &str, severity: Severity, certain: bool) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        files: 1,
        certain,
    }
}

/// In review.
fn in_review(rules: Vec<Finding>) -> Sim {
    let mut sim = Sim::new();
    sim.found = rules;
    sim.confirmed()
}

/// Approved by two people, released.
fn released() -> Sim {
    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    sim
}

fn reason(step: &Step) -> (&'static str, Who) {
    match step {
        Step::Wait(wait) => (wait.reason, wait.who),
        other => panic!("does not wait: {other:?}"),
    }
}

/// Ways in which a review does not count.
type Change = fn(&mut Observed, usize);
const VOID: [(&str, Change); 15] = [
    ("other bytes", |o, n| {
        o.reviews[n].spec.content_digest = digest('9')
    }),
    ("other findings", |o, n| {
        o.reviews[n].spec.findings_digest = digest('9')
    }),
    ("another policy", |o, n| {
        o.reviews[n].spec.policy_digest = digest('9')
    }),
    ("another request", |o, n| {
        o.reviews[n].spec.request_uid = world::UID.to_owned()
    }),
    ("another requester", |o, n| {
        o.reviews[n].spec.requester = "u-19ab".to_owned()
    }),
    ("the requester's own", |o, n| own(o, n, "u-7c1e")),
    ("a member's", |o, n| own(o, n, "u-19ab")),
    ("the same person's again", |o, n| {
        o.reviews[n].spec.reviewer = "checker-a".to_owned()
    }),
    ("somebody's who is no reviewer any more", |o, n| {
        let gone = o.reviews[n].spec.reviewer.clone();
        o.policy
            .as_mut()
            .unwrap()
            .reviewers
            .retain(|r| r.user != gone);
    }),
    ("in a role that is not held", |o, n| {
        o.reviews[n].spec.role = MachineLearning
    }),
    ("without a viewing code", |o, n| {
        o.reviews[n].spec.seen = None
    }),
    ("with another person's viewing code", |o, n| {
        let of = &mut o.reviews[n].spec;
        of.seen = Some(code("checker-a", &of.findings_digest));
    }),
    ("with the viewing code of other findings", |o, n| {
        o.reviews[n].spec.seen = Some(code("checker-b", &digest('3')))
    }),
    ("edited", |o, n| o.reviews[n].metadata.generation = Some(2)),
    ("with a conflict of interest", |o, n| {
        o.reviews[n].spec.conflict_of_interest = ConflictOfInterest::Declared;
    }),
];

/// Makes a review somebody's whom the policy names as a reviewer too, and who has looked.
fn own(o: &mut Observed, n: usize, user: &str) {
    let of = &mut o.reviews[n].spec;
    of.reviewer = user.to_owned();
    of.seen = Some(code(user, &of.findings_digest));
    let reviewer = json!({"user": user, "roles": ["OutputChecker"]});
    let reviewers = &mut o.policy.as_mut().unwrap().reviewers;
    reviewers.push(serde_json::from_value(reviewer).unwrap());
}

#[test]
fn a_review_counts_only_for_exactly_this_by_somebody_else_once() {
    for (what, change) in VOID {
        let mut sim = in_review(Vec::new());
        sim.approve("checker-a");
        sim.approve("checker-b");
        change(&mut sim.observed, 1);
        let step = sim.run();
        assert_eq!(sim.phase(), Phase::InReview, "{what}");
        assert_eq!(reason(&step), ("ReviewsMissing", Who::Reviewers), "{what}");
        assert_eq!(sim.status().reviews.unwrap().summary, "1 of 2", "{what}");
        // The control: one more who does count.
        sim.approve("checker-c");
        sim.run();
        assert_eq!(sim.phase(), Phase::Released, "{what}");
    }
}

#[test]
fn an_approval_without_the_right_code_is_told_of_and_says_nothing_of_whose_it_is() {
    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.observed.reviews[1].spec.seen = None;
    let step = sim.run();
    let Step::Wait(wait) = &step else {
        panic!("does not wait: {step:?}");
    };
    assert!(
        wait.message.contains("1 approval does not count") && !wait.message.contains("checker"),
        "{}",
        wait.message
    );
    let progress = sim.status().reviews.unwrap();
    assert_eq!((progress.counted, progress.unseen), (1, 1));
    // The same person with the code: counted, and nothing is lacking any more.
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    assert_eq!(sim.status().reviews.unwrap().unseen, 0);
}

#[test]
fn without_the_key_no_approval_counts_and_whatever_locks_still_does() {
    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.observed.viewing = None;
    sim.run();
    let progress = sim.status().reviews.unwrap();
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!((progress.counted, progress.unseen), (0, 2));
    let mut refused = sim.observed.clone();
    sim.observed.viewing = Some(viewing());
    sim.run();
    assert_eq!(sim.phase(), Phase::Released, "the control");
    std::mem::swap(&mut sim.observed, &mut refused);
    sim.review("checker-c", OutputChecker, Reject);
    sim.run();
    assert_eq!(sim.phase(), Phase::Rejected);
}

#[test]
fn an_approval_lapses_with_the_key_that_its_code_was_made_with() {
    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.until(Phase::Releasing);
    let another = ViewingSecret::new(&[8; 32]).unwrap();
    sim.observed.viewing = Some(another.of(crate::airlock_sim::REQUEST_UID));
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
}

#[test]
fn who_was_of_the_project_while_the_request_lived_never_counts() {
    let mut sim = in_review(Vec::new());
    let members = &mut sim.observed.project.as_mut().unwrap().members;
    assert!(members.remove("u-19ab"));
    sim.approve("checker-a");
    sim.approve("u-19ab");
    own(&mut sim.observed, 1, "u-19ab");
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
}

#[test]
fn when_more_people_were_than_the_list_holds_nobody_reviews() {
    for (people, phase) in [(400, Phase::Released), (600, Phase::InReview)] {
        let mut sim = in_review(Vec::new());
        let members = &mut sim.observed.project.as_mut().unwrap().members;
        members.extend((0..people).map(|n| format!("u-{n:04}")));
        sim.run();
        sim.approve("checker-a");
        sim.approve("checker-b");
        let step = sim.run();
        assert_eq!(sim.phase(), phase, "{people}: {step:?}");
    }
}

#[test]
fn a_reviewer_removed_after_approval_stops_the_release() {
    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.until(Phase::Releasing);
    let reviewers = &mut sim.observed.policy.as_mut().unwrap().reviewers;
    reviewers.retain(|r| r.user != "checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!(sim.status().approval, None);
}

#[test]
fn a_changed_policy_has_it_scanned_and_reviewed_again() {
    for at in [Phase::InReview, Phase::Approved, Phase::Releasing] {
        let mut sim = in_review(Vec::new());
        sim.approve("checker-a");
        if at != Phase::InReview {
            sim.approve("checker-b");
            sim.until(at);
        }
        sim.observed.policy.as_mut().unwrap().minimum_count = 7;
        sim.until(Phase::Scanning);
        assert_eq!(sim.status().findings, None);
        sim.run();
        assert_eq!(sim.status().reviews.unwrap().summary, "0 of 2", "{at}");
    }
    // Whom the policy names is not what reviews bind to.
    let mut policy = world::policy().spec.airlock.unwrap();
    let before = policy_digest(&policy);
    policy.reviewers.clear();
    assert_eq!(policy_digest(&policy), before);
}

#[test]
fn one_reject_stops_and_a_return_waits_for_the_other() {
    let mut sim = in_review(Vec::new());
    sim.review("checker-a", OutputChecker, Return);
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
    let progress = sim.status().reviews.unwrap();
    assert_eq!(
        (progress.summary.as_str(), progress.decisions),
        ("1 of 2", None)
    );
    let mut other = in_review(Vec::new());
    other.observed.reviews.clone_from(&sim.observed.reviews);
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Returned);
    let shown = sim.status().reviews.unwrap().decisions.unwrap();
    assert_eq!((shown.len(), shown[0].decision), (1, Return));
    other.review("checker-b", OutputChecker, Reject);
    other.run();
    assert_eq!(other.phase(), Phase::Rejected);
    let shown = other.status().reviews.unwrap().decisions.unwrap();
    assert!(
        shown
            .iter()
            .all(|d| d.decision == Reject && d.advice.is_some())
    );
}

#[test]
fn what_holds_it_must_be_answered_for_and_asks_for_roles() {
    let mut sim = in_review(vec![
        found("AL-G006", Severity::HoldSenior, false),
        found("AL-M002", Severity::Hold, false),
    ]);
    sim.approve("checker-a");
    sim.review("checker-a", OutputChecker, Approve).spec.answers = None;
    sim.review("checker-b", Senior, Approve);
    sim.run();
    let progress = sim.status().reviews.unwrap();
    assert_eq!(progress.held_by, ["AL-G006", "AL-M002"]);
    assert_eq!(
        (progress.counted, progress.missing_roles),
        (2, vec![MachineLearning])
    );
    sim.review("checker-c", MachineLearning, Approve)
        .spec
        .answers = None;
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview, "an approval without answers");
    sim.review("checker-c", MachineLearning, Approve);
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

#[test]
fn what_is_declared_holds_it_too() {
    let declared = |change: fn(&mut Sim)| {
        let mut sim = Sim::new();
        change(&mut sim);
        let sim = sim.confirmed();
        sim.status().reviews.unwrap()
    };
    assert!(declared(|_| {}).held_by.is_empty());
    let model = declared(|s| outputs(s)[0].statistic = Statistic::Model);
    assert_eq!(
        (model.held_by, model.missing_roles),
        (vec!["AL-M002".to_owned()], vec![MachineLearning])
    );
    assert_eq!(
        declared(|s| outputs(s)[1].counts_file = None).held_by,
        ["AL-S012"]
    );
    assert_eq!(
        declared(|s| outputs(s)[0].suppression.threshold = Some(9)).held_by,
        ["AL-S001"]
    );
    let sampled = declared(|s| s.observed.policy.as_mut().unwrap().sampled_percent = 100);
    assert_eq!(sampled.needed, 3);
}

fn outputs(sim: &mut Sim) -> &mut Vec<sde_crds::airlock_request::Output> {
    sim.observed.request.spec.outputs.as_mut().unwrap()
}

#[test]
fn a_folder_that_is_not_declared_file_by_file_comes_back() {
    let mut sim = Sim::new();
    sim.files = 5;
    sim.observed.request.spec.seal = true;
    let step = sim.run();
    assert_eq!(reason(&step), ("ConfirmContent", Who::Requester));
    sim.observed.request.spec.confirmed_digest = Some(digest('1'));
    sim.run();
    assert_eq!(
        (sim.phase(), sim.status().reason.as_deref()),
        (Phase::Returned, Some("NotDeclared"))
    );
}

#[test]
fn what_is_blocked_is_reopened_by_two_custodians_unless_it_is_certain() {
    let mut sim = in_review(vec![found("AL-G014", Severity::Block, false)]);
    assert_eq!(sim.phase(), Phase::Blocked);
    sim.observed.request.spec.withdrawn = true;
    sim.run();
    assert_eq!(sim.phase(), Phase::Blocked, "a block is not withdrawn from");
    sim.observed.request.spec.withdrawn = false;
    sim.review("custodian-a", Custodian, Reopen);
    sim.review("custodian-a", Custodian, Reopen);
    sim.review("checker-a", OutputChecker, Reopen);
    assert_eq!(reason(&sim.run()), ("Blocked", Who::Custodian));
    sim.review("custodian-b", Custodian, Reopen);
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!(sim.status().reviews.unwrap().missing_roles, [Senior]);
    sim.approve("checker-a");
    sim.review("checker-b", Senior, Approve);
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);

    let mut certain = in_review(vec![found("AL-I002", Severity::Block, true)]);
    certain.review("custodian-a", Custodian, Reopen);
    certain.review("custodian-b", Custodian, Reopen);
    assert_eq!(
        reason(&certain.run()),
        ("IndividualLevelData", Who::Custodian)
    );
    certain.review("custodian-a", Custodian, Reject);
    certain.run();
    assert_eq!(
        (certain.phase(), certain.status().reason.as_deref()),
        (Phase::Rejected, Some("BlockConfirmed"))
    );
}

#[test]
fn changed_bytes_are_not_released() {
    let mut sim = in_review(Vec::new());
    sim.bytes = digest('f');
    sim.approve("checker-a");
    sim.approve("checker-b");
    let step = sim.run();
    assert_eq!(reason(&step), ("ContentChanged", Who::Requester));
    // Trying again reads again.
    sim.observed.request.spec.retries = Some(1);
    sim.run();
    assert_eq!((sim.phase(), sim.status().retried), (Phase::Failed, 1));
    sim.bytes = digest('1');
    sim.observed.request.spec.retries = Some(2);
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

#[test]
fn a_job_is_tried_three_times_in_a_phase() {
    let mut sim = Sim::new();
    sim.observed.request.spec.seal = true;
    sim.until(Phase::Sealing);
    let mut starts = 0;
    while sim.phase() == Phase::Sealing {
        starts += i32::from(matches!(next(&sim.observed), Step::StartJob { .. }));
        sim.step();
        sim.observed
            .jobs
            .iter_mut()
            .for_each(|j| j.outcome = Outcome::Lost);
    }
    assert_eq!((starts, sim.phase()), (3, Phase::Failed));
}

#[test]
fn a_lost_chamber_is_told() {
    let mut sim = in_review(Vec::new());
    sim.observed.chamber = Chamber::default();
    assert_eq!(reason(&sim.run()), ("ChamberLost", Who::Requester));
}

#[test]
fn released_is_collected_by_its_requester_for_a_while() {
    let no = |sim: &Sim, who: &str| match collectable(&sim.observed, who) {
        Err(Rejection { reason, .. }) => reason,
        Ok(()) => "",
    };
    let mut sim = released();
    assert_eq!((no(&sim, "u-7c1e"), no(&sim, "u-19ab")), ("", "NotYours"));
    assert_eq!(no(&in_review(Vec::new()), "u-7c1e"), "NotReleased");
    let change = |change: fn(&mut Sim)| {
        let mut sim = released();
        change(&mut sim);
        no(&sim, "u-7c1e")
    };
    assert_eq!(change(|s| s.later(8)), "Over");
    let egress = |s: &mut Sim| s.observed.project.as_mut().unwrap().receivers.clear();
    assert_eq!(change(egress), "RequesterNotApproved");
    let revoked = |s: &mut Sim| {
        s.review("checker-c", OutputChecker, Revoke);
    };
    assert_eq!(change(revoked), "Over");
    let shut = |s: &mut Sim| {
        s.observed.project.as_mut().unwrap().standing =
            Standing::Shut(Rejection::new("Expired", "Over."));
    };
    assert_eq!(change(shut), "ProjectNotOpen");
    sim.observed.request.status.as_mut().unwrap().collections = 3;
    assert_eq!(no(&sim, "u-7c1e"), "Over");
    sim.run();
    assert_eq!(
        (sim.phase(), sim.status().reason.as_deref()),
        (Phase::Expired, Some("Collected"))
    );
    sim.later(31);
    assert_eq!(sim.run(), Step::Done);
    assert_eq!(sim.observed.chamber, Chamber::default());
    assert!(sim.status().chamber_gone_at.is_some());
}

#[test]
fn revoking_ends_a_release() {
    let mut sim = released();
    sim.review("checker-c", OutputChecker, Revoke);
    sim.run();
    assert_eq!(sim.phase(), Phase::Revoked);
}

#[test]
fn closing_ends_what_is_undecided_and_waits_for_what_was_approved() {
    let close = |sim: &mut Sim| sim.observed.project.as_mut().unwrap().standing = Standing::Closing;
    let mut undecided = in_review(Vec::new());
    close(&mut undecided);
    assert_eq!(delays_closing(&undecided.observed), None);
    undecided.run();
    assert_eq!(
        (undecided.phase(), undecided.status().reason.as_deref()),
        (Phase::Withdrawn, Some("ProjectClosed"))
    );

    let mut sim = in_review(Vec::new());
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.until(Phase::Approved);
    close(&mut sim);
    sim.run();
    assert_eq!(
        sim.phase(),
        Phase::Released,
        "approved before: still released"
    );
    assert!(collectable(&sim.observed, "u-7c1e").is_ok());
    assert!(delays_closing(&sim.observed).is_some());
    sim.review("checker-a", OutputChecker, Waive);
    assert!(
        delays_closing(&sim.observed).is_some(),
        "only a custodian waives"
    );
    let mut waived = released();
    close(&mut waived);
    waived.review("custodian-a", Custodian, Waive);
    assert_eq!(delays_closing(&waived.observed), None);
    waived.run();
    assert_eq!(
        (waived.phase(), waived.status().reason.as_deref()),
        (Phase::Expired, Some("Waived"))
    );
    sim.later(8);
    assert_eq!(delays_closing(&sim.observed), None);
}

#[test]
fn a_project_is_read_as_its_own_controller_sees_it() {
    let mut open = sim::Sim::open().observed;
    let read = Project::of(&open);
    assert_eq!(read.standing, Standing::Open);
    assert!(read.members.contains("u-19ab") && read.requesters.contains("u-19ab"));
    assert!(read.receivers.contains("u-7c1e") && !read.receivers.contains("u-19ab"));
    // Removed from the present spec: still of the approved one.
    open.project.spec.people.retain(|p| p.user != "u-19ab");
    let read = Project::of(&open);
    assert!(read.members.contains("u-19ab") && !read.requesters.contains("u-19ab"));
    open.project.spec.lifecycle = Lifecycle::Suspended;
    assert!(matches!(Project::of(&open).standing, Standing::Shut(_)));
    open.project.spec.lifecycle = Lifecycle::Closed;
    let read = Project::of(&open);
    assert_eq!(read.standing, Standing::Closing);
    assert!(
        read.receivers.contains("u-7c1e"),
        "what was approved can be collected"
    );
    assert!(matches!(
        project::validate(&open).state,
        project::State::Closing
    ));
}

/// What people read at a stop.
fn told(sim: &Sim) -> Vec<String> {
    let status = sim.status();
    let conditions = status.conditions.iter().flatten();
    let lines = conditions.map(|c| format!("{}={} {}: {}", c.type_, c.status, c.reason, c.message));
    std::iter::once(format!("phase {}", status.phase))
        .chain(lines)
        .collect()
}

#[test]
fn what_people_read_on_the_way() {
    let mut sim = Sim::new();
    sim.found = vec![found("AL-S001", Severity::Hold, false)];
    sim.run();
    insta::assert_yaml_snapshot!("draft", told(&sim));
    sim.observed.request.spec.seal = true;
    sim.run();
    insta::assert_yaml_snapshot!("sealed", told(&sim));
    let mut sim = sim.confirmed();
    insta::assert_yaml_snapshot!("held", told(&sim));
    sim.approve("checker-a");
    sim.run();
    insta::assert_yaml_snapshot!("one-of-two", told(&sim));
    sim.approve("checker-b");
    sim.run();
    insta::assert_yaml_snapshot!("released", sim.status());
    sim.later(8);
    sim.run();
    insta::assert_yaml_snapshot!("expired", told(&sim));
}

#[test]
fn every_reason_to_wait_says_who_can_act() {
    let mut told = Vec::new();
    let mut say = |change: fn(&mut Observed)| {
        let mut sim = in_review(Vec::new());
        change(&mut sim.observed);
        let Step::Wait(wait) = sim.run() else {
            panic!("does not wait: {:?}", sim.phase());
        };
        told.push(format!("{}, {:?}: {}", wait.reason, wait.who, wait.message));
    };
    say(|_| {});
    say(|o| o.project = None);
    say(|o| o.policy = None);
    say(|o| o.policy.as_mut().unwrap().reviewers.truncate(1));
    say(|o| {
        let why = Rejection::new("Expired", "The Project expired on 2027-11-30.");
        o.project.as_mut().unwrap().standing = Standing::Shut(why);
    });
    say(|o| o.chamber = Chamber::default());
    say(|o| {
        let approve = |who: &str, role| {
            let spec = review_spec(o, role);
            AirlockReviewSpec {
                reviewer: who.to_owned(),
                seen: Some(code(who, &spec.findings_digest)),
                ..spec
            }
        };
        let reviews = [
            approve("checker-a", OutputChecker),
            approve("checker-b", OutputChecker),
        ];
        o.reviews = reviews
            .into_iter()
            .enumerate()
            .map(|(n, spec)| sde_crds::AirlockReview::new(&format!("r{n}"), spec))
            .collect();
        o.project.as_mut().unwrap().receivers.clear();
    });
    insta::assert_yaml_snapshot!("waits", told);
}

fn review_spec(o: &Observed, role: ReviewRole) -> AirlockReviewSpec {
    let mut sim = in_review(Vec::new());
    sim.observed.clone_from(o);
    sim.review("checker-a", role, Approve).spec.clone()
}
