//! What an airlock job says at its end, small enough for a container's termination message, and what the controller makes of it.
//!
//! The job's pod is the only place where these bytes can come from, and it has read what a researcher wrote: so nothing but
//! exactly a report is accepted, of this pod and of this kind of job. Anything else is [`Outcome::Lost`].

use std::collections::BTreeSet;

use sde_crds::airlock_status::{Finding, Findings, SealedContent, Severity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::airlock::fingerprint::is_fingerprint;
use crate::airlock::malware::Unscanned;
use crate::airlock::observe::{Delivered, JobKind, Outcome};
use crate::lock::{TERMINATION_MESSAGE_MAX, is_pod_uid};

/// The version this code writes and accepts.
pub const REPORT_VERSION: u8 = 1;

/// Files that a request may have: what a person can look at, and what the kind allows.
pub const MAX_FILES: u64 = 50;

/// Rules that a report names; the whole list is in the chamber.
pub const MAX_RULES: usize = 64;

/// An error text longer than this is cut.
const ERROR_MAX: usize = 240;

/// What a job says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u8,
    /// UID of the pod it ran in.
    pub pod_uid: String,
    /// What came of it.
    pub result: Said,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Said {
    /// Seal: what is in the chamber now.
    Sealed(Sealed),
    /// Seal: the folder cannot be sealed as it is.
    Refused(Refusal),
    /// Scan: what was found.
    Scanned(Scanned),
    /// Scan: the malware scanner gave no answer.
    Unscanned(Unscanned),
    /// Verify: digest of what is there.
    Verified(String),
    /// Deliver: what was handed out.
    Delivered(Delivered),
    /// No result, and why, for the platform team.
    Failed(String),
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sealed {
    /// [`salted_digest`] of the manifest.
    pub digest: String,
    /// Number of files.
    pub files: u64,
    /// All files together, in bytes.
    pub bytes: u64,
    /// TransferToSde: to whose keys all of it is encrypted (`transfer::recipient`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Export, Import: of each file, in the order of their numbers (`fingerprint`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
}

/// Why a folder cannot be sealed. Names no file: this reaches the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// It holds no file.
    Empty,
    /// A symbolic link.
    SymbolicLink,
    /// A file that has more than one name.
    HardLink,
    /// A device, named pipe or socket.
    SpecialFile,
    /// More files than a request may have, or folders without end.
    TooManyFiles,
    /// More bytes than the tier allows.
    TooManyBytes,
    /// A name that is not UTF-8, holds a control character, or is too long.
    Name,
    /// A file that its owner does not let be read.
    Unreadable,
    /// A file changed while it was copied.
    Changed,
    /// Transfer: the grant does not hold what was registered.
    NotAsRegistered,
}

impl Refusal {
    /// A sentence that says what to do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Empty => "The folder holds no file. Put the results into it.",
            Self::SymbolicLink => "The folder holds a symbolic link. Put the file itself into it.",
            Self::HardLink => {
                "The folder holds a file that has a second name (a hard link). Copy it, so that it stands alone."
            }
            Self::SpecialFile => {
                "The folder holds a device, named pipe or socket. Only files and folders can be sealed."
            }
            Self::TooManyFiles => {
                "The folder holds more files or folders than people can look at. Split the request."
            }
            Self::TooManyBytes => {
                "The folder holds more bytes than the tier allows. Release what is reported, or split the request."
            }
            Self::Name => {
                "A name in the folder is not UTF-8, holds a control character or is too long. Rename it."
            }
            Self::Unreadable => {
                "A file or folder in it cannot be read. Give yourself the right to read it (chmod -R u+rX)."
            }
            Self::Changed => {
                "A file changed while it was copied. Stop what writes into the folder."
            }
            Self::NotAsRegistered => {
                "The grant does not hold the bytes that were registered as its Dataset. Find out who changed them."
            }
        }
    }
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scanned {
    /// [`salted_digest`] of the whole report, `report/findings.json`.
    pub digest: String,
    /// [`salted_digest`] of the manifest of what was scanned.
    pub content_digest: String,
    /// As the task said.
    pub policy_digest: String,
    /// Rules that matched, at most [`MAX_RULES`], each once.
    pub rules: Vec<Matched>,
}

/// One rule that matched; names as short as 64 of them need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matched {
    /// The rule.
    #[serde(rename = "r")]
    pub rule: String,
    /// What it does to the request.
    #[serde(rename = "s")]
    pub severity: Severity,
    /// How many files it matched.
    #[serde(rename = "n")]
    pub files: u64,
    /// Whether it is certain: individual-level data, recognised by its structure, or of a transfer what is not encrypted.
    #[serde(rename = "c")]
    pub certain: bool,
}

/// Why a termination message is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Longer than [`TERMINATION_MESSAGE_MAX`].
    #[error("the report is {0} bytes, more than a termination message holds")]
    TooLong(usize),
    /// Not JSON of a report; the kubelet may have cut it.
    #[error("the job's termination message is not a report: {0}")]
    Json(String),
    /// Another version than [`REPORT_VERSION`].
    #[error("the report has version {0}, this controller reads {REPORT_VERSION}")]
    Version(u8),
    /// It is of another pod.
    #[error("the report is of another pod")]
    Foreign,
    /// A number, digest or rule that no job can say.
    #[error("the report says what no job can: {0}")]
    Impossible(&'static str),
}

impl Report {
    /// A job's report.
    #[must_use]
    pub fn new(pod_uid: &str, result: Said) -> Self {
        Self {
            version: REPORT_VERSION,
            pod_uid: pod_uid.to_owned(),
            result,
        }
    }

    /// A report without a result; the text is cut to fit.
    #[must_use]
    pub fn failed(pod_uid: &str, error: &str) -> Self {
        let mut said = String::new();
        // JSON would lengthen control characters sixfold.
        for c in error.chars().filter(|c| !c.is_control()) {
            if said.len() + c.len_utf8() > ERROR_MAX {
                break;
            }
            said.push(c);
        }
        let pod_uid = if is_pod_uid(pod_uid) { pod_uid } else { "" };
        Self::new(pod_uid, Said::Failed(said))
    }

    /// The JSON for the termination message.
    ///
    /// # Errors
    /// [`ReportError::TooLong`], which no report that [`Report::parse`] accepts can cause.
    pub fn to_message(&self) -> Result<String, ReportError> {
        let json = serde_json::to_string(self).map_err(|e| ReportError::Json(e.to_string()))?;
        if json.len() > TERMINATION_MESSAGE_MAX {
            return Err(ReportError::TooLong(json.len()));
        }
        Ok(json)
    }

    /// Reads the termination message of a pod.
    ///
    /// # Errors
    /// [`ReportError`]: the job has no result.
    pub fn parse(message: &[u8], pod_uid: &str) -> Result<Self, ReportError> {
        if message.len() > TERMINATION_MESSAGE_MAX {
            return Err(ReportError::TooLong(message.len()));
        }
        let report: Self =
            serde_json::from_slice(message).map_err(|e| ReportError::Json(e.to_string()))?;
        if report.version != REPORT_VERSION {
            return Err(ReportError::Version(report.version));
        }
        if !is_pod_uid(pod_uid) || report.pod_uid != pod_uid {
            return Err(ReportError::Foreign);
        }
        report.result.possible()?;
        Ok(report)
    }
}

impl Said {
    fn possible(&self) -> Result<(), ReportError> {
        let no = |what| Err(ReportError::Impossible(what));
        match self {
            Self::Sealed(s) if !is_digest(&s.digest) => no("a digest"),
            Self::Sealed(s) if !(1..=MAX_FILES).contains(&s.files) => no("a number of files"),
            Self::Sealed(s) if i64::try_from(s.bytes).is_err() => no("a number of bytes"),
            Self::Sealed(s) if !s.known_again() => no("fingerprints"),
            Self::Verified(digest) if !is_digest(digest) => no("a digest"),
            Self::Scanned(s) => s.possible(),
            Self::Delivered(d) => d.possible(),
            Self::Sealed(_)
            | Self::Refused(_)
            | Self::Unscanned(_)
            | Self::Verified(_)
            | Self::Failed(_) => Ok(()),
        }
    }
}

impl Sealed {
    /// Whether it has a fingerprint for each file, or none at all.
    fn known_again(&self) -> bool {
        let all = &self.fingerprints;
        all.is_empty() || (all.len() as u64 == self.files && all.iter().all(|f| is_fingerprint(f)))
    }
}

impl Delivered {
    fn possible(&self) -> Result<(), ReportError> {
        let no = |what| Err(ReportError::Impossible(what));
        let mut hashes = [Some(&self.sha256), self.door_sha256.as_ref()]
            .into_iter()
            .flatten();
        let mut counts = [Some(self.bytes), self.door_bytes].into_iter().flatten();
        if !hashes.all(|hash| is_hash(hash)) {
            return no("a hash");
        }
        if !counts.all(|n| i64::try_from(n).is_ok()) {
            return no("a number of bytes");
        }
        // Whoever says that all arrived has been told so by the door, of a ticket.
        let told = self.ticket.is_some() && self.door_bytes.is_some() && self.door_sha256.is_some();
        if self.complete && !told {
            return no("a delivery that nobody confirmed");
        }
        if self.ticket.is_none() && self.bytes > 0 {
            return no("bytes that nobody fetched");
        }
        Ok(())
    }
}

impl Scanned {
    fn possible(&self) -> Result<(), ReportError> {
        let no = |what| Err(ReportError::Impossible(what));
        let digests = [&self.digest, &self.content_digest, &self.policy_digest];
        if !digests.iter().all(|d| is_digest(d)) {
            return no("a digest");
        }
        let names: BTreeSet<&str> = self.rules.iter().map(|r| r.rule.as_str()).collect();
        if self.rules.len() > MAX_RULES || names.len() != self.rules.len() {
            return no("too many rules, or one twice");
        }
        if !names.iter().all(|name| is_rule(name)) {
            return no("a rule");
        }
        if !self
            .rules
            .iter()
            .all(|r| (1..=MAX_FILES).contains(&r.files))
        {
            return no("a number of files");
        }
        Ok(())
    }
}

/// What a job's termination message amounts to: its result, or [`Outcome::Lost`] when it is missing, foreign, malformed or of
/// another kind of job.
#[must_use]
pub fn parse(message: &[u8], pod_uid: &str, kind: JobKind) -> Outcome {
    let Ok(report) = Report::parse(message, pod_uid) else {
        return Outcome::Lost;
    };
    match (kind, report.result) {
        (JobKind::Seal, Said::Sealed(sealed)) => Outcome::Sealed(sealed.into()),
        (JobKind::Seal, Said::Refused(_)) => Outcome::Refused,
        (JobKind::Scan, Said::Scanned(scanned)) => Outcome::Scanned(scanned.into()),
        (JobKind::Scan, Said::Unscanned(why)) => Outcome::Unscanned(why),
        (JobKind::Verify, Said::Verified(digest)) => Outcome::Verified(digest),
        (JobKind::Deliver, Said::Delivered(delivered)) => Outcome::Delivered(delivered),
        _ => Outcome::Lost,
    }
}

impl From<Sealed> for SealedContent {
    fn from(sealed: Sealed) -> Self {
        Self {
            digest: sealed.digest,
            files: signed(sealed.files),
            bytes: signed(sealed.bytes),
            recipient: sealed.recipient,
            fingerprints: Some(sealed.fingerprints).filter(|f| !f.is_empty()),
        }
    }
}

impl From<Scanned> for Findings {
    fn from(scanned: Scanned) -> Self {
        let rules = scanned.rules.into_iter().map(|matched| Finding {
            rule: matched.rule,
            severity: matched.severity,
            files: signed(matched.files),
            certain: matched.certain,
        });
        Self {
            digest: scanned.digest,
            content_digest: scanned.content_digest,
            policy_digest: scanned.policy_digest,
            rules: rules.collect(),
        }
    }
}

/// The API's integers are signed; what does not fit was refused before.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Digest of a sealed file of the chamber: `v1:sha256:<hex>` of the salt, a newline, and the bytes. So the same content in two
/// requests does not show as the same, and stock tools recompute it: `(echo "$uid"; cat manifest.json) | sha256sum`.
#[must_use]
pub fn salted_digest(salt: &str, bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt.as_bytes());
    hasher.update(b"\n");
    hasher.update(bytes);
    format!("v1:sha256:{}", hex::encode(hasher.finalize()))
}

/// As `schema::bound_digest` has it.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("v1:sha256:").is_some_and(is_hash)
}

fn is_hash(digits: &str) -> bool {
    digits.len() == 64
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// As `schema::rule` has it.
fn is_rule(text: &str) -> bool {
    matches!(text.as_bytes(), [b'A', b'L', b'-', letter, digits @ ..]
        if letter.is_ascii_uppercase() && digits.len() == 3 && digits.iter().all(u8::is_ascii_digit))
}
