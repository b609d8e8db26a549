//! The Project's own pods, which prove the lock and check the data: when each is made, opened, replaced.

use k8s_openapi::api::core::v1::Pod;
use sde_crds::names::GRANT_LABEL;

use super::grants::grant_of;
use super::{Objects, RETRY_SECONDS};
use crate::conditions::{is_true, types};
use crate::labels::ProjectId;
use crate::lock::Enforced;
use crate::placement;
use crate::pod::{PROBE, View};
use crate::project::observe::Observed;
use crate::project::standing::Standing;
use crate::project::validate::Validated;
use crate::project::{data, standing};
use crate::proving::{self, Proving};
use crate::settings::Settings;
use crate::targets::targets;
use crate::time;
use crate::workspace::notebook::UID_LABEL;

/// Pods of the Project itself; workspace pods are the Workspace's to stop.
pub(super) fn of_project(pod: &Pod) -> bool {
    let name = View(pod).name();
    name == standing::NAME
        || pod
            .metadata
            .labels
            .as_ref()
            .is_some_and(|l| l.contains_key(GRANT_LABEL))
}

/// Pods of Workspaces that do not exist any more, deleted while no controller was there to see it.
pub(super) fn orphans(observed: &Observed) -> impl Iterator<Item = &Pod> {
    live(&observed.pods).filter(|p| {
        let uid = p.metadata.labels.as_ref().and_then(|l| l.get(UID_LABEL));
        uid.is_some_and(|uid| {
            observed
                .workspaces
                .iter()
                .all(|w| w.metadata.uid.as_ref() != Some(uid))
        })
    })
}

/// Those that are not on their way out.
pub(super) fn live(pods: &[Pod]) -> impl Iterator<Item = &Pod> {
    pods.iter()
        .filter(|p| p.metadata.deletion_timestamp.is_none())
}

/// The standing probe pod: made, opened, replaced.
pub(super) fn standing_pod(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    desired: &mut Objects,
) {
    let pod = observed.pod(standing::NAME);
    match (standing::read(observed), pod, &observed.sentinel) {
        (Standing::Absent, None, Some(sentinel)) => {
            let targets = standing::standing_targets(settings, observed, validated, sentinel);
            desired
                .pods
                .push(standing::pod(id, settings, sentinel, &targets, validated));
        }
        (
            Standing::Judged {
                judgement,
                ended: false,
            },
            Some(pod),
            _,
        ) if standing::holds(&judgement) => {
            desired.open_gates.push(pod.clone());
        }
        (Standing::Judged { judgement, .. }, Some(pod), _) => {
            let undecided = matches!(judgement.enforced, Enforced::Inconclusive { .. });
            if !undecided || overstayed(pod, standing::CONTAINER, observed) {
                desired.delete_pods.push(pod.clone());
            }
        }
        (Standing::Ended, Some(pod), _) if overstayed(pod, standing::CONTAINER, observed) => {
            desired.delete_pods.push(pod.clone())
        }
        _ => {}
    }
}

/// The pods that check data: one a grant, once, while the lock is proven.
pub(super) fn data_checks(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    desired: &mut Objects,
) {
    let status = observed.project.status.clone().unwrap_or_default();
    // Data is mounted only while the project's own lock is proven.
    let proven =
        status.proof.is_some() && is_true(status.conditions.as_ref(), types::EGRESS_ENFORCED);
    for (grant, dataset) in &validated.grants {
        let verified = status.datasets.iter().flatten().any(|g| {
            g.name == grant.name
                && g.dataset == grant.dataset
                && g.manifest_digest.as_deref() == Some(dataset.manifest_digest.as_str())
        });
        match observed.pod(&data::check_name(&grant.name)) {
            Some(pod) if pod.metadata.deletion_timestamp.is_none() => {
                let ended = View(pod).over();
                let stale = overstayed(pod, data::CONTAINER, observed);
                match proving::read(View(pod), &observed.controls) {
                    _ if verified || !proven => desired.delete_pods.push(pod.clone()),
                    Proving::Judged(judgement) if standing::holds(&judgement) && !ended => {
                        desired.open_gates.push(pod.clone())
                    }
                    Proving::Judged(_) if stale => desired.delete_pods.push(pod.clone()),
                    _ if ended && stale => desired.delete_pods.push(pod.clone()),
                    _ => {}
                }
            }
            Some(_) => {}
            None if verified => {}
            None => {
                let ready = desired
                    .claims
                    .iter()
                    .any(|c| grant_of(&c.metadata) == Some(&grant.name))
                    || data::is_image(dataset);
                if let Some(sentinel) = observed.sentinel.as_ref().filter(|_| proven && ready) {
                    let targets = targets(
                        settings,
                        &validated.policy.probe,
                        sentinel,
                        &standing::neighbours(&observed.pods),
                    );
                    let placement = placement::of_tier(&validated.policy, &validated.spec.tier);
                    desired.pods.push(data::check_pod(
                        id, settings, sentinel, &targets, grant, dataset, placement,
                    ));
                }
            }
        }
    }
}

/// Whether it is more than [`RETRY_SECONDS`] since the main container ended, or else the probe, or else since the pod was made.
fn overstayed(pod: &Pod, main: &str, observed: &Observed) -> bool {
    let view = View(pod);
    let last = view
        .finished(main)
        .or_else(|| view.finished(PROBE))
        .or(pod.metadata.creation_timestamp.as_ref());
    last.is_some_and(|t| time::elapsed(t, observed.now) > RETRY_SECONDS)
}
