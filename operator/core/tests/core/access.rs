//! Who may do what: bindings and annotations of a project's namespace, and whom hub and portal may act for.

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleBinding};
use sde_core::access::{Form, Observed, desired};
use sde_core::project;
use sde_crds::names;
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::{Lifecycle, PersonRole};

use crate::sim::Sim;
use crate::world;

/// Names in the binding of the people, and the two annotations.
fn granted(observed: &project::Observed) -> (Vec<String>, String, String) {
    let desired =
        project::desired(observed, &world::settings(), &project::validate(observed)).unwrap();
    let annotations = desired.namespace.clone().unwrap().metadata.annotations;
    let text = |key: &str| annotations.as_ref().unwrap()[key].clone();
    let people = desired
        .role_bindings
        .iter()
        .find(|b| b.metadata.name.as_deref() == Some(names::RESEARCHER_CLUSTER_ROLE));
    (
        subjects(people.unwrap()),
        text(names::MEMBERS_ANNOTATION),
        text(names::IMAGES_ANNOTATION),
    )
}

fn subjects(binding: &RoleBinding) -> Vec<String> {
    let subjects = binding.subjects.clone().unwrap();
    subjects.into_iter().map(|s| s.name).collect()
}

#[test]
fn people_who_are_approved_and_current_are_bound_and_named() {
    let (bound, members, images) = granted(&world::approved());
    assert_eq!(bound, ["u-19ab", "u-7c1e"]);
    assert_eq!(members, "u-19ab,u-7c1e");
    let all: Vec<_> = images.split(',').collect();
    assert!(all.is_sorted());
    for wanted in [
        world::settings().agent_image,
        world::policy().spec.environments[0].image.clone(),
        world::dataset().spec.source.image.unwrap().reference,
    ] {
        assert!(all.contains(&wanted.as_str()), "{wanted} in {images}");
    }
    assert_eq!(all.len(), 3);
}

#[test]
fn every_way_of_leaving_takes_the_binding_away() {
    type Leave = fn(&mut project::Observed);
    let ways: [(&str, Leave); 4] = [
        ("removed", |o| {
            drop(o.project.spec.people.remove(1));
        }),
        ("untrained", |o| {
            o.project.spec.people[1].training.expires = "2026-11-21".parse().unwrap()
        }),
        ("of another organisation", |o| {
            o.project.spec.people[1].organisation = "elsewhere".to_owned()
        }),
        ("works from nowhere that was approved", |o| {
            o.project.spec.people[1].access_from = vec!["FR".to_owned()]
        }),
    ];
    for (way, leave) in ways {
        let mut observed = Sim::open().observed;
        assert_eq!(granted(&observed).0.len(), 2, "{way}: before");
        leave(&mut observed);
        let (bound, members, _) = granted(&observed);
        assert_eq!(bound, ["u-7c1e"], "{way}");
        assert_eq!(members, "u-7c1e", "{way}");
    }
}

#[test]
fn who_only_receives_outputs_is_a_member_without_workspaces() {
    let mut observed = Sim::open().observed;
    observed.project.spec.people[1].roles = vec![PersonRole::Egress];
    world::approve(&mut observed);
    let (bound, members, _) = granted(&observed);
    assert_eq!(bound, ["u-7c1e"]);
    assert_eq!(members, "u-19ab,u-7c1e");
}

#[test]
fn a_project_that_is_not_open_has_nobody_and_runs_nothing() {
    let mut sim = Sim::open();
    assert!(sim.observed.namespace.is_some());
    sim.observed.project.spec.lifecycle = Lifecycle::Suspended;
    let nothing = (Vec::new(), String::new(), String::new());
    assert_eq!(granted(&sim.observed), nothing);
    sim.observed.project.spec.lifecycle = Lifecycle::Active;
    assert_ne!(granted(&sim.observed), nothing);
    sim.observed.approvals.clear();
    assert_eq!(granted(&sim.observed), nothing);
}

/// The example Project, open, with the binding that it asks for.
fn observed(form: Form) -> Observed {
    let sim = Sim::open();
    let validation = project::validate(&sim.observed);
    let desired = project::desired(&sim.observed, &world::settings(), &validation).unwrap();
    let mut policy = world::policy().spec;
    policy.deciders = Some(vec!["custodian-b".to_owned(), "approver-a".to_owned()]);
    let binding = desired.role_bindings[1].clone();
    Observed {
        projects: vec![(Arc::new(sim.observed.project), Some(Arc::new(binding)))],
        policy: Some(policy),
        form,
    }
}

fn rules(role: &ClusterRole) -> &[PolicyRule] {
    role.rules.as_ref().unwrap()
}

/// Names that a role may act for.
fn people(role: &ClusterRole) -> Vec<String> {
    rules(role)
        .first()
        .and_then(|r| r.resource_names.clone())
        .unwrap_or_default()
}

#[test]
fn impersonation_roles() {
    insta::assert_yaml_snapshot!(
        "impersonation-constrained",
        desired(&observed(Form::Constrained))
    );
    insta::assert_yaml_snapshot!("impersonation-plain", desired(&observed(Form::Plain)));
}

#[test]
fn a_role_for_nobody_has_no_rule() {
    for form in [Form::Constrained, Form::Plain] {
        let nobody = Observed {
            projects: Vec::new(),
            policy: None,
            form,
        };
        let roles = desired(&nobody);
        assert_eq!(roles.len(), 3);
        // RBAC takes a rule without names for one of every name.
        assert!(roles.iter().all(|r| rules(r).is_empty()), "{form:?}");
    }
}

#[test]
fn one_is_acted_for_when_both_spec_and_binding_name_one_in_an_active_project() {
    let whole = observed(Form::Constrained);
    assert_eq!(people(&desired(&whole)[0]), ["u-19ab", "u-7c1e"]);
    let change = |change: fn(&mut sde_crds::Project, &mut Option<RoleBinding>)| {
        let mut changed = whole.clone();
        let (project, binding) = &mut changed.projects[0];
        let mut bare = binding.as_deref().cloned();
        change(Arc::make_mut(project), &mut bare);
        *binding = bare.map(Arc::new);
        people(&desired(&changed)[0])
    };
    assert_eq!(change(|p, _| drop(p.spec.people.remove(1))), ["u-7c1e"]);
    assert_eq!(
        change(|_, b| drop(b.as_mut().unwrap().subjects.as_mut().unwrap().remove(0))),
        ["u-7c1e"]
    );
    assert!(change(|_, b| *b = None).is_empty());
    assert!(change(|p, _| p.spec.lifecycle = Lifecycle::Closed).is_empty());
}

#[test]
fn custodians_are_acted_for_where_they_can_transfer_and_the_acts_can_be_narrowed() {
    let asking = |form, change: fn(&mut SdePolicySpec)| {
        let mut observed = observed(form);
        change(observed.policy.as_mut().unwrap());
        people(&desired(&observed)[1])
    };
    let researchers = ["u-19ab", "u-7c1e"];
    assert_eq!(
        asking(Form::Constrained, |_| {}),
        ["custodian-a", "custodian-b", "u-19ab", "u-7c1e"]
    );
    assert_eq!(asking(Form::Plain, |_| {}), researchers);
    assert_eq!(
        asking(Form::Constrained, |p| p
            .third_party_sdes
            .as_mut()
            .unwrap()[0]
            .keys = None),
        researchers
    );
}

#[test]
fn no_role_both_asks_and_decides() {
    let asks = [
        "workspaces",
        "airlockrequests",
        "projects",
        "datasets",
        "sdepolicies",
    ];
    for role in desired(&observed(Form::Constrained)) {
        let writes = |resources: &[&str]| {
            rules(&role).iter().any(|rule| {
                let resource = rule.resources.iter().flatten();
                let verb = |v: &String| {
                    ["create", "update", "patch", "delete"]
                        .iter()
                        .any(|w| v.ends_with(&format!(":{w}")))
                };
                resource.clone().any(|r| resources.contains(&r.as_str()))
                    && rule.verbs.iter().any(verb)
            })
        };
        assert!(
            writes(&asks) != writes(&["projectapprovals", "airlockreviews"]),
            "{:?}",
            role.metadata.name
        );
    }
}

#[test]
fn the_form_is_that_of_the_cluster() {
    assert_eq!(Form::of_minor(35), Form::Plain);
    assert_eq!(Form::of_minor(36), Form::Constrained);
}
