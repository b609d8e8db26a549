//! Whether a Workspace may run, and what crashes between its token, its pod and its status do.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_core::conditions::{find, types};
use sde_core::lock::Outcome;
use sde_core::workspace::{Observed, desired, validate};
use sde_crds::policy::{Placement, PoolToleration, TaintEffect};
use sde_crds::project::{Lifecycle, PersonRole};
use sde_crds::workspace::{WorkspacePhase, WorkspaceResources};

use crate::sim::Sim;
use crate::world::{self, WORKSPACE_UID};

fn project(observed: &mut Observed) -> &mut sde_core::project::Observed {
    observed.project.as_mut().unwrap()
}

fn untrue(observed: &mut Observed, type_: &str) {
    let status = project(observed).project.status.as_mut().unwrap();
    let condition = status
        .conditions
        .iter_mut()
        .flatten()
        .find(|c| c.type_ == type_)
        .unwrap();
    condition.status = "Unknown".to_owned();
}

#[test]
fn every_reason_not_to_run() {
    let cases: [(&str, fn(&mut Observed)); 16] = [
        ("Deleted", |o| {
            o.workspace.metadata.deletion_timestamp = Some(Time(world::now()))
        }),
        ("ProjectUnknown", |o| o.project = None),
        ("ProjectNotActive", |o| {
            project(o).project.spec.lifecycle = Lifecycle::Suspended
        }),
        ("ProjectNotActive", |o| project(o).approvals.clear()),
        ("ProjectNotActive", |o| project(o).policy = None),
        ("ProjectClosing", |o| {
            project(o).project.spec.lifecycle = Lifecycle::Closed
        }),
        ("ProjectNotProven", |o| untrue(o, types::EGRESS_ENFORCED)),
        ("DataNotVerified", |o| untrue(o, types::DATA_VERIFIED)),
        ("PersonNotApproved", |o| {
            o.workspace.spec.user = "u-none".to_owned()
        }),
        ("PersonNotApproved", |o| {
            drop(project(o).project.spec.people.remove(0))
        }),
        ("PersonNotApproved", |o| {
            project(o).project.spec.people[0].training.expires = "2026-11-21".parse().unwrap()
        }),
        ("PersonNotApproved", |o| {
            project(o).project.spec.people[0].roles = vec![PersonRole::Egress]
        }),
        ("EnvironmentNotGranted", |o| {
            o.workspace.spec.environment = "r".to_owned()
        }),
        ("Stopped", |o| o.workspace.spec.running = false),
        ("BeyondProject", |o| {
            o.workspace.spec.resources = Some(WorkspaceResources {
                cpu: Quantity("5".to_owned()),
                memory: Quantity("1Gi".to_owned()),
                accelerators: None,
            });
        }),
        ("BeyondProject", |o| {
            let gpu = [("nvidia.com/gpu".to_owned(), Quantity("1".to_owned()))].into();
            o.workspace.spec.resources = Some(WorkspaceResources {
                cpu: Quantity("1".to_owned()),
                memory: Quantity("1Gi".to_owned()),
                accelerators: Some(gpu),
            });
        }),
    ];
    let sim = Sim::with_workspace();
    for (reason, change) in cases {
        let mut observed = sim.observed_workspace();
        assert!(
            validate(&observed).is_ok(),
            "the unchanged Workspace may run"
        );
        change(&mut observed);
        let refused = validate(&observed);
        assert_eq!(refused.as_ref().map_err(|r| r.reason).err(), Some(reason));
        let wanted = desired(&observed, &sim.settings, &refused);
        assert!(
            wanted.pod.is_none() && wanted.secret.is_none() && wanted.open_gate.is_none(),
            "{reason}"
        );
    }
}

#[test]
fn the_oldest_workspaces_run_and_those_of_people_without_access_hold_no_place() {
    let mut sim = Sim::with_workspace();
    for (name, seconds) in [("older-1", -20), ("older-2", -10), ("younger", 10)] {
        let mut other = world::workspace();
        other.metadata.name = Some(name.to_owned());
        other.metadata.uid = Some(format!("uid-{name}"));
        other.metadata.creation_timestamp = Some(Time(
            world::now()
                .checked_add(jiff::SignedDuration::from_secs(seconds))
                .unwrap(),
        ));
        sim.observed.workspaces.push(other);
    }
    assert_eq!(
        validate(&sim.observed_workspace()).unwrap_err().reason,
        "TooManyWorkspaces"
    );
    sim.observed.workspaces[1].spec.running = false;
    assert!(validate(&sim.observed_workspace()).is_ok());
    sim.observed.workspaces[1].spec.running = true;
    sim.observed.workspaces[1].spec.user = "u-left".to_owned();
    assert!(validate(&sim.observed_workspace()).is_ok());
}

#[test]
fn narrowed_compute_stops_the_newest_first_and_what_does_not_fit_holds_nothing() {
    let mut sim = Sim::with_workspace();
    let asking = |cpu: &str, memory: &str| {
        Some(WorkspaceResources {
            cpu: Quantity(cpu.to_owned()),
            memory: Quantity(memory.to_owned()),
            accelerators: None,
        })
    };
    let mut older = world::workspace();
    older.metadata.name = Some("older".to_owned());
    older.metadata.uid = Some("uid-older".to_owned());
    older.metadata.creation_timestamp = Some(Time(
        world::now()
            .checked_add(jiff::SignedDuration::from_secs(-20))
            .unwrap(),
    ));
    older.spec.resources = asking("3", "1Gi");
    sim.observed.workspaces.push(older);
    let mut observed = sim.observed_workspace();
    observed.workspace.spec.resources = asking("1", "1Gi");
    assert!(validate(&observed).is_ok(), "3 and 1 of 4 cores");

    project(&mut observed).project.spec.compute.cpu = Quantity("3500m".to_owned());
    let refused = validate(&observed);
    assert_eq!(refused.as_ref().unwrap_err().reason, "ComputeInUse");
    assert!(refused.as_ref().unwrap_err().message.contains("cpu"));

    project(&mut observed).project.spec.compute.cpu = Quantity("2".to_owned());
    assert!(
        validate(&observed).is_ok(),
        "the older one asks for more than there is now, so it stops and the younger one runs"
    );
}

#[test]
fn a_pod_runs_where_its_tier_says_and_goes_when_that_changes() {
    let mut sim = Sim::with_workspace();
    let observed = sim.observed_workspace();
    let plain = desired(&observed, &sim.settings, &validate(&observed))
        .pod
        .clone()
        .unwrap();
    let placement = Placement {
        node_selector: Some([("pool".to_owned(), "sensitive".to_owned())].into()),
        tolerations: Some(vec![PoolToleration {
            key: "pool".to_owned(),
            value: Some("sensitive".to_owned()),
            effect: TaintEffect::NoSchedule,
        }]),
        runtime_class_name: Some("gvisor".to_owned()),
        priority_class_name: Some("research".to_owned()),
    };
    sim.observed.policy.as_mut().unwrap().tiers[0].placement = Some(placement);
    let observed = sim.observed_workspace();
    let placed = desired(&observed, &sim.settings, &validate(&observed))
        .pod
        .clone()
        .unwrap();
    let spec = placed.spec.as_ref().unwrap();
    assert_eq!(spec.node_selector.as_ref().unwrap()["pool"], "sensitive");
    let toleration = &spec.tolerations.as_ref().unwrap()[0];
    assert_eq!(
        (toleration.operator.as_deref(), toleration.effect.as_deref()),
        (Some("Equal"), Some("NoSchedule"))
    );
    assert_eq!(spec.runtime_class_name.as_deref(), Some("gvisor"));
    assert_eq!(spec.priority_class_name.as_deref(), Some("research"));
    assert_ne!(
        plain.metadata.annotations, placed.metadata.annotations,
        "the digest by which a running pod is replaced"
    );
}

#[test]
fn a_crash_after_the_secret_uses_it_for_the_same_start() {
    let mut sim = Sim::with_workspace();
    sim.secrets.push("u-7c1e-1".to_owned());
    let observed = sim.observed_workspace();
    let wanted = desired(&observed, &sim.settings, &validate(&observed));
    assert!(wanted.secret.is_none() && wanted.delete_secrets.is_empty());
    assert_eq!(
        wanted.pod.as_ref().unwrap().metadata.name.as_deref(),
        Some("u-7c1e-1")
    );
}

#[test]
fn a_crash_after_the_pod_makes_no_second_one() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.workspace.as_mut().unwrap().status = None;
    let observed = sim.observed_workspace();
    let wanted = desired(&observed, &sim.settings, &validate(&observed));
    assert!(
        wanted.pod.is_none() && wanted.delete_pods.is_empty() && wanted.delete_secrets.is_empty()
    );
    sim.work();
    assert_eq!(
        (
            sim.workspace_status().starts,
            sim.names()
                .iter()
                .filter(|n| n.starts_with("u-7c1e"))
                .count()
        ),
        (1, 1)
    );
}

#[test]
fn a_start_never_uses_the_token_of_another() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.workspace.as_mut().unwrap().spec.running = false;
    sim.work();
    sim.work();
    assert!(sim.secrets.is_empty());
    sim.workspace.as_mut().unwrap().spec.running = true;
    sim.work();
    assert_eq!(sim.secrets, ["u-7c1e-2"]);
    assert!(sim.names().contains(&"u-7c1e-2".to_owned()));
}

#[test]
fn pods_of_a_workspace_made_again_under_the_name_are_another_ones() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.workspace.as_mut().unwrap().metadata.uid = Some(WORKSPACE_UID.replace('2', "4"));
    assert!(sim.observed_workspace().pods().is_empty());
}

#[test]
fn starts_that_are_refused_are_told_kept_and_repeated_ever_more_slowly() {
    let mut sim = Sim::with_workspace();
    for (start, pause) in [(1, 10), (2, 20), (3, 40)] {
        sim.work();
        let name = format!("u-7c1e-{start}");
        sim.report(&name, Outcome::Connected);
        sim.control(&name);
        sim.work();
        assert_eq!(
            (
                sim.workspace_status().phase,
                sim.workspace_status().failed_starts
            ),
            (WorkspacePhase::Refused, start)
        );
        sim.later(pause - 1);
        sim.work();
        assert!(sim.names().contains(&name), "kept to be read");
        assert_eq!(sim.workspace_status().failed_starts, start, "counted once");
        sim.later(1);
        sim.work();
        assert!(!sim.names().contains(&name));
    }
}

#[test]
fn a_pod_that_is_lost_before_its_probe_reports_counts_as_a_refused_start() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.pod("u-7c1e-1").status.as_mut().unwrap().phase = Some("Failed".to_owned());
    sim.work();
    assert_eq!(
        (
            sim.workspace_status().phase,
            sim.workspace_status().failed_starts
        ),
        (WorkspacePhase::Refused, 1)
    );
    let conditions = sim.workspace_status().conditions.unwrap();
    assert_eq!(find(&conditions, types::READY).unwrap().reason, "PodLost");
    sim.work();
    assert!(
        sim.names().contains(&"u-7c1e-1".to_owned()),
        "no tight loop"
    );
}

#[test]
fn narrowing_stops_a_running_notebook_and_starts_it_without_what_was_taken_away() {
    let mut sim = Sim::with_workspace();
    sim.work();
    sim.report("u-7c1e-1", Outcome::Silent);
    sim.control("u-7c1e-1");
    sim.work();
    sim.run("u-7c1e-1");
    sim.work();
    assert_eq!(sim.workspace_status().phase, WorkspacePhase::Running);
    sim.observed.project.spec.datasets[0].sub_paths = Some(vec!["chr13".to_owned()]);
    sim.work();
    assert!(!sim.names().contains(&"u-7c1e-1".to_owned()));
    sim.work();
    let json = serde_json::to_string(sim.pod("u-7c1e-2")).unwrap();
    assert!(json.contains(r#""subPath":"chr13""#));
}
