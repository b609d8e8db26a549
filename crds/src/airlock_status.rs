//! What became of an `AirlockRequest`: written by the controller alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::airlock_review::{ReviewDecision, ReviewReason, ReviewRole};
use crate::schema;

/// Where a request is. The machine's own memory: which way it may go from here is in `docs/src/airlock.md`.
#[derive(
    JsonSchema,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
)]
pub enum AirlockPhase {
    /// Being written; nothing has been copied.
    #[default]
    Draft,
    /// The folder is being copied, or has been and waits for its requester to confirm the digest.
    Sealing,
    /// Confirmed; the chamber is on its way to where it is looked at.
    Submitted,
    /// Being scanned.
    Scanning,
    /// Reviewers decide. Held is this with more roles needed.
    InReview,
    /// A finding forbids it. Two custodians may reopen it, unless what was found is certain.
    Blocked,
    /// Enough people have agreed to exactly this.
    Approved,
    /// Every hash is recomputed before anything is handed out.
    Releasing,
    /// May be collected (Export, TransferToSde), or is in the project's inbox (Import).
    Released,
    /// A reviewer refused it. The end.
    Rejected,
    /// Returned to its requester with what to do; a new request supersedes it. The end.
    Returned,
    /// Taken back by its requester, or ended undecided with its project. The end.
    Withdrawn,
    /// Something broke; nothing is lost and it can be tried again.
    Failed,
    /// No longer handed out; what was collected is listed. The end.
    Revoked,
    /// Nobody acted in time, or its time is over. The end.
    Expired,
}

impl std::fmt::Display for AirlockPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What the controller knows of a request.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AirlockRequestStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the request is.
    #[serde(default)]
    pub phase: AirlockPhase,
    /// Why it is there, a reason of the Ready condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::reference")]
    pub reason: Option<String>,
    /// When it came to this phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// How many phases it has entered; agent jobs carry the number, so that no result outlives its phase.
    #[serde(default)]
    pub round: i64,
    /// What was sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<SealedContent>,
    /// What the scan found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Findings>,
    /// When it was first submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Time>,
    /// What stands out of it against the project's other requests. Written with the findings, never changed after; the digest of
    /// the findings is also of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["rule".into()]))]
    pub signals: Option<Vec<Signal>>,
    /// Whether two custodians reopened it after it was Blocked.
    #[serde(default)]
    pub reopened: bool,
    /// Who must review and how far they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviews: Option<ReviewProgress>,
    /// On what it was released: copied into the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ReleaseApproval>,
    /// When Approved or Released ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// How often bytes of it were handed out, or may have been.
    #[serde(default)]
    pub collections: i64,
    /// What is ready for the door to fetch from, or bring to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into()]))]
    pub serving: Option<Vec<Serving>>,
    /// What became of each collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub deliveries: Option<Vec<Delivery>>,
    /// AirlockReceipts that were made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24), inner(length(max = 63)))]
    pub receipts: Option<Vec<String>>,
    /// What broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Value of spec.retries that was last acted upon.
    #[serde(default)]
    pub retried: i64,
    /// Everybody who was of the project at any time since the request was made: they never count as reviewers (R26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::users")]
    pub insiders: Option<Vec<String>>,
    /// When the chamber was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chamber_gone_at: Option<Time>,
    /// Conditions: Ready, Sealed, Scanned, Reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,
}

/// A job of the airlock that the door reaches, on a ticket only: it hands out what it sees of the chamber, or takes what comes in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// What it hands out.
    pub kind: ServingKind,
    /// Address and port of its pod.
    #[schemars(length(max = 53))]
    pub at: String,
    /// UID of its pod: a ticket is for this one.
    #[schemars(length(max = 36))]
    pub pod: String,
}

/// What a job hands out, or takes.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
pub enum ServingKind {
    /// Pages for reviewers; no file as it is.
    View,
    /// What was released, once.
    Deliver,
    /// Nothing: it takes what is uploaded.
    Receive,
}

/// What became of one collection. The job and the door count for themselves, and must agree (R59).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Which it is, from 1.
    #[schemars(range(min = 1, max = 16))]
    pub number: i64,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// When the controller saw that.
    pub at: Time,
    /// Bytes that the job handed out.
    #[schemars(range(min = 0))]
    pub bytes: i64,
    /// SHA-256 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub sha256: Option<String>,
    /// Bytes that the door handed on, by its own count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub door_bytes: Option<i64>,
    /// SHA-256 of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub door_sha256: Option<String>,
}

/// How a collection ended.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryOutcome {
    /// All of it arrived, and both counts agree.
    Complete,
    /// A part of it was handed out.
    Broken,
    /// Nobody came for it; it does not count.
    NotCollected,
    /// The job ended without saying; it counts as if all had been handed out.
    Unknown,
    /// Job and door do not agree on what was handed out: an alarm.
    Disagreed,
}

/// What was sealed into the chamber. Names of files are in the chamber's manifest only.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SealedContent {
    /// Digest of the manifest, salted with the request's UID: what people confirm and review.
    #[schemars(schema_with = "schema::bound_digest")]
    pub digest: String,
    /// Number of files.
    #[schemars(range(min = 0, max = 50))]
    pub files: i64,
    /// All files together, in bytes.
    #[schemars(range(min = 0))]
    pub bytes: i64,
    /// TransferToSde: digest of the public keys that every file is encrypted to (canonical JSON of thirdPartySdes[].keys).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sha256")]
    pub recipient: Option<String>,
    /// Export, Import: a keyed fingerprint of each file, in the order of their numbers, by which the controller knows a refused one again
    /// in this project (AL-G011). Of no use to anybody without the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::fingerprints")]
    pub fingerprints: Option<Vec<String>>,
}

/// What a scan found: rules and numbers, never what matched.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// Digest of the whole report, which is kept in the chamber.
    #[schemars(schema_with = "schema::bound_digest")]
    pub digest: String,
    /// Digest of the content that was scanned.
    #[schemars(schema_with = "schema::bound_digest")]
    pub content_digest: String,
    /// Digest of the airlock's policy under which it was scanned.
    #[schemars(schema_with = "schema::bound_digest")]
    pub policy_digest: String,
    /// Rules that matched.
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["rule".into()]))]
    pub rules: Vec<Finding>,
}

/// One rule that matched.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule.
    #[schemars(schema_with = "schema::rule")]
    pub rule: String,
    /// What it does to the request.
    pub severity: Severity,
    /// How many files it matched.
    #[schemars(range(min = 1, max = 50))]
    pub files: i64,
    /// Whether it is individual-level data, recognised by its structure, or of a transfer what is not encrypted: such a request is never
    /// reopened (R23, R56, R57).
    pub certain: bool,
}

/// What stands out of a request against the project's other requests: a rule and numbers, never a name or a text.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// The rule.
    #[schemars(schema_with = "schema::rule")]
    pub rule: String,
    /// What it does to the request: Warn, Hold or HoldSenior.
    pub severity: Severity,
    /// What is counted.
    pub unit: SignalUnit,
    /// How many there are.
    #[schemars(range(min = 0))]
    pub observed: i64,
    /// How many are usual in this project, or allowed in any; 0 while nothing is usual yet.
    #[schemars(range(min = 0))]
    pub usual: i64,
}

/// What a signal counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalUnit {
    /// Bytes of content.
    Bytes,
    /// Files of a request.
    Files,
    /// Requests.
    Requests,
}

/// What a finding does. Automation may raise it, never lower it, and never approves.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum Severity {
    /// Recorded.
    Info,
    /// Shown.
    Warn,
    /// Every approval must answer for it.
    Hold,
    /// So must it, and one reviewer must be senior.
    HoldSenior,
    /// Nothing is reviewed.
    Block,
}

/// Who must review and how far they are. What was voted is not shown before it is decided.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ReviewProgress {
    /// For the table: how many are in, of how many.
    #[schemars(schema_with = "schema::reference")]
    pub summary: String,
    /// Distinct people who must review.
    pub needed: i64,
    /// Distinct people whose review counts.
    pub counted: i64,
    /// Distinct people whose approval does not count because it lacks the right viewing code.
    #[serde(default)]
    pub unseen: i64,
    /// Roles in which somebody must still review.
    #[schemars(length(max = 8))]
    pub missing_roles: Vec<ReviewRole>,
    /// Rules that every approval must answer for.
    #[schemars(length(max = 64), inner(length(max = 10)))]
    pub held_by: Vec<String>,
    /// Once decided: what was decided, without names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub decisions: Option<Vec<ShownDecision>>,
}

/// A decision, as its requester sees it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ShownDecision {
    /// In which role.
    pub role: ReviewRole,
    /// The decision.
    pub decision: ReviewDecision,
    /// Why.
    pub reason: ReviewReason,
    /// What to do, in the reviewer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::words")]
    pub advice: Option<String>,
}

/// On what a request was released.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseApproval {
    /// Exactly these bytes.
    #[schemars(schema_with = "schema::bound_digest")]
    pub content_digest: String,
    /// Under these findings.
    #[schemars(schema_with = "schema::bound_digest")]
    pub findings_digest: String,
    /// And this policy.
    #[schemars(schema_with = "schema::bound_digest")]
    pub policy_digest: String,
    /// UIDs of the reviews, for auditors.
    #[schemars(length(max = 16), inner(length(max = 36)))]
    pub reviews: Vec<String>,
}

/// What broke, and where.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The phase that is taken up again.
    pub phase: AirlockPhase,
    /// What broke.
    pub cause: FailureCause,
}

/// What can break.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
pub enum FailureCause {
    /// The agent's job ended without a result, more often than it is tried by itself.
    JobFailed,
    /// The folder holds links, specials or too much, and cannot be sealed.
    FolderRefused,
    /// The chamber no longer holds what was sealed: an alarm.
    ContentChanged,
    /// The chamber's volume is gone.
    ChamberLost,
}
