//! What the airlock's steps make: the airlock's namespace with its lock, a chamber's claim on either side, the pod of a job.

pub mod claim;
pub mod pod;
pub mod room;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::AirlockRequest;
use sde_crds::names;

use crate::airlock::observe::Side;
use crate::labels::ProjectId;

impl Side {
    /// The namespace of this side.
    pub fn namespace(self, id: &ProjectId) -> String {
        match self {
            Self::Project => id.namespace(),
            Self::Airlock => names::airlock_namespace(&id.name),
        }
    }
}

/// Labels of everything that is made for one request.
pub fn labels(id: &ProjectId, request: &AirlockRequest) -> BTreeMap<String, String> {
    let mut labels = id.labels();
    let name = request.metadata.name.clone().unwrap_or_default();
    labels.insert(names::AIRLOCK_REQUEST_LABEL.to_owned(), name);
    labels.insert(names::AIRLOCK_REQUEST_UID_LABEL.to_owned(), uid(request));
    labels
}

/// The request's UID.
pub fn uid(request: &AirlockRequest) -> String {
    request.metadata.uid.clone().unwrap_or_default()
}

fn meta(id: &ProjectId, request: &AirlockRequest, side: Side, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(side.namespace(id)),
        labels: Some(labels(id, request)),
        ..ObjectMeta::default()
    }
}
