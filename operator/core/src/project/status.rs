//! A Project's status: made only of what was applied.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use sde_crds::project_status::{GrantStatus, ObservedNamespace, Proof, ProjectPhase, ProjectStatus};
use serde::Deserialize;

use crate::conditions::{Conditions, Status, is_true, types};
use crate::lock::Enforced;
use crate::pod::View;
use crate::project::desired::{CHECK_RETRY_SECONDS, Desired};
use crate::project::observe::Observed;
use crate::project::standing::{self, Standing};
use crate::project::validate::{State, Validated, Validation};
use crate::project::data;
use crate::proving;
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
pub fn status(observed: &Observed, validation: &Validation, applied: &Desired<Applied>, recursive_read_only: bool) -> Outcome {
    let previous = observed.project.status.clone().unwrap_or_default();
    let generation = observed.project.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    let mut look_again = Duration::from_secs(u64::try_from(time::until_tomorrow(observed.now)).unwrap_or(3600));
    let mut next = ProjectStatus {
        observed_generation: generation,
        spec_digest: Some(validation.spec_digest.clone()),
        approved: validation.approved.clone(),
        namespace: observed.namespace.as_ref().map(|n| ObservedNamespace {
            name: n.metadata.name.clone().unwrap_or_default(),
            uid: n.metadata.uid.clone().unwrap_or_default(),
        }).or_else(|| previous.namespace.clone()),
        attestation_key: Some(observed.attestation_key.clone()),
        workspaces: Some(running(observed)),
        closing: previous.closing.clone(),
        destruction_record: previous.destruction_record.clone(),
        ..ProjectStatus::default()
    };

    approved(validation, &mut conditions);
    match &validation.state {
        State::Open(validated) => {
            let (people, message) = people(validated, validation);
            conditions.set(types::PEOPLE_APPROVED, people, if people == Status::True { "Current" } else { "SomeExcluded" }, message);
            conditions.set(types::NAMESPACE_LOCKED, Status::True, "Applied", "Namespace, default-deny policies, quota and limits are in place.");
            let enforced = egress(observed, &previous, validated, &mut next, &mut conditions, &mut look_again);
            let verified = data_state(observed, &previous, validated, recursive_read_only, &mut next, &mut conditions, &mut look_again);
            (next.phase, _) = summary(enforced, verified, &previous, &mut conditions);
        }
        State::Waiting(why) => {
            next.phase = ProjectPhase::Pending;
            next.datasets = previous.datasets.clone();
            not_ready(why, &mut conditions);
            conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "NotOpen", "Nothing runs, so there is nothing to prove.");
        }
        State::Suspended(why) => {
            let never = previous.namespace.is_none();
            next.phase = if never { ProjectPhase::Pending } else { ProjectPhase::Suspended };
            next.datasets = previous.datasets.clone();
            not_ready(why, &mut conditions);
            conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "NotOpen", "Nothing runs, so there is nothing to prove.");
        }
        State::Closing => next.phase = ProjectPhase::Closing,
    }
    if !applied.delete_pods.is_empty() || !applied.open_gates.is_empty() {
        look_again = look_again.min(Duration::from_secs(30));
    }
    next.conditions = Some(conditions.finish());
    Outcome { status: next, look_again }
}

fn not_ready(why: &[Rejection], conditions: &mut Conditions<'_>) {
    let (reason, message) = summarise(why).unwrap_or(("Unknown", String::new()));
    conditions.set(types::READY, Status::False, reason, message);
}

fn approved(validation: &Validation, conditions: &mut Conditions<'_>) {
    let roles = validation.missing.join(", ");
    match (&validation.approved, validation.missing.is_empty()) {
        (Some(approved), true) if approved.digest == validation.spec_digest => {
            conditions.set(types::APPROVED, Status::True, "Approved", "The present spec is approved.");
        }
        (Some(_), _) if !matches!(validation.state, State::Waiting(_)) => conditions.set(
            types::APPROVED,
            Status::True,
            "ChangeWaits",
            format!("The spec has changed since it was approved. What was narrowed acts already; what was widened waits for approval in role {roles}.{}", validation.explain),
        ),
        _ => conditions.set(types::APPROVED, Status::False, "ApprovalsMissing", format!("Waits for approval in role {roles}.{}", validation.explain)),
    }
}

fn people(validated: &Validated, validation: &Validation) -> (Status, String) {
    if validation.excluded.is_empty() {
        (Status::True, format!("{} people are approved and current.", validated.people.len()))
    } else {
        (Status::False, format!("Without access: {}. Renew the approval or training, update the spec and have it approved.", validation.excluded.join("; ")))
    }
}

fn running(observed: &Observed) -> i64 {
    let ready = observed.pods.iter().map(View).filter(|p| p.ready() && p.0.metadata.labels.as_ref().is_some_and(|l| l.contains_key(sde_crds::names::WORKSPACE_LABEL)));
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
    next.proof.clone_from(&previous.proof);
    let pod = observed.pod(standing::NAME);
    if let (Standing::Judged { judgement, .. }, Some(pod)) = (standing::read(observed), pod) {
        let view = View(pod);
        let (reason, message) = proving::explain(&judgement, view.node());
        match judgement.enforced {
            Enforced::Yes => {
                let control = observed.controls.get(view.uid());
                next.proof = Some(proving::proof(view, &judgement, control, policy_digest(observed), observed.now));
                conditions.set(types::EGRESS_ENFORCED, Status::True, reason, message);
                return true;
            }
            Enforced::No { .. } => {
                *look_again = (*look_again).min(Duration::from_secs(CHECK_RETRY_SECONDS.unsigned_abs()));
                conditions.set(types::EGRESS_ENFORCED, Status::False, reason, message);
                return false;
            }
            Enforced::Inconclusive { .. } => return overdue(observed, previous.proof.as_ref(), validated, &message, conditions, look_again),
        }
    }
    let held = is_true(previous.conditions.as_ref(), types::EGRESS_ENFORCED);
    let refused = previous.conditions.iter().flatten().any(|c| c.type_ == types::EGRESS_ENFORCED && c.reason == "EgressOpen");
    if refused && conditions.keep(types::EGRESS_ENFORCED) {
        return false;
    }
    if held {
        return overdue(observed, previous.proof.as_ref(), validated, "No report was judged in time.", conditions, look_again);
    }
    let waits = match (pod.map(View), &observed.sentinel) {
        (_, None) => "The sentinel does not answer, so nothing can be proven: check its pod in the operator's namespace.".to_owned(),
        (Some(pod), _) if pod.stuck().is_some() => {
            let (container, reason, message) = pod.stuck().unwrap_or_default();
            format!("The standing probe cannot start: {container}: {reason} {message}")
        }
        _ => "The standing probe is trying to get out.".to_owned(),
    };
    conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "Proving", waits);
    *look_again = (*look_again).min(Duration::from_secs(5));
    false
}

/// Keeps an older proof in force until the deadline after a report was due.
fn overdue(observed: &Observed, proof: Option<&Proof>, validated: &Validated, why: &str, conditions: &mut Conditions<'_>, look_again: &mut Duration) -> bool {
    let probe = &validated.policy.probe;
    let limit = probe.standing_seconds + probe.inconclusive_deadline_seconds;
    let Some(age) = proof.map(|p| time::elapsed(&p.time, observed.now)) else {
        conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "Inconclusive", why);
        *look_again = (*look_again).min(Duration::from_secs(5));
        return false;
    };
    if age > limit {
        conditions.set(
            types::EGRESS_ENFORCED,
            Status::False,
            "Overdue",
            format!("The last proof is older than the {limit} s that SdePolicy allows, so the project is suspended until there is a new one. {why}"),
        );
        *look_again = (*look_again).min(Duration::from_secs(5));
        return false;
    }
    *look_again = (*look_again).min(Duration::from_secs(u64::try_from(limit - age + 1).unwrap_or(1)));
    if !conditions.keep(types::EGRESS_ENFORCED) {
        conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "Inconclusive", why);
    }
    is_true(observed.project.status.as_ref().and_then(|s| s.conditions.as_ref()), types::EGRESS_ENFORCED)
}

fn policy_digest(observed: &Observed) -> Option<String> {
    let mut specs: Vec<_> = observed.network_policies.iter().map(|p| (&p.metadata.name, &p.spec)).collect();
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
        let before = previous.datasets.iter().flatten().find(|g| g.name == grant.name && g.dataset == grant.dataset);
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
            match pod.and_then(|p| check_problem(p, &grant.name, &grant.dataset)) {
                Some(problem) => problems.push(problem),
                None => waiting.push(grant.name.clone()),
            }
        }
        grants.push(status);
    }
    next.datasets = Some(grants);
    if !problems.is_empty() {
        *look_again = (*look_again).min(Duration::from_secs(15));
        conditions.set(types::DATA_VERIFIED, Status::False, "CheckFailed", problems.join(" "));
        false
    } else if waiting.is_empty() {
        conditions.set(types::DATA_VERIFIED, Status::True, "Verified", "Every grant holds exactly the bytes that were registered.");
        true
    } else {
        *look_again = (*look_again).min(Duration::from_secs(15));
        conditions.set(types::DATA_VERIFIED, Status::Unknown, "Checking", format!("Checking {}.", waiting.join(", ")));
        false
    }
}

fn checked(pod: &Pod, digest: &str) -> Option<Manifest> {
    let (code, message) = View(pod).ended("manifest")?;
    let manifest: Manifest = serde_json::from_str(message).ok()?;
    (code == 0 && manifest.digest == digest).then_some(manifest)
}

/// Why a data check has not gone well, in a sentence that says what to do.
fn check_problem(pod: &Pod, grant: &str, dataset: &str) -> Option<String> {
    let view = View(pod);
    if let Some((code, message)) = view.ended("manifest") {
        return (code != 0).then(|| {
            format!("Grant {grant}: the data of Dataset {dataset} is not what was registered ({message}). Check the source, or register a Dataset with the right manifestDigest.")
        });
    }
    if let Some((_, reason, message)) = view.stuck() {
        return Some(format!("Grant {grant}: the check of Dataset {dataset} cannot start: {reason} {message}. If it is an image, it must be on the node or in a registry that answers."));
    }
    if let Some(message) = view.unschedulable() {
        return Some(format!("Grant {grant}: the check of Dataset {dataset} waits for a node: {message}"));
    }
    if view.unmounted() {
        return Some(format!("Grant {grant}: the source of Dataset {dataset} is not mounted yet. If this stays, check that it exists: kubectl describe pod {} shows why.", view.name()));
    }
    None
}

/// `Ready` and the phase.
fn summary(enforced: bool, verified: bool, previous: &ProjectStatus, conditions: &mut Conditions<'_>) -> (ProjectPhase, bool) {
    if enforced && verified {
        conditions.set(types::READY, Status::True, "Open", "Locked, proven and open: its people can start workspaces.");
        return (ProjectPhase::Active, true);
    }
    let was_open = previous.proof.is_some() && matches!(previous.phase, ProjectPhase::Active | ProjectPhase::Suspended);
    if !enforced {
        conditions.set(types::READY, Status::False, "LockNotProven", "The lock is not proven: see condition EgressEnforced. Nothing runs until it is.");
    } else {
        conditions.set(types::READY, Status::False, "DataNotVerified", "The data is not verified: see condition DataVerified. Nothing mounts it until it is.");
    }
    (if was_open { ProjectPhase::Suspended } else { ProjectPhase::Opening }, false)
}
