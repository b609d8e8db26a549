//! In force is the intersection of the last approved spec and the present one: narrowing acts at once, widening waits.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::project::{Compute, DatasetGrant, Ethics, Person, ProjectSpec, Purpose, Schedule};

use crate::quantity;

/// The part of `present` that was approved. What cannot be narrowed (purpose, tier, custodian, closure mode)
/// stays as approved until the present spec is.
pub fn in_force(approved: &ProjectSpec, present: &ProjectSpec) -> ProjectSpec {
    ProjectSpec {
        people: approved
            .people
            .iter()
            .filter_map(|a| present.people.iter().find_map(|p| person(a, p)))
            .collect(),
        organisations: approved
            .organisations
            .iter()
            .filter_map(|a| {
                let p = present
                    .organisations
                    .iter()
                    .find(|p| p.name == a.name && p.sector == a.sector && p.country == a.country)?;
                let mut organisation = a.clone();
                organisation.approval.expires = a.approval.expires.min(p.approval.expires);
                Some(organisation)
            })
            .collect(),
        datasets: approved
            .datasets
            .iter()
            .filter_map(|a| present.datasets.iter().find_map(|p| grant(a, p)))
            .collect(),
        environments: approved
            .environments
            .iter()
            .filter(|e| present.environments.contains(e))
            .cloned()
            .collect(),
        compute: compute(&approved.compute, &present.compute),
        schedule: Schedule {
            starts: approved.schedule.starts.max(present.schedule.starts),
            expires: approved.schedule.expires.min(present.schedule.expires),
        },
        lifecycle: present.lifecycle,
        closure: sde_crds::project::Closure {
            legal_hold: approved.closure.legal_hold.max(present.closure.legal_hold),
            ..approved.closure.clone()
        },
        purpose: purpose(&approved.purpose, &present.purpose),
        ..approved.clone()
    }
}

/// The words stay as approved; ethics approval may be asked for, or end, earlier.
fn purpose(approved: &Purpose, present: &Purpose) -> Purpose {
    let (a, p) = (&approved.ethics, &present.ethics);
    let ethics = Ethics {
        required: a.required || p.required,
        reference: a.reference.clone(),
        expires: a.expires.into_iter().chain(p.expires).min(),
    };
    Purpose {
        ethics,
        ..approved.clone()
    }
}

fn person(approved: &Person, present: &Person) -> Option<Person> {
    let same = approved.user == present.user && approved.organisation == present.organisation;
    let roles: Vec<_> = approved
        .roles
        .iter()
        .copied()
        .filter(|r| present.roles.contains(r))
        .collect();
    let access_from: Vec<_> = approved
        .access_from
        .iter()
        .filter(|c| present.access_from.contains(c))
        .cloned()
        .collect();
    if !same || roles.is_empty() || access_from.is_empty() {
        return None;
    }
    let mut person = Person {
        roles,
        access_from,
        ..approved.clone()
    };
    person.training.expires = approved.training.expires.min(present.training.expires);
    Some(person)
}

fn grant(approved: &DatasetGrant, present: &DatasetGrant) -> Option<DatasetGrant> {
    if approved.name != present.name || approved.dataset != present.dataset {
        return None;
    }
    let sub_paths = match (&approved.sub_paths, &present.sub_paths) {
        (None, paths) | (paths, None) => paths.clone(),
        (Some(a), Some(p)) => {
            let narrowed = p
                .iter()
                .filter(|path| a.iter().any(|root| within(path, root)));
            // A present folder that holds an approved one asks for more: the approved one stays.
            let kept = a
                .iter()
                .filter(|path| p.iter().any(|root| path != &root && within(path, root)));
            let mut both: Vec<String> = Vec::new();
            for path in narrowed.chain(kept) {
                if !both.contains(path) {
                    both.push(path.clone());
                }
            }
            if both.is_empty() {
                return None;
            }
            Some(both)
        }
    };
    Some(DatasetGrant {
        sub_paths,
        ..approved.clone()
    })
}

/// Whether `path` is `root` or below it.
pub(crate) fn within(path: &str, root: &str) -> bool {
    path == root
        || path
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn compute(approved: &Compute, present: &Compute) -> Compute {
    Compute {
        cpu: quantity::min(&approved.cpu, &present.cpu),
        memory: quantity::min(&approved.memory, &present.memory),
        storage: quantity::min(&approved.storage, &present.storage),
        accelerators: approved
            .accelerators
            .as_ref()
            .zip(present.accelerators.as_ref())
            .map(|(a, p)| both(a, p)),
        max_workspaces: approved.max_workspaces.min(present.max_workspaces),
    }
}

fn both(
    approved: &BTreeMap<String, Quantity>,
    present: &BTreeMap<String, Quantity>,
) -> BTreeMap<String, Quantity> {
    approved
        .iter()
        .filter_map(|(k, a)| present.get(k).map(|p| (k.clone(), quantity::min(a, p))))
        .collect()
}
