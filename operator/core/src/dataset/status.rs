//! A Dataset's status.

use sde_crds::DatasetStatus;

use crate::conditions::{Conditions, Status, types};
use crate::dataset::observe::Observed;
use crate::rejection::{Rejection, summarise};

/// Computes the status.
pub fn status(observed: &Observed, rejections: &[Rejection]) -> DatasetStatus {
    let previous = observed.dataset.status.clone().unwrap_or_default();
    let generation = observed.dataset.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    match summarise(rejections) {
        None => conditions.set(types::READY, Status::True, "Registered", "Can be granted. The bytes are checked against the manifest in each Project that is granted it."),
        Some((reason, message)) => conditions.set(types::READY, Status::False, reason, message),
    }
    DatasetStatus {
        observed_generation: generation,
        grants: Some(observed.grants),
        conditions: Some(conditions.finish()),
    }
}
