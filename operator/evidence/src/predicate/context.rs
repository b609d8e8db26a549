//! The predicate's context: when, which project and datasets, on what, and which copies and accesses there were.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{digest::Digest, pseudonym::Pseudonym};

/// The controller's clock, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Closure was asked for.
    pub closure_requested: Timestamp,
    /// Nobody of the project had access any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_revoked: Option<Timestamp>,
    /// The inventory was complete and approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory_frozen: Option<Timestamp>,
    /// The last volume was observed gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes_deleted: Option<Timestamp>,
    /// The project's namespace was observed gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_gone: Option<Timestamp>,
    /// This attestation was made; no other time is later.
    pub issued: Timestamp,
}

/// The closed project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectRef {
    /// UID of the Project object.
    pub uid: String,
    /// The opaque name under which others know it.
    pub public_ref: String,
    /// [`crate::spec_digest`] of the approved spec.
    pub spec_digest: String,
    /// Who holds the data.
    pub custodian: Custodian,
    /// Agreements under which the data was shared.
    pub data_sharing_agreement_refs: Vec<String>,
    /// The spec's last approval was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// The Project left its open states for good.
    pub closed_at: Timestamp,
    /// Why it was closed.
    pub closure_reason: String,
    /// Who approved the closure.
    pub closure_approvers: Vec<Pseudonym>,
}

/// The data holder, an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Custodian {
    /// The organisation.
    pub name: String,
    /// A role or reference to reach it; no person's address.
    pub contact_ref: String,
}

/// A dataset that the project was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dataset {
    /// Name of the Dataset object.
    pub id: String,
    /// GA4GH DRS URI, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drs_uri: Option<String>,
    /// Digest of its manifest.
    pub manifest_digest: Digest,
    /// Files in it.
    pub files: u64,
    /// Bytes in it.
    pub bytes: u64,
    /// Data Use Ontology terms.
    pub duo: Vec<String>,
    /// Every mount of it was read-only.
    pub mounted_read_only: bool,
    /// Whether the operator made a copy of it for the project; absent when not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_copy_made: Option<bool>,
    /// The release.
    pub release: String,
}

/// The cluster and the software that closed the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// UID of the namespace `kube-system`.
    pub cluster_id: String,
    /// As the API server reports it.
    pub kubernetes_version: String,
    /// This operator.
    pub operator: Operator,
    /// Drivers of the project's volumes.
    pub csi_drivers: Vec<Component>,
    /// The network plugin, as far as known.
    pub cni: String,
    /// Digest of the SdePolicy in force.
    pub policy_digest: Digest,
    /// The sanitisation guidance that the terms follow.
    pub guidance_version: String,
    /// Where the signing key lives.
    pub key_protection: KeyProtection,
}

/// The operator's build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    /// Version.
    pub version: String,
    /// Digest of its image.
    pub image_digest: Digest,
}

/// A named, versioned part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Name.
    pub name: String,
    /// Version, or `unknown`.
    pub version: String,
}

/// Where the signing key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyProtection {
    /// In a Secret that cluster administrators can read.
    Software,
}

/// Copies outside the inventory's media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Copies {
    /// Volume snapshots found.
    pub snapshots: Vec<SnapshotCopy>,
    /// Backups that are recorded.
    pub backups: Vec<Backup>,
    /// Replicas the storage keeps, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// What left through the airlock.
    pub exports: Exports,
    /// Other SDEs that received data, with what they confirmed.
    #[serde(rename = "thirdPartySDEs")]
    pub third_party_sdes: Vec<ThirdParty>,
}

/// A volume snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotCopy {
    /// UID of the VolumeSnapshotContent.
    #[serde(rename = "objectUID")]
    pub object_uid: String,
    /// It was observed gone.
    pub gone: bool,
}

/// A backup: either deleted, or with the date on which it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Which backup system.
    pub system: String,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it will expire by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What was released as files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exports {
    /// How many releases, each with its receipt.
    pub release_receipts: u64,
    /// Merkle root (RFC 6962) over all receipts of the project, sorted by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts_merkle_root: Option<Digest>,
}

/// Another SDE that received data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThirdParty {
    /// Its name in the SdePolicy.
    pub name: String,
    /// Digest of its confirmation of deletion; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_digest: Option<Digest>,
}

/// How access ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// People who lost access.
    pub people_revoked: u64,
    /// Workspaces that were stopped.
    pub sessions_terminated: u64,
    /// Tokens were revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_revoked_at: Option<Timestamp>,
    /// Last time a pod that mounted data ran, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_data_access_at: Option<Timestamp>,
}

/// What the airlock held at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Airlock {
    /// Requests without a decision; must be 0 unless the closure failed.
    pub open_requests: u64,
    /// Chambers of the airlock with sealed content that were destroyed, while the project lived or with it.
    pub quarantined_destroyed: u64,
}

/// The attestation before this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// Digest of its DSSE payload.
    pub attestation_digest: Digest,
}
