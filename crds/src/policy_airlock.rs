//! The SdePolicy's part about the airlock: who reviews, how many, how long, and what is held whatever a scan says.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::airlock_review::ReviewRole;
use crate::schema;

/// Who decides what leaves and enters, and for how long a decision holds (R53-R62). While it is left out, no request gets beyond
/// a draft. Reviews bind to a digest of all this without `reviewers`, and without image and memory of `malwareScanner`: changing it voids
/// them, adding or removing a reviewer does not, nor do newer signatures.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AirlockPolicy {
    /// People who may review, with their roles. Who is removed counts no more, also for what they have reviewed and is not yet released.
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["user".into()]))]
    pub reviewers: Vec<Reviewer>,
    /// Distinct people who must agree to an Export.
    #[schemars(range(min = 2, max = 8))]
    pub export_reviewers: i64,
    /// Distinct people who must agree to an Import of data or code.
    #[schemars(range(min = 1, max = 8))]
    pub import_reviewers: i64,
    /// Distinct people who must agree to an Import of binaries, models or data that can be linked to people.
    #[schemars(range(min = 2, max = 8))]
    pub tool_import_reviewers: i64,
    /// Distinct custodians who must agree to a TransferToSde, or to reopen what was Blocked.
    #[schemars(range(min = 2, max = 8))]
    pub custodians: i64,
    /// Of every hundred requests, how many get one reviewer more, drawn by the digest of their findings.
    #[schemars(range(min = 0, max = 100))]
    pub sampled_percent: i64,
    /// Days in which an approved request must be released; then it expires.
    #[schemars(range(min = 1, max = 30))]
    pub approved_days: i64,
    /// Days in which a released one may be collected; then it expires.
    #[schemars(range(min = 1, max = 7))]
    pub released_days: i64,
    /// How often it may be collected.
    #[schemars(range(min = 1, max = 3))]
    pub collections: i64,
    /// Days for which the chamber of a request that ended is kept; then it is destroyed.
    #[schemars(range(min = 1, max = 30))]
    pub retention_days: i64,
    /// Counts of people below this are held (AL-S001), whatever the requester says was done about them. Floor 5 (GEL, FinnGen).
    #[schemars(range(min = 5, max = 1000))]
    pub minimum_count: i64,
    /// The documented process for inputs and outputs, with its risks and mitigations (R58): copied to every receipt.
    #[schemars(schema_with = "schema::sha256")]
    pub process_digest: String,
    /// What looks for malware in Exports and Imports. While it is left out nothing does, and every Import says so to who reviews it (AL-N006).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malware_scanner: Option<MalwareScanner>,
}

/// ClamAV with its signatures, as an image: it runs before the rules, in the same locked pod, over what was sealed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MalwareScanner {
    /// The image by digest, with `/bin/sh`, `clamscan` and signatures in `/var/lib/clamav`, as ClamAV publishes it. Newer signatures are
    /// another image; what is under review is not scanned again for that.
    #[schemars(schema_with = "schema::image")]
    pub image: String,
    /// Days after which signatures are too old: nothing is scanned with older ones, and requests wait. ClamAV publishes some every day.
    #[schemars(range(min = 1, max = 30))]
    pub max_age_days: i64,
    /// Memory of one run. With all its signatures ClamAV takes 1.5 to 2 GiB, and advises 3.
    #[schemars(schema_with = "schema::quantity")]
    pub memory: Quantity,
}

/// Somebody who may review.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Reviewer {
    /// The name the API server knows the person by.
    #[schemars(schema_with = "schema::user")]
    pub user: String,
    /// In which roles.
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub roles: Vec<ReviewRole>,
}
