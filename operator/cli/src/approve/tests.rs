//! What may be approved, what may not and why, and what a person is shown.

use sde_core::closing::inventory;
use sde_core::project::validate::spec_digest;
use sde_core::refusal::Refusal;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::{ClosingStatus, Medium, MediumKind, ProjectStatus};
use sde_crds::{Project, ProjectApproval};

use super::*;
use crate::fixtures;

const NOW: &str = "2026-11-22T01:00:00Z";

fn seen() -> Project {
    let mut project = fixtures::project();
    let digest = spec_digest(fixtures::UID, &project.spec);
    project.status = Some(ProjectStatus {
        spec_digest: Some(digest),
        ..ProjectStatus::default()
    });
    project
}

fn closing() -> Project {
    let mut project = seen();
    project.spec.lifecycle = Lifecycle::Closed;
    let medium = |kind, claim: &str| Medium {
        kind,
        claim: claim.to_owned(),
        claim_uid: "22222222-0000-4000-8000-000000000001".to_owned(),
        volume: Some(format!("pvc-{claim}")),
        volume_uid: None,
        storage_class: Some("standard".to_owned()),
        reclaim_policy: Some("Delete".to_owned()),
        driver: Some("rancher.io/local-path".to_owned()),
        handle_digest: None,
        capacity: Some(k8s_openapi::apimachinery::pkg::api::resource::Quantity(
            "10Gi".to_owned(),
        )),
        gone_at: None,
    };
    let media = vec![
        medium(MediumKind::DatasetGrant, "data-genotypes"),
        medium(MediumKind::Home, "home-u-7c1e"),
    ];
    project.status.get_or_insert_default().closing = Some(ClosingStatus {
        requested_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW.parse().unwrap()),
        inventory_digest: Some(inventory::digest(
            fixtures::UID,
            &project.spec.closure,
            &media,
        )),
        inventory: Some(media),
        airlock: None,
        steps: Vec::new(),
    });
    project
}

fn request(role: ApprovalRole, approver: &str) -> Request {
    Request {
        role,
        decision: Decision::Approved,
        expires: None,
        reference: None,
        approver: approver.to_owned(),
    }
}

fn planned(
    project: &Project,
    existing: &[ProjectApproval],
    request: &Request,
) -> Result<ProjectApproval, Refusal> {
    plan(project, existing, request, NOW.parse().unwrap())
}

fn refusal(project: &Project, existing: &[ProjectApproval], request: &Request) -> String {
    planned(project, existing, request).unwrap_err().to_string()
}

#[test]
fn the_copies_are_the_projects_own() {
    let project = seen();
    let approval = planned(&project, &[], &request(ApprovalRole::DataAccess, "dac-1")).unwrap();
    insta::assert_yaml_snapshot!(approval);
    // Core, which decides in the controller, counts it.
    let id = sde_core::labels::ProjectId {
        name: "prj-4f2c".to_owned(),
        uid: fixtures::UID.to_owned(),
    };
    let digest = approval.spec.digest.clone();
    let decided = sde_core::approvals::decide(
        &id,
        &project.spec,
        &digest,
        &[approval],
        NOW.parse().unwrap(),
    );
    assert_eq!(decided.count(ApprovalRole::DataAccess), 1);
    assert!(decided.void.is_empty());
}

#[test]
fn saying_it_twice_is_said_and_a_longer_one_renews() {
    let project = seen();
    let ask = request(ApprovalRole::DataAccess, "dac-1");
    let first = planned(&project, &[], &ask).unwrap();
    let again = planned(&project, &[], &ask).unwrap();
    assert_eq!(first.metadata.name, again.metadata.name);
    let existing = [first.clone()];
    assert!(refusal(&project, &existing, &ask).contains("decided so already"));
    let longer = Request {
        expires: Some("2028-01-31".parse().unwrap()),
        ..ask.clone()
    };
    assert_ne!(
        planned(&project, &existing, &longer).unwrap().metadata.name,
        first.metadata.name
    );
    // Another person's decision is their own.
    assert!(
        planned(
            &project,
            &existing,
            &request(ApprovalRole::DataAccess, "dac-2")
        )
        .is_ok()
    );
}

#[test]
fn withdrawing_needs_something_to_withdraw_and_stays() {
    let project = seen();
    let ask = request(ApprovalRole::DataAccess, "dac-1");
    let revoke = Request {
        decision: Decision::Revoked,
        ..ask.clone()
    };
    assert!(refusal(&project, &[], &revoke).contains("no approval of yours"));
    let yes = planned(&project, &[], &ask).unwrap();
    let revoked = planned(&project, std::slice::from_ref(&yes), &revoke).unwrap();
    assert_ne!(revoked.metadata.name, yes.metadata.name);
    assert!(refusal(&project, &[yes, revoked], &ask).contains("have withdrawn"));
}

#[test]
fn nobody_approves_their_own() {
    let project = seen();
    let no = |who: &str| refusal(&project, &[], &request(ApprovalRole::DataAccess, who));
    assert!(no("custodian-a").contains("submitted this spec"));
    assert!(no("u-7c1e").contains("one of the project's people"));
    assert!(no("system:serviceaccount:x:y").contains("log in as yourself"));
}

#[test]
fn only_what_is_shown_can_be_approved() {
    let ask = request(ApprovalRole::DataAccess, "dac-1");
    assert!(refusal(&fixtures::project(), &[], &ask).contains("not yet put a digest"));
    let mut project = seen();
    project.spec.title.push('!');
    assert!(refusal(&project, &[], &ask).contains("has just changed"));
    let mut project = closing();
    let closure = request(ApprovalRole::Closure, "dac-1");
    assert!(planned(&project, &[], &closure).is_ok());
    assert!(refusal(&project, &[], &ask).contains("only role Closure"));
    project
        .status
        .as_mut()
        .unwrap()
        .closing
        .as_mut()
        .unwrap()
        .inventory
        .as_mut()
        .unwrap()
        .pop();
    assert!(refusal(&project, &[], &closure).contains("not of what is there now"));
    assert!(refusal(&seen(), &[], &closure).contains("closing it comes first"));
    let mut early = seen();
    early.spec.lifecycle = Lifecycle::Closed;
    assert!(refusal(&early, &[], &closure).contains("not taken yet"));
}

#[test]
fn dates_that_are_past_are_refused() {
    let mut ask = request(ApprovalRole::DataAccess, "dac-1");
    ask.expires = Some("2026-11-21".parse().unwrap());
    assert!(matches!(
        planned(&seen(), &[], &ask),
        Err(Refusal::Incomplete(_))
    ));
    ask.expires = Some("2026-11-22".parse().unwrap());
    assert!(planned(&seen(), &[], &ask).is_ok());
}

#[test]
fn a_person_sees_what_is_decided_on() {
    let show = |project: &Project, role| {
        let approval = planned(project, &[], &request(role, "dac-1")).unwrap();
        show::render(project, &approval, Paint(false), 110)
    };
    insta::assert_snapshot!("spec", show(&seen(), ApprovalRole::DataAccess));
    insta::assert_snapshot!("inventory", show(&closing(), ApprovalRole::Closure));
}
