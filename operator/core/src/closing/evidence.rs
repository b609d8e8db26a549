//! The evidence document of a closure: the full record, in clear, for the custodian.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::ProjectApproval;
use sde_crds::project::ClosureMode;
use sde_crds::project_status::{ClosingStatus, Medium, MediumKind};
use sde_evidence::{
    Approval, EvidenceProject, InventoryItem, IsolationProof, Observation, StepId, StepRecord,
    StepResult,
};

use crate::closing::observe::Observed;

/// Steps that this version cannot do, with why: said, never left out.
const NOT_APPLICABLE: [(StepId, &str); 6] = [
    (
        StepId::T5,
        "volumes were not encrypted by keys of the operator",
    ),
    (
        StepId::T6,
        "volumes were not encrypted by keys of the operator",
    ),
    (
        StepId::T8,
        "volumes were not encrypted by keys of the operator",
    ),
    (
        StepId::T9,
        "volumes were not encrypted by keys of the operator",
    ),
    (
        StepId::T11,
        "the operator makes no snapshots or backups; others' are a residual",
    ),
    (
        StepId::T12,
        "nodes are not examined; what they may hold is a residual",
    ),
];

/// Approvals that were there at `time`.
pub fn approvals_until(observed: &Observed, time: Timestamp) -> Vec<ProjectApproval> {
    let then = |a: &&ProjectApproval| {
        a.metadata
            .creation_timestamp
            .as_ref()
            .is_none_or(|t| t.0 <= time)
    };
    observed
        .project
        .approvals
        .iter()
        .filter(then)
        .cloned()
        .collect()
}

/// Whether a medium is kept for a legal reason. A home that never had a volume cannot be.
pub fn retained(medium: &Medium, mode: ClosureMode) -> bool {
    mode == ClosureMode::RetainInaccessible
        && medium.kind == MediumKind::Home
        && medium.gone_at.is_none()
}

/// The Project and who approved what, until the attestation was issued.
pub fn project(observed: &Observed, spec_digest: &str, issued: Timestamp) -> EvidenceProject {
    let project = &observed.project.project;
    let uid = project.metadata.uid.clone().unwrap_or_default();
    let mut approvals: Vec<_> = approvals_until(observed, issued)
        .iter()
        .filter(|a| a.spec.project_uid == uid)
        .map(|a| Approval {
            name: a.metadata.name.clone().unwrap_or_default(),
            uid: a.metadata.uid.clone().unwrap_or_default(),
            approver: a.spec.approver.clone(),
            role: a.spec.role.to_string(),
            decision: format!("{:?}", a.spec.decision),
            digest: a.spec.digest.clone(),
            at: a
                .metadata
                .creation_timestamp
                .as_ref()
                .map_or(Timestamp::UNIX_EPOCH, |t| t.0),
            expires: None,
        })
        .collect();
    approvals.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    EvidenceProject {
        name: project.metadata.name.clone().unwrap_or_default(),
        uid,
        spec: serde_json::to_value(&project.spec).unwrap_or_default(),
        spec_digest: spec_digest.to_owned(),
        approvals,
    }
}

/// Home volumes of the inventory, in the order of the media of the predicate.
pub fn homes(closing: &ClosingStatus) -> Vec<&Medium> {
    closing
        .inventory
        .iter()
        .flatten()
        .filter(|m| m.kind == MediumKind::Home)
        .collect()
}

/// One inventory item for each home volume.
pub fn inventory(observed: &Observed, closing: &ClosingStatus) -> Vec<InventoryItem> {
    let namespace = observed.project.id().namespace();
    homes(closing)
        .into_iter()
        .map(|m| InventoryItem {
            media_id: m.claim_uid.clone(),
            api_version: "v1".to_owned(),
            kind: "PersistentVolumeClaim".to_owned(),
            namespace: Some(namespace.clone()),
            name: m.claim.clone(),
            uid: m.claim_uid.clone(),
            volume_handle: m.volume.clone(),
            nodes: Vec::new(),
            reason: "a person's home volume".to_owned(),
        })
        .collect()
}

/// What was seen when a medium was observed gone, or kept.
pub fn observation(closing: &ClosingStatus, medium: &Medium, mode: ClosureMode) -> Observation {
    let ended = step_end(closing, "T7");
    let at = medium.gone_at.as_ref().map_or(ended, |t| t.0);
    let volume = medium
        .volume
        .as_deref()
        .unwrap_or("never bound to a volume");
    let saw = if retained(medium, mode) {
        "the claim is gone; the volume is kept, Released, bound to no claim"
    } else {
        "neither the claim nor the volume exists any more"
    };
    Observation {
        at,
        object: format!(
            "PersistentVolumeClaim {} {} (PersistentVolume {volume})",
            medium.claim, medium.claim_uid
        ),
        action: "claim deleted with UID precondition; claim and volume watched".to_owned(),
        saw: saw.to_owned(),
    }
}

/// The records of all steps, in the order of their ids.
pub fn steps(observed: &Observed, closing: &ClosingStatus) -> Vec<StepRecord> {
    let mode = observed.project.project.spec.closure.mode;
    let mut records = vec![
        done(
            closing,
            StepId::T0,
            "T0",
            vec![seen(
                closing,
                "T0",
                "Project",
                "lifecycle: Closed and Closure approvals",
                "distinct people approved the digest of the inventory",
            )],
        ),
        done(
            closing,
            StepId::T1,
            "T1",
            vec![seen(
                closing,
                "T1",
                "RoleBinding and Secrets",
                "deleted",
                "no binding and no token Secret left in the namespace",
            )],
        ),
        done(
            closing,
            StepId::T2,
            "T2",
            vec![seen(
                closing,
                "T2",
                "PersistentVolumeClaims",
                "enumerated after the last pod was gone",
                closing.inventory_digest.as_deref().unwrap_or_default(),
            )],
        ),
        done(
            closing,
            StepId::T3,
            "T3",
            vec![seen(
                closing,
                "T3",
                "AirlockRequests and the volumes of their chambers",
                "what was undecided ended; chambers deleted by their driver before anything else",
                &emptied(closing),
            )],
        ),
        done(
            closing,
            StepId::T4,
            "T4",
            vec![seen(
                closing,
                "T4",
                "Pods",
                "deleted; listed live",
                "no pod left in the namespace",
            )],
        ),
        done(
            closing,
            StepId::T7,
            "T7",
            closing
                .inventory
                .iter()
                .flatten()
                .map(|m| observation(closing, m, mode))
                .collect(),
        ),
        done(
            closing,
            StepId::T10,
            "T7",
            vec![seen(
                closing,
                "T7",
                "storage backend",
                "asked through the PersistentVolume API only",
                "the driver removed its PersistentVolume object, which it does after deleting the volume",
            )],
        ),
        done(
            closing,
            StepId::T13,
            "T13",
            vec![seen(
                closing,
                "T13",
                "Namespace",
                "deleted with UID precondition",
                "the namespace does not exist any more",
            )],
        ),
    ];
    records.extend(NOT_APPLICABLE.iter().map(|(id, why)| StepRecord {
        id: *id,
        started_at: None,
        ended_at: None,
        result: StepResult::NotApplicable,
        observations: vec![Observation {
            at: step_end(closing, "T13"),
            object: "step".to_owned(),
            action: "none".to_owned(),
            saw: (*why).to_owned(),
        }],
        audit_event_ids: Vec::new(),
    }));
    records.sort_by_key(|r| r.id);
    records
}

/// What there was of the airlock. A closure that an earlier version began has not counted it.
fn emptied(closing: &ClosingStatus) -> String {
    match closing.airlock {
        Some(airlock) => format!(
            "{} requests, none undecided; {} chambers with sealed content, each volume gone",
            airlock.requests, airlock.chambers_destroyed
        ),
        None => "not counted".to_owned(),
    }
}

fn seen(closing: &ClosingStatus, id: &str, object: &str, action: &str, saw: &str) -> Observation {
    Observation {
        at: step_end(closing, id),
        object: object.to_owned(),
        action: action.to_owned(),
        saw: saw.to_owned(),
    }
}

fn done(
    closing: &ClosingStatus,
    id: StepId,
    noted: &str,
    observations: Vec<Observation>,
) -> StepRecord {
    let step = closing.steps.iter().find(|s| s.id == noted);
    let ended = step.and_then(|s| s.ended_at.as_ref());
    StepRecord {
        id,
        started_at: step.map(|s| s.started_at.0),
        ended_at: ended.map(|t| t.0),
        result: if ended.is_some() {
            StepResult::Done
        } else {
            StepResult::NotReached
        },
        observations,
        audit_event_ids: Vec::new(),
    }
}

/// When a step ended; the epoch when it did not, which the predicate's own checks then refuse.
pub fn step_end(closing: &ClosingStatus, id: &str) -> Timestamp {
    let ended: Option<&Time> = closing
        .steps
        .iter()
        .find(|s| s.id == id)
        .and_then(|s| s.ended_at.as_ref());
    ended.map_or(Timestamp::UNIX_EPOCH, |t| t.0)
}

/// The standing probe's last proof, while the project was open.
pub fn isolation(observed: &Observed) -> Vec<IsolationProof> {
    let proof = observed
        .project
        .project
        .status
        .as_ref()
        .and_then(|s| s.proof.as_ref());
    proof
        .map(|p| IsolationProof {
            pod_uid: p.pod_uid.clone(),
            pod: crate::project::standing::NAME.to_owned(),
            at: p.time.0,
            judgement: serde_json::to_value(p).unwrap_or_default(),
        })
        .into_iter()
        .collect()
}
