//! Who may do what in a project's namespace, and what may run there: bindings for RBAC, texts for the policies.

use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use sde_crds::names;
use sde_crds::project::{Person, PersonRole};

use crate::labels::ProjectId;
use crate::project::validate::Validated;
use crate::settings::Settings;

/// API group of roles and of the users they are bound to.
pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";

/// Whether a person works in workspaces. `Egress` alone only receives what the airlock releases.
pub fn works(person: &Person) -> bool {
    person.roles.contains(&PersonRole::Researcher) || person.roles.contains(&PersonRole::Lead)
}

/// The bindings in the project's namespace: the hub reads notebook tokens, and those of `people` who work here do so
/// themselves. Without people the binding stays with no subjects, so that one made by hand is repaired and not missed.
pub fn bindings(id: &ProjectId, settings: &Settings, people: &[Person]) -> Vec<RoleBinding> {
    let hub = Subject {
        kind: "ServiceAccount".to_owned(),
        name: names::HUB_SERVICE_ACCOUNT.to_owned(),
        namespace: Some(settings.hub_namespace.clone()),
        api_group: None,
    };
    let person = |user: String| Subject {
        kind: "User".to_owned(),
        name: user,
        namespace: None,
        api_group: Some(RBAC.to_owned()),
    };
    let working = people.iter().filter(|p| works(p));
    let people = sorted(working.map(|p| p.user.clone()));
    vec![
        binding(id, names::HUB_CLUSTER_ROLE, vec![hub]),
        binding(
            id,
            names::RESEARCHER_CLUSTER_ROLE,
            people.into_iter().map(person).collect(),
        ),
    ]
}

/// A binding is named as its role: what the controller may bind shows in the names of what it bound.
fn binding(id: &ProjectId, role: &str, subjects: Vec<Subject>) -> RoleBinding {
    RoleBinding {
        metadata: id.meta(role),
        role_ref: RoleRef {
            api_group: RBAC.to_owned(),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(subjects),
    }
}

/// User names of the people who are approved and current.
pub fn members(open: &Validated) -> String {
    sorted(open.people.iter().map(|p| p.user.clone())).join(",")
}

/// References of the images that may run or be mounted: the agent's, the environments', the datasets that come as images.
pub fn images(settings: &Settings, open: &Validated) -> String {
    let environments = open.environments.iter().map(|e| e.image.clone());
    let datasets = open
        .grants
        .iter()
        .filter_map(|(_, dataset)| Some(dataset.source.image.as_ref()?.reference.clone()));
    let agent = std::iter::once(settings.agent_image.clone());
    sorted(agent.chain(environments).chain(datasets)).join(",")
}

/// Extended resources that pods may ask for beside CPU and memory.
pub fn resources(open: &Validated) -> String {
    let granted = open.spec.compute.accelerators.iter().flatten();
    sorted(granted.map(|(name, _)| name.clone())).join(",")
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}
