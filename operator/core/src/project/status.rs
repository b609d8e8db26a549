//! A Project's status: made only of what was applied.

use std::time::Duration;

use sde_crds::project_status::{ObservedNamespace, ProjectPhase, ProjectStatus};

use crate::conditions::{Conditions, Status, types};
use crate::pod::View;
use crate::project::desired::Desired;
use crate::project::egress::egress;
use crate::project::governed::{self, Soon};
use crate::project::observe::Observed;
use crate::project::policies::policies;
use crate::project::validate::{State, Validation};
use crate::project::verified::data_state;
use crate::rejection::{Rejection, summarise};
use crate::stage::Applied;
use crate::time;

/// The status and when to look again although nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: ProjectStatus,
    /// When to look again, at the latest.
    pub look_again: Duration,
}

/// Computes the status of a Project that is not being closed.
pub fn status(
    observed: &Observed,
    validation: &Validation,
    applied: &Desired<Applied>,
    recursive_read_only: bool,
) -> Outcome {
    let previous = observed.project.status.clone().unwrap_or_default();
    let generation = observed.project.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    let mut look_again =
        Duration::from_secs(u64::try_from(time::until_tomorrow(observed.now)).unwrap_or(3600));
    let mut next = ProjectStatus {
        observed_generation: generation,
        spec_digest: Some(validation.spec_digest.clone()),
        approved: validation.approved.clone(),
        namespace: observed
            .namespace
            .as_ref()
            .map(|n| ObservedNamespace {
                name: n.metadata.name.clone().unwrap_or_default(),
                uid: n.metadata.uid.clone().unwrap_or_default(),
            })
            .or_else(|| previous.namespace.clone()),
        attestation_key: Some(observed.attestation_key.clone()),
        workspaces: Some(running(observed)),
        proof: previous.proof.clone(),
        policies: previous.policies.clone(),
        closing: previous.closing.clone(),
        destruction_record: previous.destruction_record.clone(),
        ..ProjectStatus::default()
    };

    approved(validation, &mut conditions);
    governed::people(validation, &mut conditions);
    policies(
        observed,
        validation,
        &mut next,
        &mut conditions,
        &mut look_again,
    );
    let soon = governed::declared(observed, validation, &mut next, &mut conditions);
    match &validation.state {
        State::Open(validated) => {
            conditions.set(
                types::NAMESPACE_LOCKED,
                Status::True,
                "Applied",
                "Namespace, default-deny policies, quota and limits are in place.",
            );
            let enforced = egress(
                observed,
                &previous,
                validated,
                &mut next,
                &mut conditions,
                &mut look_again,
            );
            let verified = data_state(
                observed,
                &previous,
                validated,
                recursive_read_only,
                &mut next,
                &mut conditions,
                &mut look_again,
            );
            next.phase = summary(enforced, verified, &soon, &previous, &mut conditions);
        }
        State::Waiting(why) | State::Suspended(why) => {
            let never = previous.namespace.is_none();
            next.phase = if never {
                ProjectPhase::Pending
            } else {
                ProjectPhase::Suspended
            };
            next.datasets = previous.datasets.clone();
            not_ready(why, &mut conditions);
            conditions.set(
                types::EGRESS_ENFORCED,
                Status::Unknown,
                NOT_OPEN,
                "Nothing runs, so there is nothing to prove.",
            );
        }
        State::Closing => next.phase = ProjectPhase::Closing,
    }
    if !applied.delete_pods.is_empty() || !applied.open_gates.is_empty() {
        look_again = look_again.min(Duration::from_secs(30));
    }
    next.conditions = Some(conditions.finish());
    Outcome {
        status: next,
        look_again,
    }
}

/// Reason of `EgressEnforced` while nothing may run.
const NOT_OPEN: &str = "NotOpen";

fn not_ready(why: &[Rejection], conditions: &mut Conditions<'_>) {
    let (reason, message) = summarise(why).unwrap_or(("Unknown", String::new()));
    conditions.set(types::READY, Status::False, reason, message);
}

fn approved(validation: &Validation, conditions: &mut Conditions<'_>) {
    let present = validation
        .approved
        .as_ref()
        .is_some_and(|a| a.digest == validation.spec_digest);
    let waits = match (
        validation.missing.as_slice(),
        validation.rejected.as_slice(),
    ) {
        (_, [_, ..]) => format!(
            "was rejected in role {}: change the spec and ask again.",
            validation.rejected.join(", ")
        ),
        ([_, ..], _) => format!(
            "waits for approval in role {}.",
            validation.missing.join(", ")
        ),
        ([], []) => "waits for the SdePolicy, which says who must approve.".to_owned(),
    };
    let explain = &validation.explain;
    if present && validation.missing.is_empty() && validation.rejected.is_empty() {
        conditions.set(
            types::APPROVED,
            Status::True,
            "Approved",
            "The present spec is approved.",
        );
    } else if validation.approved.is_some()
        && !present
        && !matches!(validation.state, State::Waiting(_))
    {
        let message = format!(
            "The spec has changed since it was approved. What was narrowed acts already; what was widened {waits}{explain}"
        );
        conditions.set(types::APPROVED, Status::True, "ChangeWaits", message);
    } else {
        let reason = if validation.rejected.is_empty() {
            "ApprovalsMissing"
        } else {
            "Rejected"
        };
        conditions.set(
            types::APPROVED,
            Status::False,
            reason,
            format!("The spec {waits}{explain}"),
        );
    }
}

fn running(observed: &Observed) -> i64 {
    let ready = observed.pods.iter().map(View).filter(|p| {
        p.ready()
            && p.0
                .metadata
                .labels
                .as_ref()
                .is_some_and(|l| l.contains_key(sde_crds::names::WORKSPACE_LABEL))
    });
    i64::try_from(ready.count()).unwrap_or(i64::MAX)
}

/// `Ready` and the phase.
fn summary(
    enforced: bool,
    verified: bool,
    soon: &Soon,
    previous: &ProjectStatus,
    conditions: &mut Conditions<'_>,
) -> ProjectPhase {
    if enforced && verified {
        let open = "Locked, proven and open: its people can start workspaces.";
        match soon {
            Soon::Nothing => conditions.set(types::READY, Status::True, "Open", open),
            Soon::Ends(what) => {
                let message = format!("{open} {what}");
                conditions.set(types::READY, Status::True, governed::EXPIRES_SOON, message);
            }
        }
        return ProjectPhase::Active;
    }
    if enforced {
        conditions.set(
            types::READY,
            Status::False,
            "DataNotVerified",
            "The data is not verified: see condition DataVerified. Nothing mounts it until it is.",
        );
    } else {
        conditions.set(
            types::READY,
            Status::False,
            "LockNotProven",
            "The lock is not proven: see condition EgressEnforced. Nothing runs until it is.",
        );
    }
    // Opened again by the custodian, it is opening; shut by its own lock or data, it is suspended.
    let reopened = previous
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == types::EGRESS_ENFORCED && c.reason == NOT_OPEN);
    let was_open = matches!(
        previous.phase,
        ProjectPhase::Active | ProjectPhase::Suspended
    ) && previous.proof.is_some()
        && !reopened;
    if was_open {
        ProjectPhase::Suspended
    } else {
        ProjectPhase::Opening
    }
}
