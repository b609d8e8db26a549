//! What a Project declares beyond people and data: the use, the setting, transfers abroad, earlier copies, advice.

use jiff::civil::Date;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::schema;

/// What the data is used for, in the words of the Data Use Ontology; matched against each Dataset's terms (R21, R51).
/// What is not said is not done.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.purpose != 'Disease' || has(self.diseases)").message("declaredUse.purpose Disease needs diseases: name them by MONDO term (R21)."))]
pub struct DeclaredUse {
    /// Purpose.
    pub purpose: UsePurpose,
    /// Diseases studied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["term".into()]))]
    pub diseases: Option<Vec<Disease>>,
    /// Commercial use.
    pub commercial: bool,
    /// Study of population origins or ancestry.
    pub ancestry_research: bool,
    /// Development of methods, software or algorithms.
    pub methods_research: bool,
    /// Genetic studies only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genetic_only: Option<bool>,
    /// Clinical use and care.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinical_care: Option<bool>,
    /// Results will be made available to the wider scientific community.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publication: Option<bool>,
    /// First day on which results are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub publication_not_before: Option<Date>,
    /// Derived data goes back to the custodian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_of_results: Option<bool>,
    /// Agreement with the primary investigators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration: Option<Evidence>,
    /// Types of research, in the words of the Dataset's dataUse.researchTypes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub research_types: Option<Vec<String>>,
}

/// Purpose of use.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsePurpose {
    /// Research of any kind.
    General,
    /// Health, medical or biomedical research.
    Health,
    /// Research into the diseases named.
    Disease,
    /// Population origins or ancestry.
    Ancestry,
}

/// A disease by its MONDO term.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Disease {
    /// Its term, such as `MONDO:0007254`.
    #[schemars(schema_with = "schema::mondo")]
    pub term: String,
    /// Terms above it in MONDO, as the custodian looked them up; the approval binds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        inner(length(max = 14), regex(pattern = "^MONDO:[0-9]{7}$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub ancestors: Option<Vec<String>>,
}

/// In whose environment the data is used (R3-R7, R20).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.kind == 'OwnSDE' || (has(self.sdes) && has(self.justification))").message("A setting other than OwnSDE needs sdes (from SdePolicy.spec.thirdPartySdes) and justification: why the holder's own environment does not do (R3, R6)."))]
pub struct Setting {
    /// Whose environment.
    pub kind: SettingKind,
    /// The other environments, by their name in SdePolicy.spec.thirdPartySdes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 40)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub sdes: Option<Vec<String>>,
    /// Why the holder's own environment does not meet the need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::short_text")]
    pub justification: Option<String>,
}

/// Whose environment.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// The holder's own.
    OwnSDE,
    /// One assessed and approved in advance.
    ThirdParty,
    /// Several, between which data does not move.
    Federated,
}

/// Access for one organisation from one country other than the environment's own (R63-R74).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.basis != 'Safeguard' || (has(self.safeguard) && has(self.riskAssessment))").message("Without adequacy a transfer needs both a safeguard (UK GDPR Article 46) and a riskAssessment (R68)."))]
#[x_kube(validation = Rule::new("!has(self.safeguard) || !has(self.riskAssessment) || self.riskAssessment.evidence.date <= self.safeguard.evidence.date").message("The transfer risk assessment comes first: riskAssessment.evidence.date is later than safeguard.evidence.date (R68)."))]
#[x_kube(validation = Rule::new("self.basis != 'Adequacy' || has(self.measuresReviewed)").message("Adequacy needs no further safeguard, but whether the measures fit this data must be reviewed: set measuresReviewed (R67)."))]
pub struct Transfer {
    /// The organisation whose people have access.
    #[schemars(schema_with = "schema::name")]
    pub organisation: String,
    /// The country: where the organisation is established, or from where its people work.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
    /// On what it rests. Derogations (Article 49) cannot be named here (R69).
    pub basis: TransferBasis,
    /// That this recipient is covered, where adequacy is partial (R66).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Evidence>,
    /// That the measures fit this data (R67).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures_reviewed: Option<Evidence>,
    /// The safeguard (R68).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safeguard: Option<Safeguard>,
    /// The transfer risk assessment (R68, R70, R71).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_assessment: Option<TransferRisk>,
    /// To whom else it may go from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["organisation".into(), "country".into()]))]
    pub onward_recipients: Option<Vec<OnwardRecipient>>,
    /// Independent legal advice (R74).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_advice: Option<Evidence>,
}

/// On what a transfer rests.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferBasis {
    /// UK adequacy regulations cover the recipient, as SdePolicy lists.
    Adequacy,
    /// A safeguard of UK GDPR Article 46, with a risk assessment.
    Safeguard,
}

/// A safeguard of UK GDPR Article 46.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Safeguard {
    /// Which.
    #[serde(rename = "type")]
    pub type_: SafeguardType,
    /// The signed document; its date is that from which it takes effect.
    pub evidence: Evidence,
}

/// Kind of safeguard.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafeguardType {
    /// International data transfer agreement.
    IDTA,
    /// Addendum to the EU standard contractual clauses.
    Addendum,
    /// Binding corporate rules.
    BindingCorporateRules,
    /// Instrument or arrangement between public bodies.
    PublicBodies,
}

/// A transfer risk assessment, as the holder judged it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.testsMet || has(self.supplementaryMeasures)").message("A risk assessment whose tests are not met needs supplementaryMeasures (R70)."))]
pub struct TransferRisk {
    /// The assessment.
    pub evidence: Evidence,
    /// Risk of harm; genomic data is likely High.
    pub harm_risk: HarmRisk,
    /// Whether its tests were met.
    pub tests_met: bool,
    /// What was done where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 256)))]
    pub supplementary_measures: Option<Vec<String>>,
    /// How access by third parties, governments included, was weighed (R71).
    #[schemars(schema_with = "schema::short_text")]
    pub government_access: String,
    /// How enforceability of the safeguard there was weighed (R71).
    #[schemars(schema_with = "schema::short_text")]
    pub enforceability: String,
}

/// Risk of harm to the people in the data.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmRisk {
    /// Low.
    Low,
    /// Moderate.
    Moderate,
    /// High.
    High,
}

/// A further recipient.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OnwardRecipient {
    /// Its name or identifier, as sanctions are listed.
    #[schemars(schema_with = "schema::reference")]
    pub organisation: String,
    /// Its country.
    #[schemars(schema_with = "schema::country")]
    pub country: String,
}

/// A copy of the data that was handed out before this environment existed (R22). Recorded; it opens and shuts nothing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LegacyCopy {
    /// Reference under which it was handed out.
    #[schemars(schema_with = "schema::reference")]
    pub reference: String,
    /// Who had it.
    #[schemars(schema_with = "schema::reference")]
    pub holder: String,
    /// Confirmation of its destruction; outstanding while left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Evidence>,
}

/// Advice from outside, such as on national security (R52).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExternalAdvice {
    /// Who advised, such as `RCAT`.
    #[schemars(schema_with = "schema::reference")]
    pub source: String,
    /// What was advised.
    pub advice: Advice,
    /// The advice.
    pub evidence: Evidence,
}

/// What was advised.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// No concern.
    Proceed,
    /// With conditions, which the custodian sees to.
    ProceedWithConditions,
    /// Not to go on: the project stays shut.
    DoNotProceed,
}
