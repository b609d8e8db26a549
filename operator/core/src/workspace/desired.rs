//! What should exist for a Workspace: at most one pod, and its token before it.

use k8s_openapi::api::core::v1::{Pod, Secret};
use sde_crds::names::DESIRED_DIGEST_ANNOTATION;
use sde_crds::workspace::WorkspacePhase;
use serde_json::Value;

use crate::labels::ProjectId;
use crate::pod::View;
use crate::project::standing;
use crate::proving::{self, Proving};
use crate::rejection::Rejection;
use crate::settings::Settings;
use crate::stage::{Prepared, Staged};
use crate::targets::{SentinelAt, targets};
use crate::time;
use crate::workspace::notebook;
use crate::workspace::observe::Observed;
use crate::workspace::validate::Validated;

/// Longest pause between two starts that were refused, in seconds.
const BACKOFF_MAX_SECONDS: i64 = 300;

/// What should exist, stage by stage, and what should go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    /// Stage 1: the token of a new start.
    pub secret: Option<Secret>,
    /// Stage 2: the pod of a new start.
    pub pod: Option<Pod>,
    /// The pod whose gate is to be opened: the proof holds.
    pub open_gate: Option<Pod>,
    /// Pods to delete.
    pub delete_pods: Vec<Pod>,
    /// Token Secrets, by name, whose pods are gone.
    pub delete_secrets: Vec<String>,
}

/// The same with its stage.
pub type Desired<S> = Staged<Objects, S>;

/// Computes what should exist.
pub fn desired(
    observed: &Observed,
    settings: &Settings,
    validated: &Result<Validated, Rejection>,
) -> Desired<Prepared> {
    let mut desired = Objects::default();
    let current = observed.current();
    let pods = observed.pods();
    let keep_name = current.map(|p| p.name().to_owned());
    for pod in &pods {
        if pod.metadata.deletion_timestamp.is_none()
            && Some(View(pod).name()) != keep_name.as_deref()
        {
            desired.delete_pods.push((*pod).clone());
        }
    }
    let next = observed.starts() + 1;
    for secret in &observed.secrets {
        let in_use = pods.iter().any(|p| View(p).name() == secret);
        let upcoming = super::observe::start_number(secret) == next && validated.is_ok();
        if !in_use && !upcoming {
            desired.delete_secrets.push(secret.clone());
        }
    }
    let Some(project) = &observed.project else {
        return desired.into();
    };
    let id = project.id();
    match (validated, current) {
        (Err(_), Some(pod)) => desired.delete_pods.push(pod.0.clone()),
        (Err(_), None) => {}
        (Ok(validated), Some(pod)) => {
            of_current(&id, observed, settings, validated, pod, &mut desired)
        }
        (Ok(validated), None) if pods.is_empty() && backoff_left(observed) == 0 => {
            if let Some(sentinel) = &project.sentinel {
                let name = format!("{}-{next}", observed.name());
                if !observed.secrets.contains(&name) {
                    desired.secret = Some(notebook::token(&id, observed, &name));
                }
                desired.pod = Some(start(&id, observed, settings, validated, sentinel, &name));
            }
        }
        (Ok(_), None) => {}
    }
    desired.into()
}

fn of_current(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    pod: View<'_>,
    desired: &mut Objects,
) {
    let project = observed.project.as_ref();
    let controls = project.map(|p| p.controls.clone()).unwrap_or_default();
    let ended = pod.over();
    match proving::read(pod, &controls) {
        Proving::Judged(judgement) if standing::holds(&judgement) && !ended => {
            desired.open_gate = Some(pod.0.clone())
        }
        Proving::Reported => {}
        Proving::Probing if !ended => replaced(id, observed, settings, validated, pod, desired),
        Proving::Opened => replaced(id, observed, settings, validated, pod, desired),
        // Not opened: kept for people to see until the next start is due.
        Proving::Judged(_) | Proving::Probing => {
            if noted(observed, pod) && backoff_left(observed) == 0 {
                desired.delete_pods.push(pod.0.clone());
            }
        }
    }
}

/// What the pod was made from has changed (a grant narrowed, an image replaced, an Import revoked): it must go.
fn replaced(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    pod: View<'_>,
    desired: &mut Objects,
) {
    // Targets are no part of the digest, so any sentinel will do.
    let sentinel = SentinelAt {
        address: String::new(),
        boot_id: String::new(),
    };
    let mut had = observed.clone();
    had.inbox.retain(|inbox| inbox.is_of(pod.0));
    let wanted = start(id, &had, settings, validated, &sentinel, pod.name());
    if View(&wanted).annotation(DESIRED_DIGEST_ANNOTATION)
        != pod.annotation(DESIRED_DIGEST_ANNOTATION)
    {
        desired.delete_pods.push(pod.0.clone());
    }
}

/// Whether the status already tells of this pod's verdict; only then may the pod, and the report with it, go.
fn noted(observed: &Observed, pod: View<'_>) -> bool {
    let status = observed.workspace.status.as_ref();
    status.is_some_and(|s| {
        s.phase == WorkspacePhase::Refused && s.pod.as_ref().is_some_and(|p| p.uid == pod.uid())
    })
}

/// Seconds between a start and the next after so many in a row that were refused: 10, 20, 40 and so on.
pub(crate) fn pause(failed_starts: i64) -> i64 {
    (10_i64 << (failed_starts - 1).clamp(0, 10)).min(BACKOFF_MAX_SECONDS)
}

/// Seconds until the next start is due.
pub fn backoff_left(observed: &Observed) -> i64 {
    let Some(status) = &observed.workspace.status else {
        return 0;
    };
    let Some(last) = status
        .last_start
        .as_ref()
        .filter(|_| status.failed_starts > 0)
    else {
        return 0;
    };
    (pause(status.failed_starts) - time::elapsed(last, observed.now)).max(0)
}

fn start(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    sentinel: &SentinelAt,
    name: &str,
) -> Pod {
    let neighbours = observed
        .project
        .as_ref()
        .map(|p| standing::neighbours(&p.pods))
        .unwrap_or_default();
    let targets = targets(settings, &validated.policy.probe, sentinel, &neighbours);
    let mut pod = notebook::pod(id, settings, observed, validated, sentinel, &targets, name);
    let digest = digest(&pod, validated);
    pod.metadata
        .annotations
        .get_or_insert_default()
        .insert(DESIRED_DIGEST_ANNOTATION.to_owned(), digest);
    pod
}

/// Digest of what decides whether a running pod still is what is wanted: its main container, its volumes, where its tier
/// runs, and the datasets behind claims, whose names do not tell. Targets are left out: they change with other pods, and were tried when this one started.
fn digest(pod: &Pod, validated: &Validated) -> String {
    let datasets: Vec<_> = validated
        .grants
        .iter()
        .map(|(grant, _)| (&grant.name, &grant.dataset))
        .collect();
    let spec = pod.spec.as_ref();
    let parts: Value = serde_json::json!([
        spec.map(|s| &s.containers),
        spec.map(|s| &s.volumes),
        datasets,
        validated.placement
    ]);
    sde_evidence::canonical_digest(&parts)
        .map(|d| d.to_string())
        .unwrap_or_default()
}
