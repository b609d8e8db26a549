//! Who must act on a request, as people are told: read off its status, by command line and portal alike.

use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction};
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus};
use sde_crds::names::PROJECT_NAMESPACE_PREFIX;
use serde::Serialize;

use crate::airlock::ending::ended;

/// Who must do something before a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Actor {
    /// Its requester.
    Requester,
    /// Reviewers who are not of the project.
    Reviewers,
    /// Custodians.
    Custodian,
    /// The platform team.
    Platform,
    /// Nobody: the operator is at work.
    Operator,
    /// Nobody: it has ended.
    Nobody,
}

impl Actor {
    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requester => "its requester",
            Self::Reviewers => "reviewers",
            Self::Custodian => "a custodian",
            Self::Platform => "the platform team",
            Self::Operator => "the operator",
            Self::Nobody => "nobody",
        }
    }
}

/// The project whose namespace a request is in.
pub fn project(request: &AirlockRequest) -> String {
    let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
    let project = namespace.strip_prefix(PROJECT_NAMESPACE_PREFIX);
    project.unwrap_or(namespace).to_owned()
}

/// Whether its requester takes it back and that acts: what is Blocked or Released stays so.
pub fn taken_back(spec: &AirlockRequestSpec, phase: Phase) -> bool {
    spec.withdrawn && !ended(phase) && !matches!(phase, Phase::Blocked | Phase::Released)
}

/// By the reason that machine and controller give with the step they wait in, else by phase.
pub fn waits_for(
    spec: &AirlockRequestSpec,
    status: &AirlockRequestStatus,
    reason: Option<&str>,
) -> Actor {
    if taken_back(spec, status.phase) {
        return Actor::Operator;
    }
    match reason {
        Some(
            "ProjectNotOpen"
            | "RequesterNotApproved"
            | "TransferNotListed"
            | "TransferKeysMissing"
            | "TransferKeysChanged",
        ) => return Actor::Custodian,
        Some(
            "ProjectUnknown"
            | "AirlockPolicyMissing"
            | "TooFewReviewers"
            | "SentinelAbsent"
            | "JobHeldUp"
            | "MalwareScannerFailed"
            | "SignaturesTooOld"
            | "ViewerBroken",
        ) => return Actor::Platform,
        _ => {}
    }
    match status.phase {
        Phase::Draft if spec.seal => Actor::Operator,
        // Files were asked to be taken, and it is being made ready.
        Phase::Draft
            if spec.upload.unwrap_or(0) > 0
                && !matches!(reason, Some("UploadNow" | "UploadOver")) =>
        {
            Actor::Operator
        }
        Phase::Draft => Actor::Requester,
        Phase::Sealing if status.content.is_some() && spec.confirmed_digest.is_none() => {
            Actor::Requester
        }
        Phase::Sealing
        | Phase::Submitted
        | Phase::Scanning
        | Phase::Approved
        | Phase::Releasing => Actor::Operator,
        Phase::InReview if spec.direction == Direction::TransferToSde => Actor::Custodian,
        Phase::InReview => Actor::Reviewers,
        Phase::Blocked => Actor::Custodian,
        Phase::Failed if spec.retries.unwrap_or(0) > status.retried => Actor::Operator,
        Phase::Failed | Phase::Released => Actor::Requester,
        Phase::Rejected | Phase::Returned | Phase::Withdrawn | Phase::Revoked | Phase::Expired => {
            Actor::Nobody
        }
    }
}
