//! Media: everything that held or could have held data, what was done to it, and what was then observed.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Claim;
use crate::digest::Digest;

/// The reference for [`Method::SelectiveDeletion`].
pub const SELECTIVE_DELETION_REF: &str =
    "NIST SP 800-88r2: selective deletion; not Clear, Purge or Destroy of media";

/// One medium of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Its identifier in this attestation and in the evidence document.
    pub media_id: String,
    /// What it is.
    pub kind: MediaKind,
    /// UID of the Kubernetes object.
    #[serde(rename = "objectUID")]
    pub object_uid: String,
    /// Name of the claim, for volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvc_name: Option<String>,
    /// Name of the PersistentVolume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pv_name: Option<String>,
    /// SHA-256 of the CSI volume handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_handle_digest: Option<Digest>,
    /// Storage class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// The PersistentVolume's reclaim policy when closing began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaim_policy_at_close: Option<String>,
    /// CSI driver or in-tree plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Capacity in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<u64>,
    /// Kind of device below, or `unknown`.
    pub media_type: String,
    /// Where it came from (provisioned by whom).
    pub media_source: String,
    /// Asset number, if the provider gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_number: Option<String>,
    /// The tier of the data before sanitisation.
    pub pre_sanitisation_category: String,
    /// Encryption at rest as declared by its storage class; absent when nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What was done, in NIST terms.
    pub method: Method,
    /// How.
    pub technique: Technique,
    /// The guidance that `method` is a term of.
    pub standard_ref: String,
    /// The software that did it.
    pub tool: Tool,
    /// It began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// It ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What was observed afterwards.
    pub verification: Verification,
    /// On whose word.
    pub assurance: Assurance,
    /// Where the medium is now.
    pub destination: Destination,
}

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaKind {
    /// PersistentVolumeClaim and its volume.
    #[serde(rename = "PVC")]
    Pvc,
    /// Volume of a generic ephemeral claim.
    #[serde(rename = "EphemeralPVC")]
    EphemeralPvc,
    /// emptyDir of a pod.
    EmptyDir,
    /// Prefix in an object store.
    ObjectPrefix,
    /// Volume snapshot.
    Snapshot,
    /// Backup.
    Backup,
    /// Data left on a node: container layers, logs, caches.
    NodeCache,
    /// Secret.
    Secret,
}

/// Encryption at rest as declared, not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// For instance `luks`.
    pub scheme: String,
    /// Cipher, if declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Key length, if declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_bits: Option<u16>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The object was deleted; the medium below was not sanitised as a whole.
    SelectiveDeletion,
    /// Nothing was done to the medium.
    None,
}

/// How it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// The claim was deleted, its volume had reclaim policy Delete, the driver ran DeleteVolume.
    CsiDeleteVolume,
    /// The API object was deleted.
    ObjectDeletion,
    /// The pod was deleted and the kubelet removed its directories.
    PodRemoval,
    /// Deleted through a provider's own interface.
    ProviderDeletion,
    /// Every access of the project was taken away; the medium was kept.
    AccessRemoval,
    /// Nothing.
    None,
}

/// The software that did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// What was observed after the deed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// How it was looked at.
    pub method: String,
    /// What was seen.
    pub result: Observed,
    /// Digests of the observations in the evidence document.
    pub evidence_digests: Vec<Digest>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// The object and its backing asset, as far as the interfaces show, do not exist.
    Gone,
    /// It exists, and nobody of the project can reach it.
    Inaccessible,
    /// It exists.
    Present,
    /// It could not be determined.
    Unknown,
}

/// On whose word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// The operator saw it.
    OperatorObserved,
    /// The provider's interface says so.
    ProviderAsserted,
    /// A person says so.
    HumanAsserted,
}

/// Where the medium is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// Returned to the storage's free space.
    Released,
    /// Kept by the custodian or on its behalf.
    Retained,
    /// Not known.
    Unknown,
}

impl Media {
    /// What the observation supports.
    pub fn supported_claim(&self) -> Claim {
        match self.verification.result {
            Observed::Gone => Claim::DeleteOnly,
            Observed::Inaccessible => Claim::Inaccessible,
            Observed::Present | Observed::Unknown => Claim::None,
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
