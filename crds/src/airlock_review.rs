//! `AirlockReview`: one person's decision on exact bytes, under exact findings and policy. Created once, never changed.
//!
//! In the project's namespace, beside the request it is about: the API server can then compare the reviewer with the project's
//! members, which are written on that namespace.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// One person's decision on one request. It binds to content, findings and policy: when any of them changes, it counts no more.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "AirlockReview",
    plural = "airlockreviews",
    shortname = "arv",
    category = "sde",
    namespaced,
    derive = "PartialEq",
    doc = "One person's decision on an AirlockRequest's exact bytes. It is created once and never changes.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')").message("Review names are DNS labels that begin with a letter. Rename this object."),
    validation = Rule::new("self.spec == oldSelf.spec").message("A review never changes: create another one. The strictest of a person's reviews counts."),
    printcolumn(name = "Request", type_ = "string", json_path = ".spec.request"),
    printcolumn(name = "Reviewer", type_ = "string", json_path = ".spec.reviewer"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role"),
    printcolumn(name = "Decision", type_ = "string", json_path = ".spec.decision"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.reviewer != self.requester").message("Nobody reviews their own: reviewer and requester must be two people."))]
#[x_kube(validation = Rule::new("!(self.decision in ['Reopen', 'Waive']) || self.role == 'Custodian'").message("Only a Custodian reopens what was blocked or waives what was not collected."))]
#[x_kube(validation = Rule::new("!(self.decision in ['Reject', 'Return', 'Revoke']) || has(self.advice)").message("A refusal says under advice what the requester should do."))]
#[x_kube(validation = Rule::new("has(self.refusedFiles) == (self.decision == 'Return')").message("A Return lists under refusedFiles what must not leave as it is; no other decision does: refusing one file returns the request."))]
#[x_kube(validation = Rule::new("has(self.seen) || self.decision != 'Approve' || self.conflictOfInterest == 'Declared'").message("An approval needs the viewing code under seen: open every file in the viewer, whose list of files shows it then."))]
#[x_kube(validation = Rule::new("!has(self.seen) || self.decision == 'Approve'").message("seen goes with Approve."))]
#[x_kube(validation = Rule::new("!has(self.answers) || self.decision in ['Approve', 'Reopen']").message("answers go with Approve or Reopen."))]
pub struct AirlockReviewSpec {
    /// Name of the request.
    #[schemars(schema_with = "schema::name")]
    pub request: String,
    /// UID of the request: one made again under the same name has none of its reviews.
    #[serde(rename = "requestUID")]
    #[schemars(length(min = 36, max = 36))]
    pub request_uid: String,
    /// Copy of the request's requester, so that the API server can compare; void when it differs from the real one.
    #[schemars(schema_with = "schema::user")]
    pub requester: String,
    /// Who decides; must be the user who creates this object.
    #[schemars(schema_with = "schema::user")]
    pub reviewer: String,
    /// In which role; the SdePolicy says who holds it.
    pub role: ReviewRole,
    /// The decision.
    pub decision: ReviewDecision,
    /// Copy of the request's status.content.digest: exactly these bytes.
    #[schemars(schema_with = "schema::bound_digest")]
    pub content_digest: String,
    /// Copy of its status.findings.digest.
    #[schemars(schema_with = "schema::bound_digest")]
    pub findings_digest: String,
    /// Copy of its status.findings.policyDigest.
    #[schemars(schema_with = "schema::bound_digest")]
    pub policy_digest: String,
    /// Whether the reviewer has an interest in the outcome. Who declares one is recorded and does not count.
    pub conflict_of_interest: ConflictOfInterest,
    /// Why.
    pub reason: ReviewReason,
    /// What the requester should do, in words of at most 32 characters. Never what the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::words")]
    pub advice: Option<String>,
    /// Return: numbers of the files that must not leave as they are, as in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::file_numbers")]
    pub refused_files: Option<Vec<i64>>,
    /// Approve, Reopen: why each rule that holds or blocks the request does not stand in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["rule".into()]))]
    pub answers: Option<Vec<Answer>>,
    /// Approve: the viewing code that the viewer shows this reviewer once they have opened every file. Without the right one an
    /// approval does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::viewing_code")]
    pub seen: Option<String>,
}

/// In which role a reviewer decides (SATRE roles).
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum ReviewRole {
    /// Output Checker.
    OutputChecker,
    /// An Output Checker with the standing to answer for what was held.
    Senior,
    /// Somebody who can judge what a model gives away (R55).
    MachineLearning,
    /// The data holder's own.
    Custodian,
}

impl std::fmt::Display for ReviewRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What a reviewer decides.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum ReviewDecision {
    /// May be released.
    Approve,
    /// Goes back with what to change, once everybody needed has voted.
    Return,
    /// Never as it is; one is enough.
    Reject,
    /// A Custodian: what was Blocked may be reviewed.
    Reopen,
    /// No longer handed out; one is enough.
    Revoke,
    /// A Custodian: closing need not wait until it is collected.
    Waive,
}

/// Whether a reviewer has an interest in the outcome.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictOfInterest {
    /// None to declare.
    None,
    /// Declared: the review is kept and does not count.
    Declared,
}

/// Why a reviewer decides so.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewReason {
    /// Nothing identifies anybody and it is as declared.
    SafeAsDeclared,
    /// Held by a rule that does not apply here; see answers.
    HeldButSafe,
    /// Counts are too small or can be worked out.
    SmallCounts,
    /// About single people.
    IndividualLevel,
    /// Identifiers.
    Identifiers,
    /// With earlier releases it tells more than it may.
    Differencing,
    /// A model that gives away whom it was trained on.
    ModelLeaks,
    /// Not what was declared.
    NotAsDeclared,
    /// Beyond the project's purpose.
    BeyondPurpose,
    /// More than is needed to share the result (R60).
    MoreThanNeeded,
    /// Cannot be judged as it is: format, missing counts, missing code.
    CannotBeJudged,
    /// Malicious or unlicensed.
    UnsafeImport,
    /// A decision of the data holder.
    CustodiansDecision,
}

/// Why a rule does not stand in the way.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The rule.
    #[schemars(schema_with = "schema::rule")]
    pub rule: String,
    /// Why.
    pub because: Because,
}

/// Why a rule does not stand in the way.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It matched something that is not what it looks for.
    FalsePositive,
    /// The counts were seen and are large enough.
    CountsSeen,
    /// It cannot be linked to anybody.
    NotLinkable,
    /// It was published before.
    AlreadyPublic,
    /// The risk was weighed and is small.
    RiskWeighed,
}
