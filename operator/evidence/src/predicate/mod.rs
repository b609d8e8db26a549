//! The destruction predicate v1: what was found, what was done to it, what is claimed, and what is left.
//!
//! [`DestructionFacts`] is what the controller observed. [`DestructionPredicate`] can only be made of facts that support
//! their own outcome and claim ([`check`]), and always carries the limitations that hold for every attestation.

pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod media;
pub(crate) mod residual;
pub(crate) mod step;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{digest::Digest, id::AttestationId};
use context::{Access, Airlock, Copies, Dataset, Environment, Previous, ProjectRef, Times};
use error::PredicateError;
use media::Media;
use residual::{Limitation, Residual};
use step::{Step, StepId, StepResult};

/// The in-toto predicate type.
pub const PREDICATE_TYPE: &str = "https://sde-operator.dev/attestations/data-destruction/v1";
const SCHEMA_VERSION: u32 = 1;

/// How the closure ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every medium of the inventory was observed gone and nothing recorded is still to expire.
    Destroyed,
    /// Every medium was observed gone, but a recorded copy (a backup, say) has yet to expire.
    DestroyedPending,
    /// Something was kept on purpose and nobody of the project can reach it.
    RetainedInaccessible,
    /// Something failed; a person must act.
    FailedPartial,
}

/// What is claimed, the weakest over all media. Ordered from the strongest to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// NIST SP 800-88r2 Purge by cryptographic erase. Refused until its preconditions can be recorded.
    PurgeCryptographicErase,
    /// Deleted through the storage's interfaces and observed gone there; nothing is said of the media below.
    DeleteOnly,
    /// Kept, but unreachable for everybody of the project.
    Inaccessible,
    /// Nothing is claimed: some medium is present, unknown, or the inventory is incomplete. Only with `failed-partial`.
    None,
}

/// What was observed. Names, addresses, volume handles and node names stay out: they belong in the evidence document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestructionFacts {
    /// This attestation.
    pub attestation_id: AttestationId,
    /// How the closure ended.
    pub outcome: Outcome,
    /// What is claimed; must be [`DestructionFacts::supported_claim`].
    pub claim: Claim,
    /// When.
    pub times: Times,
    /// Of which project.
    pub project: ProjectRef,
    /// Which datasets it had.
    pub datasets: Vec<Dataset>,
    /// On which cluster, by which software.
    pub environment: Environment,
    /// Everything that held or could have held data.
    pub media: Vec<Media>,
    /// Copies outside the media.
    pub copies: Copies,
    /// How access ended.
    pub access: Access,
    /// What the airlock still held.
    pub airlock: Airlock,
    /// The closing steps, in their order.
    pub steps: Vec<Step>,
    /// What remains possible; never empty.
    pub residuals: Vec<Residual>,
    /// The attestation before this one, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// The attestation that this one replaces, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<AttestationId>,
}

/// The evidence document that the predicate stands on, also the statement's first subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRef {
    /// File name.
    pub name: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A predicate whose facts support its outcome and claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DestructionPredicate(Fields);

/// The wire form, as read: not yet checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fields {
    pub(crate) schema_version: u32,
    #[serde(flatten)]
    pub(crate) facts: DestructionFacts,
    /// Always empty: key destruction is not observed by this version.
    pub(crate) keys: Vec<Value>,
    pub(crate) limitations: Vec<Limitation>,
    pub(crate) evidence: EvidenceRef,
}

impl DestructionFacts {
    /// The strongest claim that the inventory supports: the weakest over all media, and none without a finished
    /// inventory (step T2).
    pub fn supported_claim(&self) -> Claim {
        let inventoried = self
            .steps
            .iter()
            .any(|step| step.id == StepId::T2 && step.result == StepResult::Done);
        if !inventoried {
            return Claim::None;
        }
        self.media
            .iter()
            .map(Media::supported_claim)
            .max()
            .unwrap_or(Claim::DeleteOnly)
    }
}

impl DestructionPredicate {
    /// Makes a predicate, or says why the facts do not support what they say.
    pub fn new(facts: DestructionFacts, evidence: EvidenceRef) -> Result<Self, PredicateError> {
        Self::from_fields(Fields {
            schema_version: SCHEMA_VERSION,
            facts,
            keys: Vec::new(),
            limitations: Limitation::ALWAYS.to_vec(),
            evidence,
        })
    }

    pub(crate) fn from_fields(fields: Fields) -> Result<Self, PredicateError> {
        if fields.schema_version != SCHEMA_VERSION {
            return Err(PredicateError::SchemaVersion(fields.schema_version));
        }
        if !fields.keys.is_empty() {
            return Err(PredicateError::KeysRecorded);
        }
        if let Some(missing) = Limitation::ALWAYS
            .into_iter()
            .find(|l| !fields.limitations.contains(l))
        {
            return Err(PredicateError::LimitationMissing(missing));
        }
        check::check(&fields.facts)?;
        Ok(Self(fields))
    }

    /// What was observed.
    pub fn facts(&self) -> &DestructionFacts {
        &self.0.facts
    }

    /// What always remains unsaid.
    pub fn limitations(&self) -> &[Limitation] {
        &self.0.limitations
    }

    /// The evidence document.
    pub fn evidence(&self) -> &EvidenceRef {
        &self.0.evidence
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
