//! What the controller knows of a `Project`, and the proof of a lock that Workspaces carry too.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// What the controller knows of a Project. Only the controller writes it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProjectStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// For people's eyes.
    #[serde(default)]
    pub phase: ProjectPhase,
    /// Digest of the present spec: what an approval must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub spec_digest: Option<String>,
    /// The last approved spec. In force is its intersection with the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedSpec>,
    /// The project's namespace, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<ObservedNamespace>,
    /// Public half of the key that will sign the attestation: keep it, verification takes it from you.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_key: Option<AttestationKey>,
    /// Grants in force and the state of their data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub datasets: Option<Vec<GrantStatus>>,
    /// How much is asked for, and for whom: what an approver looks at first (R33).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breadth: Option<Breadth>,
    /// What is known of the other countries; shown, never deciding (R72).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 250))]
    pub transfer_indicators: Option<Vec<TransferIndicator>>,
    /// Workspaces that are running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<i64>,
    /// The standing probe's last judged report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The form in which the admission policies were last found to refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<PoliciesFound>,
    /// The closure, once asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<ClosingStatus>,
    /// The DestructionRecord, once written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub destruction_record: Option<String>,
    /// Conditions: Ready, Approved, PeopleApproved, OrganisationsApproved, GovernanceValid, ConsentMatched, Minimised, SettingApproved, TransfersLawful, EvidenceCurrent, PolicyReviewed, LocationEnforced, LegacyCopiesResolved, PoliciesEnforced, NamespaceLocked, EgressEnforced, DataVerified, Closing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
}

/// For people's eyes; programs read the conditions.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectPhase {
    /// Waits for approvals, dates or something missing; the Ready condition says what.
    #[default]
    Pending,
    /// Approved; the namespace, lock and data are being made and proven.
    Opening,
    /// Workspaces can be opened.
    Active,
    /// Nothing runs, nothing is deleted.
    Suspended,
    /// Being closed; the Closing condition says which step.
    Closing,
    /// Closed; the DestructionRecord holds the attestation.
    Closed,
}

impl std::fmt::Display for ProjectPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// The last approved spec.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedSpec {
    /// Its digest.
    #[schemars(schema_with = "schema::reference")]
    pub digest: String,
    /// The spec itself, checked against the digest at each use.
    #[schemars(schema_with = "schema::any_object")]
    pub spec: serde_json::Value,
}

/// What requests that the admission policies must refuse met, on every API server that is known (R2).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesFound {
    /// The form that refused on all of them.
    pub form: FoundForm,
    /// When they were asked.
    pub time: Time,
    /// Addresses of API servers that were asked.
    pub servers: i64,
}

/// The form in which policies were found to refuse.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum FoundForm {
    /// From the disks of the API servers.
    Static,
    /// As objects of the API.
    Api,
    /// Something that they must refuse was not refused.
    Missing,
}

/// How much the present spec asks for, and for whom (R31, R33). The spec's digest binds it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Breadth {
    /// Each grant.
    #[schemars(length(max = 20))]
    pub grants: Vec<GrantBreadth>,
    /// Size of all the Datasets together in bytes: most that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::quantity")]
    pub size_at_most: Option<Quantity>,
    /// People.
    pub people: i64,
    /// Countries of people and organisations.
    #[schemars(length(max = 250), inner(length(max = 2)))]
    pub countries: Vec<String>,
}

/// How much of a Dataset is asked for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GrantBreadth {
    /// Grant name.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Dataset name.
    #[schemars(schema_with = "schema::name")]
    pub dataset: String,
    /// Whether the whole Dataset is asked for.
    pub whole: bool,
    /// Folders asked for; none when whole.
    pub sub_paths: i64,
    /// The reason given.
    #[schemars(schema_with = "schema::short_text")]
    pub minimisation: String,
}

/// What the SdePolicy's lists say of one other country.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TransferIndicator {
    /// The country.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// Adequacy: Full, Partial or None.
    #[schemars(schema_with = "schema::reference")]
    pub adequacy: String,
    /// Whether it is on the list of positive indicators.
    pub positive: bool,
    /// Whether it is on the list of negative indicators.
    pub negative: bool,
}

/// A namespace as observed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ObservedNamespace {
    /// Name.
    #[schemars(schema_with = "schema::reference")]
    pub name: String,
    /// UID.
    #[schemars(schema_with = "schema::reference")]
    pub uid: String,
}

/// The public half of a signing key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AttestationKey {
    /// Key id: SHA-256 over the DER of the public key.
    #[schemars(schema_with = "schema::reference")]
    pub key_id: String,
    /// SPKI PEM.
    #[schemars(length(max = 1024))]
    pub public_key: String,
}

/// State of one dataset grant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// Grant name.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Dataset name.
    #[schemars(schema_with = "schema::name")]
    pub dataset: String,
    /// Manifest digest that was found in the mounted data, once checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub manifest_digest: Option<String>,
    /// Files counted by the check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<i64>,
    /// Bytes counted by the check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
    /// When the check ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Time>,
    /// Whether nodes report recursive read-only mounts, so that mounts below the volume are read-only too.
    #[serde(default)]
    pub recursive_read_only: bool,
}

/// A judged report of a probe: what was tried from inside and what came of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// When it was judged.
    pub time: Time,
    /// Pod from whose network namespace the probe dialled.
    #[serde(rename = "podUID")]
    #[schemars(schema_with = "schema::reference")]
    pub pod_uid: String,
    /// Node of that pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub node: Option<String>,
    /// Sentinel boot id, the same before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub sentinel_boot_id: Option<String>,
    /// SHA-256 over the NetworkPolicies in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub policy_digest: Option<String>,
    /// Each target and its verdict.
    #[schemars(length(max = 40))]
    pub targets: Vec<ProofTarget>,
}

/// One target of a probe.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProofTarget {
    /// Name.
    #[schemars(schema_with = "schema::reference")]
    pub name: String,
    /// Verdict: Open, Blocked, Absent, Silent or Inconclusive.
    #[schemars(schema_with = "schema::reference")]
    pub verdict: String,
}

/// The course of a closure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ClosingStatus {
    /// When Closed was first seen.
    pub requested_at: Time,
    /// Digest of the inventory: what a Closure approval must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub inventory_digest: Option<String>,
    /// Everything that holds or held data of the project, as enumerated when all was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub inventory: Option<Vec<Medium>>,
    /// What the airlock held when it was emptied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub airlock: Option<AirlockEmptied>,
    /// Steps done (research: standards.md 2.4).
    #[schemars(length(max = 20))]
    pub steps: Vec<ClosingStep>,
}

/// What the airlock of a project held when its closure had emptied it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AirlockEmptied {
    /// AirlockRequests of the project, each of which has ended.
    #[schemars(range(min = 0))]
    pub requests: i64,
    /// Chambers with sealed content whose volumes were seen gone, whenever that was.
    #[schemars(range(min = 0))]
    pub chambers_destroyed: i64,
}

/// One thing that holds or held data.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Medium {
    /// Kind of medium.
    pub kind: MediumKind,
    /// Claim name.
    #[schemars(schema_with = "schema::short_text")]
    pub claim: String,
    /// Claim UID.
    #[serde(rename = "claimUID")]
    #[schemars(schema_with = "schema::reference")]
    pub claim_uid: String,
    /// PersistentVolume name, once bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub volume: Option<String>,
    /// PersistentVolume UID.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "volumeUID")]
    #[schemars(schema_with = "schema::reference")]
    pub volume_uid: Option<String>,
    /// StorageClass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub storage_class: Option<String>,
    /// Reclaim policy found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub reclaim_policy: Option<String>,
    /// Driver or provisioner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub driver: Option<String>,
    /// Salted digest of the backend's handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub handle_digest: Option<String>,
    /// Capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::quantity")]
    pub capacity: Option<Quantity>,
    /// When claim and volume were both observed gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Time>,
}

/// Kind of medium.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumKind {
    /// A person's home volume: destroyed on closing.
    Home,
    /// A grant's claim on a dataset: released; the source itself is the custodian's and stays.
    DatasetGrant,
}

/// One step of a closure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ClosingStep {
    /// T0 to T14.
    #[schemars(schema_with = "schema::reference")]
    pub id: String,
    /// When it was begun.
    pub started_at: Time,
    /// When it was observed done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// What was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub result: Option<String>,
}
