//! Which step comes next. Tightening kills first: pods, then access, then an inventory of what stands still.

use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Pod};
use sde_crds::names::CLOSING_FINALIZER;
use sde_crds::project::ClosureMode;
use sde_crds::project_approval::ApprovalRole;
use sde_crds::project_status::{ClosingStatus, Medium, MediumKind};

use crate::approvals::decide;
use crate::closing::inventory;
use crate::closing::observe::Observed;

/// Fewest people who must approve a closure, whatever the policy says or if it is missing.
const CLOSURE_APPROVERS_FLOOR: usize = 2;

/// One step of a closure. Those with something in them are done by the controller; the others wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Put the finalizer on: nothing is touched before the Project is sure to stay until its attestation.
    Hold,
    /// T4: delete these pods, and wait for the rest.
    StopPods(Vec<Pod>),
    /// T1: delete the bindings of the hub and of the people, and the token Secrets of these names.
    Revoke(Vec<String>),
    /// T3: wait for the airlock, for these reasons: its chambers go before anything is counted.
    AwaitAirlock(Vec<String>),
    /// T2: freeze this inventory.
    TakeInventory(Vec<Medium>),
    /// T0: wait for the approvals of this inventory.
    AwaitApprovals {
        /// Distinct people who have approved.
        have: usize,
        /// Distinct people who must.
        need: usize,
        /// Approvals that do not count and why.
        explain: String,
    },
    /// A legal hold stops every deletion.
    LegalHold,
    /// T2: claims appeared that nobody approved the destruction of.
    Unexplained(Vec<String>),
    /// T7: make these volumes outlive their claims (RetainInaccessible) or end with them (Delete).
    SetReclaim {
        /// `Delete` or `Retain`.
        policy: &'static str,
        /// Volumes that have another policy.
        volumes: Vec<PersistentVolume>,
    },
    /// T7: delete these claims.
    DeleteClaims(Vec<PersistentVolumeClaim>),
    /// T7: delete these volumes of dataset grants; their source is the custodian's and stays.
    ReleaseGrants(Vec<PersistentVolume>),
    /// T7: wait for these volumes (or claims) to be gone.
    AwaitVolumes(Vec<String>),
    /// T13: delete the namespace.
    DeleteNamespace(Box<Namespace>),
    /// T13: wait for the namespace to be gone.
    AwaitNamespace,
    /// T13: sign and store the DestructionRecord.
    Attest,
    /// The record is stored: let go of the Project.
    Release,
    /// All is done.
    Done,
}

/// Names the next step.
pub fn next(observed: &Observed, closing: &ClosingStatus) -> Step {
    let project = &observed.project.project;
    let held = project
        .metadata
        .finalizers
        .iter()
        .flatten()
        .any(|f| f == CLOSING_FINALIZER);
    if observed.recorded {
        return if held { Step::Release } else { Step::Done };
    }
    if !held {
        return Step::Hold;
    }
    if !observed.project.pods.is_empty() || observed.live.is_some_and(|l| l.pods > 0) {
        let pods = observed
            .project
            .pods
            .iter()
            .filter(|p| p.metadata.deletion_timestamp.is_none());
        return Step::StopPods(pods.cloned().collect());
    }
    if observed.bound || !observed.secrets.is_empty() {
        return Step::Revoke(observed.secrets.clone());
    }
    if !observed.airlock.is_empty() {
        return Step::AwaitAirlock(observed.airlock.clone());
    }
    let approved = closing.steps.iter().any(|s| s.id == "T7");
    let media = match &closing.inventory {
        Some(media) if approved || !inventory::grown(observed, media) => media,
        earlier => return inventory(observed, earlier.as_deref().unwrap_or_default()),
    };
    if project.spec.closure.legal_hold == Some(true) {
        return Step::LegalHold;
    }
    if let Some(wait) = approvals(observed, closing) {
        return wait;
    }
    let unexplained = inventory::unexplained(observed, media);
    if !unexplained.is_empty() {
        return Step::Unexplained(unexplained);
    }
    if let Some(step) = volumes(observed, media) {
        return step;
    }
    // The lists that were just read, and not a cache, say that nothing is left.
    if observed.live.is_some_and(|l| l.claims > 0) {
        return Step::AwaitVolumes(Vec::new());
    }
    match observed
        .airlock_namespace
        .as_ref()
        .or(observed.project.namespace.as_ref())
    {
        Some(namespace) if namespace.metadata.deletion_timestamp.is_none() => {
            Step::DeleteNamespace(Box::new(namespace.clone()))
        }
        Some(_) => Step::AwaitNamespace,
        None if observed.live.is_some_and(|l| l.namespace) => Step::AwaitNamespace,
        None => Step::Attest,
    }
}

fn inventory(observed: &Observed, earlier: &[Medium]) -> Step {
    let unseen: Vec<_> = inventory::unseen(observed)
        .into_iter()
        .chain(inventory::foreign(observed))
        .collect();
    if unseen.is_empty() {
        Step::TakeInventory(inventory::take(observed, earlier))
    } else {
        Step::Unexplained(unseen)
    }
}

fn approvals(observed: &Observed, closing: &ClosingStatus) -> Option<Step> {
    let policy = observed.project.policy.as_ref();
    let asked = policy
        .and_then(|p| usize::try_from(p.approvals.closure_approvers).ok())
        .unwrap_or(CLOSURE_APPROVERS_FLOOR);
    let need = asked.max(CLOSURE_APPROVERS_FLOOR);
    let digest = closing.inventory_digest.clone().unwrap_or_default();
    // Approvals of the spec are no news here.
    let closure: Vec<_> = observed
        .project
        .approvals
        .iter()
        .filter(|a| a.spec.role == ApprovalRole::Closure)
        .cloned()
        .collect();
    let decided = decide(
        &observed.project.id(),
        &observed.project.project.spec,
        &digest,
        &closure,
        observed.project.now,
    );
    let have = decided.count(ApprovalRole::Closure);
    // T7 is only ever begun with approvals. Their expiry or withdrawal saves what is still there; once every claim is
    // on its way out there is nothing left to save, and the closure ends.
    let claims = &observed.project.claims;
    let stays = |m: &Medium| {
        claims.iter().any(|c| {
            c.metadata.uid.as_deref() == Some(m.claim_uid.as_str())
                && c.metadata.deletion_timestamp.is_none()
        })
    };
    let begun = closing.steps.iter().any(|s| s.id == "T7")
        && !closing.inventory.iter().flatten().any(stays);
    let rejected = decided.rejected.contains(&ApprovalRole::Closure);
    let refusal = if rejected {
        " Somebody has rejected it: nothing is deleted while that decision is valid."
    } else {
        ""
    };
    let explain = format!("{refusal}{}", decided.explain());
    (!begun && (have < need || rejected)).then_some(Step::AwaitApprovals {
        have,
        need,
        explain,
    })
}

fn volumes(observed: &Observed, media: &[Medium]) -> Option<Step> {
    let retain = observed.project.project.spec.closure.mode == ClosureMode::RetainInaccessible;
    let policy = if retain { "Retain" } else { "Delete" };
    let homes: Vec<_> = media
        .iter()
        .filter(|m| m.kind == MediumKind::Home)
        .collect();
    let wrong: Vec<_> = observed
        .project
        .volumes
        .iter()
        .filter(|v| homes.iter().any(|m| inventory::is_volume_of(v, m)))
        .filter(|v| v.metadata.deletion_timestamp.is_none())
        .filter(|v| {
            v.spec
                .as_ref()
                .and_then(|s| s.persistent_volume_reclaim_policy.as_deref())
                != Some(policy)
        })
        .cloned()
        .collect();
    if !wrong.is_empty() {
        return Some(Step::SetReclaim {
            policy,
            volumes: wrong,
        });
    }
    let claims: Vec<_> = observed
        .project
        .claims
        .iter()
        .filter(|c| c.metadata.deletion_timestamp.is_none())
        .cloned()
        .collect();
    if !claims.is_empty() {
        return Some(Step::DeleteClaims(claims));
    }
    let grants: Vec<_> = observed
        .project
        .volumes
        .iter()
        .filter(|v| {
            v.metadata
                .labels
                .as_ref()
                .is_some_and(|l| l.contains_key(sde_crds::names::GRANT_LABEL))
                && v.metadata.deletion_timestamp.is_none()
        })
        .cloned()
        .collect();
    if !grants.is_empty() {
        return Some(Step::ReleaseGrants(grants));
    }
    let left: Vec<_> = media
        .iter()
        .filter(|m| {
            if retain && m.kind == MediumKind::Home {
                claim_exists(observed, m)
            } else {
                !inventory::gone(observed, m)
            }
        })
        .map(|m| m.volume.clone().unwrap_or_else(|| m.claim.clone()))
        .collect();
    (!left.is_empty()).then_some(Step::AwaitVolumes(left))
}

fn claim_exists(observed: &Observed, medium: &Medium) -> bool {
    observed
        .project
        .claims
        .iter()
        .any(|c| c.metadata.uid.as_deref() == Some(medium.claim_uid.as_str()))
}

impl Step {
    /// The step's id in the attestation, and its place in the order in which steps are done here.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Hold | Self::AwaitApprovals { .. } | Self::LegalHold => "T0",
            Self::StopPods(_) => "T4",
            Self::Revoke(_) => "T1",
            Self::AwaitAirlock(_) => "T3",
            Self::TakeInventory(_) | Self::Unexplained(_) => "T2",
            Self::SetReclaim { .. }
            | Self::DeleteClaims(_)
            | Self::ReleaseGrants(_)
            | Self::AwaitVolumes(_) => "T7",
            Self::DeleteNamespace(_)
            | Self::AwaitNamespace
            | Self::Attest
            | Self::Release
            | Self::Done => "T13",
        }
    }
}
