//! The inventory: everything in the project that holds or held data, frozen once nothing runs, and its digest.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use sde_crds::names::GRANT_LABEL;
use sde_crds::project::Closure;
use sde_crds::project_status::{Medium, MediumKind};

use crate::closing::observe::Observed;
use crate::project;

/// Enumerates claims and their volumes. Handles are digested with the Project's UID as salt. What an earlier
/// inventory listed stays listed, even if it has vanished since: the attestation must tell of it.
pub fn take(observed: &Observed, earlier: &[Medium]) -> Vec<Medium> {
    let mut media: Vec<_> = observed
        .project
        .claims
        .iter()
        .map(|claim| medium(observed, claim))
        .collect();
    let vanished = earlier
        .iter()
        .filter(|e| !media.iter().any(|m| m.claim_uid == e.claim_uid))
        .cloned()
        .collect::<Vec<_>>();
    media.extend(vanished);
    media.sort_by(|a, b| (&a.claim, &a.claim_uid).cmp(&(&b.claim, &b.claim_uid)));
    media
}

/// Claims that are bound to a volume which is not seen. An inventory without it would call it gone. A claim whose
/// volume was lost will never have one.
pub fn unseen(observed: &Observed) -> Vec<String> {
    let lost = |claim: &PersistentVolumeClaim| {
        claim
            .status
            .as_ref()
            .is_some_and(|s| s.phase.as_deref() == Some("Lost"))
    };
    let bound = |claim: &PersistentVolumeClaim| {
        claim.spec.as_ref().is_some_and(|s| s.volume_name.is_some())
    };
    let claims = observed.project.claims.iter();
    claims
        .filter(|c| bound(c) && !lost(c) && volume_of(&observed.project, c).is_none())
        .filter_map(|c| c.metadata.name.clone())
        .collect()
}

/// Whether something is there that the frozen inventory does not list: a claim, or a volume of a claim that had none.
pub fn grown(observed: &Observed, media: &[Medium]) -> bool {
    take(observed, &[]).iter().any(|now| {
        let before = media.iter().find(|m| m.claim_uid == now.claim_uid);
        before.is_none_or(|m| {
            now.volume.is_some() && m.volume.is_none()
                || now.volume_uid.is_some() && m.volume_uid != now.volume_uid
        })
    })
}

/// Whether a volume is, or was, a medium's.
pub fn is_volume_of(volume: &PersistentVolume, medium: &Medium) -> bool {
    let claim = volume
        .spec
        .as_ref()
        .and_then(|s| s.claim_ref.as_ref()?.uid.as_deref());
    claim == Some(medium.claim_uid.as_str())
        || (medium.volume_uid.is_some() && volume.metadata.uid == medium.volume_uid)
}

fn medium(observed: &Observed, claim: &PersistentVolumeClaim) -> Medium {
    let volume = volume_of(&observed.project, claim);
    let spec = volume.and_then(|v| v.spec.as_ref());
    let grant = claim
        .metadata
        .labels
        .as_ref()
        .is_some_and(|l| l.contains_key(GRANT_LABEL));
    let uid = observed.project.id().uid;
    Medium {
        kind: if grant {
            MediumKind::DatasetGrant
        } else {
            MediumKind::Home
        },
        claim: claim.metadata.name.clone().unwrap_or_default(),
        claim_uid: claim.metadata.uid.clone().unwrap_or_default(),
        volume: volume
            .and_then(|v| v.metadata.name.clone())
            .or_else(|| claim.spec.as_ref()?.volume_name.clone()),
        volume_uid: volume.and_then(|v| v.metadata.uid.clone()),
        storage_class: claim
            .spec
            .as_ref()
            .and_then(|s| s.storage_class_name.clone())
            .filter(|c| !c.is_empty()),
        reclaim_policy: spec.and_then(|s| s.persistent_volume_reclaim_policy.clone()),
        driver: volume.and_then(driver),
        handle_digest: volume
            .and_then(handle)
            .map(|h| sde_evidence::sha256(format!("{uid}/{h}").as_bytes()).to_string()),
        capacity: spec.and_then(|s| s.capacity.as_ref()?.get("storage").cloned()),
        gone_at: None,
    }
}

/// The volume bound to a claim, by UID where the volume knows it.
pub fn volume_of<'a>(
    project: &'a project::Observed,
    claim: &PersistentVolumeClaim,
) -> Option<&'a PersistentVolume> {
    project.volumes.iter().find(|v| {
        let bound = v.spec.as_ref().and_then(|s| s.claim_ref.as_ref());
        bound.is_some_and(|r| {
            r.namespace == claim.metadata.namespace
                && r.name == claim.metadata.name
                && (r.uid.is_none() || r.uid == claim.metadata.uid)
        })
    })
}

fn driver(volume: &PersistentVolume) -> Option<String> {
    let annotated = volume
        .metadata
        .annotations
        .as_ref()
        .and_then(|a| a.get("pv.kubernetes.io/provisioned-by").cloned());
    let csi = volume
        .spec
        .as_ref()
        .and_then(|s| s.csi.as_ref())
        .map(|c| c.driver.clone());
    csi.or(annotated)
}

fn handle(volume: &PersistentVolume) -> Option<String> {
    let spec = volume.spec.as_ref()?;
    let csi = spec.csi.as_ref().map(|c| c.volume_handle.clone());
    let local = spec.local.as_ref().map(|l| l.path.clone());
    let host = spec.host_path.as_ref().map(|h| h.path.clone());
    let nfs = spec
        .nfs
        .as_ref()
        .map(|n| format!("{}:{}", n.server, n.path));
    csi.or(local).or(host).or(nfs)
}

/// Digest of an inventory and of what is to be done with it: what a Closure approval names. Observations of what is
/// gone are not part of it.
pub fn digest(uid: &str, closure: &Closure, media: &[Medium]) -> String {
    let frozen: Vec<_> = media
        .iter()
        .map(|m| Medium {
            gone_at: None,
            ..m.clone()
        })
        .collect();
    let value = serde_json::json!({"inventory": frozen, "closure": closure});
    sde_evidence::spec_digest(uid, &value)
        .map(|d| format!("inventory:{d}"))
        .unwrap_or_default()
}

/// Claims that nobody approved the destruction of: those that came after the approval, and, as a count, those in the
/// namespace that the operator did not make.
pub fn unexplained(observed: &Observed, media: &[Medium]) -> Vec<String> {
    let known = |uid: Option<&String>| media.iter().any(|m| Some(&m.claim_uid) == uid);
    let claims = &observed.project.claims;
    let mut names: Vec<_> = claims
        .iter()
        .filter(|c| !known(c.metadata.uid.as_ref()))
        .filter_map(|c| c.metadata.name.clone())
        .collect();
    names.extend(foreign(observed));
    names
}

/// How many claims the API server lists that the operator did not make or does not see.
pub fn foreign(observed: &Observed) -> Option<String> {
    let more = observed
        .live?
        .claims
        .saturating_sub(observed.project.claims.len());
    (more > 0).then(|| format!("{more} that the operator did not make"))
}

/// Whether claim and volume of a medium are both gone.
pub fn gone(observed: &Observed, medium: &Medium) -> bool {
    let claim = observed
        .project
        .claims
        .iter()
        .any(|c| c.metadata.uid.as_deref() == Some(medium.claim_uid.as_str()));
    let volume = observed
        .project
        .volumes
        .iter()
        .any(|v| is_volume_of(v, medium));
    !claim && !volume
}
