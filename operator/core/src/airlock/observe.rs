//! What is observed of one request: itself, its reviews, its project, the policy, its chamber and the agent's jobs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sde_crds::airlock_request::AirlockRequestSpec;
use sde_crds::airlock_status::{AirlockRequestStatus, Findings, SealedContent};
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::project::{DatasetGrant, Lifecycle, PersonRole, ProjectSpec};
use sde_crds::{AirlockRequest, AirlockReview};
use serde::{Deserialize, Serialize};

use crate::airlock::history::Past;
use crate::airlock::malware::{MalwareTask, Unscanned};
use crate::airlock::transfer::{self, Sdes};
use crate::airlock::viewing::ViewingKey;
use crate::project::access::works;
use crate::project::{self, State};
use crate::rejection::{Rejection, summarise};

/// The most people that a request remembers to have been of its project: the schema's bound on the list.
pub(super) const MOST_INSIDERS: usize = 500;

/// Everything a decision about one request may depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The request.
    pub request: AirlockRequest,
    /// Reviews that name it.
    pub reviews: Vec<AirlockReview>,
    /// The project in whose namespace it is.
    pub project: Option<Project>,
    /// The airlock's part of the SdePolicy, when there is one.
    pub policy: Option<AirlockPolicy>,
    /// Other environments of the SdePolicy whose assessment is current.
    pub sdes: Sdes,
    /// Where its chamber is.
    pub chamber: Chamber,
    /// The agent's jobs for it.
    pub jobs: Vec<Job>,
    /// Whether one more job may show a chamber to reviewers: else they wait for their turn.
    pub room_to_view: bool,
    /// The key of its viewing codes: without it no approval counts.
    pub viewing: Option<ViewingKey>,
    /// The project's other requests, while this one is being scanned; nothing else depends on them.
    pub history: Vec<Past>,
    /// Now.
    pub now: Timestamp,
}

impl Observed {
    /// The spec.
    pub fn spec(&self) -> &AirlockRequestSpec {
        &self.request.spec
    }

    /// What the status notes so far, or the beginning.
    pub fn status(&self) -> AirlockRequestStatus {
        self.request.status.clone().unwrap_or_default()
    }

    /// Whether somebody is, or was while this request lived, of the project. Once more people were than the list holds, anybody may
    /// have been: then nobody can review it.
    pub fn insider(&self, user: &str) -> bool {
        let now = self.project.iter().any(|p| p.members.contains(user));
        let before = self.request.status.as_ref();
        let before = before.and_then(|s| s.insiders.as_ref());
        now || before.is_some_and(|b| b.len() >= MOST_INSIDERS || b.iter().any(|i| i == user))
    }

    /// Whether the request itself is being deleted, with its namespace.
    pub fn deleted(&self) -> bool {
        self.request.metadata.deletion_timestamp.is_some()
    }

    /// Whether the project is being closed.
    pub fn closing(&self) -> bool {
        self.project
            .as_ref()
            .is_some_and(|p| p.standing == Standing::Closing)
    }
}

/// What a request must know of its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Whether work goes on.
    pub standing: Standing,
    /// Everybody whom the approved or the present spec names.
    pub members: BTreeSet<String>,
    /// People who may ask: they work in the project, approved and current.
    pub requesters: BTreeSet<String>,
    /// People who may receive what leaves: role Egress, approved and current.
    pub receivers: BTreeSet<String>,
    /// Dataset grants in force whose bytes are those that were registered.
    pub grants: BTreeSet<String>,
    /// Other environments to which its data may go (`transfer::named`).
    pub sdes: BTreeSet<String>,
}

/// Whether a project's work goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// It does not now.
    Shut(Rejection),
    /// It is being closed.
    Closing,
}

impl Project {
    /// Reads a project as its own controller sees it.
    pub fn of(observed: &project::Observed) -> Self {
        let closing = observed.project.spec.lifecycle == Lifecycle::Closed;
        // Who may collect what was approved before is asked as if the project were still open.
        let mut as_open = observed.clone();
        if closing {
            as_open.project.spec.lifecycle = Lifecycle::Active;
        }
        let state = project::validate(&as_open).state;
        let (people, grants, sdes) = match &state {
            State::Open(open) => (
                open.people.clone(),
                open.grants.clone(),
                transfer::named(&open.spec, &observed.project.spec, &open.policy),
            ),
            _ => (Vec::new(), Vec::new(), BTreeSet::new()),
        };
        let status = observed.project.status.as_ref();
        let verified = |grant: &DatasetGrant, dataset: &DatasetSpec| {
            let mut checked = status.iter().flat_map(|s| s.datasets.iter().flatten());
            checked.any(|g| {
                g.name == grant.name
                    && g.dataset == grant.dataset
                    && g.manifest_digest.as_ref() == Some(&dataset.manifest_digest)
            })
        };
        let standing = match state {
            _ if closing => Standing::Closing,
            State::Open(_) => Standing::Open,
            State::Waiting(why) | State::Suspended(why) => {
                let (reason, message) =
                    summarise(&why).unwrap_or(("NotOpen", "It is not open.".to_owned()));
                Standing::Shut(Rejection::new(reason, message))
            }
            State::Closing => Standing::Closing,
        };
        let approved = observed.project.status.as_ref();
        let approved = approved.and_then(|s| s.approved.as_ref());
        let approved: Option<ProjectSpec> =
            approved.and_then(|a| serde_json::from_value(a.spec.clone()).ok());
        let named = [Some(&observed.project.spec), approved.as_ref()];
        Self {
            standing,
            members: named
                .into_iter()
                .flatten()
                .flat_map(|s| s.people.iter().map(|p| p.user.clone()))
                .collect(),
            requesters: people
                .iter()
                .filter(|p| works(p))
                .map(|p| p.user.clone())
                .collect(),
            receivers: people
                .iter()
                .filter(|p| p.roles.contains(&PersonRole::Egress))
                .map(|p| p.user.clone())
                .collect(),
            grants: grants
                .into_iter()
                .filter(|(grant, dataset)| verified(grant, dataset))
                .map(|(grant, _)| grant.name)
                .collect(),
            sdes,
        }
    }
}

/// A side of the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The project's namespace.
    Project,
    /// The project's airlock namespace.
    Airlock,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Project, Self::Airlock];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Project => Self::Airlock,
            Self::Airlock => Self::Project,
        }
    }
}

/// A chamber: one volume that is bound on one side at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Chamber {
    /// The volume, once there is one.
    pub volume: Option<Volume>,
    /// Its claim in the project's namespace.
    pub project: Claim,
    /// Its claim in the airlock's namespace.
    pub airlock: Claim,
}

impl Chamber {
    /// The claim on a side.
    pub fn claim(&self, side: Side) -> Claim {
        match side {
            Side::Project => self.project,
            Side::Airlock => self.airlock,
        }
    }
}

/// A chamber's volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Volume {
    /// Whether it outlives its claim (reclaim policy Retain).
    pub kept: bool,
    /// The side whose claim it is reserved for (`claimRef`).
    pub reserved_for: Option<Side>,
    /// Whether it was told to go; its driver has not finished.
    pub leaving: bool,
}

/// A claim of a chamber.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Claim {
    /// There is none.
    #[default]
    Absent,
    /// Not bound yet.
    Pending,
    /// Bound: a pod may mount it.
    Bound,
    /// On its way out; a pod may still have it mounted.
    Deleting,
    /// Its volume is gone from under it.
    Lost,
}

/// One job of the agent, in one round of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What it does.
    pub kind: JobKind,
    /// The request's `round` for which it was made.
    pub round: i64,
    /// Which attempt in that round, from 1.
    pub attempt: i64,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, where that is known.
    pub ended: Option<Timestamp>,
    /// Where it serves, once it does: address and port, and its pod's UID.
    pub serving: Option<(String, String)>,
    /// Why its pod cannot go on, as a sentence.
    pub held_up: Option<String>,
    /// Scan: the malware scanner that ran before it.
    pub malware: Option<MalwareTask>,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum JobKind {
    /// Copies the folder into the chamber and reports its manifest's digest; for an Import, computes the digest of what was uploaded.
    Seal,
    /// Reads the chamber and reports what was found.
    Scan,
    /// Recomputes every hash.
    Verify,
    /// Shows the chamber's files as pages to reviewers, through the door, until it is deleted.
    View,
    /// Hands out what was released, once, through the door.
    Deliver,
    /// Takes an Import's files, through the door, until it is sealed.
    Receive,
}

impl JobKind {
    /// Each of them.
    pub const ALL: [Self; 6] = [
        Self::Seal,
        Self::Scan,
        Self::Verify,
        Self::View,
        Self::Deliver,
        Self::Receive,
    ];

    /// Whether it answers the door.
    #[must_use]
    pub fn serves(self) -> bool {
        matches!(self, Self::View | Self::Deliver | Self::Receive)
    }
}

/// What a collection came to, by both who counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivered {
    /// Bytes that the job handed out.
    pub bytes: u64,
    /// SHA-256 of them, 64 hex digits.
    pub sha256: String,
    /// Whether that was all, and the door has said that it handed all of it on.
    pub complete: bool,
    /// Bytes that the door handed on, by its own count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_bytes: Option<u64>,
    /// SHA-256 of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_sha256: Option<String>,
    /// The ticket's `jti`; none when nobody came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Not yet.
    Running,
    /// Sealed.
    Sealed(SealedContent),
    /// The folder cannot be sealed: links, specials, too much.
    Refused,
    /// Scanned. A scanner that failed on a file says so as a finding (AL-G019).
    Scanned(Findings),
    /// All hashes recomputed: the digest of what is there.
    Verified(String),
    /// Handed out, or not.
    Delivered(Delivered),
    /// Nothing was scanned: the malware scanner gave no answer.
    Unscanned(Unscanned),
    /// Ended without a result.
    Lost,
}
