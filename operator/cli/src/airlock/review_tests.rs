//! Which reviews are made, and which are refused before they would be refused or not count. Core, which counts in the controller,
//! agrees.

use sde_core::airlock::review::{Verdict, tally};
use sde_core::airlock::viewing::{Viewed, ViewingSecret};
use sde_core::airlock::{Chamber, Observed};
use sde_core::refusal::Refusal;
use sde_crds::airlock_review::{
    Answer, Because, ConflictOfInterest, ReviewDecision as D, ReviewReason, ReviewRole as R,
};
use sde_crds::airlock_status::{AirlockPhase as Phase, Severity};
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::{AirlockRequest, AirlockReview};

use super::choices::{answer, words};
use super::review::{Decided, Known, next, plan, render};
use super::samples::{at, blocked, digest, draft, held, now, released};
use crate::fixtures;
use crate::text::Paint;

fn policy() -> AirlockPolicy {
    fixtures::policy().spec.airlock.unwrap()
}

fn decides(decision: D, role: R) -> Decided {
    Decided {
        decision,
        role,
        reason: None,
        advice: None,
        answers: Vec::new(),
        refused_files: Vec::new(),
        conflict: ConflictOfInterest::None,
        seen: None,
    }
}

fn secret() -> ViewingSecret {
    ViewingSecret::new(&[7; 32]).unwrap()
}

/// The code that the viewer shows somebody who has opened every file of it.
fn code(request: &AirlockRequest, person: &str) -> Option<String> {
    let status = request.status.as_ref()?;
    let uid = request.metadata.uid.as_deref()?;
    Some(secret().of(uid).code(&Viewed {
        request_uid: uid,
        content: &status.content.as_ref()?.digest,
        findings: &status.findings.as_ref()?.digest,
        person,
    }))
}

fn answering(rule: &str, role: R) -> Decided {
    Decided {
        answers: vec![Answer {
            rule: rule.to_owned(),
            because: Because::CountsSeen,
        }],
        ..decides(D::Approve, role)
    }
}

fn planned(
    request: &AirlockRequest,
    decided: &Decided,
    me: &str,
) -> Result<AirlockReview, Refusal> {
    let policy = policy();
    let seen = code(request, me).filter(|_| decided.seen.is_none());
    let decided = &Decided {
        seen: seen.or_else(|| decided.seen.clone()),
        ..decided.clone()
    };
    let known = Known {
        me,
        members: &["u-5d02".to_owned()],
        policy: Some(&policy),
    };
    plan(request, decided, &known)
}

fn refused(request: &AirlockRequest, decided: &Decided, me: &str) -> String {
    planned(request, decided, me).unwrap_err().to_string()
}

fn counted(
    request: &AirlockRequest,
    reviews: Vec<AirlockReview>,
) -> sde_core::airlock::review::Tally {
    let policy = policy();
    let observed = Observed {
        request: request.clone(),
        reviews,
        project: None,
        policy: Some(policy.clone()),
        sdes: std::collections::BTreeMap::new(),
        chamber: Chamber::default(),
        jobs: Vec::new(),
        room_to_view: false,
        viewing: Some(secret().of(request.metadata.uid.as_deref().unwrap_or_default())),
        history: Vec::new(),
        now: now(),
    };
    tally(&observed, &policy)
}

#[test]
fn what_is_planned_counts() {
    let request = held();
    let a = planned(
        &request,
        &answering("AL-S001", R::OutputChecker),
        "checker-a",
    )
    .unwrap();
    let b = planned(&request, &answering("AL-S001", R::Senior), "checker-b").unwrap();
    insta::assert_yaml_snapshot!(a);
    let text = serde_yaml_ng::to_string(&a).unwrap();
    let read: AirlockReview = serde_yaml_ng::from_str(&text).unwrap();
    assert_eq!(read.spec, a.spec);
    let tally = counted(&request, vec![a.clone(), b.clone()]);
    assert_eq!(tally.counted.len(), 2);
    assert!(tally.missing.is_empty());
    // Bound to what was shown: for other findings neither counts.
    let mut rescanned = held();
    let status = rescanned.status.as_mut().unwrap();
    status.findings.as_mut().unwrap().digest = digest('9');
    assert!(counted(&rescanned, vec![a, b]).counted.is_empty());
}

#[test]
fn an_approval_needs_a_viewing_code_and_counts_with_ones_own_alone() {
    let request = held();
    let with = |seen: &str| Decided {
        seen: Some(seen.to_owned()),
        ..answering("AL-S001", R::OutputChecker)
    };
    let own = code(&request, "checker-a").unwrap();
    let typed = own.to_ascii_lowercase();
    let (first, last) = typed.split_at(8);
    let made = planned(&request, &with(&format!("{first} {last}")), "checker-a").unwrap();
    assert_eq!(made.spec.seen, Some(own));
    assert_eq!(counted(&request, vec![made]).counted.len(), 1);
    assert!(refused(&request, &with(""), "checker-a").contains("it needs your viewing code"));
    assert!(refused(&request, &with("ABC"), "checker-a").contains("that is no viewing code"));
    let theirs = with(&code(&request, "checker-b").unwrap());
    let made = planned(&request, &theirs, "checker-a").unwrap();
    let tally = counted(&request, vec![made]);
    assert_eq!((tally.counted.len(), tally.unseen), (0, 1));
    // Who declares an interest need not have looked, and no other decision has a code.
    let mut declared = with("");
    declared.conflict = ConflictOfInterest::Declared;
    assert_eq!(
        planned(&request, &declared, "checker-a").unwrap().spec.seen,
        None
    );
    let reject = Decided {
        reason: Some(ReviewReason::IndividualLevel),
        advice: Some("Send summaries".to_owned()),
        ..decides(D::Reject, R::OutputChecker)
    };
    assert_eq!(
        planned(&request, &reject, "checker-a").unwrap().spec.seen,
        None
    );
}

#[test]
fn a_reject_and_a_return_count() {
    let request = held();
    let mut reject = decides(D::Reject, R::OutputChecker);
    assert!(refused(&request, &reject, "checker-a").contains("give a reason"));
    reject.reason = Some(ReviewReason::IndividualLevel);
    assert!(refused(&request, &reject, "checker-a").contains("in a note"));
    reject.advice = Some("Send summaries".to_owned());
    let made = planned(&request, &reject, "checker-a").unwrap();
    assert_eq!(counted(&request, vec![made]).verdict, Verdict::Rejected);
    let mut back = Decided {
        decision: D::Return,
        ..reject
    };
    assert!(refused(&request, &back, "checker-a").contains("names at least one"));
    back.refused_files = vec![4];
    assert!(refused(&request, &back, "checker-a").contains("no file 4"));
    back.refused_files = vec![0];
    let made = planned(&request, &back, "checker-a").unwrap();
    assert_eq!(counted(&request, vec![made]).counted.len(), 1);
}

#[test]
fn what_would_not_count_is_refused() {
    let request = held();
    let ok = answering("AL-S001", R::OutputChecker);
    assert!(planned(&request, &ok, "checker-a").is_ok());
    assert!(refused(&request, &ok, "u-7c1e").contains("nobody reviews their own"));
    assert!(refused(&request, &ok, "u-19ab").contains("of the project"));
    assert!(refused(&request, &ok, "u-5d02").contains("of the project"));
    assert!(refused(&request, &ok, "somebody").contains("your roles: none"));
    let senior = answering("AL-S001", R::Senior);
    assert!(refused(&request, &senior, "checker-a").contains("your roles: OutputChecker"));
    let silent = decides(D::Approve, R::OutputChecker);
    assert!(refused(&request, &silent, "checker-a").contains("AL-S001 does not stand in the way"));
    let other = answering("AL-S008", R::OutputChecker);
    assert!(refused(&request, &other, "checker-a").contains("AL-S008 does not hold"));
    let custodian = answering("AL-S001", R::Custodian);
    assert!(refused(&request, &custodian, "custodian-a").contains("no vote"));
    for (request, phase) in [(draft(), "Draft"), (released(), "Released")] {
        assert!(refused(&request, &ok, "checker-a").contains(&format!("is {phase}, and Approve")));
    }
    let mut withdrawn = held();
    withdrawn.spec.withdrawn = true;
    assert!(refused(&withdrawn, &ok, "checker-a").contains("taken back"));
    let bare = at(Phase::InReview, "InReview", "Nothing.", "21:00");
    assert!(refused(&bare, &ok, "checker-a").contains("no findings"));
    let mut old = held();
    let status = old.status.as_mut().unwrap();
    status.findings.as_mut().unwrap().policy_digest = digest('9');
    assert!(refused(&old, &ok, "checker-a").contains("policy has changed"));
}

#[test]
fn what_is_blocked_is_for_custodians_and_never_reopened_when_certain() {
    let mut reopen = decides(D::Reopen, R::Custodian);
    assert!(refused(&blocked(), &reopen, "custodian-a").contains("never reopened"));
    let mut unsure = blocked();
    let status = unsure.status.as_mut().unwrap();
    let rule = &mut status.findings.as_mut().unwrap().rules[0];
    assert_eq!(rule.severity, Severity::Block);
    rule.certain = false;
    assert!(refused(&unsure, &reopen, "custodian-a").contains("AL-I001"));
    reopen.answers = vec![answer("AL-I001=FalsePositive").unwrap()];
    let made = planned(&unsure, &reopen, "custodian-a").unwrap();
    assert_eq!(made.spec.reason, ReviewReason::HeldButSafe);
    let checker = Decided {
        role: R::OutputChecker,
        ..reopen
    };
    assert!(refused(&unsure, &checker, "checker-a").contains("only a Custodian"));
    let confirm = Decided {
        reason: Some(ReviewReason::IndividualLevel),
        advice: Some("Send summaries".to_owned()),
        ..decides(D::Reject, R::Custodian)
    };
    assert!(planned(&blocked(), &confirm, "custodian-a").is_ok());
}

#[test]
fn the_same_decision_has_the_same_name_and_another_has_another() {
    let name = |decided: &Decided| {
        let made = planned(&held(), decided, "checker-b").unwrap();
        made.metadata.name.unwrap()
    };
    let senior = answering("AL-S001", R::Senior);
    assert_eq!(name(&senior), name(&senior));
    assert_ne!(name(&senior), name(&answering("AL-S001", R::OutputChecker)));
    assert!(name(&senior).len() <= 63);
}

#[test]
fn what_was_approved_is_revoked_also_when_it_has_failed() {
    let revoke = Decided {
        reason: Some(ReviewReason::Differencing),
        advice: Some("Ask again without the second table".to_owned()),
        ..decides(D::Revoke, R::OutputChecker)
    };
    assert!(planned(&released(), &revoke, "checker-a").is_ok());
    let mut failed = released();
    failed.status.as_mut().unwrap().phase = Phase::Failed;
    assert!(planned(&failed, &revoke, "checker-a").is_ok());
    failed.status.as_mut().unwrap().expires_at = None;
    assert!(refused(&failed, &revoke, "checker-a").contains("not over"));
}

#[test]
fn text_is_as_short_as_the_api_has_it() {
    assert!(words("Suppress the cells below ten").is_ok());
    assert!(words(&["x"; 81].join(" ")).is_err());
    assert!(words(&["x"; 80].join(" ")).is_ok());
    for wrong in ["", "two  spaces", " before", "a\tb", &"x".repeat(33)] {
        assert!(words(wrong).is_err(), "{wrong:?}");
    }
    assert!(words(&"x".repeat(32)).is_ok());
}

#[test]
fn answers_are_of_known_rules_and_codes() {
    assert_eq!(
        answer("AL-S001=CountsSeen").unwrap().because,
        Because::CountsSeen
    );
    assert!(answer("AL-S001").unwrap_err().contains("RULE=CODE"));
    assert!(answer("AL-S001=Fine").unwrap_err().contains("NotLinkable"));
    assert!(
        answer("AL-X999=CountsSeen")
            .unwrap_err()
            .contains("no rule")
    );
}

#[test]
fn what_a_reviewer_is_shown() {
    let decided = Decided {
        conflict: ConflictOfInterest::Declared,
        ..answering("AL-S001", R::OutputChecker)
    };
    let review = planned(&held(), &decided, "checker-a").unwrap();
    insta::assert_snapshot!(format!(
        "{}\n{}",
        render(&review, Paint(false), 110),
        next(&review, "prj-4f2c penetrance-tables")
    ));
}
