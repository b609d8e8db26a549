//! `Project`: what a custodian approves: purpose, people, data, environments, compute, dates.

use std::collections::BTreeMap;

use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[x_kube(validation = Rule::new("!self.purpose.ethics.required || (has(self.purpose.ethics.reference) && has(self.purpose.ethics.expires))").message("When ethics approval is required, purpose.ethics needs reference and expires (R50)."))]
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
    /// Benefit to human health or the wider public (R47, R48).
    #[schemars(schema_with = "schema::long_text")]
    pub public_benefit: String,
    /// Ethics approval (R50).
    pub ethics: Ethics,
}

/// Ethics approval.
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
}

/// An organisation that sponsors people.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Organisation {
    /// Name that people refer to.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Sector.
    pub sector: Sector,
    /// Country of establishment.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// The holder's approval of the organisation (R34, R35).
    pub approval: OrganisationApproval,
}

/// Sector of an organisation.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sector {
    /// University or research institute.
    Academic,
    /// National Health Service body.
    NHS,
    /// Charity.
    Charity,
    /// Company.
    Commercial,
    /// Government body.
    Government,
}

/// The holder's approval of an organisation.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OrganisationApproval {
    /// Its reference.
    #[schemars(schema_with = "schema::reference")]
    pub reference: String,
    /// Last day on which it holds.
    #[schemars(schema_with = "schema::date")]
    pub expires: Date,
}

/// A person of the project.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The name the API server and the hub know the person by: opaque, lower case.
    #[schemars(schema_with = "schema::user")]
    pub user: String,
    /// The sponsoring organisation, one of organisations.
    #[schemars(schema_with = "schema::name")]
    pub organisation: String,
    /// What the person may do.
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub roles: Vec<PersonRole>,
    /// Countries the person works from. Declared; a cluster without a location source cannot enforce it.
    #[schemars(
        length(min = 1, max = 8),
        inner(length(max = 2), regex(pattern = "^[A-Z]{2}$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub access_from: Vec<String>,
    /// Training, with its expiry, after which the person has no access.
    pub training: Training,
}

/// What a person may do.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum PersonRole {
    /// Answers for the project; exactly one.
    Lead,
    /// Opens workspaces.
    Researcher,
    /// May receive what the airlock releases.
    Egress,
}

/// A person's training.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Training {
    /// Course.
    #[schemars(schema_with = "schema::reference")]
    pub course: String,
    /// Last day on which it counts.
    #[schemars(schema_with = "schema::date")]
    pub expires: Date,
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
