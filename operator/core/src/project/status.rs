//! A Project's status: made only of what was applied.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use sde_crds::project_status::{GrantStatus, ObservedNamespace, ProjectPhase, ProjectStatus};
use serde::Deserialize;

use crate::conditions::{Conditions, Status, find, types};
use crate::lock::Enforced;
use crate::pod::View;
use crate::project::data;
use crate::project::desired::{Desired, RETRY_SECONDS};
use crate::project::observe::Observed;
use crate::project::standing::{self, Standing};
use crate::project::validate::{State, Validated, Validation};
use crate::proving::{self, Controls, Proving};
use crate::rejection::{Rejection, summarise};
use crate::stage::Applied;
use crate::time;

/// What a data check writes as its termination message.
#[derive(Debug, Deserialize)]
struct Manifest {
    digest: String,
    files: i64,
    bytes: i64,
}

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
        closing: previous.closing.clone(),
        destruction_record: previous.destruction_record.clone(),
        ..ProjectStatus::default()
    };

    approved(validation, &mut conditions);
    people(validation, &mut conditions);
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
            next.phase = summary(enforced, verified, &previous, &mut conditions);
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
/// Reason of `EgressEnforced` once the last proof is too old.
const OVERDUE: &str = "Overdue";
/// Reason of `EgressEnforced` after something was reached from inside.
const EGRESS_OPEN: &str = "EgressOpen";
/// Reason of `DataVerified` after a check found other bytes than those registered.
const CHECK_FAILED: &str = "CheckFailed";

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

fn people(validation: &Validation, conditions: &mut Conditions<'_>) {
    if !validation.excluded.is_empty() {
        let message = format!(
            "Without access: {}. Renew the approval or training, update the spec and have it approved.",
            validation.excluded.join("; ")
        );
        conditions.set(
            types::PEOPLE_APPROVED,
            Status::False,
            "SomeExcluded",
            message,
        );
    } else if let State::Open(validated) = &validation.state {
        conditions.set(
            types::PEOPLE_APPROVED,
            Status::True,
            "Current",
            format!("Approved and current people: {}.", validated.people.len()),
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

/// `EgressEnforced`: judged reports of the standing probe. A failure acts at once; silence acts after the deadline.
fn egress(
    observed: &Observed,
    previous: &ProjectStatus,
    validated: &Validated,
    next: &mut ProjectStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) -> bool {
    let pod = observed.pod(standing::NAME).map(View);
    let standing = standing::read(observed);
    if let (Standing::Judged { judgement, .. }, Some(view)) = (&standing, pod) {
        let (reason, message) = proving::explain(judgement, view.node());
        match judgement.enforced {
            Enforced::Yes => {
                let control = observed.controls.get(view.uid());
                next.proof = Some(proving::proof(
                    view,
                    judgement,
                    control,
                    policy_digest(observed),
                    observed.now,
                ));
                conditions.set(types::EGRESS_ENFORCED, Status::True, reason, message);
                return true;
            }
            Enforced::No { .. } => {
                *look_again = (*look_again).min(Duration::from_secs(RETRY_SECONDS.unsigned_abs()));
                conditions.set(types::EGRESS_ENFORCED, Status::False, reason, message);
                return false;
            }
            Enforced::Inconclusive { .. } => {
                *look_again = (*look_again).min(Duration::from_secs(15));
                return unproven(
                    observed, previous, validated, &message, conditions, look_again,
                );
            }
        }
    }
    if standing == Standing::Ended {
        *look_again = (*look_again).min(Duration::from_secs(RETRY_SECONDS.unsigned_abs() + 1));
    }
    let waits = match (pod, &observed.sentinel) {
        (_, None) => "The sentinel does not answer, so nothing can be proven: check its pod in the operator's namespace.".to_owned(),
        (Some(pod), _) => match (pod.stuck(), pod.unschedulable()) {
            (Some((container, reason, message)), _) => format!("The standing probe cannot start: {container}: {reason}: {message}. Its image must be on the node or in a registry that answers."),
            (None, Some(message)) => format!("No node takes the standing probe: {message}"),
            (None, None) if standing == Standing::Ended => format!("The standing probe ended without a report and is made again: {}", pod.failure()),
            (None, None) => "The standing probe is trying to get out.".to_owned(),
        },
        (None, _) => "The standing probe is trying to get out.".to_owned(),
    };
    unproven(
        observed, previous, validated, &waits, conditions, look_again,
    )
}

/// No fresh proof, and `why`. What was found open stays open, and an older proof stays in force until the deadline
/// after a report was due.
fn unproven(
    observed: &Observed,
    previous: &ProjectStatus,
    validated: &Validated,
    why: &str,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) -> bool {
    let last = previous
        .conditions
        .as_ref()
        .and_then(|c| find(c, types::EGRESS_ENFORCED));
    let reason = last.map_or("", |c| c.reason.as_str());
    if reason == EGRESS_OPEN && conditions.keep(types::EGRESS_ENFORCED) {
        return false;
    }
    let held = last.is_some_and(|c| c.status == "True");
    let probe = &validated.policy.probe;
    let limit = probe.standing_seconds + probe.inconclusive_deadline_seconds;
    let left = previous
        .proof
        .as_ref()
        .filter(|_| held)
        .map_or(-1, |p| limit - time::elapsed(&p.time, observed.now));
    if left >= 0 && conditions.keep(types::EGRESS_ENFORCED) {
        *look_again = (*look_again).min(Duration::from_secs(left.unsigned_abs() + 1));
        return true;
    }
    *look_again = (*look_again).min(Duration::from_secs(5));
    if held || reason == OVERDUE {
        let message = format!(
            "The last proof is older than the {limit} s that SdePolicy allows, so the project is suspended until there is a new one. {why}"
        );
        conditions.set(types::EGRESS_ENFORCED, Status::False, OVERDUE, message);
    } else {
        conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "Proving", why);
    }
    false
}

fn policy_digest(observed: &Observed) -> Option<String> {
    let mut specs: Vec<_> = observed
        .network_policies
        .iter()
        .map(|p| (&p.metadata.name, &p.spec))
        .collect();
    specs.sort_by_key(|(name, _)| name.as_deref().unwrap_or_default().to_owned());
    let value = serde_json::to_value(&specs).ok()?;
    Some(sde_evidence::canonical_digest(&value).ok()?.to_string())
}

/// `DataVerified`: what the data checks found.
fn data_state(
    observed: &Observed,
    previous: &ProjectStatus,
    validated: &Validated,
    recursive_read_only: bool,
    next: &mut ProjectStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) -> bool {
    let mut grants = Vec::new();
    let mut problems = Vec::new();
    let mut waiting = Vec::new();
    for (grant, dataset) in &validated.grants {
        let before = previous
            .datasets
            .iter()
            .flatten()
            .find(|g| g.name == grant.name && g.dataset == grant.dataset);
        let mut status = before.cloned().unwrap_or(GrantStatus {
            name: grant.name.clone(),
            dataset: grant.dataset.clone(),
            manifest_digest: None,
            files: None,
            bytes: None,
            verified_at: None,
            recursive_read_only,
        });
        status.recursive_read_only = recursive_read_only;
        let pod = observed.pod(&data::check_name(&grant.name));
        if let Some(manifest) = pod.and_then(|p| checked(p, &dataset.manifest_digest)) {
            if status.manifest_digest.is_none() {
                status.verified_at = Some(time::seconds(observed.now));
            }
            status.manifest_digest = Some(manifest.digest);
            status.files = Some(manifest.files);
            status.bytes = Some(manifest.bytes);
        }
        if status.manifest_digest.as_deref() != Some(dataset.manifest_digest.as_str()) {
            match pod
                .and_then(|p| check_problem(p, &observed.controls, &grant.name, &grant.dataset))
            {
                Some(problem) => problems.push(problem),
                None => waiting.push(grant.name.clone()),
            }
        }
        grants.push(status);
    }
    next.datasets = Some(grants);
    if problems.is_empty() && waiting.is_empty() {
        conditions.set(
            types::DATA_VERIFIED,
            Status::True,
            "Verified",
            "Every grant holds exactly the bytes that were registered.",
        );
        return true;
    }
    *look_again = (*look_again).min(Duration::from_secs(15));
    // Wrong bytes stay told while they are checked once more.
    let failed = previous
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == types::DATA_VERIFIED && c.reason == CHECK_FAILED);
    if let Some(reason) = problems
        .iter()
        .map(|(reason, _)| *reason)
        .min_by_key(|r| *r != CHECK_FAILED)
    {
        conditions.set(
            types::DATA_VERIFIED,
            Status::False,
            reason,
            problems
                .into_iter()
                .map(|(_, message)| message)
                .collect::<Vec<_>>()
                .join(" "),
        );
    } else if !(failed && conditions.keep(types::DATA_VERIFIED)) {
        conditions.set(
            types::DATA_VERIFIED,
            Status::Unknown,
            "Checking",
            format!("Checking {}.", waiting.join(", ")),
        );
    }
    false
}

fn checked(pod: &Pod, digest: &str) -> Option<Manifest> {
    let (code, message) = View(pod).ended(data::CONTAINER)?;
    let manifest: Manifest = serde_json::from_str(message).ok()?;
    (code == 0 && manifest.digest == digest).then_some(manifest)
}

/// Why a data check has not gone well, in a sentence that says what to do.
fn check_problem(
    pod: &Pod,
    controls: &Controls,
    grant: &str,
    dataset: &str,
) -> Option<(&'static str, String)> {
    let view = View(pod);
    if let Some((code, message)) = view.ended(data::CONTAINER) {
        return (code != 0).then(|| {
            let why = if message.is_empty() { format!("exit code {code}") } else { message.to_owned() };
            let message = format!("Grant {grant}: the data of Dataset {dataset} is not what was registered ({why}). Check the source, or register a Dataset with the right manifestDigest.");
            (CHECK_FAILED, message)
        });
    }
    if let Proving::Judged(judgement) = proving::read(view, controls)
        && !standing::holds(&judgement)
    {
        let (_, why) = proving::explain(&judgement, view.node());
        return Some((
            "CheckLocked",
            format!(
                "Grant {grant}: the check of Dataset {dataset} was not let near the data. {why}"
            ),
        ));
    }
    let message = if let Some((_, reason, message)) = view.stuck() {
        format!(
            "Grant {grant}: the check of Dataset {dataset} cannot start: {reason} {message}. If it is an image, it must be on the node or in a registry that answers."
        )
    } else if let Some(message) = view.unschedulable() {
        format!("Grant {grant}: the check of Dataset {dataset} waits for a node: {message}")
    } else if view.unmounted() {
        format!(
            "Grant {grant}: the source of Dataset {dataset} is not mounted yet. If this stays, check that it exists: kubectl describe pod {} shows why.",
            view.name()
        )
    } else if view.over() {
        format!(
            "Grant {grant}: the check of Dataset {dataset} ended early and is made again. {}",
            view.failure()
        )
    } else {
        return None;
    };
    Some(("CheckNotStarted", message.trim_end().to_owned()))
}

/// `Ready` and the phase.
fn summary(
    enforced: bool,
    verified: bool,
    previous: &ProjectStatus,
    conditions: &mut Conditions<'_>,
) -> ProjectPhase {
    if enforced && verified {
        conditions.set(
            types::READY,
            Status::True,
            "Open",
            "Locked, proven and open: its people can start workspaces.",
        );
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
