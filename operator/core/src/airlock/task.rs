//! What the controller tells an airlock job to do: one JSON document in its environment.
//!
//! Made from the request and the policy, read by the agent. Holds numbers and names of rules' inputs, nothing a person wrote.

use std::collections::{BTreeMap, BTreeSet};

use sde_crds::airlock_request::{AirlockRequestSpec, Direction, Statistic};
use sde_crds::airlock_status::Signal;
use sde_crds::policy_airlock::AirlockPolicy;
use serde::{Deserialize, Serialize};

use crate::airlock::fingerprint::FingerprintKey;
use crate::airlock::history;
use crate::airlock::malware::MalwareTask;
use crate::airlock::observe::JobKind;
use crate::airlock::report::MAX_FILES;
use crate::airlock::review::policy_digest;
use crate::airlock::transfer::TransferTask;
use crate::airlock::viewing::ViewingKey;
use crate::lock::is_pod_uid;

/// Environment variable that holds the task.
pub const TASK_ENV: &str = "SDE_AIRLOCK_JOB";

/// The version this code writes and accepts.
pub const TASK_VERSION: u8 = 1;

/// What a job of the airlock is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Task {
    /// [`TASK_VERSION`].
    pub version: u8,
    /// What it does.
    pub kind: JobKind,
    /// The request's UID: digests of unreleased content are salted with it.
    pub salt: String,
    /// Which way the files go; decides where Seal finds them.
    pub direction: Direction,
    /// Bytes that all files together may have.
    pub max_bytes: u64,
    /// Files that there may be; at most [`MAX_FILES`].
    pub max_files: u64,
    /// Digest of the airlock's policy under which the findings hold (`review::policy_digest`).
    pub policy_digest: String,
    /// Numbers that rules compare with.
    pub thresholds: Thresholds,
    /// What the requester says of the files.
    #[serde(default, skip_serializing_if = "Declaration::is_empty")]
    pub declaration: Declaration,
    /// A job that serves: whom it believes, and what its tickets must be for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<DoorTask>,
    /// View: how it tells who has opened every file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewing: Option<ViewingTask>,
    /// Seal of a TransferToSde: what is taken, and for whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferTask>,
    /// Seal of an Export or Import: under what its files' fingerprints are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<FingerprintKey>,
    /// Scan: the malware scanner that has run before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malware: Option<MalwareTask>,
}

/// What a viewer makes codes of, beside what [`DoorTask`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewingTask {
    /// Key of this request's codes.
    pub key: ViewingKey,
    /// Digest of the findings that are under review: beside others, no code is shown.
    pub findings: String,
    /// What stands out of the request, which that digest covers beside the report (`history::bound`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
}

impl ViewingTask {
    /// Whether a report of this digest is the one that is under review.
    #[must_use]
    pub fn is_of(&self, report: &str) -> bool {
        history::bound(report, &self.signals) == self.findings
    }
}

/// What a job that serves through the door must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoorTask {
    /// Public keys of those who sign tickets, SPKI PEM, by issuer: `portal-request`, `portal-decide`.
    pub keys: BTreeMap<String, String>,
    /// Name of the project.
    pub project: String,
    /// Name of the request; its UID is the task's salt.
    pub request: String,
    /// Digest of what was sealed; empty as long as nothing is.
    pub content: String,
    /// Who asks: nobody else collects or uploads.
    pub requester: String,
}

/// Numbers of the SdePolicy that rules compare with. All others are the inspector's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// Counts of people above zero and below this are held. Floor 5.
    pub minimum_count: u64,
}

/// What the requester says of the files, as far as rules can use it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Declaration {
    /// By file's number in the sealed manifest.
    pub files: BTreeMap<u64, DeclaredFile>,
    /// Files of imports for which no licence is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unlicensed: BTreeSet<u64>,
}

/// What is said of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredFile {
    /// People behind the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    /// Whether it is said to be a figure.
    pub figure: bool,
    /// Number of the file with the unrounded counts behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_file: Option<u64>,
}

/// Why a text is no task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Not JSON of a task.
    #[error("{TASK_ENV} is not a task: {0}")]
    Json(String),
    /// Another version than [`TASK_VERSION`].
    #[error("the task has version {0}, this agent reads {TASK_VERSION}")]
    Version(u8),
    /// The salt is no UID.
    #[error("the task's salt is not a UID")]
    Salt,
    /// A job that serves, without [`DoorTask`].
    #[error("the task does not say whose tickets to believe")]
    NoDoor,
    /// View without [`ViewingTask`].
    #[error("the task does not say how codes are made")]
    NoViewing,
    /// Seal of a TransferToSde without [`TransferTask`].
    #[error("the task does not say for whom it is encrypted")]
    NoTransfer,
    /// More files than a request may have.
    #[error("the task allows more than {MAX_FILES} files")]
    MaxFiles,
}

impl Task {
    /// The task of one job of a request: its UID, its spec, the policy, how many bytes its tier allows, and for a job that serves
    /// whom it believes.
    #[must_use]
    pub fn new(
        kind: JobKind,
        uid: &str,
        spec: &AirlockRequestSpec,
        policy: &AirlockPolicy,
        max_bytes: u64,
        door: Option<DoorTask>,
    ) -> Self {
        Self {
            version: TASK_VERSION,
            kind,
            salt: uid.to_owned(),
            direction: spec.direction,
            max_bytes,
            max_files: MAX_FILES,
            policy_digest: policy_digest(policy),
            thresholds: Thresholds {
                minimum_count: u64::try_from(policy.minimum_count).unwrap_or_default(),
            },
            // Seal runs before anything is declared, and what it does must not depend on it.
            declaration: match kind {
                JobKind::Scan => Declaration::of(spec),
                JobKind::Seal
                | JobKind::Verify
                | JobKind::View
                | JobKind::Deliver
                | JobKind::Receive => Declaration::default(),
            },
            door,
            viewing: None,
            transfer: None,
            fingerprints: None,
            malware: MalwareTask::of(kind, spec.direction, policy),
        }
    }

    /// The same, for a viewer.
    #[must_use]
    pub fn with_viewing(self, viewing: Option<ViewingTask>) -> Self {
        Self { viewing, ..self }
    }

    /// The same, for Seal of a TransferToSde.
    #[must_use]
    pub fn with_transfer(self, transfer: Option<TransferTask>) -> Self {
        Self { transfer, ..self }
    }

    /// The same, for a Seal whose files are to be known again.
    #[must_use]
    pub fn with_fingerprints(self, fingerprints: Option<FingerprintKey>) -> Self {
        Self {
            fingerprints,
            ..self
        }
    }

    /// The text for the environment variable.
    ///
    /// # Errors
    /// [`TaskError::Json`], which no task can cause.
    pub fn to_env(&self) -> Result<String, TaskError> {
        serde_json::to_string(self).map_err(|e| TaskError::Json(e.to_string()))
    }

    /// Reads the environment variable.
    ///
    /// # Errors
    /// [`TaskError`]: the job ends without a result.
    pub fn parse(text: &str) -> Result<Self, TaskError> {
        let task: Self = serde_json::from_str(text).map_err(|e| TaskError::Json(e.to_string()))?;
        if task.version != TASK_VERSION {
            return Err(TaskError::Version(task.version));
        }
        if !is_pod_uid(&task.salt) {
            return Err(TaskError::Salt);
        }
        if task.kind.serves() && task.door.is_none() {
            return Err(TaskError::NoDoor);
        }
        if task.kind == JobKind::View && task.viewing.is_none() {
            return Err(TaskError::NoViewing);
        }
        let encrypts = task.kind == JobKind::Seal && task.direction == Direction::TransferToSde;
        if encrypts && task.transfer.is_none() {
            return Err(TaskError::NoTransfer);
        }
        if task.max_files > MAX_FILES {
            return Err(TaskError::MaxFiles);
        }
        Ok(task)
    }
}

impl Declaration {
    /// What a request says of its files. A file that is declared twice is what its first output says; such a request is never scanned.
    #[must_use]
    pub fn of(spec: &AirlockRequestSpec) -> Self {
        let mut files = BTreeMap::new();
        for output in spec.outputs.iter().flatten() {
            let size = output.population.as_ref().map(|p| p.size);
            let declared = DeclaredFile {
                population: size.and_then(|n| u64::try_from(n).ok()),
                figure: output.statistic == Statistic::Figure,
                counts_file: output.counts_file.and_then(|n| u64::try_from(n).ok()),
            };
            for file in output.files.iter().filter_map(|n| u64::try_from(*n).ok()) {
                files.entry(file).or_insert_with(|| declared.clone());
            }
        }
        let unlicensed = spec.imports.iter().flatten();
        let unlicensed = unlicensed.filter(|i| i.licence.is_none());
        Self {
            files,
            unlicensed: unlicensed
                .flat_map(|i| &i.files)
                .filter_map(|n| u64::try_from(*n).ok())
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.unlicensed.is_empty()
    }
}
