//! Whether a Workspace may run now.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::{Environment, SdePolicySpec};
use sde_crds::project::DatasetGrant;
use sde_crds::workspace::WorkspaceResources;

use crate::conditions::{is_true, types};
use crate::project::{self, State};
use crate::quantity;
use crate::rejection::Rejection;
use crate::workspace::observe::Observed;

/// A Workspace that may run, with what it names resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// The environment, with its image.
    pub environment: Environment,
    /// Grants that are mounted.
    pub grants: Vec<(DatasetGrant, DatasetSpec)>,
    /// The policy.
    pub policy: SdePolicySpec,
    /// CPU, memory and accelerators of the notebook.
    pub resources: BTreeMap<String, Quantity>,
}

/// Decides whether the Workspace may run.
///
/// # Errors
/// Why it may not; nothing runs then.
pub fn validate(observed: &Observed) -> Result<Validated, Rejection> {
    let spec = &observed.workspace.spec;
    if observed.workspace.metadata.deletion_timestamp.is_some() {
        return Err(Rejection::new(
            "Deleted",
            "The Workspace is being deleted: its notebook stops, the home volume stays.",
        ));
    }
    let Some(project) = &observed.project else {
        return Err(Rejection::new(
            "ProjectUnknown",
            "This namespace belongs to no Project: create Workspaces in the namespace of an open Project.",
        ));
    };
    let of = match project::validate(project).state {
        State::Open(validated) => validated,
        State::Waiting(why) | State::Suspended(why) => {
            let because = why.first().map(|r| r.message.clone()).unwrap_or_default();
            return Err(Rejection::new(
                "ProjectNotActive",
                format!("The Project is not open. {because}"),
            ));
        }
        State::Closing => {
            return Err(Rejection::new(
                "ProjectClosing",
                "The Project is being closed.",
            ));
        }
    };
    let conditions = project
        .project
        .status
        .as_ref()
        .and_then(|s| s.conditions.as_ref());
    if !is_true(conditions, types::EGRESS_ENFORCED) {
        return Err(Rejection::new(
            "ProjectNotProven",
            "The Project's lock is not proven: see its condition EgressEnforced.",
        ));
    }
    if !is_true(conditions, types::DATA_VERIFIED) {
        return Err(Rejection::new(
            "DataNotVerified",
            "The Project's data is not verified: see its condition DataVerified.",
        ));
    }
    if !works(&of, &spec.user) {
        return Err(Rejection::new(
            "PersonNotApproved",
            format!(
                "{} is not a Researcher of this Project who is approved and current: the custodian must add or renew the person.",
                spec.user
            ),
        ));
    }
    let Some(environment) = of.environments.iter().find(|e| e.name == spec.environment) else {
        let known = of
            .environments
            .iter()
            .map(|e| e.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Rejection::new(
            "EnvironmentNotGranted",
            format!(
                "Environment {} is not one of this Project's: choose from {known}.",
                spec.environment
            ),
        ));
    };
    if !spec.running {
        return Err(Rejection::new(
            "Stopped",
            "Stopped: set running: true to start it; its lock is proven anew.",
        ));
    }
    beyond_count(observed, project, &of)?;
    Ok(Validated {
        environment: environment.clone(),
        grants: of.grants.clone(),
        resources: resources(spec.resources.as_ref(), &of)?,
        policy: of.policy,
    })
}

fn works(of: &project::Validated, user: &str) -> bool {
    of.people
        .iter()
        .any(|p| p.user == user && project::access::works(p))
}

/// The oldest run first; the rest wait. Those of people who may not work hold no place.
fn beyond_count(
    observed: &Observed,
    project: &project::Observed,
    of: &project::Validated,
) -> Result<(), Rejection> {
    let most = of.spec.compute.max_workspaces;
    let me = (
        &observed.workspace.metadata.creation_timestamp,
        &observed.workspace.metadata.uid,
    );
    let before = project
        .workspaces
        .iter()
        .filter(|w| {
            w.spec.running && w.metadata.deletion_timestamp.is_none() && works(of, &w.spec.user)
        })
        .map(|w| (&w.metadata.creation_timestamp, &w.metadata.uid))
        .filter(|other| *other != me && older(other, &me));
    if i64::try_from(before.count()).unwrap_or(i64::MAX) >= most {
        return Err(Rejection::new(
            "TooManyWorkspaces",
            format!(
                "The Project allows {most} running workspaces and older ones hold them all: stop one."
            ),
        ));
    }
    Ok(())
}

type Age<'a> = (
    &'a Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    &'a Option<String>,
);

fn older(a: &Age<'_>, b: &Age<'_>) -> bool {
    let key = |x: &Age<'_>| (x.0.as_ref().map(|t| t.0), x.1.clone());
    key(a) < key(b)
}

fn resources(
    asked: Option<&WorkspaceResources>,
    of: &project::Validated,
) -> Result<BTreeMap<String, Quantity>, Rejection> {
    let compute = &of.spec.compute;
    let invalid = |e: quantity::QuantityError| Rejection::new("QuantityInvalid", format!("{e}."));
    let mut all = BTreeMap::new();
    match asked {
        None => {
            all.insert(
                "cpu".to_owned(),
                quantity::share_milli(&compute.cpu, compute.max_workspaces).map_err(invalid)?,
            );
            all.insert(
                "memory".to_owned(),
                quantity::share(&compute.memory, compute.max_workspaces).map_err(invalid)?,
            );
        }
        Some(asked) => {
            all.insert("cpu".to_owned(), asked.cpu.clone());
            all.insert("memory".to_owned(), asked.memory.clone());
            all.extend(asked.accelerators.clone().unwrap_or_default());
            for (name, quantity) in &all {
                let granted = match name.as_str() {
                    "cpu" => Some(&compute.cpu),
                    "memory" => Some(&compute.memory),
                    other => compute.accelerators.as_ref().and_then(|a| a.get(other)),
                };
                let wanted = quantity::milli(quantity).map_err(invalid)?;
                let most = granted.map_or(Ok(0), quantity::milli).map_err(invalid)?;
                if wanted > most {
                    return Err(Rejection::new(
                        "BeyondProject",
                        format!(
                            "resources.{name} asks for {}, more than the whole Project has: lower it.",
                            quantity.0
                        ),
                    ));
                }
            }
        }
    }
    Ok(all)
}
