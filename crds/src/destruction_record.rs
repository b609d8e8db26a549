//! `DestructionRecord`: what is left of a closed Project: the outcome and the signed attestation.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// The signed record of a Project's closure. Written once by the controller; it outlives the Project.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "DestructionRecord",
    plural = "destructionrecords",
    shortname = "dr",
    category = "sde",
    derive = "PartialEq",
    doc = "The signed record of a Project's closure. The controller writes it once; it outlives the Project.",
    validation = Rule::new("self.spec == oldSelf.spec").message("A DestructionRecord never changes."),
    printcolumn(name = "Project", type_ = "string", json_path = ".spec.project"),
    printcolumn(name = "Outcome", type_ = "string", json_path = ".spec.outcome"),
    printcolumn(name = "Claim", type_ = "string", json_path = ".spec.claim"),
    printcolumn(name = "Issued", type_ = "date", json_path = ".spec.issuedAt")
)]
pub struct DestructionRecordSpec {
    /// Name of the Project that was closed.
    #[schemars(schema_with = "schema::name")]
    pub project: String,
    /// UID of that Project.
    #[serde(rename = "projectUID")]
    #[schemars(length(min = 36, max = 36))]
    pub project_uid: String,
    /// How the closure ended.
    pub outcome: Outcome,
    /// The strongest thing that is claimed, the weakest over all media (NIST SP 800-88r2).
    pub claim: Claim,
    /// When the attestation was signed.
    pub issued_at: Time,
    /// The bytes of evidence.json, the attestation's first subject.
    #[schemars(length(max = 900000))]
    pub evidence: String,
    /// Sigstore bundle v0.3 (JSON) with the DSSE envelope of the in-toto statement.
    #[schemars(length(max = 400000))]
    pub bundle: String,
    /// SPKI PEM of the signing key, for information: verify with the key handed over at the project's start.
    #[schemars(length(max = 1024))]
    pub public_key: String,
}

/// How a closure ended.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every medium of the inventory was observed gone.
    Destroyed,
    /// Every medium is gone, but a recorded copy (a backup) ends only later, at a date that is listed.
    DestroyedPending,
    /// Kept for a legal reason, unreachable for users (R9).
    RetainedInaccessible,
    /// Part of it failed and a person must act.
    FailedPartial,
}

/// What is claimed of the media.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Cryptographic erase with all its preconditions recorded.
    PurgeCryptographicErase,
    /// Objects and volumes were deleted through their interfaces; nothing is said of the media below.
    DeleteOnly,
    /// Kept, but unreachable.
    Inaccessible,
    /// Nothing is claimed (only with FailedPartial).
    None,
}
