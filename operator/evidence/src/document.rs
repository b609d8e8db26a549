//! `evidence.json`: the fuller record in clear text, for the custodian alone. The predicate names it by digest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    canonical::{CanonicalError, canonical_json},
    digest::{Digest, canonical_digest, sha256, spec_digest},
    id::AttestationId,
    predicate::{
        Claim, DestructionFacts, EvidenceRef, Outcome,
        context::Environment,
        step::{Step, StepId, StepResult},
    },
    pseudonym::Pseudonym,
};

/// The document's file name and subject name.
pub const EVIDENCE_NAME: &str = "evidence.json";
/// The document's media type.
pub const EVIDENCE_MEDIA_TYPE: &str = "application/vnd.sde-operator.destruction-evidence.v1+json";

/// The evidence document. Its bytes are its RFC 8785 form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The attestation that names this document.
    pub attestation_id: AttestationId,
    /// As in the predicate.
    pub outcome: Outcome,
    /// As in the predicate.
    pub claim: Claim,
    /// As in the predicate.
    pub issued: Timestamp,
    /// The project, with its whole spec and approvals.
    pub project: EvidenceProject,
    /// As in the predicate.
    pub environment: Environment,
    /// Every object that held or could have held data; one for each of the predicate's media.
    pub inventory: Vec<InventoryItem>,
    /// The closing steps with what was observed in each.
    pub steps: Vec<StepRecord>,
    /// Proofs that the project's pods could not reach out while it was open.
    pub isolation_proofs: Vec<IsolationProof>,
    /// Who is behind the pseudonyms of the predicate.
    pub pseudonyms: Vec<PseudonymEntry>,
}

/// The closed project in clear text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceProject {
    /// Name of the Project.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its spec when it closed.
    pub spec: Value,
    /// [`spec_digest`] of the two.
    pub spec_digest: String,
    /// Every approval, of the spec and of the closure.
    pub approvals: Vec<Approval>,
}

/// A ProjectApproval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Name of the object.
    pub name: String,
    /// UID of the object.
    pub uid: String,
    /// Who approved, as the API server knows the person.
    pub approver: String,
    /// In which role.
    pub role: String,
    /// Approved, Rejected or Revoked.
    pub decision: String,
    /// Of which digest.
    pub digest: String,
    /// When.
    pub at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// An object of the inventory in clear text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryItem {
    /// The predicate's `mediaId`.
    pub media_id: String,
    /// API version of the object.
    pub api_version: String,
    /// Kind of the object.
    pub kind: String,
    /// Its namespace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// CSI volume handle or path, for volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_handle: Option<String>,
    /// Nodes that it was seen on.
    pub nodes: Vec<String>,
    /// Why it holds or could have held data.
    pub reason: String,
}

/// A closing step with what was observed; the predicate names it by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Which step.
    pub id: StepId,
    /// It began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// It ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How.
    pub result: StepResult,
    /// What was seen.
    pub observations: Vec<Observation>,
    /// API server audit events, where known.
    #[serde(rename = "auditEventIds")]
    pub audit_event_ids: Vec<String>,
}

/// One thing that was seen; a medium's `verification.evidenceDigests` name it by [`Observation::digest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// Of which object (kind, name and UID).
    pub object: String,
    /// What was asked or done.
    pub action: String,
    /// What came back.
    pub saw: String,
}

/// A judgement of the isolation lock while the project was open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IsolationProof {
    /// UID of the pod in whose network the probe ran.
    pub pod_uid: String,
    /// Name of the pod.
    pub pod: String,
    /// When.
    pub at: Timestamp,
    /// The judgement, as `sde-core` writes it.
    pub judgement: Value,
}

/// Who is behind a pseudonym.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PseudonymEntry {
    /// As in the predicate.
    pub pseudonym: Pseudonym,
    /// The person, as the API server knows them.
    pub user: String,
}

/// What the predicate and the evidence document say differently.
#[derive(Debug, Error)]
pub enum Disagreement {
    /// A field that both have.
    #[error("the predicate and the evidence differ in {0}")]
    Field(&'static str),
    /// The spec digest is not that of the spec in the document.
    #[error("project.specDigest is not the digest of the spec in the evidence")]
    SpecDigest,
    /// Media without inventory items or the reverse.
    #[error("the media of the predicate are not the inventory of the evidence")]
    Media,
    /// A step's digest is not that of its record.
    #[error("step {0} is not what the evidence records")]
    Step(StepId),
    /// A medium was verified by an observation that the document does not hold.
    #[error("medium {0} names an observation that the evidence does not hold")]
    Observation(String),
    /// The document's parts have no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl Evidence {
    /// The document's bytes, and the reference to them for the predicate.
    pub fn seal(&self) -> Result<(Vec<u8>, EvidenceRef), CanonicalError> {
        let bytes = canonical_json(self)?;
        let reference = EvidenceRef {
            name: EVIDENCE_NAME.to_owned(),
            digest: sha256(&bytes),
            media_type: EVIDENCE_MEDIA_TYPE.to_owned(),
            bytes: bytes.len() as u64,
        };
        Ok((bytes, reference))
    }

    /// Refuses a predicate that says something else than this document.
    pub fn agrees_with(&self, facts: &DestructionFacts) -> Result<(), Disagreement> {
        let same = [
            ("attestationId", self.attestation_id == facts.attestation_id),
            ("outcome", self.outcome == facts.outcome),
            ("claim", self.claim == facts.claim),
            ("times.issued", self.issued == facts.times.issued),
            ("project.uid", self.project.uid == facts.project.uid),
            (
                "project.specDigest",
                self.project.spec_digest == facts.project.spec_digest,
            ),
            ("environment", self.environment == facts.environment),
        ];
        if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(Disagreement::Field(field));
        }
        if spec_digest(&self.project.uid, &self.project.spec)? != self.project.spec_digest {
            return Err(Disagreement::SpecDigest);
        }
        let listed = self
            .inventory
            .iter()
            .map(|item| (&item.media_id, &item.uid));
        if !listed.eq(facts
            .media
            .iter()
            .map(|medium| (&medium.media_id, &medium.object_uid)))
        {
            return Err(Disagreement::Media);
        }
        self.steps_agree(facts)?;
        self.observations_agree(facts)
    }

    fn steps_agree(&self, facts: &DestructionFacts) -> Result<(), Disagreement> {
        if self.steps.len() != facts.steps.len() {
            return Err(Disagreement::Field("steps"));
        }
        for (record, step) in self.steps.iter().zip(&facts.steps) {
            if record.step()? != *step {
                return Err(Disagreement::Step(step.id));
            }
        }
        Ok(())
    }

    fn observations_agree(&self, facts: &DestructionFacts) -> Result<(), Disagreement> {
        let observations = self.steps.iter().flat_map(|step| &step.observations);
        let held = observations
            .map(Observation::digest)
            .collect::<Result<Vec<_>, _>>()?;
        for medium in &facts.media {
            if !medium
                .verification
                .evidence_digests
                .iter()
                .all(|digest| held.contains(digest))
            {
                return Err(Disagreement::Observation(medium.media_id.clone()));
            }
        }
        Ok(())
    }
}

impl StepRecord {
    /// The predicate's form of this step, with the digest of this record.
    pub fn step(&self) -> Result<Step, CanonicalError> {
        Ok(Step {
            id: self.id,
            started_at: self.started_at,
            ended_at: self.ended_at,
            result: self.result,
            evidence_digest: canonical_digest(self)?,
            audit_event_ids: self.audit_event_ids.clone(),
        })
    }
}

impl Observation {
    /// SHA-256 of its RFC 8785 form.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        canonical_digest(self)
    }
}
