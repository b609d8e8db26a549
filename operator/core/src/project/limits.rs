//! What a Project may ask for: its tier's ceilings, environments, registered Datasets, dates.

use jiff::Timestamp;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::{Environment, SdePolicySpec, Tier};
use sde_crds::project::{Compute, DatasetGrant, Person, ProjectSpec};

use crate::policy_form::Demand;
use crate::project::observe::Observed;
use crate::project::validate::Validated;
use crate::quantity;
use crate::rejection::Rejection;
use crate::time;

/// Resolves what the spec names and holds it against tier, environments, Datasets and dates.
///
/// # Errors
/// Everything that keeps it shut.
pub fn check(
    observed: &Observed,
    policy: &SdePolicySpec,
    spec: &ProjectSpec,
    people: Vec<Person>,
    rules: Vec<Rejection>,
) -> Result<Validated, Vec<Rejection>> {
    let mut no = Vec::new();
    dates(spec, observed.now, &mut no);
    no.extend(rules);
    let tier = policy.tiers.iter().find(|t| t.name == spec.tier);
    match tier {
        None => {
            let known = policy
                .tiers
                .iter()
                .map(|t| t.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            no.push(Rejection::new(
                "TierUnknown",
                format!(
                    "Tier {} is not in the SdePolicy: choose one of {known}.",
                    spec.tier
                ),
            ));
        }
        Some(tier) => {
            no.extend(beyond(tier, &spec.compute));
            let days = spec
                .schedule
                .starts
                .until(spec.schedule.expires)
                .map_or(i64::MAX, |s| i64::from(s.get_days()));
            if days > tier.max_days {
                no.push(Rejection::new("TooLong", format!("The schedule lasts {days} days, tier {} allows {}: shorten schedule.expires.", tier.name, tier.max_days)));
            }
        }
    }
    let demand = Demand::of(policy, &spec.tier);
    let round = observed.policy_form.as_ref();
    let standing = demand.standing(round, observed.policies_found(), observed.now);
    no.extend(demand.refuses(&standing, round));
    let environments = environments(policy, spec, &mut no);
    let grants = grants(observed, policy, spec, &mut no);
    if people.is_empty() {
        no.push(Rejection::new("NobodyApproved", "None of the people is approved and current: renew organisation approvals or training, then have the spec approved. Conditions PeopleApproved and OrganisationsApproved say who and why."));
    }
    if no.is_empty() {
        Ok(Validated {
            spec: spec.clone(),
            people,
            environments,
            grants,
            policy: policy.clone(),
        })
    } else {
        Err(no)
    }
}

fn beyond(tier: &Tier, compute: &Compute) -> Vec<Rejection> {
    let max = &tier.max_compute;
    let mut pairs = vec![
        ("cpu", compute.cpu.clone(), max.cpu.clone()),
        ("memory", compute.memory.clone(), max.memory.clone()),
        ("storage", compute.storage.clone(), max.storage.clone()),
        (
            "maxWorkspaces",
            quantity::from_milli(i128::from(compute.max_workspaces) * 1000),
            quantity::from_milli(i128::from(max.max_workspaces) * 1000),
        ),
    ];
    for (name, asked) in compute.accelerators.iter().flatten() {
        let granted = max
            .accelerators
            .as_ref()
            .and_then(|a| a.get(name))
            .cloned()
            .unwrap_or_else(|| quantity::from_milli(0));
        pairs.push((name.as_str(), asked.clone(), granted));
    }
    pairs
        .into_iter()
        .filter_map(|(name, asked, most)| match (quantity::milli(&asked), quantity::milli(&most)) {
            (Ok(a), Ok(m)) if a <= m => None,
            (Err(e), _) | (_, Err(e)) => Some(Rejection::new("QuantityInvalid", format!("compute.{name}: {e}."))),
            _ => Some(Rejection::new(
                "QuotaBeyondTier",
                format!("compute.{name} asks for {}, tier {} allows {}: lower it or choose another tier.", asked.0, tier.name, most.0),
            )),
        })
        .collect()
}

fn environments(
    policy: &SdePolicySpec,
    spec: &ProjectSpec,
    no: &mut Vec<Rejection>,
) -> Vec<Environment> {
    let known = || {
        policy
            .environments
            .iter()
            .map(|e| e.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut found = Vec::new();
    for name in &spec.environments {
        match policy.environments.iter().find(|e| &e.name == name) {
            Some(environment) => found.push(environment.clone()),
            None => no.push(Rejection::new(
                "EnvironmentUnknown",
                format!(
                    "Environment {name} is not in the SdePolicy: choose from {}.",
                    known()
                ),
            )),
        }
    }
    found
}

fn grants(
    observed: &Observed,
    policy: &SdePolicySpec,
    spec: &ProjectSpec,
    no: &mut Vec<Rejection>,
) -> Vec<(DatasetGrant, DatasetSpec)> {
    let id = observed.id();
    let mut found = Vec::new();
    for grant in &spec.datasets {
        let name = &grant.dataset;
        let Some(dataset) = observed.datasets.get(name) else {
            no.push(Rejection::new("DatasetUnknown", format!("Dataset {name} is not registered: check the name with kubectl get datasets, or have its custodian register it.")));
            continue;
        };
        if !dataset.grantable_to.contains(&id.name) {
            no.push(Rejection::new("DatasetNotGrantable", format!("Dataset {name} may not be granted to {}: its custodian must add the Project to grantableTo.", id.name)));
        }
        if dataset.source.host_path.is_some() && !policy.data_sources.host_path_allowed {
            no.push(Rejection::new("SourceNotAllowed", format!("Dataset {name} is a hostPath and the SdePolicy does not allow that: use csi, nfs or image.")));
        }
        if grant.sub_paths.iter().flatten().any(|p| {
            p.split('/')
                .any(|part| part.is_empty() || part == "." || part == "..")
        }) {
            no.push(Rejection::new(
                "SubPathInvalid",
                format!(
                    "Grant {}: subPaths are plain relative folders without empty, . or .. parts.",
                    grant.name
                ),
            ));
        }
        found.push((grant.clone(), dataset.clone()));
    }
    found
}

/// Whether the schedule allows it now.
pub fn dates(spec: &ProjectSpec, now: Timestamp, no: &mut Vec<Rejection>) {
    if time::today(now) < spec.schedule.starts {
        no.push(Rejection::new(
            "NotStarted",
            format!("Opens on {} by itself.", spec.schedule.starts),
        ));
    }
    if time::expired(spec.schedule.expires, now) {
        no.push(Rejection::new(
            "Expired",
            format!("Expired on {}: nothing runs, nothing is deleted. Extend schedule.expires and have it approved, or set lifecycle: Closed.", spec.schedule.expires),
        ));
    }
}
