//! The entry: one file, looked at as a whole.

use std::io::{self, Read, Seek};

use thiserror::Error;

use crate::kind::Kind;
use crate::limits::{Declared, Limits, Thresholds};
use crate::report::{Place, Report};
use crate::rules;
use crate::walk::Walk;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum InspectError {
    /// The file itself could not be read. Whoever asked must hold it.
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// Looks at one file: what it is, and what of it people must see.
///
/// Reads `input` from its start, more than once; keeps a bounded part of it in memory. Thresholds weaker than their floors
/// count as the floors. What lies inside and cannot be read is a finding.
///
/// # Errors
/// [`InspectError::Read`] when `input` itself fails.
pub fn inspect(
    input: &mut (impl Read + Seek),
    limits: &Limits,
    thresholds: &Thresholds,
    declared: &Declared,
) -> Result<Report, InspectError> {
    let thresholds = thresholds.floored();
    let mut walk = Walk::new(limits, &thresholds, declared);
    let (kind, bytes) = walk.node(input, &Place::default())?;
    walk.findings.facts.bytes = bytes;
    ceiling(&mut walk, kind, bytes);
    let (findings, facts) = walk.findings.into_sorted();
    Ok(Report {
        kind,
        findings,
        facts,
    })
}

/// Bytes that a file of this kind may have.
fn ceiling(walk: &mut Walk<'_>, kind: Kind, bytes: u64) {
    let max = match kind {
        Kind::GwasSummary => walk.thresholds.gwas_bytes,
        _ => walk.thresholds.file_bytes,
    };
    if bytes > max {
        let what = format!("{bytes} bytes; a file of this type may have {max}");
        walk.findings.add(&rules::G003, &Place::default(), what);
    }
    if kind != Kind::GwasSummary && bytes > walk.thresholds.block_bytes {
        let what = format!(
            "{bytes} bytes; no result may have more than {}",
            walk.thresholds.block_bytes
        );
        walk.findings.add(&rules::G025, &Place::default(), what);
    }
}
