//! What is observed of one Dataset.

use jiff::Timestamp;
use sde_crds::Dataset;
use sde_crds::policy::SdePolicySpec;

/// Everything a decision about one Dataset may depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The Dataset.
    pub dataset: Dataset,
    /// The SdePolicy, when there is one.
    pub policy: Option<SdePolicySpec>,
    /// Projects whose status lists a grant of it and that are not closed.
    pub grants: i64,
    /// Now.
    pub now: Timestamp,
}
