//! `SdePolicy`: the platform's and governance's floors and defaults, one object named `default`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy_airlock::AirlockPolicy;
use crate::policy_lists::{ExtraApproval, Requirement, ThirdPartySde, TransferPolicy};
use crate::project_approval::ApprovalRole;
use crate::schema;

/// What every Project on this cluster is held to (R2, R15): tiers, environment images, accelerators,
/// what the probe must fail to reach, and how many people must agree.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "SdePolicy",
    plural = "sdepolicies",
    category = "sde",
    derive = "PartialEq",
    doc = "Floors and defaults of this cluster's secure data environments. One object, named default.",
    validation = Rule::new("self.metadata.name == 'default'").message("There is one SdePolicy and its name is default: rename this object."),
    printcolumn(name = "Tiers", type_ = "string", json_path = ".spec.tiers[*].name"),
    printcolumn(name = "Environments", type_ = "string", json_path = ".spec.environments[*].name"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct SdePolicySpec {
    /// Tiers a Project may name; each is a ceiling.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tiers: Vec<Tier>,
    /// Environment images, pinned by digest (R13, R18).
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environments: Vec<Environment>,
    /// Extended resource names of accelerators known on this cluster; a Project's quota says zero for each that it is not granted.
    #[schemars(length(max = 32), inner(length(max = 253)))]
    pub accelerators: Vec<String>,
    /// DeviceClass names (dynamic resource allocation); a Project's quota says zero for each.
    #[schemars(length(max = 32), inner(length(max = 253)))]
    pub device_classes: Vec<String>,
    /// What the probe dials and how often.
    pub probe: ProbePolicy,
    /// Who must agree before a Project opens or closes.
    pub approvals: ApprovalPolicy,
    /// Which data sources may be used.
    pub data_sources: DataSourcePolicy,
    /// StorageClass of home volumes; its reclaim policy must be Delete for a closure to be able to end as Destroyed.
    #[schemars(schema_with = "schema::reference")]
    pub storage_class: String,
    /// Version of the guidance this policy was written against, for evidence (R4), such as `2026-07-02`.
    #[schemars(schema_with = "schema::reference")]
    pub guidance_version: String,
    /// Day by which this policy is held against the guidance again, at least every six months (R79).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub review_by: Option<Date>,
    /// Days ahead of an end (of approvals, training, evidence, lists) at which people are warned; 30 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 366))]
    pub warn_days: Option<i64>,
    /// Days for which a look-up of breaches counts (R40); 90 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 366))]
    pub breach_check_days: Option<i64>,
    /// Where the data is, and lists of other countries. While left out, countries are recorded and not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<TransferPolicy>,
    /// Other environments that Projects may name (R3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub third_party_sdes: Option<Vec<ThirdPartySde>>,
    /// People who decide through the portal, by the names they sign in with: custodians, approvers, output checkers. The
    /// portal may act for these and no others, and only to read and to decide; what each may decide is up to their own roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::users")]
    pub deciders: Option<Vec<String>>,
    /// Who decides what leaves and enters, and how. Nothing acts on it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub airlock: Option<AirlockPolicy>,
}

/// A ceiling for Projects of one sensitivity.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// Name that Projects use.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Most that one Project of this tier may ask for.
    pub max_compute: TierCompute,
    /// Longest a Project may last from its start, in days.
    #[schemars(range(min = 1, max = 3660))]
    pub max_days: i64,
    /// Where pods of this tier run; anywhere when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// What every Project of this tier must declare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub requires: Option<Vec<Requirement>>,
    /// Form of the admission policies without which no Project of this tier is open (R2); Any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_form: Option<PolicyForm>,
}

/// What a tier asks of the admission policies, which keep the locks against people, administrators too.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyForm {
    /// Nothing. They may be objects of the API alone, which whoever may delete them can take away.
    #[default]
    Any,
    /// Each API server also loads them from its own disk (KEP-5793), where nobody can take them away through the API.
    /// The controller finds out by requests that must be refused; while they are not, nothing of the tier runs.
    Static,
}

/// A tier's node pool, sandbox and priority (R13). All pods of its Projects go there, the standing probe and the data check too, so
/// that what is proven is proven there.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Labels that a node must have: a pool, an architecture, a zone (`topology.kubernetes.io/zone`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::node_labels")]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Taints of that pool, which keep everybody else out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub tolerations: Option<Vec<PoolToleration>>,
    /// RuntimeClass, such as a sandbox with a kernel of its own (`gvisor`, `kata`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::object_name")]
    pub runtime_class_name: Option<String>,
    /// PriorityClass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::object_name")]
    pub priority_class_name: Option<String>,
}

/// A taint that pods of a tier put up with.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PoolToleration {
    /// The taint's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// The taint's value; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,
    /// The taint's effect.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaintEffect {
    /// Pods are not scheduled there.
    NoSchedule,
    /// Pods are not scheduled there if it can be helped.
    PreferNoSchedule,
    /// Pods are also driven off.
    NoExecute,
}

impl std::fmt::Display for TaintEffect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Ceiling of a tier's compute.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TierCompute {
    /// CPU cores.
    #[schemars(schema_with = "schema::quantity")]
    pub cpu: Quantity,
    /// Memory in bytes.
    #[schemars(schema_with = "schema::quantity")]
    pub memory: Quantity,
    /// Storage of all home volumes together, in bytes.
    #[schemars(schema_with = "schema::quantity")]
    pub storage: Quantity,
    /// Accelerators by extended resource name; what is not listed is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::quantities")]
    pub accelerators: Option<BTreeMap<String, Quantity>>,
    /// Workspaces running at once.
    #[schemars(range(min = 1, max = 200))]
    pub max_workspaces: i64,
}

/// An environment a Workspace may run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Name that Projects and Workspaces use.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Image, by digest.
    #[schemars(schema_with = "schema::image")]
    pub image: String,
    /// What is in it, for people.
    #[schemars(schema_with = "schema::short_text")]
    pub description: String,
}

/// What the probe dials beyond the built-in targets, and its times.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProbePolicy {
    /// How long one standing probe pod lives, in seconds; then its report is judged and a new one made.
    #[schemars(range(min = 60, max = 86400))]
    pub standing_seconds: i64,
    /// How long after a due report was missed a Project is suspended, in seconds.
    #[schemars(range(min = 60, max = 86400))]
    pub inconclusive_deadline_seconds: i64,
    /// Cloud metadata addresses to dial on TCP port 80.
    #[schemars(length(max = 8), inner(length(max = 45)))]
    pub metadata_addresses: Vec<String>,
    /// Listeners outside the cluster that must not be reached.
    #[schemars(length(max = 8))]
    pub canaries: Vec<Canary>,
}

/// A listener outside the cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Name in reports.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// IP address; never a host name, since workspaces have no DNS.
    #[schemars(length(max = 45))]
    pub address: String,
    /// TCP or UDP port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i64,
    /// Protocol.
    pub protocol: CanaryProtocol,
}

/// Transport protocol of a canary.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryProtocol {
    /// Transmission Control Protocol.
    TCP,
    /// User Datagram Protocol.
    UDP,
}

/// Who must agree.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalPolicy {
    /// Roles that must each be approved, by distinct people, before a Project opens (R32).
    #[schemars(length(min = 1, max = 8))]
    pub project_roles: Vec<ApprovalRole>,
    /// Distinct people who must approve a closure.
    #[schemars(range(min = 2, max = 8))]
    pub closure_approvers: i64,
    /// Who else must approve when a whole Dataset is granted, without subPaths (R31).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_dataset: Option<ExtraApproval>,
    /// Who else must approve a transfer to a country with a negative indicator (R72).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_indicator: Option<ExtraApproval>,
}

/// Which data sources may be used.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DataSourcePolicy {
    /// Whether hostPath sources are allowed: development only, since the path is the node's own.
    pub host_path_allowed: bool,
}
