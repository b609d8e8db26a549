//! Courses of events over several passes: what is deleted when, what is told, what crashes do.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_core::airlock::desired::room::{CHAMBERS, INBOX};
use sde_core::conditions::{find, types};
use sde_core::lock::Outcome;
use sde_core::project;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::ProjectPhase;

use crate::sim::Sim;
use crate::world;

fn egress(sim: &Sim) -> (String, String) {
    let conditions = sim.status().conditions.unwrap();
    let condition = find(&conditions, types::EGRESS_ENFORCED).unwrap();
    (condition.status.clone(), condition.reason.clone())
}

#[test]
fn the_standing_probe_is_replaced_after_its_report_and_the_project_stays_open() {
    let mut sim = Sim::open();
    sim.later(3600);
    let json = crate::sim::report_of(sim.pod("standing-probe"), Outcome::Silent);
    sim.end("standing-probe", "standing", 0, &json, "Succeeded");
    sim.control("standing-probe");
    sim.project();
    assert_eq!(sim.status().proof.unwrap().time.0, sim.observed.now);
    assert!(!sim.names().contains(&"standing-probe".to_owned()));
    sim.project();
    assert!(sim.names().contains(&"standing-probe".to_owned()));
    assert_eq!(
        (sim.status().phase, egress(&sim).0.as_str()),
        (ProjectPhase::Active, "True")
    );
}

#[test]
fn an_evicted_standing_probe_does_not_pass_its_first_report_for_a_new_one() {
    let mut sim = Sim::open();
    let proven = sim.status().proof.unwrap().time;
    sim.later(1800);
    sim.pod("standing-probe").status.as_mut().unwrap().phase = Some("Failed".to_owned());
    sim.control("standing-probe");
    sim.project();
    assert_eq!(sim.status().proof.unwrap().time, proven);
}

#[test]
fn a_pod_that_never_ran_is_not_made_again_in_a_tight_loop() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.pod("standing-probe").status.as_mut().unwrap().phase = Some("Failed".to_owned());
    sim.project();
    assert_eq!(sim.names(), ["standing-probe"]);
    sim.later(61);
    sim.project();
    assert!(sim.names().is_empty());
}

#[test]
fn openness_stays_told_until_a_probe_proves_the_lock() {
    let mut sim = Sim::open();
    sim.later(3600);
    let json = crate::sim::report_of(sim.pod("standing-probe"), Outcome::Connected);
    sim.end("standing-probe", "standing", 1, &json, "Failed");
    sim.control("standing-probe");
    sim.project();
    assert_eq!(
        (sim.status().phase, egress(&sim)),
        (
            ProjectPhase::Suspended,
            ("False".to_owned(), "EgressOpen".to_owned())
        )
    );
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.project();
    assert_eq!(
        egress(&sim).1,
        "EgressOpen",
        "a report that is not judged changes nothing"
    );
    sim.control("standing-probe");
    sim.project();
    sim.project();
    assert_eq!(
        (sim.status().phase, egress(&sim).0.as_str()),
        (ProjectPhase::Active, "True")
    );
}

#[test]
fn an_inconclusive_report_is_judged_again_while_its_pod_is_kept() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.observed
        .controls
        .values_mut()
        .for_each(|c| c.sentinel_answered_udp = false);
    sim.project();
    assert_eq!((sim.names().len(), egress(&sim).0.as_str()), (1, "Unknown"));
    sim.control("standing-probe");
    sim.project();
    assert_eq!(egress(&sim).0, "True");
}

#[test]
fn suspended_and_opened_again_needs_a_new_proof_but_no_new_check() {
    let mut sim = Sim::open();
    sim.observed.project.spec.lifecycle = Lifecycle::Suspended;
    sim.project();
    assert_eq!(
        (sim.status().phase, sim.names().len()),
        (ProjectPhase::Suspended, 0)
    );
    assert!(sim.status().proof.is_some(), "kept for evidence");
    sim.observed.project.spec.lifecycle = Lifecycle::Active;
    sim.project();
    assert_eq!(
        (sim.status().phase, egress(&sim).0.as_str()),
        (ProjectPhase::Opening, "Unknown")
    );
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.project();
    assert_eq!(sim.status().phase, ProjectPhase::Active);
}

#[test]
fn no_data_is_mounted_while_the_lock_is_not_proven() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.project();
    sim.run("standing-probe");
    sim.project();
    assert!(sim.names().contains(&"data-genotypes-check".to_owned()));
    let json = crate::sim::report_of(sim.pod("standing-probe"), Outcome::Connected);
    sim.end("standing-probe", "standing", 1, &json, "Failed");
    sim.project();
    sim.project();
    assert!(!sim.names().contains(&"data-genotypes-check".to_owned()));
}

#[test]
fn a_check_is_repeated_later_and_wrong_data_stays_told_meanwhile() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.project();
    sim.run("standing-probe");
    sim.project();
    sim.report("data-genotypes-check", Outcome::Silent);
    sim.control("data-genotypes-check");
    sim.project();
    sim.end("data-genotypes-check", "manifest", 1, "{}", "Failed");
    let reason = |sim: &Sim| {
        find(&sim.status().conditions.unwrap(), types::DATA_VERIFIED)
            .unwrap()
            .reason
            .clone()
    };
    sim.project();
    assert_eq!(reason(&sim), "CheckFailed");
    sim.later(61);
    sim.project();
    sim.project();
    assert!(sim.names().contains(&"data-genotypes-check".to_owned()));
    assert_eq!(reason(&sim), "CheckFailed");
}

fn with_nfs() -> Sim {
    let mut observed = world::approved();
    for name in ["example-genotypes-2026-1", "other"] {
        observed.datasets.insert(name.to_owned(), world::nfs().spec);
    }
    let mut sim = Sim::new(observed);
    sim.prove();
    sim
}

#[test]
fn a_grant_that_is_taken_away_loses_claim_and_volume_also_after_a_crash_between_them() {
    let mut sim = with_nfs();
    assert_eq!(
        (
            sim.observed.volumes.len(),
            sim.claim("data-genotypes").is_some()
        ),
        (1, true)
    );
    sim.observed.project.spec.datasets[0].name = "renamed".to_owned();
    sim.observed
        .claims
        .retain(|c| c.metadata.name.as_deref() != Some("data-genotypes"));
    sim.project();
    assert!(sim.observed.volumes.is_empty());
}

#[test]
fn a_grant_of_another_dataset_under_the_same_name_gets_a_new_volume_once_no_pod_mounts_the_old() {
    let mut sim = with_nfs();
    let old = sim.observed.volumes[0].metadata.name.clone();
    sim.workspace = Some(world::workspace());
    sim.observed.workspaces.push(world::workspace());
    sim.work();
    sim.observed.project.spec.datasets[0].dataset = "other".to_owned();
    world::approve(&mut sim.observed);
    sim.project();
    assert_eq!(
        sim.observed.volumes[0].metadata.name, old,
        "a pod still mounts it"
    );
    sim.work();
    assert!(
        !sim.names().contains(&"u-7c1e-1".to_owned()),
        "and is stopped, since what it was made from has changed"
    );
    sim.project();
    sim.project();
    assert_eq!(sim.observed.volumes.len(), 1);
    assert_ne!(sim.observed.volumes[0].metadata.name, old);
    assert_eq!(
        sim.claim("data-genotypes")
            .unwrap()
            .spec
            .as_ref()
            .unwrap()
            .volume_name,
        sim.observed.volumes[0].metadata.name
    );
    assert!(
        !sim.status().phase.eq(&ProjectPhase::Active),
        "the new data is not verified yet"
    );
}

#[test]
fn the_quota_leaves_room_for_homes_of_people_who_left() {
    let mut sim = Sim::open();
    let mut newcomer = sim.observed.project.spec.people[1].clone();
    newcomer.user = "u-0001".to_owned();
    sim.observed.project.spec.people[1] = newcomer;
    world::approve(&mut sim.observed);
    let desired = project::desired(
        &sim.observed,
        &sim.settings,
        &project::validate(&sim.observed),
    )
    .unwrap();
    let hard = desired.quota.clone().unwrap().spec.unwrap().hard.unwrap();
    assert_eq!(
        hard["persistentvolumeclaims"].0,
        (4 + CHAMBERS + INBOX).to_string(),
        "three homes, one grant, chambers"
    );
    let gib = 1024_i64.pow(3);
    assert_eq!(
        hard["requests.storage"].0,
        (3 * 10 * gib + gib + (CHAMBERS + INBOX) * 5 * gib).to_string()
    );
}

#[test]
fn pods_of_workspaces_that_are_gone_are_stopped() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.project();
    assert!(sim.names().contains(&"u-7c1e-1".to_owned()));
    sim.observed.workspaces.clear();
    sim.project();
    assert!(!sim.names().contains(&"u-7c1e-1".to_owned()));
}

#[test]
fn a_project_deleted_while_open_stops_and_says_so() {
    let mut sim = Sim::open();
    sim.observed.project.metadata.deletion_timestamp = Some(Time(sim.observed.now));
    sim.project();
    assert!(sim.names().is_empty());
    let conditions = sim.status().conditions.unwrap();
    assert_eq!(
        find(&conditions, types::READY).unwrap().reason,
        "DeletedWhileOpen"
    );
}

#[test]
fn an_approved_spec_that_was_tampered_with_in_the_status_opens_nothing() {
    let mut sim = Sim::open();
    let status = sim.observed.project.status.as_mut().unwrap();
    status.approved.as_mut().unwrap().spec["compute"]["cpu"] = "16".into();
    sim.observed.project.spec.compute.cpu.0 = "16".to_owned();
    sim.project();
    assert!(sim.names().is_empty());
    assert_eq!(sim.status().phase, ProjectPhase::Suspended);
}

#[test]
fn nothing_changes_when_nothing_changes() {
    let mut sim = Sim::open();
    let before = sim.observed.clone();
    sim.later(5);
    sim.project();
    assert_eq!(sim.status(), before.project.status.unwrap());
    assert_eq!(sim.observed.pods, before.pods);
    assert_eq!(sim.observed.claims, before.claims);
}
