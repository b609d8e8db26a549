//! The inventory: everything in the project that holds or held data, frozen once nothing runs, and its digest.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use sde_crds::names::GRANT_LABEL;
use sde_crds::project_status::{ClosingStatus, Medium, MediumKind};

use crate::closing::observe::Observed;
use crate::project;

/// Enumerates claims and their volumes. Handles are digested with the Project's UID as salt.
pub fn take(observed: &Observed) -> Vec<Medium> {
    let mut media: Vec<_> = observed.project.claims.iter().map(|claim| medium(observed, claim)).collect();
    media.sort_by(|a, b| a.claim.cmp(&b.claim));
    media
}

fn medium(observed: &Observed, claim: &PersistentVolumeClaim) -> Medium {
    let volume = volume_of(&observed.project, claim);
    let spec = volume.and_then(|v| v.spec.as_ref());
    let grant = claim.metadata.labels.as_ref().is_some_and(|l| l.contains_key(GRANT_LABEL));
    let uid = observed.project.id().uid;
    Medium {
        kind: if grant { MediumKind::DatasetGrant } else { MediumKind::Home },
        claim: claim.metadata.name.clone().unwrap_or_default(),
        claim_uid: claim.metadata.uid.clone().unwrap_or_default(),
        volume: volume.and_then(|v| v.metadata.name.clone()),
        volume_uid: volume.and_then(|v| v.metadata.uid.clone()),
        storage_class: claim.spec.as_ref().and_then(|s| s.storage_class_name.clone()).filter(|c| !c.is_empty()),
        reclaim_policy: spec.and_then(|s| s.persistent_volume_reclaim_policy.clone()),
        driver: volume.and_then(driver),
        handle_digest: volume.and_then(handle).map(|h| sde_evidence::sha256(format!("{uid}/{h}").as_bytes()).to_string()),
        capacity: spec.and_then(|s| s.capacity.as_ref()?.get("storage").cloned()),
        gone_at: None,
    }
}

/// The volume bound to a claim, by UID where the volume knows it.
pub fn volume_of<'a>(project: &'a project::Observed, claim: &PersistentVolumeClaim) -> Option<&'a PersistentVolume> {
    project.volumes.iter().find(|v| {
        let bound = v.spec.as_ref().and_then(|s| s.claim_ref.as_ref());
        bound.is_some_and(|r| {
            r.namespace == claim.metadata.namespace && r.name == claim.metadata.name && (r.uid.is_none() || r.uid == claim.metadata.uid)
        })
    })
}

fn driver(volume: &PersistentVolume) -> Option<String> {
    let annotated = volume.metadata.annotations.as_ref().and_then(|a| a.get("pv.kubernetes.io/provisioned-by").cloned());
    let csi = volume.spec.as_ref().and_then(|s| s.csi.as_ref()).map(|c| c.driver.clone());
    csi.or(annotated)
}

fn handle(volume: &PersistentVolume) -> Option<String> {
    let spec = volume.spec.as_ref()?;
    let csi = spec.csi.as_ref().map(|c| c.volume_handle.clone());
    let local = spec.local.as_ref().map(|l| l.path.clone());
    let host = spec.host_path.as_ref().map(|h| h.path.clone());
    let nfs = spec.nfs.as_ref().map(|n| format!("{}:{}", n.server, n.path));
    csi.or(local).or(host).or(nfs)
}

/// Digest of an inventory: what a Closure approval names. Observations of what is gone are not part of it.
pub fn digest(uid: &str, media: &[Medium]) -> String {
    let frozen: Vec<_> = media.iter().map(|m| Medium { gone_at: None, ..m.clone() }).collect();
    let value = serde_json::json!({"inventory": frozen});
    sde_evidence::spec_digest(uid, &value).map(|d| format!("inventory:{d}")).unwrap_or_default()
}

/// Claims that exist but are not in the frozen inventory: nobody approved their destruction.
pub fn unexplained(observed: &Observed, closing: &ClosingStatus) -> Vec<String> {
    let known = |uid: Option<&String>| closing.inventory.iter().flatten().any(|m| Some(&m.claim_uid) == uid);
    observed
        .project
        .claims
        .iter()
        .filter(|c| !known(c.metadata.uid.as_ref()))
        .filter_map(|c| c.metadata.name.clone())
        .collect()
}

/// Whether claim and volume of a medium are both gone.
pub fn gone(observed: &Observed, medium: &Medium) -> bool {
    let claim = observed.project.claims.iter().any(|c| c.metadata.uid.as_deref() == Some(medium.claim_uid.as_str()));
    let volume = observed.project.volumes.iter().any(|v| medium.volume_uid.is_some() && v.metadata.uid == medium.volume_uid);
    !claim && !volume
}
