//! Reads a chamber off its claims and volume, and a job off its pod.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use sde_crds::AirlockRequest;
use sde_crds::names;

use crate::airlock::desired::pod::{CONTAINER, word};
use crate::airlock::desired::{claim, uid};
use crate::airlock::malware::{self, Unscanned};
use crate::airlock::observe::{Chamber, Claim, Job, JobKind, Outcome, Side, Volume};
use crate::airlock::report;
use crate::airlock::task::{TASK_ENV, Task};
use crate::labels::ProjectId;
use crate::pod::View;

/// What the kubelet says when it cannot mount the folder: it is a link that leads out of the home, or no folder.
const FOLDER_UNMOUNTABLE: &str = "CreateContainerConfigError";

/// Where a request's chamber is.
pub fn chamber(
    id: &ProjectId,
    request: &AirlockRequest,
    project: Option<&PersistentVolumeClaim>,
    airlock: Option<&PersistentVolumeClaim>,
    volume: Option<&PersistentVolume>,
) -> Chamber {
    Chamber {
        volume: volume.map(|v| of_volume(id, request, v)),
        project: of_claim(project),
        airlock: of_claim(airlock),
    }
}

fn of_claim(claim: Option<&PersistentVolumeClaim>) -> Claim {
    let Some(claim) = claim else {
        return Claim::Absent;
    };
    if claim.metadata.deletion_timestamp.is_some() {
        return Claim::Deleting;
    }
    match claim.status.as_ref().and_then(|s| s.phase.as_deref()) {
        Some("Bound") => Claim::Bound,
        Some("Lost") => Claim::Lost,
        _ => Claim::Pending,
    }
}

fn of_volume(id: &ProjectId, request: &AirlockRequest, volume: &PersistentVolume) -> Volume {
    let spec = volume.spec.as_ref();
    let policy = spec.and_then(|s| s.persistent_volume_reclaim_policy.as_deref());
    let bound = spec.and_then(|s| s.claim_ref.as_ref());
    let name = claim::name(request);
    let for_side = |side: &Side| {
        bound.is_some_and(|r| {
            r.name.as_deref() == Some(&name) && r.namespace.as_deref() == Some(&side.namespace(id))
        })
    };
    let known = marked(request, volume);
    Volume {
        kept: known && policy == Some("Retain"),
        reserved_for: Side::BOTH.into_iter().find(for_side),
        leaving: volume.metadata.deletion_timestamp.is_some()
            || (known && policy == Some("Delete")),
    }
}

/// Whether a volume carries the request's UID: from then on it is found without a claim.
pub fn marked(request: &AirlockRequest, volume: &PersistentVolume) -> bool {
    let labels = volume.metadata.labels.as_ref();
    let of = labels.and_then(|l| l.get(names::AIRLOCK_REQUEST_UID_LABEL));
    of.is_some_and(|of| *of == uid(request))
}

/// The job that a pod does, if it is one of this request.
pub fn job(request: &AirlockRequest, pod: &Pod) -> Option<Job> {
    let labels = pod.metadata.labels.as_ref()?;
    if labels.get(names::AIRLOCK_REQUEST_UID_LABEL) != Some(&uid(request)) {
        return None;
    }
    let view = View(pod);
    let number = |key: &str| view.annotation(key)?.parse::<i64>().ok();
    let kind = kind(view)?;
    Some(Job {
        kind,
        round: number(names::AIRLOCK_ROUND_ANNOTATION)?,
        attempt: number(names::AIRLOCK_ATTEMPT_ANNOTATION)?,
        deleting: view.deleting(),
        outcome: outcome(view, kind),
        ended: view
            .finished(CONTAINER)
            .or_else(|| view.finished(malware::CONTAINER))
            .map(|at| at.0),
        serving: serving(view),
        held_up: held_up(view),
        malware: task(pod).and_then(|task| task.malware),
    })
}

/// What a pod was told to do.
fn task(pod: &Pod) -> Option<Task> {
    let containers = &pod.spec.as_ref()?.containers;
    let env = containers.iter().flat_map(|c| c.env.iter().flatten());
    let mut told = env.filter(|e| e.name == TASK_ENV);
    Task::parse(told.next()?.value.as_ref()?).ok()
}

/// What the job of a pod does, if it is one.
pub fn kind(view: View<'_>) -> Option<JobKind> {
    let kind = view.annotation(names::AIRLOCK_KIND_ANNOTATION)?;
    JobKind::ALL.into_iter().find(|k| word(*k) == kind)
}

fn outcome(view: View<'_>, kind: JobKind) -> Outcome {
    if let Some((_, message)) = view.ended(CONTAINER) {
        return report::parse(message.as_bytes(), view.uid(), kind);
    }
    let refused = view.stuck().is_some_and(|(container, reason, _)| {
        container == CONTAINER && reason == FOLDER_UNMOUNTABLE
    });
    let unscanned = view
        .ended(malware::CONTAINER)
        .is_some_and(|(code, _)| code != 0);
    match kind {
        JobKind::Scan if view.over() && unscanned => Outcome::Unscanned(Unscanned::ScannerFailed),
        _ if view.over() => Outcome::Lost,
        JobKind::Seal if refused => Outcome::Refused,
        _ => Outcome::Running,
    }
}

/// Where a pod serves, once it says it is ready to.
fn serving(view: View<'_>) -> Option<(String, String)> {
    let ip: IpAddr = view.ip()?.parse().ok()?;
    let here = SocketAddr::new(ip, names::DOOR_PORT).to_string();
    (view.ready() && !view.deleting()).then(|| (here, view.uid().to_owned()))
}

/// Why a pod does not get on. Only the cluster's own words for a reason: what a kubelet tells beside it may hold names.
fn held_up(view: View<'_>) -> Option<String> {
    if view.over() {
        return None;
    }
    if let Some((container, reason, _)) = view.stuck() {
        return Some(format!(
            "Container {container} of the agent's pod cannot start: {reason}. kubectl describe pod shows more."
        ));
    }
    if view.unschedulable().is_some() {
        return Some(
            "No node has room for the agent's pod, or none can reach the home or chamber: kubectl describe pod shows why.".to_owned(),
        );
    }
    None
}
