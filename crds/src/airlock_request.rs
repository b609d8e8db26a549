//! `AirlockRequest`: one folder that is to leave or enter a project, what it is said to be, and what became of it.
//!
//! In the project's own namespace, since the project's people ask and everything that judges a request (members, policies, quota,
//! closing) is found through that namespace.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::airlock_status::AirlockRequestStatus;
use crate::schema;

/// One folder that is to cross the boundary of a project. One request is for one content: what comes back is another request.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "AirlockRequest",
    plural = "airlockrequests",
    shortname = "ar",
    category = "sde",
    namespaced,
    status = "AirlockRequestStatus",
    derive = "PartialEq",
    doc = "One folder that is to leave or enter a project through the airlock. Exports and transfers to other environments are collected, and Imports uploaded, through the door.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')").message("Request names are DNS labels of at most 40 characters that begin with a letter. Rename this object."),
    validation = Rule::new("!has(self.spec.confirmedDigest) || (has(self.status) && has(self.status.content) && self.status.content.digest == self.spec.confirmedDigest)").message("spec.confirmedDigest is status.content.digest, once the folder is sealed: look at what was sealed and copy that digest. What was confirmed never changes."),
    printcolumn(name = "Direction", type_ = "string", json_path = ".spec.direction"),
    printcolumn(name = "Requester", type_ = "string", json_path = ".spec.requester"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reviews", type_ = "string", json_path = ".status.reviews.summary", description = "How many of the reviews that are needed are in"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.expiresAt"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.requester == oldSelf.requester && self.direction == oldSelf.direction && has(self.folder) == has(oldSelf.folder) && (!has(self.folder) || self.folder == oldSelf.folder) && has(self.transfer) == has(oldSelf.transfer) && (!has(self.transfer) || self.transfer == oldSelf.transfer) && has(self.supersedes) == has(oldSelf.supersedes) && (!has(self.supersedes) || self.supersedes == oldSelf.supersedes)").message("Who asks, for what folder and which way never changes: withdraw this request and make another."))]
#[x_kube(validation = Rule::new("!has(oldSelf.confirmedDigest) || (has(self.confirmedDigest) && self.confirmedDigest == oldSelf.confirmedDigest && has(self.outputs) == has(oldSelf.outputs) && (!has(self.outputs) || self.outputs == oldSelf.outputs) && has(self.imports) == has(oldSelf.imports) && (!has(self.imports) || self.imports == oldSelf.imports))").message("A submitted request never changes: withdraw it and make another that supersedes it."))]
#[x_kube(validation = Rule::new("(!oldSelf.seal || self.seal) && (!oldSelf.withdrawn || self.withdrawn)").message("seal and withdrawn are set once and stay set."))]
#[x_kube(validation = Rule::new("!has(oldSelf.retries) || (has(self.retries) && self.retries >= oldSelf.retries)").message("retries only ever grows."))]
#[x_kube(validation = Rule::new("!has(oldSelf.collect) || (has(self.collect) && self.collect >= oldSelf.collect)").message("collect only ever grows."))]
#[x_kube(validation = Rule::new("!has(self.collect) || self.direction != 'Import'").message("An Import is not collected: it comes to lie in its requester's workspaces."))]
#[x_kube(validation = Rule::new("!has(oldSelf.upload) || (has(self.upload) && self.upload >= oldSelf.upload)").message("upload only ever grows."))]
#[x_kube(validation = Rule::new("!has(self.upload) || self.direction == 'Import'").message("Only an Import is uploaded: an Export's files are in the requester's outbox."))]
#[x_kube(validation = Rule::new("self.direction == 'Export' ? has(self.folder) && !has(self.imports) && !has(self.transfer) : self.direction == 'Import' ? !has(self.folder) && !has(self.outputs) && !has(self.transfer) : has(self.transfer) && !has(self.folder) && !has(self.outputs) && !has(self.imports)").message("An Export has a folder and outputs, an Import has imports, a TransferToSde has a transfer, and none has what belongs to the others."))]
#[x_kube(validation = Rule::new("!has(self.confirmedDigest) || (self.seal && (self.direction == 'Export' ? has(self.outputs) : self.direction == 'Import' ? has(self.imports) : true))").message("Before a request is confirmed it is sealed, and every file in it is declared under outputs or imports (R60)."))]
pub struct AirlockRequestSpec {
    /// Who asks; must be the user who creates this object. Never one of its reviewers.
    #[schemars(schema_with = "schema::user")]
    pub requester: String,
    /// Which way the files go (R24).
    pub direction: Direction,
    /// Export: name of the folder in the requester's outbox. Only this folder is mounted while it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub folder: Option<String>,
    /// TransferToSde: what goes to which other environment (R57). Only a custodian asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferOfGrant>,
    /// Why these files must cross, in words of at most 32 characters.
    #[schemars(schema_with = "schema::words")]
    pub justification: String,
    /// Export: what the files are. Every file of the sealed folder belongs to exactly one output (R60).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub outputs: Option<Vec<Output>>,
    /// Import: what the files are. Every file belongs to exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub imports: Option<Vec<Import>>,
    /// Set true once the folder (Export) or the upload (Import) is complete: it is then copied, and later changes of the folder change nothing.
    pub seal: bool,
    /// Submits: the digest of what was sealed, copied from status.content.digest by the person who has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bound_digest")]
    pub confirmed_digest: Option<String>,
    /// Takes the request back. Nothing is released afterwards.
    pub withdrawn: bool,
    /// Raised by one to try again what has Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 16))]
    pub retries: Option<i64>,
    /// The Returned request that this one answers, so that reviewers see what has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub supersedes: Option<String>,
    /// Raised by one to collect what was Released: it is then made ready for half an hour (status.serving), for one download. How
    /// often it may be is up to the SdePolicy's collections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 16))]
    pub collect: Option<i64>,
    /// Raised by one to upload an Import's files, before it is sealed: for half an hour from then on, and from each upload, the door
    /// takes them (status.serving). What was uploaded before stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 16))]
    pub upload: Option<i64>,
}

/// Which way files go.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum Direction {
    /// Out of the project, to its requester.
    Export,
    /// Into the project.
    Import,
    /// Out of a Dataset grant, encrypted, to another approved environment (R57).
    TransferToSde,
}

/// Individual-level data that goes to another environment.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TransferOfGrant {
    /// The Project's dataset grant; never anybody's outbox.
    #[schemars(schema_with = "schema::name")]
    pub grant: String,
    /// The environment, one of the SdePolicy's thirdPartySdes.
    #[schemars(schema_with = "schema::name")]
    pub sde: String,
}

/// One result that is to leave, and what a reviewer must know of it (R54, R60).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.statistic in ['Code', 'Document'] || (has(self.population) && has(self.code))").message("Every output but Code and Document says which population it is about, how many people that is, and which code made it."))]
pub struct Output {
    /// Name, unique in the request.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Its files, by their number in the sealed manifest, counted from 0. Names of files stay in the chamber.
    #[schemars(schema_with = "schema::file_numbers")]
    pub files: Vec<i64>,
    /// What kind of statistic it is.
    pub statistic: Statistic,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// How small counts were treated.
    pub suppression: Suppression,
    /// Number of the file that holds the unrounded counts behind it; a figure without one is held (AL-S012).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 49))]
    pub counts_file: Option<i64>,
    /// The code that made it: a Git commit or a digest of the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 71),
        regex(pattern = "^(git:[0-9a-f]{40}|sha256:[0-9a-f]{64})$")
    )]
    pub code: Option<String>,
    /// What it is wanted for.
    pub intended_use: IntendedUse,
}

/// Kind of statistic; the classes of risk follow the SACRO guide to statistical output checking (Zenodo 10054629), with those that
/// a genomic environment adds.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Counts, tables of counts, proportions of them.
    Frequencies,
    /// Medians, percentiles.
    Position,
    /// Minimum and maximum.
    ExtremeValues,
    /// Standard deviation, skewness, kurtosis.
    Shape,
    /// Means, totals.
    LinearAggregation,
    /// Most frequent value.
    Mode,
    /// Gini and other concentration measures.
    ConcentrationRatio,
    /// Ratios, odds ratios, risk ratios.
    Ratio,
    /// Hazard and survival tables, Kaplan-Meier curves.
    Survival,
    /// Test statistics and p-values.
    HypothesisTest,
    /// Correlation and regression coefficients.
    Association,
    /// Several tables of one population that can be linked.
    LinkedTable,
    /// Clusters.
    Cluster,
    /// Association statistics by variant over the genome.
    GwasSummary,
    /// A plot.
    Figure,
    /// Parameters of a trained model (R55).
    Model,
    /// Program text.
    Code,
    /// Prose.
    Document,
}

/// Whom an output is about.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Population {
    /// Who they are, in words of at most 32 characters.
    #[schemars(schema_with = "schema::words")]
    pub description: String,
    /// How many people.
    #[schemars(range(min = 0, max = 100_000_000))]
    pub size: i64,
}

/// How small counts were treated.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.method in ['Suppressed', 'SuppressedAndSecondary']) == has(self.threshold)").message("threshold is given with method Suppressed or SuppressedAndSecondary, and only then."))]
#[x_kube(validation = Rule::new("(self.method == 'Rounded') == has(self.base)").message("base is given with method Rounded, and only then."))]
pub struct Suppression {
    /// What was done.
    pub method: SuppressionMethod,
    /// Smallest count of people that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub threshold: Option<i64>,
    /// Counts were rounded to multiples of this number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1000))]
    pub base: Option<i64>,
}

/// What was done with small counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionMethod {
    /// No count of people can be told from it.
    NotApplicable,
    /// Nothing was done: every count is shown as it is.
    None,
    /// Counts below the threshold are left out.
    Suppressed,
    /// So are those from which they could be told.
    SuppressedAndSecondary,
    /// Counts are rounded.
    Rounded,
    /// Noise was added.
    Perturbed,
}

/// What an output is wanted for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntendedUse {
    /// An article, a preprint, its supplement.
    Publication,
    /// A thesis.
    Thesis,
    /// A talk or poster.
    Presentation,
    /// A report to a funder, a regulator or the custodian.
    Report,
    /// Discussion among the project's people.
    Discussion,
    /// Meta-analysis with others.
    MetaAnalysis,
    /// Software that others may use.
    Software,
    /// A summary for participants or the public.
    PublicSummary,
}

/// Something that is to come in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Name, unique in the request.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Its files, by their number in the sealed manifest, counted from 0.
    #[schemars(schema_with = "schema::file_numbers")]
    pub files: Vec<i64>,
    /// What it is; decides how many must review it.
    pub kind: ImportKind,
    /// Where it comes from, in words of at most 32 characters.
    #[schemars(schema_with = "schema::words")]
    pub origin: String,
    /// SPDX licence identifier, or a reference to the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub licence: Option<String>,
}

/// What comes in.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum ImportKind {
    /// Data that cannot be joined to the project's people.
    Data,
    /// Program text.
    Code,
    /// Anything that is executed as it is. Packages come as image datasets, not so.
    Binary,
    /// Data that can be joined to the project's people.
    LinkageData,
    /// A trained model.
    Model,
}
