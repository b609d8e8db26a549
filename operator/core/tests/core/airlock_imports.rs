//! Imports: their files are taken while a draft is open, and what is released is the inbox of whoever asked for it.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimStatus};
use sde_core::airlock::desired::claim;
use sde_core::airlock::{Claim, JobKind, Outcome, Side, Standing, Step, change, next, status};
use sde_core::rejection::Rejection;
use sde_core::workspace::inbox::{Inbox, inbox};
use sde_crds::airlock_request::{Direction, Import};
use sde_crds::airlock_review::ReviewRole;
use sde_crds::airlock_status::{AirlockPhase as Phase, ServingKind};
use serde_json::json;

use crate::airlock_sim::{POD, REQUEST_UID, Sim};
use crate::sim;

fn draft() -> Sim {
    let mut sim = Sim::new();
    let spec = &mut sim.observed.request.spec;
    (spec.direction, spec.folder, spec.outputs) = (Direction::Import, None, None);
    spec.seal = false;
    declare(&mut sim, "Data");
    sim
}

fn declare(sim: &mut Sim, kind: &str) {
    let import = json!([{"name": "panel", "files": [0, 1, 2, 3], "kind": kind, "origin": "A public registry"}]);
    let import = serde_json::from_value::<Vec<Import>>(import).ok();
    sim.observed.request.spec.imports = import;
}

fn released() -> Sim {
    let mut sim = uploading();
    sim = sim.confirmed();
    sim.approve("checker-a");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    sim
}

fn uploading() -> Sim {
    let mut sim = draft();
    sim.observed.request.spec.upload = Some(1);
    assert_eq!(reason(&sim.run()), "UploadNow");
    sim
}

fn reason(step: &Step) -> &'static str {
    match step {
        Step::Wait(wait) => wait.reason,
        other => panic!("does not wait: {other:?}"),
    }
}

fn receives(sim: &Sim) -> Vec<i64> {
    let jobs = sim.observed.jobs.iter();
    jobs.filter(|j| j.kind == JobKind::Receive)
        .map(|j| j.attempt)
        .collect()
}

#[test]
fn a_draft_has_no_chamber_before_files_are_asked_for() {
    let mut sim = draft();
    assert_eq!(reason(&sim.run()), "UploadFiles");
    assert_eq!(sim.observed.chamber.airlock, Claim::Absent);
    sim.observed.request.spec.upload = Some(1);
    assert_eq!(reason(&sim.run()), "UploadNow");
    assert_eq!(sim.observed.chamber.airlock, Claim::Bound);
    assert_eq!(sim.observed.chamber.project, Claim::Absent);
    let told = status(&sim.observed, &next(&sim.observed)).status;
    let serving = told.serving.unwrap();
    assert_eq!(
        (serving[0].kind, serving[0].pod.as_str()),
        (ServingKind::Receive, POD)
    );
}

#[test]
fn uploading_ends_with_its_job_and_begins_again_when_asked() {
    let mut sim = uploading();
    // Asking again while it runs breaks nothing off.
    sim.observed.request.spec.upload = Some(2);
    assert_eq!(reason(&next(&sim.observed)), "UploadNow");
    sim.observed.request.spec.upload = Some(1);
    sim.observed.jobs[0].outcome = Outcome::Lost;
    assert_eq!(reason(&sim.run()), "UploadOver");
    assert_eq!(receives(&sim), [1], "the mark that it was there");
    sim.observed.request.spec.upload = Some(2);
    assert_eq!(reason(&sim.run()), "UploadNow");
    assert_eq!(receives(&sim), [2]);
}

#[test]
fn nothing_is_taken_once_it_is_sealed() {
    let mut sim = uploading();
    sim.observed.request.spec.seal = true;
    sim.until(Phase::Sealing);
    assert_eq!(next(&sim.observed), Step::DeleteJobs);
    assert_eq!(reason(&sim.run()), "ConfirmContent");
    assert!(receives(&sim).is_empty());
    assert_eq!(sim.status().serving, None);
    assert_eq!(sim.observed.chamber.project, Claim::Absent);
}

#[test]
fn nothing_is_taken_while_the_project_is_shut_or_its_requester_may_not_ask() {
    let why = Rejection::new("Suspended", "It is suspended.");
    let mut shut = uploading();
    shut.observed.project.as_mut().unwrap().standing = Standing::Shut(why);
    assert_eq!(reason(&shut.run()), "ProjectNotOpen");
    assert!(receives(&shut).is_empty());
    let mut left = draft();
    left.observed.project.as_mut().unwrap().requesters.clear();
    left.observed.request.spec.upload = Some(1);
    assert_eq!(reason(&left.run()), "RequesterNotApproved");
    assert!(receives(&left).is_empty());
    let mut withdrawn = uploading();
    withdrawn.observed.request.spec.withdrawn = true;
    withdrawn.run();
    assert_eq!(withdrawn.phase(), Phase::Withdrawn);
    assert!(receives(&withdrawn).is_empty());
}

#[test]
fn it_is_bound_in_the_project_only_when_it_is_released() {
    let in_review = |kind| {
        let mut sim = uploading();
        declare(&mut sim, kind);
        sim.confirmed()
    };
    let mut sim = in_review("Data");
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!(sim.observed.chamber.project, Claim::Absent);
    assert_eq!(sim.status().reviews.unwrap().needed, 1);
    sim.approve("checker-a");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
    assert_eq!(sim.observed.chamber.claim(Side::Project), Claim::Bound);
    assert_eq!(sim.observed.chamber.claim(Side::Airlock), Claim::Absent);
    let needs = |kind| {
        let reviews = in_review(kind).status().reviews.unwrap();
        (reviews.needed, reviews.missing_roles)
    };
    assert_eq!(needs("Binary"), (2, vec![]));
    assert_eq!(needs("LinkageData"), (2, vec![ReviewRole::Senior]));
    assert_eq!(needs("Model"), (2, vec![ReviewRole::MachineLearning]));
}

#[test]
fn closing_takes_what_came_in_with_it() {
    let mut sim = released();
    sim.observed.project.as_mut().unwrap().standing = Standing::Closing;
    assert_eq!(sim.run(), Step::Done);
    assert_eq!(
        (sim.phase(), sim.status().reason.as_deref()),
        (Phase::Expired, Some("ProjectClosed"))
    );
    assert_eq!(sim.observed.chamber.volume, None);
}

#[test]
fn only_a_released_import_is_in_its_requesters_inbox() {
    let sim = released();
    let mut request = sim.observed.request.clone();
    request.status = Some(sim.status());
    let user = request.spec.requester.clone();
    let claim = |phase: &str| PersistentVolumeClaim {
        status: Some(PersistentVolumeClaimStatus {
            phase: Some(phase.to_owned()),
            ..PersistentVolumeClaimStatus::default()
        }),
        ..PersistentVolumeClaim::default()
    };
    let bound = claim("Bound");
    let found = inbox(&request, Some(&bound), &user).unwrap();
    assert_eq!(
        (found.request.as_str(), &found.claim),
        ("penetrance-tables", &claim::name(&request))
    );
    assert_eq!(found.claim, format!("chamber-{REQUEST_UID}"));
    assert_eq!(inbox(&request, Some(&bound), "u-19ab"), None, "another's");
    assert_eq!(inbox(&request, None, &user), None);
    assert_eq!(inbox(&request, Some(&claim("Pending")), &user), None);
    for phase in [Phase::Releasing, Phase::Revoked, Phase::Expired] {
        request.status.as_mut().unwrap().phase = phase;
        assert_eq!(inbox(&request, Some(&bound), &user), None, "{phase}");
    }
    request.status.as_mut().unwrap().phase = Phase::Released;
    request.spec.direction = Direction::Export;
    assert_eq!(inbox(&request, Some(&bound), &user), None, "an Export");
}

#[test]
fn a_notebook_has_what_was_released_when_it_started_and_ends_when_that_is_revoked() {
    let panel = Inbox {
        request: "panel".to_owned(),
        claim: "chamber-panel".to_owned(),
    };
    let later = Inbox {
        request: "later".to_owned(),
        claim: "chamber-later".to_owned(),
    };
    let mut sim = sim::Sim::with_workspace();
    sim.inbox = vec![panel.clone()];
    sim.work();
    let name = sim.names().pop().unwrap();
    let pod = sim.pod(&name).clone();
    let spec = pod.spec.as_ref().unwrap();
    let mounts = spec.containers[0].volume_mounts.as_ref().unwrap();
    let mount = mounts.iter().find(|m| m.mount_path == "/inbox/panel");
    let mount = mount.unwrap();
    assert_eq!(
        (mount.sub_path.as_deref(), mount.read_only),
        (Some("inbox"), Some(true))
    );
    let volumes = spec.volumes.as_ref().unwrap();
    let volume = volumes.iter().find(|v| v.name == mount.name).unwrap();
    let source = volume.persistent_volume_claim.as_ref().unwrap();
    assert_eq!(
        (source.claim_name.as_str(), source.read_only),
        ("chamber-panel", Some(true))
    );
    // What comes later waits for the next start.
    sim.inbox = vec![later.clone(), panel];
    sim.work();
    assert!(sim.names().contains(&name));
    // What goes takes the notebook with it.
    sim.inbox = vec![later];
    sim.work();
    assert!(!sim.names().contains(&name));
}

#[test]
fn only_its_requester_asks_for_uploads_and_seals() {
    let me = draft().observed.request.spec.requester;
    let asked = |sim: &Sim| change::upload(&sim.observed.request, &me);
    let mut sim = draft();
    sim.run();
    let patch = asked(&sim).unwrap().unwrap();
    assert_eq!(patch["spec"], json!({"upload": 1}));
    assert!(change::upload(&sim.observed.request, "u-19ab").is_err());
    assert!(change::seal(&sim.observed.request, &me).is_err(), "nothing");
    sim.observed.request.spec.upload = Some(1);
    assert_eq!(asked(&sim).unwrap(), None, "it is about to be");
    sim.run();
    assert_eq!(asked(&sim).unwrap(), None, "it is");
    sim.observed.jobs[0].outcome = Outcome::Lost;
    sim.run();
    assert_eq!(asked(&sim).unwrap().unwrap()["spec"]["upload"], 2);
    let sealed = change::seal(&sim.observed.request, &me).unwrap().unwrap();
    assert_eq!(sealed["spec"], json!({"seal": true}));
    sim.observed.request.spec.upload = Some(16);
    assert!(asked(&sim).is_err(), "too often");
    sim.observed.request.spec.seal = true;
    assert!(asked(&sim).is_err(), "sealed");
    assert_eq!(change::seal(&sim.observed.request, &me).unwrap(), None);
    sim.observed.request.spec.direction = Direction::Export;
    assert!(asked(&sim).is_err(), "an Export");
}
