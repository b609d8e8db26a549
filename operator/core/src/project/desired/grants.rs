//! Volumes and claims of dataset grants, and when those of yesterday may go.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::names::{GRANT_LABEL, PROJECT_UID_LABEL};

use super::Objects;
use super::pods::live;
use crate::labels::ProjectId;
use crate::project::data;
use crate::project::observe::Observed;
use crate::project::validate::Validated;

/// The grant that an object is made for.
pub(super) fn grant_of(metadata: &ObjectMeta) -> Option<&String> {
    metadata.labels.as_ref()?.get(GRANT_LABEL)
}

/// Volumes and claims of grants. Those of grants no longer in force, or of another dataset under the same name, go
/// once no pod mounts them; only then their successors are made.
pub(super) fn grants(
    id: &ProjectId,
    observed: &Observed,
    validated: &Validated,
    desired: &mut Objects,
) {
    let wanted: Vec<_> = validated
        .grants
        .iter()
        .filter_map(|(g, d)| Some((data::volume(id, g, d)?, data::claim(id, g, d)?)))
        .collect();
    let volume_name =
        |claim: &PersistentVolumeClaim| claim.spec.as_ref().and_then(|s| s.volume_name.clone());
    let stale: Vec<&PersistentVolumeClaim> = observed
        .claims
        .iter()
        .filter(|c| grant_of(&c.metadata).is_some())
        .filter(|c| {
            !wanted.iter().any(|(_, w)| {
                w.metadata.name == c.metadata.name && volume_name(w) == volume_name(c)
            })
        })
        .collect();
    let mounted = |name: &Option<String>| {
        observed
            .pods
            .iter()
            .any(|p| mounts_claim(p, name.as_deref().unwrap_or_default()))
    };
    let (kept, released): (Vec<&PersistentVolumeClaim>, Vec<_>) = stale
        .iter()
        .copied()
        .partition(|c| mounted(&c.metadata.name));
    desired.delete_claims.extend(released.into_iter().cloned());
    // A volume without a claim goes too: a crash may have come between the two deletions.
    let gone = observed.volumes.iter().filter(|v| {
        let ours = v
            .metadata
            .labels
            .as_ref()
            .is_some_and(|l| l.get(PROJECT_UID_LABEL) == Some(&id.uid));
        let used = kept.iter().any(|c| volume_name(c) == v.metadata.name);
        ours && grant_of(&v.metadata).is_some()
            && !used
            && !wanted
                .iter()
                .any(|(w, _)| w.metadata.name == v.metadata.name)
    });
    desired.delete_volumes.extend(gone.cloned());
    for (volume, claim) in wanted {
        if !stale.iter().any(|c| c.metadata.name == claim.metadata.name) {
            desired.volumes.push(volume);
            desired.claims.push(claim);
        }
    }
    let in_force = |pod: &Pod| {
        grant_of(&pod.metadata).is_none_or(|g| validated.grants.iter().any(|(v, _)| &v.name == g))
    };
    desired
        .delete_pods
        .extend(live(&observed.pods).filter(|p| !in_force(p)).cloned());
}

fn mounts_claim(pod: &Pod, claim: &str) -> bool {
    let volumes = pod.spec.as_ref().and_then(|s| s.volumes.as_ref());
    volumes.into_iter().flatten().any(|v| {
        v.persistent_volume_claim
            .as_ref()
            .is_some_and(|c| c.claim_name == claim)
    })
}
