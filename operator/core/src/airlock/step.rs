//! What may come next for a request.

use sde_crds::airlock_status::{
    AirlockPhase, Failure, FailureCause, Findings, ReleaseApproval, SealedContent, Signal,
};

use crate::airlock::observe::{JobKind, Side};
use crate::airlock::receipt::Due;
use crate::airlock::serving::Found;

/// One step. All but [`Step::Wait`] and [`Step::Done`] change something: a controller takes them only on a live reading, with the
/// resource versions it read as preconditions.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write another phase into the status.
    Enter(Box<Entry>),
    /// Write into the status what was sealed.
    NoteContent(SealedContent),
    /// Write into the status what became of a collection.
    NoteDelivery(Found),
    /// Make a receipt, and write into the status that it was made.
    MakeReceipt(Due),
    /// Start the agent.
    StartJob {
        /// To do what.
        kind: JobKind,
        /// Where.
        side: Side,
        /// The attempt's number, from 1.
        attempt: i64,
    },
    /// Delete the agent's jobs that are of no more use (`chamber::stale`); when the request has ended, all.
    DeleteJobs,
    /// Make the chamber's claim on this side: for its volume if there is one, else for a new one.
    MakeClaim(Side),
    /// Make the volume outlive its claim.
    KeepVolume,
    /// Delete the chamber's claim on this side.
    DeleteClaim(Side),
    /// Reserve the volume for this side's claim.
    Rebind(Side),
    /// Destroy the volume.
    DeleteVolume,
    /// Nothing to do before somebody, or something, has acted.
    Wait(Wait),
    /// All is done.
    Done,
}

/// A phase to be entered, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The phase.
    pub phase: AirlockPhase,
    /// Condition reason, CamelCase.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
    /// What is noted with it.
    pub note: Note,
}

/// What is noted when a phase is entered.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Nothing.
    Nothing,
    /// What the scan found, and what stands out against the project's other requests.
    Findings(Findings, Vec<Signal>),
    /// On what it is released.
    Approval(ReleaseApproval),
    /// Custodians reopened it.
    Reopened,
    /// What broke.
    Failure(Failure),
}

/// Why nothing is done, and who can change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Condition reason, CamelCase.
    pub reason: &'static str,
    /// A sentence that says what to do.
    pub message: String,
    /// Who can act.
    pub who: Who,
}

/// Who can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The person who asks.
    Requester,
    /// Reviewers.
    Reviewers,
    /// The data holder.
    Custodian,
    /// The platform team.
    Platform,
    /// The cluster: it goes on by itself.
    Cluster,
}

impl Step {
    /// A phase with nothing to note.
    pub fn enter(phase: AirlockPhase, reason: &'static str, message: impl Into<String>) -> Self {
        Self::noting(phase, reason, message, Note::Nothing)
    }

    /// A phase with something to note.
    pub fn noting(
        phase: AirlockPhase,
        reason: &'static str,
        message: impl Into<String>,
        note: Note,
    ) -> Self {
        Self::Enter(Box::new(Entry {
            phase,
            reason,
            message: message.into(),
            note,
        }))
    }

    /// The failure of a phase.
    pub fn failed(phase: AirlockPhase, cause: FailureCause) -> Self {
        let (reason, message) = broken(cause);
        // On what it is released is written down when Releasing begins: that is begun anew.
        let phase = match phase {
            AirlockPhase::Releasing | AirlockPhase::Released => AirlockPhase::Approved,
            phase => phase,
        };
        let note = Note::Failure(Failure { phase, cause });
        Self::noting(AirlockPhase::Failed, reason, message, note)
    }

    /// Waiting.
    pub fn wait(reason: &'static str, who: Who, message: impl Into<String>) -> Self {
        Self::Wait(Wait {
            reason,
            message: message.into(),
            who,
        })
    }

    /// What it notes to stand out.
    pub fn signals(&self) -> &[Signal] {
        match self {
            Self::Enter(entry) => match &entry.note {
                Note::Findings(_, signals) => signals,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Whether it changes something.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Wait(_) | Self::Done)
    }
}

/// Reason and words for what broke.
pub(super) fn broken(cause: FailureCause) -> (&'static str, String) {
    let (reason, what) = match cause {
        FailureCause::JobFailed => (
            "JobFailed",
            "The agent's job ended three times without a result.",
        ),
        FailureCause::FolderRefused => (
            "FolderRefused",
            "The folder holds links, device files, more than 50 files or more than the tier allows.",
        ),
        FailureCause::ContentChanged => (
            "ContentChanged",
            "The chamber no longer holds what was sealed. Nothing is released; the platform team must find out who changed it.",
        ),
        FailureCause::ChamberLost => ("ChamberLost", "The chamber's volume is gone."),
    };
    let again = "Raise spec.retries by one to try again, or withdraw the request.";
    (reason, format!("{what} {again}"))
}
