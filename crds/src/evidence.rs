//! `Evidence`: what is pointed at where only an organisation can judge; and what is known of people and
//! organisations before they are let in.

use jiff::civil::Date;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// A dated reference to a record that an organisation keeps, pinned by the digest of its bytes. The operator
/// checks presence and dates; whether the record is good is for people to judge.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.expires) || self.date <= self.expires").message("Evidence expires on or after the day it was made: check date and expires."))]
pub struct Evidence {
    /// Where the record is found, such as `DAC-2026-118`.
    #[schemars(schema_with = "schema::reference")]
    pub reference: String,
    /// Day on which it was made; a day to come is refused.
    #[schemars(schema_with = "schema::date")]
    pub date: Date,
    /// SHA-256 of its bytes, so that it cannot be replaced unseen.
    #[schemars(schema_with = "schema::sha256")]
    pub digest: String,
    /// Last day on which it holds; without an end when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub expires: Option<Date>,
}

/// Track record in research with human health data (R36).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackRecord {
    /// Demonstrable.
    Established,
    /// Some; additionalScrutiny says what was done about it.
    Limited,
    /// None yet; additionalScrutiny says what was done about it.
    None,
}

/// What is known of earlier breaches or misuse, and where it was looked up (R40). Given also when there is nothing to tell.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.severity != 'Serious' || has(self.exception)").message("A history of serious breach or misuse means not approved (R41): leave the person or organisation out, or give breachHistory.exception, which two people must carry (R42)."))]
#[x_kube(validation = Rule::new("self.declared == (self.severity != 'None')").message("breachHistory.declared is true exactly when severity is not None (R40)."))]
pub struct BreachHistory {
    /// Whether the applicant declares any.
    pub declared: bool,
    /// The worst.
    pub severity: Severity,
    /// Where it was looked up, such as `ico-enforcement-2026-11`.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub checked_sources: Vec<String>,
    /// Day of the look-up; it counts for as many days as SdePolicy says.
    #[schemars(schema_with = "schema::date")]
    pub checked_at: Date,
    /// Why access is given all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<BreachException>,
}

/// Severity of a breach or of misuse, as the holder judges it.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Severity {
    /// Nothing known.
    None,
    /// Known, and no bar.
    Minor,
    /// Known, and a bar unless an exception is carried.
    Serious,
}

/// Why somebody with a serious history is let in (R42).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.evidence.expires)").message("An exception has an end: set breachHistory.exception.evidence.expires (R42)."))]
pub struct BreachException {
    /// Nature and scale of what happened, what was mended, and why that is trusted.
    #[schemars(schema_with = "schema::short_text")]
    pub rationale: String,
    /// The record of that consideration; its end is the exception's.
    pub evidence: Evidence,
    /// The people who carry it: each must also have approved this very spec.
    #[schemars(length(min = 2, max = 8), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub approvers: Vec<String>,
}
