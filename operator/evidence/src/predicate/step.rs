//! The closing steps T0 to T14 and how each ended.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// One closing step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// It began; absent when it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// It ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How.
    pub result: StepResult,
    /// Digest of the step's record in the evidence document ([`crate::StepRecord`]).
    pub evidence_digest: Digest,
    /// API server audit events, where known.
    #[serde(rename = "auditEventIds")]
    pub audit_event_ids: Vec<String>,
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StepId {
    /// Closing triggered and approved.
    T0,
    /// Access revoked.
    T1,
    /// Inventory taken.
    T2,
    /// Airlock drained.
    T3,
    /// Pods stopped.
    T4,
    /// Key preconditions read.
    T5,
    /// Positive control of the key.
    T6,
    /// Volumes deleted.
    T7,
    /// Keys destroyed.
    T8,
    /// Negative test of the key.
    T9,
    /// Storage backend asked.
    T10,
    /// Copies dealt with.
    T11,
    /// Node residue dealt with.
    T12,
    /// Namespace gone, last sweep.
    T13,
    /// Validated by the custodian; always after the attestation.
    T14,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// Finished, with its result observed.
    Done,
    /// Not part of this closure (no keys to destroy, say).
    NotApplicable,
    /// Tried and failed.
    Failed,
    /// Never begun.
    NotReached,
}

impl StepId {
    /// What the step does, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::T0 => "closing triggered and approved",
            Self::T1 => "access revoked",
            Self::T2 => "inventory taken",
            Self::T3 => "airlock drained",
            Self::T4 => "pods stopped",
            Self::T5 => "key preconditions read",
            Self::T6 => "positive control of the key",
            Self::T7 => "volumes deleted",
            Self::T8 => "keys destroyed",
            Self::T9 => "negative test of the key",
            Self::T10 => "storage backend asked",
            Self::T11 => "copies dealt with",
            Self::T12 => "node residue dealt with",
            Self::T13 => "namespace gone, last sweep",
            Self::T14 => "validated by the custodian",
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::NotApplicable => "not applicable",
            Self::Failed => "FAILED",
            Self::NotReached => "NOT REACHED",
        })
    }
}
