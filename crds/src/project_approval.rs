//! `ProjectApproval`: one person's decision on exact bytes. Created once, never changed.

use jiff::civil::Date;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// One person's decision, in one role, on one Project's exact spec (or, for Closure, its exact inventory).
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "ProjectApproval",
    plural = "projectapprovals",
    shortname = "pa",
    category = "sde",
    derive = "PartialEq",
    doc = "One person's decision on a Project's exact bytes. It is created once and never changes.",
    validation = Rule::new("self.spec == oldSelf.spec").message("An approval never changes: create a new one; to withdraw, create one with decision Revoked."),
    printcolumn(name = "Project", type_ = "string", json_path = ".spec.project"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role"),
    printcolumn(name = "Decision", type_ = "string", json_path = ".spec.decision"),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.approver"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expires"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.approver != self.submittedBy").message("Nobody approves their own: approver and submittedBy must be two people."))]
#[x_kube(validation = Rule::new("self.role == 'Closure' ? self.digest.startsWith('inventory:v1:') : self.digest.startsWith('v1:')").message("digest is status.specDigest of the Project, or for role Closure its status.closing.inventoryDigest: copy it, or use kubectl sde approve."))]
pub struct ProjectApprovalSpec {
    /// Name of the Project.
    #[schemars(schema_with = "schema::name")]
    pub project: String,
    /// UID of the Project: one made again under the same name has none of its approvals.
    #[serde(rename = "projectUID")]
    #[schemars(length(min = 36, max = 36))]
    pub project_uid: String,
    /// In which role the approver decides.
    pub role: ApprovalRole,
    /// The decision.
    pub decision: Decision,
    /// Exact bytes: the Project's status.specDigest, or for Closure its status.closing.inventoryDigest.
    #[schemars(
        length(max = 90),
        regex(pattern = "^(inventory:)?v1:sha256:[0-9a-f]{64}$")
    )]
    pub digest: String,
    /// Who decides; must be the user who creates this object.
    #[schemars(schema_with = "schema::authenticated_user")]
    pub approver: String,
    /// Copy of the Project's spec.submittedBy, so that the API server can compare; void when it differs from the real one.
    #[schemars(schema_with = "schema::authenticated_user")]
    pub submitted_by: String,
    /// Last day on which this approval counts.
    #[schemars(schema_with = "schema::date")]
    pub expires: Date,
    /// Reference to the record of the decision (R32, R33), kept by the custodian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub reference: Option<String>,
}

/// In which role an approver decides.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum ApprovalRole {
    /// The data access committee (R32).
    DataAccess,
    /// Public benefit is weighed (R45, R47).
    PublicBenefit,
    /// Ethics approval is seen (R49, R50).
    Ethics,
    /// Access from abroad is weighed (R64, R72).
    Transfer,
    /// Destruction of what the inventory lists.
    Closure,
}

impl std::fmt::Display for ApprovalRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// A decision.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// An earlier yes of the same person and role no longer counts.
    Revoked,
}
