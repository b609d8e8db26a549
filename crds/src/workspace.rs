//! `Workspace`: one person, one environment, one notebook, inside a project's namespace.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::project_status::Proof;
use crate::schema;

/// One notebook of one person.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "Workspace",
    plural = "workspaces",
    shortname = "ws",
    category = "sde",
    namespaced,
    status = "WorkspaceStatus",
    derive = "PartialEq",
    doc = "One notebook of one person, opened only after the lock of its own pod is proven.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')").message("Workspace names are DNS labels of at most 40 characters that begin with a letter. Rename this object."),
    printcolumn(name = "User", type_ = "string", json_path = ".spec.user"),
    printcolumn(name = "Environment", type_ = "string", json_path = ".spec.environment"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Locked", type_ = "string", json_path = ".status.conditions[?(@.type=='EgressEnforced')].status", description = "Whether this pod was proven unable to reach out"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.user == oldSelf.user && self.environment == oldSelf.environment && (has(self.resources) == has(oldSelf.resources)) && (!has(self.resources) || self.resources == oldSelf.resources)").message("A Workspace's person, environment and resources never change: delete it and create another. The home volume stays."))]
pub struct WorkspaceSpec {
    /// The person, as in the Project's people.
    #[schemars(schema_with = "schema::user")]
    pub user: String,
    /// The environment, as in the Project's environments.
    #[schemars(schema_with = "schema::name")]
    pub environment: String,
    /// Whether the notebook should run. A restart is a new pod, proven anew.
    pub running: bool,
    /// What this notebook gets of the Project's compute; an even share when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<WorkspaceResources>,
}

/// What a notebook gets of the Project's compute.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceResources {
    /// CPU cores.
    #[schemars(schema_with = "schema::quantity")]
    pub cpu: Quantity,
    /// Memory in bytes.
    #[schemars(schema_with = "schema::quantity")]
    pub memory: Quantity,
    /// Accelerators by extended resource name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::quantities")]
    pub accelerators: Option<BTreeMap<String, Quantity>>,
}

/// For people's eyes; programs read the conditions.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspacePhase {
    /// Something must come first; the Ready condition says what.
    #[default]
    Waiting,
    /// The pod's lock is being proven.
    Proving,
    /// The lock is proven, the notebook is starting.
    Starting,
    /// The notebook answers.
    Running,
    /// Stopped, by wish or because the Project is not active.
    Stopped,
    /// The lock did not hold; nothing was opened.
    Refused,
    /// The notebook ended by itself or could not start.
    Failed,
}

impl std::fmt::Display for WorkspacePhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What the controller knows of a Workspace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// For people's eyes.
    #[serde(default)]
    pub phase: WorkspacePhase,
    /// How many pods were made for this Workspace so far; the number is in the pod's name.
    #[serde(default)]
    pub starts: i64,
    /// Of the last starts, how many in a row were refused or inconclusive.
    #[serde(default)]
    pub failed_starts: i64,
    /// The present pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<WorkspacePod>,
    /// The last proof of the lock for this Workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// When the present state was reached by the last start, for `failedStarts` back-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_start: Option<Time>,
    /// Conditions: Ready, EgressEnforced, DataMounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
}

/// The pod of one start.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkspacePod {
    /// Name of the pod, and of the Secret with its notebook token (key `token`).
    #[schemars(schema_with = "schema::reference")]
    pub name: String,
    /// UID of the pod.
    #[schemars(schema_with = "schema::reference")]
    pub uid: String,
    /// Node on which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub node: Option<String>,
    /// Address at which the hub's proxy finds the notebook once Ready, `http://IP:8888/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub url: Option<String>,
}
