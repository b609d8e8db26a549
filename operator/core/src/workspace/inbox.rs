//! What came in through the airlock: each Import that is released, read-only, in the workspaces of whoever asked for it. Nobody
//! else's: it was reviewed as theirs, and a volume is reached from one node at a time.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume, VolumeMount,
};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::AirlockPhase;

use crate::airlock::desired::claim;
use crate::settings::Settings;

/// Folder under which released Imports are mounted, each by the name of its request.
pub const INBOX_ROOT: &str = "/inbox";
/// Folder of a chamber that holds an Import's files under their names.
const SUB_PATH: &str = "inbox";

/// One Import that may be mounted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inbox {
    /// Name of its request.
    pub request: String,
    /// Its chamber's claim, in the project's namespace.
    pub claim: String,
}

/// The inbox of a request whose chamber's claim in the project is this; none unless `user` asked for it, it is released and there.
#[must_use]
pub fn inbox(
    request: &AirlockRequest,
    claim: Option<&PersistentVolumeClaim>,
    user: &str,
) -> Option<Inbox> {
    let phase = request.status.as_ref().map(|s| s.phase);
    let released = request.spec.direction == Direction::Import
        && phase == Some(AirlockPhase::Released)
        && request.metadata.deletion_timestamp.is_none();
    let claim = claim.filter(|c| c.metadata.deletion_timestamp.is_none())?;
    let bound = claim.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Bound");
    (released && bound && request.spec.requester == user).then(|| Inbox {
        request: request.metadata.name.clone().unwrap_or_default(),
        claim: claim::name(request),
    })
}

impl Inbox {
    fn volume_name(&self) -> String {
        format!("inbox-{}", self.request)
    }

    /// The volume of a notebook's pod.
    pub(super) fn volume(&self) -> Volume {
        Volume {
            name: self.volume_name(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: self.claim.clone(),
                read_only: Some(true),
            }),
            ..Volume::default()
        }
    }

    /// Its mount: the files alone, never what was said and found of them.
    pub(super) fn mount(&self, settings: &Settings) -> VolumeMount {
        VolumeMount {
            name: self.volume_name(),
            mount_path: format!("{INBOX_ROOT}/{}", self.request),
            sub_path: Some(SUB_PATH.to_owned()),
            read_only: Some(true),
            recursive_read_only: settings.recursive_read_only.then(|| "Enabled".to_owned()),
            ..VolumeMount::default()
        }
    }

    /// Whether a pod has it: what was released since a notebook started waits for its next start.
    pub(super) fn is_of(&self, pod: &Pod) -> bool {
        let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
        let mut claims = volumes.filter_map(|v| v.persistent_volume_claim.as_ref());
        claims.any(|c| c.claim_name == self.claim)
    }
}
