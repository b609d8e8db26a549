//! Golden files of what people read in each situation: phase, conditions, messages.

use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use sde_core::lock::Outcome;
use sde_core::project::Observed;
use sde_core::project::rules::table;
use sde_crds::project::Lifecycle;
use sde_crds::project_approval::{ApprovalRole, Decision};

use crate::sim::Sim;
use crate::world::{self, approval};

fn told(phase: &str, conditions: Option<&Vec<Condition>>) -> Vec<String> {
    // Of what is declared, only what is wrong: the rest is the same everywhere.
    let quiet = |c: &&Condition| {
        let declared = table().any(|r| r.condition == c.type_ && r.condition != "PeopleApproved");
        (declared || c.type_ == "EvidenceCurrent") && c.status != "False"
            || c.type_ == "LocationEnforced"
            || c.reason == "ApiForm"
    };
    let lines = conditions
        .into_iter()
        .flatten()
        .filter(|c| !quiet(c))
        .map(|c| format!("{}={} {}: {}", c.type_, c.status, c.reason, c.message));
    std::iter::once(format!("phase {phase}"))
        .chain(lines)
        .collect()
}

pub fn project(sim: &Sim) -> Vec<String> {
    told(
        &sim.status().phase.to_string(),
        sim.status().conditions.as_ref(),
    )
}

pub fn work(sim: &Sim) -> Vec<String> {
    let status = sim.workspace_status();
    told(&status.phase.to_string(), status.conditions.as_ref())
}

/// The status of an open Project after a change.
fn after(change: impl FnOnce(&mut Observed)) -> Vec<String> {
    let mut sim = Sim::open();
    change(&mut sim.observed);
    sim.project();
    project(&sim)
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn waiting_for_approval() {
    let mut sim = Sim::new(world::applied());
    sim.project();
    insta::assert_yaml_snapshot!("waiting", project(&sim));
    let digest = sim.status().spec_digest.unwrap();
    sim.observed
        .approvals
        .push(approval(ApprovalRole::DataAccess, "approver-a", &digest));
    sim.observed
        .approvals
        .push(approval(ApprovalRole::PublicBenefit, "u-7c1e", &digest));
    sim.project();
    insta::assert_yaml_snapshot!("waiting-one-void", project(&sim));
    let mut no = approval(ApprovalRole::PublicBenefit, "approver-b", &digest);
    no.spec.decision = Decision::Rejected;
    sim.observed.approvals.push(no);
    sim.project();
    insta::assert_yaml_snapshot!("rejected", project(&sim));
}

#[test]
fn without_a_policy() {
    let mut sim = Sim::new(world::approved());
    sim.observed.policy = None;
    sim.project();
    insta::assert_yaml_snapshot!("no-policy", project(&sim));
    insta::assert_yaml_snapshot!("no-policy-any-more", after(|o| o.policy = None));
}

#[test]
fn opening_and_open() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    insta::assert_yaml_snapshot!("opening", project(&sim));
    sim.prove();
    insta::assert_yaml_snapshot!("open", project(&sim));
}

#[test]
fn changes_of_the_spec() {
    insta::assert_yaml_snapshot!(
        "narrowed",
        after(|o| {
            o.project.spec.people.pop();
        })
    );
    insta::assert_yaml_snapshot!(
        "widened-waits",
        after(|o| o.project.spec.compute.cpu = Quantity("8".to_owned()))
    );
    insta::assert_yaml_snapshot!(
        "widened-rejected",
        after(|o| {
            o.project.spec.compute.cpu = Quantity("8".to_owned());
            let digest = sde_core::project::validate::spec_digest(world::UID, &o.project.spec);
            let mut no = approval(ApprovalRole::DataAccess, "approver-c", &digest);
            no.spec.decision = Decision::Rejected;
            o.approvals.push(no);
        })
    );
    insta::assert_yaml_snapshot!(
        "suspended",
        after(|o| o.project.spec.lifecycle = Lifecycle::Suspended)
    );
}

#[test]
fn dates_that_act() {
    insta::assert_yaml_snapshot!(
        "expired-with-its-approvals",
        after(|o| o.now = world::at("2027-11-01T00:00:00Z"))
    );
    insta::assert_yaml_snapshot!(
        "expired",
        after(|o| {
            o.now = world::at("2027-11-01T00:00:00Z");
            o.approvals
                .iter_mut()
                .for_each(|a| a.spec.expires = day("2028-12-31"));
            o.project
                .spec
                .people
                .iter_mut()
                .for_each(|p| p.training.expires = day("2028-12-31"));
        })
    );
    insta::assert_yaml_snapshot!(
        "approvals-expired",
        after(|o| {
            for approval in &mut o.approvals {
                approval.spec.expires = day("2026-11-21");
            }
        })
    );
    insta::assert_yaml_snapshot!(
        "organisation-expired",
        after(|o| o.project.spec.organisations[0].approval.expires = day("2026-11-21"))
    );
    insta::assert_yaml_snapshot!(
        "training-expired",
        after(|o| o.project.spec.people[1].training.expires = day("2026-11-21"))
    );
    insta::assert_yaml_snapshot!(
        "ethics-expired",
        after(|o| o.project.spec.purpose.ethics.expires = Some(day("2026-11-21")))
    );
    let mut sim = Sim::new(world::approved());
    sim.observed.now = world::at("2026-10-31T23:59:59Z");
    sim.project();
    insta::assert_yaml_snapshot!("not-started", project(&sim));
}

#[test]
fn what_the_policy_or_the_data_do_not_allow() {
    let refused = |change: fn(&mut Observed)| {
        let mut observed = world::applied();
        change(&mut observed);
        world::approve(&mut observed);
        let mut sim = Sim::new(observed);
        sim.project();
        project(&sim)
    };
    insta::assert_yaml_snapshot!(
        "beyond-tier",
        refused(|o| {
            o.project.spec.compute.cpu = Quantity("17".to_owned());
            o.project.spec.compute.accelerators =
                Some([("nvidia.com/gpu".to_owned(), Quantity("3".to_owned()))].into());
        })
    );
    insta::assert_yaml_snapshot!(
        "tier-unknown",
        refused(|o| o.project.spec.tier = "other".to_owned())
    );
    insta::assert_yaml_snapshot!("dataset-unknown", refused(|o| o.datasets.clear()));
    insta::assert_yaml_snapshot!(
        "dataset-not-grantable",
        refused(|o| o.datasets.values_mut().for_each(|d| d.grantable_to.clear()))
    );
    insta::assert_yaml_snapshot!(
        "host-path-not-allowed",
        refused(|o| {
            let dataset = world::dataset_from(serde_json::json!({"hostPath": {"path": "/srv"}}));
            o.datasets
                .values_mut()
                .for_each(|d| *d = dataset.spec.clone());
        })
    );
    insta::assert_yaml_snapshot!(
        "environment-unknown",
        refused(|o| o.project.spec.environments = vec!["r".to_owned()])
    );
    insta::assert_yaml_snapshot!(
        "too-long",
        refused(|o| o.project.spec.schedule.expires = day("2031-01-01"))
    );
}

#[test]
fn the_lock_of_the_project() {
    let mut sim = Sim::new(world::approved());
    sim.observed.sentinel = None;
    sim.project();
    insta::assert_yaml_snapshot!("sentinel-down", project(&sim));

    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Connected);
    sim.control("standing-probe");
    sim.project();
    insta::assert_yaml_snapshot!("probe-open", project(&sim));

    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.observed
        .controls
        .values_mut()
        .for_each(|c| c.boot_id_after = None);
    sim.project();
    insta::assert_yaml_snapshot!("inconclusive", project(&sim));

    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.wait("standing-probe", "probe", "ErrImagePull", "not found");
    sim.project();
    insta::assert_yaml_snapshot!("standing-image-missing", project(&sim));

    let mut sim = Sim::open();
    sim.later(3600 + 600 + 1);
    sim.observed.sentinel = None;
    sim.project();
    sim.project();
    insta::assert_yaml_snapshot!("overdue", project(&sim));
}

#[test]
fn the_data_of_the_project() {
    let mut sim = Sim::new(world::approved());
    sim.project();
    sim.report("standing-probe", Outcome::Silent);
    sim.control("standing-probe");
    sim.project();
    sim.run("standing-probe");
    sim.project();
    sim.condition(
        "data-genotypes-check",
        "PodReadyToStartContainers",
        "False",
        "",
    );
    sim.project();
    insta::assert_yaml_snapshot!("volume-unmounted", project(&sim));
    sim.report("data-genotypes-check", Outcome::Silent);
    sim.control("data-genotypes-check");
    sim.project();
    sim.end(
        "data-genotypes-check",
        "manifest",
        1,
        r#"{"digest":"sha256:bad"}"#,
        "Failed",
    );
    sim.project();
    insta::assert_yaml_snapshot!("data-wrong", project(&sim));
}

#[test]
fn a_workspace() {
    let mut sim = Sim::with_workspace();
    sim.work();
    insta::assert_yaml_snapshot!("workspace-proving", work(&sim));
    let mut stuck = Sim::with_workspace();
    stuck.work();
    stuck.wait(
        "u-7c1e-1",
        "notebook",
        "ErrImageNeverPull",
        "image is not present",
    );
    stuck.work();
    insta::assert_yaml_snapshot!("workspace-image-missing", work(&stuck));
    let mut unmounted = Sim::with_workspace();
    unmounted.work();
    unmounted.condition("u-7c1e-1", "PodReadyToStartContainers", "False", "");
    unmounted.work();
    insta::assert_yaml_snapshot!("workspace-unmounted", work(&unmounted));

    sim.report("u-7c1e-1", Outcome::Silent);
    sim.control("u-7c1e-1");
    sim.work();
    insta::assert_yaml_snapshot!("workspace-starting", work(&sim));
    sim.run("u-7c1e-1");
    sim.work();
    insta::assert_yaml_snapshot!("workspace-running", work(&sim));
    sim.end("u-7c1e-1", "notebook", 0, "", "Succeeded");
    sim.work();
    insta::assert_yaml_snapshot!("workspace-ended", work(&sim));
    sim.workspace.as_mut().unwrap().spec.running = false;
    sim.work();
    insta::assert_yaml_snapshot!("workspace-stopped", work(&sim));
}

#[test]
fn a_workspace_that_is_not_opened() {
    let refused = |outcome, control: bool| {
        let mut sim = Sim::with_workspace();
        sim.work();
        sim.report("u-7c1e-1", outcome);
        sim.control("u-7c1e-1");
        if !control {
            sim.observed
                .controls
                .values_mut()
                .for_each(|c| c.sentinel_answered_udp = false);
        }
        sim.work();
        work(&sim)
    };
    insta::assert_yaml_snapshot!("workspace-open-lock", refused(Outcome::Connected, true));
    insta::assert_yaml_snapshot!("workspace-inconclusive", refused(Outcome::Silent, false));
    let mut sim = Sim::with_workspace();
    sim.observed.sentinel = None;
    sim.work();
    insta::assert_yaml_snapshot!("workspace-sentinel-down", work(&sim));
    let mut sim = Sim::with_workspace();
    sim.observed.project.spec.lifecycle = Lifecycle::Suspended;
    sim.work();
    insta::assert_yaml_snapshot!("workspace-project-suspended", work(&sim));
}
