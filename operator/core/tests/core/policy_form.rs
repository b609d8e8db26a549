//! A tier that asks for the static form of the policies, from shut to running and back.

use sde_core::lock::Outcome;
use sde_core::policy_form::Finding;
use sde_core::project::Observed;
use sde_crds::policy::PolicyForm;
use sde_crds::project_status::{FoundForm, ProjectPhase};
use sde_crds::workspace::WorkspacePhase;

use crate::golden_status::{project, work};
use crate::sim::Sim;
use crate::world::{self, policies_in};

/// The example's tier asks for the static form, and the API servers refuse in this one.
fn asks(observed: &mut Observed, found: FoundForm) {
    observed.policy.as_mut().unwrap().tiers[0].policy_form = Some(PolicyForm::Static);
    observed.policy_form = Some(policies_in(found));
}

/// A Project of that tier, open, with its Workspace running.
fn running() -> Sim {
    let mut sim = Sim::with_workspace();
    asks(&mut sim.observed, FoundForm::Static);
    sim.project();
    sim.work();
    sim.report("u-7c1e-1", Outcome::Silent);
    sim.control("u-7c1e-1");
    sim.work();
    sim.run("u-7c1e-1");
    sim.work();
    assert_eq!(sim.workspace_status().phase, WorkspacePhase::Running);
    sim
}

fn unanswered(observed: &mut Observed) {
    let round = observed.policy_form.as_mut().unwrap();
    round.servers[0].findings[0].1 =
        Finding::Unknown("the API server did not answer in time".to_owned());
}

#[test]
fn it_stays_shut_without_the_static_form_and_says_who_can_change_it() {
    let mut observed = world::approved();
    asks(&mut observed, FoundForm::Api);
    let mut sim = Sim::new(observed);
    let looked = sim.project();
    insta::assert_yaml_snapshot!("static-form-missing", project(&sim));
    assert!(sim.observed.namespace.is_none() && sim.observed.pods.is_empty());
    assert!(looked.look_again.as_secs() <= 61, "{looked:?}");
    asks(&mut sim.observed, FoundForm::Missing);
    sim.project();
    insta::assert_yaml_snapshot!("policies-missing", project(&sim));
    asks(&mut sim.observed, FoundForm::Static);
    unanswered(&mut sim.observed);
    sim.project();
    insta::assert_yaml_snapshot!("policies-unknown", project(&sim));
    sim.observed.policy_form = None;
    sim.project();
    assert_eq!(sim.status().phase, ProjectPhase::Pending);
    // The positive control.
    asks(&mut sim.observed, FoundForm::Static);
    sim.prove();
    assert_eq!(sim.status().phase, ProjectPhase::Active);
    insta::assert_yaml_snapshot!("static-form", project(&sim));
}

#[test]
fn a_running_workspace_stops_when_the_form_vanishes_and_not_when_nobody_answers() {
    let mut sim = running();
    let kept = sim.status().policies;
    unanswered(&mut sim.observed);
    sim.later(600);
    sim.project();
    sim.work();
    assert_eq!(sim.status().phase, ProjectPhase::Active);
    assert_eq!(sim.status().policies, kept);
    assert_eq!(sim.workspace_status().phase, WorkspacePhase::Running);
    // As long as the last proof of the lock would hold.
    sim.later(3600 + 1);
    sim.observed.project.status.as_mut().unwrap().proof = None;
    sim.project();
    sim.work();
    assert_eq!(sim.status().phase, ProjectPhase::Suspended);
    assert!(sim.observed.pods.is_empty());

    let mut sim = running();
    asks(&mut sim.observed, FoundForm::Api);
    sim.project();
    sim.work();
    insta::assert_yaml_snapshot!("static-form-vanished", project(&sim));
    insta::assert_yaml_snapshot!("static-form-vanished-workspace", work(&sim));
    assert!(sim.observed.pods.is_empty() && sim.observed.namespace.is_some());
}

#[test]
fn a_workspace_opens_on_a_fresh_finding_alone() {
    let mut sim = running();
    unanswered(&mut sim.observed);
    sim.workspace.as_mut().unwrap().spec.running = false;
    sim.work();
    sim.project();
    assert_eq!(sim.status().phase, ProjectPhase::Active);
    sim.workspace.as_mut().unwrap().spec.running = true;
    let looked = sim.work();
    insta::assert_yaml_snapshot!("workspace-policies-unknown", work(&sim));
    assert!(looked.look_again.as_secs() <= 15);
    asks(&mut sim.observed, FoundForm::Static);
    sim.work();
    assert_eq!(sim.workspace_status().phase, WorkspacePhase::Proving);
}

#[test]
fn closing_asks_for_no_policies() {
    let mut observed = world::approved();
    asks(&mut observed, FoundForm::Missing);
    assert!(observed.demand().is_some());
    observed.project.spec.lifecycle = sde_crds::project::Lifecycle::Closed;
    assert!(observed.demand().is_none());
}
