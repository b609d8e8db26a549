//! What the scan has said of the files, read back from the chamber. It has lain on a volume since: nothing in it is taken for markup.

use std::collections::BTreeMap;

use sde_core::airlock::report::salted_digest;
use sde_inspect::Kind;
use serde::Deserialize;
use serde_json::Value;

use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;

/// The whole report, as far as people read it.
#[derive(Debug, Deserialize)]
pub struct Looked {
    files: Vec<FileReport>,
    /// What the files are together.
    pub together: Vec<Finding>,
    /// Digest of the report, as the scan told it (`salted_digest`).
    #[serde(skip)]
    pub digest: String,
}

/// What is said of one file.
#[derive(Debug, Deserialize)]
pub struct FileReport {
    number: u64,
    kind: String,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl FileReport {
    /// What it is, for people; a type that only another version of the scan knows as that one calls it.
    pub fn kind(&self) -> &str {
        let known = Kind::deserialize(Value::from(self.kind.as_str()));
        known.map_or(self.kind.as_str(), |kind| kind.name())
    }
}

/// One finding.
#[derive(Debug, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// What it does.
    pub severity: String,
    /// Where, the first time.
    pub place: BTreeMap<String, Value>,
    /// How often.
    pub count: u64,
    /// What was seen.
    pub what: String,
    /// What the researcher should do.
    pub advice: String,
}

impl Looked {
    /// The report in this chamber; none when it was not scanned, or what is there is no report.
    ///
    /// # Errors
    /// [`JobError::Io`] when it is there and cannot be read.
    pub fn of(chamber: &Chamber, salt: &str) -> Result<Option<Self>, JobError> {
        let Some(bytes) = chamber.findings()? else {
            return Ok(None);
        };
        let Ok(looked) = serde_json::from_slice::<Self>(&bytes) else {
            tracing::error!("what stands for the scan's report is none");
            return Ok(None);
        };
        let digest = salted_digest(salt, &bytes);
        Ok(Some(Self { digest, ..looked }))
    }

    /// What is said of a file.
    pub fn file(&self, number: u64) -> Option<&FileReport> {
        self.files.iter().find(|f| f.number == number)
    }
}
