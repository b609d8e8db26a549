//! `kubectl sde verify`: each check of an attestation or of an airlock receipt, offline, and what it says.

use std::path::Path;

use sde_evidence::{Receipt, Verified, VerifiedReceipt, VerifyError};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::text::{Paint, Tone};

/// The checks, in the order in which `sde_evidence::verify` makes them.
const CHECKS: [&str; 9] = [
    "the key is a P-256 public key (SPKI PEM)",
    "the bundle is a Sigstore bundle v0.3 with a DSSE envelope",
    "the envelope holds an in-toto statement and one signature",
    "the bundle names the key that was given",
    "the signature is the key's, over this very statement",
    "the statement is an in-toto v1 data-destruction attestation",
    "the attestation claims no more than its own facts support",
    "the evidence is the file that was signed for (SHA-256, size)",
    "the evidence and the attestation agree",
];

/// Those of a receipt, in the order in which `sde_evidence::verify_receipt` makes them.
const RECEIPT_CHECKS: [&str; 7] = [
    CHECKS[0],
    CHECKS[1],
    CHECKS[2],
    CHECKS[3],
    CHECKS[4],
    "the statement is an in-toto v1 receipt of an airlock",
    "the receipt says what its event must, and is about what it names",
];

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// An earlier one failed, so this one was not made.
    NotReached,
}

/// One check.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub check: &'static str,
    /// What came of it.
    pub result: CheckResult,
}

/// The whole verification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether every check holds.
    pub verified: bool,
    /// Every check.
    pub checks: Vec<Check>,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Hex SHA-256 of the key's SPKI DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// What the bundle carries that is not checked here.
    pub unchecked: Vec<String>,
    /// The signed statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<serde_json::Value>,
    /// For people.
    #[serde(skip)]
    pub summary: String,
}

/// Verifies and prints.
///
/// # Errors
/// [`CliError::Usage`] when a file cannot be read.
pub fn run(args: &VerifyArgs, paint: Paint) -> Result<Done, CliError> {
    let key = String::from_utf8_lossy(&read(&args.key)?).into_owned();
    let bundle = read(&args.bundle)?;
    let verification = match &args.evidence {
        Some(evidence) => verify(&bundle, &read(evidence)?, &key),
        None => verify_receipt(&bundle, &key),
    };
    match args.output.output {
        Format::Json => out::print_json(&verification)?,
        Format::Text => out::print(&render(&verification, paint))?,
    }
    Ok(if verification.verified {
        Done::Yes
    } else {
        Done::No
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))
}

/// Makes every check.
pub fn verify(bundle: &[u8], evidence: &[u8], key: &str) -> Verification {
    match sde_evidence::verify(bundle, evidence, key) {
        Ok(verified) => passed(verified),
        Err(error) => failed(&CHECKS, &error),
    }
}

/// Makes every check of a receipt.
pub fn verify_receipt(bundle: &[u8], key: &str) -> Verification {
    match sde_evidence::verify_receipt(bundle, key) {
        Ok(verified) => receipt_passed(&verified),
        Err(error) => failed(&RECEIPT_CHECKS, &error),
    }
}

fn receipt_passed(verified: &VerifiedReceipt) -> Verification {
    Verification {
        verified: true,
        checks: checks(&RECEIPT_CHECKS, RECEIPT_CHECKS.len()),
        error: None,
        key_id: Some(verified.key_id.clone()),
        unchecked: verified.unchecked.iter().map(ToString::to_string).collect(),
        statement: serde_json::to_value(&verified.statement).ok(),
        summary: receipt_summary(&verified.statement.predicate),
    }
}

fn receipt_summary(receipt: &Receipt) -> String {
    let request = &receipt.request;
    let mut lines = vec![
        format!(
            "{:?} at {}: {} {} of project {}",
            receipt.event, receipt.at, request.direction, request.name, request.project
        ),
        format!(
            "  content   {} ({} files, {} bytes; salted with {})",
            receipt.content.digest, receipt.content.files, receipt.content.bytes, request.uid
        ),
        format!("  process   {}", receipt.process_digest),
    ];
    let reviews = receipt.reviews.iter();
    lines.extend(reviews.map(|r| {
        let (who, role, decision, reason) = (&r.reviewer, &r.role, &r.decision, &r.reason);
        format!("  review    {who} as {role}: {decision}, {reason}")
    }));
    lines.extend(receipt.delivery.iter().map(|d| {
        let door = d
            .door_bytes
            .map_or("nothing".to_owned(), |n| format!("{n} bytes"));
        format!(
            "  collected {}: number {}, {} bytes; the door counted {door}",
            d.outcome, d.number, d.bytes
        )
    }));
    lines.push(String::new());
    lines.join("\n")
}

fn passed(verified: Verified) -> Verification {
    Verification {
        verified: true,
        checks: checks(&CHECKS, CHECKS.len()),
        error: None,
        key_id: Some(verified.key_id),
        unchecked: verified.unchecked.iter().map(ToString::to_string).collect(),
        statement: serde_json::from_slice(&verified.statement_json).ok(),
        summary: verified.summary,
    }
}

fn failed(of: &[&'static str], error: &VerifyError) -> Verification {
    let at = match error {
        VerifyError::Key(_) => 0,
        VerifyError::Bundle(_) | VerifyError::MediaType(_) => 1,
        VerifyError::PayloadType(_) | VerifyError::SignatureCount(_) => 2,
        VerifyError::KeyIdMismatch { .. } => 3,
        VerifyError::Signature => 4,
        VerifyError::StatementShape(_)
        | VerifyError::PredicateType { .. }
        | VerifyError::PredicateShape(_) => 5,
        VerifyError::Predicate(_) | VerifyError::Receipt(_) => 6,
        VerifyError::SubjectDigest { .. } | VerifyError::EvidenceReference => 7,
        VerifyError::EvidenceShape(_) | VerifyError::Disagreement(_) => 8,
    };
    Verification {
        verified: false,
        checks: checks(of, at),
        error: Some(error.to_string()),
        key_id: None,
        unchecked: Vec::new(),
        statement: None,
        summary: String::new(),
    }
}

/// The first `passed` checks hold, the next one (if any) failed, later ones were not reached.
fn checks(of: &[&'static str], passed: usize) -> Vec<Check> {
    let result = |i: usize| match i.cmp(&passed) {
        std::cmp::Ordering::Less => CheckResult::Passed,
        std::cmp::Ordering::Equal => CheckResult::Failed,
        std::cmp::Ordering::Greater => CheckResult::NotReached,
    };
    of.iter()
        .enumerate()
        .map(|(i, check)| Check {
            check,
            result: result(i),
        })
        .collect()
}

/// For people: the summary first, the checks and the verdict last, where the eye ends.
pub fn render(verification: &Verification, paint: Paint) -> String {
    let mut text = String::new();
    if verification.verified {
        text.push_str(&verification.summary);
        text.push('\n');
    }
    text.push_str("Checks\n");
    for check in &verification.checks {
        let (tone, mark) = match check.result {
            CheckResult::Passed => (Tone::Good, "✓"),
            CheckResult::Failed => (Tone::Bad, "✗"),
            CheckResult::NotReached => (Tone::Dim, "·"),
        };
        text.push_str(&format!("  {} {}\n", paint.paint(tone, mark), check.check));
    }
    for what in &verification.unchecked {
        text.push_str(&format!(
            "  {} not checked here: {what}\n",
            paint.paint(Tone::Wait, "·")
        ));
    }
    text.push('\n');
    match (&verification.error, &verification.key_id) {
        (Some(error), _) => {
            text.push_str(&paint.paint(Tone::Bad, &format!("NOT VERIFIED: {error}")))
        }
        (None, key) => {
            let key = key.as_deref().unwrap_or_default();
            text.push_str(&paint.paint(Tone::Good, &format!("VERIFIED with key {key}")));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
