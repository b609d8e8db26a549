//! Whether a Project may be open, and what of its spec is in force.

use jiff::Timestamp;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::{Environment, SdePolicySpec, Tier};
use sde_crds::project::{Compute, DatasetGrant, Lifecycle, Person, ProjectSpec};
use sde_crds::project_status::ApprovedSpec;

use crate::approvals::{Decided, decide, short};
use crate::in_force::in_force;
use crate::project::observe::Observed;
use crate::quantity;
use crate::rejection::Rejection;
use crate::time;

/// A Project's spec in force, with what it names resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// The intersection of the approved and the present spec.
    pub spec: ProjectSpec,
    /// People whose organisation and training are current.
    pub people: Vec<Person>,
    /// Environments with their images.
    pub environments: Vec<Environment>,
    /// Grants with their Datasets.
    pub grants: Vec<(DatasetGrant, DatasetSpec)>,
    /// The policy.
    pub policy: SdePolicySpec,
}

/// What is to become of a Project.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum State {
    /// Not open, and never was or waits: nothing runs.
    Waiting(Vec<Rejection>),
    /// Open.
    Open(Validated),
    /// Was open or could be, but must not now: nothing runs, nothing is deleted.
    Suspended(Vec<Rejection>),
    /// To be closed.
    Closing,
}

/// The result of validation, with what status needs besides the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// What is to become of the Project.
    pub state: State,
    /// Digest of the present spec.
    pub spec_digest: String,
    /// The last approved spec, to be kept in status.
    pub approved: Option<ApprovedSpec>,
    /// Roles not yet filled for the present spec, when it is not the approved one.
    pub missing: Vec<String>,
    /// Roles in which the present spec is rejected.
    pub rejected: Vec<String>,
    /// Approvals that do not count and why, as a sentence.
    pub explain: String,
    /// People that have no access, and why.
    pub excluded: Vec<String>,
}

/// Digest of a spec: what an approval names. A spec that cannot be canonicalised has the empty digest, which no approval can name.
pub fn spec_digest(uid: &str, spec: &ProjectSpec) -> String {
    let value = serde_json::to_value(spec).unwrap_or_default();
    sde_evidence::spec_digest(uid, &value).unwrap_or_default()
}

/// Decides what is in force and whether it may be open.
pub fn validate(observed: &Observed) -> Validation {
    let id = observed.id();
    let present = &observed.project.spec;
    let spec_digest = spec_digest(&id.uid, present);
    let Some(policy) = &observed.policy else {
        let why = "There is no SdePolicy named default: ask the platform team to apply one (example: crds/examples/sdepolicy.yaml).";
        let state = match present.lifecycle {
            Lifecycle::Closed => State::Closing,
            Lifecycle::Active | Lifecycle::Suspended => {
                State::Suspended(vec![Rejection::new("PolicyMissing", why)])
            }
        };
        return Validation {
            state,
            spec_digest,
            approved: kept(observed),
            missing: vec![],
            rejected: vec![],
            explain: String::new(),
            excluded: vec![],
        };
    };

    let decided = decide(
        &id,
        present,
        &spec_digest,
        &observed.approvals,
        observed.now,
    );
    let missing = decided.missing(&policy.approvals.project_roles);
    let approved_now = missing.is_empty() && decided.rejected.is_empty();
    let approved = if approved_now {
        Some(ApprovedSpec {
            digest: spec_digest.clone(),
            spec: serde_json::to_value(present).unwrap_or_default(),
        })
    } else {
        kept(observed)
    };
    let mut result = Validation {
        state: State::Closing,
        spec_digest,
        approved,
        missing: missing.iter().map(ToString::to_string).collect(),
        rejected: decided.rejected.iter().map(ToString::to_string).collect(),
        explain: decided.explain(),
        excluded: Vec::new(),
    };
    if present.lifecycle == Lifecycle::Closed {
        return result;
    }
    if observed.project.metadata.deletion_timestamp.is_some() {
        let why = "Was deleted while open: nothing runs and it stays until it is closed. Set lifecycle: Closed to close it.";
        result.state = State::Suspended(vec![Rejection::new("DeletedWhileOpen", why)]);
        return result;
    }
    let effective = if approved_now {
        present.clone()
    } else {
        match still_approved(observed, policy) {
            Some(spec) => in_force(&spec, present),
            None => {
                let mut why = Vec::new();
                dates(present, observed.now, &mut why);
                // Approvals and schedule often end on one day: what is over comes first.
                why.retain(|r| r.reason != "NotStarted");
                why.push(waiting(&id.name, &result, &decided));
                result.state = State::Waiting(why);
                return result;
            }
        }
    };
    let (people, excluded) = current_people(&effective, observed.now);
    result.excluded = excluded;
    result.state = match check(observed, policy, &effective, people) {
        Ok(validated) if effective.lifecycle == Lifecycle::Active => State::Open(validated),
        Ok(_) => State::Suspended(vec![Rejection::new(
            "SuspendedByCustodian",
            "Suspended by the custodian: nothing runs, nothing is deleted. Set lifecycle: Active to open it again.",
        )]),
        Err(rejections) => State::Suspended(rejections),
    };
    result
}

fn kept(observed: &Observed) -> Option<ApprovedSpec> {
    observed.project.status.as_ref()?.approved.clone()
}

/// The last approved spec, if its approvals still hold today and the copy kept is what was approved.
fn still_approved(observed: &Observed, policy: &SdePolicySpec) -> Option<ProjectSpec> {
    let id = observed.id();
    let approved = kept(observed)?;
    let spec: ProjectSpec = serde_json::from_value(approved.spec).ok()?;
    if spec_digest(&id.uid, &spec) != approved.digest {
        return None;
    }
    let decided = decide(
        &id,
        &spec,
        &approved.digest,
        &observed.approvals,
        observed.now,
    );
    (decided.missing(&policy.approvals.project_roles).is_empty() && decided.rejected.is_empty())
        .then_some(spec)
}

fn waiting(project: &str, validation: &Validation, decided: &Decided) -> Rejection {
    let digest = short(&validation.spec_digest);
    if !decided.rejected.is_empty() {
        let roles = validation.rejected.join(", ");
        return Rejection::new(
            "Rejected",
            format!("Rejected in role {roles} for {digest}: change the spec and ask again."),
        );
    }
    let roles = validation.missing.join(", ");
    Rejection::new(
        "ApprovalsMissing",
        format!(
            "Waits for approval in role {roles} of {digest}, each by another person who is neither submitter nor of the project: kubectl sde approve {project} --role ROLE.{}",
            validation.explain
        ),
    )
}

/// People who may work today, and the others with why not (R35, R45).
fn current_people(spec: &ProjectSpec, now: Timestamp) -> (Vec<Person>, Vec<String>) {
    let mut excluded = Vec::new();
    let mut people = Vec::new();
    for person in &spec.people {
        let organisation = spec
            .organisations
            .iter()
            .find(|o| o.name == person.organisation);
        match organisation {
            None => excluded.push(format!(
                "{}: organisation {} is not approved",
                person.user, person.organisation
            )),
            Some(o) if time::expired(o.approval.expires, now) => {
                excluded.push(format!(
                    "{}: approval of organisation {} expired on {}",
                    person.user, o.name, o.approval.expires
                ));
            }
            Some(_) if time::expired(person.training.expires, now) => {
                excluded.push(format!(
                    "{}: training expired on {}",
                    person.user, person.training.expires
                ));
            }
            Some(_) => people.push(person.clone()),
        }
    }
    (people, excluded)
}

fn check(
    observed: &Observed,
    policy: &SdePolicySpec,
    spec: &ProjectSpec,
    people: Vec<Person>,
) -> Result<Validated, Vec<Rejection>> {
    let mut no = Vec::new();
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
    let environments = environments(policy, spec, &mut no);
    let grants = grants(observed, policy, spec, &mut no);
    dates(spec, observed.now, &mut no);
    if people.is_empty() {
        no.push(Rejection::new("NobodyApproved", "None of the people is approved and current: renew organisation approvals or training, then have the spec approved."));
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

fn dates(spec: &ProjectSpec, now: Timestamp, no: &mut Vec<Rejection>) {
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
    if let Some(expires) = spec
        .purpose
        .ethics
        .expires
        .filter(|e| spec.purpose.ethics.required && time::expired(*e, now))
    {
        no.push(Rejection::new("EthicsExpired", format!("Ethics approval expired on {expires}: renew it, update purpose.ethics and have it approved.")));
    }
}
