//! People of a `Project` and the organisations that sponsor them.

use jiff::civil::Date;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{BreachHistory, Evidence, TrackRecord};
use crate::schema;

/// An organisation that sponsors people.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.trackRecord) || self.trackRecord == 'Established' || has(self.additionalScrutiny)").message("A track record that is not Established needs additionalScrutiny (R37)."))]
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
    /// Identifier, such as a ROR or LEI; sanctions are compared with it and with the name (R73).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub identifier: Option<String>,
    /// Its part in processing (R65).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gdpr_role: Option<GdprRole>,
    /// The contract between holder and organisation (R65).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Evidence>,
    /// The holder's assessment of the organisation (R34).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Evidence>,
    /// Track record in research with human health data (R36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_record: Option<TrackRecord>,
    /// What was looked at beyond the usual where the track record is not established (R37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_scrutiny: Option<Evidence>,
    /// Earlier breaches or misuse (R40-R42).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach_history: Option<BreachHistory>,
}

/// Part in processing under UK GDPR.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GdprRole {
    /// Decides purposes and means.
    Controller,
    /// Decides them with others.
    JointController,
    /// Acts on instructions.
    Processor,
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
    /// Insurer: never with NHS data (R44).
    Insurance,
    /// Marketing: never with NHS data (R44).
    Marketing,
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
#[x_kube(validation = Rule::new("!has(self.trackRecord) || self.trackRecord == 'Established' || has(self.additionalScrutiny)").message("A track record that is not Established needs additionalScrutiny (R37)."))]
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
    /// The holder's assessment of the person (R34).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Evidence>,
    /// Track record in research with human health data (R36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_record: Option<TrackRecord>,
    /// What was looked at beyond the usual where the track record is not established (R37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_scrutiny: Option<Evidence>,
    /// Earlier breaches or misuse (R40-R42).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach_history: Option<BreachHistory>,
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
    /// The certificate (R78).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}
