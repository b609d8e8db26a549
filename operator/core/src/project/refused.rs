//! The status of a Project whose objects the API server refused: what is wrong is said, nothing is opened.

use sde_crds::project_status::{ProjectPhase, ProjectStatus};

use crate::conditions::{Conditions, Status, types};
use crate::project::observe::Observed;
use crate::project::validate::Validation;

/// Computes that status; what was known before is kept.
pub fn status(
    observed: &Observed,
    validation: &Validation,
    reason: &str,
    message: &str,
) -> ProjectStatus {
    let previous = observed.project.status.clone().unwrap_or_default();
    let generation = observed.project.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    let why = match reason {
        "ForeignObject" => format!(
            "Something of the same name is there already and is not this Project's: {message}. Remove it, or create the Project under another name."
        ),
        _ => format!("The API server refused what this Project needs: {message}."),
    };
    for kept in previous.conditions.iter().flatten() {
        conditions.keep(&kept.type_);
    }
    conditions.set(types::NAMESPACE_LOCKED, Status::False, reason, why.clone());
    conditions.set(types::READY, Status::False, reason, why);
    let phase = if previous.namespace.is_some() {
        ProjectPhase::Suspended
    } else {
        ProjectPhase::Pending
    };
    ProjectStatus {
        observed_generation: generation,
        phase,
        spec_digest: Some(validation.spec_digest.clone()),
        approved: validation.approved.clone(),
        attestation_key: Some(observed.attestation_key.clone()),
        conditions: Some(conditions.finish()),
        ..previous
    }
}
