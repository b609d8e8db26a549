//! What can be wrong with a predicate, each by its own name.

use thiserror::Error;

use super::{
    Claim, Outcome,
    media::Observed,
    residual::Limitation,
    step::{StepId, StepResult},
};

/// What a predicate says that its own facts do not support.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PredicateError {
    /// Made by another version of this schema.
    #[error("schemaVersion {0} is not supported")]
    SchemaVersion(u32),
    /// Key destruction is not observed by this version.
    #[error("keys are recorded, but this version observes no key destruction")]
    KeysRecorded,
    /// A limitation that always holds is not stated.
    #[error("the limitation {0:?} always holds and is missing")]
    LimitationMissing(Limitation),
    /// There is always something that cannot be excluded.
    #[error("residuals are empty: something always remains possible")]
    NoResiduals,
    /// The specDigest has another form.
    #[error("project.specDigest is not v1:sha256:<hex>: {0:?}")]
    SpecDigest(String),
    /// Cryptographic erase needs preconditions (standard C1 to C7) that this version cannot record.
    #[error("purge-cryptographic-erase is claimed without recorded preconditions")]
    CryptographicEraseUnproven,
    /// The claim is not what the inventory supports.
    #[error("the claim is {claim}, the inventory supports {supported}")]
    ClaimUnsupported {
        /// As stated.
        claim: Claim,
        /// By the facts.
        supported: Claim,
    },
    /// Two media have one identifier.
    #[error("medium {0} is listed twice")]
    DuplicateMedium(String),
    /// A medium's observation contradicts what is said was done.
    #[error("medium {id}: {why}")]
    Medium {
        /// Which.
        id: String,
        /// How.
        why: &'static str,
    },
    /// Destruction is stated although a medium was not observed gone.
    #[error("outcome {outcome}, but medium {id} is {observed}")]
    NotGone {
        /// As stated.
        outcome: Outcome,
        /// Which medium.
        id: String,
        /// As observed.
        observed: Observed,
    },
    /// A snapshot still exists.
    #[error("outcome {outcome}, but snapshot {uid} still exists")]
    SnapshotExists {
        /// As stated.
        outcome: Outcome,
        /// Which.
        uid: String,
    },
    /// A backup has neither or both of its dates.
    #[error("backup {0} needs exactly one of deletedAt and expiresAt")]
    BackupFate(String),
    /// Destroyed, although something recorded has yet to expire.
    #[error("outcome destroyed, but {0} has yet to expire")]
    StillPending(String),
    /// Pending, although nothing is.
    #[error("outcome destroyed-pending, but nothing recorded has yet to expire")]
    NothingPending,
    /// Retained, although nothing was kept.
    #[error("outcome retained-inaccessible, but no medium was kept")]
    NothingRetained,
    /// Steps are twice or out of order.
    #[error("step {0} is listed twice or out of order")]
    StepOrder(StepId),
    /// A step that ended badly.
    #[error("outcome {outcome}, but step {step} is {result}")]
    StepUnfinished {
        /// As stated.
        outcome: Outcome,
        /// Which.
        step: StepId,
        /// How it ended.
        result: StepResult,
    },
    /// A step that this outcome needs.
    #[error("outcome {outcome} needs step {step} done")]
    StepMissing {
        /// As stated.
        outcome: Outcome,
        /// Which.
        step: StepId,
    },
    /// Validation comes after the attestation.
    #[error("step T14 cannot be done before the attestation exists")]
    AlreadyValidated,
    /// A time that this outcome needs.
    #[error("outcome {outcome} needs times.{time}")]
    TimeMissing {
        /// As stated.
        outcome: Outcome,
        /// Which.
        time: &'static str,
    },
    /// A time after the attestation's own.
    #[error("{what} is later than times.issued")]
    TimeAfterIssue {
        /// Which.
        what: String,
    },
    /// The airlock still had undecided requests.
    #[error("outcome {outcome}, but {open} airlock requests are open")]
    AirlockOpen {
        /// As stated.
        outcome: Outcome,
        /// How many.
        open: u64,
    },
}
