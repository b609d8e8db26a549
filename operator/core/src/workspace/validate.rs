//! Whether a Workspace may run now.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::{Environment, Placement, SdePolicySpec};
use sde_crds::project::DatasetGrant;

use crate::conditions::{is_true, types};
use crate::placement;
use crate::policy_form::Demand;
use crate::project::{self, State};
use crate::rejection::Rejection;
use crate::workspace::observe::Observed;
use crate::workspace::room;

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
    /// Where the Project's tier runs.
    pub placement: Option<Placement>,
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
    // Once it is open, the Project's own standing decides.
    if !observed.is_open() {
        let refused = Demand::of(&of.policy, &of.spec.tier)
            .refuses_to_open(project.policy_form.as_ref(), observed.now);
        if let Some(why) = refused {
            return Err(why);
        }
    }
    let resources = room::resources(spec.resources.as_ref(), &of)?;
    room::is_left(&observed.workspace, project, &of, &resources)?;
    Ok(Validated {
        environment: environment.clone(),
        grants: of.grants.clone(),
        resources,
        placement: placement::of_tier(&of.policy, &of.spec.tier),
        policy: of.policy,
    })
}

/// Whether a person may have a notebook.
pub(super) fn works(of: &project::Validated, user: &str) -> bool {
    of.people
        .iter()
        .any(|p| p.user == user && project::access::works(p))
}
