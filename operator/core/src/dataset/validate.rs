//! Whether a Dataset can be granted.

use crate::dataset::observe::Observed;
use crate::rejection::Rejection;

/// Reasons why it cannot.
pub fn validate(observed: &Observed) -> Vec<Rejection> {
    let Some(policy) = &observed.policy else {
        return vec![Rejection::new(
            "PolicyMissing",
            "There is no SdePolicy named default: ask the platform team to apply one.",
        )];
    };
    let mut no = Vec::new();
    if observed.dataset.spec.source.host_path.is_some() && !policy.data_sources.host_path_allowed {
        no.push(Rejection::new("SourceNotAllowed", "A hostPath source is for development and the SdePolicy does not allow it: use csi, nfs or image."));
    }
    if observed.dataset.spec.grantable_to.is_empty() {
        no.push(Rejection::new(
            "NobodyGrantable",
            "grantableTo is empty, so no Project can be granted this Dataset: add Project names.",
        ));
    }
    no
}
