//! Whether a Project may be open, and what of its spec is in force.

use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::{Environment, SdePolicySpec};
use sde_crds::project::{DatasetGrant, Lifecycle, Person, ProjectSpec};
use sde_crds::project_status::ApprovedSpec;

use crate::approvals::{Decided, decide, short};
use crate::in_force::in_force;
use crate::project::limits::{check, dates};
use crate::project::observe::Observed;
use crate::project::required::{self, required};
use crate::project::rules::{Deadline, Facts, Judged, judge};
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
    /// What the rules say of the spec in force, or of the present one while it waits.
    pub judged: Judged,
    /// People of that spec that have no access.
    pub excluded: Vec<String>,
    /// What will end, soonest first.
    pub deadlines: Vec<Deadline>,
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
            judged: Judged::default(),
            excluded: vec![],
            deadlines: vec![],
        };
    };

    let decided = decide(
        &id,
        present,
        &spec_digest,
        &observed.approvals,
        observed.now,
    );
    let needed = required(policy, present);
    let missing = decided.missing(&needed);
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
        missing: required::named(&missing, &needed),
        rejected: decided.rejected.iter().map(ToString::to_string).collect(),
        explain: decided.explain(),
        judged: Judged::default(),
        excluded: Vec::new(),
        deadlines: Vec::new(),
    };
    if present.lifecycle == Lifecycle::Closed {
        return result;
    }
    if observed.project.metadata.deletion_timestamp.is_some() {
        let why = "Was deleted while open: nothing runs and it stays until it is closed. Set lifecycle: Closed to close it.";
        result.state = State::Suspended(vec![Rejection::new("DeletedWhileOpen", why)]);
        return result;
    }
    let in_force = if approved_now {
        Some((present.clone(), decided.clone(), needed))
    } else {
        still_approved(observed, policy).map(|(spec, decided)| {
            let needed = required(policy, &spec);
            (in_force(&spec, present), decided, needed)
        })
    };
    let (effective, by) = match &in_force {
        Some((spec, decided, needed)) => {
            result.deadlines = decided.deadlines(needed);
            result.deadlines.push(Deadline {
                last: spec.schedule.expires,
                what: "the Project".to_owned(),
            });
            (spec, decided)
        }
        None => (present, &decided),
    };
    result.judged = judge(&Facts {
        project: &id.name,
        spec: effective,
        present,
        policy,
        datasets: &observed.datasets,
        approvers: &by.approvers(),
        today: time::today(observed.now),
    });
    result.deadlines.extend(result.judged.deadlines.clone());
    result.deadlines.sort();
    let (people, excluded): (Vec<Person>, Vec<Person>) =
        effective.people.iter().cloned().partition(|p| {
            let excludes = result.judged.excludes(&p.user, &p.organisation);
            excludes.is_none()
        });
    result.excluded = excluded.into_iter().map(|p| p.user).collect();
    let rules = result.judged.rejections();
    if in_force.is_none() {
        let mut no = Vec::new();
        dates(present, observed.now, &mut no);
        // Approvals and schedule often end on one day: what is over comes first.
        no.retain(|r| r.reason != "NotStarted");
        no.extend(rules);
        no.push(waiting(&id.name, &result, &decided));
        result.state = State::Waiting(no);
        return result;
    }
    result.state = match check(observed, policy, effective, people, rules) {
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
fn still_approved(observed: &Observed, policy: &SdePolicySpec) -> Option<(ProjectSpec, Decided)> {
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
    (decided.missing(&required(policy, &spec)).is_empty() && decided.rejected.is_empty())
        .then_some((spec, decided))
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
