//! `Project`: what a custodian approves: purpose, people, data, environments, compute, dates.

use std::collections::BTreeMap;

use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declarations::{DeclaredUse, ExternalAdvice, LegacyCopy, Setting, Transfer};
use crate::evidence::Evidence;
pub use crate::people::{
    GdprRole, Organisation, OrganisationApproval, Person, PersonRole, Sector, Training,
};
use crate::project_status::ProjectStatus;
use crate::schema;

/// A study that a custodian lets some people do with some data, in a secure data environment.
///
/// No field has a server-side default: the spec digest is over the bytes the custodian wrote.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "Project",
    plural = "projects",
    shortname = "prj",
    category = "sde",
    status = "ProjectStatus",
    derive = "PartialEq",
    doc = "A study that a custodian lets some people do with some data, in a locked environment.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')").message("Project names are DNS labels of at most 40 characters that begin with a letter, since they show in namespaces and metrics: choose an opaque one such as prj-4f2c."),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Locked", type_ = "string", json_path = ".status.conditions[?(@.type=='EgressEnforced')].status", description = "Whether the lock is proven on the cluster now"),
    printcolumn(name = "Approved", type_ = "string", json_path = ".status.conditions[?(@.type=='Approved')].status"),
    printcolumn(name = "Workspaces", type_ = "integer", json_path = ".status.workspaces", description = "Workspaces that are running"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.schedule.expires"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("oldSelf.lifecycle != 'Closed' || self == oldSelf").message("Closed is terminal: a closed Project never changes. Create a new Project under another name."))]
#[x_kube(validation = Rule::new("self.lifecycle != 'Closed' || !has(self.closure.legalHold) || !self.closure.legalHold").message("A legal hold stops every deletion: lift closure.legalHold before setting lifecycle: Closed."))]
#[x_kube(validation = Rule::new("self.people.all(p, self.organisations.exists(o, o.name == p.organisation))").message("Every person's organisation must be listed under organisations, with its approval (R35)."))]
#[x_kube(validation = Rule::new("self.people.filter(p, 'Lead' in p.roles).size() == 1").message("Exactly one person has the role Lead."))]
#[x_kube(validation = Rule::new("self.schedule.starts < self.schedule.expires").message("schedule.expires must be later than schedule.starts."))]
#[x_kube(validation = Rule::new("self.closure.mode != 'RetainInaccessible' || (has(self.closure.legalBasis) && has(self.closure.reviewBy))").message("closure.mode RetainInaccessible needs legalBasis and reviewBy (R9)."))]
#[x_kube(validation = Rule::new("!self.purpose.ethics.required || (has(self.purpose.ethics.reference) && has(self.purpose.ethics.expires))").message("When ethics approval is required, purpose.ethics needs reference and expires (R49)."))]
#[x_kube(validation = Rule::new("!has(self.transfers) || self.transfers.all(t, self.organisations.exists(o, o.name == t.organisation))").message("Every transfer's organisation must be listed under organisations (R63)."))]
pub struct ProjectSpec {
    /// What it is about, for people.
    #[schemars(schema_with = "schema::short_text")]
    pub title: String,
    /// Who submits this spec: the user name of whoever applies it. Approvers must be other people.
    #[schemars(schema_with = "schema::authenticated_user")]
    pub submitted_by: String,
    /// Who holds the data.
    pub custodian: Custodian,
    /// Tier, one of the SdePolicy's tiers.
    #[schemars(schema_with = "schema::name")]
    pub tier: String,
    /// Why, and for whose benefit (R47-R50).
    pub purpose: Purpose,
    /// Organisations that sponsor the people (R35).
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub organisations: Vec<Organisation>,
    /// People who work in the project (R16, R38).
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["user".into()]))]
    pub people: Vec<Person>,
    /// Datasets granted, read-only (R17, R31).
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub datasets: Vec<DatasetGrant>,
    /// What the data is used for; matched against the Datasets' terms (R21, R51).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_use: Option<DeclaredUse>,
    /// In whose environment the data is used (R3-R7, R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
    /// Access from other countries, one for each organisation and country (R63-R74).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["organisation".into(), "country".into()]))]
    pub transfers: Option<Vec<Transfer>>,
    /// Copies handed out before this environment existed (R22).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["reference".into()]))]
    pub legacy_copies: Option<Vec<LegacyCopy>>,
    /// Advice from outside (R52).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["source".into()]))]
    pub external_advice: Option<Vec<ExternalAdvice>>,
    /// Environments people may open, by SdePolicy name.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 40)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub environments: Vec<String>,
    /// Compute of the whole project.
    pub compute: Compute,
    /// When it may be open.
    pub schedule: Schedule,
    /// How it ends.
    pub closure: Closure,
    /// What the custodian wants of it now. The only field outside the spec digest.
    pub lifecycle: Lifecycle,
}

/// Who holds the data.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Custodian {
    /// Organisation name.
    #[schemars(schema_with = "schema::reference")]
    pub organisation: String,
    /// A mailbox or desk, never a person.
    #[schemars(schema_with = "schema::reference")]
    pub contact: String,
}

/// Why the project exists.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Purpose {
    /// What is to be found out.
    #[schemars(schema_with = "schema::long_text")]
    pub statement: String,
    /// Benefit to human health or the wider public: its nature and extent (R45, R46).
    #[schemars(schema_with = "schema::long_text")]
    pub public_benefit: String,
    /// Guidance on public benefit that was drawn on (R48).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 128)))]
    pub benefit_guidance: Option<Vec<String>>,
    /// Ethics approval (R49, R50).
    pub ethics: Ethics,
    /// Risks weighed against benefits (R47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_assessment: Option<Evidence>,
    /// Data protection and research governance (R30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governance: Option<Governance>,
}

/// Data protection and research governance, as the organisations that judge them recorded it (R30).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Governance {
    /// Legal basis, confidentiality included.
    pub legal_basis: Evidence,
    /// Data protection impact assessment.
    pub impact_assessment: Evidence,
    /// Research governance.
    pub research: Evidence,
}

/// Ethics approval (R49).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ethics {
    /// Whether one is required.
    pub required: bool,
    /// Its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub reference: Option<String>,
    /// Last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub expires: Option<Date>,
    /// The body that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub body: Option<String>,
    /// The approval itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// One dataset the project may read.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DatasetGrant {
    /// Name inside the project: mounted at `/data/<name>`.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// The Dataset.
    #[schemars(schema_with = "schema::name")]
    pub dataset: String,
    /// Folders of the Dataset that are mounted; all of it when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        inner(
            length(min = 1, max = 128),
            regex(pattern = r"^[A-Za-z0-9_]([-A-Za-z0-9_./]*[A-Za-z0-9_])?$")
        )
    )]
    pub sub_paths: Option<Vec<String>>,
    /// Why this much and no less is needed (R31).
    #[schemars(schema_with = "schema::short_text")]
    pub minimisation: String,
    /// Copy of the Dataset's manifestDigest: binds the approval to these bytes, so that a Dataset made again under the same name is not granted (R33).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub manifest_digest: Option<String>,
}

/// Compute of the whole project.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// CPU cores of all workspaces together.
    #[schemars(schema_with = "schema::quantity")]
    pub cpu: Quantity,
    /// Memory of all workspaces together, in bytes.
    #[schemars(schema_with = "schema::quantity")]
    pub memory: Quantity,
    /// Home volumes of all people together, in bytes; each gets an even share.
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

/// When the project may be open.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// First day, from 00:00:00Z.
    #[schemars(schema_with = "schema::date")]
    pub starts: Date,
    /// Last day, through 23:59:59Z; afterwards the project is suspended, nothing is deleted.
    #[schemars(schema_with = "schema::date")]
    pub expires: Date,
}

/// How the project ends.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Closure {
    /// Delete everything, or keep it unreachable for a legal reason (R8, R9).
    pub mode: ClosureMode,
    /// Legal basis of keeping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub legal_basis: Option<String>,
    /// Day by which keeping is reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub review_by: Option<Date>,
    /// Stops every deletion while true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<bool>,
}

/// How a closure ends.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosureMode {
    /// Home volumes and all else are deleted.
    Delete,
    /// Kept, but unreachable for users.
    RetainInaccessible,
}

/// What the custodian wants of the project now.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Open for the people, once approved and within its dates.
    Active,
    /// Nothing runs, nothing is deleted.
    Suspended,
    /// To be closed, for good.
    Closed,
}
