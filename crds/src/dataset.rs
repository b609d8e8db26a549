//! `Dataset`: a release of data a custodian has registered, and which projects may be granted it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::project::Custodian;
use crate::schema;

/// A registered release of data: where it is, what it must contain, how it may be used.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "Dataset",
    plural = "datasets",
    shortname = "ds",
    category = "sde",
    status = "DatasetStatus",
    derive = "PartialEq",
    doc = "A release of data that projects can be granted, read-only.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$')").message("Dataset names are DNS labels of at most 40 characters: lower case letters, digits and hyphens. Rename this object."),
    printcolumn(name = "Release", type_ = "string", json_path = ".spec.release"),
    printcolumn(name = "Class", type_ = "string", json_path = ".spec.class"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Granted", type_ = "integer", json_path = ".status.grants"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.source == oldSelf.source && self.manifestDigest == oldSelf.manifestDigest && self.release == oldSelf.release").message("A release never changes: register a new Dataset with its own name for other bytes."))]
pub struct DatasetSpec {
    /// What it is, for people.
    #[schemars(schema_with = "schema::short_text")]
    pub title: String,
    /// Who holds it.
    pub custodian: Custodian,
    /// Release identifier of the custodian (R27).
    #[schemars(schema_with = "schema::reference")]
    pub release: String,
    /// Class, which decides how strict the defaults are (R25).
    pub class: DatasetClass,
    /// SHA-256 of the manifest: lines of hash, size and path, as `sde-agent manifest --print` writes them (R27).
    #[schemars(schema_with = "schema::sha256")]
    pub manifest_digest: String,
    /// Size of the source in bytes, for the volume's capacity.
    #[schemars(schema_with = "schema::quantity")]
    pub size: Quantity,
    /// Data Use Ontology terms (R21), such as `DUO:0000006`.
    #[schemars(
        length(max = 32),
        inner(length(max = 16), regex(pattern = r"^DUO:[0-9]{7}$"))
    )]
    pub duo: Vec<String>,
    /// What the terms leave to be said: which diseases, countries, people and so on. A term without its part permits nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_use: Option<DataUse>,
    /// Whether it contains data from the NHS, which no insurer and no marketing may have (R44). While left out, it is taken to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_data: Option<bool>,
    /// Reference to the assessment that direct identifiers are removed (R28).
    #[schemars(schema_with = "schema::reference")]
    pub deidentification: String,
    /// Where the bytes are; exactly one.
    pub source: DatasetSource,
    /// Names of the Projects that may be granted this Dataset (R17).
    #[schemars(length(max = 512), inner(length(max = 40)))]
    pub grantable_to: Vec<String>,
}

/// Parts of Data Use Ontology terms.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DataUse {
    /// MONDO terms that DUO:0000007 (disease specific) names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        inner(length(max = 14), regex(pattern = "^MONDO:[0-9]{7}$"))
    )]
    pub diseases: Option<Vec<String>>,
    /// Types of research that DUO:0000012 names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)))]
    pub research_types: Option<Vec<String>>,
    /// Countries that DUO:0000022 (geographical) names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 250),
        inner(length(max = 2), regex(pattern = "^[A-Z]{2}$"))
    )]
    pub countries: Option<Vec<String>>,
    /// Organisations that DUO:0000028 (institution specific) names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 40)))]
    pub organisations: Option<Vec<String>>,
    /// People that DUO:0000026 (user specific) names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), inner(length(min = 1, max = 63)))]
    pub users: Option<Vec<String>>,
    /// Projects that DUO:0000027 (project specific) names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 40)))]
    pub projects: Option<Vec<String>>,
    /// Months from schedule.starts that DUO:0000025 (time limit) allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 240))]
    pub months: Option<i64>,
    /// First day of publication that DUO:0000024 (moratorium) allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub publication_not_before: Option<Date>,
}

/// Class of data (R25: whole genome sequences and genotypic data are in the guidance's scope).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetClass {
    /// Whole genome sequences.
    WGS,
    /// Genotypic data.
    Genotype,
    /// Anything else.
    Other,
}

/// Where the bytes are. Exactly one field is set.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.csi), has(self.nfs), has(self.hostPath), has(self.image)].filter(x, x).size() == 1").message("Set exactly one of csi, nfs, hostPath and image."))]
pub struct DatasetSource {
    /// A volume of a CSI driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csi: Option<CsiSource>,
    /// An NFS export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs: Option<NfsSource>,
    /// A path of the node; development only, and only where SdePolicy allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<HostPathSource>,
    /// An OCI artefact, mounted as an image volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
}

/// A volume of a CSI driver.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CsiSource {
    /// Driver name.
    #[schemars(schema_with = "schema::reference")]
    pub driver: String,
    /// Volume handle of the driver.
    #[schemars(schema_with = "schema::short_text")]
    pub volume_handle: String,
    /// Volume attributes of the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 32))]
    pub volume_attributes: Option<BTreeMap<String, String>>,
}

/// An NFS export.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NfsSource {
    /// Server address.
    #[schemars(schema_with = "schema::short_text")]
    pub server: String,
    /// Exported path.
    #[schemars(length(max = 1024), regex(pattern = "^/"))]
    pub path: String,
}

/// A path of the node.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HostPathSource {
    /// Absolute path of a directory.
    #[schemars(length(max = 1024), regex(pattern = "^/[^.]"))]
    pub path: String,
}

/// An OCI artefact.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ImageSource {
    /// Reference, by digest.
    #[schemars(schema_with = "schema::image")]
    pub reference: String,
}

/// What the controller knows of a Dataset.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DatasetStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many Projects are granted this Dataset now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<i64>,
    /// Conditions: Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
}
