//! Dated lists and demands of the `SdePolicy`: what a tier asks for, transfers, sanctions, other environments.

use jiff::civil::Date;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::project_approval::ApprovalRole;
use crate::schema;

/// Something that every Project of a tier must declare. What is declared is checked in any case.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Requirement {
    /// purpose.governance: legal basis, impact assessment, research governance (R30).
    Governance,
    /// purpose.riskAssessment (R47).
    RiskAssessment,
    /// purpose.publicBenefit of 200 characters or more (R46).
    PublicBenefit,
    /// purpose.ethics.evidence and body, when ethics approval is required (R49).
    EthicsEvidence,
    /// organisations[].assessment (R34, R35).
    OrganisationAssessment,
    /// organisations[].gdprRole and contract (R65).
    ProcessingRoles,
    /// people[].assessment (R34, R35).
    PersonAssessment,
    /// trackRecord of people and organisations (R36, R37).
    TrackRecord,
    /// breachHistory of people and organisations (R40).
    BreachHistory,
    /// people[].training.evidence (R78).
    TrainingEvidence,
    /// declaredUse, matched against the Datasets' terms (R21, R51).
    DeclaredUse,
    /// datasets[].manifestDigest, so that the approval binds the bytes (R33).
    BoundData,
    /// setting (R3, R20).
    Setting,
    /// SdePolicy.spec.transfers, so that countries are checked (R63, R73).
    Transfers,
}

/// So many distinct people in one role, beyond projectRoles.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtraApproval {
    /// The role.
    pub role: ApprovalRole,
    /// Distinct people who must approve in it.
    #[schemars(range(min = 1, max = 8))]
    pub approvers: i64,
}

/// Where the data is, and what is known of other countries. The lists are data with a date, never code: the
/// custodian confirms them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TransferPolicy {
    /// Country of this environment; anything else is a transfer (R63).
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// UK adequacy regulations (R66).
    pub adequacy: AdequacyList,
    /// UK sanctions (R73).
    pub sanctions: SanctionsList,
    /// Indicators, shown to approvers and never deciding by themselves (R72).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicators: Option<IndicatorLists>,
}

/// Countries with an adequacy decision.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AdequacyList {
    /// Day on which the list was true.
    #[schemars(schema_with = "schema::date")]
    pub as_of: Date,
    /// Days for which it may be relied on; afterwards no transfer rests on it.
    #[schemars(range(min = 1, max = 3660))]
    pub max_age_days: i64,
    /// Countries.
    #[schemars(length(max = 250))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["country".into()]))]
    pub countries: Vec<AdequateCountry>,
}

/// A country with an adequacy decision.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AdequateCountry {
    /// The country.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// Whether it covers every recipient there.
    pub scope: AdequacyScope,
}

/// Whom an adequacy decision covers.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdequacyScope {
    /// Everybody.
    Full,
    /// Some: each transfer shows that its recipient is one.
    Partial,
}

/// Sanctions. Older than maxAgeDays, or dated ahead, it lets nobody in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SanctionsList {
    /// Day on which the list was true.
    #[schemars(schema_with = "schema::date")]
    pub as_of: Date,
    /// Days for which it may be relied on; afterwards every Project is suspended.
    #[schemars(range(min = 1, max = 366))]
    pub max_age_days: i64,
    /// Countries.
    #[schemars(
        length(max = 250),
        inner(length(max = 2), regex(pattern = "^[A-Z]{2}$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub countries: Vec<String>,
    /// Organisations, by name or identifier; compared without regard to case.
    #[schemars(length(max = 4096), inner(length(min = 1, max = 128)))]
    pub organisations: Vec<String>,
}

/// Indicators of the guidance for countries without adequacy (R72).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IndicatorLists {
    /// Day on which the lists were true.
    #[schemars(schema_with = "schema::date")]
    pub as_of: Date,
    /// Positive: the Five Eyes.
    #[schemars(
        length(max = 250),
        inner(length(max = 2), regex(pattern = "^[A-Z]{2}$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub positive: Vec<String>,
    /// Negative: laws that compel access without limit or remedy; not party to the Biological Weapons Convention, or to the Chemical Weapons Convention.
    #[schemars(
        length(max = 250),
        inner(length(max = 2), regex(pattern = "^[A-Z]{2}$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub negative: Vec<String>,
}

/// An environment other than this one, assessed in advance (R3-R6).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.assessment.expires)").message("An assessment has an end: set thirdPartySdes[].assessment.expires (R3)."))]
pub struct ThirdPartySde {
    /// Name that Projects use.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Country in which it is.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// The assessment: scale of access, organisational controls, governed use for as long as a project lasts (R5).
    pub assessment: Evidence,
    /// The standard it was assessed against (R4).
    #[schemars(schema_with = "schema::reference")]
    pub standard: String,
    /// Version of the guidance that standard was compared with, as a date; not older than SdePolicy.spec.guidanceVersion (R4).
    #[schemars(schema_with = "schema::reference")]
    pub guidance_version: String,
    /// Its public keys: what goes there by TransferToSde is encrypted to them (R57). While they are left out, nothing is transferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<SdeKeys>,
}

/// Public keys of another environment, as its operators published them. Their private parts are never known here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SdeKeys {
    /// For genomic files: Crypt4GH public key, the 44 characters of base64 between the two lines of its file (GA4GH Crypt4GH 1.0).
    #[schemars(length(max = 44), regex(pattern = "^[A-Za-z0-9+/]{43}=$"))]
    pub crypt4gh: String,
    /// For all others: age recipient, `age1` and 58 characters.
    #[schemars(length(max = 62), regex(pattern = "^age1[02-9ac-hj-np-z]{58}$"))]
    pub age: String,
}
