//! Scan: what is in the chamber's files? The whole report stays in the chamber; the API learns rules and numbers.

use std::io::BufReader;

use jiff::Timestamp;
use sde_core::airlock::manifest::file_name;
use sde_core::airlock::report::{Scanned, salted_digest};
use sde_core::airlock::task::Task;
use sde_crds::airlock_request;
use sde_evidence::canonical_json;
use sde_inspect::{
    Declared, DeclaredFile, Direction, Facts, Finding, Folder, Kind, Limits, Thresholds,
};
use serde::Serialize;

use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;
use crate::airlock::findings::matched;
use crate::airlock::folder;
use crate::airlock::malware::{self, Scanner};
use crate::airlock::verify::there;

/// The version of the whole report.
const VERSION: u8 = 1;

/// The whole report: rules, places and our own words; never what matched, nor a name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WholeReport<'a> {
    version: u8,
    agent: &'static str,
    content_digest: &'a str,
    policy_digest: &'a str,
    thresholds: &'a Thresholds,
    /// What looked for malware before.
    #[serde(skip_serializing_if = "Option::is_none")]
    malware_scanner: Option<Scanner>,
    files: Vec<FileReport>,
    /// What the files are together.
    together: &'a [Finding],
}

/// One file of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileReport {
    number: u64,
    kind: Kind,
    facts: Facts,
    findings: Vec<Finding>,
}

/// Looks at every file, by number, with the policy's thresholds and what the requester says of it.
///
/// `looked` is told each file's number once it was looked at.
///
/// # Errors
/// [`JobError`] when nothing was sealed, the chamber fails, or the malware scanner of the task gave no answer. A file on which a rule fails is a finding (AL-G019).
pub fn scan(
    task: &Task,
    chamber: &Chamber,
    now: Timestamp,
    looked: &mut dyn FnMut(u64),
) -> Result<Scanned, JobError> {
    let (sealed, content_digest) = there(task, chamber)?;
    let malware = malware::scanned(task.malware.as_ref(), chamber, &sealed, now)?;
    let thresholds = thresholds(task);
    let content = folder::Folder::open(&chamber.content())
        .map_err(JobError::io("the chamber's content cannot be read"))?;
    let mut inspected = Folder::new(&Limits::default(), &thresholds, direction(task.direction));
    for file in &sealed.files {
        let opened = content.file(&file_name(file.number));
        let input = opened.map(BufReader::new).map_err(Into::into);
        let said = DeclaredFile {
            malware: malware.of(file.number),
            ..said(task, file.number)
        };
        inspected.file(input, &file.path, said);
        looked(file.number);
    }
    let (reports, together) = inspected.finish();
    let rules = matched(&reports, &together);
    let numbered = sealed.files.iter().zip(reports);
    let whole = WholeReport {
        version: VERSION,
        agent: env!("CARGO_PKG_VERSION"),
        content_digest: &content_digest,
        policy_digest: &task.policy_digest,
        thresholds: &thresholds,
        malware_scanner: malware.scanner,
        files: numbered
            .map(|(file, report)| FileReport {
                number: file.number,
                kind: report.kind,
                facts: report.facts,
                findings: report.findings,
            })
            .collect(),
        together: &together,
    };
    let bytes = canonical_json(&whole).map_err(|e| JobError::Canonical("the report", e))?;
    chamber.write_findings(&bytes)?;
    Ok(Scanned {
        digest: salted_digest(&task.salt, &bytes),
        policy_digest: task.policy_digest.clone(),
        content_digest,
        rules,
    })
}

/// The inspector's numbers, where the policy asks for more. A count of alleles says at least as much as one of people.
fn thresholds(task: &Task) -> Thresholds {
    let ours = Thresholds::default();
    let minimum = task.thresholds.minimum_count;
    Thresholds {
        small_count: minimum,
        minor_allele_count: ours.minor_allele_count.max(minimum),
        ..ours
    }
    .floored()
}

/// What findings mean.
fn direction(of: airlock_request::Direction) -> Direction {
    match of {
        airlock_request::Direction::Import => Direction::Import,
        airlock_request::Direction::Export => Direction::Export,
        airlock_request::Direction::TransferToSde => Direction::Transfer,
    }
}

/// What is declared of a file.
fn said(task: &Task, number: u64) -> DeclaredFile {
    let unlicensed = task.declaration.unlicensed.contains(&number);
    let Some(declared) = task.declaration.files.get(&number) else {
        return DeclaredFile {
            unlicensed,
            ..DeclaredFile::default()
        };
    };
    DeclaredFile {
        declared: Declared {
            population: declared.population,
            // Nothing in the API says how many people a dataset has.
            ..Declared::default()
        },
        figure: declared.figure,
        counts_file: declared.counts_file,
        unlicensed,
        ..DeclaredFile::default()
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
