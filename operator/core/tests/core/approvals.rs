//! Which approvals count: a table, and the matching of people to roles.

use sde_core::approvals::decide;
use sde_crds::ProjectApproval;
use sde_crds::project_approval::ApprovalRole::{self, DataAccess, Ethics, PublicBenefit};
use sde_crds::project_approval::Decision;

use crate::world::{self, UID, approval};

const DIGEST: &str = "v1:sha256:abcdef";

fn missing(approvals: &[ProjectApproval], required: &[ApprovalRole]) -> Vec<ApprovalRole> {
    let observed = world::applied();
    decide(
        &observed.id(),
        &observed.project.spec,
        DIGEST,
        approvals,
        observed.now,
    )
    .missing(required)
}

#[test]
fn an_approval_that_is_not_exactly_right_is_void() {
    let cases: [(&str, fn(&mut ProjectApproval), &str); 7] = [
        (
            "other digest",
            |a| a.spec.digest = "v1:sha256:fedcba987654".to_owned(),
            "it is for v1:sha256:fedcba987654...",
        ),
        (
            "other uid",
            |a| a.spec.project_uid = UID.replace('1', "3"),
            "it names another Project's UID",
        ),
        (
            "by the submitter",
            |a| a.spec.approver = "custodian-a".to_owned(),
            "the approver submitted the spec",
        ),
        (
            "by a member",
            |a| a.spec.approver = "u-19ab".to_owned(),
            "the approver is one of the project's people",
        ),
        (
            "wrong copy",
            |a| a.spec.submitted_by = "someone".to_owned(),
            "its submittedBy is not the Project's",
        ),
        (
            "expired",
            |a| a.spec.expires = "2026-11-21".parse().unwrap(),
            "it expired on 2026-11-21",
        ),
        (
            "expired long ago",
            |a| a.spec.expires = "2020-01-01".parse().unwrap(),
            "it expired on 2020-01-01",
        ),
    ];
    let observed = world::applied();
    for (case, change, why) in cases {
        let mut one = approval(DataAccess, "approver-a", DIGEST);
        assert_eq!(
            missing(std::slice::from_ref(&one), &[DataAccess]),
            [],
            "the unchanged approval counts"
        );
        change(&mut one);
        let decided = decide(
            &observed.id(),
            &observed.project.spec,
            DIGEST,
            std::slice::from_ref(&one),
            observed.now,
        );
        assert_eq!(decided.missing(&[DataAccess]), [DataAccess], "{case}");
        assert_eq!(decided.void[0].1, why, "{case}");
        one.spec.decision = Decision::Rejected;
        let decided = decide(
            &observed.id(),
            &observed.project.spec,
            DIGEST,
            &[one],
            observed.now,
        );
        assert!(
            decided.rejected.is_empty(),
            "a void rejection rejects nothing: {case}"
        );
    }
}

#[test]
fn an_approval_counts_through_its_last_day() {
    let mut one = approval(DataAccess, "approver-a", DIGEST);
    one.spec.expires = "2026-11-22".parse().unwrap();
    assert_eq!(missing(&[one], &[DataAccess]), []);
}

#[test]
fn another_projects_approvals_are_not_looked_at() {
    let mut one = approval(DataAccess, "approver-a", DIGEST);
    one.spec.project = "other".to_owned();
    let observed = world::applied();
    let decided = decide(
        &observed.id(),
        &observed.project.spec,
        DIGEST,
        &[one],
        observed.now,
    );
    assert!(decided.void.is_empty() && decided.approved.is_empty());
}

#[test]
fn a_withdrawn_approval_does_not_count_and_others_do() {
    let mut withdrawn = approval(DataAccess, "approver-a", DIGEST);
    withdrawn.spec.decision = Decision::Revoked;
    let yes = approval(DataAccess, "approver-a", DIGEST);
    assert_eq!(
        missing(&[withdrawn.clone(), yes.clone()], &[DataAccess]),
        [DataAccess]
    );
    assert_eq!(
        missing(&[yes.clone(), withdrawn.clone()], &[DataAccess]),
        [DataAccess],
        "in either order"
    );
    let other = approval(DataAccess, "approver-b", DIGEST);
    assert_eq!(
        missing(&[yes.clone(), withdrawn.clone(), other], &[DataAccess]),
        []
    );
    withdrawn.spec.expires = "2020-01-01".parse().unwrap();
    assert_eq!(
        missing(&[yes.clone(), withdrawn.clone()], &[DataAccess]),
        [DataAccess],
        "even when it is expired itself"
    );
    withdrawn.spec.role = PublicBenefit;
    assert_eq!(
        missing(&[yes, withdrawn], &[DataAccess]),
        [],
        "of another role"
    );
}

#[test]
fn one_person_fills_one_role() {
    let same = [
        approval(DataAccess, "a", DIGEST),
        approval(PublicBenefit, "a", DIGEST),
    ];
    assert_eq!(missing(&same, &[DataAccess, PublicBenefit]).len(), 1);
    let mut two = same.to_vec();
    two.push(approval(PublicBenefit, "b", DIGEST));
    assert_eq!(missing(&two, &[DataAccess, PublicBenefit]), []);
}

#[test]
fn people_are_moved_between_roles_where_that_fills_more() {
    // Greedily a takes DataAccess and b PublicBenefit, and Ethics, which only a can fill, stays empty.
    let all = [
        approval(DataAccess, "a", DIGEST),
        approval(DataAccess, "b", DIGEST),
        approval(PublicBenefit, "b", DIGEST),
        approval(PublicBenefit, "c", DIGEST),
        approval(Ethics, "a", DIGEST),
    ];
    assert_eq!(missing(&all, &[DataAccess, PublicBenefit, Ethics]), []);
    assert_eq!(
        missing(&all[..4], &[DataAccess, PublicBenefit, Ethics]),
        [Ethics]
    );
    let without_c: Vec<_> = all
        .iter()
        .filter(|a| a.spec.approver != "c")
        .cloned()
        .collect();
    assert_eq!(
        missing(&without_c, &[DataAccess, PublicBenefit, Ethics]).len(),
        1,
        "two people cannot fill three roles"
    );
}
