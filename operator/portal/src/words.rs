//! The API's vocabularies in words for people: phases, who must act, findings, decisions.

use maud::{Markup, html};
use sde_core::airlock::waiting::Actor;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction};
use sde_crds::airlock_review::{ReviewDecision, ReviewReason, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus, Severity};

/// How a word is coloured; the word itself says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Done well.
    Good,
    /// Waits for somebody.
    Wait,
    /// Stopped.
    Bad,
    /// Neither.
    Plain,
}

/// A word in a box.
pub fn tag(tone: Tone, text: &str) -> Markup {
    let class = match tone {
        Tone::Good => "tag good",
        Tone::Wait => "tag wait",
        Tone::Bad => "tag bad",
        Tone::Plain => "tag",
    };
    html! { span class=(class) { (text) } }
}

/// Where a request is.
pub fn phase(request: &AirlockRequest) -> Markup {
    let status = request.status.clone().unwrap_or_default();
    let (tone, text) = phase_words(&status, request.spec.confirmed_digest.is_some());
    tag(tone, text)
}

/// Where a request with this status is.
fn phase_words(status: &AirlockRequestStatus, confirmed: bool) -> (Tone, &'static str) {
    match status.phase {
        Phase::Draft => (Tone::Plain, "Draft"),
        Phase::Sealing if status.content.is_some() && !confirmed => {
            (Tone::Wait, "Waits for confirmation")
        }
        Phase::Sealing => (Tone::Plain, "Being copied"),
        Phase::Submitted => (Tone::Plain, "Submitted"),
        Phase::Scanning => (Tone::Plain, "Being scanned"),
        Phase::InReview => (Tone::Wait, "In review"),
        Phase::Blocked => (Tone::Bad, "Blocked"),
        Phase::Approved => (Tone::Good, "Approved"),
        Phase::Releasing => (Tone::Good, "Being released"),
        Phase::Released => (Tone::Good, "Released"),
        Phase::Rejected => (Tone::Bad, "Rejected"),
        Phase::Returned => (Tone::Bad, "Returned"),
        Phase::Withdrawn => (Tone::Plain, "Withdrawn"),
        Phase::Failed => (Tone::Bad, "Failed"),
        Phase::Revoked => (Tone::Bad, "Revoked"),
        Phase::Expired => (Tone::Plain, "Expired"),
    }
}

/// Which way it goes.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Export => "Export",
        Direction::Import => "Import",
        Direction::TransferToSde => "Transfer",
    }
}

/// Which way it goes; of a transfer also to whom.
pub fn way(spec: &AirlockRequestSpec) -> String {
    let direction = direction(spec.direction);
    match &spec.transfer {
        Some(of) => format!("{direction} to {}", of.sde),
        None => direction.to_owned(),
    }
}

/// Who must act.
pub fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::Requester => "Its requester",
        Actor::Reviewers => "Reviewers",
        Actor::Custodian => "A custodian",
        Actor::Platform => "The platform team",
        Actor::Operator => "Nobody: it is being worked on",
        Actor::Nobody => "Nobody: it has ended",
    }
}

/// What a finding does.
pub fn severity(severity: Severity) -> Markup {
    match severity {
        Severity::Info => tag(Tone::Plain, "Note"),
        Severity::Warn => tag(Tone::Plain, "Warning"),
        Severity::Hold => tag(Tone::Wait, "Held for an answer"),
        Severity::HoldSenior => tag(Tone::Wait, "Held for a senior reviewer"),
        Severity::Block => tag(Tone::Bad, "Blocks the request"),
    }
}

/// A reviewer's role.
pub fn role(role: ReviewRole) -> &'static str {
    match role {
        ReviewRole::OutputChecker => "Output checker",
        ReviewRole::Senior => "Senior output checker",
        ReviewRole::MachineLearning => "Machine learning reviewer",
        ReviewRole::Custodian => "Custodian",
    }
}

/// A decision that was made.
pub fn decided(decision: ReviewDecision) -> Markup {
    match decision {
        ReviewDecision::Approve => tag(Tone::Good, "Approved"),
        ReviewDecision::Return => tag(Tone::Bad, "Returned"),
        ReviewDecision::Reject => tag(Tone::Bad, "Rejected"),
        ReviewDecision::Reopen => tag(Tone::Wait, "Reopened"),
        ReviewDecision::Revoke => tag(Tone::Bad, "Revoked"),
        ReviewDecision::Waive => tag(Tone::Plain, "Waived"),
    }
}

/// Why.
pub fn reason(reason: ReviewReason) -> &'static str {
    match reason {
        ReviewReason::SafeAsDeclared => "Nothing identifies anybody, and it is as declared",
        ReviewReason::HeldButSafe => "A rule held it that does not apply here",
        ReviewReason::SmallCounts => "Counts are too small or can be worked out",
        ReviewReason::IndividualLevel => "It is about single people",
        ReviewReason::Identifiers => "It holds identifiers",
        ReviewReason::Differencing => "With earlier releases it tells more than it may",
        ReviewReason::ModelLeaks => "The model gives away whom it was trained on",
        ReviewReason::NotAsDeclared => "It is not what was declared",
        ReviewReason::BeyondPurpose => "It is beyond the project's purpose",
        ReviewReason::MoreThanNeeded => "It is more than is needed to share the result",
        ReviewReason::CannotBeJudged => {
            "It cannot be judged as it is: format, missing counts, missing code"
        }
        ReviewReason::UnsafeImport => "It is malicious or unlicensed",
        ReviewReason::CustodiansDecision => "A decision of the data holder",
    }
}

/// A number with its noun.
pub fn count(number: i64, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}
