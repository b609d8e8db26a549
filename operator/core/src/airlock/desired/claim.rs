//! A chamber's claim: of the same name on both sides, for a new volume at first, for the chamber's own ever after.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;

use super::{meta, uid};
use crate::airlock::observe::Side;
use crate::labels::ProjectId;

/// Size of a chamber: room for [`max_bytes`], the manifest and the findings.
pub const SIZE: &str = "5Gi";
/// Most bytes that one request may carry. An Import is copied within its chamber when it is sealed, so it has half the room.
pub const fn max_bytes(direction: Direction) -> u64 {
    match direction {
        Direction::Import => 2 << 30,
        Direction::Export | Direction::TransferToSde => 4 << 30,
    }
}

/// Name of a chamber's claim. A request made again under an old name has another.
pub fn name(request: &AirlockRequest) -> String {
    format!("chamber-{}", uid(request))
}

/// The claim on one side; `volume` is the chamber's, once it has one.
pub fn claim(
    id: &ProjectId,
    request: &AirlockRequest,
    side: Side,
    volume: Option<&str>,
    storage_class: &str,
) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: meta(id, request, side, name(request)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity(SIZE.to_owned()))].into()),
                limits: None,
            }),
            storage_class_name: Some(storage_class.to_owned()),
            volume_name: volume.map(str::to_owned),
            volume_mode: Some("Filesystem".to_owned()),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
