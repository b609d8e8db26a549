//! `DataVerified` of a Project: what the data checks found.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use sde_crds::project_status::{GrantStatus, ProjectStatus};
use serde::Deserialize;

use crate::conditions::{Conditions, Status, types};
use crate::pod::View;
use crate::project::data;
use crate::project::observe::Observed;
use crate::project::standing;
use crate::project::validate::Validated;
use crate::proving::{self, Controls, Proving};
use crate::time;

/// Reason of `DataVerified` after a check found other bytes than those registered.
const CHECK_FAILED: &str = "CheckFailed";

/// What a data check writes as its termination message.
#[derive(Debug, Deserialize)]
struct Manifest {
    digest: String,
    files: i64,
    bytes: i64,
}

/// `DataVerified`: what the data checks found.
pub fn data_state(
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
